//! Places and what is shown of them.

use super::*;

#[track_caller]
fn check(text: &str, expected: Result<&str, BadPlace>) {
    let place = text.parse::<Place>().map(|place| place.to_string());
    assert_eq!(place, expected.map(str::to_owned), "{text}");
}

#[test]
fn a_place_is_a_path_or_a_url_of_postgres() {
    check("ledger.sqlite", Ok("ledger.sqlite"));
    check("sqlite:/var/lib/x", Ok("/var/lib/x"));
    check("postgres://u:geheim@db:5432/ci", Ok("postgres://db/ci"));
    check("postgresql://a,b/ci?sslmode=verify-full", Ok("postgres://a,b/ci"));
    check("postgres://u@%2Frun%2Fpg/ci", Ok("postgres:///run/pg/ci"));
    check("", Err(BadPlace::Empty));
    check("sqlite:", Err(BadPlace::Empty));
    check("mysql://db/ci", Err(BadPlace::Scheme { scheme: "mysql".to_owned() }));
    check("postgres://u:geheim@db:x/ci", Err(BadPlace::Url(BadUrl::Form)));
    check("postgres:///ci", Err(BadPlace::Url(BadUrl::NoHost)));
}

#[test]
fn another_machine_is_reached_by_checked_tls_unless_the_url_says_otherwise() {
    let check = |url: &str, expected: Option<Tls>| {
        let parsed = url.parse::<PostgresUrl>().map(|url| url.tls().clone());
        assert_eq!(parsed.ok(), expected, "{url}");
    };
    let built_in = || Some(Tls::Checked { authorities: None });
    check("postgres://db/ci", built_in());
    check("postgres://localhost,db/ci", built_in());
    check("postgres://db/ci?sslmode=require", built_in());
    check("postgres://localhost/ci?sslmode=verify-full", built_in());
    check(
        "postgres://db/ci?sslrootcert=ca.pem&connect_timeout=3",
        Some(Tls::Checked { authorities: Some("ca.pem".into()) }),
    );
    check("postgres://db/ci?sslmode=disable", Some(Tls::Off));
    check("postgres://127.0.0.1:5433/ci", Some(Tls::Off));
    check("postgres://[::1]/ci", Some(Tls::Off));
    check("postgres://%2Frun%2Fpg/ci", Some(Tls::Off));
    check("postgres://db/ci?sslmode=prefer", None);
    check("postgres://localhost/ci?sslmode=allow", None);
}

#[test]
fn a_password_is_never_shown() {
    for url in [
        "postgres://u:geheim@db/ci",
        "postgres://u:a@geheim@db/ci",
        "postgres://u:x?geheim@db/ci",
        "postgres://u:x#geheim@db/ci",
        "postgres://u:geheim/x@db/ci",
        "postgres://db/ci?password=geheim",
        "postgres://db/ci?user=u&password=a@geheim",
        "postgres://db/ci?geheim=x",
        "postgres://u:geheim@db:geheim/ci",
    ] {
        let shown = match url.parse::<Place>() {
            Ok(place) => format!("{place} {place:?}"),
            Err(err) => format!("{err} {err:?} {:?}", std::error::Error::source(&err)),
        };
        assert!(!shown.contains("geheim"), "{url}: {shown}");
    }
}
