//! A Redis, or what speaks its protocol. Not a cluster.
//!
//! Not opendal's: that one neither lists nor creates, and Redis does both.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError, TlsCertificates,
    cmd, pipe,
};
use tokio::sync::OnceCell;

use super::Trouble;
use crate::address::{Address, Transport};
use crate::http::CONNECT_MAX;
use crate::secrets::Settings;
use crate::{Created, ENTRIES_MAX, Entry, Name, OBJECT_BYTES_MAX, StoreError, http};

const PORT: u16 = 6379;

/// Keys that one step of a scan looks at.
const SCAN_STEP: usize = 1000;

pub(crate) struct Redis {
    client: Client,
    /// Made by the first call, since `open` does not wait.
    connection: OnceCell<ConnectionManager>,
    /// Empty, or ends with a slash.
    prefix: String,
    /// After how long what is written goes away by itself.
    ttl: Option<Duration>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Redis {
    pub(crate) fn open(
        transport: Transport,
        address: &mut Address,
        settings: &mut Settings<'_>,
    ) -> Result<Self, StoreError> {
        let (db, prefix) = database(transport, address)?;
        let ttl = address.ttl()?;
        let mut redis = RedisConnectionInfo::default().set_db(db);
        if let Some(username) = settings.secret(&["REDIS_USERNAME"]) {
            redis = redis.set_username(username);
        }
        if let Some(password) = settings.secret(&["REDIS_PASSWORD"]) {
            redis = redis.set_password(password);
        }
        let client = client(transport, address, redis)?;
        let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
        Ok(Self { client, connection: OnceCell::new(), prefix, ttl })
    }

    pub(crate) async fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, Trouble> {
        let key = self.key(name);
        let mut asked = pipe();
        // A range of what is not there is as empty as one of what is empty.
        asked.atomic().exists(&key).getrange(&key, 0, OBJECT_BYTES_MAX.cast_signed());
        let mut connection = self.connection().await?;
        let (exists, bytes): (bool, Vec<u8>) =
            asked.query_async(&mut connection).await.map_err(|err| trouble(&err))?;
        match bytes.len() {
            _ if !exists => Ok(None),
            bytes if bytes > OBJECT_BYTES_MAX => Err(Trouble::TooLarge),
            _ => Ok(Some(bytes)),
        }
    }

    pub(crate) async fn put(&self, name: &Name, bytes: Bytes) -> Result<(), Trouble> {
        self.set(name, &bytes, Condition::None).await.map(drop)
    }

    pub(crate) async fn create(&self, name: &Name, bytes: Bytes) -> Result<Created, Trouble> {
        self.set(name, &bytes, Condition::Absent).await
    }

    async fn set(
        &self,
        name: &Name,
        bytes: &[u8],
        condition: Condition,
    ) -> Result<Created, Trouble> {
        let mut set = cmd("SET");
        set.arg(self.key(name)).arg(bytes);
        if let Some(ttl) = self.ttl {
            set.arg("EX").arg(ttl.as_secs());
        }
        match condition {
            Condition::None => {}
            Condition::Absent => {
                set.arg("NX");
            }
        }
        let mut connection = self.connection().await?;
        let done: Option<String> =
            set.query_async(&mut connection).await.map_err(|err| trouble(&err))?;
        Ok(if done.is_some() { Created::New } else { Created::Exists })
    }

    pub(crate) async fn list(&self, prefix: &Name) -> Result<Vec<Entry>, Trouble> {
        let mut connection = self.connection().await?;
        // Neither the prefix nor a name has a character that a pattern reads in its own way.
        let pattern = format!("{}/*", self.key(prefix));
        let (mut cursor, mut names) = (0_u64, BTreeSet::new());
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SCAN_STEP);
            let keys: Vec<Vec<u8>>;
            (cursor, keys) =
                scan.query_async(&mut connection).await.map_err(|err| trouble(&err))?;
            names.extend(keys.iter().filter_map(|key| self.name(key)));
            if names.len() > ENTRIES_MAX {
                return Err(Trouble::TooMany);
            }
            if cursor == 0 {
                break;
            }
        }
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut lengths = pipe();
        for name in &names {
            lengths.cmd("STRLEN").arg(self.key(name));
        }
        let lengths: Vec<u64> =
            lengths.query_async(&mut connection).await.map_err(|err| trouble(&err))?;
        Ok(names.into_iter().zip(lengths).map(|(name, bytes)| Entry { name, bytes }).collect())
    }

    pub(crate) async fn delete(&self, name: &Name) -> Result<(), Trouble> {
        let mut connection = self.connection().await?;
        let del = cmd("DEL").arg(self.key(name)).to_owned();
        del.query_async(&mut connection).await.map_err(|err| trouble(&err))
    }

    fn key(&self, name: &Name) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The name of a key of ours.
    fn name(&self, key: &[u8]) -> Option<Name> {
        let key = std::str::from_utf8(key).ok()?;
        Name::new(key.strip_prefix(&self.prefix)?).ok()
    }

    async fn connection(&self) -> Result<ConnectionManager, Trouble> {
        // Patience bounds an attempt and makes the next: the connection does neither.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(None);
        let connect = || self.client.get_connection_manager_with_config(config);
        self.connection.get_or_try_init(connect).await.cloned().map_err(|err| trouble(&err))
    }
}

