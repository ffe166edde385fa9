//! One server, and what is asked of it. Every request and every answer has a largest size.

use bazel_remote_apis::build::bazel::remote::execution::v2 as api;
use bazel_remote_apis::google::bytestream as stream;
use bytes::Bytes;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use api::action_cache_client::ActionCacheClient;
use api::capabilities_client::CapabilitiesClient;
use api::content_addressable_storage_client::ContentAddressableStorageClient;
use stream::byte_stream_client::ByteStreamClient;

use super::digest::{Digest, Function};
use crate::OBJECT_BYTES_MAX;
use crate::place::Trouble;

/// Largest message of an answer: gRPC's own default.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most bytes of one blob in a message: what else stands in it has room.
const BATCH_BYTES_MAX: usize = MESSAGE_BYTES_MAX - 64 * 1024;

/// Bytes of one message of a stream.
const CHUNK_BYTES: usize = 1024 * 1024;

/// What is written to see whether a server takes a digest function.
const TRIAL: &[u8] = b"written to see whether this server takes its digest\n";

/// What a request says beside its message.
pub(super) type Header = (AsciiMetadataKey, AsciiMetadataValue);

/// Who asks, and of which part of the server.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) instance: String,
    pub(super) credentials: Option<Header>,
}

/// A server that said what it can do.
pub(super) struct Server {
    channel: Channel,
    account: Account,
    pub(super) function: Function,
    batch_bytes_max: usize,
    blob_bytes_max: usize,
}

