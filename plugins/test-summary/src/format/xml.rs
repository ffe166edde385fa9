//! XML as reports have it: read event by event, as far as it is whole.
//!
//! Document types with entities of their own are refused: no runner writes any, and they are
//! how XML readers are attacked.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};

/// Suites lie in suites as directories do; deeper is an attack.
const DEPTH_MAX: usize = 200;
/// Runners write ten; a name behind as many is not looked for.
const ATTRIBUTES_MAX: usize = 64;

/// What takes the elements of one format.
pub(super) trait Visitor {
    /// An element begins, at this byte.
    fn start(&mut self, element: &BytesStart<'_>, position: u64);
    /// The innermost element ends.
    fn end(&mut self);
    /// Text of the innermost element.
    fn text(&mut self, text: &str);
    /// Something is odd, and reading goes on.
    fn warn(&mut self, line: usize, reason: String);
    /// Reading ends here, before the end of the document.
    fn give_up(&mut self, line: usize, reason: String);
}

/// The name of the first element.
pub(super) fn root(text: &str) -> Option<String> {
    let mut xml = Reader::from_str(text);
    loop {
        match xml.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                return Some(element.local_name().as_ref().to_owned());
            }
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Shows a visitor all elements.
pub(super) fn read(text: &str, visitor: &mut impl Visitor) {
    let mut xml = Reader::from_str(text);
    xml.config_mut().expand_empty_elements = true;
    xml.config_mut().allow_dangling_amp = true;
    let mut depth = 0_usize;
    let (mut unknown_entity, mut bare_sign) = (false, false);
    loop {
        let position = xml.buffer_position();
        match xml.read_event() {
            Ok(Event::Start(element)) => {
                if depth == DEPTH_MAX {
                    let reason = format!("elements are nested deeper than {DEPTH_MAX}");
                    return visitor.give_up(line(text, position), reason);
                }
                depth += 1;
                if element.contains('<') && !std::mem::replace(&mut bare_sign, true) {
                    let reason =
                        "has a `<` within a tag, which XML does not allow; it is read as it is";
                    visitor.warn(line(text, position), reason.to_owned());
                }
                visitor.start(&element, position);
            }
            Ok(Event::End(_)) => {
                depth = depth.saturating_sub(1);
                visitor.end();
            }
            Ok(Event::Text(text)) => visitor.text(&text.into_inner()),
            Ok(Event::CData(text)) => visitor.text(&text.into_inner()),
            Ok(Event::GeneralRef(entity)) => {
                let character = entity.resolve_char_ref().ok().flatten();
                let name = entity.into_inner();
                if let Some(character) = character {
                    visitor.text(character.encode_utf8(&mut [0; 4]));
                } else if let Some(text) = resolve_predefined_entity(&name) {
                    visitor.text(text);
                } else {
                    visitor.text(&format!("&{name};"));
                    if !std::mem::replace(&mut unknown_entity, true) {
                        let reason = "uses an entity that XML does not know; it is shown as it is";
                        visitor.warn(line(text, position), reason.to_owned());
                    }
                }
            }
            Ok(Event::DocType(declaration)) if declaration.contains('[') => {
                let reason = "declares entities of its own; such files are not read";
                return visitor.give_up(line(text, position), reason.to_owned());
            }
            Ok(Event::Eof) => {
                if depth > 0 {
                    let reason = "ends in the middle; what is before is counted";
                    visitor.give_up(line(text, position), reason.to_owned());
                }
                return;
            }
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Ok(Event::Empty(_)) => debug_assert!(false, "empty elements are expanded"),
            Err(error) => {
                let reason = format!("is no XML from here on ({error}); what is before is counted");
                return visitor.give_up(line(text, xml.error_position()), reason);
            }
        }
    }
}

/// Counted when it is needed: keeping count would cost more than the parsing.
pub(super) fn line(xml: &str, position: u64) -> usize {
    let position = usize::try_from(position).unwrap_or(usize::MAX);
    let before = &xml.as_bytes()[..position.min(xml.len())];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// An element's attributes, gone through once.
pub(super) struct Attributes<'a>(Vec<Attribute<'a>>);

impl<'a> Attributes<'a> {
    pub(super) fn of(element: &'a BytesStart<'_>) -> Self {
        // Without the check for duplicates, which is quadratic.
        Self(element.attributes().with_checks(false).flatten().take(ATTRIBUTES_MAX).collect())
    }

    /// An attribute's value; where it is not quite XML, as it is written.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let attribute = self.0.iter().find(|attribute| attribute.key.as_ref() == name)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        Some(value.unwrap_or_else(|_| attribute.value.clone()).into_owned())
    }
}
