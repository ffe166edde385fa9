//! The answer: what a summary comes to, cut to a size its reader can take.

mod ctrf;
mod json;
mod left_out;
mod markdown;
mod verdict;
mod view;
mod words;

use serde::{Deserialize, Serialize};
use stepwell::Refusal;

use crate::locate::Locator;
use crate::previous::Difference;
use crate::report::Summary;
use view::View;

/// Who reads it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// A program, or a model.
    #[default]
    Json,
    /// A tool that knows the Common Test Report Format.
    Ctrf,
    /// A person.
    Markdown,
    /// A model with few tokens to spend.
    Text,
}

/// How much of each failure is wanted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Detail {
    Brief,
    #[default]
    Normal,
    Full,
}

/// What is to be written.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) form: Form,
    pub(crate) detail: Detail,
    pub(crate) max_failures: usize,
    pub(crate) max_tokens: usize,
    /// The id of the one failure that is asked for.
    pub(crate) failure: Option<String>,
}

/// What a call gets.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// By default.
    Json(Box<json::Answer>),
    /// A document of the Common Test Report Format.
    Ctrf(serde_json::Value),
    /// For people.
    Markdown {
        /// A page.
        markdown: String,
        /// An estimate: the bytes of this answer, divided by four.
        tokens: usize,
    },
    /// For a model with few tokens to spend.
    Text {
        /// In the order of what matters.
        text: String,
        /// An estimate: the bytes of this answer, divided by four.
        tokens: usize,
    },
}

/// What an answer has around its text: `{"markdown":"","tokens":12345}`.
const FRAME_LEN: usize = 32;

/// Tokens that so many bytes come to, about: no tokeniser is the same, and four bytes are usual.
pub(crate) fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

/// Bytes that a text takes as a part of JSON.
pub(crate) fn size(text: &str) -> usize {
    let escaped = |c: char| match c {
        '"' | '\\' | '\n' | '\t' => 2,
        c => c.len_utf8(),
    };
    text.chars().map(escaped).sum()
}

pub(crate) fn write(
    summary: Summary,
    difference: Option<Difference>,
    locator: &mut Locator,
    wish: &Wish,
) -> Result<Answer, Refusal> {
    let view = View::of(summary, difference, locator, wish)?;
    Ok(match wish.form {
        Form::Json => Answer::Json(Box::new(json::write(view))),
        Form::Ctrf => Answer::Ctrf(ctrf::write(&view)),
        Form::Markdown => {
            let markdown = markdown::write(&view);
            Answer::Markdown { tokens: tokens(size(&markdown) + FRAME_LEN), markdown }
        }
        Form::Text => {
            let text = words::write(&view, wish.max_tokens);
            Answer::Text { tokens: tokens(size(&text) + FRAME_LEN), text }
        }
    })
}
