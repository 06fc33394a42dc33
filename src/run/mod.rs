//! One function a command: what it reads, in which order, what it writes, how it ends.
//!
//! The composition root: the only module that knows files, reports, the terminal and the command line at once. It holds
//! no rule of the domain.

mod bill;
mod cleanup;
mod compare;
mod demo;
mod engine;
pub(crate) mod environment;
mod explain;
mod iam;
mod init;
mod interrupt;
mod latest;
mod live;
mod output;
mod progress;
mod reach_intake;
mod reader;
mod report;
mod rules;
mod scan;
mod scan_paths;
mod scan_plan;
mod session;
mod sources;
mod trail_ddl;
mod trend;
mod way_out;

use anyhow::Result;
use clap::CommandFactory as _;

use crate::Exit;
use crate::cli::{Cli, Command, LATEST};
use crate::domain::cleanup::journal_location::JournalLocation;
use crate::term::Term;

pub(crate) use way_out::{Misuse, way_out};

/// Returns how a command ends whose result was to be shown: as it went, not as showing it went. A reader that went
/// away, such as `head`, is neither a failure nor a success; any other reason why it could not be shown is reported,
/// and is a failure, unless there is something worse to report: what was asked about was found.
fn shown(told: std::io::Result<()>, exit: Exit) -> Exit {
    let Err(error) = told else {
        return exit;
    };
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return exit;
    }
    Term::error(&anyhow::Error::from(error), None);
    match exit {
        Exit::Done | Exit::Partial => Exit::Failed,
        other => other,
    }
}

/// The manual page of the program, or of the command whose words these are.
fn manual(words: &[String]) -> Result<Vec<u8>> {
    let mut top = Cli::command();
    top.build();
    let mut command = &top;
    for word in words {
        let of = command.get_bin_name().unwrap_or(command.get_name());
        let names: Vec<&str> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        command = command.find_subcommand(word).ok_or_else(|| {
            let names = names.join(", ");
            let help = match names.as_str() {
                "" => format!("`secretsweep man` with the words of `{of}` alone prints its page"),
                names => format!("the commands are: {names}"),
            };
            Misuse::new(format!("`{of}` has no command `{word}`"), help)
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}

/// Runs one command.
pub(crate) fn command(command: Command, term: &Term) -> Result<Exit> {
    match command {
        Command::Demo(args) => demo::run(&args, term),
        Command::Init(args) => init::run(&args, term),
        Command::Scan(mut args) => {
            latest::previous(args.view.previous.as_mut(), None)?;
            scan::run(*args, term)
        }
        Command::Report(mut args) => {
            latest::scan(&mut args.dir, "", term)?;
            latest::previous(args.view.previous.as_mut(), Some(&args.dir))?;
            report::run(&args, term)
        }
        Command::Explain(args) => explain::run(&args, term),
        Command::Reader(args) => reader::run(&args, term),
        Command::Plan(mut args) => {
            latest::scan(&mut args.dir, "", term)?;
            cleanup::plan(&args, term)
        }
        Command::Review(mut args) => {
            latest::plan(&mut args.plan, term)?;
            cleanup::review(&args, term)
        }
        Command::Apply(mut args) => {
            if args.execute && latest::is_word(&args.plan) {
                let why = "`--execute` needs the plan that you reviewed, and none is named";
                return Err(Misuse::new(why, "name it: `secretsweep apply PLAN --execute`").into());
            }
            latest::plan(&mut args.plan, term)?;
            cleanup::apply(&args, term)
        }
        Command::Watch(mut args) => {
            if args.journal.is_none() {
                let plan = args.plan.get_or_insert_with(|| LATEST.into());
                latest::plan(plan, term)?;
            }
            cleanup::watch(&args, term)
        }
        Command::Restore(args) => cleanup::restore(&args, term),
        Command::Status(mut args) => {
            if let JournalLocation::File(path) = &mut args.journal {
                latest::plan(path, term)?;
            }
            cleanup::status(&args)
        }
        Command::Compare(args) => compare::run(&args, term),
        Command::Trend(args) => trend::run(&args, term),
        Command::Rules(args) => rules::run(&args),
        Command::IamPolicy(args) => iam::run(&args, term),
        Command::TrailDdl(args) => trail_ddl::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "secretsweep", &mut script);
            Term::bytes(&script)?;
            Ok(Exit::Done)
        }
        Command::Man { command } => {
            Term::bytes(&manual(&command)?)?;
            Ok(Exit::Done)
        }
    }
}
