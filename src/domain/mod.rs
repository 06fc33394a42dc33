//! The rules of the tool as pure functions: no I/O, no clock, no async, no AWS.
//!
//! Each room uses only the rooms that its row names, which stand above it; a test compares this table with the code.
//!
//! | Room | Holds | May use |
//! |---|---|---|
//! | [`base`] | The vocabulary that every room shares: names, money, months, spans of time, gaps, and kinds of readers and findings. | nothing |
//! | [`iam`] | The least-privilege IAM policies, as data. | `base` |
//! | [`sampling`] | Statistics of an event history that is too long to read in full. | `base` |
//! | [`trail`] | The way from the bytes of a log file to a ledger of calls, and which hours a trail covers. | `base`, `sampling` |
//! | [`inventory`] | A secret and its tags as Secrets Manager describes them, never its value. | `base` |
//! | [`report`] | The canonical result of a scan, verdicts as data, and the sums over its rows. | `base`, `inventory`, `sampling` |
//! | [`policy`] | The settings that verdicts rest on, and the file they come from. | `base`, `trail` |
//! | [`usage`] | Who used which secret: calls resolved to the inventory, and callers recognized as kinds of readers. | `base`, `policy`, `trail` |
//! | [`reach`] | IAM policies evaluated, and joined with what was read: who may read a secret, and who does. | `base`, `inventory`, `policy`, `report` |
//! | [`pricing`] | Costs of a secret and of a scan, and the reconciliation with a bill. | `base`, `inventory`, `report` |
//! | [`setup`] | What an account has, the settings that fit it, and what a scan of it takes. | `base`, `inventory`, `pricing` |
//! | [`judging`] | The facts of a secret, the table of rules, findings and hot loops. | `base`, `inventory`, `policy`, `pricing`, `report`, `sampling`, `trail`, `usage` |
//! | [`analysis`] | The scan as a pure function, from inventory and ledger to a report. | `base`, `inventory`, `judging`, `policy`, `pricing`, `reach`, `report`, `sampling`, `trail`, `usage` |
//! | [`cleanup`] | The plan of deletions, its file, the preconditions of each deletion, and the journal. | `base`, `inventory`, `policy`, `report` |
//!
//! `base`, `sampling` and `trail` are in the package `secretsweep-trail`, whose first lines say why.

pub mod analysis;
pub mod cleanup;
#[cfg(test)]
pub(crate) mod fixture;
pub mod iam;
pub mod inventory;
pub mod judging;
pub mod policy;
pub mod pricing;
pub mod reach;
pub mod report;
pub mod setup;
pub mod usage;

pub use secretsweep_trail::{base, sampling, trail};
