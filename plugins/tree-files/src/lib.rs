//! A tree of the repository, the way `lockgraph` asks for one: the one place where the two meet,
//! since `lockgraph` does not know the SDK.

use lockgraph::{Files, Found, ReadError};
use stepwell::Tree;
use stepwell::repository::{self, Glob, Reason};

/// The files of one tree.
#[derive(Debug, Clone, Copy)]
pub struct TreeFiles(pub Tree);

impl Files for TreeFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        repository::read(self.0, path).map_err(|err| {
            if err.reason == Reason::NotFound {
                ReadError::Missing
            } else {
                ReadError::Failed(err.reason.to_string())
            }
        })
    }

    fn find(&self, patterns: &[String]) -> Result<Found, ReadError> {
        let found = Glob::new(patterns.iter().cloned()).find(self.0);
        match found {
            Ok(found) => Ok(Found { paths: found.paths, truncated: found.truncated }),
            Err(err) => Err(ReadError::Failed(err.to_string())),
        }
    }
}
