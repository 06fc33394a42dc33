//! secretsweep.

pub mod domain;
pub mod files;
pub mod ports;
