//! Files on this machine: sources that are read, and result folders.
//! Sources and results on disk: inventory files, log files, result folders.
//! Files on this machine.

pub mod store;
//! Sources on disk.

pub mod inflate;
pub mod inventory;
pub mod logs;
pub mod store;
mod walk;
