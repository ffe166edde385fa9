//! Who vouches for a trace: `trace.sig.json` beside it, a signature under the head of its chain.
//!
//! Each record holds the digest of the one before it, so whoever signs the last one signs them all.

use std::collections::BTreeSet;

use keys::{PublicKey, Signature, Signer};
use serde::{Deserialize, Serialize};
use trace::{Chain, Damage};

/// Its name.
pub const SIGNATURE: &str = "trace.sig.json";

/// The largest file of a signature.
pub const SIGNATURE_BYTES_MAX: usize = 4 * 1024;

/// Raised when an old reader would misread a new file.
const SCHEMA: u32 = 1;

/// What stands before every head that is signed, so that no other signature is one.
const CONTEXT: &[u8] = b"stepwell 2026-11 trace v1";

/// What is signed: how far a trace goes, and where that leaves its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TraceHead {
    run: String,
    records: u64,
    /// The digest of the last record's line, as a next one would hold it.
    head: String,
}

/// `trace.sig.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SignatureFile {
    schema: u32,
    of: TraceHead,
    signer: PublicKey,
    signature: Signature,
}

/// Whether somebody vouches for a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Vouched {
    /// One of those signed it whose word counts.
    ByListed {
        /// Who.
        signer: PublicKey,
    },
    /// Somebody signed it who is not among those whose word counts.
    ByStranger {
        /// Who.
        signer: PublicKey,
    },
    /// Somebody signed it, and nobody said whose word counts.
    BySomebody {
        /// Who.
        signer: PublicKey,
    },
    /// Nobody did.
    ByNobody,
    /// There is a signature, and it is none under this trace.
    Wrong {
        /// Why, in a sentence.
        because: String,
    },
}

/// Signs the head of a trace: the bytes of the file beside it.
///
/// # Errors
/// When the trace is damaged.
pub fn sign(trace: &[u8], signer: &Signer) -> Result<Vec<u8>, Damage> {
    let of = head(trace)?;
    let signature = signer.sign(&statement(&of));
    let file = SignatureFile { schema: SCHEMA, of, signer: signer.public(), signature };
    let mut text = serde_json::to_vec_pretty(&file).expect("its maps have text for keys");
    text.push(b'\n');
    Ok(text)
}

/// Says who vouches for a trace, by the `file` beside it; `listed` are those whose word counts.
pub fn vouched(trace: &[u8], file: Option<&[u8]>, listed: Option<&BTreeSet<PublicKey>>) -> Vouched {
    let Some(file) = file else { return Vouched::ByNobody };
    match (signer(trace, file), listed) {
        (Err(because), _) => Vouched::Wrong { because },
        (Ok(signer), None) => Vouched::BySomebody { signer },
        (Ok(signer), Some(listed)) if listed.contains(&signer) => Vouched::ByListed { signer },
        (Ok(signer), Some(_)) => Vouched::ByStranger { signer },
    }
}

fn signer(trace: &[u8], file: &[u8]) -> Result<PublicKey, String> {
    if file.len() > SIGNATURE_BYTES_MAX {
        return Err(format!("its file has more than {SIGNATURE_BYTES_MAX} bytes"));
    }
    let file: SignatureFile =
        serde_json::from_slice(file).map_err(|err| format!("it cannot be read: {err}"))?;
    if file.schema != SCHEMA {
        return Err(format!("it has schema {}, this program reads {SCHEMA}", file.schema));
    }
    if !file.signer.signed(&statement(&file.of), &file.signature) {
        return Err("it is of something else".to_owned());
    }
    match head(trace) {
        Ok(ours) if ours == file.of => Ok(file.signer),
        Ok(ours) => Err(format!(
            "it is of run {} up to record {}, this is run {} up to record {}, or another end of it",
            file.of.run, file.of.records, ours.run, ours.records
        )),
        Err(damage) => Err(format!("the trace is not what was signed: {damage}")),
    }
}

