//! The rules of the tool as pure functions: no I/O, no clock, no async, no AWS.

pub mod event;
pub mod journal;
pub mod money;
pub mod names;
pub mod plan;
pub mod plan_csv;
pub mod readers;
pub mod report;
pub mod seal;
pub mod secret;
pub mod verdict;