/// What must hold for a key to be set.
enum Condition {
    None,
    Absent,
}

/// The number of the database, and the prefix.
fn database(transport: Transport, address: &mut Address) -> Result<(i64, String), StoreError> {
    let (db, prefix) = match transport {
        Transport::Unix => {
            let prefix = address.prefix_option()?;
            (address.take("db").unwrap_or_default(), prefix)
        }
        Transport::Plain | Transport::Tls => {
            let path = address.prefix()?;
            let (db, prefix) = path.split_once('/').unwrap_or((&path, ""));
            (db.to_owned(), prefix.to_owned())
        }
    };
    match db.as_str() {
        "" => Ok((0, prefix)),
        db => match db.parse::<u16>() {
            Ok(db) => Ok((i64::from(db), prefix)),
            Err(_) => Err(address.bad(format!("`{db}` is not the number of a database"))),
        },
    }
}

fn client(
    transport: Transport,
    address: &mut Address,
    redis: RedisConnectionInfo,
) -> Result<Client, StoreError> {
    let mut root_cert = None;
    let to = match transport {
        Transport::Unix => ConnectionAddr::Unix(socket(address)?),
        Transport::Plain => {
            let (host, port) = address.host_and_port(PORT)?;
            ConnectionAddr::Tcp(host, port)
        }
        Transport::Tls => {
            root_cert = http::authority_of_url(address)?;
            let (host, port) = address.host_and_port(PORT)?;
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        }
    };
    let info = to.into_connection_info().map(|info| info.set_redis_settings(redis));
    let client = match root_cert {
        Some(_) => info.and_then(|info| {
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
        }),
        None => info.and_then(Client::open),
    };
    client.map_err(|err| address.bad(err.to_string()))
}

fn socket(address: &Address) -> Result<std::path::PathBuf, StoreError> {
    address.file_path().map(|path| Path::new(&path).to_owned())
}

fn trouble(err: &RedisError) -> Trouble {
    let said = err.to_string();
    let code = err.code().unwrap_or_default();
    if err.kind() == redis::ErrorKind::AuthenticationFailed
        || matches!(code, "NOAUTH" | "WRONGPASS" | "NOPERM")
    {
        Trouble::Denied(said)
    } else if err.is_io_error()
        || err.is_connection_dropped()
        || matches!(code, "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN")
    {
        Trouble::Passing(said)
    } else {
        Trouble::Lasting(said)
    }
}
