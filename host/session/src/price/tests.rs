//! What prices promise.

use proptest::prelude::*;

use super::*;

fn usage(input: u64, cached_input: u64, cache_write: u64, output: u64) -> Usage {
    Usage { input, cached_input, cache_write, output, reasoning: 0 }
}

fn known(name: &str) -> Price {
    PriceTable::shipped().find(name).and_then(|model| model.price(None)).expect(name)
}

#[test]
fn usage_is_priced_in_whole_millionths_rounded_up() {
    let price = Price {
        input: Money(2_000_000),
        cached_input: Money(100_000),
        output: Money(10_000_000),
        ..Price::default()
    };
    #[track_caller]
    fn check(price: Price, used: (u64, u64, u64), expected: u64) {
        let (input, cached, output) = used;
        assert_eq!(price.of(usage(input, cached, 0, output)), Money(expected));
    }
    check(price, (0, 0, 0), 0);
    check(price, (1, 0, 0), 2);
    check(price, (1, 1, 0), 1);
    check(price, (1_000, 600, 200), 800 + 60 + 2_000);
    // More cached than sent is a server's mistake, and never makes a request cheaper than cached.
    check(price, (10, 99, 0), 1);
}

#[test]
fn cache_writes_and_long_inputs_have_prices_of_their_own() {
    #[track_caller]
    fn check(model: &str, used: Usage, micro_dollars: u64) {
        assert_eq!(known(model).of(used), Money(micro_dollars), "{model} {used:?}");
    }
    // 100 plain, 600 cached, 300 written: 200 + 60 + 750, and 200 made: 2000.
    check("gpt-6.1-sol", usage(1_000, 600, 300, 200), 3_010);
    check("gpt-6.1-sol", usage(272_000, 0, 0, 0), 544_000);
    check("gpt-6.1-sol", usage(272_001, 0, 0, 0), 1_088_004);
    check("gpt-6.1-sol", usage(300_000, 0, 0, 1_000), 1_215_000);
    // Where writing costs no more, it costs what reading does.
    check("gpt-5.4", usage(1_000, 0, 1_000, 0), 2_500);
    check("grok-4.5", usage(200_001, 200_001, 0, 0), 120_001);
}

#[test]
fn a_name_is_found_with_its_provider_and_its_date_and_no_other_ending() {
    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        let found = PriceTable::shipped().find(name).map(|model| model.name.as_str());
        assert_eq!(found, expected, "{name}");
    }
    check("gpt-5.4", Some("gpt-5.4"));
    check("openai/gpt-5.4-2026-03-05", Some("gpt-5.4"));
    check("xai/grok-4.5-latest", Some("grok-4.5"));
    check("grok-4.5-0901", Some("grok-4.5"));
    check("gpt-5.6", Some("gpt-5.6-sol"));
    check("gpt-5.4-mini-2026-03-17", Some("gpt-5.4-mini"));
    // Twelve times the price of the model before the dash.
    check("gpt-5.4-pro", None);
    check("gpt-5.4-20é5", None);
    check("gpt-5.4-", None);
    check("-latest", None);
    check("", None);
}

#[test]
fn a_tier_is_priced_where_it_is_sold() {
    let table = PriceTable::shipped();
    let input = |name: &str, tier| {
        let price = table.find(name).and_then(|model| model.price(tier));
        price.map(|price| price.input.0)
    };
    assert_eq!(input("gpt-6-sol", None), Some(2_000_000));
    assert_eq!(input("gpt-6-sol", Some(ServiceTier::Flex)), Some(1_000_000));
    assert_eq!(input("gpt-5.5", Some(ServiceTier::Priority)), Some(12_500_000));
    assert_eq!(input("gpt-6-sol", Some(ServiceTier::Ultrafast)), None);
    assert_eq!(input("grok-4.6", Some(ServiceTier::Flex)), None);
}

