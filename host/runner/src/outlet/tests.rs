//! What a slow sink costs, and whom.

use session::Phase;
use session::event::SCHEMA;

use super::*;
use crate::sampling::ToolLines;

fn record(seq: u64, event: Event) -> Record {
    Record {
        schema: SCHEMA,
        run: "r".to_owned(),
        attempt: 1,
        phase: Phase::Init,
        seq,
        at_ms: 0,
        time_ms: 0,
        prev: String::new(),
        event,
    }
}

fn status(seq: u64) -> Record {
    record(seq, Event::Noted(Note::LinkLost { why: seq.to_string() }))
}

fn failure(seq: u64) -> Record {
    record(seq, Event::Noted(Note::Warned { what: seq.to_string() }))
}

/// What a sink is told until nothing more comes, as its numbers and texts.
async fn shown(intake: &mut Intake, most: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < most
        && let Some(shown) = intake.next().await
    {
        all.push(match shown {
            Shown::Record(record) => record.seq.to_string(),
            Shown::Text { piece, .. } => piece,
            Shown::Suppressed { records, first, last } => format!("{records} of {first}-{last}"),
        });
    }
    all
}

#[tokio::test]
async fn a_sink_that_keeps_up_is_shown_everything_in_order() {
    let (outlet, mut intake) = Outlet::new("s");
    let mut outlets = Outlets::new(vec![outlet]);
    outlets.record(status(0));
    outlets.text(1, "he");
    outlets.text(2, "llo");
    outlets.record(failure(1));
    assert!(!outlets.are_behind());
    assert_eq!(shown(&mut intake, 4).await, ["0", "he", "llo", "1"]);
    let reading = tokio::spawn(async move { shown(&mut intake, 1).await });
    assert_eq!(outlets.flush().await, BTreeMap::new());
    assert_eq!(reading.await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_sink_that_is_behind_holds_back_and_misses_only_what_says_least() {
    let (outlet, mut intake) = Outlet::new("s");
    let mut outlets = Outlets::new(vec![outlet]);
    let mut seq = 0..;
    let mut next = || seq.next().unwrap();
    for _ in 0..QUEUE_MAX {
        outlets.record(status(next()));
    }
    assert!(!outlets.are_behind());
    outlets.text(0, "dropped");
    outlets.text(0, " text");
    assert!(outlets.are_behind());
    let kept: Vec<u64> = (0..8).map(|_| next()).collect();
    kept.iter().for_each(|seq| drop(outlets.record(failure(*seq))));
    // One of them takes the place of the text, ten that of others like themselves.
    let over: Vec<u64> = (0..BACKLOG_MAX - 8 + 10).map(|_| next()).collect();
    over.iter().for_each(|seq| drop(outlets.record(status(*seq))));
    let queued = shown(&mut intake, QUEUE_MAX).await;
    assert_eq!(queued.last().unwrap(), &(QUEUE_MAX - 1).to_string());
    let reading = tokio::spawn(async move { shown(&mut intake, usize::MAX).await });
    let missed = outlets.flush().await;
    let expected = Missed { records: 10, text_bytes: 12, ..Missed::default() };
    assert_eq!(missed, BTreeMap::from([("s".to_owned(), expected)]));
    let rest = reading.await.unwrap();
    assert_eq!(rest[0], format!("10 of {}-{}", over[0], over[9]));
    for seq in kept {
        assert!(rest.contains(&seq.to_string()), "{seq} says something went wrong");
    }
    assert_eq!(rest.len(), 1 + BACKLOG_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_stuck_is_waited_for_only_so_long() {
    let (stuck, _never_read) = Outlet::new("stuck");
    let (fine, mut intake) = Outlet::new("fine");
    let mut outlets = Outlets::new(vec![stuck, fine]);
    outlets.record(status(0));
    let reading = tokio::spawn(async move { shown(&mut intake, usize::MAX).await });
    let missed = outlets.flush().await;
    assert_eq!(missed.keys().collect::<Vec<_>>(), ["stuck"]);
    assert!(missed["stuck"].behind_at_end);
    assert_eq!(reading.await.unwrap(), ["0"]);
}

#[tokio::test]
async fn one_stuck_sink_does_not_keep_the_others_from_catching_up() {
    let (stuck, _never_read) = Outlet::new("stuck");
    let (fine, mut intake) = Outlet::new("fine");
    let mut outlets = Outlets::new(vec![stuck, fine]);
    let all = QUEUE_MAX as u64 + 50;
    (0..all).for_each(|seq| drop(outlets.record(status(seq))));
    let reading = tokio::spawn(async move { shown(&mut intake, QUEUE_MAX + 50).await });
    while outlets.0[1].is_behind() {
        outlets.catch_up().await;
    }
    assert_eq!(reading.await.unwrap().len(), QUEUE_MAX + 50);
    assert!(outlets.are_behind());
}

#[tokio::test]
async fn a_sink_that_is_gone_holds_nobody_back() {
    let (outlet, intake) = Outlet::new("gone");
    drop(intake);
    let mut outlets = Outlets::new(vec![outlet]);
    (0..QUEUE_MAX as u64 * 2).for_each(|seq| drop(outlets.record(status(seq))));
    assert!(!outlets.are_behind());
    assert_eq!(outlets.flush().await, BTreeMap::new());
}

#[tokio::test]
async fn status_that_only_repeats_is_told_once_and_errors_each_time() {
    let (outlet, mut intake) = Outlet::new("s");
    let mut outlets = Outlets::new(vec![outlet]);
    let lost = |seq| record(seq, Event::Noted(Note::LinkLost { why: "the same".to_owned() }));
    let warned = |seq| record(seq, Event::Noted(Note::Warned { what: "the same".to_owned() }));
    (0..4).for_each(|seq| drop(outlets.record(lost(seq))));
    (4..7).for_each(|seq| drop(outlets.record(warned(seq))));
    (7..9).for_each(|seq| drop(outlets.record(lost(seq))));
    let reading = tokio::spawn(async move { shown(&mut intake, usize::MAX).await });
    let missed = outlets.flush().await;
    let expected = Missed { repeated: 4, ..Missed::default() };
    assert_eq!(missed, BTreeMap::from([("s".to_owned(), expected)]));
    assert_eq!(reading.await.unwrap(), ["0", "3 of 1-3", "4", "5", "6", "7", "1 of 8-8"]);
}

#[tokio::test]
async fn a_piece_of_text_is_shown_up_to_a_limit_and_the_rest_is_counted() {
    #[track_caller]
    fn check(piece: &str, shown: &str, missed: u64) {
        let (mut outlet, mut intake) = Outlet::new("s");
        outlet.text(0, piece);
        let Ok(Shown::Text { piece, .. }) = intake.queue.try_recv() else { panic!("no text") };
        assert_eq!((piece.as_str(), outlet.missed.text_bytes), (shown, missed));
    }
    let most = "x".repeat(TEXT_BYTES_MAX);
    check(&most[1..], &most[1..], 0);
    check(&most, &most, 0);
    check(&format!("{most}y"), &most, 1);
    // Never within a character.
    check(&format!("{}é", &most[1..]), &most[1..], 2);
}

/// Shows nothing before it may.
struct Waiting(std::sync::mpsc::Receiver<()>);

impl Sink for Waiting {
    fn record(&mut self, _: &Record) -> std::io::Result<()> {
        self.0.recv().map_err(std::io::Error::other)
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_run_waits_for_a_sink_on_a_thread_of_its_own() {
    let (may, waits) = std::sync::mpsc::channel();
    let mut outlets =
        Outlets::new(vec![Outlet::to("slow", Sampling::default(), Box::new(Waiting(waits)))]);
    outlets.record(status(0));
    let missed = outlets.flush().await;
    let behind = Missed { behind_at_end: true, ..Missed::default() };
    assert_eq!(missed, BTreeMap::from([("slow".to_owned(), behind)]));
    drop(may);
}

#[tokio::test]
async fn what_is_not_to_be_shown_is_counted_and_what_failed_is_shown_whatever_is_chosen() {
    let line = |seq: u64, level: &str| {
        let call = session::CallId { origin: session::Origin::Context, index: 0 };
        let line = seq.to_string();
        record(seq, Event::Noted(Note::ToolLogged { call, level: level.to_owned(), line }))
    };
    let usual = Sampling::default();
    let none = Sampling { model_text: false, repeats: true, tools: ToolLines::None, ..usual };
    let all = Sampling { repeats: true, tools: ToolLines::Debug, ..usual };
    let least = Sampling { tools: ToolLines::Warning, ..usual };
    let missed = |lines, text, repeated| Missed {
        left_out_lines: lines,
        left_out_text_bytes: text,
        repeated,
        ..Missed::default()
    };
    for (sampling, expected, counted) in [
        (usual, "1 2 text 3 1 of 4-4 5", missed(1, 0, 1)),
        (all, "0 1 2 text 3 4 5", missed(0, 0, 0)),
        (least, "2 text 3 1 of 4-4 5", missed(2, 0, 1)),
        (none, "3 4 5", missed(3, 4, 0)),
    ] {
        let (outlet, mut intake) = Outlet::new("s");
        let mut outlets = Outlets::new(vec![Outlet { sampling, ..outlet }]);
        for (seq, level) in (0..).zip(["debug", "info", "warning"]) {
            outlets.record(line(seq, level));
        }
        outlets.text(0, "text");
        let mut again = status(3);
        outlets.record(again.clone());
        again.seq = 4;
        outlets.record(again);
        outlets.record(failure(5));
        let reading = tokio::spawn(async move { shown(&mut intake, usize::MAX).await });
        let told = outlets.flush().await.remove("s").unwrap_or_default();
        assert_eq!((reading.await.unwrap().join(" "), told), (expected.to_owned(), counted));
    }
}

#[tokio::test]
async fn the_most_that_waited_is_told_beside_what_there_is_room_for() {
    let (outlet, mut intake) = Outlet::new("s");
    let mut outlets = Outlets::new(vec![outlet]);
    let peaks = |outlets: &Outlets| {
        let of = outlets.peaks();
        (of["s"].peak, of["s-backlog"].peak)
    };
    (0..3).for_each(|seq| drop(outlets.record(status(seq))));
    assert_eq!(peaks(&outlets), (3, 0));
    shown(&mut intake, 3).await;
    outlets.record(status(3));
    assert_eq!(peaks(&outlets), (3, 0), "the most, and not what is there now");
    let more = QUEUE_MAX as u64 + 9;
    (4..more).for_each(|seq| drop(outlets.record(status(seq))));
    assert_eq!(peaks(&outlets), (QUEUE_MAX as u64, 9 - 4 + 1));
    let (queue, backlog) = (outlets.peaks()["s"], outlets.peaks()["s-backlog"]);
    assert_eq!((queue.bound, backlog.bound), (QUEUE_MAX as u64, BACKLOG_MAX as u64));
}