fn head(trace: &[u8]) -> Result<TraceHead, Damage> {
    let run = crate::delivery::first_run(trace)?.unwrap_or_default();
    let mut chain = Chain::new(trace);
    let mut records = 0;
    for line in chain.by_ref() {
        line?;
        records += 1;
    }
    Ok(TraceHead { run, records, head: chain.prev().to_owned() })
}

/// Every part with its length before it, so that none runs into the next.
fn statement(of: &TraceHead) -> Vec<u8> {
    let TraceHead { run, records, head } = of;
    let records = records.to_string();
    let mut statement = CONTEXT.to_vec();
    for part in [run, &records, head] {
        statement.extend_from_slice(&(part.len() as u64).to_le_bytes());
        statement.extend_from_slice(part.as_bytes());
    }
    statement
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A chain of records that only a newer program would know.
    fn trace(records: u64) -> Vec<u8> {
        let mut text = String::new();
        let mut prev = trace::digest(b"r");
        for seq in 0..records {
            let line = serde_json::json!({
                "schema": 1, "run": "r", "attempt": 1, "phase": "INIT", "seq": seq, "at-ms": seq,
                "time-ms": seq, "prev": prev, "event": { "noted": { "type": "later" } },
            });
            let line = line.to_string();
            prev = trace::digest(line.as_bytes());
            text = format!("{text}{line}\n");
        }
        text.into_bytes()
    }

    fn new() -> Signer {
        Signer::generate().unwrap().1
    }

    #[test]
    fn who_signed_is_told_from_who_may_and_from_nobody() {
        let [ada, eve] = [new(), new()];
        let (trace, listed) = (trace(3), BTreeSet::from([ada.public()]));
        let [of_ada, of_eve] = [&ada, &eve].map(|signer| sign(&trace, signer).unwrap());
        let (ada, eve) = (ada.public(), eve.public());
        let told = |file: Option<&[u8]>, listed| vouched(&trace, file, listed);
        assert_eq!(told(Some(&of_ada), Some(&listed)), Vouched::ByListed { signer: ada });
        assert_eq!(told(Some(&of_eve), Some(&listed)), Vouched::ByStranger { signer: eve });
        assert_eq!(told(Some(&of_eve), None), Vouched::BySomebody { signer: eve });
        assert_eq!(told(None, Some(&listed)), Vouched::ByNobody);
    }

    #[test]
    fn a_signature_under_another_trace_is_wrong_and_says_so() {
        let signer = new();
        let file = sign(&trace(3), &signer).unwrap();
        let newer = String::from_utf8(file.clone()).unwrap().replace("schema\": 1", "schema\": 2");
        let large = [&file[..], &[b' '; SIGNATURE_BYTES_MAX]].concat();
        let cases: [(&[u8], Vec<u8>, &str); 5] = [
            (&file, trace(2), "up to record 3, this is run r up to record 2"),
            (&file, Vec::new(), "up to record 0"),
            (newer.as_bytes(), trace(3), "schema 2"),
            (&large, trace(3), "more than 4096 bytes"),
            (b"{}", trace(3), "cannot be read"),
        ];
        for (file, trace, words) in cases {
            let told = vouched(&trace, Some(file), None);
            let Vouched::Wrong { because } = &told else { panic!("{told:?}") };
            assert!(because.contains(words), "{because}");
        }
    }

    proptest! {
        /// Whichever bit of either file is another, nobody vouches for it.
        #[test]
        fn no_bit_can_be_changed(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let (mut trace, signer) = (trace(4), new());
            let mut file = sign(&trace, &signer).unwrap();
            let listed = BTreeSet::from([signer.public()]);
            let whole = trace.len() - 1;
            match at.index(whole + file.len() - 1) {
                place if place < whole => trace[place] ^= 1 << bit,
                place => file[place - whole] ^= 1 << bit,
            }
            let told = vouched(&trace, Some(&file), Some(&listed));
            prop_assert!(matches!(told, Vouched::Wrong { .. } | Vouched::ByStranger { .. }), "{told:?}");
        }
    }
}
