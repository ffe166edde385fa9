//! What is not in an answer, and how to ask for it.

use serde::Serialize;

use super::view::is_zero;
use crate::report::Summary;

/// The most reports named; all are counted.
pub(crate) const REPORTS_SHOWN_MAX: usize = 40;
/// The most warnings shown.
pub(crate) const WARNINGS_SHOWN_MAX: usize = 20;

/// How many of what are not in the answer; what is not here is complete.
#[derive(Debug, Default, Serialize)]
pub(crate) struct LeftOut {
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) failures: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) reports: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) reports_not_read: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) copies_of_reports: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) reports_among_fixtures: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) files_that_are_no_report: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) warnings: u64,
    pub(crate) hint: &'static str,
}

pub(crate) fn of(summary: &Summary, failures_shown: usize) -> Option<LeftOut> {
    let over = |all: usize, max: usize| all.saturating_sub(max) as u64;
    // Who asks for one failure does not miss the others.
    let failures = match &summary.wanted {
        Some(_) => 0,
        None => summary.counts.bad().saturating_sub(failures_shown as u64),
    };
    let left_out = LeftOut {
        failures,
        reports: over(summary.reports.len(), REPORTS_SHOWN_MAX),
        reports_not_read: summary.unread as u64,
        copies_of_reports: summary.copies as u64,
        reports_among_fixtures: summary.fixtures as u64,
        files_that_are_no_report: summary.not_reports as u64,
        warnings: over(summary.warnings.len() + summary.warnings_dropped, WARNINGS_SHOWN_MAX),
        hint: "",
    };
    let LeftOut { failures, reports, reports_not_read, copies_of_reports, .. } = left_out;
    let others = left_out.reports_among_fixtures + left_out.files_that_are_no_report;
    let hint = if failures > 0 {
        "more failures: name one report in `paths`, raise `max_failures`, or set `detail` to `brief`"
    } else if reports_not_read > 0 {
        "too many reports to read at once: name some in `paths`"
    } else if reports + copies_of_reports + left_out.warnings > 0 {
        "all tests are counted; name reports in `paths` to see them one by one"
    } else if summary.reports.is_empty() {
        "no report was read; `list_files` with `include_ignored` may find one to name in `paths`"
    } else if others > 0 {
        "reports in other places can be named in `paths`"
    } else {
        return None;
    };
    Some(LeftOut { hint, ..left_out })
}
