//! The way out of this machine, the same for everything that takes it: whose certificates are
//! trusted, and which proxy stands between.
//!
//! Neither the machine's own list of authorities nor this process's environment is looked at:
//! whoever uses this says what counts.

mod client;
mod proxies;
mod roots;

pub use client::{BadProxy, client};
pub use proxies::{Proxies, Proxy};
pub use roots::{Roots, RootsError, content as authorities};
