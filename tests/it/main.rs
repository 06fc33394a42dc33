//! The integration tests: one binary, so that the SDK is linked once.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected fails where it stands"
)]

mod aws;
mod aws_itself;
mod cleanup;
mod cost;
mod evidence;
mod fake;
mod live_adapters;
mod loops;
mod tidy;
mod trail;
mod verdicts;
mod world;
