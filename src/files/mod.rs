//! The ports on disk: sources of a scan, and the journal of an apply.

pub mod inflate;
pub mod journal;
//! Sources and results on disk: inventory files, log files, result folders.
//! Files on this machine.

pub mod store;
//! Sources on disk.

pub mod inflate;
pub mod inventory;
pub mod logs;
mod walk;
