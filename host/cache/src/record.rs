//! What is kept of one output, and what a signature covers.

use serde::{Deserialize, Serialize};
use snapshot::Digest;

use crate::Output;

/// Which output belongs to which answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Record {
    /// The call's key.
    pub call: Digest,
    /// The questions that it asked.
    pub questions: Digest,
    /// The call, its questions and the answers to them, in one digest.
    pub observed: Digest,
    /// The output.
    pub output: Digest,
    /// Its bytes.
    pub bytes: u64,
    /// What it is.
    pub kind: Output,
    /// What computing it took, in microseconds.
    pub cost_us: u64,
}

impl Record {
    /// All of it in one digest.
    pub(crate) fn digest(&self) -> Digest {
        let parts: [&[u8]; 7] = [
            self.call.as_bytes(),
            self.questions.as_bytes(),
            self.observed.as_bytes(),
            self.output.as_bytes(),
            &self.bytes.to_le_bytes(),
            &[self.kind.number()],
            &self.cost_us.to_le_bytes(),
        ];
        Digest::derive("stepwell 2026-11 record v2", &parts)
    }
}
