//! When an attempt is made again, and when it is not.

use std::cell::Cell;
use std::future::pending;

use super::*;

const PATIENCE: Patience = Patience {
    attempt: Duration::from_secs(10),
    call: Duration::from_secs(25),
    retries_max: 3,
    pause: Duration::from_millis(100),
};

/// How many attempts are made if they end with `results` in turn, and what comes of them.
#[track_caller]
fn attempts(results: &[Result<(), Trouble>]) -> (u32, Result<(), Trouble>) {
    let made = Cell::new(0);
    let mut results = results.iter();
    let attempt = || {
        made.set(made.get() + 1);
        let result = results.next().expect("no attempt after the last").clone();
        async { result }
    };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    let end = runtime.block_on(PATIENCE.persist(attempt));
    (made.get(), end)
}

#[test]
fn only_what_may_pass_is_tried_again_and_not_for_ever() {
    let busy = || Err(Trouble::Passing("busy".to_owned()));
    let denied = || Err(Trouble::Denied("no".to_owned()));
    assert_eq!(attempts(&[Ok(())]), (1, Ok(())));
    assert_eq!(attempts(&[busy(), Ok(())]), (2, Ok(())));
    assert_eq!(attempts(&[denied()]), (1, denied()));
    assert_eq!(attempts(&[busy(), denied()]), (2, denied()));
    assert_eq!(attempts(&[busy(), busy(), busy(), busy()]), (4, busy()));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_when_patience_does() {
    let made = Cell::new(0);
    let silent = || {
        made.set(made.get() + 1);
        pending::<Result<(), Trouble>>()
    };
    let end = PATIENCE.persist(silent).await;
    assert_eq!(end, Err(Trouble::Passing("no answer within 25s".to_owned())));
    // 25 s hold two attempts of 10 s and the beginning of a third.
    assert_eq!(made.get(), 3);
}
