//! A worker that does not come to its end, with everything that it says already here.

use snapshot::{Digest, Grant, Snapshot, Tree, View};
use tokio::sync::Semaphore;

use super::*;
use crate::foreign::Entry;

fn asks(count: usize) -> Vec<u8> {
    let question = Question::Stat { tree: Tree::Head, path: "a".to_owned() };
    message::ask(&question).unwrap().repeat(count)
}

fn done() -> Vec<u8> {
    ToHost::Done(Ran::ended(Ending::HostShort)).write().unwrap()
}

/// What a call comes to that has been told to stop and has so long to do it, when the worker
/// has said this.
async fn after_stop(
    said: &[u8],
    limits: &Limits,
    left: Duration,
) -> Result<Outcome, io::ErrorKind> {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut frames = Frames::default();
    let mut rest = said;
    while !rest.is_empty() {
        let room = frames.room();
        let bytes = room.len().min(rest.len());
        room[..bytes].copy_from_slice(&rest[..bytes]);
        frames.came(bytes);
        rest = &rest[bytes..];
    }
    let mut talk = Talk::new(Arc::new(ours), frames, limits);
    talk.stopped = Some(Ending::Cancelled);
    talk.end.as_mut().reset(Instant::now() + left);
    let repository = tempfile::tempdir().unwrap();
    let head = Snapshot::directory(repository.path()).unwrap();
    let view = Arc::new(View::new(head, None, Grant::everything()));
    let mut asked = Asked::new(view, Arc::new(Semaphore::new(1)), limits);
    let call = Call { entry: &Entry::Handler, input: "", seed: Digest::of(b""), limits };
    let ran = talk.converse(&call, &mut asked, &CancellationToken::new()).await;
    ran.map(|ran| ran.outcome).map_err(|err| err.kind())
}

#[tokio::test]
async fn what_a_worker_says_when_its_time_is_over_is_not_heard() {
    let limits = Limits::default();
    let said = [asks(3), done()].concat();
    let stopped = Ok(Outcome::Ended(Ending::Cancelled));
    assert_eq!(after_stop(&said, &limits, Duration::from_secs(600)).await, stopped);
    let late = after_stop(&said, &limits, Duration::ZERO).await;
    assert_eq!(late, Err(io::ErrorKind::TimedOut));
}

#[tokio::test]
async fn a_worker_that_should_stop_asks_no_more_often_than_any_other() {
    let limits = Limits { host_calls: 3, ..Limits::default() };
    let patience = Duration::from_secs(600);
    let stopped = Ok(Outcome::Ended(Ending::Cancelled));
    assert_eq!(after_stop(&[asks(3), done()].concat(), &limits, patience).await, stopped);
    let flood = after_stop(&[asks(4), done()].concat(), &limits, patience).await;
    assert_eq!(flood, Err(io::ErrorKind::TimedOut));
}
