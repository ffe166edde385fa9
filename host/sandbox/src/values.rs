//! JSON to the values that a component takes, and what it gives to JSON.
//!
//! | WIT | JSON |
//! | --- | --- |
//! | `bool`, `string`, `char` | as it is; a `char` is a string of one character |
//! | `s8` to `u32` | a number |
//! | `s64`, `u64` | a number, or a string of decimal digits; written as a string beyond 2^53 - 1 |
//! | `f32`, `f64` | a number, or `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | `list<u8>` | a string, whose UTF-8 it is, or `{"base64": "…"}`; written as text where it is some |
//! | `list<T>`, `list<T, N>`, `tuple` | an array |
//! | `map<K, V>` | an array of pairs |
//! | `record` | an object; an `option` may be left out |
//! | `variant` | `"case"`, or `{"case": value}` where it has a value |
//! | `enum` | a string |
//! | `option<T>` | `null`, or the value; `{"some": value}` where `T` is an option itself |
//! | `result<T, E>` | `{"ok": value}` or `{"err": value}`, `null` for a side without a value |
//! | `flags` | an array of those that are set |
//!
//! Numbers are read from their text: a number that went through a `f64` is not always the same.

mod write;

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use wasmtime::component::Val;

use crate::shape::{Int, Shape};
pub(crate) use write::{Unwritten, write, write_bytes};

/// Values in one input, each byte of a `list<u8>` for one: a value takes some tens of bytes here.
const VALUES_MAX: usize = 256 * 1024;

/// Whole numbers up to here are the same to every reader of JSON (RFC 8259, section 6).
const EXACT_MAX: i128 = (1 << 53) - 1;

/// Entries of an object that are read. A record with more fields is no sane type.
const ENTRIES_MAX: usize = 4 * 1024;

/// Characters of JSON, or of a name in it, that an error repeats.
const SHOWN_CHARS_MAX: usize = 40;

/// Why JSON is not a value of a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the input does not fit at `{at}`: {why}")]
pub(crate) struct Misfit {
    /// The place, as a JSON Pointer (RFC 6901) has it; `/` is the whole.
    pub(crate) at: String,
    pub(crate) why: String,
}

/// Reads a value of `shape`.
pub(crate) fn read(shape: &Shape, json: &str) -> Result<Val, Misfit> {
    let at = Place::Root;
    let json: &RawValue =
        serde_json::from_str(json).map_err(|err| at.misfit(format!("it is not JSON: {err}")))?;
    Reading { room: VALUES_MAX }.value(shape, json, &at)
}

/// Where in the document a value stands.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Root,
    Key(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl Place<'_> {
    fn misfit(&self, why: impl Into<String>) -> Misfit {
        Misfit { at: self.to_string(), why: why.into() }
    }

    fn wants(&self, what: &str, json: &RawValue) -> Misfit {
        self.misfit(format!("it should be {what}, and is {}", shown(json.get())))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No recursion to speak of: types are not nested deep.
        match self {
            Self::Root => f.write_str("/"),
            Self::Key(Self::Root, key) => write!(f, "/{key}"),
            Self::Item(Self::Root, item) => write!(f, "/{item}"),
            Self::Key(above, key) => write!(f, "{above}/{key}"),
            Self::Item(above, item) => write!(f, "{above}/{item}"),
        }
    }
}

/// The beginning of somebody's words.
fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("`{}{more}`", head.escape_debug())
}

struct Reading {
    room: usize,
}

