//! The step's own gates among the tools: apart from them, so that no model can call one.

use runner::GateInfo;
use serde_json::Value;
use snapshot::Grant;

use super::{Component, Offered, Tools, load_missing};
use crate::problem::Problem;

impl Tools {
    /// The same tools, and a gate that is asked after those that are there. It sees no variable of
    /// the environment, and of what the step grants only what it asks for.
    ///
    /// # Errors
    ///
    /// When it cannot be loaded, or asks for what cannot be granted.
    pub(crate) fn with_gate(
        mut self,
        name: &str,
        component: Component,
        settings: Value,
        granted: Grant,
    ) -> Result<Self, Problem> {
        let ceiling = component.manifest().grants.as_ref().and_then(|asks| asks.read.as_ref());
        let grant = match ceiling {
            None => granted,
            Some(read) => granted.within(read).map_err(|err| Problem::ToolGrants {
                name: name.to_owned(),
                why: err.to_string(),
            })?,
        };
        self.gates.extend(load_missing(&self.sandbox, vec![component])?);
        self.gate_infos.push(GateInfo { name: name.to_owned(), settings, grant });
        Ok(self)
    }

    /// The gate of that name.
    pub(super) fn gate(&self, name: &str) -> Option<&Offered> {
        let at = self.gate_infos.iter().position(|info| info.name == name)?;
        self.gates.get(at)
    }
}