impl Server {
    /// Asks a server what it can do, and settles by which digests it is spoken to.
    pub(super) async fn ask(channel: Channel, account: Account) -> Result<Self, Trouble> {
        let mut server = Self {
            channel,
            account,
            function: Function::Sha256,
            batch_bytes_max: BATCH_BYTES_MAX,
            blob_bytes_max: OBJECT_BYTES_MAX,
        };
        let question = api::GetCapabilitiesRequest { instance_name: server.instance() };
        let mut client = CapabilitiesClient::new(server.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        let answer = client.get_capabilities(server.request(question)).await;
        let said = answer.map_err(|status| trouble(&status))?.into_inner().cache_capabilities;
        let said =
            said.ok_or_else(|| Trouble::Lasting("it says that it is no cache".to_owned()))?;
        server.batch_bytes_max = lower(BATCH_BYTES_MAX, said.max_batch_total_size_bytes);
        server.blob_bytes_max = lower(OBJECT_BYTES_MAX, said.max_cas_blob_size_bytes);
        server.settle(&Function::announced(&said.digest_functions)).await?;
        Ok(server)
    }

    /// Takes the first function that works. Some servers announce one that they then refuse; all
    /// who share this one must come to the same, since the keys depend on it.
    async fn settle(&mut self, announced: &[Function]) -> Result<(), Trouble> {
        let [first, others @ ..] = announced else {
            return Err(Trouble::Lasting("it has neither BLAKE3 nor SHA-256".to_owned()));
        };
        self.function = *first;
        for other in others {
            match self.write(Bytes::from_static(TRIAL)).await {
                // Who may only read cannot try; those who wrote found the first to work.
                Ok(_) | Err(Trouble::Denied(_)) => break,
                Err(passing @ Trouble::Passing(_)) => return Err(passing),
                Err(
                    Trouble::Lasting(_)
                    | Trouble::Unsupported
                    | Trouble::TooLarge
                    | Trouble::TooMany,
                ) => self.function = *other,
            }
        }
        Ok(())
    }

    /// The entry of the action cache under `key`.
    pub(super) async fn entry(&self, key: Digest) -> Result<Option<api::ActionResult>, Trouble> {
        let question = api::GetActionResultRequest {
            instance_name: self.instance(),
            action_digest: Some(key.to_wire()),
            inline_stdout: true,
            digest_function: self.function.value(),
            ..api::GetActionResultRequest::default()
        };
        let answer = self.actions().get_action_result(self.request(question)).await;
        found(answer.map(tonic::Response::into_inner))
    }

    pub(super) async fn set_entry(
        &self,
        key: Digest,
        result: api::ActionResult,
    ) -> Result<(), Trouble> {
        let question = api::UpdateActionResultRequest {
            instance_name: self.instance(),
            action_digest: Some(key.to_wire()),
            action_result: Some(result),
            digest_function: self.function.value(),
            ..api::UpdateActionResultRequest::default()
        };
        let answer = self.actions().update_action_result(self.request(question)).await;
        answer.map(drop).map_err(|status| trouble(&status))
    }

    /// Whether a blob is there.
    pub(super) async fn has(&self, digest: &Digest) -> Result<bool, Trouble> {
        let question = api::FindMissingBlobsRequest {
            instance_name: self.instance(),
            blob_digests: vec![digest.to_wire()],
            digest_function: self.function.value(),
        };
        let answer = self.blobs().find_missing_blobs(self.request(question)).await;
        let answer = answer.map_err(|status| trouble(&status))?.into_inner();
        Ok(answer.missing_blob_digests.is_empty())
    }

    /// A blob, if it is there; never other bytes than those of its digest.
    pub(super) async fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Trouble> {
        let read = if digest.bytes <= self.batch_bytes_max {
            self.read_whole(digest).await?
        } else {
            self.read_stream(digest).await?
        };
        match read {
            Some(bytes) if self.function.digest(&bytes) != *digest => {
                Err(Trouble::Lasting("a blob is not what its digest says".to_owned()))
            }
            read => Ok(read),
        }
    }

    async fn read_whole(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Trouble> {
        let question = api::BatchReadBlobsRequest {
            instance_name: self.instance(),
            digests: vec![digest.to_wire()],
            digest_function: self.function.value(),
            ..api::BatchReadBlobsRequest::default()
        };
        let answer = self.blobs().batch_read_blobs(self.request(question)).await;
        let answers = answer.map_err(|status| trouble(&status))?.into_inner().responses;
        let blob = one(answers)?;
        found(status_of(blob.status).map(|()| blob.data))
    }

    async fn read_stream(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Trouble> {
        let resource_name = self.below_instance(&self.function.resource(digest));
        let question = stream::ReadRequest { resource_name, ..stream::ReadRequest::default() };
        let answer = self.streams().read(self.request(question)).await;
        let Some(mut parts) = found(answer.map(tonic::Response::into_inner))? else {
            return Ok(None);
        };
        let mut bytes = Vec::with_capacity(digest.bytes);
        loop {
            let part = match parts.message().await {
                Ok(Some(part)) => part.data,
                Ok(None) => return Ok(Some(bytes)),
                Err(status) => return found(Err(status)),
            };
            if bytes.len() + part.len() > digest.bytes {
                return Err(Trouble::Lasting("a blob is longer than its digest says".to_owned()));
            }
            bytes.extend(part);
        }
    }

    /// Writes a blob, whether it is there or not.
    pub(super) async fn write(&self, bytes: Bytes) -> Result<Digest, Trouble> {
        if bytes.len() > self.blob_bytes_max {
            return Err(Trouble::TooLarge);
        }
        let digest = self.function.digest(&bytes);
        if bytes.len() <= self.batch_bytes_max {
            self.write_whole(&digest, bytes).await?;
        } else {
            self.write_stream(&digest, bytes).await?;
        }
        Ok(digest)
    }

    async fn write_whole(&self, digest: &Digest, bytes: Bytes) -> Result<(), Trouble> {
        let blob = api::batch_update_blobs_request::Request {
            digest: Some(digest.to_wire()),
            data: bytes.into(),
            ..api::batch_update_blobs_request::Request::default()
        };
        let question = api::BatchUpdateBlobsRequest {
            instance_name: self.instance(),
            requests: vec![blob],
            digest_function: self.function.value(),
        };
        let answer = self.blobs().batch_update_blobs(self.request(question)).await;
        let answers = answer.map_err(|status| trouble(&status))?.into_inner().responses;
        status_of(one(answers)?.status).map_err(|status| trouble(&status))
    }

    async fn write_stream(&self, digest: &Digest, bytes: Bytes) -> Result<(), Trouble> {
        let resource = format!("uploads/{}/{}", upload_id()?, self.function.resource(digest));
        let resource_name = self.below_instance(&resource);
        let whole = digest.to_wire().size_bytes;
        let parts = (0..bytes.len()).step_by(CHUNK_BYTES).map(move |from| {
            let to = bytes.len().min(from + CHUNK_BYTES);
            stream::WriteRequest {
                // Only the first has to say it.
                resource_name: if from == 0 { resource_name.clone() } else { String::new() },
                write_offset: i64::try_from(from).expect("less than OBJECT_BYTES_MAX"),
                finish_write: to == bytes.len(),
                data: bytes.slice(from..to).into(),
            }
        });
        let question = self.request(futures_util::stream::iter(parts));
        let answer = self.streams().write(question).await.map_err(|status| trouble(&status))?;
        match answer.into_inner().committed_size {
            committed if committed == whole => Ok(()),
            committed => Err(Trouble::Passing(format!("it took {committed} of {whole} bytes"))),
        }
    }

    fn instance(&self) -> String {
        self.account.instance.clone()
    }

    fn below_instance(&self, resource: &str) -> String {
        match self.account.instance.as_str() {
            "" => resource.to_owned(),
            instance => format!("{instance}/{resource}"),
        }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some((name, value)) = &self.account.credentials {
            request.metadata_mut().insert(name.clone(), value.clone());
        }
        request
    }

    fn actions(&self) -> ActionCacheClient<Channel> {
        ActionCacheClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn blobs(&self) -> ContentAddressableStorageClient<Channel> {
        ContentAddressableStorageClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn streams(&self) -> ByteStreamClient<Channel> {
        ByteStreamClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}

/// Our limit, or the server's if that is lower. Its zero is none.
fn lower(ours: usize, said: i64) -> usize {
    match usize::try_from(said) {
        Ok(theirs @ 1..) => ours.min(theirs),
        Ok(0) | Err(_) => ours,
    }
}

/// A name for one upload: a UUID of random bits.
fn upload_id() -> Result<String, Trouble> {
    let random = getrandom::u64().and_then(|high| Ok((high, getrandom::u64()?)));
    let (high, low) = random.map_err(|err| Trouble::Lasting(err.to_string()))?;
    let (high, low) = (high & !0xf000 | 0x4000, low & !(0b11 << 62) | (0b10 << 62));
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xffff);
    Ok(format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff))
}

/// The answer about the one blob that was asked for.
fn one<T>(answers: Vec<T>) -> Result<T, Trouble> {
    <[T; 1]>::try_from(answers)
        .map(|[answer]| answer)
        .map_err(|_| Trouble::Lasting("it did not answer about one blob".to_owned()))
}

/// The status inside of an answer.
fn status_of(said: Option<bazel_remote_apis::google::rpc::Status>) -> Result<(), Status> {
    match said {
        Some(said) if said.code != Code::Ok as i32 => {
            Err(Status::new(Code::from_i32(said.code), said.message))
        }
        Some(_) | None => Ok(()),
    }
}

/// That there is none is an answer.
fn found<T>(answer: Result<T, Status>) -> Result<Option<T>, Trouble> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(trouble(&status)),
    }
}

fn trouble(status: &Status) -> Trouble {
    let name = status.code().description();
    let said = match status.message() {
        "" => name.to_owned(),
        message => format!("{name}: {message}"),
    };
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Cancelled => Trouble::Passing(said),
        Code::PermissionDenied | Code::Unauthenticated => Trouble::Denied(said),
        Code::Unimplemented => Trouble::Unsupported,
        // The server said nothing: the connection broke.
        Code::Unknown | Code::Internal if std::error::Error::source(status).is_some() => {
            Trouble::Passing(said)
        }
        Code::Ok
        | Code::Unknown
        | Code::Internal
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::DataLoss => Trouble::Lasting(said),
    }
}
