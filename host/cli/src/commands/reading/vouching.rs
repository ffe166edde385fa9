//! `trace.sig.json`, which lies beside a trace that somebody vouches for.

use std::collections::BTreeSet;
use std::path::Path;

use apply::{SIGNATURE, Vouched};
use keys::{PublicKey, Signer};
use report::{Check, Finding};

use super::{Found, found, in_a_line, page};
use crate::problem::{Problem, ReadingProblem};
use crate::say::note;

/// Signs the trace among the artifacts in `out_dir`, where somebody signs here; says whether it is
/// signed. A trace that is not is no reason to end a run otherwise.
pub(in crate::commands) fn sign(out_dir: &Path, signer: Option<&Signer>) -> bool {
    let path = out_dir.join(SIGNATURE);
    let left =
        signer.map(|signer| made(out_dir, signer).and_then(|file| page::whole(&path, &file)));
    if let Some(Err(problem)) = &left {
        note(&format!("the trace is not signed: {}", in_a_line(problem)));
    }
    let is_signed = matches!(left, Some(Ok(())));
    if !is_signed {
        // What an earlier run left is of another trace.
        std::fs::remove_file(path).ok();
    }
    is_signed
}

fn made(out_dir: &Path, signer: &Signer) -> Result<Vec<u8>, Problem> {
    let path = out_dir.join(found::NAMES[0]);
    let trace = found::read(&path)?;
    let signed = apply::sign(&trace, signer);
    signed.map_err(|source| ReadingProblem::Damaged { path, source }.into())
}

/// Who vouches for a trace, and what that comes to.
pub(super) fn vouched(
    found: &Found,
    listed: Option<&BTreeSet<PublicKey>>,
) -> Result<(Vouched, Finding), Problem> {
    let file = found.beside(SIGNATURE)?;
    let vouched = apply::vouched(&found.bytes, file.as_deref(), listed);
    let (check, because) = match (&vouched, listed) {
        (Vouched::ByListed { signer }, _) => (Check::Holds, format!("signed by {signer}")),
        (Vouched::ByStranger { signer }, _) => {
            (Check::Fails, format!("signed by {signer}, whose word does not count here"))
        }
        (Vouched::BySomebody { signer }, _) => {
            (Check::Open, format!("signed by {signer}; nobody says whose word counts"))
        }
        (Vouched::ByNobody, Some(_)) => {
            (Check::Fails, format!("there is no {SIGNATURE}, and somebody must have signed"))
        }
        (Vouched::ByNobody, None) => (Check::Open, "nobody signed the trace".to_owned()),
        (Vouched::Wrong { because }, _) => (Check::Fails, because.clone()),
    };
    Ok((vouched, Finding { what: "signature", check, because }))
}
