//! Files on this machine: sources that are read, and result folders.

pub mod inflate;
pub mod logs;
pub mod store;
mod walk;
