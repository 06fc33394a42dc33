//! The world as files: what the tool reads and writes on a disk.

pub mod journal;
