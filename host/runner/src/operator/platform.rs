//! How the CIs that show a log are told what to fold, what to mark, and where.
//!
//! Sources: GitHub, "Workflow commands" (data escapes `%`, line ends; properties also `:` and
//! `,`); GitLab, "Custom collapsible sections"; Buildkite, "Managing log output"; Azure Pipelines,
//! "Logging commands"; TeamCity, "Service messages". Text from outside comes in cleaned by
//! [`Plain`](crate::Plain): no line end, no escape, no `##`.

use std::fmt::Write as _;

use session::{Finding, RunResult, Severity, StopReason};

use crate::text::Plain;

/// Marks of one kind that are set: GitHub shows so many of a step.
const MARKS_MAX: usize = 10;

/// Who shows the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Platform {
    /// A terminal, a file, Jenkins: lines, and nothing else.
    #[default]
    Plain,
    /// GitHub Actions, and what follows it (Gitea, Forgejo).
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Buildkite.
    Buildkite,
    /// Azure Pipelines.
    Azure,
    /// TeamCity.
    TeamCity,
}

/// Something to mark in a platform's own way.
#[derive(Debug, Clone)]
pub struct Notice {
    severity: Severity,
    title: String,
    text: String,
    place: Option<(String, Option<u32>)>,
}

impl Notice {
    /// A warning about the run itself.
    pub(crate) fn warning(text: &str) -> Self {
        let (title, text) = ("Stepwell".to_owned(), text.to_owned());
        Self { severity: Severity::Warning, title, text, place: None }
    }

    fn of_finding(finding: &Finding) -> Self {
        let place = finding.file.as_ref().map(|file| (plain(file), finding.line));
        let evidence = plain(&finding.evidence);
        let title = plain(&finding.title);
        let text = if evidence.is_empty() { title.clone() } else { evidence };
        Self { severity: finding.severity, title, text, place }
    }

    fn of_stop(reason: &StopReason) -> Self {
        let text = plain(&reason.to_string());
        Self { severity: Severity::Error, title: "Stepwell stopped".to_owned(), text, place: None }
    }
}

fn plain(text: &str) -> String {
    Plain(text).to_string()
}

impl Platform {
    /// What begins lines that can be folded away. None where nothing can be.
    pub(crate) fn open(self, title: &str, number: u32, time_ms: u64) -> Option<String> {
        let shown = title.trim_start();
        match self {
            Self::Plain => None,
            Self::GitHub => Some(format!("::group::{}", github_data(shown))),
            Self::GitLab => {
                let seconds = time_ms / 1_000;
                let start = format!("section_start:{seconds}:stepwell_{number}[collapsed=true]");
                Some(format!("\u{1b}[0K{start}\r\u{1b}[0K{shown}"))
            }
            Self::Buildkite => Some(format!("--- {shown}")),
            Self::Azure => Some(format!("##[group]{shown}")),
            Self::TeamCity => {
                let about = teamcity_value(shown);
                let name = format!("stepwell {number}");
                Some(format!("##teamcity[blockOpened name='{name}' description='{about}']"))
            }
        }
    }

    /// What ends them.
    pub(crate) fn close(self, number: u32, time_ms: u64) -> Option<String> {
        match self {
            // In Buildkite the next heading does.
            Self::Plain | Self::Buildkite => None,
            Self::GitHub => Some("::endgroup::".to_owned()),
            Self::GitLab => {
                let seconds = time_ms / 1_000;
                Some(format!("\u{1b}[0Ksection_end:{seconds}:stepwell_{number}\r\u{1b}[0K"))
            }
            Self::Azure => Some("##[endgroup]".to_owned()),
            Self::TeamCity => Some(format!("##teamcity[blockClosed name='stepwell {number}']")),
        }
    }

    /// A line that stays in sight.
    pub(crate) fn heading(self, line: &str) -> String {
        match self {
            Self::Buildkite => format!("+++ {}", line.trim_start()),
            Self::Plain | Self::GitHub | Self::GitLab | Self::Azure | Self::TeamCity => {
                line.to_owned()
            }
        }
    }

    /// The mark of a notice, besides its line. None where there is no such thing.
    pub(crate) fn notice(self, notice: &Notice) -> Option<String> {
        match self {
            Self::Plain | Self::GitLab | Self::Buildkite => None,
            Self::GitHub => Some(github(notice)),
            Self::Azure => Some(azure(notice)),
            Self::TeamCity => Some(teamcity(notice)),
        }
    }

    /// The marks of what a run came to: its findings, where they are, and why it stopped, if it is
    /// not done.
    pub fn marks(self, result: &RunResult) -> Vec<String> {
        let findings = result.analysis.iter().flat_map(|analysis| &analysis.findings);
        let mut seen = [0_usize; 3];
        let mut few = |severity: Severity| {
            let seen = &mut seen[severity as usize];
            *seen += 1;
            *seen <= MARKS_MAX
        };
        let findings = findings.filter(|finding| few(finding.severity)).map(Notice::of_finding);
        let stopped =
            (result.stop_reason != StopReason::Done).then(|| Notice::of_stop(&result.stop_reason));
        findings.chain(stopped).filter_map(|notice| self.notice(&notice)).collect()
    }
}

fn github(notice: &Notice) -> String {
    let command = match notice.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let place = notice.place.as_ref().map_or_else(String::new, |(file, line)| {
        let line = line.map_or_else(String::new, |line| format!(",line={line}"));
        format!("file={}{line},", github_property(file))
    });
    let title = github_property(&notice.title);
    format!("::{command} {place}title={title}::{}", github_data(&notice.text))
}

fn github_data(text: &str) -> String {
    text.replace('%', "%25")
}

fn github_property(text: &str) -> String {
    github_data(text).replace(':', "%3A").replace(',', "%2C")
}

fn azure(notice: &Notice) -> String {
    let kind = match notice.severity {
        Severity::Error => "error",
        Severity::Warning | Severity::Note => "warning",
    };
    let place = notice.place.as_ref().map_or_else(String::new, |(file, line)| {
        let line = line.map_or_else(String::new, |line| format!(";linenumber={line}"));
        format!(";sourcepath={}{line}", azure_property(file))
    });
    let properties = format!("type={kind}{place}");
    format!("##vso[task.logissue {properties}]{}", azure_data(&notice.text))
}

fn azure_data(text: &str) -> String {
    text.replace('%', "%AZP25")
}

fn azure_property(text: &str) -> String {
    azure_data(text).replace(';', "%3B").replace(']', "%5D")
}

fn teamcity(notice: &Notice) -> String {
    let status = match notice.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Note => "NORMAL",
    };
    let place = notice.place.as_ref().map_or_else(String::new, |(file, line)| {
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        format!(" ({file}{line})")
    });
    let text = teamcity_value(&format!("{}{place}", notice.text));
    format!("##teamcity[message text='{text}' status='{status}']")
}

fn teamcity_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' | '|' | '[' | ']' => {
                out.push('|');
                out.push(c);
            }
            c if c.is_ascii() => out.push(c),
            c => {
                // Four digits of UTF-16 each.
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "|0x{unit:04X}");
                }
            }
        }
    }
    out
}
