//! Parses the command line, runs it, exits. Nothing else.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    secretsweep::run(secretsweep::cli::Cli::parse()).into()
}