impl Reading {
    fn value(&mut self, shape: &Shape, json: &RawValue, at: &Place<'_>) -> Result<Val, Misfit> {
        self.take(1, at)?;
        Ok(match shape {
            Shape::Bool => Val::Bool(plain(json, at, "true or false")?),
            Shape::Int(int) => number(*int, json, at)?,
            Shape::F32 => Val::Float32(float(json, at, f32::is_finite)?),
            Shape::F64 => Val::Float64(float(json, at, f64::is_finite)?),
            Shape::Char => Val::Char(character(json, at)?),
            Shape::Text => Val::String(text(json, at, "a string")?.into_owned()),
            Shape::Bytes => Val::List(self.bytes(json, at)?),
            Shape::List(element) => Val::List(self.all(element, &items(json, at)?, at)?),
            Shape::Fixed(element, length) => {
                let items = some_items(json, at, *length as usize)?;
                Val::FixedLengthList(self.all(element, &items, at)?)
            }
            Shape::Map(pair) => Val::Map(self.pairs(pair, json, at)?),
            Shape::Record(fields) => Val::Record(self.record(fields, json, at)?),
            Shape::Tuple(shapes) => {
                let items = some_items(json, at, shapes.len())?;
                let each = shapes.iter().zip(items).enumerate();
                let value = |(index, (shape, item)): (usize, (&Shape, &RawValue))| {
                    self.value(shape, item, &Place::Item(at, index))
                };
                Val::Tuple(each.map(value).collect::<Result<_, _>>()?)
            }
            Shape::Variant(cases) => self.variant(cases, json, at)?,
            Shape::Enum(names) => {
                let name = text(json, at, "a string")?;
                Val::Enum(one_of(names.iter(), &name, at)?)
            }
            Shape::Option(_) if json.get() == "null" => Val::Option(None),
            Shape::Option(inner) => Val::Option(Some(Box::new(self.some(inner, json, at)?))),
            Shape::Result(both) => self.result(both, json, at)?,
            Shape::Flags(names) => Val::Flags(self.flags(names, json, at)?),
        })
    }

    fn take(&mut self, values: usize, at: &Place<'_>) -> Result<(), Misfit> {
        let left = self.room.checked_sub(values);
        self.room =
            left.ok_or_else(|| at.misfit(format!("there are more than {VALUES_MAX} values")))?;
        Ok(())
    }

    fn all(
        &mut self,
        shape: &Shape,
        items: &[&RawValue],
        at: &Place<'_>,
    ) -> Result<Vec<Val>, Misfit> {
        let each = items.iter().enumerate();
        each.map(|(index, item)| self.value(shape, item, &Place::Item(at, index))).collect()
    }

    fn bytes(&mut self, json: &RawValue, at: &Place<'_>) -> Result<Vec<Val>, Misfit> {
        let what = "a string, or `{\"base64\": \"…\"}`";
        let bytes = if json.get().starts_with('{') {
            let (name, inside) = only(json, at, what)?;
            if name != "base64" {
                return Err(at.wants(what, json));
            }
            let at = Place::Key(at, "base64");
            let coded = text(inside, &at, "a string")?;
            Cow::Owned(STANDARD.decode(coded.as_bytes()).map_err(|err| at.misfit(err.to_string()))?)
        } else {
            match text(json, at, what)? {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }
        };
        self.take(bytes.len(), at)?;
        Ok(bytes.iter().map(|byte| Val::U8(*byte)).collect())
    }

    fn pairs(
        &mut self,
        (key, value): &(Shape, Shape),
        json: &RawValue,
        at: &Place<'_>,
    ) -> Result<Vec<(Val, Val)>, Misfit> {
        let mut pairs = Vec::new();
        for (index, pair) in items(json, at)?.into_iter().enumerate() {
            let at = Place::Item(at, index);
            let [first, second] = some_items(pair, &at, 2)?[..] else {
                return Err(at.wants("a pair", pair));
            };
            let first = self.value(key, first, &Place::Item(&at, 0))?;
            pairs.push((first, self.value(value, second, &Place::Item(&at, 1))?));
        }
        Ok(pairs)
    }

    fn record(
        &mut self,
        fields: &[(String, Shape)],
        json: &RawValue,
        at: &Place<'_>,
    ) -> Result<Vec<(String, Val)>, Misfit> {
        let mut given = object(json, at)?.0;
        let mut values = Vec::with_capacity(fields.len());
        for (name, shape) in fields {
            let found = given.iter().position(|(key, _)| key == name);
            let value = match found.map(|index| given.swap_remove(index).1) {
                Some(json) => self.value(shape, json, &Place::Key(at, name))?,
                None if shape.has_null() => Val::Option(None),
                None => return Err(at.misfit(format!("`{name}` is missing"))),
            };
            values.push((name.clone(), value));
        }
        match given.first() {
            Some((key, _)) => Err(at.misfit(format!("there is no {} to set", shown(key)))),
            None => Ok(values),
        }
    }

