//! From a URL and the caller's settings to an operator, service by service.
//!
//! opendal would read the environment by itself. It is kept from that wherever it can be: what is
//! given decides, unless the URL says `credentials=machine` (an instance's role, a workload
//! identity, a profile).

use opendal::services::{Azblob, Gcs, Ghac, Memory, S3, Webdav};
use opendal::{OperationContext, Operator};

use crate::address::{Address, Service};
use crate::secrets::Settings;
use crate::{StoreError, http};

pub(super) fn operator(
    address: &mut Address,
    settings: &mut Settings<'_>,
) -> Result<Operator, StoreError> {
    let operator = match address.service {
        Service::Memory => return checked(address, Operator::new(Memory::default())),
        Service::S3 => Operator::new(s3(address, settings)?),
        Service::Gcs => Operator::new(gcs(address, settings)?),
        Service::Azblob => Operator::new(azblob(address, settings)?),
        Service::Webdav { tls } => Operator::new(webdav(address, settings, tls)?),
        Service::Ghac => Operator::new(ghac(address, settings)?),
        Service::Files | Service::Redis(_) | Service::Memcached { .. } | Service::Reapi { .. } => {
            return Err(address.bad("it is no object store"));
        }
    };
    let transport = http::transport(address, settings)?;
    let context = OperationContext::new().with_http_transport(transport);
    checked(address, operator).map(|operator| operator.with_context(context))
}

fn checked(address: &Address, built: opendal::Result<Operator>) -> Result<Operator, StoreError> {
    built.map_err(|err| address.bad(err.message()))
}

/// Where credentials come from.
enum Credentials {
    /// From the caller, by name.
    Given,
    /// Wherever the service's own tools look.
    Machine,
    /// Requests are not signed.
    None,
}

fn credentials(address: &mut Address) -> Result<Credentials, StoreError> {
    match address.take("credentials").as_deref() {
        None => Ok(Credentials::Given),
        Some("machine") => Ok(Credentials::Machine),
        Some("none") => Ok(Credentials::None),
        Some(other) => {
            Err(address.bad(format!("credentials={other} is neither `machine` nor `none`")))
        }
    }
}

fn s3(address: &mut Address, settings: &mut Settings<'_>) -> Result<S3, StoreError> {
    let mut s3 = S3::default().bucket(&address.authority()?).root(&address.prefix()?);
    s3 = match credentials(address)? {
        Credentials::Machine => s3,
        Credentials::None => s3.disable_config_load().disable_ec2_metadata().skip_signature(),
        Credentials::Given => {
            let key = settings.secret(&["AWS_ACCESS_KEY_ID"]);
            let secret = settings.secret(&["AWS_SECRET_ACCESS_KEY"]);
            let (Some(key), Some(secret)) = (key, secret) else {
                return Err(address.no_credentials());
            };
            let token = settings.secret(&["AWS_SESSION_TOKEN"]).unwrap_or_default();
            s3.disable_config_load()
                .disable_ec2_metadata()
                .access_key_id(&key)
                .secret_access_key(&secret)
                .session_token(&token)
        }
    };
    let region = settings.setting(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
    let Some(region) = address.take("region").or(region) else {
        return Err(address.bad("it has no region (`auto` where the service has none)"));
    };
    let endpoint = settings.setting(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
    if let Some(endpoint) = address.take("endpoint").or(endpoint) {
        s3 = s3.endpoint(&endpoint);
    }
    s3 = match address.take("style").as_deref() {
        None | Some("path") => s3,
        Some("host") => s3.enable_virtual_host_style(),
        Some(other) => return Err(address.bad(format!("style={other} is not `path` or `host`"))),
    };
    if let Some(class) = address.take("storage-class") {
        s3 = s3.default_storage_class(&class);
    }
    if let Some(encryption) = address.take("encryption") {
        s3 = s3.server_side_encryption(&encryption);
    }
    Ok(s3.region(&region))
}

fn gcs(address: &mut Address, settings: &mut Settings<'_>) -> Result<Gcs, StoreError> {
    let mut gcs = Gcs::default().bucket(&address.authority()?).root(&address.prefix()?);
    if let Some(endpoint) = address.take("endpoint") {
        gcs = gcs.endpoint(&endpoint);
    }
    match credentials(address)? {
        Credentials::Machine => return Ok(gcs),
        Credentials::None => {
            return Ok(gcs.disable_config_load().disable_vm_metadata().skip_signature());
        }
        Credentials::Given => {}
    }
    let gcs = gcs.disable_config_load().disable_vm_metadata();
    if let Some(token) = settings.secret(&["GOOGLE_OAUTH_ACCESS_TOKEN"]) {
        return Ok(gcs.token(token));
    }
    match settings.setting(&["GOOGLE_APPLICATION_CREDENTIALS"]) {
        Some(path) => Ok(gcs.credential_path(&path)),
        None => Err(address.no_credentials()),
    }
}

fn azblob(address: &mut Address, settings: &mut Settings<'_>) -> Result<Azblob, StoreError> {
    let mut azblob = Azblob::default().container(&address.authority()?).root(&address.prefix()?);
    let named = settings.setting(&["AZURE_STORAGE_ACCOUNT"]);
    let Some(account) = address.take("account").or(named) else {
        return Err(address.bad("it has no account (or set AZURE_STORAGE_ACCOUNT)"));
    };
    let endpoint = address.take("endpoint");
    let endpoint = endpoint.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
    azblob = azblob.endpoint(&endpoint).account_name(&account);
    match credentials(address)? {
        Credentials::Machine => return Ok(azblob),
        Credentials::None => return Ok(azblob.skip_signature()),
        Credentials::Given => {}
    }
    if let Some(token) = settings.secret(&["AZURE_STORAGE_SAS_TOKEN"]) {
        return Ok(azblob.sas_token(token.trim_start_matches('?')));
    }
    match settings.secret(&["AZURE_STORAGE_KEY"]) {
        Some(key) => Ok(azblob.account_key(&key)),
        None => Err(address.no_credentials()),
    }
}

fn webdav(
    address: &mut Address,
    settings: &mut Settings<'_>,
    tls: bool,
) -> Result<Webdav, StoreError> {
    let scheme = if tls { "https" } else { "http" };
    let endpoint = format!("{scheme}://{}", address.authority()?);
    let mut webdav = Webdav::default().endpoint(&endpoint).root(&address.prefix()?);
    if let Some(token) = settings.secret(&["WEBDAV_TOKEN"]) {
        return Ok(webdav.token(&token));
    }
    if let Some(username) = settings.secret(&["WEBDAV_USERNAME"]) {
        let password = settings.secret(&["WEBDAV_PASSWORD"]).unwrap_or_default();
        webdav = webdav.username(&username).password(&password);
    }
    Ok(webdav)
}

fn ghac(address: &mut Address, settings: &mut Settings<'_>) -> Result<Ghac, StoreError> {
    let namespace = address.authority()?;
    let token = settings.secret(&["ACTIONS_RUNTIME_TOKEN"]);
    let endpoint = settings.setting(&["ACTIONS_RESULTS_URL", "ACTIONS_CACHE_URL"]);
    let (Some(token), Some(endpoint)) = (token, endpoint) else {
        return Err(address.no_credentials());
    };
    Ok(Ghac::default()
        .version(&namespace)
        .root(&address.prefix()?)
        .runtime_token(&token)
        .endpoint(&endpoint))
}
