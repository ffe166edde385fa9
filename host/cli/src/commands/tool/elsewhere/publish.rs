//! `stepwell tool push` and `stepwell tool sign`: one's own tools for others, and a word for them.

use std::fs;

use keys::Signer;
use registry::{
    Artifact, LOCK_FILE, OciReference, Pushed, Reference, Sha256, ToolSignature, Version,
};
use serde_json::json;

use super::{no_tool, read, write};
use crate::args::{ToolPushArgs, ToolSignArgs, ToolUnderTest};
use crate::commands::tool::subject::Subject;
use crate::commands::{pretty, print, wait_for};
use crate::locked;
use crate::problem::{LockProblem, Problem};
use crate::repo;
use crate::say::note;
use crate::signing::variable;

/// Bytes of a file with a key.
const KEY_BYTES_MAX: u64 = 4 * 1024;

/// Publishes a component.
pub(in crate::commands::tool) fn push(args: &ToolPushArgs) -> Result<u8, Problem> {
    let to = place(&args.to)?;
    let subject =
        Subject::open(&ToolUnderTest { tool: args.tool.clone(), cases: None, function: None })?;
    let component = &subject.component;
    let surface = component.surface().map_err(|err| Problem::BadComponent {
        name: subject.path.display().to_string(),
        source: err.into(),
    })?;
    let signatures: Vec<ToolSignature> = if args.sign {
        vec![registry::sign(&signer()?, &Sha256::of(component.bytes()))]
    } else {
        Vec::new()
    };
    let artifact = Artifact {
        component: component.bytes().to_vec(),
        exports: surface.exports,
        imports: surface.imports.into_iter().map(|import| import.name).collect(),
        signatures,
    };
    note(&format!("pushing {} to {to}", component.manifest().name));
    let pushed = wait_for(locked::fetcher()?.push(&to, &artifact))?;
    let what = to.to_string();
    let Pushed { digest, manifest } =
        pushed.map_err(|source| LockProblem::Push { what, source })?;
    if args.json {
        let signers: Vec<_> = artifact.signatures.iter().map(|one| one.signer).collect();
        print(&pretty(&json!({
            "tool": component.manifest().name,
            "reference": to.to_string(),
            "digest": digest,
            "manifest": manifest,
            "signers": signers,
        })));
    } else {
        print(&format!("{to}: the component {digest}, the manifest {manifest}"));
    }
    Ok(0)
}

fn place(text: &str) -> Result<OciReference, LockProblem> {
    match text.parse()? {
        Reference::Oci(oci) => match oci.version {
            Version::Tag(_) => Ok(oci),
            Version::Digest(_) => Err(LockProblem::PushToDigest { to: text.to_owned() }),
        },
        Reference::Path(_) | Reference::Web(_) => {
            Err(LockProblem::NotARegistry { to: text.to_owned() })
        }
    }
}

/// Signs what the lock names.
pub(in crate::commands::tool) fn sign(args: &ToolSignArgs) -> Result<u8, Problem> {
    let root = repo::root(&args.repo.repo)?;
    let mut lock = read(&root)?;
    let mut tool = lock.get(&args.name).cloned().ok_or_else(|| no_tool(&lock, &args.name))?;
    let signature = registry::sign(&signer()?, &tool.digest);
    let (signer, digest) = (signature.signer, tool.digest);
    tool.signatures.retain(|one| one.signer != signer);
    tool.signatures.push(signature);
    let file = LOCK_FILE.to_owned();
    lock.put(tool).map_err(|source| LockProblem::Bad { file, source })?;
    write(&root, &lock)?;
    if args.json {
        print(&pretty(&json!({ "name": args.name, "digest": digest, "signer": signer })));
    } else {
        print(&format!("{}: {digest} signed by {signer}", args.name));
    }
    Ok(0)
}

/// The key that the environment holds or names.
fn signer() -> Result<Signer, Problem> {
    let (place, text) = if let Some(text) = variable("STEPWELL_TOOL_KEY") {
        ("STEPWELL_TOOL_KEY".to_owned(), text)
    } else if let Some(path) = variable("STEPWELL_TOOL_KEY_FILE") {
        let what = "read the signing key";
        let unreadable = |source| Problem::File { what, path: path.clone().into(), source };
        if fs::metadata(&path).map_err(unreadable)?.len() > KEY_BYTES_MAX {
            let place = format!("`{path}`");
            return Err(LockProblem::BadKey { place, source: keys::BadKey }.into());
        }
        (format!("`{path}`"), fs::read_to_string(&path).map_err(unreadable)?)
    } else {
        return Err(LockProblem::NoKey.into());
    };
    Signer::of_text(&text).map_err(|source| LockProblem::BadKey { place, source }.into())
}
