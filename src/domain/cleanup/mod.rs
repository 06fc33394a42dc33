//! The plan of deletions, its file, the preconditions of each deletion, and the journal.
//!
//! Entry: `plan::draft`. May use: `base`, `inventory`, `policy`, `report`.

pub mod journal;
pub mod journal_location;
pub mod plan;
pub mod plan_file;
pub mod precondition;
pub mod resource_policy;
pub mod review;