#[test]
fn the_shipped_table_is_of_the_version_that_is_recorded_and_makes_sense() {
    let table = PriceTable::parse(include_str!("table.json")).unwrap();
    assert_eq!(table.version(), PRICE_TABLE_VERSION);
    assert!(table.models().len() >= 12);
    for model in table.models() {
        let price = model.price(None).unwrap();
        assert!(price.cached_input < price.input, "{}", model.name);
        assert!(price.input < price.output, "{}", model.name);
        assert!(price.cache_write.is_none_or(|write| write > price.input), "{}", model.name);
        assert!(model.max_output_tokens <= model.context_tokens, "{}", model.name);
        if let Some(long) = price.long {
            assert!(long.above < model.context_tokens, "{}", model.name);
            assert!(long.input > price.input && long.output > price.output, "{}", model.name);
        }
    }
}

#[test]
fn a_table_with_one_name_twice_or_of_another_form_is_refused() {
    let model = r#"{"name":"m","context-tokens":1,"max-output-tokens":1,
        "price":{"input":1,"cached-input":1,"output":1}}"#;
    let table = |models: &str| {
        format!(
            r#"{{"version":"1","unit":"micro-dollars per million tokens","models":[{models}]}}"#
        )
    };
    assert!(PriceTable::parse(&table(model)).is_ok());
    let twice = PriceTable::parse(&table(&format!("{model},{model}"))).unwrap_err();
    assert_eq!(twice.to_string(), "the price table has two models of the name `m`");
    let dollars = table(model).replace("micro-dollars", "dollars");
    assert!(PriceTable::parse(&dollars).is_err());
    assert!(PriceTable::parse(&table(&model.replace("input\":1", "input\":1.5"))).is_err());
}

#[test]
fn a_price_and_a_usage_of_an_old_journal_still_read() {
    let price = r#"{"input":2,"cached-input":1,"output":3}"#;
    let read: Price = serde_json::from_str(price).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), price);
    let used: Usage = serde_json::from_str(r#"{"input":5,"cached-input":4,"output":3}"#).unwrap();
    assert_eq!(used, usage(5, 4, 0, 3));
}

fn any_money() -> impl Strategy<Value = Money> {
    prop_oneof![0..40_u64, 0..60_000_000_u64].prop_map(Money)
}

fn any_price() -> impl Strategy<Value = Price> {
    let rates = || (any_money(), any_money(), proptest::option::of(any_money()), any_money());
    let long =
        (0..3_000_u64, rates()).prop_map(|(above, (input, cached_input, cache_write, output))| {
            LongContext { above, input, cached_input, cache_write, output }
        });
    (rates(), proptest::option::of(long)).prop_map(
        |((input, cached_input, cache_write, output), long)| Price {
            input,
            cached_input,
            cache_write,
            output,
            long,
        },
    )
}

proptest! {
    /// Nothing that stays within the bounds costs more than the worst case: not with cache writes,
    /// not on either side of a tier's bound, not with a usage that contradicts itself.
    #[test]
    fn the_worst_case_bounds_every_usage(
        price in any_price(),
        bounds in (0..6_000_u64, 0..6_000_u64),
        shares in (0..=100_u64, 0..=120_u64, 0..=120_u64, 0..=100_u64),
    ) {
        let part = |percent: u64, of: u64| of * percent / 100;
        let input = part(shares.0, bounds.0);
        let used = usage(input, part(shares.1, input), part(shares.2, input), part(shares.3, bounds.1));
        prop_assert!(price.of(used) <= price.worst(bounds.0, bounds.1));
    }

    /// What money bears is exactly the most whose worst case it pays.
    #[test]
    fn the_output_that_money_bears_is_the_most_it_bears(
        price in any_price(), input in 0..6_000_u64, money in 0..400_000_u64,
    ) {
        let money = Money(money);
        match price.output_at_most(input, money) {
            None => prop_assert!(price.worst(input, 0) > money),
            Some(u64::MAX) => prop_assert!(price.worst(input, u64::MAX) <= money),
            Some(output) => {
                prop_assert!(price.worst(input, output) <= money);
                prop_assert!(price.worst(input, output + 1) > money);
            }
        }
    }

    #[test]
    fn absurd_numbers_are_priced_and_do_not_overflow(
        numbers in proptest::array::uniform4(prop_oneof![Just(u64::MAX), any::<u64>()]),
        price in any_price(),
    ) {
        let [input, cached, written, output] = numbers;
        let dear = price.at_percent(u64::MAX);
        let used = usage(input, cached, written, output);
        prop_assert!(dear.of(used) <= dear.worst(input, output));
        dear.output_at_most(input, Money(output));
    }
}
