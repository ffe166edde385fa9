//! Where the runner and the store meet: neither knows the other.

use std::env;

use runner::{Carrier, Later};
use store::{Created, Creation, Name, Store, StoreError};

use crate::dirs;
use crate::problem::{KeptProblem, Problem};

/// Under this name the store keeps runs; other things of ours may stand beside it.
const RUNS: &str = "runs";
/// Stands beside the journal of a run and says how the run was begun.
const COMMAND: &str = "command";

/// The runs that machines share.
#[derive(Debug, Clone)]
pub(crate) struct SharedRuns {
    store: Store,
    /// The URL as it was given. It holds no credentials: a store refuses one that does.
    url: String,
}

impl SharedRuns {
    /// Those in the store that the argument or the environment names.
    pub(crate) fn named(argument: Option<&str>) -> Result<Option<Self>, Problem> {
        let url = argument.map(str::to_owned).or_else(dirs::store_setting);
        url.map(|url| Self::open(url, |name| env::var(name).ok())).transpose()
    }

    fn open(url: String, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let store = Store::open(&url, lookup).map_err(problem)?;
        if !store.capabilities().list {
            return Err(Problem::Kept(KeptProblem::StoreWithoutList {
                store: store.url().to_owned(),
            }));
        }
        Ok(Self { store, url })
    }

    /// The URL, for a command line.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Writes, reads and creates once, before anything is paid for. Says what a person must see
    /// to where the store does not keep two machines from one run by itself.
    pub(crate) async fn try_out(&self) -> Result<Option<String>, Problem> {
        let can = self.store.trial().await.map_err(problem)?;
        let store = self.store.url();
        Ok((can.create == Creation::LooksFirst).then(|| {
            format!(
                "`{store}` cannot tell which of two machines was first: see to it that the \
                 pipeline starts one run of a key at a time (docs/store.md)"
            )
        }))
    }

    /// How a run was begun, where somebody said so.
    pub(crate) async fn command(&self, run: &str) -> Result<Option<Vec<u8>>, Problem> {
        self.store.get(&command_of(run)?).await.map_err(problem)
    }

    /// Says how a run was begun, where nobody has.
    pub(crate) async fn keep_command(&self, run: &str, bytes: Vec<u8>) -> Result<(), Problem> {
        let made = self.store.create(&command_of(run)?, bytes).await;
        made.map(|_| ()).map_err(problem)
    }

    /// The names of all runs.
    pub(crate) async fn names(&self) -> Result<Vec<String>, Problem> {
        let runs = Name::new(RUNS).expect("it is one");
        let entries = self.store.list(&runs).await.map_err(problem)?;
        let of = |entry: &store::Entry| {
            let rest = entry.name.as_str().strip_prefix(RUNS)?.strip_prefix('/')?;
            rest.split('/').next().filter(|run| runner::is_run_name(run)).map(str::to_owned)
        };
        let mut names: Vec<String> = entries.iter().filter_map(of).collect();
        names.dedup();
        Ok(names)
    }
}

fn problem(source: StoreError) -> Problem {
    Problem::Kept(KeptProblem::Store { source: Box::new(source) })
}

fn command_of(run: &str) -> Result<Name, Problem> {
    let name = Name::new(format!("{RUNS}/{run}/{COMMAND}"));
    name.map_err(|_| Problem::Kept(KeptProblem::NoRun { named: run.to_owned(), among: Vec::new() }))
}

/// The name of something that the runner keeps.
fn named(name: &str) -> Result<Name, String> {
    let name = format!("{RUNS}/{}", name.trim_end_matches('/'));
    Name::new(name.trim_end_matches('/')).map_err(|err| err.to_string())
}

impl Carrier for SharedRuns {
    fn get(&self, name: String) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(async move {
            let name = named(&name)?;
            self.store.get(&name).await.map_err(|err| err.to_string())
        })
    }

    fn create(&self, name: String, bytes: Vec<u8>) -> Later<'_, Result<bool, String>> {
        Box::pin(async move {
            let name = named(&name)?;
            let created = self.store.create(&name, bytes).await.map_err(|err| err.to_string())?;
            Ok(created == Created::New)
        })
    }

    fn list(&self, prefix: String) -> Later<'_, Result<Vec<String>, String>> {
        Box::pin(async move {
            let below = named(&prefix)?;
            let entries = self.store.list(&below).await.map_err(|err| err.to_string())?;
            let name = |entry: &store::Entry| {
                let rest = entry.name.as_str().strip_prefix(RUNS)?.strip_prefix('/')?;
                Some(rest.to_owned())
            };
            Ok(entries.iter().filter_map(name).collect())
        })
    }

    fn delete(&self, name: String) -> Later<'_, Result<(), String>> {
        Box::pin(async move {
            let name = named(&name)?;
            self.store.delete(&name).await.map_err(|err| err.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_the_runner_keeps_stands_below_a_folder_of_its_own() {
        let shared = SharedRuns::open("memory://".to_owned(), |_| None).unwrap();
        let run = "00112233445566ff";
        shared.keep_command(run, b"{}".to_vec()).await.unwrap();
        let name = format!("{run}/g0000/journal/0000000000");
        assert!(shared.create(name.clone(), b"a".to_vec()).await.unwrap());
        assert!(!shared.create(name.clone(), b"b".to_vec()).await.unwrap());
        assert_eq!(shared.get(name.clone()).await.unwrap(), Some(b"a".to_vec()));
        let all = [format!("{run}/command"), name];
        assert_eq!(shared.list(String::new()).await.unwrap(), all);
        assert_eq!(shared.list(format!("{run}/")).await.unwrap(), all);
        assert_eq!(shared.names().await.unwrap(), [run]);
        assert_eq!(shared.command(run).await.unwrap(), Some(b"{}".to_vec()));
        assert!(shared.list("../x".to_owned()).await.is_err());
    }

    #[test]
    fn a_store_that_cannot_be_listed_holds_no_runs() {
        let set = |name: &str| match name {
            "ACTIONS_RUNTIME_TOKEN" => Some("token".to_owned()),
            "ACTIONS_RESULTS_URL" => Some("http://127.0.0.1:1/".to_owned()),
            _ => None,
        };
        let problem = SharedRuns::open("ghac://ci/runs".to_owned(), set).unwrap_err();
        assert!(
            matches!(problem, Problem::Kept(KeptProblem::StoreWithoutList { .. })),
            "{problem:?}"
        );
    }
}
