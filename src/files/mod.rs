//! Sources and results on disk: inventory files, log files, result folders.

pub mod inflate;
pub mod inventory;
pub mod logs;
pub mod store;
mod walk;
