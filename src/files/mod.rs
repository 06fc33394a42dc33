//! Files on this machine.

pub mod store;
//! Sources on disk.

pub mod inflate;
pub mod logs;
mod walk;
