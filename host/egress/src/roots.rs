//! Whose certificates are trusted.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Bytes of a file of certificates. Mozilla's whole list has a quarter of it.
const AUTHORITIES_BYTES_MAX: u64 = 1024 * 1024;

/// Certificates of one such file. Mozilla's whole list has some 150.
const AUTHORITIES_MAX: usize = 1000;

/// The authorities whose certificates are trusted: Mozilla's list, and others besides or instead
/// where they are given. The machine's own list decides nothing.
#[derive(Clone)]
pub struct Roots(Arc<Trusted>);

struct Trusted {
    anchors: Vec<TrustAnchor<'static>>,
    // One for all connections, so that a second one resumes the first one's TLS session.
    config: ClientConfig,
}

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
    #[error("it holds more than {AUTHORITIES_MAX} certificates")]
    TooMany,
    /// The file is larger than any list of them.
    #[error("it is larger than any list of certificates ({AUTHORITIES_BYTES_MAX} bytes)")]
    TooLarge,
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

impl Roots {
    /// Mozilla's list, and the certificates of a PEM file: of a company's proxy or gateway, or of
    /// a server that signs its own.
    ///
    /// # Errors
    /// When it is no such file; see [`RootsError`].
    pub fn with_pem(pem: &[u8]) -> Result<Self, RootsError> {
        added(mozilla(), pem).map(Self::of)
    }

    /// The certificates of a PEM file and no others.
    ///
    /// # Errors
    /// When it is no such file; see [`RootsError`].
    pub fn only_pem(pem: &[u8]) -> Result<Self, RootsError> {
        added(RootCertStore::empty(), pem).map(Self::of)
    }

    /// As [`Roots::with_pem`], with the content of a file of this machine.
    ///
    /// # Errors
    /// When it cannot be read, or is no such file.
    pub fn with_file(path: &Path) -> Result<Self, RootsError> {
        Self::with_pem(&content(path)?)
    }

    /// As [`Roots::only_pem`], with the content of a file of this machine.
    ///
    /// # Errors
    /// When it cannot be read, or is no such file.
    pub fn only_file(path: &Path) -> Result<Self, RootsError> {
        Self::only_pem(&content(path)?)
    }

    fn of(roots: RootCertStore) -> Self {
        let anchors = roots.roots.clone();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(Trusted { anchors, config }))
    }

    /// What TLS needs to know of them, and of the `protocols` (ALPN) that are offered. All that come
    /// from the same roots share their sessions.
    #[must_use]
    pub fn client_config(&self, protocols: &[&[u8]]) -> ClientConfig {
        let mut config = self.0.config.clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config
    }

    /// The authorities alone, for what sets its TLS up itself.
    #[must_use]
    pub fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.0.anchors
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

fn added(mut roots: RootCertStore, pem: &[u8]) -> Result<RootCertStore, RootsError> {
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        found += 1;
        if found > AUTHORITIES_MAX {
            return Err(RootsError::TooMany);
        }
        let bad = |why: String| RootsError::Bad { number: found, why };
        let certificate = certificate.map_err(|err| bad(err.to_string()))?;
        roots.add(certificate).map_err(|err| bad(err.to_string()))?;
    }
    if found == 0 { Err(RootsError::Empty) } else { Ok(roots) }
}

/// The content of a file of certificates, for what takes it as it is.
///
/// # Errors
/// When it cannot be read, or is larger than any list of them.
pub fn content(path: &Path) -> Result<Vec<u8>, RootsError> {
    let unreadable = |err: io::Error| RootsError::Unreadable(err.to_string());
    let mut pem = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(AUTHORITIES_BYTES_MAX + 1).read_to_end(&mut pem).map_err(unreadable)?;
    if pem.len() as u64 > AUTHORITIES_BYTES_MAX { Err(RootsError::TooLarge) } else { Ok(pem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_of_certificates_says_so() {
        let check = |pem: &str, expected: RootsError| {
            assert_eq!(Roots::with_pem(pem.as_bytes()).unwrap_err(), expected, "{pem}");
            assert_eq!(Roots::only_pem(pem.as_bytes()).unwrap_err(), expected, "{pem}");
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

    #[test]
    fn certificates_are_trusted_besides_mozillas_or_instead() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &pem).unwrap();
        let mozilla = Roots::default().anchors().len();
        let count = |roots: Result<Roots, RootsError>| roots.unwrap().anchors().len();
        assert_eq!(count(Roots::with_pem(pem.as_bytes())), mozilla + 1);
        assert_eq!(count(Roots::with_file(file.path())), mozilla + 1);
        assert_eq!(count(Roots::only_pem(pem.as_bytes())), 1);
        assert_eq!(count(Roots::only_file(file.path())), 1);
    }

    #[test]
    fn a_file_that_is_none_or_too_large_says_so() {
        let nowhere = tempfile::tempdir().unwrap();
        let file = nowhere.path().join("ca.pem");
        let failed = Roots::with_file(&file).unwrap_err();
        assert!(matches!(failed, RootsError::Unreadable(_)), "{failed:?}");
        let large = File::create(&file).unwrap();
        large.set_len(AUTHORITIES_BYTES_MAX + 1).unwrap();
        assert_eq!(Roots::only_file(&file).unwrap_err(), RootsError::TooLarge);
    }
}
