//! Engines that count where the trail lies: Athena and Trino.
//!
//! An organization with billions of events a month does not pull its trail to one machine. The engine that stands next to
//! the data makes groups of its records by one query (`query`), and the groups fill a ledger as log files do ([`rows`]), so
//! that everything after it is the same code and gives the same report ([`reading`]). What differs between engines is a
//! port ([`crate::ports::SqlEngine`]): Trino's client is here ([`trino`]), Athena's is in `aws`.
//!
//! An engine counts each event once, but gives no ids of events, so its groups cannot be told from the same events in
//! another trail: a trail that is read by an engine is the only one of a scan.

pub mod ddl;
mod packing;
mod partition;
mod query;
pub mod reading;
pub mod rows;
mod table;
pub mod trino;
