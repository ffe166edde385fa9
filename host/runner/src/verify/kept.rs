//! What tests said that are said to say the same again: kept by what ran, for a day.
//!
//! A file holds one run: the BLAKE3 of the rest in hex, a line of JSON, then the bytes of the reports
//! that it names. It is read as anybody's: what does not fit its digest or the question is no answer.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use session::event::TestsEnding;
use snapshot::{Digest, RepoPath};

/// How long an answer counts: toolchains change, and are not a part of what it is kept by.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes of what is kept of one run.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Runs that are kept.
const RUNS_MAX: usize = 64;

/// The end of each file's name.
const ENDING: &str = ".tests";

/// Where runs of tests are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptRuns<'a>(pub(crate) &'a Path);

/// A run that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptRun {
    /// Never one that was ended from outside.
    pub(crate) ending: TestsEnding,
    /// By their paths in the tree.
    pub(crate) reports: Vec<(String, Vec<u8>)>,
}

/// The second line of a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Head {
    /// What ran.
    key: String,
    ending: TestsEnding,
    /// Paths and lengths, in the order of the bytes.
    reports: Vec<(String, usize)>,
}

impl KeptRuns<'_> {
    fn file(&self, key: Digest) -> PathBuf {
        self.0.join(format!("{key}{ENDING}"))
    }

    /// What ran as `key` and is not too old at `now`.
    pub(crate) fn get(&self, key: Digest, now: SystemTime) -> Option<KeptRun> {
        let file = self.file(key);
        let metadata = fs::symlink_metadata(&file).ok()?;
        let is_whole = metadata.is_file() && metadata.len() <= BYTES_MAX;
        if !is_whole || is_old(&metadata, now) {
            return None;
        }
        read(&fs::read(&file).ok()?, key)
    }

    /// Keeps a run, if it ended by itself and is not too large; and drops what is old.
    ///
    /// # Errors
    /// What the system says; the run counts all the same.
    pub(crate) fn put(&self, key: Digest, run: &KeptRun, now: SystemTime) -> std::io::Result<()> {
        let KeptRun { ending, reports } = run;
        if !matches!(ending, TestsEnding::Exited { code: Some(_) }) {
            return Ok(());
        }
        let head = Head {
            key: key.to_string(),
            ending: *ending,
            reports: reports.iter().map(|(path, bytes)| (path.clone(), bytes.len())).collect(),
        };
        let mut rest = serde_json::to_vec(&head)?;
        rest.push(b'\n');
        rest.extend(reports.iter().flat_map(|(_, bytes)| bytes));
        let bytes = [format!("{}\n", Digest::of(&rest)).as_bytes(), &rest].concat();
        if bytes.len() as u64 > BYTES_MAX {
            return Ok(());
        }
        fs::create_dir_all(self.0)?;
        self.make_room(now)?;
        let mut file = tempfile::NamedTempFile::new_in(self.0)?;
        file.write_all(&bytes)?;
        file.as_file().sync_data()?;
        file.persist(self.file(key)).map_err(|err| err.error)?;
        Ok(())
    }

    /// Drops what is old, and the oldest where there are too many.
    fn make_room(&self, now: SystemTime) -> std::io::Result<()> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(self.0)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let ours = entry.file_name().to_string_lossy().ends_with(ENDING);
            if ours && is_old(&metadata, now) {
                fs::remove_file(entry.path())?;
            } else if ours {
                kept.push((metadata.modified()?, entry.path()));
            }
        }
        kept.sort();
        let over = (kept.len() + 1).saturating_sub(RUNS_MAX);
        kept.iter().take(over).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

fn is_old(metadata: &fs::Metadata, now: SystemTime) -> bool {
    let age = metadata.modified().ok().and_then(|then| now.duration_since(then).ok());
    age.is_none_or(|age| age > KEPT_FOR)
}

fn read(bytes: &[u8], key: Digest) -> Option<KeptRun> {
    let (digest, rest) = line(bytes)?;
    let (head, mut content) = line(rest)?;
    let Head { key: of, ending, reports: lengths } = serde_json::from_slice(head).ok()?;
    if digest != Digest::of(rest).to_string().as_bytes() || of != key.to_string() {
        return None;
    }
    let mut reports = Vec::new();
    for (path, length) in lengths {
        let (report, rest) = content.split_at_checked(length)?;
        RepoPath::parse(&path).ok()?;
        reports.push((path, report.to_vec()));
        content = rest;
    }
    content.is_empty().then_some(KeptRun { ending, reports })
}

/// The first line without its end, and what follows.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(code: i32) -> KeptRun {
        let reports = vec![("a/b.xml".to_owned(), b"one\n".to_vec()), ("c".to_owned(), vec![0])];
        KeptRun { ending: TestsEnding::Exited { code: Some(code) }, reports }
    }

    #[test]
    fn a_run_counts_for_a_day_and_only_as_it_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        let kept = KeptRuns(dir.path());
        let (key, now) = (Digest::of(b"key"), SystemTime::now() + Duration::from_secs(60));
        kept.put(key, &run(3), now).unwrap();
        assert_eq!(kept.get(key, now), Some(run(3)));
        assert_eq!(kept.get(Digest::of(b"other"), now), None);
        assert_eq!(kept.get(key, now + KEPT_FOR + Duration::from_secs(60)), None);
        // A clock that was set back says nothing of an age.
        assert_eq!(kept.get(key, now - KEPT_FOR), None);
        let file = kept.file(key);
        let whole = fs::read(&file).unwrap();
        fs::rename(&file, kept.file(Digest::of(b"other"))).unwrap();
        assert_eq!(kept.get(Digest::of(b"other"), now), None);
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(read(&damaged, key), None, "{at}");
            assert_eq!(read(&whole[..at], key), None, "{at}");
        }
    }

    #[test]
    fn what_was_ended_is_not_kept_nor_are_more_than_a_few() {
        let dir = tempfile::tempdir().unwrap();
        let kept = KeptRuns(dir.path());
        let now = SystemTime::now() + Duration::from_secs(60);
        let ended = KeptRun { ending: TestsEnding::TimedOut, reports: Vec::new() };
        kept.put(Digest::of(b"ended"), &ended, now).unwrap();
        assert_eq!(kept.get(Digest::of(b"ended"), now), None);
        for number in 0..=u8::try_from(RUNS_MAX).unwrap() {
            kept.put(Digest::of(&[number]), &run(0), now).unwrap();
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), RUNS_MAX);
    }
}
