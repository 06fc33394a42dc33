//! What AWS's layout of a trail says about a file, from its path alone.
//!
//! CloudTrail delivers to
//! `[prefix/]AWSLogs/[o-organization/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz`
//! (CloudTrail User Guide, "Finding your CloudTrail log files" and "CloudTrail log file examples"). People copy such
//! files into flat folders, and tools rename them inside the folders: the folders and the name each count alone.
//!
//! Nothing here opens a file. A path that says nothing is no mistake: the file is then judged by what it holds.

use std::ops::RangeInclusive;

use crate::base::span::{DAY_S, HOUR_S};
use crate::trail::record::time;
use crate::trail::unread::Unread;

/// Days since 1970-01-01, UTC.
pub type Day = u32;

/// The kind of a file, among those that CloudTrail writes side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFileKind {
    /// Events: the only kind worth reading here.
    Log,
    /// Hashes of log files (`CloudTrail-Digest`).
    Digest,
    /// Unusual rates of calls (`CloudTrail-Insight`), not calls.
    Insight,
}

/// The facts that the path of a file in AWS's layout states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailFile<'a> {
    /// The account the file was delivered for, 12 digits.
    pub account: &'a str,
    /// The Region the file was delivered for.
    pub region: &'a str,
    /// The day of delivery. `None` when the folders and the name disagree: then nobody should rely on either.
    pub day: Option<Day>,
    /// The moment of delivery, in seconds since 1970, where the name holds it.
    pub delivered: Option<i64>,
    /// Log, digest or insight.
    pub kind: LogFileKind,
}

/// The time by which the events of a file may lie before its delivery, in seconds. CloudTrail delivers about five minutes
/// after a call, which is not guaranteed (CloudTrail User Guide, "How CloudTrail works").
const DELIVERY_SECONDS: i64 = HOUR_S;

impl TrailFile<'_> {
    /// Returns whether the file can hold events of `[from, to)`, both in seconds since 1970-01-01T00:00:00Z.
    ///
    /// The path holds the time of delivery, minutes after the events: an event of 23:58 lies in the next day's
    /// folder. So the days asked for go from the day of `from` to one day past the day of `to`.
    #[must_use]
    pub fn may_hold(&self, from: i64, to: i64) -> bool {
        let is_near = |day| days_around(from, to).contains(&i64::from(day));
        self.day.is_none_or(|day| from < to && is_near(day))
    }
}

/// The days of delivery whose files can hold events of `[from, to)`, as [`TrailFile::may_hold`] says.
pub fn days_around(from: i64, to: i64) -> RangeInclusive<i64> {
    from.div_euclid(DAY_S)..=to.div_euclid(DAY_S) + 1
}

/// Returns what AWS's layout says of a `/`-separated path or S3 key; `None` when the path is not in that layout.
#[must_use]
pub fn trail_file(path: &str) -> Option<TrailFile<'_>> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    match (from_folders(folders), from_name(name)) {
        (Some(folders), Some(name)) => {
            let agree = name.day == folders.day;
            Some(TrailFile {
                day: name.day.filter(|_| agree),
                delivered: name.delivered.filter(|_| agree),
                ..name
            })
        }
        (folders, name) => folders.or(name),
    }
}

/// The time, account and Region of which a file or folder that could not be read may speak; `None`: it is plainly no
/// part of a trail.
#[must_use]
pub fn unread(path: &str) -> Option<Unread> {
    if other_service(path).is_some() {
        return None;
    }
    let Some(file) = trail_file(path).or_else(|| from_folders(path)) else {
        if let Some((account, region)) = above_the_days(path) {
            return Some(Unread::always(Some((account.into(), region.into()))));
        }
        return (!is_plainly_other(path)).then(|| Unread::always(None));
    };
    let scope = Some((file.account.into(), file.region.into()));
    if file.kind != LogFileKind::Log {
        return None;
    }
    let day = |day: Day| {
        let midnight = i64::from(day) * DAY_S;
        (midnight - DELIVERY_SECONDS, midnight + DAY_S)
    };
    // The name holds minutes; its minute may go on after the delivery began.
    let minute = |at: i64| (at - DELIVERY_SECONDS, at + 60);
    match file.delivered.map(minute).or(file.day.map(day)) {
        Some((from, to)) => Some(Unread { scope, from, to }),
        None => Some(Unread::always(scope)),
    }
}

