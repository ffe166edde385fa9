//! Whether a licence fits the lists of a step.

use spdx::{Expression, LicenseItem, LicenseReq, ParseMode};

/// What is to be said of a licence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged<'a> {
    /// There are no lists, or it fits them.
    Fits,
    /// It cannot be kept to without a denied one.
    Denied(&'a str),
    /// It cannot be kept to with allowed ones alone.
    NotAllowed(&'a str),
    /// It is no SPDX expression.
    Unreadable(&'a str),
    /// Nobody says anything.
    Unknown,
}

/// Holds a licence against the lists. Of `A OR B` one of the two must fit, of `A AND B` both.
pub(super) fn judge<'a>(
    licence: Option<&'a str>,
    allowed: &[String],
    denied: &[String],
) -> Judged<'a> {
    if allowed.is_empty() && denied.is_empty() {
        return Judged::Fits;
    }
    let Some(text) = licence.map(str::trim).filter(|text| !is_nothing(text)) else {
        return Judged::Unknown;
    };
    let Ok(expression) = Expression::parse_mode(text, ParseMode::LAX) else {
        return Judged::Unreadable(text);
    };
    let is_denied = |licence: &LicenseReq| names(denied, licence);
    if !expression.evaluate(|licence| !is_denied(licence)) {
        return Judged::Denied(text);
    }
    let fits = |licence: &LicenseReq| !is_denied(licence) && names(allowed, licence);
    match allowed.is_empty() || expression.evaluate(fits) {
        true => Judged::Fits,
        false => Judged::NotAllowed(text),
    }
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "NOASSERTION" | "NONE" | "unknown")
}

/// Whether a list has a licence. `GPL-2.0+` is in a list that has `GPL-2.0-or-later`, and an
/// exception to a licence is no other licence.
fn names(list: &[String], licence: &LicenseReq) -> bool {
    let LicenseItem::Spdx { id, or_later } = &licence.license else { return false };
    let id = id.name;
    let later = || format!("{}-or-later", id.trim_end_matches("-only"));
    let is = |name: &String| name == id || (*or_later && *name == later());
    list.iter().any(is)
}
