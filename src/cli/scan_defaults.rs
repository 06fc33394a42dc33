//! The `[scan]` table of `secretsweep.toml`: what a scan reads and writes when the command line does not say it.
//!
//! A key is the option of `scan` without its dashes, and its value is checked by what checks the option. The rest of the
//! file is the policy, which [`crate::domain::policy::Policy`] reads. This reads no file and asks nobody.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::scan::{amount, known_code, window};
use super::{BillSource, Format, GroupBy, LiveArgs, PolicyScanArgs, ScanArgs, TrailSource};
use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region};
use crate::domain::policy::{Glob, duration, toml_fault};

/// What a file says of every scan. What it does not say is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of the file, as it is an option of the command line"
)]
pub struct ScanDefaults {
    inventory: Vec<PathBuf>,
    #[serde(deserialize_with = "all_parsed")]
    trail: Vec<TrailSource>,
    no_trail: bool,
    reach: bool,
    iam: Vec<PathBuf>,
    accounts: Vec<AccountId>,
    organization: bool,
    role_name: Option<String>,
    external_id: Option<String>,
    regions: Vec<Region>,
    profile: Option<String>,
    #[serde(deserialize_with = "of_duration")]
    lookup_budget: Option<Duration>,
    request_payer: bool,
    cache: Option<PathBuf>,
    #[serde(deserialize_with = "of_window")]
    window: Option<Duration>,
    out: Option<PathBuf>,
    overwrite: bool,
    #[serde(deserialize_with = "formats")]
    format: Vec<Format>,
    only: Vec<Glob>,
    exclude: Vec<Glob>,
    #[serde(deserialize_with = "grouping")]
    group_by: Option<GroupBy>,
    #[serde(deserialize_with = "all_parsed")]
    bill: Vec<BillSource>,
    #[serde(deserialize_with = "codes")]
    fail_on: Vec<String>,
    #[serde(deserialize_with = "dollars")]
    fail_above: Option<Money>,
    allow_partial: bool,
}

/// What is wrong with the table; the message names line, column and key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScanDefaultsError(String);

impl ScanDefaults {
    /// Reads the table out of the text of a file. A file without it says nothing.
    ///
    /// # Errors
    /// [`ScanDefaultsError`] for an unknown key, a bad value, and keys that exclude each other.
    pub fn parse(text: &str) -> Result<Self, ScanDefaultsError> {
        #[derive(Deserialize)]
        struct WholeFile {
            #[serde(default)]
            scan: ScanDefaults,
            #[serde(flatten)]
            _policy: IgnoredAny,
        }
        let of_toml = |error: toml::de::Error| ScanDefaultsError(toml_fault(text, &error));
        let file: WholeFile = toml::from_str(text).map_err(of_toml)?;
        file.scan.consistent()
    }

    /// Where each scan is written.
    pub fn out(&self) -> Option<&Path> {
        self.out.as_deref()
    }

    /// Refuses what no command line could say either.
    fn consistent(self) -> Result<Self, ScanDefaultsError> {
        let given = [
            ("inventory", !self.inventory.is_empty()),
            ("trail", !self.trail.is_empty()),
            ("no_trail", self.no_trail),
            ("accounts", !self.accounts.is_empty()),
            ("organization", self.organization),
            ("regions", !self.regions.is_empty()),
            ("reach", self.reach),
        ];
        let is_given = |key: &str| given.contains(&(key, true));
        let both = [
            ("accounts", "organization"),
            ("trail", "no_trail"),
            ("inventory", "accounts"),
            ("inventory", "organization"),
            ("inventory", "regions"),
            ("inventory", "reach"),
        ];
        match both
            .into_iter()
            .find(|(one, other)| is_given(one) && is_given(other))
        {
            Some((one, other)) => Err(ScanDefaultsError(format!(
                "`{one}` and `{other}` in `[scan]` exclude each other: remove one of them"
            ))),
            None => Ok(self),
        }
    }
}

