//! What the URL of a store says. It holds no credentials: a URL ends up in logs.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::StoreError;

/// Longest URL that is looked at.
const URL_BYTES_MAX: usize = 2048;

/// The services, and how each is written.
const FORMS: &str = "use fs:///DIR, s3://BUCKET/PREFIX?region=…, gcs://BUCKET/PREFIX, \
    azblob://CONTAINER/PREFIX?account=…, redis://HOST:PORT/DB/PREFIX, rediss:// with TLS, \
    redis+unix:///SOCKET?db=…&prefix=…, memcached://HOST:PORT/PREFIX, \
    memcached+unix:///SOCKET?prefix=…, reapi://HOST:PORT/INSTANCE, reapi+http:// without TLS, \
    webdav://HOST/PATH, webdav+http:// without TLS, ghac://NAMESPACE/PREFIX or memory://";

/// A kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Files,
    Memory,
    S3,
    Gcs,
    Azblob,
    Redis(Transport),
    Memcached { unix: bool },
    Reapi { tls: bool },
    Webdav { tls: bool },
    Ghac,
}

/// How a Redis is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Tls,
    Unix,
}

/// A URL in its parts. An option that nobody takes is an error, so that a typing error is one.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) service: Service,
    /// Scheme, host and path: what messages may show.
    pub(crate) shown: String,
    url: Url,
    options: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
        let hidden = || shown_scheme(scheme);
        if text.len() > URL_BYTES_MAX {
            return Err(bad(hidden(), format!("it has more than {URL_BYTES_MAX} bytes"), FORMS));
        }
        let Some(service) = service(scheme) else {
            return Err(bad(hidden(), "no service has this scheme", FORMS));
        };
        let url = Url::parse(text).map_err(|err| bad(hidden(), err.to_string(), FORMS))?;
        if !url.username().is_empty() || url.password().is_some() {
            let help = format!("set {} instead", variables(service));
            return Err(bad(hidden(), "credentials do not belong in a URL", &help));
        }
        let shown = format!("{scheme}://{}{}", authority(&url), url.path());
        if url.fragment().is_some() {
            return Err(bad(shown, "it has a fragment", "leave out what follows `#`"));
        }
        let options = options(&url, &shown)?;
        Ok(Self { service, shown, url, options, known: Vec::new() })
    }

    /// The value of an option, once.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        self.options.remove(key)
    }

    /// What stands between `//` and the path, port included.
    pub(crate) fn authority(&self) -> Result<String, StoreError> {
        match authority(&self.url) {
            authority if authority.is_empty() => Err(self.bad("nothing stands before the path")),
            authority => Ok(authority),
        }
    }

    /// The path without its outer slashes: a prefix of names.
    pub(crate) fn prefix(&self) -> Result<String, StoreError> {
        let path = self.url.path().trim_matches('/');
        self.checked_prefix(path)
    }

    /// A prefix that is spelled the same in every service.
    pub(crate) fn checked_prefix(&self, path: &str) -> Result<String, StoreError> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        match path.chars().find(|c| !known(*c)) {
            Some(odd) => Err(bad(
                self.shown.clone(),
                format!("{odd:?} in its path"),
                "a prefix may hold a-z, A-Z, 0-9, `.`, `_`, `-` and `/`",
            )),
            None => Ok(path.to_owned()),
        }
    }

    /// The host without brackets, and the port.
    pub(crate) fn host_and_port(&self, default: u16) -> Result<(String, u16), StoreError> {
        let host = self.url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| self.bad("nothing stands before the path"))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok((host, self.url.port().unwrap_or(default)))
    }

    /// The option `prefix`, for URLs whose path is something else.
    pub(crate) fn prefix_option(&mut self) -> Result<String, StoreError> {
        let prefix = self.take("prefix").unwrap_or_default();
        self.checked_prefix(prefix.trim_matches('/'))
    }

    /// The option `ttl`: after how long what is written goes away by itself.
    pub(crate) fn ttl(&mut self) -> Result<Option<Duration>, StoreError> {
        let Some(text) = self.take("ttl") else { return Ok(None) };
        match humantime::parse_duration(&text) {
            Ok(ttl) if ttl.as_secs() > 0 => Ok(Some(ttl)),
            Ok(_) | Err(_) => Err(self.bad(format!("ttl={text} is no span of time (try ttl=14d)"))),
        }
    }

    /// The path as one of a file on this machine.
    pub(crate) fn file_path(&self) -> Result<std::path::PathBuf, StoreError> {
        match (authority(&self.url).as_str(), self.url.to_file_path()) {
            ("", Ok(path)) if path.parent().is_some() => Ok(path),
            _ => Err(self.bad("it names no absolute path of this machine (three slashes)")),
        }
    }

    pub(crate) fn bad(&self, problem: impl Into<String>) -> StoreError {
        bad(self.shown.clone(), problem, FORMS)
    }

    pub(crate) fn no_credentials(&self) -> StoreError {
        StoreError::NoCredentials {
            store: self.shown.clone(),
            help: format!("set {}", variables(self.service)),
        }
    }

    /// Whether each option was taken.
    pub(crate) fn finish(self) -> Result<String, StoreError> {
        let Some(key) = self.options.keys().next() else { return Ok(self.shown) };
        let help = if self.known.is_empty() {
            "this service has none".to_owned()
        } else {
            format!("it has {}", self.known.join(", "))
        };
        Err(bad(self.shown, format!("there is no option `{key}`"), &help))
    }
}

