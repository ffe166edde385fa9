//! One run has one writer: whoever is no longer it sends nothing.

use wire::{Conversation, Reply, Responder};

use super::*;

/// A model that counts how often it is asked.
#[derive(Debug)]
struct Asked {
    script: Script,
    times: AtomicU32,
}

impl Responder for Asked {
    fn model(&self) -> &str {
        self.script.model()
    }

    fn respond(&self, asked: &Conversation) -> Reply {
        self.times.fetch_add(1, Ordering::SeqCst);
        self.script.respond(asked)
    }
}

/// Books in which another process has taken the run since this one began.
#[derive(Debug)]
struct TakenSince;

impl RunLedger for TakenSince {
    fn begin(&self) -> Later<'_, Result<u64, LedgerRefusal>> {
        Box::pin(async { Ok(1) })
    }

    fn open_entries(&self) -> Later<'_, Result<Vec<Entry>, LedgerRefusal>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn reserve(&self, _: Entry, _: Money) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(async { Err(LedgerRefusal::LeaseLost("another job".to_owned())) })
    }

    fn settle(&self, _: Entry, _: Charge) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(async { Ok(()) })
    }

    fn release(&self, _: Entry) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(async { Ok(()) })
    }

    fn end(&self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}

/// A place where another machine's records stand wherever this one would put its own.
#[derive(Debug)]
struct Overtaken;

impl Carrier for Overtaken {
    fn get(&self, _: String) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(async { Ok(Some(b"{\"by\":\"another machine\"}\n".to_vec())) })
    }

    fn create(&self, _: String, _: Vec<u8>) -> Later<'_, Result<bool, String>> {
        Box::pin(async { Ok(false) })
    }

    fn list(&self, _: String) -> Later<'_, Result<Vec<String>, String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn delete(&self, _: String) -> Later<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

/// A run that is overtaken before its first request ends without one.
async fn sends_nothing(change: impl FnOnce(&mut RunPlan)) {
    let world = World::new();
    let script = Script::parse(&format!("model = \"m\"\n{SUBMIT}")).unwrap();
    let model = Arc::new(Asked { script, times: AtomicU32::new(0) });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(address, Arc::clone(&model) as Arc<dyn Responder>).unwrap();
    let mut plan = world.plan(Endpoint::new(&server.base_url()).unwrap(), "a");
    change(&mut plan);
    let (_never, signals) = mpsc::channel(1);
    let (ended, _) = world.run_plan(plan, signals).await;
    let ended = ended.map(|ended| ended.result.stop_reason);
    assert!(matches!(ended, Err(RunError::TakenOver { .. })), "{ended:?}");
    assert_eq!(model.times.load(Ordering::SeqCst), 0, "it was asked all the same");
}

#[tokio::test]
async fn whoever_lost_the_lease_sends_nothing() {
    sends_nothing(|plan| plan.ledger = Some(Arc::new(TakenSince))).await;
}

#[tokio::test]
async fn whoever_finds_the_records_of_another_machine_sends_nothing() {
    sends_nothing(|plan| plan.carrier = Some(Arc::new(Overtaken))).await;
}
