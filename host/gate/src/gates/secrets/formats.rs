//! The published shapes of well-known secrets. docs/gates.md names where each is published.
//!
//! A shape is here if its owner documents it, and if hardly anything else looks like it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

/// Most findings of one text.
const FOUND_MAX: usize = 1_000;

/// What a secret is called, and what it looks like.
const FORMATS: &[(&str, &str)] = &[
    ("a private key", r"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----"),
    ("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    ("a GitHub token", r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
    (
        "a GitLab token",
        r"\bgl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct)-[A-Za-z0-9_=.-]{20,320}",
    ),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}"),
    ("a Slack token", r"\bxapp-[0-9]-[A-Za-z0-9-]{20,250}"),
    (
        "a Slack webhook",
        r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{8,12}/[A-Za-z0-9/]{20,120}",
    ),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}\b"),
    ("a Google OAuth secret", r"\bGOCSPX-[A-Za-z0-9_-]{28}\b"),
    ("an Azure storage key", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    ("an Azure client secret", r"\b[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
    ("an Azure DevOps token", r"\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b"),
    ("a Stripe key", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,247}\b"),
    ("a Stripe webhook secret", r"\bwhsec_[A-Za-z0-9+/]{32,64}"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{50,400}"),
    ("a Cargo registry token", r"\bcio[A-Za-z0-9]{32}\b"),
    ("a RubyGems key", r"\brubygems_[0-9a-f]{48}\b"),
    ("a Docker Hub token", r"\bdckr_[po]at_[A-Za-z0-9_-]{27,32}"),
    ("an OpenAI key", r"\bsk-[A-Za-z0-9_-]{16,200}T3BlbkFJ[A-Za-z0-9_-]{16,200}"),
    ("an Anthropic key", r"\bsk-ant-[a-z0-9]{3,16}-[A-Za-z0-9_-]{80,120}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{34,40}\b"),
    ("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ("a Twilio key", r"\bSK[0-9a-f]{32}\b"),
    ("a DigitalOcean token", r"\bdo[por]_v1_[0-9a-f]{64}\b"),
    ("a Databricks token", r"\bdapi[0-9a-f]{32}(?:-[0-9])?\b"),
    ("a Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    ("a Vault token", r"\bhv[sbr]\.[A-Za-z0-9_-]{24,300}"),
    ("a Terraform token", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    ("a Grafana token", r"\bgl(?:sa|c)_[A-Za-z0-9+/_]{32,400}"),
    ("a Telegram bot token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    ("an age key", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b"),
    (
        "a JSON Web Token",
        r"\beyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{20,2000}",
    ),
];

struct Compiled {
    any: RegexSet,
    each: Vec<Regex>,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let any = RegexSet::new(patterns()).expect("a test compiles every shape");
    let each = patterns().map(|shape| Regex::new(shape).expect("a test compiles every shape"));
    Compiled { any, each: each.collect() }
});

/// The shapes, as patterns.
pub(crate) fn patterns() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|(_, shape)| *shape)
}

/// What looks like a secret in a text, and where.
pub(crate) fn find(text: &str) -> Vec<(&'static str, Range<usize>)> {
    let Compiled { any, each } = &*COMPILED;
    let found = any.matches(text).into_iter().flat_map(|place| {
        let found = each[place].find_iter(text).filter(|found| !is_example(found.as_str()));
        found.map(move |found| (FORMATS[place].0, found.range()))
    });
    found.take(FOUND_MAX).collect()
}

/// AWS writes its documentation with keys that end so, and so does everybody after it.
fn is_example(text: &str) -> bool {
    text.ends_with("EXAMPLE")
}

/// The kinds there are, some more than once.
#[cfg(test)]
pub(crate) fn kinds() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|(kind, _)| *kind)
}
