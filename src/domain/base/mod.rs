//! The vocabulary that every room shares: names, money, months, spans of time, gaps, kinds of readers and findings, and
//! text that is in UTF-16.
//!
//! Entry: its modules, each with one type. May use: no other room.

pub mod finding_kinds;
pub mod gap;
pub mod money;
pub mod month;
pub mod names;
pub mod object_address;
pub mod reader_kind;
pub mod span;
pub mod utf_16;
