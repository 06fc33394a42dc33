//! The canonical result of a scan, verdicts as data, and the sums over its rows.
//!
//! Entry: `result::Report`. May use: `base`, `inventory`, `sampling`.

pub mod result;
pub mod sums;
pub mod verdict;
