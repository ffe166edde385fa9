//! Who vouches for a component: an Ed25519 signature under its digest.

use std::collections::BTreeSet;

use keys::{PublicKey, Signature, Signer};
use serde::{Deserialize, Serialize};

use crate::Sha256;

/// Signatures of one tool that are looked at.
pub const SIGNATURES_MAX: usize = 8;

/// What a statement begins with, so that a signature under a tool is none under anything else.
const STATEMENT: &str = "stepwell-tool-1";

/// A signature under a component, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolSignature {
    /// Who signed.
    pub signer: PublicKey,
    /// Under `stepwell-tool-1`, a line feed, the digest as `sha256:` and hex, and a line feed.
    pub signature: Signature,
}

/// Signs a component.
pub fn sign(signer: &Signer, digest: &Sha256) -> ToolSignature {
    ToolSignature { signer: signer.public(), signature: signer.sign(&statement(digest)) }
}

/// Whether one of `signers` has signed these very bytes.
pub fn signed_by(
    signatures: &[ToolSignature],
    digest: &Sha256,
    signers: &BTreeSet<PublicKey>,
) -> Option<PublicKey> {
    let statement = statement(digest);
    let counts = |one: &&ToolSignature| {
        signers.contains(&one.signer) && one.signer.signed(&statement, &one.signature)
    };
    signatures.iter().take(SIGNATURES_MAX).find(counts).map(|one| one.signer)
}

fn statement(digest: &Sha256) -> Vec<u8> {
    format!("{STATEMENT}\n{digest}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_counts_for_one_component_of_one_signer() {
        let [(_, ours), (_, other)] = [Signer::generate().unwrap(), Signer::generate().unwrap()];
        let (digest, signers) = (Sha256::of(b"a"), BTreeSet::from([ours.public()]));
        let counts = |signed: &[ToolSignature]| signed_by(signed, &digest, &signers);
        assert_eq!(counts(&[sign(&ours, &digest)]), Some(ours.public()));
        assert_eq!(counts(&[sign(&other, &digest), sign(&ours, &digest)]), Some(ours.public()));
        assert_eq!(counts(&[]), None);
        assert_eq!(counts(&[sign(&other, &digest)]), None);
        assert_eq!(counts(&[sign(&ours, &Sha256::of(b"b"))]), None);
        // Somebody else's signature under a name that is believed.
        let forged = ToolSignature { signer: ours.public(), ..sign(&other, &digest) };
        assert_eq!(counts(&[forged]), None);
    }
}
