//! The formats, one module each. A new one is a module, a variant, and two lines here.

use crate::report::Summary;
use crate::text;

mod compiler;
mod junit;
mod libtest;
mod nextest;

/// A format of test reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// XML as the Ant task once wrote it, in any of its dialects.
    Junit,
    /// What `cargo test` prints.
    Libtest,
    /// What `cargo nextest run` prints.
    Nextest,
}

/// Reads a report into the summary; false where the bytes are no report.
pub(crate) fn read(path: &str, bytes: &[u8], summary: &mut Summary) -> bool {
    let (text, warning) = text::decode(bytes);
    let text = text::plain(&text);
    let Some(format) = detect(&text) else { return false };
    if let Some(warning) = warning {
        summary.warn(path, None, warning);
    }
    let mut writer = summary.writer(path, format.name());
    match format {
        Format::Junit => junit::read(&text, &mut writer),
        Format::Libtest => libtest::read(&text, &mut writer),
        Format::Nextest => nextest::read(&text, &mut writer),
    }
    writer.finish();
    true
}

/// By what the text says, never by the name of its file.
fn detect(text: &str) -> Option<Format> {
    if text.trim_start().starts_with('<') {
        return junit::is_it(text).then_some(Format::Junit);
    }
    // What nextest shows of a test looks like libtest, so it comes first.
    if nextest::is_it(text) {
        return Some(Format::Nextest);
    }
    libtest::is_it(text).then_some(Format::Libtest)
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Libtest => "libtest",
            Self::Nextest => "nextest",
        }
    }
}
