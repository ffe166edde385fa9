//! An HTTP client that takes that way.

use std::time::Duration;

use crate::{Proxies, Roots};

/// Longest time a connection may take to stand.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// A proxy's address is none. It may hold a password, and is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is not the URL of a proxy that speaks HTTP")]
pub struct BadProxy;

/// A client that trusts `roots` and goes by `proxies`, to be set up further. It looks at nothing
/// that this process was started with.
///
/// # Errors
/// When a proxy's address is none.
pub fn client(roots: &Roots, proxies: &Proxies) -> Result<reqwest::ClientBuilder, BadProxy> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(roots.client_config(&[]))
        .connect_timeout(CONNECT_MAX)
        .user_agent(concat!("stepwell/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    Ok(proxies.for_reqwest()?.into_iter().fold(builder, reqwest::ClientBuilder::proxy))
}
