//! A CycloneDX document as XML: the same fields as in JSON, in the order that XML demands.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::{
    Component, Composition, Dependency, Document, Evidence, ExternalReference, HashValue,
    LicenceChoice, LicenceName, Metadata, Property,
};

/// An XML document in the making. Writing to memory cannot fail.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn event(&mut self, event: Event<'_>) {
        self.0.write_event(event).expect("memory takes everything");
    }

    /// An element with what `inside` writes.
    fn element(&mut self, name: &str, attributes: &[(&str, &str)], inside: impl FnOnce(&mut Self)) {
        self.event(Event::Start(start(name, attributes)));
        inside(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Empty(start(name, attributes)));
    }

    fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.element(name, attributes, |xml| {
            xml.event(Event::Text(BytesText::new(&permitted(text))));
        });
    }

    fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, &[], text);
        }
    }

    /// A list in an element of its own, which is left out when there is nothing to list.
    fn list<T>(&mut self, name: &str, entries: &[T], each: impl Fn(&mut Self, &T)) {
        if !entries.is_empty() {
            self.element(name, &[], |xml| entries.iter().for_each(|entry| each(xml, entry)));
        }
    }
}

fn start<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, permitted(value).as_str()));
    }
    start
}

/// XML has no way to write some characters.
fn permitted(text: &str) -> String {
    let is_permitted = |c: char| {
        matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
    };
    text.chars().map(|c| if is_permitted(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

impl Document<'_> {
    pub(crate) fn xml(&self) -> String {
        let mut xml = Xml(Writer::new(Vec::new()));
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        let namespace = format!("http://cyclonedx.org/schema/bom/{}", self.spec_version);
        let version = self.version.to_string();
        let attributes = [
            ("xmlns", namespace.as_str()),
            ("serialNumber", &self.serial_number),
            ("version", &version),
        ];
        xml.element("bom", &attributes, |xml| {
            metadata(xml, &self.metadata);
            xml.element("components", &[], |xml| {
                self.components.iter().for_each(|one| component(xml, one));
            });
            xml.list("dependencies", &self.dependencies, dependency);
            xml.list("compositions", &self.compositions, composition);
        });
        String::from_utf8(xml.0.into_inner()).expect("only texts were written")
    }
}

fn metadata(xml: &mut Xml, metadata: &Metadata<'_>) {
    xml.element("metadata", &[], |xml| {
        xml.optional("timestamp", metadata.timestamp);
        xml.list("lifecycles", &metadata.lifecycles, |xml, lifecycle| {
            xml.element("lifecycle", &[], |xml| xml.text("phase", &[], lifecycle.phase));
        });
        xml.element("tools", &[], |xml| {
            xml.list("components", &metadata.tools.components, |xml, tool| {
                xml.element("component", &[("type", tool.kind)], |xml| {
                    xml.text("name", &[], tool.name);
                    xml.text("version", &[], tool.version);
                });
            });
        });
        component(xml, &metadata.component);
        xml.list("properties", &metadata.properties, property);
    });
}

fn component(xml: &mut Xml, component: &Component<'_>) {
    let mut attributes = vec![("type", component.kind), ("bom-ref", component.bom_ref)];
    if component.is_external == Some(true) {
        attributes.push(("isExternal", "true"));
    }
    xml.element("component", &attributes, |xml| {
        xml.optional("group", component.group);
        xml.text("name", &[], component.name);
        xml.optional("version", component.version);
        xml.optional("versionRange", component.version_range);
        xml.optional("scope", component.scope);
        xml.list("hashes", &component.hashes, hash);
        xml.list("licenses", &component.licenses, licence);
        xml.optional("purl", component.purl);
        xml.list("externalReferences", &component.external_references, reference);
        xml.list("properties", &component.properties, property);
        if let Some(found) = &component.evidence {
            evidence(xml, found);
        }
    });
}

fn hash(xml: &mut Xml, hash: &HashValue<'_>) {
    xml.text("hash", &[("alg", hash.alg)], hash.content);
}

fn licence(xml: &mut Xml, choice: &LicenceChoice<'_>) {
    match choice {
        LicenceChoice::License(LicenceName::Id(id)) => {
            xml.element("license", &[], |xml| xml.text("id", &[], id));
        }
        LicenceChoice::License(LicenceName::Name(name)) => {
            xml.element("license", &[], |xml| xml.text("name", &[], name));
        }
        LicenceChoice::Expression(expression) => xml.text("expression", &[], expression),
    }
}

fn reference(xml: &mut Xml, reference: &ExternalReference<'_>) {
    xml.element("reference", &[("type", reference.kind)], |xml| {
        xml.text("url", &[], reference.url);
        xml.list("hashes", &reference.hashes, hash);
    });
}

fn property(xml: &mut Xml, property: &Property) {
    xml.text("property", &[("name", property.name)], &property.value);
}

fn evidence(xml: &mut Xml, evidence: &Evidence<'_>) {
    xml.element("evidence", &[], |xml| {
        for identity in &evidence.identity {
            xml.element("identity", &[], |xml| {
                xml.text("field", &[], identity.field);
                xml.text("confidence", &[], &identity.confidence.to_string());
                xml.list("methods", &identity.methods, |xml, method| {
                    xml.element("method", &[], |xml| {
                        xml.text("technique", &[], method.technique);
                        xml.text("confidence", &[], &method.confidence.to_string());
                    });
                });
            });
        }
        xml.list("occurrences", &evidence.occurrences, |xml, occurrence| {
            xml.element("occurrence", &[], |xml| {
                xml.text("location", &[], occurrence.location);
                xml.text("line", &[], &occurrence.line.to_string());
            });
        });
    });
}

fn dependency(xml: &mut Xml, dependency: &Dependency<'_>) {
    xml.element("dependency", &[("ref", dependency.from)], |xml| {
        dependency.depends_on.iter().for_each(|to| xml.empty("dependency", &[("ref", to)]));
    });
}

fn composition(xml: &mut Xml, composition: &Composition<'_>) {
    xml.element("composition", &[], |xml| {
        xml.text("aggregate", &[], composition.aggregate);
        xml.list("assemblies", &composition.assemblies, |xml, reference| {
            xml.empty("assembly", &[("ref", reference)]);
        });
    });
}
