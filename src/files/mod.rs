//! The world as files: what the tool reads and writes on a disk.

pub mod journal;
//! Sources on disk.

pub mod inflate;
pub mod logs;
mod walk;
