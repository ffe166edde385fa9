//! The prices that the program comes with.
//!
//! `table.json` holds facts that the providers publish: dollars per million tokens as integers of
//! micro-dollars, read on the day that is its version. A step may name prices of its own instead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Price;

/// The version of [`PriceTable::shipped`]: the day its facts were read.
pub const PRICE_TABLE_VERSION: &str = "2026-11-24";

static SHIPPED: LazyLock<PriceTable> = LazyLock::new(|| {
    PriceTable::parse(include_str!("table.json")).expect("a test reads the shipped table")
});

/// How a request is served, where a provider sells that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceTier {
    /// Cheaper, and slower when the provider is busy.
    Flex,
    /// Dearer, and faster.
    Priority,
    /// Dearer still, and faster still.
    Ultrafast,
}

/// Models and what they cost.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PriceTable {
    version: String,
    /// Says for readers of the file what its numbers are.
    #[serde(rename = "unit")]
    _unit: Unit,
    models: Vec<KnownModel>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Unit {
    #[serde(rename = "micro-dollars per million tokens")]
    MicroDollarsPerMillionTokens,
}

/// A model whose price is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KnownModel {
    /// Its name, without a date.
    pub name: String,
    /// What else it is called.
    #[serde(default)]
    aliases: Vec<String>,
    /// The most tokens of a request's input.
    pub context_tokens: u64,
    /// The most tokens of a response.
    pub max_output_tokens: u64,
    /// What it costs where no service tier is asked for.
    price: Price,
    /// What the other tiers cost, in percent of `price`.
    #[serde(default)]
    service_tiers: BTreeMap<ServiceTier, u64>,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceTableError {
    /// It is not what a table looks like.
    #[error("the price table cannot be read")]
    Malformed(#[from] serde_json::Error),
    /// Two models have one name, so that nobody could say what it costs.
    #[error("the price table has two models of the name `{0}`")]
    Twice(String),
}

impl PriceTable {
    /// The table that the program comes with.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Reads a table of the form of `table.json`.
    ///
    /// # Errors
    /// When it has another form, or one name twice.
    pub fn parse(text: &str) -> Result<Self, PriceTableError> {
        let table: Self = serde_json::from_str(text)?;
        let mut names = BTreeSet::new();
        for name in table.models.iter().flat_map(KnownModel::names) {
            if !names.insert(name) {
                return Err(PriceTableError::Twice(name.to_owned()));
            }
        }
        Ok(table)
    }

    /// Which day's facts these are.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The models, in the order of the table.
    pub fn models(&self) -> &[KnownModel] {
        &self.models
    }

    /// The model of that name. A provider before it (`openai/…`) and a date or `latest` behind it
    /// are not part of the name; any other ending is another model, and may cost anything.
    pub fn find(&self, name: &str) -> Option<&KnownModel> {
        let name = name.rsplit('/').next().unwrap_or(name);
        let known = |name: &str| self.models.iter().find(|model| model.names().any(|n| n == name));
        known(name).or_else(|| known(without_date(name)?))
    }
}

impl KnownModel {
    /// What it costs; none when it is not sold in that tier.
    pub fn price(&self, tier: Option<ServiceTier>) -> Option<Price> {
        match tier {
            None => Some(self.price),
            Some(tier) => {
                self.service_tiers.get(&tier).map(|percent| self.price.at_percent(*percent))
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }
}

/// `name` without `-2026-03-05`, `-0305`, `-20260305` or `-latest` at its end.
fn without_date(name: &str) -> Option<&str> {
    const ENDINGS: [&str; 3] = ["dddd-dd-dd", "dddddddd", "dddd"];
    let fits = |ending: &str, shape: &str| {
        let digits = |c: char| if c.is_ascii_digit() { 'd' } else { c };
        ending.len() == shape.len() && ending.chars().map(digits).eq(shape.chars())
    };
    if let Some(short) = name.strip_suffix("-latest") {
        return Some(short);
    }
    ENDINGS.iter().find_map(|shape| {
        let at = name.len().checked_sub(shape.len() + 1)?;
        let (short, ending) = name.split_at_checked(at)?;
        fits(ending.strip_prefix('-')?, shape).then_some(short)
    })
}
