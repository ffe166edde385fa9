//! A ledger that cannot be used says so, and nothing is assumed.

use std::fs;
use std::path::PathBuf;

use ledger::{Ledger, LedgerError, Place};

use crate::contention::{this_test, told};
use crate::postgres;
use crate::support::*;

fn path(world: &World) -> PathBuf {
    world.place.clone().into()
}

/// A ledger in which something was spent, closed.
fn used() -> World {
    let world = World::of_a_file();
    block_on(async {
        let ledger = world.open().await;
        let lease = take(&ledger, "run").await;
        for turn in 0..20 {
            reserve(&ledger, &lease, turn, 100).await.unwrap();
        }
    });
    world
}

#[track_caller]
fn check(world: &World, expected: impl Fn(&LedgerError) -> bool) {
    let opened = block_on(world.try_open());
    assert!(opened.as_ref().is_err_and(expected), "{opened:?}");
}

#[test]
fn what_is_no_ledger_is_left_alone() {
    let world = World::of_a_file();
    fs::create_dir_all(path(&world).parent().unwrap()).unwrap();
    let text = "a diary, and no ledger at all; ".repeat(100);
    fs::write(path(&world), &text).unwrap();
    check(&world, |err| matches!(err, LedgerError::Damaged(_)));
    assert_eq!(fs::read_to_string(path(&world)).unwrap(), text);

    let world = World::of_a_file();
    fs::create_dir_all(path(&world)).unwrap();
    check(&world, |err| matches!(err, LedgerError::Unreachable(_)));

    let world = World::of_a_file();
    fs::create_dir_all(path(&world).parent().unwrap()).unwrap();
    let other = rusqlite::Connection::open(path(&world)).unwrap();
    other.execute_batch("CREATE TABLE diary (text)").unwrap();
    check(&world, |err| matches!(err, LedgerError::NotALedger { .. }));
}

#[test]
fn a_ledger_of_a_newer_program_is_not_touched() {
    let world = used();
    let newer = rusqlite::Connection::open(path(&world)).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    check(&world, |err| matches!(err, LedgerError::NewerSchema { found: 99, known: 1 }));
}

#[test]
fn damage_is_an_error_and_no_zero() {
    let sabotage = |sql: &str| {
        let world = used();
        rusqlite::Connection::open(path(&world)).unwrap().execute_batch(sql).unwrap();
        let answer = block_on(async {
            let ledger = world.try_open().await?;
            let lease = ledger.take_lease(&run("other"), &"it".parse().unwrap(), TTL).await?;
            reserve(&ledger, &lease, 1, 1).await
        });
        assert!(matches!(answer, Err(LedgerError::Damaged(_))), "{sql}: {answer:?}");
    };
    sabotage("DROP TABLE sums");
    sabotage("DROP TABLE caps");
    sabotage("DELETE FROM meta");
    sabotage("INSERT INTO caps VALUES ('everything', 'total', 0)");
    sabotage("INSERT INTO caps VALUES ('day:*', 'week', 0)");
    sabotage("CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM sums; END");
    sabotage("UPDATE sums SET reserved = 9223372036854775807");
}

#[test]
fn a_file_that_lost_its_end_is_damaged() {
    let world = used();
    // What is only in the log beside it belongs to the file, too.
    rusqlite::Connection::open(path(&world))
        .unwrap()
        .pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
        .unwrap();
    let whole = fs::read(path(&world)).unwrap();
    for pages in [1, 3, 6] {
        fs::write(path(&world), &whole[..pages * 4096]).unwrap();
        let answer = block_on(async {
            let ledger = world.try_open().await?;
            let lease = take(&ledger, "other").await;
            reserve(&ledger, &lease, 1, 1).await
        });
        assert!(matches!(answer, Err(LedgerError::Damaged(_))), "{pages}: {answer:?}");
    }
}

