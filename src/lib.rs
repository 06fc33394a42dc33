//! **secretsweep**: what every secret in AWS Secrets Manager costs, who still uses it, and which ones can go.
//!
//! # The way of a number
//!
//! ```text
//! inventory files ─┐                                            ┌─ text, CSV, JSON, page
//!                  ├─ domain::analysis ── Report ── report::* ──┤
//! log files ── trail::record ── TrailEvent ── Ledger            └─ plan ── a person ── apply ── journal
//! ```
//!
//! [`files::logs`] inflates log files and [`domain::trail::record`] finds the events of Secrets Manager in their bytes.
//! The [`domain::trail::ledger::Ledger`] counts each event once. [`domain::analysis`] resolves the names in it to the
//! inventory ([`domain::usage::activity`]), recognizes the readers ([`domain::usage::fingerprints`]), decides how far the
//! trail can be trusted ([`domain::trail::coverage`]), calculates costs ([`domain::pricing::cost`]), finds the readers
//! that are loops ([`domain::judging::loops`]), and judges each secret by the table [`domain::judging::rules::RULES`].
//! The result is a [`domain::report::result::Report`]; everything that is written or shown is rendered from it.
//!
//! # The map
//!
//! The rooms of the domain have a table of their own in [`domain`].
//!
//! | Module | Holds | May use |
//! |---|---|---|
//! | [`domain`] | the rules, pure | itself |
//! | [`ports`] | what the tool needs from the world, in our words | `domain` |
//! | [`files`] | the world on disk | `ports`, `domain` |
//! | [`aws`] | AWS itself; the only place that names the SDK | `ports`, `domain` |
//! | [`engine`] | Athena and Trino: one query, and its rows into a ledger | `ports`, `domain` |
//! | [`cleanup`] | carrying out a plan, taking deletions back, watching for calls, what was done: over ports | `ports`, `domain` |
//! | [`compare`] | what changed between two reports | `domain` |
//! | [`trend`] | the months of finished scans, side by side | `compare`, `domain` |
//! | [`report`] | a report, a comparison or a trend, as bytes | `compare`, `domain`, `trend` |
//! | [`demo`] | the example organization | `domain` |
//! | [`cli`] | the command line | `domain` |
//! | `term` | the only stdout and stderr | `report` |
//! | `run` | one function for each command: puts the above together | `all` |
//!
//! The rooms `base`, `sampling` and `trail` of the domain are in `src/trail`, a package of its own, so that the tests can run
//! them optimised while the rest builds fast.
//!
//! The tests in `tests/it/tidy` read this table and the one of the rooms, and compare them with the code.
//!
//! # Where to change what
//!
//! - A finding: its code in [`domain::base::finding_kinds`], the search for it in [`domain::judging::findings`].
//! - A rule: a row of [`domain::judging::rules::RULES`] and its function beside it.
//! - A part of a cost: [`domain::base::money`] and [`domain::pricing::cost`].
//! - A log format: [`domain::trail::layout`] for its path, [`domain::trail::record`] for its bytes.
//! - What an engine counts, and how: [`engine`], with the query in its `query` module.
//! - The columns of the plan: [`domain::cleanup::plan_file`].
//! - A column of `secrets.csv`: [`report::csv`].
//! - A rule of IAM: [`domain::reach`], with a case in its tables; a condition key is a line of its `access` module.
//! - A sentence of the summary: [`report::text`]; of the messages for a comment or a chat: [`report::message`].
//!
//! # Invariants
//!
//! 1. `domain` does no I/O and reads no clock: "now" is a parameter.
//!    Test: `tidy::walls::the_world_is_touched_in_its_places_alone`.
//! 2. No code can read a secret's value: no port has such a method, and the SDK's are forbidden by name.
//!    Test: `tidy::no_code_can_read_a_value`, `aws_itself::secretsmanager::values_and_forced_deletions_are_violations`.
//! 3. No code can delete without recovery: [`ports::Vault::delete`] takes a [`ports::RecoveryWindow`] of 7 to 30 days, and
//!    the gate ([`aws::gate`]) lets no request out that has none or names the parameter that forces a deletion.
//!    Test: `tidy::no_code_can_ask_for_a_deletion_without_recovery`.
//! 4. One account, Region or file never aborts a scan: it becomes a [`domain::base::gap::Gap`].
//!    Test: `live_adapters::what_goes_wrong_in_one_scope_is_a_gap_and_the_rest_is_read`.
//! 5. Absence of events is not absence of use: only covered time may speak for deletion.
//!    Test: `damaged::whatever_happens_to_the_evidence_what_somebody_needs_is_never_deleted`.
//! 6. Every write to AWS has a journal entry before and after it.
//!    Test: `cleanup::kill::no_deletion_is_ever_lost_from_the_journal`.
//! 7. Text that other people wrote is escaped for the place it goes to ([`report::escape`]).
//!    Test: `hostile::the_terminal_gets_nothing_to_obey`, `hostile::the_page_runs_nothing_that_others_wrote`,
//!    `hostile::a_table_has_one_line_a_record_and_no_cell_starts_a_formula`.

pub mod aws;
pub mod cleanup;
pub mod cli;
pub mod compare;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod files;
pub mod ports;
pub mod report;
mod run;
mod term;
pub mod trend;

use std::process::ExitCode;

/// The ways in which the program ends, documented in `secretsweep --help` and in the README.
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
    term::Term::colour(match cli.color {
        cli::ColorWhen::Auto => term::Colours::OnTerminals,
        cli::ColorWhen::Always => term::Colours::Always,
        cli::ColorWhen::Never => term::Colours::Never,
    });
    match run::command(cli.command, &term) {
        Ok(exit) => exit,
        // Of a command that only shows something. One that did something ends as that went.
        Err(error) if term::is_broken_pipe(&error) => Exit::Done,
        Err(error) => {
            term::Term::error(&error, run::way_out(&error).as_deref());
            if error.is::<run::Misuse>() {
                Exit::Usage
            } else {
                Exit::Failed
            }
        }
    }
}
