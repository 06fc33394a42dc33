//! The integration tests: one binary, so that the SDK is linked once.

mod aws;
mod aws_itself;
mod cleanup;
mod evidence;
mod fake;
mod live_adapters;
mod tidy;
mod trail;
mod world;
