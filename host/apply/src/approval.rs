//! That a person lets a patch pass a gate: a file that counts for one head, one patch and one set of
//! rules, and that somebody may have signed.

use std::collections::BTreeSet;

use keys::{PublicKey, Signature, Signer};
use serde::{Deserialize, Serialize};
use session::{Approval, Binding};

/// The largest file of an approval.
pub const APPROVAL_BYTES_MAX: usize = 16 * 1024;

/// Raised when an old reader would misread a new file.
const SCHEMA: u32 = 1;

/// What stands before every approval that is signed, so that no other signature is one.
const CONTEXT: &[u8] = b"stepwell 2026-11 approval v1";

/// `approval.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ApprovalFile {
    schema: u32,
    run: String,
    gate: String,
    by: String,
    bound: Binding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<Signed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Signed {
    signer: PublicKey,
    signature: Signature,
}

/// An approval that does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalProblem {
    /// It is not the file of one.
    #[error("it is not an approval: {0}")]
    NoApproval(String),
    /// A newer program wrote it.
    #[error("it has schema {0}, this program reads {SCHEMA}")]
    Schema(u32),
    /// Nobody signed it, where somebody must.
    #[error("it is not signed, and only what an approver signs counts here")]
    NotSigned,
    /// Somebody signed it who is no approver.
    #[error("{0} signed it, who is not among the approvers")]
    Stranger(PublicKey),
    /// What was signed is something else.
    #[error("its signature is of something else")]
    Forged,
}

impl ApprovalFile {
    /// An approval of a gate's finding in a run.
    pub fn new(run: &str, gate: &str, by: &str, bound: Binding) -> Self {
        let (run, gate, by) = (run.to_owned(), gate.to_owned(), by.to_owned());
        Self { schema: SCHEMA, run, gate, by, bound, signed: None }
    }

    /// The same under somebody's signature.
    #[must_use]
    pub fn signed(self, signer: &Signer) -> Self {
        let signature = signer.sign(&self.statement());
        Self { signed: Some(Signed { signer: signer.public(), signature }), ..self }
    }

    /// Reads one that counts: where there are `approvers`, one of them must have signed it.
    ///
    /// # Errors
    /// When it is none, or does not count.
    pub fn read(
        bytes: &[u8],
        approvers: Option<&BTreeSet<PublicKey>>,
    ) -> Result<Self, ApprovalProblem> {
        if bytes.len() > APPROVAL_BYTES_MAX {
            let why = format!("it is larger than {APPROVAL_BYTES_MAX} bytes");
            return Err(ApprovalProblem::NoApproval(why));
        }
        let file: Self = serde_json::from_slice(bytes)
            .map_err(|err| ApprovalProblem::NoApproval(err.to_string()))?;
        if file.schema != SCHEMA {
            return Err(ApprovalProblem::Schema(file.schema));
        }
        if let Some(Signed { signer, signature }) = &file.signed
            && !signer.signed(&file.statement(), signature)
        {
            return Err(ApprovalProblem::Forged);
        }
        let signer = file.signed.as_ref().map(|signed| signed.signer);
        match (approvers, signer) {
            (None, _) => Ok(file),
            (Some(_), None) => Err(ApprovalProblem::NotSigned),
            (Some(approvers), Some(signer)) if approvers.contains(&signer) => Ok(file),
            (Some(_), Some(signer)) => Err(ApprovalProblem::Stranger(signer)),
        }
    }

    /// As it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("its maps have text for keys");
        text.push(b'\n');
        text
    }

    /// The run in which it was asked for.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// What the rules of a run are told of it.
    pub fn approval(&self) -> Approval {
        let Self { gate, by, bound, .. } = self;
        Approval { check: gate.clone(), by: by.clone(), bound: Some(bound.clone()) }
    }

    /// What is signed: every part with its length before it, so that none runs into the next.
    fn statement(&self) -> Vec<u8> {
        let Binding { head, patch, policy } = &self.bound;
        let parts = [&self.run, &self.gate, &self.by, head, patch, policy];
        let mut statement = CONTEXT.to_vec();
        for part in parts {
            statement.extend_from_slice(&(part.len() as u64).to_le_bytes());
            statement.extend_from_slice(part.as_bytes());
        }
        statement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> ApprovalFile {
        let bound = Binding { head: "h".into(), patch: "p".into(), policy: "r".into() };
        ApprovalFile::new("run", "dependencies", "ada", bound)
    }

    #[test]
    fn where_there_are_approvers_only_what_one_of_them_signed_counts() {
        let [(_, ada), (_, eve)] = [Signer::generate().unwrap(), Signer::generate().unwrap()];
        let approvers = BTreeSet::from([ada.public()]);
        let read = |file: &ApprovalFile, approvers: Option<&BTreeSet<PublicKey>>| {
            ApprovalFile::read(&file.to_bytes(), approvers).map(|read| assert_eq!(read, *file))
        };
        assert_eq!(read(&file(), None), Ok(()));
        assert_eq!(read(&file(), Some(&approvers)), Err(ApprovalProblem::NotSigned));
        assert_eq!(read(&file().signed(&ada), Some(&approvers)), Ok(()));
        let of_eve = read(&file().signed(&eve), Some(&approvers));
        assert_eq!(of_eve, Err(ApprovalProblem::Stranger(eve.public())));
    }

    #[test]
    fn any_change_of_what_was_signed_voids_it() {
        let (_, ada) = Signer::generate().unwrap();
        let signed = file().signed(&ada);
        let changes: [fn(&mut ApprovalFile); 6] = [
            |file| file.run.push('x'),
            |file| file.gate.push('x'),
            |file| file.by.push('x'),
            |file| file.bound.head.push('x'),
            |file| file.bound.patch.push('x'),
            |file| file.bound.policy.push('x'),
        ];
        for change in changes {
            let mut changed = signed.clone();
            change(&mut changed);
            // Also where nobody must have signed: a broken signature is no missing one.
            let read = ApprovalFile::read(&changed.to_bytes(), None);
            assert_eq!(read, Err(ApprovalProblem::Forged), "{changed:?}");
        }
        // One part does not run into the next.
        let mut moved = signed;
        (moved.gate, moved.by) = ("dependenciesa".into(), "da".into());
        assert!(ApprovalFile::read(&moved.to_bytes(), None).is_err());
    }

    #[test]
    fn what_is_no_approval_is_said_to_be_none() {
        for bytes in [b"".as_slice(), b"{}", b"[", &[b' '; APPROVAL_BYTES_MAX + 1]] {
            let read = ApprovalFile::read(bytes, None);
            assert!(matches!(read, Err(ApprovalProblem::NoApproval(_))), "{read:?}");
        }
        let mut newer = file();
        newer.schema = 2;
        assert_eq!(ApprovalFile::read(&newer.to_bytes(), None), Err(ApprovalProblem::Schema(2)));
    }
}
