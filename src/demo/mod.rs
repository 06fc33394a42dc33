//! The example organization of `secretsweep demo`: two accounts, three Regions, ninety days of trail.
//!
//! It is written as AWS writes it, so that the demo takes the tool's real path: `aws secretsmanager list-secrets`
//! output for every account and Region, who may read by IAM, and the log files of an organization trail. Every feature of the tool has a
//! secret in the cast that shows it, with the verdict a scan must come to. Around them are the everyday secrets of any
//! organization, so that all are 300.
//!
//! One [`Edition`] gives the same bytes on every run and platform: no clock, no I/O, chance only from a fixed seed. Names, ids
//! and addresses are made up or reserved for documentation. No value of any secret occurs, as in a real trail.

mod access;
mod call;
mod callers;
mod delivery;
mod edition;
mod everyday;
mod everyday_traffic;
mod hostile;
mod hygiene;
mod identity;
mod inventory;
mod json;
mod locations;
mod organization;
mod random;
mod record;
mod roles;
mod rotation;
mod script;
mod traffic;

use std::io;

use crate::domain::base::names::SECRETS_MANAGER;
use crate::domain::base::span::DAY_S;

pub use edition::Edition;
pub use roles::Cast;

/// The moment that the example counts from, in seconds since 1970-01-01T00:00:00Z: 2026-11-01T00:00:00Z. An [`Edition`] moves
/// all that is written from here to its own day.
const NOW: i64 = 1_793_491_200;
/// The number of days of the trail.
const DAYS: i64 = 90;
/// The time when the trail begins, in seconds since 1970.
const BEGIN: i64 = NOW - DAYS * DAY_S;

