//! secretsweep.

pub mod compare;
pub mod demo;
pub mod domain;
pub mod files;
pub mod ports;
pub mod report;
