//! Reads an event without what the server repeats of the request in it.
//!
//! A frame with a whole response has the instructions and the schemas of all tools in it again, three
//! times a turn. They were sent from here, and are most of what there would be to read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// What a response repeats.
const REPEATED: [&str; 2] = ["instructions", "tools"];

/// The event that `text` is, if it is an object whose response, where it has one, is an object.
pub(super) fn event_without_repeated(text: &str) -> serde_json::Result<Value> {
    let mut from = serde_json::Deserializer::from_str(text);
    let event = Object::Event.deserialize(&mut from)?;
    from.end()?;
    Ok(event)
}

/// An object that is read member by member.
#[derive(Debug, Clone, Copy)]
enum Object {
    Event,
    Response,
}

impl<'de> DeserializeSeed<'de> for Object {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = match self {
                Self::Event if name == "response" => members.next_value_seed(Self::Response)?,
                Self::Response if REPEATED.contains(&name.as_str()) => {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
                Self::Event | Self::Response => members.next_value()?,
            };
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}
