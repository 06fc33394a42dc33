//! The integration tests: one binary, so that the SDK is linked once.

#![expect(
    unreachable_pub,
    reason = "modules of one binary: `pub` means for the other modules"
)]
#![expect(
    clippy::disallowed_methods,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test fails where it meets the unexpected, reads from top to bottom, and may ask the clock for credentials"
)]

mod accessibility;
mod accrual;
mod analyse_fixture;
mod aws;
mod aws_itself;
mod bad_input;
mod bill_forms;
mod bills;
mod bombs;
mod browser;
mod callers;
mod cases;
mod cleanup;
mod cost;
mod credentials;
mod cross_output_consistency;
mod damaged;
mod demo;
mod emulator;
mod engine;
mod evidence;
mod exits;
mod fake;
mod finance;
mod findings;
mod first_month;
mod focus_validator;
mod full_trail_vs_reference;
mod fuzz;
mod fuzz_inputs;
mod habit;
mod help_lines;
mod hostile;
mod iam_scan;
mod limits;
mod listening;
mod live;
mod live_adapters;
mod live_bill;
mod live_log_group;
mod live_reach;
mod live_scale;
mod live_versions;
mod loops;
mod node;
mod page;
mod properties;
mod reach;
mod recipes;
mod reference_reader;
mod run_result;
mod sampled;
mod sarif;
mod saved;
mod scratch;
mod setup;
mod spreadsheet;
mod tidy;
mod trail;
mod verdicts;
mod walkthrough;
mod world;
mod year;

/// The fixture of [`page`] names the domain as the crate itself does.
use secretsweep::domain;
