//! The integration tests: one binary, so that the SDK is linked once.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected fails where it stands"
)]

mod aws;
mod aws_itself;
mod browser;
mod cleanup;
mod cost;
mod evidence;
mod fake;
mod figures;
mod live_adapters;
mod loops;
mod page;
mod spreadsheet;
mod tidy;
mod trail;
mod verdicts;
mod world;

/// The fixture of [`page`] names the domain as the crate itself does.
use secretsweep::domain;
