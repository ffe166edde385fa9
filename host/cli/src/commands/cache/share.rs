//! Sharing outputs with other machines by hand, and the key to sign them with.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use cache::{Cache, Remote, Signer, Stored, Visited};
use runner::Plain;
use serde_json::json;

use super::super::{pretty, print};
use super::wait_for;
use crate::args::{CacheKeyArgs, CachePullArgs, CachePushArgs};
use crate::problem::{Problem, SharingProblem};
use crate::say::note;
use crate::sharing;

/// The exit code where not everything went well.
const TROUBLES: u8 = 1;

/// Shares all that this machine has computed.
pub(in crate::commands) fn push(args: &CachePushArgs) -> Result<u8, Problem> {
    let cache = sharing::open_shared(args.sharing.cache_policy.as_deref())?;
    if cache.remote().and_then(Remote::writes).is_none() {
        return Err(SharingProblem::NoWrites.into());
    }
    let pushed = wait_for(cache.push(&args.run))?;
    if args.json {
        print(&pretty(&json!({
            "records": pushed.records, "bytes": pushed.bytes, "troubles": pushed.troubles,
        })));
    } else {
        print(&format!("{} outputs shared, {} bytes", pushed.records, pushed.bytes));
        pushed.troubles.iter().for_each(|trouble| note(trouble));
    }
    Ok(if pushed.troubles.is_empty() { 0 } else { TROUBLES })
}

/// What came of taking a domain's outputs.
#[derive(Debug, Default)]
struct Pulled {
    new: u64,
    known: u64,
    not_believed: u64,
    broken: u64,
    contradicted: Vec<String>,
}

/// Takes what a domain holds.
pub(in crate::commands) fn pull(args: &CachePullArgs) -> Result<u8, Problem> {
    let cache = sharing::open_shared(args.sharing.cache_policy.as_deref())?;
    let pulled = wait_for(pull_all(&cache, &args.domain))??;
    let Pulled { new, known, not_believed, broken, contradicted } = &pulled;
    if args.json {
        print(&pretty(&json!({
            "new": new,
            "known": known,
            "not-believed": not_believed,
            "broken": broken,
            "contradicted": contradicted,
        })));
    } else {
        print(&format!("{new} outputs taken, {known} were here"));
        if not_believed + broken > 0 {
            print(&format!(
                "{not_believed} are not signed by anybody trusted, {broken} are broken"
            ));
        }
        for observed in contradicted {
            print(&format!("{observed} says another output than was computed here"));
        }
    }
    Ok(if contradicted.is_empty() { 0 } else { TROUBLES })
}

async fn pull_all(cache: &Cache, domain: &str) -> Result<Pulled, Problem> {
    let remote = cache.remote().ok_or(SharingProblem::NoWrites)?;
    let visitor = remote.visit(domain).ok_or_else(|| no_domain(remote, domain))?;
    let failed = |source| store_problem(domain, source);
    let mut pulled = Pulled::default();
    for observed in visitor.records().await.map_err(failed)? {
        match visitor.fetch(observed).await.map_err(failed)? {
            None => {}
            Some(Visited::Broken) => pulled.broken += 1,
            Some(Visited::Whole(testimony, _)) if !testimony.is_believed(cache.trust()) => {
                pulled.not_believed += 1;
            }
            Some(Visited::Whole(testimony, output)) => {
                match cache.import(&testimony, &output).map_err(super::trouble)? {
                    Stored::New => pulled.new += 1,
                    Stored::Known => pulled.known += 1,
                    Stored::Contradicted(_) => pulled.contradicted.push(observed.to_string()),
                    Stored::Volatile | Stored::Refused(_) => pulled.not_believed += 1,
                }
            }
        }
    }
    Ok(pulled)
}

pub(super) fn no_domain(remote: &Remote, name: &str) -> SharingProblem {
    let known = remote.reads().map(|domain| format!("`{}`", domain.name)).collect();
    SharingProblem::NoDomain { name: name.to_owned(), known }
}

pub(super) fn store_problem(domain: &str, source: store::StoreError) -> SharingProblem {
    SharingProblem::Store { domain: domain.to_owned(), source: Box::new(source) }
}

/// Makes a key to sign with.
pub(in crate::commands) fn key(args: &CacheKeyArgs) -> Result<u8, Problem> {
    let (secret, signer) = Signer::generate().map_err(Problem::Start)?;
    let public = signer.public().to_string();
    if let Some(path) = &args.out {
        let mut file = OpenOptions::new();
        let file = file.write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| writeln!(file, "{secret}"));
        let what = "write the key to";
        written.map_err(|source| Problem::File { what, path: path.clone(), source })?;
    }
    let secret = args.out.is_none().then_some(secret);
    if args.json {
        print(&pretty(&json!({ "public": public, "secret": secret, "file": args.out })));
        return Ok(0);
    }
    print(&format!("public  {public}"));
    match (&secret, &args.out) {
        (Some(secret), _) => print(&format!("secret  {secret}")),
        (None, Some(path)) => print(&format!("secret  in {}", Plain(&path.display().to_string()))),
        (None, None) => {}
    }
    Ok(0)
}
