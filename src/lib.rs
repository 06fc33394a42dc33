//! secretsweep.

pub mod apply;
pub mod demo;
pub mod domain;
pub mod files;
pub mod ports;
pub mod report;
pub mod restore;
pub mod status;
pub mod watch;
