//! The rules of the tool as pure functions: no I/O, no clock, no async, no AWS.

pub mod coverage;
pub mod event;
pub mod money;
pub mod names;
pub mod readers;
pub mod report;
pub mod sample;
pub mod secret;
pub mod usage;
pub mod verdict;
