//! Costs of a secret and of a scan, and the reconciliation with a bill.
//!
//! Entry: `cost`. May use: `base`, `inventory`, `report`.

pub mod bill;
pub mod cost;
pub mod scan_cost;
