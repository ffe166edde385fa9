//! Fetches components: the bytes that were named, or a reason.

use std::path::Path;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::{Client, Response};
use url::Url;

use crate::auth::{self, Credentials};
use crate::lock::Locked;
use crate::oci::{self, MANIFEST_BYTES_MAX, MANIFEST_TYPE};
use crate::reference::{OciReference, Reference, Version, WebReference};
use crate::shelf::read_bounded;
use crate::signature::ToolSignature;
use crate::web::{self, Get};
use crate::{FetchError, Sha256};

/// Longest time that one tool may take to arrive.
pub const FETCH_TIME_MAX: Duration = Duration::from_mins(5);

/// Told how many bytes have arrived, and of how many if the server says so.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Sync);

/// A component that was fetched. Nobody has looked into it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// It.
    pub bytes: Vec<u8>,
    /// What they are.
    pub digest: Sha256,
    /// Who vouches for it, as the registry says: nobody has held them against anything.
    pub signatures: Vec<ToolSignature>,
}

/// Fetches and pushes.
pub struct Fetcher {
    pub(crate) client: Client,
    pub(crate) credentials: Credentials,
    bytes_max: u64,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("bytes_max", &self.bytes_max).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// One that takes components of at most so many bytes. `lookup` knows the proxies
    /// (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), certificates (`STEPWELL_CA_FILE`, `SSL_CERT_FILE`)
    /// and credentials (`DOCKER_AUTH_CONFIG`, `DOCKER_CONFIG`, `HOME`).
    ///
    /// # Errors
    ///
    /// When one of those cannot be used.
    pub fn new(
        bytes_max: u64,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, FetchError> {
        let (client, credentials) = (web::client(lookup)?, Credentials::of(lookup)?);
        Ok(Self { client, credentials, bytes_max })
    }

    /// What `reference` names today. Paths begin at `root`. `redirects` are hosts besides its own
    /// that its server may send us to.
    ///
    /// # Errors
    ///
    /// Says why it is not to be had; see [`FetchError`].
    pub async fn fetch(
        &self,
        root: &Path,
        reference: &Reference,
        redirects: &[String],
        progress: Progress<'_>,
    ) -> Result<Fetched, FetchError> {
        let what = reference.to_string();
        let fetched = async {
            match reference {
                Reference::Path(path) => self.file(root, path).map(unsigned),
                Reference::Web(web) => {
                    let bytes = self.web(web, redirects, progress).await?;
                    match web.digest {
                        Some(digest) => same(bytes, &digest, &what).map(unsigned),
                        None => Ok(unsigned(bytes)),
                    }
                }
                Reference::Oci(oci) => self.artifact(oci, redirects, progress).await,
            }
        };
        in_time(&what, FETCH_TIME_MAX, fetched).await
    }

    /// The very bytes that a lock names, within `time`. A registry is asked for them by their
    /// digest: what a tag has come to name does not matter.
    ///
    /// # Errors
    ///
    /// Says why they are not to be had; see [`FetchError`].
    pub async fn fetch_locked(
        &self,
        root: &Path,
        tool: &Locked,
        time: Duration,
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, FetchError> {
        let what = format!("`{}` ({})", tool.name, tool.reference);
        let fetched = async {
            let bytes = match &tool.reference {
                Reference::Path(path) => self.file(root, path)?,
                Reference::Web(web) => self.web(web, &tool.redirects, progress).await?,
                Reference::Oci(oci) => {
                    self.blob(oci, &tool.digest, &tool.redirects, progress).await?
                }
            };
            same(bytes, &tool.digest, &what)
        };
        in_time(&what, time, fetched).await
    }

    fn file(&self, root: &Path, path: &str) -> Result<Vec<u8>, FetchError> {
        let (host, what) = ("the repository".to_owned(), format!("`{path}`"));
        read_bounded(&root.join(path), self.bytes_max).map_err(|err| {
            if err.kind() == std::io::ErrorKind::NotFound {
                FetchError::Missing { host, what }
            } else {
                FetchError::Unreadable { what, why: err.to_string() }
            }
        })
    }

    async fn web(
        &self,
        web: &WebReference,
        redirects: &[String],
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, FetchError> {
        let what = web.url.to_string();
        let get = Get { url: web.url.clone(), what: &what, headers: HeaderMap::new(), redirects };
        let response = web::get(&self.client, &get).await?;
        web::check(&response, &what)?;
        web::body(response, &what, self.bytes_max, Some(progress)).await
    }

    async fn artifact(
        &self,
        oci: &OciReference,
        redirects: &[String],
        progress: Progress<'_>,
    ) -> Result<Fetched, FetchError> {
        let what = format!("the manifest of {oci}");
        let version = match &oci.version {
            Version::Tag(tag) => tag.clone(),
            Version::Digest(digest) => digest.to_string(),
        };
        let url = web::parse(&oci.url(&format!("manifests/{version}")))?;
        let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(MANIFEST_TYPE))]);
        let response = self.of_registry(oci, url, &what, &accept, redirects).await?;
        let manifest = web::body(response, &what, MANIFEST_BYTES_MAX, None).await?;
        let manifest = match &oci.version {
            Version::Tag(_) => manifest,
            Version::Digest(digest) => same(manifest, digest, &what)?,
        };
        let layer = oci::layer(&manifest, &what)?;
        if layer.size > self.bytes_max {
            return Err(FetchError::TooLarge { what: oci.to_string(), max: self.bytes_max });
        }
        let bytes = self.blob(oci, &layer.digest, redirects, progress).await?;
        let bytes = same(bytes, &layer.digest, &oci.to_string())?;
        Ok(Fetched { bytes, digest: layer.digest, signatures: layer.signatures })
    }

