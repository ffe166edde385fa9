//! Publishes a component in an OCI registry, as the CNCF's "Wasm OCI Artifact" has it: a config that
//! says what it is, and one layer that is the component.

use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::Response;
use serde_json::json;
use url::Url;

use crate::fetch::{FETCH_TIME_MAX, Fetcher, in_time};
use crate::oci::{CONFIG_TYPE, Descriptor, LAYER_TYPE, MANIFEST_TYPE, Manifest};
use crate::reference::{OciReference, Version};
use crate::signature::ToolSignature;
use crate::web;
use crate::{FetchError, Sha256};

/// The creation time in every config, so that the same component is the same artifact.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// A component to be published.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// It.
    pub component: Vec<u8>,
    /// What it exports and imports, by the names of WIT, as its config tells registries.
    pub exports: Vec<String>,
    /// See `exports`.
    pub imports: Vec<String>,
    /// Who vouches for it.
    pub signatures: Vec<ToolSignature>,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Of the component.
    pub digest: Sha256,
    /// Of the manifest: what `@` names.
    pub manifest: Sha256,
}

impl Fetcher {
    /// Publishes a component, and names it.
    ///
    /// # Errors
    ///
    /// Says why the registry did not take it; see [`FetchError`].
    pub async fn push(&self, to: &OciReference, artifact: &Artifact) -> Result<Pushed, FetchError> {
        in_time(&to.to_string(), FETCH_TIME_MAX, self.pushed(to, artifact)).await
    }

    async fn pushed(&self, to: &OciReference, artifact: &Artifact) -> Result<Pushed, FetchError> {
        let digest = Sha256::of(&artifact.component);
        let config = json!({
            "created": CREATED,
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [digest],
            "component": { "exports": artifact.exports, "imports": artifact.imports },
        });
        let config = config.to_string().into_bytes();
        let mut shown = None;
        let config_of = self.blob_to(to, &mut shown, CONFIG_TYPE, config).await?;
        let layer = self.blob_to(to, &mut shown, LAYER_TYPE, artifact.component.clone()).await?;
        let manifest = Manifest::of(config_of, layer, &artifact.signatures);
        let manifest = serde_json::to_vec(&manifest).expect("texts and numbers are JSON");
        let named = Sha256::of(&manifest);
        let version = match &to.version {
            Version::Tag(tag) => tag.clone(),
            Version::Digest(_) => named.to_string(),
        };
        let url = web::parse(&to.url(&format!("manifests/{version}")))?;
        let response = self.ask(to, &mut shown, Method::PUT, url, MANIFEST_TYPE, manifest).await?;
        web::check(&response, "the manifest that we push")?;
        Ok(Pushed { digest, manifest: named })
    }

    /// Brings bytes to a registry: begins an upload, and ends it where it says.
    async fn blob_to(
        &self,
        to: &OciReference,
        shown: &mut Option<HeaderValue>,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Descriptor, FetchError> {
        let what = "an upload";
        let digest = Sha256::of(&bytes);
        let size = bytes.len() as u64;
        let begin = web::parse(&to.url("blobs/uploads/"))?;
        let octets = "application/octet-stream";
        let begun = self.ask(to, shown, Method::POST, begin.clone(), octets, Vec::new()).await?;
        web::check(&begun, what)?;
        let mut place = web::location(&begin, begun.headers().get(LOCATION)).ok_or_else(|| {
            let (host, status) = (web::host(&begin), begun.status().as_u16());
            FetchError::Answered { host, what: what.to_owned(), status }
        })?;
        if place.origin() != begin.origin() {
            let (from, to) = (web::host(&begin), web::host(&place));
            return Err(FetchError::Redirected { from, to, what: what.to_owned() });
        }
        place.query_pairs_mut().append_pair("digest", &digest.to_string());
        let put = self.ask(to, shown, Method::PUT, place, octets, bytes).await?;
        web::check(&put, what)?;
        Ok(Descriptor { media_type: media_type.to_owned(), digest: digest.to_string(), size })
    }

    async fn ask(
        &self,
        to: &OciReference,
        shown: &mut Option<HeaderValue>,
        method: Method,
        url: Url,
        media_type: &str,
        body: Vec<u8>,
    ) -> Result<Response, FetchError> {
        let send = |shown: Option<&HeaderValue>| {
            let mut headers = HeaderMap::new();
            headers.extend(shown.map(|shown| (AUTHORIZATION, shown.clone())));
            let request = self.client.request(method.clone(), url.clone()).headers(headers);
            request.header(CONTENT_TYPE, media_type).body(body.clone()).send()
        };
        let response = send(shown.as_ref()).await.map_err(|err| web::network(&url, err))?;
        if response.status() != StatusCode::UNAUTHORIZED || shown.is_some() {
            return Ok(response);
        }
        let scope = format!("repository:{}:pull,push", to.repository);
        *shown = self.sign_in(to, &response, &scope).await?;
        if shown.is_none() {
            return Ok(response);
        }
        send(shown.as_ref()).await.map_err(|err| web::network(&url, err))
    }
}
