//! One function a command: what it reads, in which order, what it writes, how it ends.
//!
//! The composition root: the only place that knows files, reports, the terminal and the command line at once. It holds
//! no rule of the domain.

mod bill;
mod cleanup;
mod compare;
mod demo;
mod gather;
mod iam;
mod live;
mod report;
mod rules;
mod scan;
mod session;
mod teller;

use anyhow::Result;
use clap::CommandFactory as _;

use crate::Exit;
use crate::cli::{Cli, Command};
use crate::term::Term;

/// How a command ends whose result was to be shown: as it went, not as showing it went. A reader that went away, such as
/// `head`, is neither a failure nor a success; what else kept it from being shown is told, and is a failure, unless there is
/// worse to tell: what was asked about was found.
fn shown(told: std::io::Result<()>, exit: Exit) -> Exit {
    let Err(error) = told else {
        return exit;
    };
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return exit;
    }
    Term::error(&anyhow::Error::from(error));
    match exit {
        Exit::Done | Exit::Partial => Exit::Failed,
        other => other,
    }
}

/// Runs one command.
pub(crate) fn command(command: Command, term: &Term) -> Result<Exit> {
    match command {
        Command::Demo(args) => demo::run(&args, term),
        Command::Scan(args) => scan::run(&args, term),
        Command::Report(args) => report::run(&args, term),
        Command::Plan(args) => cleanup::plan(&args, term),
        Command::Apply(args) => cleanup::apply(&args, term),
        Command::Watch(args) => cleanup::watch(&args, term),
        Command::Restore(args) => cleanup::restore(&args, term),
        Command::Status(args) => cleanup::status(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::IamPolicy(args) => iam::run(&args, term),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "secretsweep", &mut script);
            Term::data(&script)?;
            Ok(Exit::Done)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            Term::data(&page)?;
            Ok(Exit::Done)
        }
    }
}
