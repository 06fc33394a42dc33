//! The way from the bytes of a log file to a ledger of calls, and which hours a trail covers.
//!
//! Entry: `record` reads records, `ledger::Ledger` counts them. May use: `base`, `sampling`.

pub mod calls;
pub mod cell;
pub mod cells;
pub mod coverage;
pub mod dedup;
pub mod event;
pub mod global_events;
pub mod layout;
pub mod ledger;
pub mod record;
pub mod recording;
pub mod sessions;
pub mod unread;
