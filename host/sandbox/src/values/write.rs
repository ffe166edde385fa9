//! Values to JSON, as `values` says.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wasmtime::component::Val;

use super::EXACT_MAX;
use crate::shape::Shape;

/// An answer is larger than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwritten {
    TooLarge,
    /// The engine gave a value of another type than the code says.
    Strange,
}

/// A value as JSON, of at most so many bytes.
pub(crate) fn write(shape: &Shape, value: &Val, bytes_max: usize) -> Result<String, Unwritten> {
    let mut writing = Writing { json: String::new(), bytes_max };
    writing.value(shape, value)?;
    Ok(writing.json)
}

/// Bytes as JSON: text where they are some, base64 where they are not.
pub(crate) fn write_bytes(bytes: &[u8], bytes_max: usize) -> Result<String, Unwritten> {
    let mut writing = Writing { json: String::new(), bytes_max };
    writing.bytes(bytes)?;
    Ok(writing.json)
}

struct Writing {
    json: String,
    bytes_max: usize,
}

type Written = Result<(), Unwritten>;

impl Writing {
    fn value(&mut self, shape: &Shape, value: &Val) -> Written {
        match (shape, value) {
            (Shape::Bool, Val::Bool(value)) => self.shown(value),
            (Shape::Int(_), Val::S8(value)) => self.shown(value),
            (Shape::Int(_), Val::U8(value)) => self.shown(value),
            (Shape::Int(_), Val::S16(value)) => self.shown(value),
            (Shape::Int(_), Val::U16(value)) => self.shown(value),
            (Shape::Int(_), Val::S32(value)) => self.shown(value),
            (Shape::Int(_), Val::U32(value)) => self.shown(value),
            (Shape::Int(_), Val::S64(value)) => self.wide((*value).into()),
            (Shape::Int(_), Val::U64(value)) => self.wide((*value).into()),
            (Shape::F32, Val::Float32(value)) => self.float(value, f64::from(*value)),
            (Shape::F64, Val::Float64(value)) => self.float(value, *value),
            (Shape::Char, Val::Char(value)) => self.text(value.encode_utf8(&mut [0; 4])),
            (Shape::Text, Val::String(value)) => self.text(value),
            (Shape::Bytes, Val::List(values)) => {
                let byte = |value: &Val| {
                    let Val::U8(byte) = value else { return Err(Unwritten::Strange) };
                    Ok(*byte)
                };
                self.bytes(&values.iter().map(byte).collect::<Result<Vec<u8>, _>>()?)
            }
            (Shape::List(element), Val::List(values))
            | (Shape::Fixed(element, _), Val::FixedLengthList(values)) => {
                self.many(values, |this, value| this.value(element, value))
            }
            (Shape::Map(pair), Val::Map(pairs)) => self.many(pairs, |this, (key, value)| {
                this.push("[")?;
                this.value(&pair.0, key)?;
                this.push(",")?;
                this.value(&pair.1, value)?;
                this.push("]")
            }),
            (Shape::Record(fields), Val::Record(values)) => self.record(fields, values),
            (Shape::Tuple(shapes), Val::Tuple(values)) if shapes.len() == values.len() => {
                let both: Vec<(&Shape, &Val)> = shapes.iter().zip(values).collect();
                self.many(&both, |this, (shape, value)| this.value(shape, value))
            }
            (Shape::Variant(cases), Val::Variant(name, value)) => {
                let case = cases.iter().find(|(case, _)| case == name);
                match (case.ok_or(Unwritten::Strange)?, value) {
                    ((_, None), None) => self.text(name),
                    ((_, Some(shape)), Some(value)) => self.inside(name, Some(shape), Some(value)),
                    ((_, None), Some(_)) | ((_, Some(_)), None) => Err(Unwritten::Strange),
                }
            }
            (Shape::Enum(_), Val::Enum(name)) => self.text(name),
            (Shape::Option(_), Val::Option(None)) => self.push("null"),
            (Shape::Option(inner), Val::Option(Some(value))) if inner.has_null() => {
                self.inside("some", Some(inner), Some(value))
            }
            (Shape::Option(inner), Val::Option(Some(value))) => self.value(inner, value),
            (Shape::Result(both), Val::Result(Ok(value))) => {
                self.inside("ok", both.0.as_ref(), value.as_deref())
            }
            (Shape::Result(both), Val::Result(Err(value))) => {
                self.inside("err", both.1.as_ref(), value.as_deref())
            }
            (Shape::Flags(_), Val::Flags(names)) => self.many(names, |this, name| this.text(name)),
            _ => Err(Unwritten::Strange),
        }
    }

    fn record(&mut self, fields: &[(String, Shape)], values: &[(String, Val)]) -> Written {
        if fields.len() != values.len() {
            return Err(Unwritten::Strange);
        }
        let mut begins = "{";
        for ((name, shape), (_, value)) in fields.iter().zip(values) {
            self.push(begins)?;
            self.text(name)?;
            self.push(":")?;
            self.value(shape, value)?;
            begins = ",";
        }
        self.push(if fields.is_empty() { "{}" } else { "}" })
    }

    fn many<T>(&mut self, values: &[T], write: impl Fn(&mut Self, &T) -> Written) -> Written {
        self.push("[")?;
        for (index, value) in values.iter().enumerate() {
            self.push(if index == 0 { "" } else { "," })?;
            write(self, value)?;
        }
        self.push("]")
    }

    /// An object of one entry.
    fn inside(&mut self, name: &str, shape: Option<&Shape>, value: Option<&Val>) -> Written {
        self.push("{")?;
        self.text(name)?;
        self.push(":")?;
        match (shape, value) {
            (Some(shape), Some(value)) => self.value(shape, value)?,
            (None, None) => self.push("null")?,
            _ => return Err(Unwritten::Strange),
        }
        self.push("}")
    }

    fn bytes(&mut self, bytes: &[u8]) -> Written {
        if let Ok(text) = str::from_utf8(bytes) {
            return self.text(text);
        }
        if bytes.len() > self.bytes_max {
            return Err(Unwritten::TooLarge);
        }
        self.push("{\"base64\":\"")?;
        self.push(&STANDARD.encode(bytes))?;
        self.push("\"}")
    }

    fn wide(&mut self, value: i128) -> Written {
        match value.abs() > EXACT_MAX {
            true => self.text(&value.to_string()),
            false => self.shown(&value),
        }
    }

    /// `value` is what is written, and `as_f64` what it is.
    fn float(&mut self, value: &impl serde::Serialize, as_f64: f64) -> Written {
        if as_f64.is_nan() {
            return self.push("\"NaN\"");
        }
        if as_f64.is_infinite() {
            return self.push(if as_f64 > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
        }
        // The shortest text that is this number.
        let text = serde_json::to_string(value).map_err(|_| Unwritten::Strange)?;
        self.push(&text)
    }

    fn text(&mut self, text: &str) -> Written {
        if text.len() > self.bytes_max {
            return Err(Unwritten::TooLarge);
        }
        let json = serde_json::to_string(text).map_err(|_| Unwritten::Strange)?;
        self.push(&json)
    }

    fn shown(&mut self, value: &dyn fmt::Display) -> Written {
        write!(self.json, "{value}").map_err(|_| Unwritten::Strange)?;
        self.push("")
    }

    fn push(&mut self, text: &str) -> Written {
        if self.json.len() + text.len() > self.bytes_max {
            return Err(Unwritten::TooLarge);
        }
        self.json.push_str(text);
        Ok(())
    }
}
