//! What of the changes fits into an answer: as many files as there are, and of each its share of
//! the lines.

use answers::Place;
use answers::cost::{Room, json_len, text_len};
use serde::Serialize;

use crate::CONTEXT;
use crate::changes::{Change, Mode, Scope, What};
use crate::compare::{self, Compared};
use crate::hunks::{Difference, Hunks};

/// Files of one page.
const FILES_MAX: usize = 300;
/// Bytes of texts that are held at once.
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What `cut` and the name of `diff` cost a file besides its path.
const CUT_LEN: usize = 100;

/// Fewer bytes show hardly more than one line: then some files have none, and others enough.
const SHARE_MIN: usize = 600;

/// How changes are shown.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) is_stat: bool,
    pub(crate) context: usize,
    pub(crate) skip: usize,
    pub(crate) scope: &'a Scope,
}

/// A file that differs.
#[derive(Debug, Serialize)]
pub(crate) struct File {
    path: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Of a renamed file, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity: Option<u8>,
    /// Lines; unknown for what has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<Cut>,
}

/// What is missing of a file's diff.
#[derive(Debug, Serialize)]
struct Cut {
    lines: usize,
    next: CutNext,
}

/// The fields to call again with.
#[derive(Debug, Serialize)]
struct CutNext {
    path: String,
    skip: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<usize>,
}

impl File {
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    fn of(change: &Change, compared: &Compared, difference: Option<&Difference<'_>>) -> Self {
        let (status, from, similarity, mode) = match &change.what {
            What::Added => ("added", None, None, None),
            What::Deleted => ("deleted", None, None, None),
            What::Modified { mode } => ("modified", None, None, mode.map(Mode::name)),
            What::Renamed { from, similarity } => {
                ("renamed", Some(from.clone()), Some(*similarity), None)
            }
        };
        let counts = difference.map(Difference::counts);
        Self {
            path: change.path.clone(),
            status,
            from,
            similarity,
            added: counts.map(|(added, _)| added),
            removed: counts.map(|(_, removed)| removed),
            mode,
            about: compared.about.clone(),
            diff: None,
            cut: None,
        }
    }
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::NowExecutable => "+x",
            Self::NoLongerExecutable => "-x",
        }
    }
}

impl Page<'_> {
    /// The first changes, as far as there is room; one at least, so that the next page gets
    /// somewhere.
    pub(crate) fn of(&self, changes: &[Change], mut room: Room) -> Vec<File> {
        // Files may take half of the room, and their lines have the rest.
        let mut for_files = if self.is_stat { room } else { Room::new(room.left().div_ceil(8), 0) };
        let mut bytes = 0;
        let mut looked_at = Vec::new();
        for change in changes.iter().take(FILES_MAX) {
            let compared = compare::look(change, self.scope);
            bytes += compared.bytes;
            if bytes > PAGE_BYTES_MAX && !looked_at.is_empty() {
                break;
            }
            looked_at.push((change, compared));
        }
        let mut files = Vec::new();
        let mut shown: Vec<Option<Hunks<'_>>> = Vec::new();
        for (change, compared) in &looked_at {
            let texts = compared.texts.as_ref();
            let difference = texts.map(|texts| Difference::of(&texts.old, &texts.new));
            let file = File::of(change, compared, difference.as_ref());
            let is_shown = !self.is_stat && texts.is_some_and(|texts| texts.is_shown);
            let hunks = difference.filter(|_| is_shown).map(|lines| lines.hunks(self.context));
            let cut = if hunks.is_some() { cut_len(&file) } else { 0 };
            let cost = json_len(&file) + 1 + cut;
            if !for_files.take(cost) && !files.is_empty() {
                break;
            }
            room.take(cost);
            shown.push(hunks);
            files.push(file);
        }
        self.fill(&mut files, &shown, room.left());
        files
    }

    /// Shows the lines of each file, as far as its share of the room reaches.
    fn fill(&self, files: &mut [File], hunks: &[Option<Hunks<'_>>], room: usize) {
        let shares = self.shares(files, hunks, room);
        for ((file, hunks), share) in files.iter_mut().zip(hunks).zip(shares) {
            let Some(hunks) = hunks else { continue };
            let rows = hunks.rows();
            if rows > 0 && self.skip >= rows {
                let about = format!("`skip` is {}, and its diff has {rows} lines", self.skip);
                file.about = Some(about);
                continue;
            }
            let shown = hunks.show(self.skip, share);
            let end = self.skip + shown.rows;
            file.diff = Some(shown.text).filter(|text| !text.is_empty());
            file.cut = (end < rows).then(|| Cut {
                lines: rows - end,
                next: CutNext {
                    path: file.path.clone(),
                    skip: end,
                    context: (self.context != CONTEXT).then_some(self.context),
                },
            });
        }
    }

    /// How many bytes the lines of each file may have.
    fn shares(&self, files: &[File], hunks: &[Option<Hunks<'_>>], room: usize) -> Vec<usize> {
        let whole = |hunks: &Option<Hunks<'_>>| {
            hunks.as_ref().map_or(0, |hunks| hunks.show(self.skip, usize::MAX).cost)
        };
        let mut costs: Vec<usize> = hunks.iter().map(whole).collect();
        let mut share = share(&costs, room);
        if share < SHARE_MIN {
            leave_out(&mut costs, files, room);
            share = self::share(&costs, room);
        }
        // What is shown whole needs no word of what is missing: that room is for the others.
        let is_whole = |at: usize| {
            hunks[at]
                .as_ref()
                .is_some_and(|hunks| costs[at] <= share && (costs[at] > 0 || hunks.rows() == 0))
        };
        let freed = (0..files.len()).filter(|at| is_whole(*at)).map(|at| cut_len(&files[at]));
        let share = self::share(&costs, room + freed.sum::<usize>());
        costs.into_iter().map(|cost| cost.min(share)).collect()
    }
}

/// What `cut` costs a file, at most.
fn cut_len(file: &File) -> usize {
    CUT_LEN + text_len(&file.path)
}

/// Leaves the lines of some files for another call, so that the others have enough to be of use:
/// what people write and ship is shown first, and small changes before large ones.
fn leave_out(costs: &mut [usize], files: &[File], room: usize) {
    let mut order: Vec<usize> = (0..costs.len()).filter(|at| costs[*at] > 0).collect();
    let least = |at: usize, costs: &[usize]| costs[at].min(SHARE_MIN);
    order.sort_by_key(|at| (Place::of(&files[*at].path), least(*at, costs)));
    let mut left = room;
    for (number, at) in order.into_iter().enumerate() {
        let needed = least(at, costs);
        if needed > left && number > 0 {
            costs[at] = 0;
        }
        left = left.saturating_sub(needed);
    }
}

/// What each may have so that all of it is at most `room`: small ones are whole, and what they
/// leave is for the large ones.
fn share(costs: &[usize], room: usize) -> usize {
    let mut sorted = costs.to_vec();
    sorted.sort_unstable();
    let (mut left, mut others) = (room, sorted.len());
    for cost in sorted {
        let share = left / others.max(1);
        if cost > share {
            return share;
        }
        left -= cost;
        others -= 1;
    }
    room
}
