//! Files on this machine.

pub mod store;
