//! The rules of the tool as pure functions: no I/O, no clock, no async, no AWS.

pub mod activity;
pub mod analyse;
pub mod cost;
pub mod coverage;
pub mod event;
pub mod findings;
pub mod iam;
pub mod layout;
pub mod loops;
pub mod money;
pub mod month;
pub mod names;
pub mod policy;
pub mod readers;
pub mod record;
pub mod report;
pub mod sample;
pub mod secret;
pub mod usage;
pub mod verdict;
