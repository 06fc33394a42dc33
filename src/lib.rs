//! secretsweep.

pub mod demo;
pub mod domain;
pub mod ports;
pub mod files;
