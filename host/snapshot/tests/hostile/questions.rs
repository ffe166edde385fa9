//! Everything that can be asked of a repository, and what is no question.

use fastrand::Rng;
use snapshot::{GlobQuery, Question, SearchQuery, Tree};

use crate::repository::Hostile;

const TREE: Tree = Tree::Head;

/// Every kind of question about every path that is there, and about spellings of them.
pub(crate) fn questions(hostile: &Hostile) -> Vec<Question> {
    let mut rng = Rng::with_seed(hostile.paths().len() as u64);
    let spelled = |path: &String| {
        let mut all = spellings(path);
        rng.shuffle(&mut all);
        all.truncate(3);
        all.push(path.clone());
        all
    };
    let mut paths: Vec<String> = hostile.paths().iter().flat_map(spelled).collect();
    paths.extend(["..", "/", "../secret", "/proc/self/environ", ".git/config"].map(str::to_owned));
    let mut questions: Vec<Question> = paths.iter().flat_map(|path| about(path)).collect();
    let mut patterns: Vec<String> = hostile.paths().iter().take(3).cloned().collect();
    patterns.extend(PATTERNS.map(str::to_owned));
    for pattern in &patterns {
        questions.extend([false, true].map(|ignored| glob(pattern, ignored)));
        questions.push(search("needle", pattern));
    }
    questions.extend(SEARCHES.map(|pattern| search(pattern, "**")));
    questions
}

const PATTERNS: [&str; 9] =
    ["**", "**/*", "*", "**/secret", "../**", "/**", "{", "[!/]*/../**", "**/**/**/**/**/*e*"];

const SEARCHES: [&str; 6] = ["5TEP", ".", "(?s).*", "^", "(", "\\x00"];

fn spellings(path: &str) -> Vec<String> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    vec![
        format!("{path}/"),
        format!("{path}/."),
        format!("{path}/.."),
        format!("./{path}"),
        format!("/{path}"),
        format!("{path}/secret"),
        format!("{path}/../secret"),
        format!("{path}/../../secret"),
        format!("{first}/../{path}"),
        format!("{first}//{rest}"),
        format!("{path}\0"),
        format!("{path}\u{200d}"),
        path.replace('/', "\\"),
        path.to_uppercase(),
        path.repeat(60),
    ]
}

/// Every question about one path.
pub(crate) fn about(path: &str) -> [Question; 8] {
    let (tree, path) = (TREE, path.to_owned());
    [
        Question::Content { tree, path: path.clone() },
        Question::Range { tree, path: path.clone(), offset: 1, length: 4_096 },
        Question::Stat { tree, path: path.clone() },
        Question::Kind { tree, path: path.clone() },
        Question::Size { tree, path: path.clone() },
        Question::Executable { tree, path: path.clone() },
        Question::Link { tree, path: path.clone() },
        Question::List { tree, path },
    ]
}

pub(crate) fn glob(pattern: &str, include_ignored: bool) -> Question {
    let patterns = vec![pattern.to_owned()];
    let query = GlobQuery { patterns, include_ignored, max_paths: u32::MAX };
    Question::Glob { tree: TREE, query }
}

pub(crate) fn search(pattern: &str, among: &str) -> Question {
    let query = SearchQuery {
        pattern: pattern.to_owned(),
        literal: false,
        ignore_case: true,
        globs: vec![among.to_owned()],
        context_lines: u32::MAX,
        max_matches: u32::MAX,
    };
    Question::Search { tree: TREE, query }
}
