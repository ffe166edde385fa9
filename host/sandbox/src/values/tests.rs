//! What is read is what was written, whatever the type; what is no value of it says where and why.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use serde_json::Value;

use super::*;

const INTS: [Int; 8] =
    [Int::S8, Int::U8, Int::S16, Int::U16, Int::S32, Int::U32, Int::S64, Int::U64];

/// More than any value here comes to.
const LARGE: usize = 1 << 20;

fn leaf() -> impl Strategy<Value = Shape> {
    let names = || btree_set("[a-z]{1,3}(-[a-z0-9]{1,3})?", 1..5);
    prop_oneof![
        Just(Shape::Bool),
        select(&INTS[..]).prop_map(Shape::Int),
        Just(Shape::F32),
        Just(Shape::F64),
        Just(Shape::Char),
        Just(Shape::Text),
        Just(Shape::Bytes),
        names().prop_map(|names| Shape::Enum(names.into_iter().collect())),
        names().prop_map(|names| Shape::Flags(names.into_iter().collect())),
    ]
}

fn named<T: Strategy>(of: T) -> impl Strategy<Value = Vec<(String, T::Value)>>
where
    T::Value: Clone,
{
    let name = "[a-z]{1,3}(-[a-z0-9]{1,3})?";
    let unique = |pairs: Vec<(String, T::Value)>| {
        let map: std::collections::BTreeMap<_, _> = pairs.into_iter().collect();
        map.into_iter().collect()
    };
    vec((name, of), 1..4).prop_map(unique)
}

fn shape() -> impl Strategy<Value = Shape> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let maybe = || proptest::option::of(inner.clone());
        prop_oneof![
            // A list of bytes is not written as one of numbers.
            inner.clone().prop_map(Shape::list),
            (inner.clone(), 1..4_u32).prop_map(|(shape, n)| Shape::Fixed(Box::new(shape), n)),
            (leaf(), inner.clone()).prop_map(|pair| Shape::Map(Box::new(pair))),
            named(inner.clone()).prop_map(Shape::Record),
            vec(inner.clone(), 1..4).prop_map(Shape::Tuple),
            named(maybe()).prop_map(Shape::Variant),
            inner.clone().prop_map(|shape| Shape::Option(Box::new(shape))),
            (maybe(), maybe()).prop_map(|both| Shape::Result(Box::new(both))),
        ]
    })
}

fn int(int: Int) -> BoxedStrategy<Val> {
    match int {
        Int::S8 => any::<i8>().prop_map(Val::S8).boxed(),
        Int::U8 => any::<u8>().prop_map(Val::U8).boxed(),
        Int::S16 => any::<i16>().prop_map(Val::S16).boxed(),
        Int::U16 => any::<u16>().prop_map(Val::U16).boxed(),
        Int::S32 => any::<i32>().prop_map(Val::S32).boxed(),
        Int::U32 => any::<u32>().prop_map(Val::U32).boxed(),
        Int::S64 => any::<i64>().prop_map(Val::S64).boxed(),
        Int::U64 => any::<u64>().prop_map(Val::U64).boxed(),
    }
}

fn maybe(shape: Option<&Shape>) -> BoxedStrategy<Option<Box<Val>>> {
    match shape {
        Some(shape) => value(shape).prop_map(|value| Some(Box::new(value))).boxed(),
        None => Just(None).boxed(),
    }
}

/// Any value of a shape.
fn value(shape: &Shape) -> BoxedStrategy<Val> {
    let all = |shapes: Vec<&Shape>| shapes.into_iter().map(value).collect::<Vec<_>>();
    match shape {
        Shape::Bool => any::<bool>().prop_map(Val::Bool).boxed(),
        Shape::Int(which) => int(*which),
        Shape::F32 => proptest::num::f32::ANY.prop_map(Val::Float32).boxed(),
        Shape::F64 => proptest::num::f64::ANY.prop_map(Val::Float64).boxed(),
        Shape::Char => any::<char>().prop_map(Val::Char).boxed(),
        Shape::Text => any::<String>().prop_map(Val::String).boxed(),
        Shape::Bytes => {
            let text = any::<String>().prop_map(String::into_bytes);
            let bytes = prop_oneof![text, vec(any::<u8>(), 0..12)];
            bytes.prop_map(|bytes| Val::List(bytes.into_iter().map(Val::U8).collect())).boxed()
        }
        Shape::List(element) => vec(value(element), 0..4).prop_map(Val::List).boxed(),
        Shape::Fixed(element, length) => {
            vec(value(element), *length as usize).prop_map(Val::FixedLengthList).boxed()
        }
        Shape::Map(pair) => vec((value(&pair.0), value(&pair.1)), 0..4).prop_map(Val::Map).boxed(),
        Shape::Record(fields) => {
            let names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
            all(fields.iter().map(|(_, shape)| shape).collect())
                .prop_map(move |values| Val::Record(names.iter().cloned().zip(values).collect()))
                .boxed()
        }
        Shape::Tuple(shapes) => all(shapes.iter().collect()).prop_map(Val::Tuple).boxed(),
        Shape::Variant(cases) => {
            let case = |(name, shape): &(String, Option<Shape>)| {
                let name = name.clone();
                maybe(shape.as_ref())
                    .prop_map(move |value| Val::Variant(name.clone(), value))
                    .boxed()
            };
            Union::new(cases.iter().map(case)).boxed()
        }
        Shape::Enum(names) => select(names.clone()).prop_map(Val::Enum).boxed(),
        Shape::Option(inner) => {
            proptest::option::of(value(inner).prop_map(Box::new)).prop_map(Val::Option).boxed()
        }
        Shape::Result(both) => prop_oneof![
            maybe(both.0.as_ref()).prop_map(|value| Val::Result(Ok(value))),
            maybe(both.1.as_ref()).prop_map(|value| Val::Result(Err(value))),
        ]
        .boxed(),
        Shape::Flags(names) => proptest::sample::subsequence(names.clone(), 0..=names.len())
            .prop_map(Val::Flags)
            .boxed(),
    }
}

