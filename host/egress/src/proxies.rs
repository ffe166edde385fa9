//! Which proxy stands between us and a server, by the rules that curl made usual.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use crate::client::BadProxy;

/// Hosts that no proxy leads to: this machine itself.
const NEAR: &str = "localhost,127.0.0.0/8,::1";

/// The proxies that an environment asks for; none by default.
///
/// Users and passwords in their URLs are sent to them and shown nowhere.
#[derive(Clone, Default)]
pub struct Proxies(Option<Arc<Named>>);

/// What was named, and what decides by it.
struct Named {
    urls: Urls,
    matcher: Matcher,
}

#[derive(PartialEq, Eq)]
struct Urls {
    all: Option<String>,
    https: Option<String>,
    http: Option<String>,
    none: Option<String>,
}

impl PartialEq for Proxies {
    fn eq(&self, other: &Self) -> bool {
        fn urls(proxies: &Proxies) -> Option<&Urls> {
            proxies.0.as_ref().map(|named| &named.urls)
        }

        urls(self) == urls(other)
    }
}

impl Eq for Proxies {}

impl Proxies {
    /// Reads `HTTPS_PROXY` (for `https` and `wss`), `HTTP_PROXY` (for `http` and `ws`),
    /// `ALL_PROXY` for both, and `NO_PROXY`, a list of hosts, domains and networks to be reached
    /// directly; each in small letters first. This machine itself is always reached directly.
    ///
    /// `HTTP_PROXY` counts in small letters only where `REQUEST_METHOD` is set: under CGI a
    /// stranger chooses the other.
    #[must_use]
    pub fn from_vars(mut get: impl FnMut(&str) -> Option<String>) -> Self {
        let mut value = |name: &str| {
            get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let mut either = |name: &str| value(&name.to_ascii_lowercase()).or_else(|| value(name));
        let (all, https, none) = (either("ALL_PROXY"), either("HTTPS_PROXY"), either("NO_PROXY"));
        let http = match value("REQUEST_METHOD") {
            Some(_) => value("http_proxy"),
            None => value("http_proxy").or_else(|| value("HTTP_PROXY")),
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let matcher = Matcher::builder()
            .all(text(&all))
            .https(text(&https))
            .http(text(&http))
            .no(text(&none))
            .build();
        let urls = Urls { all, https, http, none };
        Self(Some(Arc::new(Named { urls, matcher })))
    }

    /// The same for a client of this library, the first that fits a request first.
    pub(crate) fn for_reqwest(&self) -> Result<Vec<reqwest::Proxy>, BadProxy> {
        let Some(Urls { all, https, http, none }) = self.0.as_ref().map(|named| &named.urls) else {
            return Ok(Vec::new());
        };
        // Where both have one of their own, nothing goes by the one for all.
        let all = all.as_ref().filter(|_| https.is_none() || http.is_none());
        let none = none.as_ref().map_or_else(|| NEAR.to_owned(), |none| format!("{none},{NEAR}"));
        let none = reqwest::NoProxy::from_string(&none);
        let of = |url: Option<&String>, kind: fn(String) -> reqwest::Result<reqwest::Proxy>| {
            url.map(|url| {
                let is_http = url.split_once("://").is_none_or(|(scheme, _)| {
                    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
                });
                let proxy = kind(url.clone()).map_err(|_err| BadProxy)?;
                if is_http { Ok(proxy.no_proxy(none.clone())) } else { Err(BadProxy) }
            })
        };
        let all = [
            of(https.as_ref(), reqwest::Proxy::https),
            of(http.as_ref(), reqwest::Proxy::http),
            of(all, reqwest::Proxy::all),
        ];
        all.into_iter().flatten().collect()
    }

    /// The proxy to a host, for a connection that is `encrypted` or not. None where it is reached
    /// directly.
    #[must_use]
    pub fn proxy_for(&self, host: &str, encrypted: bool) -> Option<Proxy> {
        if is_this_machine(host) {
            return None;
        }
        let scheme = if encrypted { "https" } else { "http" };
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let target: Uri = format!("{scheme}://{bracketed}/").parse().ok()?;
        let found = self.0.as_ref()?.matcher.intercept(&target)?;
        let uri = found.uri();
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let scheme = uri.scheme_str().unwrap_or("http").to_owned();
        let port = uri.port_u16().unwrap_or(match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => 1080,
        });
        Some(Proxy { scheme, host, port, authorization: found.basic_auth().cloned() })
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The matcher's own output leaves users and passwords out.
        formatter
            .debug_tuple("Proxies")
            .field(&self.0.as_ref().map(|named| &named.matcher))
            .finish()
    }
}

/// One proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// `http`, `https`, or one that is not supported.
    pub scheme: String,
    /// Without brackets.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// What it is told of who we are. Marked sensitive.
    pub authorization: Option<HeaderValue>,
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_which_proxy_serves_which_host() {
        let check = |vars: &[(&str, &str)], url: (&str, bool), expected: Option<&str>| {
            let found = vars.iter().map(|(name, value)| (*name, (*value).to_owned()));
            let found: std::collections::BTreeMap<_, _> = found.collect();
            let proxies = Proxies::from_vars(|name| found.get(name).cloned());
            let proxy = proxies.proxy_for(url.0, url.1);
            let shown =
                proxy.map(|proxy| format!("{}://{}:{}", proxy.scheme, proxy.host, proxy.port));
            assert_eq!(shown.as_deref(), expected, "{vars:?} {url:?}");
        };
        let (wss, ws) = (("h.example", true), ("h.example", false));
        check(&[], wss, None);
        check(&[("HTTPS_PROXY", "http://p:3128")], wss, Some("http://p:3128"));
        check(&[("HTTPS_PROXY", "http://p:3128")], ws, None);
        check(&[("HTTPS_PROXY", "p:3128")], wss, Some("http://p:3128"));
        check(&[("HTTPS_PROXY", "https://p")], wss, Some("https://p:443"));
        check(&[("HTTPS_PROXY", "http://[::1]:9")], wss, Some("http://::1:9"));
        check(&[("HTTP_PROXY", "http://p")], ws, Some("http://p:80"));
        check(&[("HTTP_PROXY", "http://p"), ("REQUEST_METHOD", "GET")], ws, None);
        check(&[("http_proxy", "http://p"), ("REQUEST_METHOD", "GET")], ws, Some("http://p:80"));
        check(&[("ALL_PROXY", "socks5://p")], ws, Some("socks5://p:1080"));
        check(&[("https_proxy", "low"), ("HTTPS_PROXY", "HIGH")], wss, Some("http://low:80"));
        check(&[("https_proxy", " "), ("HTTPS_PROXY", "http://p")], wss, Some("http://p:80"));
        let all = ("ALL_PROXY", "http://p");
        for none in ["h.example", ".example", "example", "*", "x, h.example"] {
            check(&[all, ("NO_PROXY", none)], wss, None);
        }
        check(&[all, ("no_proxy", "example.h")], wss, Some("http://p:80"));
        check(&[all, ("NO_PROXY", "10.0.0.0/8")], ("10.1.2.3", true), None);
        for near in ["localhost", "127.0.0.1", "127.8.8.8", "::1"] {
            check(&[all], (near, false), None);
        }
        check(&[all], ("fe80::1", false), Some("http://p:80"));
    }