/// The account and the Region of a folder above the folders of days.
fn above_the_days(path: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = path.split('/').collect();
    let index = parts.iter().rposition(|part| *part == "AWSLogs")?;
    let below = match &parts[index + 1..] {
        [first, rest @ ..] if first.starts_with("o-") => rest,
        below => below,
    };
    match below {
        [account, "CloudTrail", region, ..] => Some((account_id(account)?, region_name(region)?)),
        _ => None,
    }
}

/// Returns whether the name of a file says that it holds JSON or is compressed, as exports of a trail are.
#[must_use]
pub fn is_named_like_records(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [".json", ".gz", ".jsonl", ".ndjson", ".log"]
        .iter()
        .any(|ending| lower.ends_with(ending))
}

/// Endings of names that no log of CloudTrail and no export of it has.
const OTHER_ENDINGS: [&str; 9] = [
    ".md", ".txt", ".html", ".pdf", ".png", ".toml", ".sh", ".py", ".sha256",
];

fn is_plainly_other(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let lower = name.to_ascii_lowercase();
    name.starts_with('.') || OTHER_ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// The service whose log a file is, where AWS's layout says that it is not CloudTrail's:
/// `AWSLogs/[o-id/]account/SERVICE/...`, `AWSLogs/aws-account-id=account/aws-service=SERVICE/...`, or the name
/// `account_SERVICE_region_...`. Services deliver their logs side by side into one bucket.
#[must_use]
pub fn other_service(path: &str) -> Option<&str> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    // Where people moved files, the name is surer than the folders.
    if from_name(name).is_some() {
        return None;
    }
    let parts: Vec<&str> = folders.split('/').collect();
    let by_folder = parts
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, part)| **part == "AWSLogs")
        .find_map(|(index, _)| service_below(&parts[index + 1..]));
    by_folder
        .or_else(|| {
            let mut parts = name.split('_');
            account_id(parts.next()?)?;
            let service = parts.next()?;
            region_name(parts.next()?)?;
            Some(service)
        })
        .filter(|service| {
            kind(service).is_none() && region_name(service).is_none() && *service != LAKE
        })
}

/// The folder of what CloudTrail Lake saves to S3 (CloudTrail User Guide, "Find your CloudTrail Lake saved query results").
const LAKE: &str = "CloudTrail-Lake";

/// Returns whether a file is the signature beside a result that CloudTrail Lake saved.
#[must_use]
pub fn is_signature_of_lake(path: &str) -> bool {
    let parts = || path.split('/');
    parts().next_back() == Some("result_sign.json") && parts().any(|part| part == LAKE)
}

fn service_below<'a>(parts: &[&'a str]) -> Option<&'a str> {
    let parts = match parts {
        [first, rest @ ..] if first.starts_with("o-") => rest,
        parts => parts,
    };
    let [account, service, ..] = parts else {
        return None;
    };
    if account.starts_with("aws-account-id=") {
        return service.strip_prefix("aws-service=");
    }
    account_id(account)?;
    Some(service)
}

/// The day of a folder that is, or lies in, a day's folder of AWS's layout.
#[must_use]
pub fn day_folder(path: &str) -> Option<Day> {
    from_folders(path)?.day
}

/// Reads `.../AWSLogs/[o-id/]account/CloudTrail/region/YYYY/MM/DD`. A prefix may itself be called `AWSLogs`: the last
/// one that fits counts.
fn from_folders(folders: &str) -> Option<TrailFile<'_>> {
    let parts: Vec<&str> = folders.split('/').collect();
    parts
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, part)| **part == "AWSLogs")
        .find_map(|(index, _)| below_aws_logs(&parts[index + 1..]))
}

fn below_aws_logs<'a>(parts: &[&'a str]) -> Option<TrailFile<'a>> {
    let parts = match parts {
        [first, rest @ ..] if first.starts_with("o-") => rest,
        parts => parts,
    };
    let [account, service, region, year, month, day, ..] = parts else {
        return None;
    };
    Some(TrailFile {
        account: account_id(account)?,
        region: region_name(region)?,
        day: Some(day_number(year, month, day)?),
        delivered: None,
        kind: kind(service)?,
    })
}

