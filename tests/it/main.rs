//! The integration tests: one binary, so that the SDK is linked once.

#![expect(
    unreachable_pub,
    reason = "modules of one binary: `pub` means for the other modules"
)]
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test that meets the unexpected fails where it stands, and reads from top to bottom"
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