    async fn blob(
        &self,
        oci: &OciReference,
        digest: &Sha256,
        redirects: &[String],
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, FetchError> {
        let what = format!("the component {digest}");
        let url = web::parse(&oci.url(&format!("blobs/{digest}")))?;
        let response = self.of_registry(oci, url, &what, &HeaderMap::new(), redirects).await?;
        web::body(response, &what, self.bytes_max, Some(progress)).await
    }

    /// Asks a registry, and once more with what it asks for.
    async fn of_registry(
        &self,
        oci: &OciReference,
        url: Url,
        what: &str,
        headers: &HeaderMap,
        redirects: &[String],
    ) -> Result<Response, FetchError> {
        let mut get = Get { url, what, headers: headers.clone(), redirects };
        let mut response = web::get(&self.client, &get).await?;
        // Another host's refusal is not this registry's, and must not learn who we are.
        let is_ours = response.url().origin() == get.url.origin();
        if response.status() == StatusCode::UNAUTHORIZED && is_ours {
            let scope = format!("repository:{}:pull", oci.repository);
            if let Some(shown) = self.sign_in(oci, &response, &scope).await? {
                get.headers.insert(AUTHORIZATION, shown);
                response = web::get(&self.client, &get).await?;
            }
        }
        web::check(&response, what)?;
        Ok(response)
    }

    pub(crate) async fn sign_in(
        &self,
        oci: &OciReference,
        refusal: &Response,
        scope: &str,
    ) -> Result<Option<HeaderValue>, FetchError> {
        auth::answer(&self.client, &self.credentials, &oci.registry, refusal, scope).await
    }
}

fn unsigned(bytes: Vec<u8>) -> Fetched {
    Fetched { digest: Sha256::of(&bytes), bytes, signatures: Vec::new() }
}

fn same(bytes: Vec<u8>, expected: &Sha256, what: &str) -> Result<Vec<u8>, FetchError> {
    let found = Sha256::of(&bytes);
    if found != *expected {
        return Err(FetchError::WrongDigest { what: what.to_owned(), found, expected: *expected });
    }
    Ok(bytes)
}

pub(crate) async fn in_time<T>(
    what: &str,
    time: Duration,
    fetched: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, FetchError> {
    let fetched = tokio::time::timeout(time, Box::pin(fetched)).await;
    fetched.unwrap_or_else(|_| {
        Err(FetchError::Late { what: what.to_owned(), seconds: time.as_secs() })
    })
}
