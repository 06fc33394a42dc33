//! Parses the command line, runs it, exits. Nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    secretsweep::run(secretsweep::cli::Cli::from_command_line(
        std::env::args_os().collect(),
    ))
    .into()
}
