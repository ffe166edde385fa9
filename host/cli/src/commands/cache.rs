//! `stepwell cache`: what it holds, and why a call would or would not be answered by it.

use serde_json::json;
use snapshot::View;

use super::{pretty, print, tool};
use crate::args::{CacheStatArgs, CacheWhyArgs};
use crate::dirs;
use crate::problem::Problem;

/// Says how much the cache holds.
pub(super) fn stat(args: &CacheStatArgs) -> Result<u8, Problem> {
    let path = dirs::cache().join("tools");
    let cache = tool::cache()?;
    let stat = cache.stat().map_err(|source| Problem::Cache { path: path.clone(), source })?;
    if args.json {
        print(&pretty(&json!({
            "directory": path,
            "entries": stat.entries,
            "calls": stat.calls,
            "question-sets": stat.sets,
            "blobs": stat.blobs,
            "bytes": stat.bytes,
            "volatile": stat.volatile,
        })));
    } else {
        let cache::Stat { calls, sets, entries, blobs, bytes, volatile } = stat;
        print(&format!("{}", path.display()));
        print(&format!("{entries} outputs of {calls} calls, by {sets} question sets"));
        print(&format!("{blobs} files, {bytes} bytes"));
        if volatile > 0 {
            print(&format!(
                "{volatile} calls are not served: their tools answer differently each time"
            ));
        }
    }
    Ok(0)
}

/// Says whether a call would be a hit, and if not, what changed.
pub(super) fn why(args: &CacheWhyArgs) -> Result<u8, Problem> {
    let toolbox = tool::toolbox(&[], true)?;
    if args.tool == runner::CHANGED_FILES {
        print("changed_files: the host answers it from the two trees; it is never kept");
        return Ok(0);
    }
    let Some(info) = toolbox.tools().iter().find(|info| info.name == args.tool) else {
        return Err(tool::no_tool(&args.tool, &toolbox));
    };
    let key = toolbox.key_of(&args.tool, &args.on.args);
    let key = key.map_err(|message| Problem::BadCall { message })?;
    let trees = tool::trees(&args.on)?;
    let view = View::new(trees.head, trees.base, info.grant.clone());
    let because = match (toolbox.cache(), &key) {
        (Some(cache), Some(key)) => cache.why(key, &view),
        (_, _) => None,
    };
    let (hit, text) = match (&key, because) {
        (None, _) => {
            (false, "its answers are never kept: looking costs what asking costs".to_owned())
        }
        (Some(_), None) => (true, "a hit: nothing that it observed has changed".to_owned()),
        (Some(_), Some(why)) => (false, why.to_string()),
    };
    if args.json {
        print(&pretty(&json!({ "tool": args.tool, "hit": hit, "because": text })));
    } else {
        print(&format!("{}: {text}", args.tool));
    }
    Ok(0)
}
