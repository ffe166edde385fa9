//! `stepwell context`: what a step tells the model before it asks, without a model.

use std::path::{Path, PathBuf};

use runner::{ContextCalled, ContextPack, context_pack};
use serde_json::json;
use session::Source;
use snapshot::Digest;

use super::run::{Ready, ready};
use super::{pretty, print, wait_for};
use crate::args::{ContextArgs, RunArgs};
use crate::problem::Problem;
use crate::repo::{self, Trees};
use crate::say::note;
use crate::trees;

/// What signatures under outputs say that were computed for a pack.
const RUN: &str = "context";

/// A pack that is compared with; larger ones were not written by us.
const PACK_BYTES_MAX: u64 = 64 << 20;

/// Builds the pack, and says what it is made of and how much of it is as it was.
pub(super) fn context(args: &ContextArgs) -> Result<u8, Problem> {
    let trees = repo::open(&args.repo.repo, args.head.as_deref(), args.base.as_deref())?;
    let run = RunArgs {
        step: args.step.clone(),
        repo: args.repo.clone(),
        base: args.base.clone(),
        head: args.head.clone(),
        step_from_head: args.step_from_head,
        no_cache: args.no_cache,
        sharing: args.sharing.clone(),
        ..RunArgs::default()
    };
    let Ready { step, plan, toolbox, .. } = ready(&run, &trees, false)?;
    let shown = trees::shown(&step, &trees.root, &trees.head.snapshot)?;
    let seen = runner::Trees {
        head: match shown.is_empty() {
            true => trees.head.snapshot.clone(),
            false => trees.head.snapshot.overlay(shown),
        },
        base: trees.base.as_ref().map(|base| base.snapshot.clone()),
        names: (trees.head.name.clone(), trees.base.as_ref().map(|base| base.name.clone())),
    };
    let (pack, troubles) = wait_for(async {
        let (most, at_once) = (plan.answer_bytes, plan.concurrent_calls);
        let pack = context_pack(&plan.session, &toolbox, &seen, most, at_once).await;
        (pack, toolbox.publish(RUN).await)
    })?;
    let text = pack.text();
    let last = last_pack(&trees, &plan.name);
    let before = std::fs::read(&last).ok().filter(|pack| pack.len() as u64 <= PACK_BYTES_MAX);
    let same = before.as_ref().map(|before| same_prefix(before, text.as_bytes()));
    if let Some(out) = &args.out {
        write(out, &text)?;
    }
    // Only the next comparison is worse without.
    let _kept = write(&last, &text).is_ok();
    troubles.iter().for_each(|trouble| note(trouble));
    pack.calls.iter().flat_map(|call| &call.warnings).for_each(|warning| note(warning));
    if args.json {
        print(&pretty(&as_json(&pack, &text, same)));
    } else {
        show(&pack, &text, same);
    }
    Ok(0)
}

/// Where the last pack of a step is kept: where runs are, in git's own directory.
fn last_pack(trees: &Trees, step: &str) -> PathBuf {
    trees.state.join("context").join(format!("{}.jsonl", Digest::of(step.as_bytes())))
}

fn write(path: &Path, text: &str) -> Result<(), Problem> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = made.and_then(|()| std::fs::write(path, text));
    written.map_err(|source| Problem::File { what: "write", path: path.to_owned(), source })
}

fn same_prefix(before: &[u8], now: &[u8]) -> usize {
    before.iter().zip(now).take_while(|(before, now)| before == now).count()
}

fn as_json(pack: &ContextPack, text: &str, same: Option<usize>) -> serde_json::Value {
    let calls = pack.calls.iter().map(|call| {
        json!({
            "tool": call.tool,
            "arguments": call.arguments,
            "source": call.source,
            "shared": call.shared.as_ref().map(|shared| json!({
                "domain": shared.domain, "signer": shared.signer, "run": shared.run,
            })),
            "missed": call.missed,
            "bytes": call.bytes,
            "wall-us": call.wall_us,
        })
    });
    json!({
        "digest": Digest::of(text.as_bytes()),
        "bytes": text.len(),
        "same-as-before": same,
        "calls": calls.collect::<Vec<_>>(),
    })
}

fn show(pack: &ContextPack, text: &str, same: Option<usize>) {
    for call in &pack.calls {
        print(&told(call));
    }
    print(&format!("{} bytes, {}", text.len(), Digest::of(text.as_bytes())));
    match same {
        None => print("the first pack of this step here: there is none to compare it with"),
        Some(same) if same == text.len() => print("the very bytes of the last one"),
        Some(same) => print(&format!(
            "the first {same} of them are those of the last one ({} %): what a provider has read \
             already, it need not read again",
            same * 100 / text.len().max(1)
        )),
    }
}

fn told(call: &ContextCalled) -> String {
    let ms = call.wall_us / 1000;
    let from = match (call.source, &call.shared) {
        (Source::Fresh, _) => format!("computed in {ms} ms"),
        (Source::Cache, None) => format!("cached, once {ms} ms"),
        (Source::Cache, Some(shared)) => format!("from `{}`, once {ms} ms", shared.domain),
        (Source::Host, _) => "by the host".to_owned(),
    };
    let because = call.missed.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    format!("{} {}: {} bytes, {from}{because}", call.tool, call.arguments, call.bytes)
}
