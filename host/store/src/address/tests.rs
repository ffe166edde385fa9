//! What a URL may say.

/// What `Store::open` says about a URL: the error and its help, or the URL as it is shown.
#[track_caller]
fn check(url: &str, expected: &str) {
    let secrets = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "AZURE_STORAGE_KEY" => {
            Some("c2VjcmV0".to_owned())
        }
        _ => None,
    };
    let said = match crate::Store::open(url, secrets) {
        Ok(store) => store.url().to_owned(),
        Err(err) => err.to_string(),
    };
    assert_eq!(said, expected, "{url}");
}

#[test]
fn each_service_has_its_url() {
    check("memory://", "memory://");
    check("fs:///srv/a%20b", "fs:///srv/a%20b");
    check("file:///srv", "file:///srv");
    check("s3://bucket/a/B?region=eu-west-1", "s3://bucket/a/B");
    check(
        "s3://bucket?region=auto&endpoint=http://127.0.0.1:1&style=host&credentials=none",
        "s3://bucket",
    );
    check("gcs://bucket/a?credentials=none", "gcs://bucket/a");
    check("azblob://container/a?account=us", "azblob://container/a");
    check("redis://localhost", "redis://localhost");
    check("rediss://[::1]:6380/2/a/b?ttl=14d", "rediss://[::1]:6380/2/a/b");
    check("redis+unix:///run/redis.sock?db=1&prefix=a", "redis+unix:///run/redis.sock");
    check("memcached://localhost", "memcached://localhost");
    check("memcached://[::1]:11212/a/b?ttl=30d", "memcached://[::1]:11212/a/b");
    check("memcached+unix:///run/m.sock?prefix=a&ttl=1h", "memcached+unix:///run/m.sock");
    check("reapi://host", "reapi://host");
    check("reapi://host:443/some/instance?prefix=ci/v1", "reapi://host:443/some/instance");
    check("reapi+http://[::1]:8980/main", "reapi+http://[::1]:8980/main");
    check("webdav://host:8443/dav/ci", "webdav://host:8443/dav/ci");
    check("webdav+http://host/dav", "webdav+http://host/dav");
}

#[test]
fn a_url_that_is_none_says_why_and_shows_no_secret() {
    let not = |url: &str, problem: &str| format!("`{url}` is not the URL of a store: {problem}");
    check("", &not("…", "no service has this scheme"));
    check("pass word://x", &not("…", "no service has this scheme"));
    check("ftp://host/x", &not("ftp://…", "no service has this scheme"));
    check("redis://:hunter2@host/0", &not("redis://…", "credentials do not belong in a URL"));
    check("redis://:hunter2@ho st", &not("redis://…", "invalid domain character"));
    check(
        "fs://host/dir",
        &not("fs://host/dir", "it names no absolute path of this machine (three slashes)"),
    );
    check("s3:///a?region=x", &not("s3:///a", "nothing stands before the path"));
    check("s3://b", &not("s3://b", "it has no region (`auto` where the service has none)"));
    check("s3://b?region=x&regoin=y", &not("s3://b", "there is no option `regoin`"));
    check("s3://b?region=x&region=y", &not("s3://b", "the option `region` stands there twice"));
    check("s3://b/a%2e%2e?region=x", &not("s3://b/a%2e%2e", "'%' in its path"));
    check("redis://host/zero", &not("redis://host/zero", "`zero` is not the number of a database"));
    check("redis://host?ttl=1", &not("redis://host", "ttl=1 is no span of time (try ttl=14d)"));
    check(
        "memcached://host?ttl=31d",
        &not("memcached://host", "a ttl of more than 30 days, which no memcached has"),
    );
    check("memcached:///a", &not("memcached:///a", "nothing stands before the path"));
    check("reapi://host/a b", &not("reapi://host/a%20b", "'%' in its path"));
    check("reapi://host?prefix=é", &not("reapi://host", "'é' in its path"));
    check("reapi+http://host?ca=x", &not("reapi+http://host", "there is no option `ca`"));
    check("memory://#a", &not("memory://", "it has a fragment"));
    check("gcs://b", "no credentials for `gcs://b`");
    check("ghac://ns/a", "no credentials for `ghac://ns/a`");
}

#[test]
fn an_option_that_does_not_exist_is_answered_with_those_that_do() {
    let err = crate::Store::open("redis://host?tll=3d", |_| None).unwrap_err();
    assert_eq!(err.help(), Some("it has ttl"));
}

#[test]
fn certificates_to_trust_are_read_when_the_store_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let said = |bytes: &str| {
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, bytes).unwrap();
        let url = format!("webdav://host/x?ca={}", file.display());
        crate::Store::open(&url, |_| None).unwrap_err().to_string()
    };
    assert!(said("").contains("ca: there is no certificate in it; it must hold"));
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(said(junk).contains("ca: certificate 1 in it cannot be used: "));
    check(
        "rediss://host?ca=/none",
        "`rediss://host` is not the URL of a store: \
         ca=/none: it cannot be read: No such file or directory (os error 2)",
    );
    check(
        "reapi://host?ca=/none",
        "`reapi://host` is not the URL of a store: \
         ca=/none: it cannot be read: No such file or directory (os error 2)",
    );
}

#[test]
fn credentials_that_do_not_go_together_are_none() {
    let said = |url: &str, set: &[(&str, &str)]| {
        let lookup = |name: &str| {
            set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
        };
        crate::Store::open(url, lookup).map_err(|err| err.to_string())
    };
    let none = |url: &str| Err(format!("no credentials for `{url}`"));
    let url = "reapi://host";
    let (token, user) = (("STEPWELL_REAPI_TOKEN", "t"), ("STEPWELL_REAPI_USERNAME", "u"));
    let password = ("STEPWELL_REAPI_PASSWORD", "p");
    for set in [&[token][..], &[user, password], &[]] {
        assert!(said(url, set).is_ok(), "{set:?}");
    }
    for set in [&[token, user][..], &[user], &[password], &[token, user, password]] {
        assert_eq!(said(url, set).map(drop), none(url), "{set:?}");
    }
    let keyed = "reapi://host?header=x-api-key";
    assert!(said(keyed, &[token]).is_ok());
    assert_eq!(said(keyed, &[user, password]).map(drop), none(url));
    assert_eq!(said(keyed, &[]).map(drop), none(url));
    let err = said("reapi://host?header=a%20b", &[token]).unwrap_err();
    assert!(err.ends_with("header=a b is not the name of a header"), "{err}");
    let err = said(url, &[("STEPWELL_REAPI_TOKEN", "t\n")]).unwrap_err();
    assert!(err.ends_with("its credentials do not fit a header"), "{err}");
    let url = "memcached://host";
    assert_eq!(said(url, &[("MEMCACHED_USERNAME", "u")]).map(drop), none(url));
    let spaced = [("MEMCACHED_USERNAME", "u"), ("MEMCACHED_PASSWORD", "p w")];
    assert!(said(url, &spaced).unwrap_err().ends_with("holds white space"));
}