/// Reads `account_CloudTrail_region_YYYYMMDDTHHmmZ_unique...`; digests put the trail and its home Region before the
/// time, and give it seconds.
fn from_name(name: &str) -> Option<TrailFile<'_>> {
    let mut parts = name.split('_');
    let account = account_id(parts.next()?)?;
    let kind = kind(parts.next()?)?;
    let region = region_name(parts.next()?)?;
    let delivered = parts.find_map(|part| minute(part.split('.').next().unwrap_or(part)))?;
    Some(TrailFile {
        account,
        region,
        day: u32::try_from(delivered.div_euclid(DAY_S)).ok(),
        delivered: Some(delivered),
        kind,
    })
}

fn kind(service: &str) -> Option<LogFileKind> {
    match service {
        "CloudTrail" => Some(LogFileKind::Log),
        "CloudTrail-Digest" => Some(LogFileKind::Digest),
        "CloudTrail-Insight" => Some(LogFileKind::Insight),
        _ => None,
    }
}

fn account_id(text: &str) -> Option<&str> {
    (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

fn region_name(text: &str) -> Option<&str> {
    let fits = text.contains('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    fits.then_some(text)
}

fn day_number(year: &str, month: &str, day: &str) -> Option<Day> {
    let date = [year, month, day].join("-");
    let midnight = time::seconds(format!("{date}T00:00:00Z").as_bytes())?;
    u32::try_from(midnight / DAY_S).ok()
}

/// Reads `YYYYMMDDTHHmmZ`, or with seconds `YYYYMMDDTHHmmSSZ`.
fn minute(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z')?;
    let (date, clock) = digits.split_once('T')?;
    if date.len() != 8 || !matches!(clock.len(), 4 | 6) || !text.is_ascii() {
        return None;
    }
    let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
    let (hour, minute) = (&clock[..2], &clock[2..4]);
    time::seconds(format!("{year}-{month}-{day}T{hour}:{minute}:00Z").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOV_23: Day = 20_780;

    #[test]
    fn folders_and_name_each_tell_the_scope() {
        let name = "111122223333_CloudTrail_eu-west-1_20261123T0855Z_AbCdEfGhIjKlMnOp.json.gz";
        let folders = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/23";
        for path in [
            format!("{folders}/{name}"),
            format!("logs/of/us/{folders}/{name}"),
            format!("{folders}/renamed.json"),
            name.to_owned(),
            format!("flat/{name}"),
            format!("AWSLogs/o-a1b2c3/111122223333/CloudTrail/eu-west-1/2026/11/23/{name}"),
        ] {
            let file = trail_file(&path).unwrap_or_else(|| panic!("{path} is in the layout"));
            assert_eq!(
                (file.account, file.region),
                ("111122223333", "eu-west-1"),
                "{path}"
            );
            assert_eq!(
                (file.day, file.kind),
                (Some(NOV_23), LogFileKind::Log),
                "{path}"
            );
        }
    }

    #[test]
    fn digests_and_insights_are_told_apart_by_folder_or_name() {
        for (path, kind) in [
            (
                "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/23/x.json.gz",
                LogFileKind::Digest,
            ),
            (
                "111122223333_CloudTrail-Digest_us-east-1_main_trail_us-east-1_20261123T085500Z.json.gz",
                LogFileKind::Digest,
            ),
            (
                "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/11/23/x.json.gz",
                LogFileKind::Insight,
            ),
            (
                "111122223333_CloudTrail-Insight_us-east-1_20261123T0855Z_a.json.gz",
                LogFileKind::Insight,
            ),
        ] {
            assert_eq!(trail_file(path).map(|file| file.kind), Some(kind), "{path}");
        }
    }

    #[test]
    fn other_paths_are_not_in_the_layout() {
        for path in [
            "",
            "/",
            "README.txt",
            "AWSLogs/111122223333/Config/us-east-1/2026/11/23/x.json.gz",
            "AWSLogs/11112222333/CloudTrail/us-east-1/2026/11/23/x.json.gz",
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/13/23/x.json.gz",
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11",
            "111122223333_CloudTrail_us-east-1_20261123T9955Z_x.json.gz",
            "111122223333_CloudTrail_us-east-1_2026\u{e9}123T0855Z_x.json.gz",
        ] {
            assert_eq!(trail_file(path), None, "{path}");
        }
    }

    #[test]
    fn logs_of_other_services_are_known_by_folder_or_name() {
        let account = "AWSLogs/o-a1b2c3/111122223333";
        for (path, service) in [
            (
                format!("{account}/Config/ConfigWritabilityCheckFile"),
                Some("Config"),
            ),
            (
                format!("{account}/vpcflowlogs/eu-west-1/2026/11/23/x.log.gz"),
                Some("vpcflowlogs"),
            ),
            (
                format!("{account}/CloudTrail/eu-west-1/2026/11/23/x.json.gz"),
                None,
            ),
            (
                format!("{account}/CloudTrail-Digest/eu-west-1/2026/11/23/x.json.gz"),
                None,
            ),
            (
                "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/x.log.gz".to_owned(),
                Some("vpcflowlogs"),
            ),
            (
                "flat/111122223333_elasticloadbalancing_us-east-1_app.x.log.gz".to_owned(),
                Some("elasticloadbalancing"),
            ),
            (
                "flat/111122223333_CloudTrail_us-east-1_20261123T0855Z_a.json.gz".to_owned(),
                None,
            ),
            ("events.json.gz".to_owned(), None),
            (
                format!(
                    "{account}/us-east-1/2026/11/23/111122223333_CloudTrail_us-east-1_20261123T0855Z_a.json.gz"
                ),
                None,
            ),
            (format!("{account}/us-east-1/2026/11/23/x.json.gz"), None),
        ] {
            assert_eq!(other_service(&path), service, "{path}");
        }
    }

    #[test]
    fn what_could_not_be_read_is_a_hole_of_its_time_and_scope() {
        let folder = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23";
        let (start, hour) = (i64::from(NOV_23) * DAY_S, 3_600);
        let here = Some(("111122223333".into(), "us-east-1".into()));
        let hole = |from, to| {
            Some(Unread {
                scope: here.clone(),
                from,
                to,
            })
        };
        let at = start + 8 * hour + 55 * 60;
        for (path, expected) in [
            (
                format!("{folder}/111122223333_CloudTrail_us-east-1_20261123T0855Z_a.json.gz"),
                hole(at - hour, at + 60),
            ),
            (
                format!("{folder}/renamed.json.gz"),
                hole(start - hour, start + 24 * hour),
            ),
            (folder.to_owned(), hole(start - hour, start + 24 * hour)),
            (
                format!("{folder}/111122223333_CloudTrail_us-east-1_20200101T0855Z_a.json.gz"),
                hole(i64::MIN, i64::MAX),
            ),
            (folder.replace("/2026/11/23", ""), hole(i64::MIN, i64::MAX)),
            ("trail/export.json".to_owned(), Some(Unread::always(None))),
            ("trail/README.md".to_owned(), None),
            (
                "AWSLogs/111122223333/Config/us-east-1/2026/11/23/x.gz".to_owned(),
                None,
            ),
            (
                folder.replace("CloudTrail", "CloudTrail-Digest") + "/x.gz",
                None,
            ),
        ] {
            assert_eq!(unread(&path), expected, "{path}");
        }
    }

    #[test]
    fn the_day_after_the_end_still_counts_and_doubt_reads_the_file() {
        let noon = |day: Day| i64::from(day) * DAY_S + 43_200;
        let file = |day| TrailFile {
            account: "111122223333",
            region: "eu-west-1",
            day,
            delivered: None,
            kind: LogFileKind::Log,
        };
        let held: Vec<Day> = (NOV_23 - 5..NOV_23 + 5)
            .filter(|&day| file(Some(day)).may_hold(noon(NOV_23 - 1), noon(NOV_23)))
            .collect();
        assert_eq!(held, [NOV_23 - 1, NOV_23, NOV_23 + 1]);
        assert!(file(None).may_hold(noon(1), noon(2)));
        let moved = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/111122223333_CloudTrail_us-east-1_20261123T0855Z_a.json.gz";
        assert_eq!(trail_file(moved).expect("in the layout").day, None);
    }
}
