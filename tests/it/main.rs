//! The integration tests: one binary, so that the SDK is linked once.

mod aws;
mod aws_itself;
mod cost;
mod evidence;
mod live_adapters;
mod loops;
mod tidy;
mod trail;
mod verdicts;
mod world;