impl ScanArgs {
    /// These arguments, with what they leave open taken from the file. An option that excludes another one excludes it
    /// in the file, too: the command line wins.
    #[must_use]
    pub fn or(mut self, file: ScanDefaults) -> Self {
        let from_files = !self.inventory.is_empty();
        if !from_files && !self.live.names_accounts() && self.live.regions.is_empty() {
            self.inventory = file.inventory;
        }
        let live = &mut self.live;
        if self.inventory.is_empty() {
            live.accounts_or(file.accounts, file.organization);
            or(&mut live.regions, file.regions);
            live.reach |= file.reach;
        }
        or(&mut self.iam, file.iam);
        if self.trail.is_empty() && !self.no_trail {
            self.trail = file.trail;
            self.no_trail = file.no_trail;
        }
        if live.role_name.is_none() {
            live.role_name = file.role_name;
            live.external_id = live.external_id.take().or(file.external_id);
        }
        live.profile = live.profile.take().or(file.profile);
        live.lookup_budget = live.lookup_budget.or(file.lookup_budget);
        live.request_payer |= file.request_payer;
        live.cache = live.cache.take().or(file.cache);
        if self.judging.month.is_none() {
            self.judging.window = self.judging.window.or(file.window);
        }
        self.out = self.out.or(file.out);
        self.overwrite |= file.overwrite;
        or(&mut self.format, file.format);
        or(&mut self.view.only, file.only);
        or(&mut self.view.exclude, file.exclude);
        or(&mut self.view.bill, file.bill);
        self.view.group_by = self.view.group_by.or(file.group_by);
        or(&mut self.fail_on, file.fail_on);
        self.fail_above = self.fail_above.or(file.fail_above);
        self.allow_partial |= file.allow_partial;
        self
    }

    /// What these arguments lack; known only after the file was read.
    ///
    /// # Errors
    /// What is missing, and what to type.
    pub fn complete(&self) -> Result<(), (String, &'static str)> {
        if !self.inventory.is_empty() && self.trail.is_empty() && !self.no_trail {
            return Err((
                "`--inventory` needs a trail".to_owned(),
                "name one with `--trail PATH`, or go without with `--no-trail`",
            ));
        }
        let option = match (self.live.organization, self.live.accounts.as_slice()) {
            (true, _) => "--organization",
            (false, [_, ..]) => "--accounts",
            (false, []) => return Ok(()),
        };
        match self.live.role_name {
            Some(_) => Ok(()),
            None => Err((
                format!("`{option}` needs the role to assume in those accounts"),
                "name it with `--role-name NAME`",
            )),
        }
    }
}

impl LiveArgs {
    fn names_accounts(&self) -> bool {
        self.organization || !self.accounts.is_empty()
    }

    fn accounts_or(&mut self, accounts: Vec<AccountId>, organization: bool) {
        if !self.names_accounts() {
            self.accounts = accounts;
            self.organization = organization;
        }
    }
}

impl PolicyScanArgs {
    /// These arguments, or, if they name no source at all, the sources of the file.
    #[must_use]
    pub fn or(mut self, file: ScanDefaults) -> Self {
        let names_accounts = self.organization || !self.accounts.is_empty();
        if !names_accounts {
            self.accounts = file.accounts;
            self.organization = file.organization;
        }
        if self.trail.is_empty() && !self.no_trail {
            self.trail = file.trail;
            self.no_trail = file.no_trail;
        }
        self.reach |= file.reach;
        self.role_name = self.role_name.or(file.role_name);
        or(&mut self.regions, file.regions);
        or(&mut self.bill, file.bill);
        self
    }
}

fn or<T>(given: &mut Vec<T>, file: Vec<T>) {
    if given.is_empty() {
        *given = file;
    }
}

fn checked<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    check(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn each<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let values: Result<Vec<T>, String> = texts.iter().map(|text| check(text)).collect();
    values.map_err(D::Error::custom)
}

fn all_parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    each(deserializer, |text| {
        text.parse().map_err(|error: T::Err| error.to_string())
    })
}

fn of_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    checked(deserializer, duration).map(Some)
}

fn of_window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    checked(deserializer, window).map(Some)
}

fn dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    checked(deserializer, amount).map(Some)
}

fn codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    each(deserializer, known_code)
}

fn formats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Format>, D::Error> {
    each(deserializer, word_of::<Format>)
}

fn grouping<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<GroupBy>, D::Error> {
    checked(deserializer, word_of::<GroupBy>).map(Some)
}

