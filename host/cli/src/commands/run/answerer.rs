//! Who answers: a model behind the network, or a server of our own.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use egress::{Proxies, Roots};
use runner::Tree;
use session::budget::Price;
use snapshot::Digest;
use wire::{Endpoint, Responder, Secret, Server};

use super::step_file::Found;
use crate::args::{Provider, RunArgs};
use crate::commands::model;
use crate::plan::Plan;
use crate::plan::access::{Access, NotSet};
use crate::problem::Problem;
use crate::repo::{self, Trees};
use crate::step::{self, Step};

/// What names a file of certificates of this machine; the first that is set counts.
const CA_VARIABLES: [&str; 2] = ["STEPWELL_CA_FILE", "SSL_CERT_FILE"];

/// Who answers, with the server of ours that lives as long as the run.
pub(super) struct Answerer {
    pub(super) provider: &'static str,
    pub(super) model: String,
    pub(super) shown: String,
    endpoint: Endpoint,
    pub(super) price: Price,
    pub(super) model_used: bool,
    /// Whether somebody pays for the answers.
    pub(super) is_billed: bool,
    /// What the answers depend on besides the model's name.
    pub(super) identity: String,
    _server: Option<Server>,
}

impl Answerer {
    /// What the step and the command line come to.
    pub(super) fn choose(
        args: &RunArgs,
        step: &Step,
        plan: &Plan,
        found: &Found,
        trees: &Trees,
    ) -> Result<Self, Problem> {
        let key_is_set = |model: &step::Model| env::var_os(&model.key_env).is_some();
        let provider = args.provider.clone().unwrap_or_else(|| match &step.model {
            Some(model) if key_is_set(model) => Provider::OpenAi,
            Some(_) | None => Provider::Offline,
        });
        match provider {
            Provider::OpenAi => {
                let tree = trees.base.as_ref().filter(|_| found.of_base).unwrap_or(&trees.head);
                Self::network(step, plan, tree)
            }
            Provider::Offline => {
                let analyst = Arc::new(wire::offline::Analyst);
                let mut answerer = Self::ours(analyst, "offline", String::new())?;
                answerer.model_used = false;
                Ok(answerer)
            }
            Provider::Script(path) => {
                let (script, text) = model::script(&path)?;
                let identity = Digest::of(text.as_bytes()).to_string();
                let mut answerer = Self::ours(Arc::new(script), "script", identity)?;
                answerer.price = plan.session.price;
                Ok(answerer)
            }
        }
    }

    /// A server of our own on loopback: every answer takes the same way.
    fn ours(
        responder: Arc<dyn Responder>,
        provider: &'static str,
        identity: String,
    ) -> Result<Self, Problem> {
        let model = responder.model().to_owned();
        let server = model::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), responder)?;
        Ok(Self {
            provider,
            model,
            shown: "our own server on loopback".to_owned(),
            endpoint: Endpoint::new(&server.base_url()).map_err(Problem::Endpoint)?,
            price: Price::default(),
            model_used: true,
            is_billed: false,
            identity,
            _server: Some(server),
        })
    }

    /// Where it is, for the run of that name: its requests are numbered with it, so that the
    /// provider's log can be laid beside ours.
    pub(super) fn endpoint_for(&self, run: &str) -> Result<Endpoint, Problem> {
        self.endpoint.clone().with_client_request_id(run).map_err(Problem::Endpoint)
    }

    fn network(step: &Step, plan: &Plan, tree: &Tree) -> Result<Self, Problem> {
        let model = step.model.as_ref().ok_or(Problem::NoModel)?;
        let access = plan.access.as_ref().ok_or(Problem::NoModel)?;
        let endpoint = endpoint(access, tree)?;
        Ok(Self {
            provider: "openai",
            model: model.name.clone(),
            shown: endpoint.url(),
            identity: endpoint.url(),
            endpoint,
            price: plan.session.price,
            model_used: true,
            is_billed: true,
            _server: None,
        })
    }
}

/// The model's server, with the key and everything else that it takes to get there.
fn endpoint(access: &Access, tree: &Tree) -> Result<Endpoint, Problem> {
    let variable = |name: &str| env::var(name).ok();
    let key =
        variable(&access.key_env).ok_or_else(|| Problem::NoKey { name: access.key_env.clone() })?;
    let place = match access.key_header {
        step::model::KeyHeader::Bearer => wire::KeyHeader::Bearer,
        step::model::KeyHeader::ApiKey => wire::KeyHeader::ApiKey,
    };
    let mut endpoint = Endpoint::new(&access.url)
        .and_then(|endpoint| endpoint.with_key_in(place, &Secret::new(key)))
        .map_err(Problem::Endpoint)?
        .with_proxies(Proxies::from_vars(variable))
        .with_rollover_after(access.connection_age);
    let headers = access
        .header_values(variable)
        .map_err(|NotSet { variable, header }| Problem::NoHeader { name: variable, header })?;
    for (name, value) in headers {
        endpoint = endpoint.with_header(name, &value).map_err(Problem::Endpoint)?;
    }
    match roots(access, tree)? {
        Some(roots) => Ok(endpoint.with_roots(roots)),
        None => Ok(endpoint),
    }
}

/// Whose certificates are trusted besides the usual ones: what the step names, from the commit
/// that the step is from, and what the operator of this machine does.
fn roots(access: &Access, tree: &Tree) -> Result<Option<Roots>, Problem> {
    let mut pem = Vec::new();
    let mut places = Vec::new();
    if let Some(name) = &access.ca_file {
        let bytes = repo::file(&tree.snapshot, name)
            .ok_or_else(|| Problem::NoCaFile { name: name.clone(), tree: tree.name.clone() })?;
        pem.extend(bytes);
        places.push(format!("{name} of {}", tree.name));
    }
    let path = CA_VARIABLES.iter().find_map(|name| env::var_os(name).filter(|it| !it.is_empty()));
    if let Some(path) = path.map(PathBuf::from) {
        let bytes = std::fs::read(&path);
        let (what, shown) = ("read the certificates", path.display().to_string());
        pem.push(b'\n');
        pem.extend(bytes.map_err(|source| Problem::File { what, path, source })?);
        places.push(shown);
    }
    if places.is_empty() {
        return Ok(None);
    }
    let bad = |source| Problem::BadRoots { places: places.join(" and "), source };
    Roots::with_pem(&pem).map(Some).map_err(bad)
}