    fn variant(
        &mut self,
        cases: &[(String, Option<Shape>)],
        json: &RawValue,
        at: &Place<'_>,
    ) -> Result<Val, Misfit> {
        let of = |name: &str| cases.iter().find(|(case, _)| case == name);
        let what = "the name of a case, or an object of one case and its value";
        if json.get().starts_with('"') {
            let name = text(json, at, what)?;
            return match of(&name) {
                Some((name, None)) => Ok(Val::Variant(name.clone(), None)),
                Some((name, Some(_))) => Err(at.misfit(format!("`{name}` has a value"))),
                None => Err(none_of(cases.iter().map(|(name, _)| name), &name, at)),
            };
        }
        let (name, inside) = only(json, at, what)?;
        match of(&name) {
            Some((name, Some(shape))) => {
                let value = self.value(shape, inside, &Place::Key(at, name))?;
                Ok(Val::Variant(name.clone(), Some(Box::new(value))))
            }
            Some((name, None)) => Err(at.misfit(format!("`{name}` has no value"))),
            None => Err(none_of(cases.iter().map(|(name, _)| name), &name, at)),
        }
    }

    fn some(&mut self, inner: &Shape, json: &RawValue, at: &Place<'_>) -> Result<Val, Misfit> {
        if !inner.has_null() {
            return self.value(inner, json, at);
        }
        let what = "null, or `{\"some\": …}`";
        match only(json, at, what)? {
            (name, inside) if name == "some" => self.value(inner, inside, &Place::Key(at, "some")),
            _ => Err(at.wants(what, json)),
        }
    }

    fn result(
        &mut self,
        (ok, err): &(Option<Shape>, Option<Shape>),
        json: &RawValue,
        at: &Place<'_>,
    ) -> Result<Val, Misfit> {
        let what = "`{\"ok\": …}` or `{\"err\": …}`";
        let (name, inside) = only(json, at, what)?;
        let mut side = |shape: &Option<Shape>, name| match shape {
            Some(shape) => {
                self.value(shape, inside, &Place::Key(at, name)).map(|value| Some(Box::new(value)))
            }
            None if inside.get() == "null" => Ok(None),
            None => Err(Place::Key(at, name).wants("null", inside)),
        };
        match &*name {
            "ok" => side(ok, "ok").map(|value| Val::Result(Ok(value))),
            "err" => side(err, "err").map(|value| Val::Result(Err(value))),
            _ => Err(at.wants(what, json)),
        }
    }

    fn flags(
        &mut self,
        names: &[String],
        json: &RawValue,
        at: &Place<'_>,
    ) -> Result<Vec<String>, Misfit> {
        let mut set = vec![false; names.len()];
        for (index, item) in items(json, at)?.into_iter().enumerate() {
            let at = Place::Item(at, index);
            let name = text(item, &at, "a string")?;
            match names.iter().position(|flag| *flag == name) {
                Some(flag) => set[flag] = true,
                None => return Err(none_of(names.iter(), &name, &at)),
            }
        }
        let set = names.iter().zip(set).filter(|(_, is_set)| *is_set);
        Ok(set.map(|(name, _)| name.clone()).collect())
    }
}

/// What serde reads as it is.
fn plain<'a, T: Deserialize<'a>>(
    json: &'a RawValue,
    at: &Place<'_>,
    what: &str,
) -> Result<T, Misfit> {
    serde_json::from_str(json.get()).map_err(|_| at.wants(what, json))
}

/// A string; borrowed where nothing in it is escaped.
fn text<'a>(json: &'a RawValue, at: &Place<'_>, what: &str) -> Result<Cow<'a, str>, Misfit> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    plain(json, at, what).map(|Text(text)| text)
}

fn items<'a>(json: &'a RawValue, at: &Place<'_>) -> Result<Vec<&'a RawValue>, Misfit> {
    plain(json, at, "an array")
}

fn some_items<'a>(
    json: &'a RawValue,
    at: &Place<'_>,
    length: usize,
) -> Result<Vec<&'a RawValue>, Misfit> {
    let items = items(json, at)?;
    match items.len() == length {
        true => Ok(items),
        false => Err(at.misfit(format!("it has {} items instead of {length}", items.len()))),
    }
}

fn number(int: Int, json: &RawValue, at: &Place<'_>) -> Result<Val, Misfit> {
    let (least, greatest) = int.range();
    let what = || format!("a whole number from {least} to {greatest}");
    let value = whole(json.get(), int.is_wide()).ok_or_else(|| at.wants(&what(), json))?;
    let fits = || -> Option<Val> {
        Some(match int {
            Int::S8 => Val::S8(value.try_into().ok()?),
            Int::U8 => Val::U8(value.try_into().ok()?),
            Int::S16 => Val::S16(value.try_into().ok()?),
            Int::U16 => Val::U16(value.try_into().ok()?),
            Int::S32 => Val::S32(value.try_into().ok()?),
            Int::U32 => Val::U32(value.try_into().ok()?),
            Int::S64 => Val::S64(value.try_into().ok()?),
            Int::U64 => Val::U64(value.try_into().ok()?),
        })
    };
    fits().ok_or_else(|| at.wants(&what(), json))
}

