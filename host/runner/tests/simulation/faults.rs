//! What a model's server does wrong: everything that a fault script can express (`wire`'s
//! `script/fault.rs` and `script/door.rs`), at any place and several at once.

use std::time::Duration;

use wire::{
    Door, Drip, ErrorKind, ErrorShape, Fault, FaultKind, Framing, Greeting, MESSAGE_BYTES_MAX,
    ModelError, Post,
};

use crate::dice::Dice;

/// The most faults of one reply.
const FAULTS_MAX: u64 = 4;
/// Events of a response that are told apart: the longest one here has fewer.
const EVENTS_MAX: u64 = 40;
/// Those who are received at the door otherwise than by being let in, at most, in each way.
const GREETINGS_MAX: u64 = 5;
/// The longest that a provider asks us to wait: more than a run takes.
const WAIT_MS_MAX: u64 = 200_000;

/// One row for each kind of a thing: its pattern, the name under which it is counted, and how
/// one is made. A kind without a row does not compile, and a row that never happened fails the
/// suite (`tally`).
macro_rules! every_kind {
    ($thing:ty, $names:ident, $name:ident, $any:ident:
        $($pattern:pat => $label:literal, $make:expr;)*) => {
        pub(crate) const $names: &[&str] = &[$($label),*];

        fn $name(thing: &$thing) -> &'static str {
            match thing {
                $($pattern => $label,)*
            }
        }

        fn $any(dice: &Dice) -> $thing {
            let makers: &[fn(&Dice) -> $thing] = &[$($make),*];
            dice.pick(makers)(dice)
        }
    };
}

every_kind! {
    FaultKind, SENDING, name_of, any_kind:
    FaultKind::Close { .. } => "server: close", |dice| FaultKind::Close { code: close_code(dice) };
    FaultKind::Drop => "server: drop", |_| FaultKind::Drop;
    FaultKind::Cut => "server: cut", |_| FaultKind::Cut;
    FaultKind::Silence { time: None } => "server: silence", |_| FaultKind::Silence { time: None };
    FaultKind::Silence { time: Some(_) } => "server: pause", |dice| {
        FaultKind::Silence { time: Some(milliseconds(dice, 20_000)) }
    };
    FaultKind::NoPong => "server: no pong", |_| FaultKind::NoPong;
    FaultKind::Drip(_) => "server: drip", |dice| FaultKind::Drip(drip(dice));
    FaultKind::Garbage => "server: garbage", |_| FaultKind::Garbage;
    FaultKind::Binary => "server: binary", |_| FaultKind::Binary;
    FaultKind::Noise => "server: noise", |_| FaultKind::Noise;
    FaultKind::Oversized { .. } => "server: oversized", |dice| {
        FaultKind::Oversized { bytes: oversized(dice) }
    };
    FaultKind::Duplicate => "server: duplicate", |_| FaultKind::Duplicate;
    FaultKind::Swap => "server: swap", |_| FaultKind::Swap;
    FaultKind::Omit => "server: omit", |_| FaultKind::Omit;
    FaultKind::NoUsage => "server: no usage", |_| FaultKind::NoUsage;
    FaultKind::Error { .. } => "server: error", |dice| {
        FaultKind::Error { error: refusal(dice), shape: shape(dice) }
    };
    FaultKind::Failed { .. } => "server: failed", |dice| {
        let ModelError { code, message, .. } = refusal(dice);
        FaultKind::Failed { code, message }
    };
    FaultKind::ConnectionLimit => "server: connection limit", |_| FaultKind::ConnectionLimit;
}

every_kind! {
    ErrorShape, SHAPES, name_of_shape, any_shape:
    ErrorShape::Nested => "error: nested", |_| ErrorShape::Nested;
    ErrorShape::NoStatus => "error: without status", |_| ErrorShape::NoStatus;
    ErrorShape::Flat => "error: flat", |_| ErrorShape::Flat;
}

every_kind! {
    Greeting, GREETINGS, name_of_greeting, any_greeting:
    Greeting::Admit => "door: admitted", |_| Greeting::Admit;
    Greeting::Refuse(_) => "door: refused", |dice| Greeting::Refuse(refusal(dice));
    Greeting::Stall => "door: stalled", |_| Greeting::Stall;
    Greeting::Drop => "door: dropped", |_| Greeting::Drop;
}

