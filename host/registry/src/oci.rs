//! What an OCI registry has of a component: a manifest with one layer of WebAssembly.
//!
//! Formats: OCI image specification 1.1, "Image Manifest"; CNCF TAG Runtime, "Wasm OCI Artifact":
//! the layer is the component itself, `application/wasm`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::signature::{SIGNATURES_MAX, ToolSignature};
use crate::{FetchError, Sha256};

/// Bytes of a manifest: what registries must take (OCI distribution specification, "Pushing
/// Manifests").
pub const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;

pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
pub(crate) const LAYER_TYPE: &str = "application/wasm";
/// What was written before there was the artifact's specification.
const OLD_LAYER_TYPE: &str = "application/vnd.wasm.content.layer.v1+wasm";
/// The annotation of a manifest that holds the signatures under its layer, as JSON.
const SIGNATURES: &str = "stepwell.tool.signatures";

/// A manifest, as far as it matters here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<Descriptor>,
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// What a manifest says of bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
}

/// The component that a manifest names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) digest: Sha256,
    pub(crate) size: u64,
    pub(crate) signatures: Vec<ToolSignature>,
}

impl Manifest {
    /// The manifest of an artifact that is a component, and nothing besides.
    pub(crate) fn of(config: Descriptor, layer: Descriptor, signatures: &[ToolSignature]) -> Self {
        let mut annotations = BTreeMap::new();
        if !signatures.is_empty() {
            let text = serde_json::to_string(signatures).expect("texts are JSON");
            annotations.insert(SIGNATURES.to_owned(), text);
        }
        Self {
            schema_version: 2,
            media_type: Some(MANIFEST_TYPE.to_owned()),
            config: Some(config),
            layers: vec![layer],
            annotations,
        }
    }
}

/// Reads a manifest.
pub(crate) fn layer(bytes: &[u8], what: &str) -> Result<Layer, FetchError> {
    let bad = |why: String| FetchError::BadManifest { what: what.to_owned(), why };
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|err| bad(format!("it cannot be read: {err}")))?;
    if manifest.schema_version != 2 {
        return Err(bad(format!("its version is {}, and not 2", manifest.schema_version)));
    }
    let [layer] = manifest.layers.as_slice() else {
        return Err(bad(format!(
            "it has {} layers, where a component is one; an index or an image is no tool",
            manifest.layers.len()
        )));
    };
    if ![LAYER_TYPE, OLD_LAYER_TYPE].contains(&layer.media_type.as_str()) {
        return Err(bad(format!("its layer is `{}`, no WebAssembly", layer.media_type)));
    }
    let digest = layer.digest.parse().map_err(|_| bad("its layer has no sha256 digest".into()))?;
    let signatures = match manifest.annotations.get(SIGNATURES) {
        None => Vec::new(),
        Some(text) => serde_json::from_str::<Vec<ToolSignature>>(text)
            .map_err(|err| bad(format!("its signatures cannot be read: {err}")))?,
    };
    if signatures.len() > SIGNATURES_MAX {
        return Err(bad(format!("it has more than {SIGNATURES_MAX} signatures")));
    }
    Ok(Layer { digest, size: layer.size, signatures })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(change: impl FnOnce(&mut Value)) -> Result<Layer, FetchError> {
        let wasm = |size: u64| json!({ "mediaType": LAYER_TYPE, "digest": Sha256::of(b"x").to_string(), "size": size });
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": wasm(2),
            "layers": [wasm(1)],
            "later": true,
        });
        change(&mut manifest);
        layer(manifest.to_string().as_bytes(), "the manifest of x")
    }

    #[test]
    fn a_manifest_of_one_component_is_read() {
        let layer = Layer { digest: Sha256::of(b"x"), size: 1, signatures: vec![] };
        assert_eq!(with(|_| ()), Ok(layer));
        assert!(with(|it| it["layers"][0]["mediaType"] = OLD_LAYER_TYPE.into()).is_ok());
    }

    #[test]
    fn anything_else_is_told_why() {
        let told = [
            with(|it| it["schemaVersion"] = 1.into()),
            with(|it| it["layers"] = json!([])),
            with(|it| it["layers"] = json!([it["layers"][0], it["layers"][0]])),
            with(|it| it["layers"][0]["mediaType"] = "application/x-tar".into()),
            with(|it| it["layers"][0]["digest"] = "sha512:00".into()),
            with(|it| it["layers"][0]["size"] = (-1).into()),
            with(|it| it["annotations"] = json!({ SIGNATURES: "[{}]" })),
            with(|it| *it = json!([])),
        ];
        let told = told.map(|said| said.unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"));
    }
}
