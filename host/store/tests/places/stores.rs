//! Stores in real servers.

use servers::{Kind, PASSWORD, Server, s3_url};
use store::Store;

/// A server's stores, each opened anew, and so of any runtime.
pub(crate) trait Stores {
    fn store(&self) -> Store;
    fn store_as(&self, password: &str) -> Store;
    fn store_of_nobody(&self) -> Store;
}

impl Stores for Server {
    fn store(&self) -> Store {
        self.store_as(PASSWORD)
    }

    fn store_as(&self, password: &str) -> Store {
        open(&self.url(), &self.kind().settings(password))
    }

    fn store_of_nobody(&self) -> Store {
        open(&self.url(), &[])
    }
}

/// A store in an S3 at a port of this machine.
pub(crate) fn s3_store(port: u16) -> Store {
    open(&s3_url(port), &Kind::S3.settings(PASSWORD))
}

fn open(url: &str, settings: &[(&'static str, String)]) -> Store {
    let lookup = |name: &str| {
        let found = settings.iter().find(|(set, _)| *set == name);
        found.map(|(_, value)| value.clone())
    };
    Store::open(url, lookup).unwrap()
}
