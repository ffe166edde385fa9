//! What a bill says, in the fewest bytes that no two bills share: identifiers are made of it.

use lockgraph::{Hash, Place, Warning};

use super::{Archive, Bill, Detail, Known, Need, Origin, OriginKind, Package, Role};
use crate::licence::Licence;
use crate::vers::Range;

/// The bytes so far. Each text and each list stands behind its length, so that none runs into the
/// next.
#[derive(Debug, Default)]
pub(super) struct Content(pub(super) Vec<u8>);

impl Content {
    pub(super) fn bill(&mut self, bill: &Bill) {
        let Bill { packages, lockfiles, warnings, complete, detail, created } = bill;
        self.list(packages, Self::package);
        self.list(lockfiles, |out, path| out.text(path));
        self.list(warnings, Self::warning);
        self.number(usize::from(*complete));
        self.text(match detail {
            Detail::Full => "full",
            Detail::NoEvidence => "no evidence",
            Detail::Bare => "bare",
        });
        self.optional(created.as_ref().map(|created| created.as_str()));
    }

    fn package(&mut self, package: &Package) {
        let Package {
            reference,
            role,
            group,
            name,
            version,
            range,
            condition,
            purl,
            known,
            hashes,
            archives,
            // No document has them.
            nameless: _,
            origin,
            integrity,
            licence,
            places,
            needs,
        } = package;
        self.text(reference);
        self.text(match role {
            Role::Application => "application",
            Role::Library => "library",
            Role::Container => "container",
        });
        let texts = [group, version, purl, integrity].map(Option::as_deref);
        texts.into_iter().for_each(|text| self.optional(text));
        self.text(name);
        // The other form of a range follows from its text and the package URL.
        self.optional(range.as_ref().map(|Range { text, vers: _ }| text.as_str()));
        self.list(known.as_slice(), |out, Known { kind, scope }| {
            out.text(kind.name());
            out.text(scope.name());
        });
        self.list(hashes, Self::hash);
        self.list(archives, |out, Archive { address, hashes }| {
            out.text(address);
            out.list(hashes, Self::hash);
        });
        self.list(origin.as_slice(), |out, Origin { kind, address }| {
            out.text(match kind {
                OriginKind::Vcs => "vcs",
                OriginKind::Distribution => "distribution",
            });
            out.text(address);
        });
        self.list(licence.as_slice(), Self::licence);
        self.list(places, |out, Place { path, line }| {
            out.text(path);
            out.line(*line);
        });
        self.list(needs, |out, Need { to, kind }| {
            out.number(*to);
            out.text(kind.name());
        });
        // No reference is called so: a bill without conditions says what it always said.
        if let Some(condition) = condition {
            self.text("condition");
            self.text(condition);
        }
    }

    fn hash(&mut self, hash: &Hash) {
        // Its length tells the algorithm.
        self.text(&hash.hex);
    }

    fn licence(&mut self, licence: &Licence) {
        let (kind, text) = match licence {
            Licence::Listed(text) => ("listed", text),
            // The references stand in the text.
            Licence::Expression { text, references: _ } => ("expression", text),
            Licence::Named(text) => ("named", text),
        };
        self.text(kind);
        self.text(text);
    }

    fn warning(&mut self, warning: &Warning) {
        let Warning { path, line, reason } = warning;
        self.text(path);
        self.list(line.as_slice(), |out, line| out.line(*line));
        self.text(reason);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.list(text.as_slice(), |out, text| out.text(text));
    }

    fn list<T>(&mut self, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.number(items.len());
        items.iter().for_each(|item| each(self, item));
    }

    fn line(&mut self, line: u32) {
        self.0.extend_from_slice(&line.to_le_bytes());
    }

    /// Seven bits a byte, as far as there are any: most numbers are small.
    fn number(&mut self, mut number: usize) {
        while number > 127 {
            let [low, ..] = number.to_le_bytes();
            self.0.push(low | 128);
            number >>= 7;
        }
        let [low, ..] = number.to_le_bytes();
        self.0.push(low);
    }
}
