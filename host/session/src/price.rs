//! What a model costs: the price of a request, the most it can cost, and the table of the models
//! that the program knows.
//!
//! Tokens are counted as the Responses API counts them: the input includes what was read from and
//! written to the provider's cache, the output includes reasoning. Money is integer throughout.

use serde::{Deserialize, Serialize};

use crate::budget::Money;

mod table;

pub use table::{KnownModel, PRICE_TABLE_VERSION, PriceTable, PriceTableError, ServiceTier};

/// Tokens of one response, as the provider counts them.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Usage {
    /// All tokens sent, those read from and written to the cache included.
    pub input: u64,
    /// Those of them that were read from the cache.
    pub cached_input: u64,
    /// Those of them that were written to the cache.
    #[serde(default)]
    pub cache_write: u64,
    /// All tokens made, reasoning included.
    pub output: u64,
    /// Those of them that were reasoning.
    #[serde(default)]
    pub reasoning: u64,
}

impl Usage {
    /// Tokens both ways.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// What a model costs, per million tokens.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Price {
    /// Tokens sent that the provider had not cached.
    pub input: Money,
    /// Tokens sent that the provider had cached.
    pub cached_input: Money,
    /// Tokens sent that the provider wrote to its cache; as `input` where it asks no more for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Money>,
    /// Tokens the model made, its reasoning included.
    pub output: Money,
    /// What a request with a long input costs, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongContext>,
}

/// What a request costs, per million tokens, when its input is long. The whole request costs that,
/// not only what is above the bound.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LongContext {
    /// An input of more tokens than this is long.
    pub above: u64,
    /// As [`Price::input`].
    pub input: Money,
    /// As [`Price::cached_input`].
    pub cached_input: Money,
    /// As [`Price::cache_write`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Money>,
    /// As [`Price::output`].
    pub output: Money,
}

/// The rates of one request: which of a price's lines count is decided.
#[derive(Debug, Clone, Copy)]
struct Rates {
    input: Money,
    cached_input: Money,
    cache_write: Money,
    output: Money,
}

impl Rates {
    /// What tokens cost, in millionths of a micro-dollar.
    fn cost(self, usage: Usage) -> u128 {
        let cached = usage.cached_input.min(usage.input);
        let written = usage.cache_write.min(usage.input - cached);
        let plain = usage.input - cached - written;
        let lines = [
            (plain, self.input),
            (cached, self.cached_input),
            (written, self.cache_write),
            (usage.output, self.output),
        ];
        lines.into_iter().fold(0, |sum, (tokens, per)| sum.saturating_add(product(tokens, per)))
    }

    /// What a token of input costs at most.
    fn dearest_input(self) -> Money {
        self.input.max(self.cached_input).max(self.cache_write)
    }
}

impl Price {
    const PER: u128 = 1_000_000;

    /// What `usage` costs, rounded up to a millionth of a dollar.
    pub fn of(&self, usage: Usage) -> Money {
        let rates = match self.long {
            Some(long) if usage.input > long.above => long.rates(),
            Some(_) | None => self.rates(),
        };
        rounded_up(rates.cost(usage))
    }

    /// The most that a request can cost whose input and output have at most so many tokens:
    /// whatever part of the input is cached or written to the cache, however long it turns out.
    pub fn worst(&self, input_at_most: u64, output_at_most: u64) -> Money {
        let cost = |(input, rates): (u64, Rates)| {
            product(input, rates.dearest_input())
                .saturating_add(product(output_at_most, rates.output))
        };
        rounded_up(self.cases(input_at_most).map(cost).max().unwrap_or(0))
    }

    /// The most tokens of output that `money` bears whatever the input turns out to be; none when
    /// it does not even bear the input.
    pub fn output_at_most(&self, input_at_most: u64, money: Money) -> Option<u64> {
        let money = u128::from(money.0) * Self::PER;
        let borne = |(input, rates): (u64, Rates)| {
            let left = money.checked_sub(product(input, rates.dearest_input()))?;
            let tokens = left.checked_div(u128::from(rates.output.0)).unwrap_or(u128::MAX);
            Some(u64::try_from(tokens).unwrap_or(u64::MAX))
        };
        self.cases(input_at_most).map(borne).min().flatten()
    }

    /// The same with every rate at so many percent, rounded up.
    fn at_percent(&self, percent: u64) -> Self {
        let scale = |money: Money| {
            let scaled = (u128::from(money.0) * u128::from(percent)).div_ceil(100);
            Money(u64::try_from(scaled).unwrap_or(u64::MAX))
        };
        Self {
            input: scale(self.input),
            cached_input: scale(self.cached_input),
            cache_write: self.cache_write.map(scale),
            output: scale(self.output),
            long: self.long.map(|long| LongContext {
                above: long.above,
                input: scale(long.input),
                cached_input: scale(long.cached_input),
                cache_write: long.cache_write.map(scale),
                output: scale(long.output),
            }),
        }
    }

    fn rates(&self) -> Rates {
        Rates {
            input: self.input,
            cached_input: self.cached_input,
            cache_write: self.cache_write.unwrap_or(self.input),
            output: self.output,
        }
    }

    /// The rates that may count for an input of at most so many tokens, each with the longest
    /// input it may count for.
    fn cases(&self, input_at_most: u64) -> impl Iterator<Item = (u64, Rates)> {
        let long = self.long.filter(|long| input_at_most > long.above);
        let short = long.map_or(input_at_most, |long| long.above);
        let long = long.map(|long| (input_at_most, long.rates()));
        std::iter::once((short, self.rates())).chain(long)
    }
}

impl LongContext {
    fn rates(&self) -> Rates {
        Rates {
            input: self.input,
            cached_input: self.cached_input,
            cache_write: self.cache_write.unwrap_or(self.input),
            output: self.output,
        }
    }
}

fn product(tokens: u64, per: Money) -> u128 {
    u128::from(tokens) * u128::from(per.0)
}

fn rounded_up(cost: u128) -> Money {
    Money(u64::try_from(cost.div_ceil(Price::PER)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
