//! Lines for the people who read the step's log. They never reach the model.
//!
//! Written with [`debug!`](crate::debug!), [`info!`](crate::info!) and
//! [`warning!`](crate::warning!). The host cuts a line at 4 KiB and drops lines after the
//! thousandth of a call.

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only when looking for a fault.
    Debug,
    /// In every run.
    Info,
    /// Something the person should act on.
    Warning,
}

/// Writes one line.
pub fn write(level: Level, line: &str) {
    crate::host::log(level, line);
}

/// Writes a line for whoever looks for a fault; takes what `format!` takes.
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::log::write($crate::log::Level::Debug, &format!($($line)+)) };
}

/// Writes a line that every run shows; takes what `format!` takes.
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::log::write($crate::log::Level::Info, &format!($($line)+)) };
}

/// Writes a line that a person should act on; takes what `format!` takes.
#[macro_export]
macro_rules! warning {
    ($($line:tt)+) => { $crate::log::write($crate::log::Level::Warning, &format!($($line)+)) };
}
