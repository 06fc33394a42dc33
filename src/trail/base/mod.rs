//! The vocabulary that every room shares: names, money, months, spans of time, gaps, kinds of readers and findings,
//! text that is in UTF-16, and text that a spreadsheet takes for a formula. The enums of words in file formats are defined by one macro.
//!
//! Entry: its modules, each with one type. May use: no other room.

pub mod allocation_rule;
pub mod finding_kinds;
pub mod formula;
pub mod gap;
pub mod log_group;
pub mod money;
pub mod month;
pub mod names;
pub mod nearest;
pub mod object_address;
pub mod reader_kind;
pub mod span;
pub mod utf_16;
mod words;

pub use words::words;
