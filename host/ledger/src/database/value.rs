//! What goes into statements and comes out of them.

use crate::{LedgerError, MicroDollars};

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Number(i64),
    Text(String),
    Null,
}

impl From<u64> for Value {
    /// What is beyond the database's numbers becomes their largest.
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<MicroDollars> for Value {
    fn from(amount: MicroDollars) -> Self {
        amount.0.into()
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A row that was read. A column that is not what it must be is damage.
#[derive(Debug)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    pub(crate) fn number(&self, column: usize) -> Result<u64, LedgerError> {
        let found = self.optional_number(column)?;
        found.ok_or_else(|| LedgerError::damaged(format!("column {column} is empty")))
    }

    pub(crate) fn optional_number(&self, column: usize) -> Result<Option<u64>, LedgerError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => u64::try_from(*number).map(Some).map_err(|_| {
                LedgerError::damaged(format!("column {column} is {number}, below zero"))
            }),
            Some(Value::Text(_)) | None => {
                Err(LedgerError::damaged(format!("column {column} is no number")))
            }
        }
    }

    pub(crate) fn small_number(&self, column: usize) -> Result<u32, LedgerError> {
        let number = self.number(column)?;
        u32::try_from(number)
            .map_err(|_| LedgerError::damaged(format!("column {column} is {number}, too large")))
    }

    pub(crate) fn amount(&self, column: usize) -> Result<MicroDollars, LedgerError> {
        self.number(column).map(MicroDollars)
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, LedgerError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Number(_) | Value::Null) | None => {
                Err(LedgerError::damaged(format!("column {column} is no text")))
            }
        }
    }
}
