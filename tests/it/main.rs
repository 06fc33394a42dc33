//! The integration tests: one binary, so that the SDK is linked once.

mod aws;
mod aws_itself;
mod evidence;
mod live_adapters;
mod tidy;
mod trail;
mod world;
