//! The tool `dependency_graph`: which packages the repository needs, why, and what has changed.
//!
//! It knows how to ask and how to answer; lock files are `lockgraph`'s.
//!
//! Reading order: [`Input`], [`Answer`], then one module a query.

mod changes;
mod draw;
mod lists;
mod room;
mod summary;
mod why;
mod words;

use lockgraph::{Request, Scan};
use serde::{Deserialize, Serialize};
use stepwell::{Refusal, Tree};

use room::Room;
use tree_files::TreeFiles;

/// Entries of a list where the call does not say.
const ENTRIES: usize = 50;
/// The most entries a call may ask for.
const ENTRIES_MAX: usize = 1_000;
/// The most bytes of an answer: about 40,000 tokens. With less room, lists are cut shorter.
const ANSWER_BYTES_MAX: usize = 160 * 1024;

stepwell::tool! {
    name: "dependency_graph",
    description: "Answers questions about the packages that the repository's lock files, GitHub \
            Actions workflows and Dockerfiles pin. Use it instead of reading lock files. It costs \
            mostly 100 to 2,000 tokens; `answer` is one sentence.",
    schema: include_str!("../schema.json"),
    grants: lockgraph::GRANTS,
    call: dependency_graph,
}

/// What a call asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    #[serde(default)]
    query: Query,
    package: Option<String>,
    lockfile: Option<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    format: draw::Format,
    max: Option<usize>,
    #[serde(default)]
    tree: Tree,
}

/// Which question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Query {
    #[default]
    Summary,
    Direct,
    Why,
    Dependents,
    Duplicates,
    Changes,
    Cycles,
    Graph,
}

/// What a call gets: the answer in a sentence, what it rests on, and what reading it costs.
#[derive(Debug, Serialize)]
pub(crate) struct Reply {
    #[serde(flatten)]
    answer: Answer,
    /// About how many tokens all of this is: its bytes divided by four, rounded up.
    tokens: usize,
}

/// Each query has its own shape; each begins with the answer in a sentence.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// `summary`
    Summary(summary::Summary),
    /// `direct`
    Direct(lists::Direct),
    /// `why`
    Why(why::Why),
    /// `dependents`
    Dependents(why::Dependents),
    /// `duplicates`
    Duplicates(lists::Duplicates),
    /// `changes`
    Changes(changes::Changes),
    /// `cycles`
    Cycles(lists::Cycles),
    /// `graph`
    Graph(draw::Drawing),
}

fn dependency_graph(input: Input) -> Result<Reply, Refusal> {
    let mut max = input.max.unwrap_or(ENTRIES).clamp(1, ENTRIES_MAX);
    let asked = Asked::new(input)?;
    loop {
        let reply = Reply::new(asked.answer(Room::new(max))?);
        if max == 1 || size(&reply) <= ANSWER_BYTES_MAX {
            return Ok(reply);
        }
        max /= 2;
    }
}

impl Reply {
    fn new(answer: Answer) -> Self {
        let mut reply = Self { answer, tokens: 0 };
        let others = size(&reply) - 1;
        // The number counts its own digits, too: the first that is as long as it says.
        let tokens = |digits: usize| (others + digits).div_ceil(4);
        reply.tokens = (1..20)
            .map(tokens)
            .zip(1..)
            .find(|(tokens, digits)| tokens.to_string().len() <= *digits)
            .map_or(0, |(tokens, _)| tokens);
        reply
    }
}

/// A question, and what was read of the repository for it.
struct Asked {
    input: Input,
    read: Read,
}

/// One state of the repository, or two to compare.
enum Read {
    One(Scan),
    Two(Box<changes::Sides>),
}

impl Asked {
    fn new(input: Input) -> Result<Self, Refusal> {
        let read = match input.query {
            Query::Changes => Read::Two(Box::new(changes::Sides::read(&input)?)),
            Query::Summary
            | Query::Direct
            | Query::Why
            | Query::Dependents
            | Query::Duplicates
            | Query::Cycles
            | Query::Graph => Read::One(scan(input.tree, &input)?),
        };
        Ok(Self { input, read })
    }

    fn answer(&self, room: Room) -> Result<Answer, Refusal> {
        let scan = match &self.read {
            Read::One(scan) => scan,
            Read::Two(sides) => return Ok(Answer::Changes(changes::changes(sides, room))),
        };
        Ok(match self.input.query {
            Query::Summary | Query::Changes => Answer::Summary(summary::summary(scan, room)),
            Query::Direct => Answer::Direct(lists::direct(scan, room)),
            Query::Why => Answer::Why(why::why(scan, self.package()?, room)),
            Query::Dependents => Answer::Dependents(why::dependents(scan, self.package()?, room)),
            Query::Duplicates => Answer::Duplicates(lists::duplicates(scan, room)),
            Query::Cycles => Answer::Cycles(lists::cycles(scan, room)),
            Query::Graph => {
                let package = self.input.package.as_deref();
                Answer::Graph(draw::draw(scan, package, self.input.format, room))
            }
        })
    }

    fn package(&self) -> Result<&str, Refusal> {
        self.input.package.as_deref().ok_or_else(|| {
            Refusal::new(
                "this query is about one package: give `package`, a name or `name@version`",
            )
        })
    }
}

fn scan(tree: Tree, input: &Input) -> Result<Scan, Refusal> {
    let request = Request {
        lockfiles: input.lockfile.iter().cloned().collect(),
        include: input.include.clone(),
    };
    lockgraph::scan(&TreeFiles(tree), &request).map_err(|err| Refusal::new(err.to_string()))
}

fn size(reply: &Reply) -> usize {
    serde_json::to_string(reply).map_or(1, |text| text.len())
}

#[cfg(test)]
mod tests;
