//! What a gate is: the macro that makes one, what it is shown, and the verdict it comes to.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::tool::Refusal;

/// Bytes of a reason that the host takes: a sentence. What is longer is cut.
pub const REASON_BYTES_MAX: usize = 500;

/// Places that the host takes. The rest is left out.
pub const PLACES_MAX: usize = 100;

/// A patch that the built-in gates do not refuse, and that fits the repository. What it makes of
/// the files is [`Tree::Head`](crate::Tree::Head), what was there before [`Tree::Base`](crate::Tree::Base).
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(Serialize))]
pub struct Patch {
    /// The name of the step that it comes from.
    pub step: String,
    /// All of it, as a unified diff in canonical form.
    #[serde(rename = "patch")]
    pub text: String,
    /// What it touches, in the order of the diff.
    pub files: Vec<ChangedFile>,
    pub(crate) settings: serde_json::Value,
}

/// A file that a patch touches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(Serialize))]
pub struct ChangedFile {
    /// Its path; the new one where it is renamed.
    pub path: String,
    /// Its path before, where it is renamed.
    #[serde(default)]
    pub from: Option<String>,
    /// What happens to it.
    pub status: Status,
    /// The lines that are new, with their numbers in the new file.
    pub added: Vec<ChangedLine>,
    /// The lines that are gone, with their numbers in the old file.
    pub removed: Vec<ChangedLine>,
}

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It was not there.
    Added,
    /// Its lines change.
    Modified,
    /// It goes.
    Deleted,
    /// It moves, and may change on the way.
    Renamed,
}

/// A line that is new or gone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(Serialize))]
pub struct ChangedLine {
    /// Its number, counted from 1.
    pub line: u32,
    /// Its text, without the line end.
    pub text: String,
}

impl Patch {
    /// What the step tells this gate: its table `settings`, which the host has held against the
    /// schema of the gate.
    ///
    /// # Errors
    ///
    /// A refusal when they are not what the gate takes. A gate that refuses to judge lets nothing
    /// pass.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_value(self.settings.clone())
            .map_err(|err| Refusal::new(format!("the settings do not fit the gate: {err}")))
    }

    /// Whether it touches a path, under its old name or its new one.
    #[must_use]
    pub fn touches(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path || file.from.as_deref() == Some(path))
    }
}

/// What a gate decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// Nothing is to be said against the patch.
    Pass,
    /// It may leave once a person says so.
    Approval,
    /// It may not leave; the model is told why.
    Refuse,
}

/// What a gate says of a patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    ruling: Ruling,
    reason: String,
    places: Vec<Place>,
}

/// Where a gate found something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Place {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    reason: String,
}

impl Verdict {
    /// The patch may pass; why, in a sentence without a full stop.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self::new(Ruling::Pass, reason.into())
    }

    /// A person must say so; why, in a sentence without a full stop.
    pub fn approval(reason: impl Into<String>) -> Self {
        Self::new(Ruling::Approval, reason.into())
    }

    /// The patch may not leave; why, in a sentence without a full stop, so that a model can mend it.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::new(Ruling::Refuse, reason.into())
    }

    /// The same with a place: a file, a line of the new file if there is one, and what is there.
    #[must_use]
    pub fn at(mut self, path: &str, line: Option<u32>, reason: impl Into<String>) -> Self {
        if self.places.len() < PLACES_MAX {
            let reason = cut(reason.into());
            self.places.push(Place { path: path.to_owned(), line, reason });
        }
        self
    }

    /// What it decides.
    pub fn ruling(&self) -> Ruling {
        self.ruling
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Its places: file and line.
    pub fn places(&self) -> impl Iterator<Item = (&str, Option<u32>)> {
        self.places.iter().map(|place| (place.path.as_str(), place.line))
    }

    fn new(ruling: Ruling, reason: String) -> Self {
        Self { ruling, reason: cut(reason), places: Vec::new() }
    }
}

fn cut(mut text: String) -> String {
    if text.len() > REASON_BYTES_MAX {
        text.truncate(text.floor_char_boundary(REASON_BYTES_MAX - '…'.len_utf8()));
        text.push('…');
    }
    text
}

/// Declares the gate of a crate: one per component, at the crate's root.
///
/// ```text
/// stepwell::gate! {
///     name: "api_changelog",                   // ^[a-z][a-z0-9_]{0,63}$
///     description: "Wants a line in …",        // for people: what it looks for
///     settings: r#"{ "type": "object" }"#,     // JSON Schema of what a step may tell it, an object
///     judge: judge,                            // fn(&Patch) -> Result<Verdict, Refusal>
/// }
/// ```
///
/// Before `judge`, a gate may say the most that it ever reads, as a tool does: `grants: r#"{"read":
/// ["CHANGELOG.md"]}"#`.
///
/// The macro defines `GATE`, a [`Tool`](crate::Tool), for native tests:
/// `stepwell::testing::Repository` has `judge` for it. A gate is asked by the host and by nobody else.
/// One that panics, overruns a limit or refuses to judge lets nothing pass.
#[macro_export]
macro_rules! gate {
    (
        name: $name:expr,
        description: $description:expr,
        settings: $settings:expr,
        $(grants: $grants:expr,)?
        judge: $judge:path $(,)?
    ) => {
        $crate::component! {
            /// The gate of this crate.
            GATE,
            name: $name,
            description: $description,
            schema: $settings,
            $(grants: $grants,)?
            gate: true,
            handler: |input| {
                let judge: fn($crate::Patch) -> Result<$crate::Verdict, $crate::Refusal> =
                    |patch| $judge(&patch);
                $crate::macro_support::carry_out(judge, input)
            },
        }
    };
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
