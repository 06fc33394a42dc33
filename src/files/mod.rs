//! The ports on disk: sources of a scan, and the journal of an apply.

pub mod inflate;
pub mod journal;
pub mod logs;
mod walk;