every_kind! {
    Framing, FRAMINGS, name_of_framing, any_framing:
    Framing::Lf => "framing: lf", |_| Framing::Lf;
    Framing::Crlf => "framing: crlf", |_| Framing::Crlf;
    Framing::Comments => "framing: comments", |_| Framing::Comments;
    Framing::Lines => "framing: lines", |_| Framing::Lines;
    Framing::Shreds => "framing: shreds", |_| Framing::Shreds;
    Framing::Done => "framing: done", |_| Framing::Done;
}

every_kind! {
    ErrorKind, ERRORS, name_of_error, any_error_kind:
    ErrorKind::RateLimited => "refusal: rate limited", |_| ErrorKind::RateLimited;
    ErrorKind::QuotaExhausted => "refusal: quota exhausted", |_| ErrorKind::QuotaExhausted;
    ErrorKind::Overloaded => "refusal: overloaded", |_| ErrorKind::Overloaded;
    ErrorKind::Auth => "refusal: auth", |_| ErrorKind::Auth;
    ErrorKind::PreviousResponseNotFound => "refusal: previous response lost", |_| {
        ErrorKind::PreviousResponseNotFound
    };
    ErrorKind::ConnectionLimit => "refusal: connection limit", |_| ErrorKind::ConnectionLimit;
    ErrorKind::ContextTooLong => "refusal: context too long", |_| ErrorKind::ContextTooLong;
    ErrorKind::BadRequest => "refusal: bad request", |_| ErrorKind::BadRequest;
    ErrorKind::Server => "refusal: server", |_| ErrorKind::Server;
    ErrorKind::Other => "refusal: other", |_| ErrorKind::Other;
}

/// Statuses of refusals, at the door and in responses.
const STATUSES: &[u16] =
    &[400, 401, 403, 404, 405, 408, 409, 426, 429, 500, 501, 502, 503, 504, 529, 599];

/// What goes wrong with one reply, and the names of it. A server that `retires` connections has
/// told of a response that it works on: it bills none that it never mentioned.
pub(crate) fn faults(dice: &Dice, retires: bool) -> (Vec<Fault>, Vec<&'static str>) {
    let mut number = 1;
    while number < FAULTS_MAX && dice.chance(30) {
        number += 1;
    }
    let mut names = Vec::new();
    let faults = (0..number).map(|_| {
        let kind = any_kind(dice);
        names.push(name_of(&kind));
        if let FaultKind::Error { shape: Some(shape), .. } = &kind {
            names.push(name_of_shape(shape));
        }
        // Most responses have some ten events.
        let most = if dice.chance(80) { 12 } else { EVENTS_MAX };
        let least = u64::from(retires && matches!(kind, FaultKind::Silence { .. }));
        Fault::new(u32::try_from(dice.between(least, most)).unwrap(), kind)
    });
    (faults.collect(), names)
}

/// Whether a response with these faults is turned away before it begins, in words that say so:
/// nothing is billed for it.
pub(crate) fn turn_away(faults: &[Fault]) -> bool {
    let mut in_order: Vec<&Fault> = faults.iter().collect();
    in_order.sort_by_key(|fault| fault.after_events);
    let last = in_order.into_iter().find(|fault| is_last(&fault.kind));
    last.is_some_and(|fault| fault.after_events == 0 && says_that_it_did_no_work(&fault.kind))
}

/// Whether nothing of a response follows.
fn is_last(kind: &FaultKind) -> bool {
    match kind {
        FaultKind::Close { .. }
        | FaultKind::Drop
        | FaultKind::Cut
        | FaultKind::Silence { time: None }
        | FaultKind::NoPong
        | FaultKind::Error { .. }
        | FaultKind::Failed { .. }
        | FaultKind::ConnectionLimit => true,
        FaultKind::Silence { time: Some(_) }
        | FaultKind::Drip(_)
        | FaultKind::Garbage
        | FaultKind::Binary
        | FaultKind::Noise
        | FaultKind::Oversized { .. }
        | FaultKind::Duplicate
        | FaultKind::Swap
        | FaultKind::Omit
        | FaultKind::NoUsage => false,
    }
}

