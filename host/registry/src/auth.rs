//! Signing in to a registry: what Docker's config.json holds for a host, and the tokens that a
//! registry's `WWW-Authenticate` asks for (Docker registry token authentication; RFC 7235, 4.1).

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
use reqwest::{Client, Response};
use serde::Deserialize;
use url::Url;

use crate::FetchError;
use crate::reference::is_private;
use crate::shelf::read_bounded;
use crate::web::{self, Get};

/// Bytes of a config.json.
const CONFIG_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of a server's answer with a token.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;
/// What Docker Hub is called in a config.json.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Who we are, by registry; the text of each is `user:password`.
#[derive(Default)]
pub(crate) struct Credentials {
    by_host: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default)]
    auth: String,
}

impl Credentials {
    /// Those of `DOCKER_AUTH_CONFIG`, which holds the text itself, or of the file that Docker reads.
    pub(crate) fn of(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, FetchError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        if let Some(text) = set("DOCKER_AUTH_CONFIG") {
            return Self::parse(text.as_bytes(), "DOCKER_AUTH_CONFIG");
        }
        let named = set("DOCKER_CONFIG").map(PathBuf::from);
        let Some(dir) =
            named.or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".docker")))
        else {
            return Ok(Self::default());
        };
        let path = dir.join("config.json");
        let place = path.display().to_string();
        match read_bounded(&path, CONFIG_BYTES_MAX) {
            Ok(bytes) => Self::parse(&bytes, &place),
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(err) => Err(FetchError::BadCredentials { place, why: err.to_string() }),
        }
    }

    fn parse(bytes: &[u8], place: &str) -> Result<Self, FetchError> {
        // What serde says of it may repeat a password.
        let bad = |why: &str| FetchError::BadCredentials { place: place.into(), why: why.into() };
        let config: Config =
            serde_json::from_slice(bytes).map_err(|_| bad("it is no config.json of Docker's"))?;
        let mut by_host = BTreeMap::new();
        for (host, Auth { auth }) in config.auths {
            // Empty ones are those of a credential helper.
            if auth.is_empty() {
                continue;
            }
            let text = BASE64.decode(auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.filter(|text| text.contains(':'));
            let text = text.ok_or_else(|| bad("an `auth` is not base64 of `user:password`"))?;
            by_host.insert(known_as(&host), text);
        }
        Ok(Self { by_host })
    }

    fn basic(&self, registry: &str) -> Option<HeaderValue> {
        let text = self.by_host.get(registry)?;
        secret(format!("Basic {}", BASE64.encode(text)))
    }
}

/// The host that an entry of a config.json is about.
fn known_as(entry: &str) -> String {
    if entry == DOCKER_HUB {
        return "docker.io".to_owned();
    }
    let rest = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest).to_owned()
}

