//! What the step's model costs, and how much it can read: from the file, or from what is known.

use session::budget::Price;
use session::price::{KnownModel, PriceTable, ServiceTier};

use crate::step::{self, StepError};

/// What the model costs.
pub(super) fn price(model: &step::Model) -> Result<Price, StepError> {
    if let Some(own) = &model.price {
        return Ok(Price {
            input: own.input.0,
            cached_input: own.cached_input.unwrap_or(own.input).0,
            cache_write: own.cache_write.map(|dollars| dollars.0),
            output: own.output.0,
            long: None,
        });
    }
    let help = "write price = { input = …, output = … }, in dollars per million tokens";
    let Some(known) = known(model) else {
        let why = format!("is left out, and nothing is known of `{}`", model.name);
        return Err(StepError::value("model.price", why, help));
    };
    let tier = model.service_tier.and_then(tier);
    known.price(tier).ok_or_else(|| {
        let why = format!("is left out, and `{}` is not known in that service tier", model.name);
        StepError::value("model.price", why, help)
    })
}

fn tier(own: step::model::ServiceTier) -> Option<ServiceTier> {
    match own {
        step::model::ServiceTier::Default => None,
        step::model::ServiceTier::Flex => Some(ServiceTier::Flex),
        step::model::ServiceTier::Priority => Some(ServiceTier::Priority),
        step::model::ServiceTier::Ultrafast => Some(ServiceTier::Ultrafast),
    }
}

/// The most tokens that the model can read at once, where that is known.
pub(super) fn context_tokens(model: &step::Model) -> Option<u64> {
    model.context_tokens.or_else(|| known(model).map(|known| known.context_tokens))
}

fn known(model: &step::Model) -> Option<&'static KnownModel> {
    PriceTable::shipped().find(&model.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Step;

    fn priced(model: &str) -> Result<(Price, Option<u64>), String> {
        let text = format!("name = \"a\"\ntask = \"b\"\n[model]\n{model}");
        let model = Step::parse(text.as_bytes()).unwrap().model.unwrap();
        let price = price(&model).map_err(|err| err.to_string())?;
        Ok((price, context_tokens(&model)))
    }

    #[test]
    fn a_known_model_needs_no_price_and_an_own_one_wins() {
        let table = PriceTable::shipped().find("gpt-5.4").unwrap();
        let expected = (table.price(None).unwrap(), Some(table.context_tokens));
        assert_eq!(priced("name = \"gpt-5.4-2026-03-05\""), Ok(expected));

        let own = "name = \"gpt-5.4\"\ncontext-tokens = 9\nprice = { input = 1, output = 2 }";
        let (price, context) = priced(own).unwrap();
        assert_eq!(
            (price.input.0, price.cached_input.0, price.output.0),
            (1_000_000, 1_000_000, 2_000_000)
        );
        assert_eq!((price.long, context), (None, Some(9)));

        let flex = priced("name = \"gpt-6.1-sol\"\nservice-tier = \"flex\"").unwrap().0;
        let usual = priced("name = \"gpt-6.1-sol\"\nservice-tier = \"default\"").unwrap().0;
        assert_eq!((flex.input.0 * 2, flex.output.0 * 2), (usual.input.0, usual.output.0));
        let unsold = "`model.price` is left out, and `gpt-6-sol` is not known in that service tier";
        let asked = priced("name = \"gpt-6-sol\"\nservice-tier = \"ultrafast\"");
        assert_eq!(asked, Err(unsold.to_owned()));

        let unknown = "`model.price` is left out, and nothing is known of `mine`";
        assert_eq!(priced("name = \"mine\""), Err(unknown.to_owned()));
    }
}