fn any_value() -> impl Strategy<Value = (Shape, Val)> {
    shape().prop_flat_map(|shape| {
        let values = value(&shape);
        (Just(shape), values)
    })
}

proptest! {
    #[test]
    fn a_value_comes_back_as_it_was_written((shape, value) in any_value()) {
        let json = write(&shape, &value, LARGE).unwrap();
        let again = read(&shape, &json);
        // NaN is one, whatever its bits; wasmtime says so.
        prop_assert_eq!(again, Ok(value), "{}", json);
    }

    #[test]
    fn what_is_written_fits_the_schema((shape, value) in any_value()) {
        let schema = jsonschema::draft202012::new(&shape.schema()).unwrap();
        let json = write(&shape, &value, LARGE).unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        let errors: Vec<String> = schema.iter_errors(&json).map(|err| err.to_string()).collect();
        prop_assert_eq!(errors, Vec::<String>::new(), "{}", json);
    }

    #[test]
    fn what_is_read_fits_the_schema(shape in shape(), other in any_value()) {
        // The JSON of another type's value: mostly refused, and never by one of the two alone.
        let json = write(&other.0, &other.1, LARGE).unwrap();
        let schema = jsonschema::draft202012::new(&shape.schema()).unwrap();
        if let Ok(value) = read(&shape, &json) {
            let document: Value = serde_json::from_str(&json).unwrap();
            prop_assert!(schema.is_valid(&document), "{}", json);
            let again = write(&shape, &value, LARGE).unwrap();
            prop_assert_eq!(read(&shape, &again), Ok(value));
        }
    }

    #[test]
    fn an_answer_is_never_larger_than_it_may_be((shape, value) in any_value(), most in 0..64_usize) {
        let whole = write(&shape, &value, LARGE).unwrap();
        match write(&shape, &value, most) {
            Ok(json) => {
                prop_assert!(json.len() <= most);
                prop_assert_eq!(json, whole);
            }
            Err(why) => {
                prop_assert_eq!(why, Unwritten::TooLarge);
                prop_assert!(whole.len() > most);
            }
        }
    }
}

#[track_caller]
fn check_reads(shape: &Shape, json: &str, expected: Result<&str, &str>) {
    let said = match read(shape, json) {
        Ok(value) => Ok(write(shape, &value, LARGE).unwrap()),
        Err(misfit) => Err(misfit.to_string()),
    };
    assert_eq!(said.as_deref().map_err(String::as_str), expected, "{json}");
}

#[test]
fn numbers_are_read_exactly_or_refused() {
    let u64 = Shape::Int(Int::U64);
    check_reads(&u64, "9007199254740991", Ok("9007199254740991"));
    check_reads(&u64, "9007199254740993", Ok("\"9007199254740993\""));
    check_reads(&u64, "\"18446744073709551615\"", Ok("\"18446744073709551615\""));
    check_reads(&u64, "\"7\"", Ok("7"));
    check_reads(&u64, "1e3", Ok("1000"));
    check_reads(&u64, "2.0", Ok("2"));
    let not = |json: &str| {
        format!(
            "the input does not fit at `/`: it should be a whole number from 0 to 18446744073709551615, and is `{json}`"
        )
    };
    for json in ["1.5", "-1", "1e30", "18446744073709551616", "null", "true", "[1]"] {
        check_reads(&u64, json, Err(&not(json)));
    }
    for json in ["\"007\"", "\"+7\"", "\" 7\"", "\"\"", "\"-0\"", "\"0x7\""] {
        check_reads(&u64, json, Err(&not(&json.replace('"', "\\\""))));
    }
    check_reads(&Shape::Int(Int::S64), "\"-9223372036854775808\"", Ok("\"-9223372036854775808\""));
    let u8 =
        "the input does not fit at `/`: it should be a whole number from 0 to 255, and is `256`";
    check_reads(&Shape::Int(Int::U8), "256", Err(u8));
    check_reads(&Shape::F32, "0.1", Ok("0.1"));
    check_reads(
        &Shape::F32,
        "1e39",
        Err("the input does not fit at `/`: `1e39` is too large for its type"),
    );
    check_reads(&Shape::F64, "5e-324", Ok("5e-324"));
    check_reads(&Shape::F64, "\"-Infinity\"", Ok("\"-Infinity\""));
    check_reads(&Shape::F64, "\"NaN\"", Ok("\"NaN\""));
    let float = "the input does not fit at `/`: it should be a number, or \"NaN\", \"Infinity\" or \
                 \"-Infinity\", and is `\\\"inf\\\"`";
    check_reads(&Shape::F64, "\"inf\"", Err(float));
}

