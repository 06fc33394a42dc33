//! The rules of the tool as pure functions: no I/O, no clock, no async, no AWS.

pub mod activity;
pub mod analyse;
pub mod bill;
pub mod case;
pub mod classify;
pub mod cost;
pub mod coverage;
pub mod event;
pub mod findings;
#[cfg(test)]
pub(crate) mod fixture;
pub mod iam;
pub mod journal;
pub mod layout;
pub mod ledger;
pub mod loops;
pub mod money;
pub mod month;
pub mod names;
pub mod own;
pub mod plan;
pub mod plan_csv;
pub mod policy;
pub mod protection;
pub mod readers;
pub mod record;
pub mod report;
pub mod rules;
pub mod sample;
pub mod seal;
pub mod secret;
pub mod seen;
pub mod sums;
pub mod tags;
pub mod usage;
pub mod verdict;