#[test]
fn a_full_disk_refuses_and_forgets_nothing() {
    let world = used();
    let program = this_test("damage::a_process_without_room");
    // A limit on the size of files is met in the same calls as the end of a disk.
    #[expect(clippy::disallowed_methods, reason = "the ledger runs nothing; its tests do")]
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$@\"", "sh"]);
    limited.arg(program.get_program()).args(program.get_args());
    let output = limited.env("LEDGER_PLACE", &world.place).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let confirmed: u64 = said.lines().rev().find_map(|line| line.parse().ok()).expect(&said);
    assert!(output.status.success(), "{said}");

    let lines = block_on(async {
        world.open().await.report(&[], &ledger::Filter::default()).await.unwrap()
    });
    assert_eq!(lines[0].totals.reserved.0, 20 * 100 + confirmed);
}

#[test]
#[ignore = "a process that another test starts"]
fn a_process_without_room() {
    let Some(place) = told("LEDGER_PLACE") else { return };
    block_on(async {
        let ledger = Ledger::open(&place.parse().unwrap()).await.unwrap();
        let lease = take(&ledger, "large").await;
        for confirmed in 0.. {
            match reserve(&ledger, &lease, confirmed, 1).await {
                Ok(_) => {}
                Err(LedgerError::Full(_) | LedgerError::Unreachable(_)) if confirmed > 0 => {
                    println!("\n{confirmed}");
                    break;
                }
                Err(err) => panic!("after {confirmed}: {err:?}"),
            }
        }
    });
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_password() {
    // Nobody listens on port 1 of this machine.
    let place: Place = "postgres://me:geheim@127.0.0.1:1/ci".parse().unwrap();
    let err = block_on(Ledger::open(&place)).unwrap_err();
    assert!(matches!(err, LedgerError::Unreachable(_)), "{err:?}");
    let mut said = format!("{place} {err} {err:?}");
    let mut cause = std::error::Error::source(&err);
    while let Some(err) = cause {
        said += &err.to_string();
        cause = err.source();
    }
    assert!(!said.contains("geheim"), "{said}");
}

#[test]
fn a_server_with_something_else_in_the_schema_is_left_alone() {
    let Some(world) = World::of_a_server() else { return };
    let url = world.place.as_str();
    block_on(postgres::execute(url, "CREATE SCHEMA stepwell; CREATE TABLE stepwell.diary (a int)"));
    check(&world, |err| matches!(err, LedgerError::NotALedger { .. }));
    block_on(postgres::execute(url, "DROP SCHEMA stepwell CASCADE"));
    drop(block_on(world.open()));
    block_on(postgres::execute(url, "UPDATE stepwell.schema_version SET version = 99"));
    check(&world, |err| matches!(err, LedgerError::NewerSchema { found: 99, known: 1 }));
}

#[test]
fn a_connection_that_was_cut_is_made_again() {
    let Some(world) = World::of_a_server() else { return };
    block_on(async {
        let ledger = world.open().await;
        let lease = take(&ledger, "run").await;
        for turn in 0..3 {
            reserve(&ledger, &lease, turn, 10).await.unwrap();
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'stepwell' AND datname = current_database()";
            postgres::execute(&world.place, cut).await;
        }
        assert_eq!(ledger.open_entries(None).await.unwrap().len(), 3);
    });
}

#[test]
fn many_can_make_the_same_ledger_at_once() {
    for world in [Some(World::of_a_file()), World::of_a_server()].into_iter().flatten() {
        block_on(async {
            let opened = eight_at_once(&world).await;
            assert!(opened.iter().all(Result::is_ok), "{opened:?}");
        });
    }
}

async fn eight_at_once(world: &World) -> Vec<Result<Ledger, LedgerError>> {
    let mut openers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (place, clock) = (world.place.parse().unwrap(), world.clock.clone());
        openers.spawn(async move { Ledger::open_with(&place, clock).await });
    }
    openers.join_all().await
}
