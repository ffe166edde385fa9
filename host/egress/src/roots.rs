//! Whose certificates are trusted.

use std::fmt;
use std::sync::{Arc, LazyLock};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Certificates of one file of extra roots. Mozilla's whole list has some 150.
const EXTRA_ROOTS_MAX: usize = 1000;

/// The authorities whose certificates are trusted: Mozilla's list, and more where they are given.
/// The machine's own list decides nothing.
#[derive(Clone)]
pub struct Roots(Arc<ClientConfig>);

/// Why certificates cannot be taken for roots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    /// There is none.
    #[error("there is no certificate in it; it must hold `-----BEGIN CERTIFICATE-----` (PEM)")]
    Empty,
    /// One cannot be read.
    #[error("certificate {number} in it cannot be used: {why}")]
    Bad {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// There are more than anybody needs.
    #[error("it holds more than {EXTRA_ROOTS_MAX} certificates")]
    TooMany,
}

impl Roots {
    /// Mozilla's list, and the certificates of a PEM file: of a company's proxy or gateway, or of
    /// a server that signs its own.
    ///
    /// # Errors
    /// When it is no such file; see [`RootsError`].
    pub fn with_pem(pem: &[u8]) -> Result<Self, RootsError> {
        let mut roots = mozilla();
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            found += 1;
            if found > EXTRA_ROOTS_MAX {
                return Err(RootsError::TooMany);
            }
            let bad = |why: String| RootsError::Bad { number: found, why };
            let certificate = certificate.map_err(|err| bad(err.to_string()))?;
            roots.add(certificate).map_err(|err| bad(err.to_string()))?;
        }
        if found == 0 {
            return Err(RootsError::Empty);
        }
        Ok(Self::of(roots))
    }

    fn of(roots: RootCertStore) -> Self {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // A WebSocket is opened in HTTP/1.1, and a `POST` needs no more.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(Arc::new(config))
    }

    /// One for all connections, so that a second one resumes the first one's TLS session.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.0.clone()
    }
}

impl Default for Roots {
    fn default() -> Self {
        static MOZILLA: LazyLock<Roots> = LazyLock::new(|| Roots::of(mozilla()));
        MOZILLA.clone()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Roots").finish_non_exhaustive()
    }
}

fn mozilla() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_of_certificates_says_so() {
        let check = |pem: &str, expected: RootsError| {
            assert_eq!(Roots::with_pem(pem.as_bytes()).unwrap_err(), expected, "{pem}");
        };
        check("", RootsError::Empty);
        check("ssh-ed25519 AAAA", RootsError::Empty);
        let of = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        for body in ["AAAA", "?"] {
            let error = Roots::with_pem(of(body).as_bytes()).unwrap_err();
            assert!(matches!(error, RootsError::Bad { number: 1, .. }), "{error:?}");
        }
    }
}
