//! `stepwell cache`: what it holds, why a call would or would not be answered by it, keeping it in
//! order, and sharing it.

mod again;
mod order;
mod share;
mod show;

use serde_json::json;
use snapshot::View;

use super::{pretty, print, tool, wait_for};
use crate::args::{CacheStatArgs, CacheWhyArgs, SharingArgs};
use crate::dirs;
use crate::problem::Problem;
use crate::sharing;

pub(super) use again::{audit, promote};
pub(super) use order::{clear, collect_garbage, verify};
pub(super) use share::{key, pull, push};
pub(super) use show::show;

/// A cache that could not be read or written.
fn trouble(source: cache::CacheError) -> Problem {
    Problem::Cache { path: dirs::cache().join("tools"), source }
}

/// Says how much the cache holds, and what it has saved.
pub(super) fn stat(args: &CacheStatArgs) -> Result<u8, Problem> {
    let path = dirs::cache().join("tools");
    let cache = sharing::open(None)?;
    let (stat, tools) = (cache.stat().map_err(trouble)?, cache.by_tool().map_err(trouble)?);
    if args.json {
        let tools: Vec<_> = tools.iter().map(tool_json).collect();
        print(&pretty(&json!({
            "directory": path,
            "entries": stat.entries,
            "entries-of-others": stat.foreign,
            "calls": stat.calls,
            "question-sets": stat.sets,
            "blobs": stat.blobs,
            "bytes": stat.bytes,
            "volatile": stat.volatile,
            "tools": tools,
        })));
        return Ok(0);
    }
    let cache::Stat { calls, sets, entries, foreign, blobs, bytes, volatile } = stat;
    print(&format!("{}", path.display()));
    print(&format!(
        "{entries} outputs of {calls} calls, by {sets} question sets; {foreign} from others"
    ));
    print(&format!("{blobs} files, {bytes} bytes"));
    if volatile > 0 {
        print(&format!("{volatile} tools are not served: they answer differently each time"));
    }
    let width = tools.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    for stat in &tools {
        let cache::ToolStat { name, hits, shared_hits, misses, saved_us, saved_bytes, .. } = stat;
        print(&format!(
            "{name:<width$}  {:>4} hits of {} ({shared_hits} from others), {} ms and {saved_bytes} \
             bytes not computed again",
            hits,
            hits + misses,
            saved_us / 1000
        ));
    }
    Ok(0)
}

fn tool_json(stat: &cache::ToolStat) -> serde_json::Value {
    let asked = stat.hits + stat.misses;
    #[expect(clippy::cast_precision_loss, reason = "a rate is read by people")]
    let rate = if asked == 0 { 0.0 } else { stat.hits as f64 / asked as f64 };
    json!({
        "tool": stat.name,
        "component": stat.component,
        "hits": stat.hits,
        "hits-from-others": stat.shared_hits,
        "misses": stat.misses,
        "hit-rate": (rate * 1000.0).round() / 1000.0,
        "saved-us": stat.saved_us,
        "saved-bytes": stat.saved_bytes,
        "runs": stat.runs,
        "run-us": stat.run_us,
    })
}

/// Says whether a call would be a hit, and if not, what changed.
pub(super) fn why(args: &CacheWhyArgs) -> Result<u8, Problem> {
    let toolbox = tool::toolbox(Vec::new(), Some(&SharingArgs::default()))?;
    if args.tool == runner::CHANGED_FILES {
        print("changed_files: the host answers it from the two trees; it is never kept");
        return Ok(0);
    }
    let Some(info) = toolbox.tools().iter().find(|info| info.name == args.tool) else {
        return Err(tool::no_tool(&args.tool, &toolbox));
    };
    let call = toolbox.call_of(&args.tool, &args.on.args);
    let call = call.map_err(|message| Problem::BadCall { message })?;
    let trees = tool::On::open(&args.on.on)?.trees()?;
    let view = View::new(trees.head, trees.base, info.grant.clone());
    let because = match (toolbox.cache(), &call) {
        (Some(cache), Some(call)) => cache.why(call, &view),
        (_, _) => None,
    };
    let (hit, text) = match (&call, &because) {
        (None, _) => {
            (false, "its answers are never kept: looking costs what asking costs".to_owned())
        }
        (Some(_), None) => (true, "a hit: nothing that it observed has changed".to_owned()),
        (Some(_), Some(why)) => (false, why.to_string()),
    };
    let changed = match &because {
        Some(cache::Why::Changed(changed)) => Some(changed),
        Some(_) | None => None,
    };
    if args.json {
        let changed = changed.map(|changed| {
            json!({ "question": changed.question, "before": changed.before, "now": changed.now })
        });
        let key = call.as_ref().map(|call| call.key().to_string());
        let shown = json!({ "tool": args.tool, "key": key, "hit": hit, "because": text, "changed": changed });
        print(&pretty(&shown));
        return Ok(0);
    }
    print(&format!("{}: {text}", args.tool));
    if let Some(changed) = changed {
        print(&format!("  its answer was  {}", changed.before));
        print(&format!("  and is now      {}", changed.now));
    }
    Ok(0)
}
