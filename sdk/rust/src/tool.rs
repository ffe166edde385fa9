//! What a tool is: the macro that makes one, its manifest, and the way from JSON to a function
//! and back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::repository;

/// Why a call was not carried out. The model reads it, so it says what would work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    message: String,
}

impl Refusal {
    /// A refusal of one or two sentences. They are for the model: no stack trace, and what to
    /// do instead where that is known.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// The sentences.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// A question that got no answer ends the call, unless the tool knows better.
impl From<repository::Error> for Refusal {
    fn from(error: repository::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// A tool as [`tool!`](crate::tool!) declares it.
#[derive(Clone, Copy)]
pub struct Tool {
    /// What the model calls it by.
    pub name: &'static str,
    /// What the model is told about it.
    pub description: &'static str,
    /// The JSON Schema of its input.
    pub schema: &'static str,
    /// All of it as the component carries them in its section `stepwell:tool`.
    pub manifest: &'static str,
    #[doc(hidden)]
    pub handler: Handler,
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tool").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Tool {
    /// Carries out one call, as the host does: JSON in, JSON out.
    ///
    /// # Errors
    ///
    /// The tool's own refusals, and one that names the field where the input is not what the
    /// tool takes.
    pub fn call(&self, input: &str) -> Result<String, Refusal> {
        (self.handler)(input)
    }
}

/// A tool's function with its types forgotten.
pub type Handler = fn(&str) -> Result<String, Refusal>;

/// From JSON to the tool's function and back to JSON.
pub fn carry_out<Input, Output>(
    tool: fn(Input) -> Result<Output, Refusal>,
    input: &str,
) -> Result<String, Refusal>
where
    Input: DeserializeOwned,
    Output: Serialize,
{
    let mut json = serde_json::Deserializer::from_str(input);
    let input = serde_path_to_error::deserialize(&mut json).map_err(|error| wrong_input(&error))?;
    let output = tool(input)?;
    serde_json::to_string(&output).map_err(|error| {
        Refusal::new(format!("the tool could not write its answer as JSON: {error}"))
    })
}

/// Names the field, which serde_json alone does not.
fn wrong_input(error: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let path = error.path().to_string();
    // Line and column mean nothing to a model that wrote one line of JSON.
    let why = error.inner().to_string();
    let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(why, _)| why);
    // Where no field is to blame (a missing one, say) the path is `.` and the text names it.
    Refusal::new(match path.as_str() {
        "." | "?" => format!("the input does not fit the tool: {why}"),
        field => format!("the input does not fit the tool: `{field}`: {why}"),
    })
}

/// Declares the tool of a crate: one per component, at the crate's root.
///
/// ```text
/// stepwell::tool! {
///     name: "count_todos",                     // ^[a-z][a-z0-9_]{0,63}$
///     description: "Counts TODO comments …",   // for the model: what it does, when to use it
///     schema: include_str!("schema.json"),     // JSON Schema of the input, an object
///     call: count,                             // fn(Input) -> Result<Output, Refusal>
/// }
/// ```
///
/// Before `call`, a tool may say the most that it ever needs: `grants: r#"{"read": ["**/Cargo.lock"],
/// "environment": ["CI"]}"#`, a constant. It gets no more than that, whatever a step grants; without it,
/// it may be granted any file and no variable of the environment.
///
/// `Input` is anything `serde` can read, `Output` anything it can write. The macro defines
/// `TOOL`, a [`Tool`], for native tests; in a component it also exports the handler and writes
/// the manifest into the section `stepwell:tool`. A bad name, an empty description and a schema
/// that is no JSON object do not compile.
#[macro_export]
macro_rules! tool {
    (
        name: $name:expr,
        description: $description:expr,
        schema: $schema:expr,
        $(grants: $grants:expr,)?
        call: $call:path $(,)?
    ) => {
        $crate::component! {
            /// The tool of this crate.
            TOOL,
            name: $name,
            description: $description,
            schema: $schema,
            $(grants: $grants,)?
            gate: false,
            handler: |input| $crate::macro_support::carry_out($call, input),
        }
    };
}

/// What `tool!` and `gate!` come to.
#[doc(hidden)]
#[macro_export]
macro_rules! component {
    (
        $(#[$doc:meta])*
        $declared:ident,
        name: $name:expr,
        description: $description:expr,
        schema: $schema:expr,
        $(grants: $grants:expr,)?
        gate: $gate:expr,
        handler: $handler:expr $(,)?
    ) => {
        $(#[$doc])*
        pub const $declared: $crate::Tool = $crate::Tool {
            name: $name,
            description: $description,
            schema: $schema,
            manifest: {
                const PARTS: $crate::macro_support::Parts<'static> = $crate::macro_support::Parts {
                    name: $name,
                    description: $description,
                    schema: $schema,
                    grants: {
                        const GRANTS: &[&str] = &[$($grants)?];
                        match GRANTS {
                            [grants] => grants,
                            _ => "",
                        }
                    },
                    gate: $gate,
                };
                const LEN: usize = $crate::macro_support::manifest_len(&PARTS);
                const BYTES: [u8; LEN] = $crate::macro_support::manifest(&PARTS);
                match ::core::str::from_utf8(&BYTES) {
                    Ok(manifest) => manifest,
                    Err(_) => panic!("three texts and some punctuation are a text"),
                }
            },
            handler: $handler,
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            // A section is bytes: a `&str` would put a pointer there.
            #[used]
            #[unsafe(link_section = "stepwell:tool")]
            static MANIFEST: [u8; $declared.manifest.len()] = match $declared.manifest.as_bytes().as_array() {
                Some(bytes) => *bytes,
                None => panic!("the length is the manifest's own"),
            };

            struct Component;

            impl $crate::macro_support::Guest for Component {
                fn call(input: String) -> Result<String, $crate::macro_support::WitRefusal> {
                    $crate::macro_support::call(&$declared, &input)
                }
            }

            $crate::macro_support::bindings::export_tool!(
                Component with_types_in $crate::macro_support::bindings
            );
        };
    };
}

mod manifest;

pub use manifest::{Parts, manifest, manifest_len};

#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
