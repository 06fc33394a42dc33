//! The integration tests: one binary, so that the SDK is linked once.

mod tidy;
//! The integration tests: one binary, so that it is linked once.

mod aws;
mod aws_itself;
mod trail;
