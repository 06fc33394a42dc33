//! The clean-up as use cases over ports: carrying out a plan, taking deletions back, watching for calls, and
//! reporting what was done.

pub mod apply;
pub mod restore;
pub mod status;
pub mod watch;
