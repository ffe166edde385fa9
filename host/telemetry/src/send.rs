//! Sending: part after part, each tried a few times, all of it within one time.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use tokio::time::{Instant, timeout_at};

use crate::message::{Message, Part};
use crate::settings::{Destination, Protocol};
use crate::{SendError, grpc, web};

/// The longest that sending may take, whatever the variables say: half of what a pipeline leaves for
/// the end of a job.
pub const SENDING_MAX: Duration = Duration::from_secs(10);

/// How often one part is tried.
pub const TRIES_MAX: usize = 3;

/// The longest time a connection may take to stand.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What came of sending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Spans or metrics that were taken.
    pub taken: u64,
    /// Those that the collector did not want, though it took the request.
    pub refused: u64,
    /// Those that there was no room for: see [`PARTS_MAX`](crate::PARTS_MAX).
    pub left_out: u64,
    /// What the collector said of those that it refused, if anything.
    pub said: Option<String>,
}

/// What a collector answered to a part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answered {
    pub(crate) refused: u64,
    pub(crate) said: String,
}

/// How parts travel.
enum Way {
    Web(web::Client),
    Grpc(grpc::Client),
}

impl Way {
    async fn take(&self, part: &Part) -> Result<Answered, SendError> {
        match self {
            Self::Web(client) => client.take(part).await,
            Self::Grpc(client) => client.take(part).await,
        }
    }
}

/// Sends a message. It is over within the destination's time, and [`SENDING_MAX`] at most.
///
/// # Errors
/// Where not all of it was delivered; what was delivered before stays so.
pub async fn send(to: &Destination, message: &Message) -> Result<Sent, SendError> {
    let time = to.timeout.min(SENDING_MAX);
    let deadline = Instant::now() + time;
    let way = match to.protocol {
        Protocol::HttpJson | Protocol::HttpProtobuf => Way::Web(web::Client::new(to)?),
        Protocol::Grpc => Way::Grpc(grpc::Client::new(to)?),
    };
    let mut sent = Sent { left_out: message.left_out(), ..Sent::default() };
    // The last failure says more than that time is over.
    let mut last = None;
    for part in &message.parts {
        let tries = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_times(TRIES_MAX - 1)
            .with_jitter();
        let take = || way.take(part);
        let taken = take.retry(tries).when(SendError::may_pass).notify(|err, _| {
            last = Some(err.to_string());
        });
        let answered = timeout_at(deadline, taken).await;
        let Ok(answered) = answered else {
            return Err(last.map_or(SendError::Late(time), SendError::Network));
        };
        let Answered { refused, said } = answered?;
        sent.refused += refused;
        sent.taken += part.items().saturating_sub(refused);
        if !said.is_empty() {
            sent.said = Some(said);
        }
    }
    Ok(sent)
}