/// A whole number: digits, digits in a string where `quoted` are taken, or a number that has nothing
/// behind its point.
fn whole(json: &str, quoted: bool) -> Option<i128> {
    /// Longer ones are no number of 64 bits.
    const DIGITS_MAX: usize = 20;
    let inside = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let text = match inside {
        Some(inside) if quoted => inside,
        Some(_) => return None,
        None => json,
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if are_digits {
        let usual = digits == "0" && text == digits || !digits.starts_with('0');
        let usual = usual || inside.is_none();
        return if usual && digits.len() <= DIGITS_MAX { text.parse().ok() } else { None };
    }
    let number: f64 = if inside.is_none() { text.parse().ok()? } else { return None };
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and is not large")]
    let whole = number as i128;
    #[expect(clippy::cast_precision_loss, reason = "it came from there")]
    let same = whole as f64 == number;
    (same && whole.abs() <= EXACT_MAX).then_some(whole)
}

fn float<T: std::str::FromStr + Copy>(
    json: &RawValue,
    at: &Place<'_>,
    is_finite: fn(T) -> bool,
) -> Result<T, Misfit> {
    let what = "a number, or \"NaN\", \"Infinity\" or \"-Infinity\"";
    // What Rust calls them; a number has none of these letters.
    let named = match json.get() {
        "\"NaN\"" => Some("NaN"),
        "\"Infinity\"" => Some("inf"),
        "\"-Infinity\"" => Some("-inf"),
        _ => None,
    };
    let is_number = json.get().starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let text = match named {
        Some(name) => name,
        None if is_number => json.get(),
        None => return Err(at.wants(what, json)),
    };
    match text.parse::<T>() {
        Ok(float) if named.is_some() || is_finite(float) => Ok(float),
        Ok(_) => Err(at.misfit(format!("{} is too large for its type", shown(text)))),
        Err(_) => Err(at.wants(what, json)),
    }
}

fn character(json: &RawValue, at: &Place<'_>) -> Result<char, Misfit> {
    let what = "a string of one character";
    let text = text(json, at, what)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(at.wants(what, json)),
    }
}

fn one_of<'a>(
    mut names: impl Iterator<Item = &'a String> + Clone,
    name: &str,
    at: &Place<'_>,
) -> Result<String, Misfit> {
    let all = names.clone();
    names.find(|one| *one == name).cloned().ok_or_else(|| none_of(all, name, at))
}

fn none_of<'a>(names: impl Iterator<Item = &'a String>, name: &str, at: &Place<'_>) -> Misfit {
    /// Names that are listed; a schema has them all.
    const LISTED_MAX: usize = 12;
    let names: Vec<String> = names.take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    at.misfit(format!("there is no {}; there are {}", shown(name), names.join(", ")))
}

/// The only entry of an object.
fn only<'a>(
    json: &'a RawValue,
    at: &Place<'_>,
    what: &str,
) -> Result<(Cow<'a, str>, &'a RawValue), Misfit> {
    let mut entries = plain::<Object<'_>>(json, at, what)?.0;
    match (entries.pop(), entries.is_empty()) {
        (Some((name, value)), true) => Ok((Cow::Owned(name), value)),
        _ => Err(at.wants(what, json)),
    }
}

fn object<'a>(json: &'a RawValue, at: &Place<'_>) -> Result<Object<'a>, Misfit> {
    if json.get().starts_with('{') {
        return serde_json::from_str(json.get()).map_err(|err| at.misfit(err.to_string()));
    }
    Err(at.wants("an object", json))
}

/// An object's entries in their order, no name twice.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries: Vec<(String, &RawValue)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    // A list is looked through: no type has many fields.
                    if entries.len() >= ENTRIES_MAX {
                        return Err(A::Error::custom("it has too many entries"));
                    }
                    if entries.iter().any(|(other, _)| *other == name) {
                        return Err(A::Error::custom(format!("{} stands twice", shown(&name))));
                    }
                    entries.push((name, value));
                }
                Ok(Object(entries))
            }
        }
        from.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests;
