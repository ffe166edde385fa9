//! A server of the Bazel Remote Execution API that does what a test says: in memory, on loopback.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bazel_remote_apis::build::bazel::remote::execution::v2 as api;
use bazel_remote_apis::google::rpc;
use sha2::{Digest as _, Sha256};
use store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::codegen::tokio_stream::Empty;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status, async_trait};

use api::action_cache_server::{ActionCache, ActionCacheServer};
use api::capabilities_server::{Capabilities, CapabilitiesServer};
use api::content_addressable_storage_server::{
    ContentAddressableStorage, ContentAddressableStorageServer,
};

/// A server, stopped when dropped.
pub(crate) struct Fake {
    port: u16,
    state: Shared,
    _served: JoinSet<()>,
}

/// What it does, and what it holds.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) announced: Vec<i32>,
    /// Announced, and then not taken.
    pub(crate) refused: Vec<i32>,
    /// What every question about an entry is answered with.
    pub(crate) failing: Option<Code>,
    pub(crate) entries: BTreeMap<String, api::ActionResult>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// The digest functions of what was written.
    pub(crate) functions: Vec<i32>,
    /// What the last question about it said of who asks.
    pub(crate) credentials: Vec<String>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Fake {
    pub(crate) async fn start(announced: &[i32]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Shared::default();
        state.state().announced = announced.to_vec();
        let server = tonic::transport::Server::builder()
            .add_service(CapabilitiesServer::new(state.clone()))
            .add_service(ActionCacheServer::new(state.clone()))
            .add_service(ContentAddressableStorageServer::new(state.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        let mut served = JoinSet::new();
        served.spawn(async { server.await.unwrap() });
        Self { port, state, _served: served }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.state()
    }

    /// What a server may do with an output that it was given: it becomes a blob of its own.
    pub(crate) fn move_outputs(&self) {
        let State { entries, blobs, .. } = &mut *self.state();
        for entry in entries.values_mut() {
            let output = std::mem::take(&mut entry.stdout_raw);
            let hash: String =
                Sha256::digest(&output).iter().map(|byte| format!("{byte:02x}")).collect();
            let size_bytes = i64::try_from(output.len()).unwrap();
            blobs.insert(hash.clone(), output);
            entry.stdout_digest = Some(api::Digest { hash, size_bytes });
        }
    }

    pub(crate) fn store(&self) -> Store {
        self.store_with("", &[])
    }

    pub(crate) fn store_with(&self, options: &str, settings: &[(&str, &str)]) -> Store {
        let lookup = |name: &str| {
            let found = settings.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Store::open(&format!("reapi+http://127.0.0.1:{}/main{options}", self.port), lookup).unwrap()
    }
}

fn hash(digest: Option<api::Digest>) -> String {
    digest.unwrap().hash
}

fn said(code: Code) -> rpc::Status {
    rpc::Status { code: code as i32, message: "said".to_owned(), details: Vec::new() }
}

#[async_trait]
impl Capabilities for Shared {
    async fn get_capabilities(
        &self,
        request: Request<api::GetCapabilitiesRequest>,
    ) -> Result<Response<api::ServerCapabilities>, Status> {
        let mut state = self.state();
        let said = ["authorization", "x-api-key"].into_iter().filter_map(|name| {
            Some(format!("{name}: {}", request.metadata().get(name)?.to_str().unwrap()))
        });
        state.credentials = said.collect();
        let cache = api::CacheCapabilities {
            digest_functions: state.announced.clone(),
            ..api::CacheCapabilities::default()
        };
        Ok(Response::new(api::ServerCapabilities {
            cache_capabilities: Some(cache),
            ..api::ServerCapabilities::default()
        }))
    }
}

#[async_trait]
impl ActionCache for Shared {
    async fn get_action_result(
        &self,
        request: Request<api::GetActionResultRequest>,
    ) -> Result<Response<api::ActionResult>, Status> {
        let state = self.state();
        if let Some(code) = state.failing {
            return Err(Status::new(code, "said of the-secret-token"));
        }
        let found = state.entries.get(&hash(request.into_inner().action_digest));
        found.cloned().map(Response::new).ok_or_else(|| Status::not_found("no entry"))
    }

    async fn update_action_result(
        &self,
        request: Request<api::UpdateActionResultRequest>,
    ) -> Result<Response<api::ActionResult>, Status> {
        let request = request.into_inner();
        let mut state = self.state();
        state.functions.push(request.digest_function);
        let result = request.action_result.unwrap();
        state.entries.insert(hash(request.action_digest), result.clone());
        Ok(Response::new(result))
    }
}

#[async_trait]
impl ContentAddressableStorage for Shared {
    async fn find_missing_blobs(
        &self,
        request: Request<api::FindMissingBlobsRequest>,
    ) -> Result<Response<api::FindMissingBlobsResponse>, Status> {
        let mut missing = request.into_inner().blob_digests;
        missing.retain(|digest| !self.state().blobs.contains_key(&digest.hash));
        Ok(Response::new(api::FindMissingBlobsResponse { missing_blob_digests: missing }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<api::BatchUpdateBlobsRequest>,
    ) -> Result<Response<api::BatchUpdateBlobsResponse>, Status> {
        let request = request.into_inner();
        let mut state = self.state();
        let refused = state.refused.contains(&request.digest_function);
        let code = if refused { Code::InvalidArgument } else { Code::Ok };
        let answer = |blob: api::batch_update_blobs_request::Request| {
            if !refused {
                state.blobs.insert(hash(blob.digest.clone()), blob.data);
            }
            api::batch_update_blobs_response::Response {
                digest: blob.digest,
                status: Some(said(code)),
            }
        };
        let responses = request.requests.into_iter().map(answer).collect();
        Ok(Response::new(api::BatchUpdateBlobsResponse { responses }))
    }

    async fn batch_read_blobs(
        &self,
        request: Request<api::BatchReadBlobsRequest>,
    ) -> Result<Response<api::BatchReadBlobsResponse>, Status> {
        let state = self.state();
        let answer = |digest: api::Digest| {
            let found = state.blobs.get(&digest.hash);
            let code = if found.is_some() { Code::Ok } else { Code::NotFound };
            api::batch_read_blobs_response::Response {
                digest: Some(digest),
                data: found.cloned().unwrap_or_default(),
                status: Some(said(code)),
                ..api::batch_read_blobs_response::Response::default()
            }
        };
        let responses = request.into_inner().digests.into_iter().map(answer).collect();
        Ok(Response::new(api::BatchReadBlobsResponse { responses }))
    }

    type GetTreeStream = Empty<Result<api::GetTreeResponse, Status>>;
    type GetChunkMappingStream = Empty<Result<api::GetChunkMappingResponse, Status>>;

    async fn get_tree(
        &self,
        _request: Request<api::GetTreeRequest>,
    ) -> Result<Response<Self::GetTreeStream>, Status> {
        Err(Status::unimplemented("get_tree"))
    }

    async fn split_blob(
        &self,
        _request: Request<api::SplitBlobRequest>,
    ) -> Result<Response<api::SplitBlobResponse>, Status> {
        Err(Status::unimplemented("split_blob"))
    }

    async fn get_chunk_mapping(
        &self,
        _request: Request<api::GetChunkMappingRequest>,
    ) -> Result<Response<Self::GetChunkMappingStream>, Status> {
        Err(Status::unimplemented("get_chunk_mapping"))
    }

    async fn splice_blob(
        &self,
        _request: Request<api::SpliceBlobRequest>,
    ) -> Result<Response<api::SpliceBlobResponse>, Status> {
        Err(Status::unimplemented("splice_blob"))
    }

    async fn register_chunk_mapping(
        &self,
        _request: Request<tonic::Streaming<api::RegisterChunkMappingRequest>>,
    ) -> Result<Response<api::RegisterChunkMappingResponse>, Status> {
        Err(Status::unimplemented("register_chunk_mapping"))
    }
}
