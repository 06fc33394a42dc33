//! **secretsweep**: what every secret in AWS Secrets Manager costs, who still uses it, and which ones can go.
//!
//! # The way of a number
//!
//! ```text
//! inventory files ─┐                                            ┌─ text, CSV, JSON, page
//!                  ├─ domain::analyse ── Report ── report::* ───┤
//! log files ── record ── Event ── Ledger (+ Coverage)           └─ plan ── a person ── apply ── journal
//! ```
//!
//! [`files::logs`] inflates log files and [`domain::record`] finds our service's events in their bytes. The
//! [`domain::ledger::Ledger`] counts each event once. [`domain::analyse`] resolves the names in it to the inventory
//! ([`domain::activity`]), says who the readers are ([`domain::readers`]), how far the trail can be trusted
//! ([`domain::coverage`]), what things cost ([`domain::cost`]), which readers are loops ([`domain::loops`]), and judges
//! each secret by the table [`domain::rules::RULES`]. The result is a [`domain::report::Report`]; everything that is
//! written or shown is rendered from it.
//!
//! # The map
//!
//! | Module | Holds | May use |
//! |---|---|---|
//! | [`domain`] | the rules, pure | itself |
//! | [`ports`] | what the tool needs from the world, in our words | `domain` |
//! | [`files`] | the world on disk | `ports`, `domain` |
//! | [`aws`] | AWS itself; the only place that names the SDK | `ports`, `domain` |
//! | [`apply`], [`watch`], [`status`] | carrying out a plan, who still asks, what was done: over ports | `ports`, `domain` |
//! | [`restore`] | taking deletions back | `apply`, `ports`, `domain` |
//! | [`compare`] | what changed between two reports | `domain` |
//! | [`report`] | a report, or a comparison, as bytes | `compare`, `domain` |
//! | [`demo`] | the example organization | `domain` |
//! | [`cli`] | the command line | `domain` |
//! | `term` | the only stdout and stderr | `report`, to escape what it shows |
//! | `run` | one function a command: puts the above together | all |
//!
//! `tests/it/tidy.rs` holds each to this.
//!
//! # Invariants
//!
//! Each is kept by a test in `tests/it/tidy.rs` or by a list in `.clippy.toml`.
//!
//! 1. `domain` does no I/O and reads no clock: "now" is a parameter.
//! 2. No code can read a secret's value: no port has such a method, and the SDK's are forbidden by name.
//! 3. No code can delete without recovery: [`ports::Vault::delete`] takes a [`ports::RecoveryWindow`] of 7 to 30 days, and
//!    the gate ([`aws::gate`]) lets no request out that has none or names the parameter that forces a deletion.
//! 4. One account, Region or file never aborts a scan: it becomes a [`domain::report::Gap`].
//! 5. Absence of events is not absence of use: only covered time may speak for deletion.
//! 6. Every write to AWS has a journal entry before and after it.
//! 7. Text that other people wrote is escaped for the place it goes to ([`report::escape`]).

pub mod apply;
pub mod aws;
pub mod cli;
pub mod compare;
pub mod demo;
pub mod domain;
pub mod files;
pub mod ports;
pub mod report;
pub mod restore;
mod run;
pub mod status;
mod term;
pub mod watch;

use std::process::ExitCode;

/// How the program ends. Documented in `secretsweep --help` and in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked is done.
    Done,
    /// It failed; the message says why.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Done, but a part of what was asked could not be read.
    Partial,
    /// Done, and something was found that `--fail-on` or `--fail-above` asked about.
    Found,
    /// `watch` found somebody asking for a secret that is scheduled for deletion.
    Asked,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partial => 3,
            Exit::Found => 4,
            Exit::Asked => 5,
        })
    }
}

/// Runs the program as the command line asks. Errors are printed here, but for those that do not decide how it ends.
pub fn run(cli: cli::Cli) -> Exit {
    run::environment::without_empty_variables();
    let term = term::Term::new(cli.quiet);
    match run::command(cli.command, &term) {
        Ok(exit) => exit,
        // Of a command that only shows something. One that did something ends as that went.
        Err(error) if term::is_broken_pipe(&error) => Exit::Done,
        Err(error) => {
            term::Term::error(&error);
            if error.is::<run::Misuse>() {
                Exit::Usage
            } else {
                Exit::Failed
            }
        }
    }
}