fn says_that_it_did_no_work(kind: &FaultKind) -> bool {
    let refuses = |kind: ErrorKind| {
        matches!(
            kind,
            ErrorKind::RateLimited
                | ErrorKind::QuotaExhausted
                | ErrorKind::Auth
                | ErrorKind::PreviousResponseNotFound
                | ErrorKind::ConnectionLimit
        )
    };
    match kind {
        FaultKind::Error { error, .. } => refuses(error.kind),
        FaultKind::Failed { code, .. } => refuses(ErrorKind::of(code, None, "")),
        FaultKind::ConnectionLimit => true,
        _ => false,
    }
}

/// An error, as a script can write it.
pub(crate) fn refusal(dice: &Dice) -> ModelError {
    let wanted = any_error_kind(dice);
    let code = match wanted {
        ErrorKind::RateLimited => "rate_limit_exceeded",
        ErrorKind::QuotaExhausted => "insufficient_quota",
        ErrorKind::Overloaded => "server_is_overloaded",
        ErrorKind::Auth => "invalid_api_key",
        ErrorKind::PreviousResponseNotFound => "previous_response_not_found",
        ErrorKind::ConnectionLimit => "websocket_connection_limit_reached",
        ErrorKind::ContextTooLong => "context_length_exceeded",
        ErrorKind::BadRequest => "invalid_prompt",
        ErrorKind::Server => "server_error",
        ErrorKind::Other => "unheard_of",
    };
    let status = dice.chance(60).then(|| dice.pick(STATUSES));
    let mut error = ModelError::new(ErrorKind::of(code, status, ""), code, "not now");
    error.status = status;
    if dice.chance(50) {
        let wait = milliseconds(dice, if dice.chance(50) { 5_000 } else { WAIT_MS_MAX });
        if dice.chance(50) {
            error.retry_after = Some(wait);
        } else {
            error.message = format!("not now. Please try again in {}s.", wait.as_secs_f64());
        }
    }
    error
}

/// What an error is counted as.
pub(crate) fn name_of_refusal(error: &ModelError) -> &'static str {
    name_of_error(&error.kind)
}

/// How those who come are received, and the names of it.
pub(crate) fn door(dice: &Dice) -> (Door, Vec<String>) {
    let mut names = Vec::new();
    let mut greeting = |way: &str| {
        let greeting = any_greeting(dice);
        names.push(format!("{way} {}", name_of_greeting(&greeting)));
        if let Greeting::Refuse(error) = &greeting {
            let status = error.status.map_or("none".to_owned(), |status| status.to_string());
            let wait = if error.retry_after.is_some() { " and a wait" } else { "" };
            names.push(format!("{way} door: status {status}{wait}"));
        }
        greeting
    };
    let upgrades = (0..dice.below(GREETINGS_MAX + 1)).map(|_| greeting("upgrade")).collect();
    let greetings: Vec<Greeting> =
        (0..dice.below(GREETINGS_MAX + 1)).map(|_| greeting("post")).collect();
    let posts = greetings.into_iter().map(|greeting| {
        let framing = any_framing(dice);
        names.push(name_of_framing(&framing).to_owned());
        Post { greeting, framing }
    });
    (Door { upgrades, posts: posts.collect() }, names)
}

fn milliseconds(dice: &Dice, most: u64) -> Duration {
    Duration::from_millis(dice.below(most))
}

/// Any code that a close frame may carry.
fn close_code(dice: &Dice) -> u16 {
    dice.pick(&[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 4999])
}

fn shape(dice: &Dice) -> Option<ErrorShape> {
    dice.chance(70).then(|| any_shape(dice))
}

/// From a stutter to less than a byte a second.
fn drip(dice: &Dice) -> Drip {
    let bytes = dice.pick(&[0, 1, 7, 100, 1_000]);
    Drip { bytes, pause: milliseconds(dice, dice.pick(&[5, 50, 2_000])) }
}

/// Up to what the client takes, and one more. The largest are rare: they cost what they weigh.
fn oversized(dice: &Dice) -> usize {
    if dice.chance(95) {
        return dice.pick(&[0, 10_000, 200_000]);
    }
    dice.pick(&[MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX + 1])
}
