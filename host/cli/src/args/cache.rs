//! What can be said of the cache and of what it is for.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::{CallArgs, RepoArgs};

/// Whose outputs are believed and shared.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct SharingArgs {
    /// Which places share tool outputs with this machine, and whose are believed. Default:
    /// STEPWELL_CACHE_POLICY, else `stepwell/cache.toml` in the user's directory for settings.
    #[arg(long, value_name = "FILE")]
    pub(crate) cache_policy: Option<PathBuf>,
}

const CONTEXT_EXAMPLES: &str = "Examples:
  stepwell context                       the pack of this repository's step, and how it grew
  stepwell context --out context.json    the very bytes, for another tool
  stepwell context --head HEAD~1 --json  that of a commit, with what each call took";

/// The arguments of `stepwell context`.
#[derive(Debug, ClapArgs)]
#[command(after_help = CONTEXT_EXAMPLES)]
pub(crate) struct ContextArgs {
    /// The step file; `.stepwell/step.toml` of the repository without one.
    #[arg(value_name = "STEP.toml")]
    pub(crate) step: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// What the step is compared with, and where its file is read from. Default as for `run`.
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// What the step is about. Default: the working tree as it is.
    #[arg(long, value_name = "REV")]
    pub(crate) head: Option<String>,
    /// Write the pack to this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Take the step file from the working tree even where the base commit has one.
    #[arg(long)]
    pub(crate) step_from_head: bool,
    /// Run every tool call, and keep no output.
    #[arg(long)]
    pub(crate) no_cache: bool,
    #[command(flatten)]
    pub(crate) sharing: SharingArgs,
    /// Print what it is made of as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be done with the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Say how much the cache holds, and what it has saved.
    Stat(CacheStatArgs),
    /// Say whether a call would be answered by the cache, and if not, why.
    Why(CacheWhyArgs),
    /// Show what is kept under a key: the call, what it asked, who computed it.
    Show(CacheShowArgs),
    /// Read all of it, and set aside what is not what had been stored.
    Verify(CacheVerifyArgs),
    /// Make room: what was of no use for longest goes.
    Gc(CacheGcArgs),
    /// Forget everything.
    Clear(CacheClearArgs),
    /// Share what this machine has computed with the domain that the policy writes to.
    Push(CachePushArgs),
    /// Take what a domain holds that the policy reads.
    Pull(CachePullArgs),
    /// Run kept calls again and compare: a tool is deterministic, so another output is a lie.
    Audit(CacheAuditArgs),
    /// Run what another domain holds again, and share what proves right as our own.
    Promote(CachePromoteArgs),
    /// Make a key to sign with.
    Key(CacheKeyArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CacheStatArgs {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CacheWhyArgs {
    /// The tool's name.
    pub(crate) tool: String,
    #[command(flatten)]
    pub(crate) on: CallArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CacheShowArgs {
    /// The key of a call or of a record, or how it begins: the trace has them (`digests.key`).
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// Show every question, not the first few.
    #[arg(long)]
    pub(crate) all: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CacheVerifyArgs {
    #[command(flatten)]
    pub(crate) sharing: SharingArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CacheGcArgs {
    /// What is left at most, such as `500MiB`. Default: 4 GiB.
    #[arg(long, value_name = "SIZE")]
    pub(crate) to: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CacheClearArgs {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CachePushArgs {
    #[command(flatten)]
    pub(crate) sharing: SharingArgs,
    /// The name that the signature covers, so that all of it can be revoked at once.
    #[arg(long, value_name = "NAME", default_value = "push")]
    pub(crate) run: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CachePullArgs {
    #[command(flatten)]
    pub(crate) sharing: SharingArgs,
    /// Which domain.
    #[arg(long, value_name = "NAME")]
    pub(crate) domain: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const AUDIT_EXAMPLES: &str = "Examples:
  stepwell cache audit --sample 20                what this machine holds, on the working tree
  stepwell cache audit --rev v1.2 --seed $RANDOM  on a tag, another sample each time
  stepwell cache audit --domain trusted           what a store holds

A call can only be run again where everything that it asked is answered as it was then: on the
commit, or on any that differs elsewhere. The others are counted, and left. Ends with 1 if an output
differs.";

/// The trees that calls are run again on, and the step whose grants they had.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct AgainArgs {
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// A revision instead of the working tree.
    #[arg(long, value_name = "REV")]
    pub(crate) rev: Option<String>,
    /// What it is compared with. Default as for `run`.
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// The step file that says what calls may read. Default: that of the repository, if it has one.
    #[arg(long, value_name = "STEP.toml")]
    pub(crate) step: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sharing: SharingArgs,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = AUDIT_EXAMPLES)]
pub(crate) struct CacheAuditArgs {
    #[command(flatten)]
    pub(crate) again: AgainArgs,
    /// How many calls.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) sample: usize,
    /// Chooses them: another number, another sample.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Those of a domain that the policy reads, instead of this machine's.
    #[arg(long, value_name = "NAME")]
    pub(crate) domain: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CachePromoteArgs {
    #[command(flatten)]
    pub(crate) again: AgainArgs,
    /// The domain that it is taken from; the policy must read it.
    #[arg(long, value_name = "NAME")]
    pub(crate) from: String,
    /// The name that the signature covers.
    #[arg(long, value_name = "NAME", default_value = "promote")]
    pub(crate) run: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CacheKeyArgs {
    /// Write the secret half to this file, which must not be there, instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
