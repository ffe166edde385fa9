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
        let proofs = Proof::of_run(&signer, "run", &records);
        assert_eq!(proofs.len(), records.len());
        for (at, proof) in proofs.iter().enumerate() {
            for (other, record) in records.iter().enumerate() {
                assert_eq!(proof.holds_for(record), at == other, "{at} of {count} for {other}");
            }
        }
    }
    assert_eq!(Proof::of_run(&signer, "run", &[]), []);
    assert_eq!(
        Proof::of_run(&signer, "run", &(0..10_050).map(record).collect::<Vec<_>>()).len(),
        10_000
    );
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
        ("another signature", |_, proof| {
            let mut bytes = <[u8; 64]>::from(proof.signature);
            bytes[5] ^= 1;
            proof.signature = bytes.into();
        }),
        ("no signature", |_, proof| proof.signature = [0; 64].into()),
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
        let proofs = Proof::of_run(&signer(), "run", &records);
        let at = at.index(records.len());
        let (mut record, mut proof) = (records[at], proofs[at].clone());
        let text = serde_json::to_string(&proof).unwrap();
        prop_assert_eq!(serde_json::from_str::<Proof>(&text).unwrap(), proof.clone());
        tamper(&mut record, &mut proof);
        prop_assert!(!proof.holds_for(&record), "{}", what);
    }
}