fn secret(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What a registry wants to see.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    /// User and password.
    Basic,
    /// A token of that server.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

/// What must stand in the next request, after `refusal` has said what is missing; nothing where we
/// have nothing to show.
pub(crate) async fn answer(
    client: &Client,
    credentials: &Credentials,
    registry: &str,
    refusal: &Response,
    scope: &str,
) -> Result<Option<HeaderValue>, FetchError> {
    let host = web::host(refusal.url());
    let bad = |why: &str| FetchError::BadChallenge { host: host.clone(), why: why.to_owned() };
    let asked = refusal.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let asked = asked.ok_or_else(|| bad("it does not say how"))?;
    let basic = credentials.basic(registry);
    let (realm, service, scope) =
        match challenge(asked).ok_or_else(|| bad("neither Basic nor Bearer"))? {
            Challenge::Basic => return Ok(basic),
            Challenge::Bearer { realm, service, scope: named } => {
                (realm, service, named.unwrap_or_else(|| scope.to_owned()))
            }
        };
    let mut url = Url::parse(&realm).map_err(|_| bad("its realm is no URL"))?;
    let is_local = refusal.url().scheme() == "http";
    if !is_private(&url) || (url.scheme() == "http" && !is_local) {
        return Err(bad("its tokens come without TLS"));
    }
    url.query_pairs_mut().append_pair("scope", &scope);
    if let Some(service) = service {
        url.query_pairs_mut().append_pair("service", &service);
    }
    let headers = basic.map(|basic| HeaderMap::from_iter([(AUTHORIZATION, basic)]));
    let what = format!("a token for {host}");
    let get = Get { url, what: &what, headers: headers.unwrap_or_default(), redirects: &[] };
    let response = web::get(client, &get).await?;
    web::check(&response, &what)?;
    let body = web::body(response, &what, TOKEN_BYTES_MAX, None).await?;
    let token = token(&body).ok_or_else(|| bad("what it gives is no token"))?;
    Ok(secret(format!("Bearer {token}")))
}

fn token(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Token {
        token: Option<String>,
        access_token: Option<String>,
    }
    let token: Token = serde_json::from_slice(body).ok()?;
    token.token.or(token.access_token)
}

/// Reads `Basic realm="…"` and `Bearer realm="…",service="…",scope="…"`.
fn challenge(text: &str) -> Option<Challenge> {
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service, mut scope) = (None, None, None);
    let mut rest = rest.trim_start_matches([' ', ',']);
    while let Some((name, value)) = rest.split_once('=') {
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_once(',').unwrap_or((value, "")),
        };
        let place = match name.trim().to_ascii_lowercase().as_str() {
            "realm" => Some(&mut realm),
            "service" => Some(&mut service),
            "scope" => Some(&mut scope),
            _ => None,
        };
        if let Some(place) = place {
            *place = Some(value.to_owned());
        }
        rest = after.trim_start_matches([' ', ',']);
    }
    Some(Challenge::Bearer { realm: realm?, service, scope })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_challenge_is_read_as_servers_write_it() {
        let of = |text: &str| challenge(text);
        assert_eq!(of("Basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(of("Digest realm=\"x\""), None);
        assert_eq!(of("Bearer service=\"x\""), None);
        let expected = Challenge::Bearer {
            realm: "https://auth.example/token".to_owned(),
            service: Some("registry".to_owned()),
            scope: Some("repository:a/b:pull,push".to_owned()),
        };
        let text = "Bearer realm=\"https://auth.example/token\",service=registry, \
                    scope=\"repository:a/b:pull,push\",error=\"invalid_token\"";
        assert_eq!(of(text), Some(expected));
    }

    #[test]
    fn credentials_are_for_the_host_that_they_are_of() {
        let of = |text: &str| {
            let text = text.to_owned();
            Credentials::of(&move |name| (name == "DOCKER_AUTH_CONFIG").then(|| text.clone()))
        };
        let entry = |host: &str| format!("{{\"auths\":{{\"{host}\":{{\"auth\":\"YTpi\"}}}}}}");
        let known = |host: &str, asked: &str| of(&entry(host)).unwrap().basic(asked).is_some();
        assert!(known("ghcr.example", "ghcr.example"));
        assert!(known("https://ghcr.example/v2/", "ghcr.example"));
        assert!(known("https://index.docker.io/v1/", "docker.io"));
        assert!(known("localhost:5000", "localhost:5000"));
        assert!(!known("localhost:5000", "localhost"));
        assert!(
            of("{\"auths\":{\"a\":{}},\"credsStore\":\"desktop\"}").unwrap().by_host.is_empty()
        );
        let said = of("{\"auths\":{\"a\":{\"auth\":\"secret!\"}}}").err().unwrap().to_string();
        assert!(!said.contains("secret!"), "{said}");
    }

    proptest! {
        #[test]
        fn no_challenge_makes_it_stumble(text in "(Bearer|Basic)? ?[a-z=\", ]{0,40}") {
            // Whatever it says, it says.
            let _read = challenge(&text);
        }
    }
}
