//! An XML document as a tree, for looking into one.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

/// An element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Self>,
    pub(crate) text: String,
}

impl Element {
    /// The document's outermost element.
    pub(crate) fn parse(document: &str) -> Self {
        let mut reader = Reader::from_str(document);
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event().expect("well-formed XML");
            let top = open.last_mut().expect("the outermost is never closed");
            if let Event::Start(start) = &event {
                open.push(Self::begin(start));
            } else if let Event::Empty(start) = &event {
                top.children.push(Self::begin(start));
            } else if let Event::Text(text) = event {
                top.text.push_str(&text.into_inner());
            } else if let Event::GeneralRef(name) = event {
                let text = format!("&{};", name.into_inner());
                top.text.push_str(&escape::unescape(&text).expect("a known character"));
            } else if let Event::End(_) = event {
                let done = open.pop().expect("it was opened");
                open.last_mut().expect("something is around it").children.push(done);
            } else if let Event::Eof = event {
                return open.remove(0).children.remove(0);
            }
        }
    }

    fn begin(start: &BytesStart<'_>) -> Self {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.expect("well-formed attributes");
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).expect("a text");
            (attribute.key.as_ref().to_owned(), value.into_owned())
        });
        let attributes = attributes.collect();
        Self { name: start.name().as_ref().to_owned(), attributes, ..Self::default() }
    }

    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of the child of this name.
    pub(crate) fn list(&self, name: &str) -> &[Self] {
        self.child(name).map_or(&[], |list| &list.children)
    }

    /// The text of the child of this name.
    pub(crate) fn content(&self, name: &str) -> Option<String> {
        self.child(name).map(|child| child.text.clone())
    }
}
