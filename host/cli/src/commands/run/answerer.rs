//! Who answers: a model behind the network, or a server of our own.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use session::budget::Price;
use snapshot::Digest;
use wire::{Endpoint, Proxies, Responder, Secret, Server};

use crate::args::{Provider, RunArgs};
use crate::commands::model;
use crate::problem::Problem;
use crate::step::{self, Step};

/// Who answers, with the server of ours that lives as long as the run.
pub(super) struct Answerer {
    pub(super) provider: &'static str,
    pub(super) model: String,
    pub(super) shown: String,
    pub(super) endpoint: Endpoint,
    pub(super) price: Price,
    pub(super) model_used: bool,
    /// Whether somebody pays for the answers.
    pub(super) is_billed: bool,
    /// What the answers depend on besides the model's name.
    pub(super) identity: String,
    _server: Option<Server>,
}

impl Answerer {
    /// `price` is what the step's model costs.
    pub(super) fn choose(args: &RunArgs, step: &Step, price: Price) -> Result<Self, Problem> {
        let key_is_set = |model: &step::Model| env::var_os(&model.key_env).is_some();
        let provider = args.provider.clone().unwrap_or_else(|| match &step.model {
            Some(model) if key_is_set(model) => Provider::OpenAi,
            Some(_) | None => Provider::Offline,
        });
        match provider {
            Provider::OpenAi => Self::network(step, price),
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
                answerer.price = price;
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

    fn network(step: &Step, price: Price) -> Result<Self, Problem> {
        let model = step.model.as_ref().ok_or(Problem::NoModel)?;
        let key =
            env::var(&model.key_env).map_err(|_| Problem::NoKey { name: model.key_env.clone() })?;
        let endpoint = Endpoint::new(&model.base_url)
            .and_then(|endpoint| endpoint.with_key(&Secret::new(key)))
            .map(|endpoint| endpoint.with_proxies(Proxies::from_vars(|name| env::var(name).ok())))
            .map_err(Problem::Endpoint)?;
        Ok(Self {
            provider: "openai",
            model: model.name.clone(),
            shown: endpoint.url(),
            identity: endpoint.url(),
            endpoint,
            price,
            model_used: true,
            is_billed: true,
            _server: None,
        })
    }
}
