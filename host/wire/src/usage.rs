//! What a response cost in tokens, as the server counted it.
//!
//! Servers leave parts out, so everything but the two totals defaults to zero. Nothing here is
//! checked for plausibility: `reasoning_tokens` above `output_tokens` has been seen in the wild.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Tokens of one response. `input_tokens` counts the whole context, not what was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Usage {
    /// Tokens the model read, cached ones included.
    pub input_tokens: u64,
    /// Of these, tokens that came from the provider's prompt cache.
    pub cached_tokens: u64,
    /// Of these, tokens that were written to the provider's prompt cache.
    pub cache_write_tokens: u64,
    /// Tokens the model wrote, reasoning included.
    pub output_tokens: u64,
    /// Of these, tokens of reasoning that nobody sees.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Input and output together.
    #[must_use]
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Reads the provider's usage object. Whatever is missing or not a number counts as zero;
    /// `None` only when there is no object at all.
    pub(crate) fn from_wire(usage: &Value) -> Option<Self> {
        usage.as_object()?;
        let count = |pointer: &str| usage.pointer(pointer).and_then(whole).unwrap_or(0);
        Some(Self {
            input_tokens: count("/input_tokens"),
            cached_tokens: count("/input_tokens_details/cached_tokens"),
            cache_write_tokens: count("/input_tokens_details/cache_write_tokens"),
            output_tokens: count("/output_tokens"),
            reasoning_tokens: count("/output_tokens_details/reasoning_tokens"),
        })
    }

    /// The provider's usage object, with every part in its place.
    pub(crate) fn to_wire(self) -> Value {
        json!({
            "input_tokens": self.input_tokens,
            "input_tokens_details": {
                "cached_tokens": self.cached_tokens,
                "cache_write_tokens": self.cache_write_tokens,
            },
            "output_tokens": self.output_tokens,
            "output_tokens_details": { "reasoning_tokens": self.reasoning_tokens },
            "total_tokens": self.total_tokens(),
        })
    }
}

/// A count, also where a gateway wrote it as `12.0`. Fractions and negative numbers are no count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the guard admits only whole numbers that a u64 holds"
)]
fn whole(number: &Value) -> Option<u64> {
    /// Above 2^53 a float no longer names one whole number.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        ((0.0..=EXACT_MAX).contains(&float) && float.fract() == 0.0).then_some(float as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_whatever_part_of_it_is_there() {
        let check = |wire: Value, expected: Option<(u64, u64, u64, u64)>| {
            let read = Usage::from_wire(&wire);
            let found = read.map(|usage| {
                (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.total_tokens())
            });
            assert_eq!(found, expected, "{wire}");
        };
        check(json!(null), None);
        check(json!([]), None);
        check(json!({}), Some((0, 0, 0, 0)));
        check(json!({ "input_tokens": 7 }), Some((7, 0, 0, 7)));
        check(json!({ "input_tokens": 7.0, "output_tokens": "many" }), Some((7, 0, 0, 7)));
        check(json!({ "input_tokens": -1, "output_tokens": 0.5 }), Some((0, 0, 0, 0)));
        check(
            json!({ "input_tokens": 9, "input_tokens_details": { "cached_tokens": 4 }, "output_tokens": 2 }),
            Some((9, 4, 2, 11)),
        );
        check(
            json!({ "input_tokens": u64::MAX, "output_tokens": 1 }),
            Some((u64::MAX, 0, 1, u64::MAX)),
        );
    }

    #[test]
    fn what_the_server_writes_the_client_reads() {
        let usage = Usage {
            input_tokens: 1840,
            cached_tokens: 1536,
            cache_write_tokens: 256,
            output_tokens: 212,
            reasoning_tokens: 128,
        };
        assert_eq!(Usage::from_wire(&usage.to_wire()), Some(usage));
    }
}
