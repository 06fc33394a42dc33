//! The ports on disk: sources of a scan and the ledgers that they fill, and the journal of an apply.

pub mod bill;
pub mod blob_store;
pub mod bounded;
pub mod cache;
pub mod iam;
pub mod inflate;
pub mod inventory;
pub mod journal;
pub mod ledger_pool;
pub mod log_file;
pub mod logs;
mod reading_progress;
pub mod scans;
pub mod snapshot;
pub mod store;
mod walk;
