//! The command line: what may be typed, and what it means. Parsing validates, it never does anything.

mod cleanup;
mod iam;
mod init;
mod scan;
mod scan_defaults;
mod suggest;
mod trail_ddl;
mod view;

pub use cleanup::{
    ApplyArgs, AwsArgs, NowArg, PlanArgs, RestoreArgs, RestoreTarget, ReviewArgs, StatusArgs,
    WatchArgs,
};
pub use iam::{IamPolicyArgs, PolicyApplyArgs, PolicyFor, PolicyInitArgs, PolicyScanArgs};
pub use init::InitArgs;
pub use scan::{AnalysisArgs, DemoArgs, LiveArgs, PriceSource, ScanArgs, TrailSource};
pub use scan_defaults::{ScanDefaults, ScanDefaultsError};
pub use trail_ddl::{SqlDialect, TrailDdlArgs};
pub use view::{
    BillSource, CompareArgs, CompareFormat, ExplainArgs, FocusNumber, Format, GroupBy, ReaderArgs,
    ReportArgs, RulesArgs, RulesFormat, SplitBy, TrendArgs, TrendFormat, View,
};

use std::ffi::OsString;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use suggest::suggested;

/// What stands for the latest scan or plan where none is named.
pub const LATEST: &str = "latest";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line is wrong
  3  done, but a part of what was asked could not be read (0 with --allow-partial)
  4  done, and --fail-on or --fail-above found something, or a budget of the policy file is exceeded
  5  `watch` found somebody asking for a secret that is scheduled for deletion

secretsweep never reads the value of a secret.";

/// Find out what each secret in AWS Secrets Manager costs, who uses it, and which ones you can delete
#[derive(Debug, Parser)]
#[command(version, styles = STYLES, after_help = EXIT_CODES, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    /// Show only results and errors
    #[arg(long, short, global = true, display_order = 900)]
    pub quiet: bool,
    /// When to use colours: `always`, `never`, or `auto`: on a terminal, unless `NO_COLOR` is set
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        display_order = 901
    )]
    pub color: ColorWhen,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads a command line, the program's name first. Where it is wrong, or asks for help, that is printed and the process
    /// ends.
    #[must_use]
    pub fn from_command_line(words: Vec<OsString>) -> Self {
        // clap prints help and errors before it has read all options.
        let colour = match asked_colour(&words) {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        let matches = Self::command().color(colour).get_matches_from(words);
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// What `--color` says, wherever it stands; the last one wins, as for clap.
fn asked_colour(words: &[OsString]) -> ColorWhen {
    let words: Vec<&str> = words
        .iter()
        .map(|word| word.to_str().unwrap_or_default())
        .take_while(|word| *word != "--")
        .collect();
    let apart = words.windows(2).rev().find_map(|pair| match pair {
        ["--color", when] => Some(*when),
        [_, word] => word.strip_prefix("--color="),
        _ => None,
    });
    apart
        .and_then(|when| ColorWhen::from_str(when, false).ok())
        .unwrap_or(ColorWhen::Auto)
}

/// When text for people has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless the environment asks for none.
    Auto,
    /// Also in a pipe.
    Always,
    /// Not on a terminal either.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a small example organization to DIR and scan it; needs no AWS account
    Demo(DemoArgs),
    /// Ask your AWS account what it has, and write secretsweep.toml for scans of it
    Init(InitArgs),
    /// Show what each secret costs, who uses it, and whether it can be deleted
    Scan(Box<ScanArgs>),
    /// Show a finished scan again, with another format, filter or grouping
    Report(ReportArgs),
    /// Explain one secret: what it costs, who calls, who may read it, which rules apply, and what to do
    #[command(visible_alias = "who")]
    Explain(ExplainArgs),
    /// Show one role or user: what it reads, what it may read, and the policy that allows what it used
    Reader(ReaderArgs),
    /// Write the deletions that a finished scan suggests to a file for review
    Plan(PlanArgs),
    /// Decide on each line of a plan with keys, and write the decisions to its file
    Review(ReviewArgs),
    /// Check a reviewed plan against AWS; with --execute, schedule its deletions
    Apply(Box<ApplyArgs>),
    /// Show who still requests secrets that are pending deletion
    Watch(Box<WatchArgs>),
    /// Restore deleted secrets, while the recovery window lasts
    Restore(Box<RestoreArgs>),
    /// Show what was done for a plan, what is open, and what was saved so far
    Status(StatusArgs),
    /// Show what changed between two scans: new, gone, more or less expensive, newly idle, fixed loops
    Compare(CompareArgs),
    /// Show the months of all finished scans below a folder: cost, owners, savings, and the next month
    Trend(TrendArgs),
    /// List every rule, or explain one: what it means and how to fix it
    Rules(RulesArgs),
    /// Print the least-privilege IAM policy for a scan or for deletions, as JSON
    IamPolicy(IamPolicyArgs),
    /// Print the definition of a table over a trail's bucket, for `scan --trail athena://...` or `trino://...`
    TrailDdl(TrailDdlArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page of the program, or of one command
    #[command(after_help = "\
Examples:
  secretsweep man | man -l -
  secretsweep man scan > secretsweep-scan.1
  secretsweep man iam-policy apply")]
    Man {
        /// The command to show the manual page of, such as `scan` or `iam-policy apply` [default: the program]
        #[arg(value_name = "COMMAND", value_parser = suggested(|text| Ok(text.to_owned()), commands), hide_possible_values = true)]
        command: Vec<String>,
    },
}

/// The names of all commands; the command line asks for them while it is built.
fn commands() -> Vec<&'static str> {
    vec![
        "demo",
        "init",
        "scan",
        "report",
        "explain",
        "reader",
        "plan",
        "review",
        "apply",
        "watch",
        "restore",
        "status",
        "compare",
        "trend",
        "rules",
        "iam-policy",
        "trail-ddl",
        "completions",
        "man",
    ]
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_that_a_shell_suggests_are_those_there_are() {
        let top = Cli::command();
        let names: Vec<&str> = top.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(commands(), names);
        top.debug_assert();
    }
}
