//! A place that several machines share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runner::{Carrier, Later};

use crate::dice::Dice;
use crate::world::Story;

type Kept = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// What one process sees of it.
#[derive(Debug)]
pub(crate) struct SimPlace {
    pub(crate) kept: Kept,
    pub(crate) dice: Dice,
    pub(crate) faults: u64,
    pub(crate) story: Story,
}

impl SimPlace {
    async fn wait(&self) -> Result<(), String> {
        tokio::time::sleep(Duration::from_millis(self.dice.below(50))).await;
        if self.dice.chance(self.faults / 4) {
            self.story.fault("store failed");
            return Err("nobody answers".to_owned());
        }
        Ok(())
    }
}

impl SimPlace {
    fn insert(&self, name: String, bytes: Vec<u8>) -> bool {
        let mut kept = self.kept.lock().unwrap();
        let is_new = !kept.contains_key(&name);
        if is_new {
            kept.insert(name, bytes);
        }
        is_new
    }
}

impl Carrier for SimPlace {
    fn get(&self, name: String) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(async move {
            self.wait().await?;
            Ok(self.kept.lock().unwrap().get(&name).cloned())
        })
    }

    fn create(&self, name: String, bytes: Vec<u8>) -> Later<'_, Result<bool, String>> {
        Box::pin(async move {
            self.wait().await?;
            let is_new = self.insert(name, bytes);
            // It arrived, and nobody learns of it.
            if is_new {
                self.wait().await?;
            }
            Ok(is_new)
        })
    }

    fn list(&self, prefix: String) -> Later<'_, Result<Vec<String>, String>> {
        Box::pin(async move {
            self.wait().await?;
            let kept = self.kept.lock().unwrap();
            Ok(kept.keys().filter(|name| name.starts_with(&prefix)).cloned().collect())
        })
    }

    fn delete(&self, name: String) -> Later<'_, Result<(), String>> {
        Box::pin(async move {
            self.wait().await?;
            self.kept.lock().unwrap().remove(&name);
            Ok(())
        })
    }
}