fn service(scheme: &str) -> Option<Service> {
    Some(match scheme {
        "fs" | "file" => Service::Files,
        "memory" => Service::Memory,
        "s3" => Service::S3,
        "gcs" | "gs" => Service::Gcs,
        "azblob" => Service::Azblob,
        "redis" => Service::Redis(Transport::Plain),
        "rediss" => Service::Redis(Transport::Tls),
        "redis+unix" => Service::Redis(Transport::Unix),
        "memcached" => Service::Memcached { unix: false },
        "memcached+unix" => Service::Memcached { unix: true },
        "reapi" => Service::Reapi { tls: true },
        "reapi+http" => Service::Reapi { tls: false },
        "webdav" => Service::Webdav { tls: true },
        "webdav+http" => Service::Webdav { tls: false },
        "ghac" => Service::Ghac,
        _ => return None,
    })
}

/// Where each service's credentials come from.
fn variables(service: Service) -> &'static str {
    match service {
        Service::Files | Service::Memory => "nothing: this store has no credentials, and",
        Service::S3 => {
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or write \
             `credentials=machine` or `credentials=none` into the URL"
        }
        Service::Gcs => {
            "GOOGLE_APPLICATION_CREDENTIALS (a file) or GOOGLE_OAUTH_ACCESS_TOKEN, or write \
             `credentials=machine` or `credentials=none` into the URL"
        }
        Service::Azblob => {
            "AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or write `credentials=machine` or \
             `credentials=none` into the URL"
        }
        Service::Redis(_) => "REDIS_USERNAME and REDIS_PASSWORD",
        Service::Memcached { .. } => "MEMCACHED_USERNAME and MEMCACHED_PASSWORD",
        Service::Reapi { .. } => {
            "STEPWELL_REAPI_TOKEN, or STEPWELL_REAPI_USERNAME and STEPWELL_REAPI_PASSWORD"
        }
        Service::Webdav { .. } => "WEBDAV_USERNAME and WEBDAV_PASSWORD, or WEBDAV_TOKEN",
        Service::Ghac => "ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL",
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn options(url: &Url, shown: &str) -> Result<BTreeMap<String, String>, StoreError> {
    let mut options = BTreeMap::new();
    for (key, value) in url.query_pairs() {
        if options.insert(key.to_string(), value.into_owned()).is_some() {
            let problem = format!("the option `{key}` stands there twice");
            return Err(bad(shown.to_owned(), problem, "leave one of them out"));
        }
    }
    Ok(options)
}

/// Of a URL that cannot be read nobody knows which part is a secret.
fn shown_scheme(scheme: &str) -> String {
    let plain = !scheme.is_empty()
        && scheme.len() <= 20
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+');
    if plain { format!("{scheme}://…") } else { "…".to_owned() }
}

fn bad(url: String, problem: impl Into<String>, help: &str) -> StoreError {
    StoreError::BadUrl { url, problem: problem.into(), help: help.to_owned() }
}

#[cfg(test)]
mod tests;
