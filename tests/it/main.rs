//! The integration tests: one binary, so that it is linked once.

mod aws;
mod aws_itself;
mod live_adapters;
