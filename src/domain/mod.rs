//! The rules of the tool as pure functions: no I/O, no clock, no async, no AWS.

pub mod event;
pub mod layout;
pub mod record;