#[test]
fn an_error_names_the_place() {
    let point = Shape::Record(vec![
        ("x-axis".to_owned(), Shape::Int(Int::S32)),
        ("label".to_owned(), Shape::Option(Box::new(Shape::Text))),
    ]);
    let shape = Shape::Record(vec![("points".to_owned(), Shape::List(Box::new(point)))]);
    check_reads(
        &shape,
        r#"{"points": [{"x-axis": 1}]}"#,
        Ok(r#"{"points":[{"x-axis":1,"label":null}]}"#),
    );
    for (json, says) in [
        (
            r#"{"points": [{"x-axis": 1}, {"x-axis": "1"}]}"#,
            "/points/1/x-axis`: it should be a whole number from -2147483648 to 2147483647, and is `\\\"1\\\"`",
        ),
        (r#"{"points": [{}]}"#, "/points/0`: `x-axis` is missing"),
        (
            r#"{"points": [{"x-axis": 1, "y\u001b": 2}]}"#,
            "/points/0`: there is no `y\\u{1b}` to set",
        ),
        (r#"{"points": [], "points": []}"#, "/`: `points` stands twice at line 1 column 28"),
        (r#"{"points": {}}"#, "/points`: it should be an array, and is `{}`"),
        ("[", "/`: it is not JSON: EOF while parsing a list at line 1 column 1"),
    ] {
        check_reads(&shape, json, Err(&format!("the input does not fit at `{says}")));
    }
}

#[test]
fn each_case_says_what_it_is() {
    let inner = Shape::Option(Box::new(Shape::Option(Box::new(Shape::Bool))));
    check_reads(&inner, "null", Ok("null"));
    check_reads(&inner, r#"{"some": null}"#, Ok(r#"{"some":null}"#));
    check_reads(&inner, r#"{"some": true}"#, Ok(r#"{"some":true}"#));
    let says =
        "the input does not fit at `/`: it should be null, or `{\"some\": …}`, and is `true`";
    check_reads(&inner, "true", Err(says));
    let cases = vec![("none".to_owned(), None), ("rgb-hex".to_owned(), Some(Shape::Text))];
    let variant = Shape::Variant(cases);
    check_reads(&variant, "\"none\"", Ok("\"none\""));
    check_reads(&variant, r##"{"rgb-hex": "#fff"}"##, Ok(r##"{"rgb-hex":"#fff"}"##));
    let none = "the input does not fit at `/`: there is no `red`; there are `none`, `rgb-hex`";
    check_reads(&variant, "\"red\"", Err(none));
    let value = "the input does not fit at `/`: `rgb-hex` has a value";
    check_reads(&variant, "\"rgb-hex\"", Err(value));
    let result = Shape::Result(Box::new((None, Some(Shape::Char))));
    check_reads(&result, r#"{"ok": null}"#, Ok(r#"{"ok":null}"#));
    check_reads(&result, r#"{"err": "é"}"#, Ok(r#"{"err":"é"}"#));
    let two = "the input does not fit at `/err`: it should be a string of one character, and is `\\\"ab\\\"`";
    check_reads(&result, r#"{"err": "ab"}"#, Err(two));
    let flags = Shape::Flags(vec!["read".to_owned(), "write".to_owned()]);
    check_reads(&flags, r#"["write", "read", "write"]"#, Ok(r#"["read","write"]"#));
}

#[test]
fn bytes_are_text_where_they_can_be() {
    check_reads(&Shape::Bytes, "\"tä\"", Ok("\"tä\""));
    check_reads(&Shape::Bytes, r#"{"base64": "dMOk"}"#, Ok("\"tä\""));
    check_reads(&Shape::Bytes, r#"{"base64": "/w=="}"#, Ok(r#"{"base64":"/w=="}"#));
    let says = "the input does not fit at `/`: it should be a string, or `{\"base64\": \"…\"}`, and is `[1]`";
    check_reads(&Shape::Bytes, "[1]", Err(says));
}

#[test]
fn more_values_than_there_is_room_for_are_refused() {
    let shape = Shape::List(Box::new(Shape::Bool));
    let json = |count: usize| format!("[{}]", vec!["true"; count].join(","));
    assert!(read(&shape, &json(VALUES_MAX - 1)).is_ok());
    let said = read(&shape, &json(VALUES_MAX)).unwrap_err();
    assert_eq!(said.at, format!("/{}", VALUES_MAX - 1));
    let bytes = serde_json::to_string(&"x".repeat(VALUES_MAX)).unwrap();
    let said = read(&Shape::Bytes, &bytes).unwrap_err();
    assert_eq!(said.why, "there are more than 262144 values");
}
