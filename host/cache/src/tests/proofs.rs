//! Signatures: each record of a run is proved by its way to the root that was signed, and nothing
//! else is.

use proptest::prelude::*;

use super::*;
use crate::{Proof, Record, Signer};

fn record(number: u64) -> Record {
    let digest = |what: &str| Digest::of(format!("{what} {number}").as_bytes());
    Record {
        call: digest("call"),
        questions: digest("questions"),
        observed: digest("observed"),
        output: digest("output"),
        bytes: number,
        kind: Output::Answer,
        cost_us: number,
    }
}

fn signer() -> Signer {
    Signer::generate().unwrap().1
}

#[test]
fn every_record_of_a_run_is_proved_and_no_other() {
    let signer = signer();
    for count in (1..7).chain([8, 9, 17]) {
        let records: Vec<_> = (0..count).map(record).collect();
        let proofs = signer.sign("run", &records);
        assert_eq!(proofs.len(), records.len());
        for (at, proof) in proofs.iter().enumerate() {
            for (other, record) in records.iter().enumerate() {
                assert_eq!(proof.holds_for(record), at == other, "{at} of {count} for {other}");
            }
        }
    }
    assert_eq!(signer.sign("run", &[]), []);
    assert_eq!(signer.sign("run", &(0..10_050).map(record).collect::<Vec<_>>()).len(), 10_000);
}

#[test]
fn a_key_is_read_back_from_its_text_and_from_nothing_else() {
    let (text, signer) = Signer::generate().unwrap();
    assert_eq!(Signer::of_text(&format!(" {text}\n")).unwrap().public(), signer.public());
    assert_eq!(signer.public().to_string().parse(), Ok(signer.public()));
    assert!(!format!("{signer:?}").contains(&text[8..20]), "it does not show the secret");
    for bad in ["", "ed25519:", &text[8..], &text[..40], "rsa:AAAA", &format!("{text}AAAA")] {
        assert!(Signer::of_text(bad).is_err(), "{bad}");
        assert!(bad.parse::<crate::PublicKey>().is_err(), "{bad}");
    }
}

/// What somebody may try to make of a proof or a record, with a name.
type Tampering = (&'static str, fn(&mut Record, &mut Proof));

fn tampered() -> impl Strategy<Value = Tampering> {
    let tamperings: Vec<Tampering> = vec![
        ("another call", |record, _| record.call = Digest::of(b"x")),
        ("other questions", |record, _| record.questions = Digest::of(b"x")),
        ("other answers", |record, _| record.observed = Digest::of(b"x")),
        ("another output", |record, _| record.output = Digest::of(b"x")),
        ("another length", |record, _| record.bytes += 1),
        ("another kind", |record, _| record.kind = Output::Refusal),
        ("another cost", |record, _| record.cost_us += 1),
        ("another signer", |_, proof| proof.signer = signer().public()),
        ("another run", |_, proof| proof.run.push('x')),
        ("another place", |_, proof| proof.leaf = (proof.leaf + 1) % proof.leaves),
        ("a place outside", |_, proof| proof.leaf = proof.leaves),
        ("another count", |_, proof| proof.leaves += 1),
        ("no records", |_, proof| proof.leaves = 0),
        ("very many records", |_, proof| proof.leaves = u64::MAX),
        ("a longer way", |_, proof| proof.path.push(Digest::of(b"x"))),
        ("a way without end", |_, proof| proof.path = vec![Digest::of(b"x"); 100_000]),
        ("a shorter way", |_, proof| proof.path.truncate(proof.path.len() - 1)),
        ("another way", |_, proof| proof.path[0] = Digest::of(b"x")),
        ("another signature", |_, proof| proof.signature[5] ^= 1),
        ("no signature", |_, proof| proof.signature = [0; 64]),
        ("a run's name without end", |_, proof| proof.run = "x".repeat(1 << 20)),
    ];
    prop::sample::select(tamperings)
}

proptest! {
    #[test]
    fn whatever_is_changed_breaks_the_proof(
        count in 2..40_u64,
        at in any::<prop::sample::Index>(),
        (what, tamper) in tampered(),
    ) {
        let records: Vec<_> = (0..count).map(record).collect();
        let proofs = signer().sign("run", &records);
        let at = at.index(records.len());
        let (mut record, mut proof) = (records[at], proofs[at].clone());
        let text = serde_json::to_string(&proof).unwrap();
        prop_assert_eq!(serde_json::from_str::<Proof>(&text).unwrap(), proof.clone());
        tamper(&mut record, &mut proof);
        prop_assert!(!proof.holds_for(&record), "{}", what);
    }
}
