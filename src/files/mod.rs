//! Sources on disk.

pub mod inflate;
pub mod logs;
mod walk;