    #[test]
    fn a_client_takes_only_proxies_that_it_can_speak_to() {
        let check = |vars: &[(&str, &str)], expected: Result<usize, BadProxy>| {
            let get = |name: &str| {
                let found = vars.iter().find(|(set, _)| *set == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let found = Proxies::from_vars(get).for_reqwest().map(|proxies| proxies.len());
            assert_eq!(found, expected, "{vars:?}");
        };
        check(&[], Ok(0));
        check(&[("HTTPS_PROXY", "http://me:pw@p:3128"), ("ALL_PROXY", " p:3128 ")], Ok(2));
        check(&[("ALL_PROXY", "socks5://p:1080")], Err(BadProxy));
        let both = [("https_proxy", "http://p"), ("http_proxy", "http://p")];
        check(&[both[0], both[1], ("all_proxy", "socks5://p:1080")], Ok(2));
        check(&[("HTTPS_PROXY", "http://")], Err(BadProxy));
    }

    #[test]
    fn a_proxy_s_password_is_sent_and_never_shown() {
        let proxies = Proxies::from_vars(|name| {
            (name == "HTTPS_PROXY").then(|| "http://me:hunt%2Fer2@p:3128".to_owned())
        });
        let proxy = proxies.proxy_for("h.example", true).unwrap();
        // me:hunt/er2
        assert_eq!(proxy.authorization.as_ref().unwrap(), "Basic bWU6aHVudC9lcjI=");
        let shown = format!("{proxies:?} {proxy:?}");
        assert!(!shown.contains("hunt") && !shown.contains("bWU6"), "{shown}");
    }
}