/// The organization's policy file.
fn policy(edition: Edition) -> String {
    format!(
        "\
# What this organization has agreed on. Every key is optional; `secretsweep rules` explains the rules.
[protect]
names = [\"break-glass/*\"]

[accounts]
111122223333 = \"production\"
444455556666 = \"staging\"

[findings]
on = [\"duplicate-name\", \"never-rotated\", \"no-description\"]
never_rotated_after = \"1200d\"
most_consumers = 10
most_secrets = 12
require_tls_1_3 = true
naming = [{{ account = \"111122223333\", prefix = \"legacy/\", pattern = \"^legacy/[a-z-]+/[a-z-]+$\" }}]
team = [{{ owner = \"stores\", readers = [\"warehouse-handhelds\"] }}]

[[mute]]
code = \"naming\"
name = \"legacy/report\"
reason = \"deleted when the old finance system is retired\"

[[mute]]
code = \"no-owner\"
name = \"experiments/*\"
reason = \"the experiments end with the quarter\"
until = \"{until}\"
",
        until = edition.day(32)
    )
}

/// Hands every file of the organization to `put`, with its relative path (`/` between folders) and its bytes.
///
/// `secretsweep.toml` first, then `inventory/<account>-<region>.json`, then `iam/...`, then `trail/AWSLogs/...` by account,
/// Region and time.
///
/// # Errors
/// The first error of `put` ends the writing and is returned; nothing else fails.
pub fn write(
    edition: Edition,
    put: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    put("secretsweep.toml", policy(edition).as_bytes())?;
    let calls = traffic::calls(edition);
    inventory::write(edition, &calls, put)?;
    access::write(edition, put)?;
    delivery::write(edition, &calls, put)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::Read;
    use std::sync::LazyLock;

    use serde::Deserialize;

    use super::everyday::SECRETS;
    use super::organization::SCOPES;
    use super::*;
    use crate::domain::base::span::HOUR_S;

    type Files = BTreeMap<String, Vec<u8>>;

    static FILES: LazyLock<Files> = LazyLock::new(|| written(leap_day()));
    static TRAIL: LazyLock<TestTrail> = LazyLock::new(|| read_trail(&FILES));

    /// A day that is not the one the example counts from.
    fn leap_day() -> Edition {
        Edition::of_day("2028-02-29T13:14:15Z".parse().unwrap())
    }

    fn written(edition: Edition) -> Files {
        let mut files = Files::new();
        write(edition, &mut |path, bytes| {
            let before = files.insert(path.to_owned(), bytes.to_vec());
            assert!(before.is_none(), "{path} comes twice");
            Ok(())
        })
        .unwrap();
        files
    }

    #[derive(Deserialize)]
    struct TestLog {
        #[serde(rename = "Records")]
        records: Vec<LogLine>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct LogLine {
        event_time: String,
        #[serde(rename = "eventID")]
        event_id: String,
        #[serde(rename = "sharedEventID")]
        shared_event_id: Option<String>,
        aws_region: String,
        recipient_account_id: String,
    }

    /// The facts about the trail that the tests need.
    #[derive(Default)]
    struct TestTrail {
        /// Hours with a record, as the first 13 characters of their time, by account and Region.
        hours: BTreeMap<(String, String), BTreeSet<String>>,
        /// The number of times that each event comes.
        events: BTreeMap<String, usize>,
        /// The recipients of each shared event.
        shared: BTreeMap<String, BTreeSet<String>>,
        /// Records whose time, account or Region does not fit the file they are in.
        misplaced: Vec<String>,
    }

    fn inflated(bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(bytes)
            .read_to_end(&mut text)
            .unwrap();
        text
    }

    fn is_log(path: &str) -> bool {
        path.starts_with("trail/") && !path.contains("/CloudTrail-Digest/")
    }

    fn read_trail(files: &Files) -> TestTrail {
        let mut trail = TestTrail::default();
        for (path, bytes) in files.iter().filter(|(path, _)| is_log(path)) {
            let log: TestLog = serde_json::from_slice(&inflated(bytes)).unwrap();
            assert!(!log.records.is_empty(), "{path} is empty");
            for line in log.records {
                let scope = (line.recipient_account_id, line.aws_region);
                let folder = format!("/{}/CloudTrail/{}/", scope.0, scope.1);
                if !path.contains(&folder) || line.event_time >= stamp(path) {
                    trail.misplaced.push(format!("{} in {path}", line.event_id));
                }
                if let Some(shared) = line.shared_event_id {
                    let recipients = trail.shared.entry(shared).or_default();
                    recipients.insert(scope.0.clone());
                }
                let hour = line.event_time[..13].to_owned();
                trail.hours.entry(scope).or_default().insert(hour);
                *trail.events.entry(line.event_id).or_default() += 1;
            }
        }
        trail
    }

    /// The moment of delivery in the name of a log file, in the form of an `eventTime`.
    fn stamp(path: &str) -> String {
        let stamp = path.rsplit('_').nth(1).unwrap();
        let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%MZ", stamp).unwrap();
        time.to_zoned(jiff::tz::TimeZone::UTC)
            .unwrap()
            .timestamp()
            .to_string()
    }

    #[test]
    fn two_runs_on_one_day_write_the_same_bytes() {
        let evening = Edition::of_day("2028-02-29T23:59:59Z".parse().unwrap());
        assert!(*FILES == written(evening));
    }

    #[test]
    fn hostile_names_are_added_and_change_no_other_secret() {
        let hostile = written(leap_day().with_hostile_names());
        let list = |files: &Files| -> Vec<serde_json::Value> {
            let lists = files
                .iter()
                .filter(|(path, _)| path.starts_with("inventory/1"));
            let parse = |bytes: &Vec<u8>| serde_json::from_slice::<serde_json::Value>(bytes);
            lists
                .flat_map(|(_, bytes)| {
                    parse(bytes).unwrap()["SecretList"]
                        .as_array()
                        .unwrap()
                        .clone()
                })
                .collect()
        };
        let (plain, mut all) = (list(&FILES), list(&hostile));
        all.retain(|one| plain.contains(one) || one["Name"].as_str().unwrap().contains(['=', '+']));
        assert_eq!(all.len(), plain.len() + 2);
        for (path, bytes) in FILES.iter().filter(|(path, _)| is_log(path)) {
            let text = String::from_utf8(inflated(bytes)).unwrap();
            assert!(
                !text.contains("evil") && !text.contains("<script>"),
                "{path}"
            );
        }
    }

    #[test]
    fn the_organization_is_small() {
        let blocks: usize = FILES
            .values()
            .map(|bytes| bytes.len().div_ceil(4_096))
            .sum();
        // Each secret has a file of its own with its policy, and each file takes a block at least.
        assert!(blocks * 4_096 < 20_000_000, "{blocks} blocks on disk");
    }

    #[test]
    fn an_error_of_the_writer_ends_the_writing() {
        let mut calls = 0;
        let result = write(leap_day(), &mut |_, _| {
            calls += 1;
            Err(io::Error::other("the disk is full"))
        });
        assert_eq!(result.unwrap_err().to_string(), "the disk is full");
        assert_eq!(calls, 1);
    }

    #[test]
    fn every_hour_but_those_of_the_hole_has_a_record() {
        let (account, region, from, until) = crate::demo::organization::HOLE;
        for &(own_account, own_region, _) in SCOPES {
            let activity = &TRAIL.hours[&(own_account.to_owned(), own_region.to_owned())];
            let first = leap_day().at(BEGIN).to_string();
            assert!(activity.first().unwrap()[..] >= first[..13]);
            assert!(activity.last().unwrap()[..] < leap_day().now().to_string()[..13]);
            for hour in 0..DAYS * 24 {
                let begin = NOW - DAYS * DAY_S + hour * HOUR_S;
                let missing = (own_account, own_region) == (account, region)
                    && (from..until).contains(&begin);
                let name = &leap_day().at(begin).to_string()[..13];
                assert_eq!(
                    activity.contains(name),
                    !missing,
                    "{own_account} {own_region} {name}"
                );
            }
        }
    }

    #[test]
    fn only_what_is_planned_lies_in_the_future() {
        const PLANNED: &[&str] = &["NextRotationDate"];
        for (path, bytes) in FILES
            .iter()
            .filter(|(path, _)| path.starts_with("inventory/"))
        {
            let list: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            for entry in list["SecretList"].as_array().into_iter().flatten() {
                for (key, value) in entry.as_object().unwrap() {
                    if !key.ends_with("Date") || PLANNED.contains(&key.as_str()) {
                        continue;
                    }
                    let date: jiff::Timestamp = value.as_str().unwrap().parse().unwrap();
                    assert!(date < leap_day().now(), "{path}: {key} {date}");
                }
            }
        }
    }

    #[test]
    fn records_lie_in_the_file_of_their_account_and_region_and_before_its_delivery() {
        assert_eq!(TRAIL.misplaced, Vec::<String>::new());
    }

    #[test]
    fn some_events_come_twice_and_some_calls_are_logged_by_two_accounts() {
        let twice = TRAIL.events.values().filter(|&&times| times == 2).count();
        assert!((50..500).contains(&twice), "{twice} events come twice");
        assert!(TRAIL.events.values().all(|&times| times <= 2));
        assert!(TRAIL.shared.len() > 500);
        assert!(TRAIL.shared.values().all(|accounts| accounts.len() == 2));
    }

    #[test]
    fn the_inventory_lists_the_cast_with_well_formed_arns() {
        let mut listed = 0;
        for &(account, region, _) in SCOPES {
            let bytes = &FILES[&format!("inventory/{account}-{region}.json")];
            let list: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            for entry in list["SecretList"].as_array().unwrap() {
                let name = entry["Name"].as_str().unwrap();
                let start = format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-");
                let suffix = entry["ARN"].as_str().unwrap().strip_prefix(&start).unwrap();
                assert_eq!(suffix.len(), 6, "{name}");
                assert!(suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                assert!(leap_day().cast().any(|cast| cast.account == account
                    && cast.region == region
                    && cast.name == name));
                listed += 1;
            }
        }
        assert_eq!(listed, leap_day().cast().count());
    }

    #[test]
    fn every_row_of_the_cast_says_what_it_shows_and_expects() {
        const REASONS: &[(&str, &[&str])] = &[
            ("delete", &["idle", "never-read", "maintenance-only"]),
            (
                "review",
                &[
                    "coverage-gap",
                    "described",
                    "failed-reads",
                    "iac-managed",
                    "sensitive-name",
                ],
            ),
            (
                "keep",
                &[
                    "recently-read",
                    "cached-reader",
                    "too-young",
                    "service-managed",
                    "protected-name",
                    "protected-tag",
                    "protected-until",
                    "pending-deletion",
                    "replica",
                    "replica-in-use",
                ],
            ),
        ];
        let shown: BTreeSet<_> = leap_day()
            .cast()
            .map(|cast| (cast.verdict, cast.reason))
            .collect();
        let known: BTreeSet<_> = REASONS
            .iter()
            .flat_map(|(verdict, codes)| codes.iter().map(|code| (*verdict, *code)))
            .collect();
        assert_eq!(
            shown, known,
            "each reason has a secret, and each secret a reason"
        );
        let names: BTreeSet<_> = SECRETS
            .iter()
            .map(|cast| (cast.account, cast.region, cast.name))
            .collect();
        assert_eq!(names.len(), SECRETS.len());
        assert!(SECRETS.iter().all(|cast| !cast.shows.is_empty()));
    }
}