/// A value that the command line takes as one of some words.
fn word_of<T: clap::ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let words = T::value_variants()
            .iter()
            .filter_map(clap::ValueEnum::to_possible_value);
        let words: Vec<String> = words.map(|word| word.get_name().to_owned()).collect();
        format!("`{text}` is none of {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn args(line: &str) -> ScanArgs {
        let words = ["secretsweep", "scan"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Command::Scan(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    const FILE: &str = r#"
        idle = "90d"
        [scan]
        organization = true
        role_name = "audit"
        external_id = "ext"
        regions = ["us-east-1", "eu-west-1"]
        trail = ["s3://logs/org"]
        window = "7d"
        out = "reports/{date}"
        format = ["markdown", "sarif"]
        fail_on = ["high", "hot-loop"]
        fail_above = "50"
    "#;

    fn merged(line: &str) -> ScanArgs {
        args(line).or(ScanDefaults::parse(FILE).unwrap())
    }

    #[test]
    fn the_file_fills_what_the_command_line_leaves_open() {
        let scan = merged("");
        assert!(scan.live.organization);
        assert_eq!(scan.live.role_name.as_deref(), Some("audit"));
        assert_eq!(scan.live.regions.len(), 2);
        assert_eq!(
            scan.trail,
            [TrailSource::Bucket("s3://logs/org".to_owned())]
        );
        assert_eq!(scan.judging.window, Some(Duration::from_hours(24 * 7)));
        assert_eq!(scan.format, [Format::Markdown, Format::Sarif]);
        assert_eq!(scan.fail_above, Some(Money(50_000_000)));
        assert_eq!(scan.complete(), Ok(()));
    }

    #[test]
    fn the_command_line_wins_also_over_what_it_excludes() {
        let scan = merged(
            "--accounts 111122223333 --role-name other --no-trail --month 2026-10 --regions eu-west-1",
        );
        assert!(!scan.live.organization);
        assert_eq!(scan.live.accounts.len(), 1);
        assert_eq!(scan.live.role_name.as_deref(), Some("other"));
        assert_eq!(scan.live.external_id, None, "it belongs to the other role");
        assert!(scan.trail.is_empty() && scan.no_trail);
        assert_eq!(scan.judging.window, None);
        assert_eq!(scan.live.regions.len(), 1);
        let files = merged("--inventory inventory --trail trail");
        assert!(!files.live.organization && files.live.regions.is_empty());
        assert_eq!(files.trail, [TrailSource::Files("trail".into())]);
    }

    #[test]
    fn what_is_missing_is_known_after_the_file_was_read() {
        let nothing = ScanDefaults::default;
        assert!(args("--inventory x").or(nothing()).complete().is_err());
        assert!(args("--organization").or(nothing()).complete().is_err());
        assert!(
            args("--organization")
                .or(ScanDefaults::parse(FILE).unwrap())
                .complete()
                .is_ok()
        );
    }

    #[test]
    fn a_mistake_is_an_error_that_names_its_position_and_key() {
        for (text, position, what) in [
            (
                "[scan]\nregion = [\"us-east-1\"]",
                "line 2, column 1",
                "region",
            ),
            (
                "[scan]\nregions = [\"us east\"]",
                "line 2, column 11",
                "us east",
            ),
            (
                "[scan]\ntrail = [\"ftp://x\"]",
                "line 2, column 9",
                "ftp://",
            ),
            (
                "[scan]\nformat = [\"docx\"]",
                "line 2, column 10",
                "none of text",
            ),
            (
                "[scan]\nwindow = \"5m\"",
                "line 2, column 10",
                "shorter than an hour",
            ),
            (
                "[scan]\nfail_on = [\"loops\"]",
                "line 2, column 11",
                "loops",
            ),
            ("[scan]\naccounts = [\"123\"]", "line 2, column 12", "123"),
            (
                "[scan]\naccounts = [\"111122223333\"]\norganization = true",
                "",
                "`accounts` and `organization` in `[scan]` exclude each other",
            ),
        ] {
            let error = ScanDefaults::parse(text).unwrap_err().to_string();
            assert!(
                error.contains(position) && error.contains(what),
                "{text}: {error}"
            );
        }
        assert!(
            ScanDefaults::parse("idle = \"90d\"")
                .unwrap()
                .trail
                .is_empty()
        );
    }
}
