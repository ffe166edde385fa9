//! Whose records are believed, and where.

use std::collections::{BTreeMap, BTreeSet};

use snapshot::Digest;

use crate::{Proof, PublicKey, Record};

/// Whom one domain believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signers {
    /// These.
    Listed(BTreeSet<PublicKey>),
    /// Whoever signs: for a domain of one's own, that nobody else can write to.
    Anyone,
}

/// What is not believed any more, whoever else vouches for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revoked {
    /// All that these have signed.
    pub signers: BTreeSet<PublicKey>,
    /// All that these runs have left.
    pub runs: BTreeSet<String>,
    /// All outputs of these components, our own too.
    pub components: BTreeSet<Digest>,
}

/// Which records of other machines are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// The domains that are read, by name.
    pub domains: BTreeMap<String, Signers>,
    /// What is not believed any more.
    pub revoked: Revoked,
}

/// Where a record came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The domain it was read from.
    pub domain: String,
    /// Who vouches for it.
    pub proof: Proof,
}

impl Trust {
    /// Whether a record that this machine read from a domain is still believed. The signature was
    /// looked at then.
    pub(crate) fn still_believes(&self, origin: &Origin, component: Digest) -> bool {
        let domain = self.domains.get(&origin.domain);
        domain.is_some_and(|signers| signers.include(&origin.proof.signer))
            && !self.has_revoked(&origin.proof, component)
    }

    /// Whether a record is believed for its signature alone, wherever it lay. Domains that believe
    /// anyone do not count: it may have lain anywhere.
    pub(crate) fn believes_anywhere(
        &self,
        record: &Record,
        proof: &Proof,
        component: Digest,
    ) -> bool {
        let listed = |signers: &Signers| match signers {
            Signers::Listed(keys) => keys.contains(&proof.signer),
            Signers::Anyone => false,
        };
        self.domains.values().any(listed)
            && !self.has_revoked(proof, component)
            && proof.holds_for(record)
    }

    /// Whether a record that lies in a domain is believed.
    pub(crate) fn believes(
        &self,
        domain: &str,
        record: &Record,
        proof: &Proof,
        component: Digest,
    ) -> bool {
        self.domains.get(domain).is_some_and(|signers| signers.include(&proof.signer))
            && !self.has_revoked(proof, component)
            && proof.holds_for(record)
    }

    fn has_revoked(&self, proof: &Proof, component: Digest) -> bool {
        self.revoked.signers.contains(&proof.signer)
            || self.revoked.runs.contains(&proof.run)
            || self.revoked.components.contains(&component)
    }
}

impl Signers {
    fn include(&self, signer: &PublicKey) -> bool {
        match self {
            Self::Listed(keys) => keys.contains(signer),
            Self::Anyone => true,
        }
    }
}
