//! secretsweep.

pub mod aws;
pub mod domain;
pub mod ports;
