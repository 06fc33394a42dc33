//! What an account has, for somebody who sets the tool up: which sources a scan should read, and what that will take.
//!
//! Entry: `SetupFacts`. May use: `base`, `inventory`, `pricing`.
//!
//! Nothing here is evidence: a scan finds out again what it needs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::domain::base::gap::Gap;
use crate::domain::base::money::Price;
use crate::domain::base::names::{AccountId, Region};
use crate::domain::pricing::scan_cost::ScanCost;

pub mod settings_file;

/// A trail of CloudTrail, as far as the caller may know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DescribedTrail {
    /// Its ARN. Other people chose the name in it.
    pub arn: String,
    /// The Region in which it was made.
    pub home: Option<Region>,
    /// The bucket that it delivers to.
    pub bucket: String,
    /// The prefix in the bucket, which may be empty.
    pub prefix: String,
    /// `true` if it logs every Region.
    pub all_regions: bool,
    /// `true` if it logs every account of the organization.
    pub organization: bool,
    /// The key that encrypts its files, if it is a customer-managed one.
    pub key: Option<String>,
    /// The trail logs now; `None`: nobody may ask.
    pub logs: Option<bool>,
    /// The trail logs management events that read; `None`: nobody may ask.
    pub logs_reads: Option<bool>,
}

impl DescribedTrail {
    /// Returns why a scan cannot rest on it; `None`: it can, as far as is known.
    pub fn objection(&self) -> Option<&'static str> {
        if self.logs == Some(false) {
            Some("it is switched off")
        } else if self.logs_reads == Some(false) {
            Some("it does not log reads")
        } else {
            None
        }
    }

    /// Returns where its files are, as `--trail` takes it.
    pub fn location(&self) -> String {
        match self.prefix.trim_matches('/') {
            "" => format!("s3://{}", self.bucket),
            prefix => format!("s3://{}/{prefix}", self.bucket),
        }
    }
}

/// The answer to whether the caller's account belongs to an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrganizationSeen {
    /// It does, and its open accounts can be listed: so many.
    Members(usize),
    /// It does not.
    None,
    /// The account may not list accounts: it is a member, or the permission is missing. The words say which call failed.
    Hidden(String),
}

/// The source of the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallSource {
    /// These trails' buckets.
    Trails(Vec<DescribedTrail>),
    /// The event history of CloudTrail, for the reason that is given.
    History(String),
}

/// The facts that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupFacts {
    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub partition: String,
    /// The caller's account.
    pub account: AccountId,
    /// The day on which it was asked, in UTC.
    pub day: Date,
    /// The organization.
    pub organization: OrganizationSeen,
    /// The role that is assumed in other accounts, if one was given.
    pub role: Option<(String, Option<String>)>,
    /// The profile, if one was given.
    pub profile: Option<String>,
    /// The accounts that were asked.
    pub accounts: usize,
    /// The Regions that were asked.
    pub asked: BTreeSet<Region>,
    /// The secrets in each Region that has some.
    pub secrets: BTreeMap<Region, u64>,
    /// The Regions that could not be read, in some account.
    pub unread: BTreeSet<Region>,
    /// All trails that were found.
    pub trails: Vec<DescribedTrail>,
    /// The source of the calls.
    pub calls: CallSource,
    /// The effort of a scan.
    pub effort: ScanEffort,
    /// The parts that could not be read.
    pub gaps: Vec<Gap>,
}

impl SetupFacts {
    /// Returns whether the scan covers the whole organization.
    pub fn is_organization(&self) -> bool {
        matches!(self.organization, OrganizationSeen::Members(_)) && self.role.is_some()
    }

    /// The Regions that a scan should read: those with secrets, and those of which nobody knows.
    pub fn regions(&self) -> BTreeSet<&Region> {
        self.secrets.keys().chain(&self.unread).collect()
    }
}

/// The trails that together log the reads of all these Regions: one for all Regions, or one for each Region. None if there
/// are no such trails. `whole` asks for those of an organization first.
pub fn fitting(
    trails: &[DescribedTrail],
    regions: &BTreeSet<&Region>,
    whole: bool,
) -> Vec<DescribedTrail> {
    let usable = || trails.iter().filter(|trail| trail.objection().is_none());
    let wide = usable().filter(|trail| trail.all_regions);
    let best = wide.max_by_key(|trail| {
        let known = trail.logs.is_some() && trail.logs_reads.is_some();
        (
            trail.organization == whole,
            known,
            std::cmp::Reverse(trail.arn.as_str()),
        )
    });
    if let Some(best) = best {
        return vec![best.clone()];
    }
    let of = |region: &Region| usable().find(|trail| trail.home.as_ref() == Some(region));
    let each: Option<Vec<_>> = regions.iter().map(|region| of(region).cloned()).collect();
    each.unwrap_or_default()
}

/// The effort that one scan asks of AWS, before it has begun.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanEffort {
    /// Requests that list secrets.
    pub lists: u64,
    /// Requests that list a bucket.
    pub bucket_lists: u64,
    /// Log files; as many a day as on the day that was looked at.
    pub files: u64,
    /// Their bytes, as stored.
    pub bytes: u64,
    /// Requests to the event history, over all Regions; `None`: it could not be found out.
    pub lookups: Option<u64>,
    /// The most of them for one account and Region: these follow one another, two a second.
    pub longest: u64,
}

impl ScanEffort {
    /// Secrets on a page of `ListSecrets` (AWS API reference).
    pub const PAGE: u64 = 100;

    /// The days of a trail that a scan reads: the idle time of 90 days, and the day of delivery after it.
    pub const DAYS: u64 = 91;

    /// The seconds that the event history takes, at the two requests a second that AWS allows for one account and Region
    /// (CloudTrail API reference, `LookupEvents`).
    pub fn lookup_seconds(&self) -> u64 {
        self.longest.div_ceil(2)
    }

    /// The seconds that the log files take at so many bytes a second.
    pub fn seconds_at(&self, bytes_a_second: u64) -> u64 {
        self.bytes.div_ceil(bytes_a_second.max(1))
    }

    /// Returns what the requests cost, at these prices of Secrets Manager and AWS's list prices of S3.
    pub fn cost(&self, price: Option<&Price>) -> ScanCost {
        let calls = [
            ("secretsmanager:ListSecrets", self.lists),
            ("s3:ListBucket", self.bucket_lists),
            ("s3:GetObject", self.files),
        ];
        let calls = calls.into_iter().filter(|(_, count)| *count > 0);
        let calls = calls.map(|(action, count)| (action.to_owned(), count));
        ScanCost::new(calls.collect(), price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn trail(name: &str, home: &str) -> DescribedTrail {
        DescribedTrail {
            arn: format!("arn:aws:cloudtrail:{home}:111122223333:trail/{name}"),
            home: Region::new(home).ok(),
            bucket: format!("{name}-logs"),
            prefix: String::new(),
            all_regions: false,
            organization: false,
            key: None,
            logs: Some(true),
            logs_reads: Some(true),
        }
    }

    #[test]
    fn a_scan_rests_on_trails_that_log_the_reads_of_each_region() {
        let wide = |name: &str| DescribedTrail {
            all_regions: true,
            ..trail(name, "us-east-1")
        };
        let whole = DescribedTrail {
            organization: true,
            ..wide("org")
        };
        let off = DescribedTrail {
            logs: Some(false),
            ..wide("off")
        };
        let writes = DescribedTrail {
            logs_reads: Some(false),
            ..wide("writes")
        };
        let [east, west] = [trail("east", "us-east-1"), trail("west", "eu-west-1")];
        let cases = [
            (vec![whole.clone(), wide("own")], true, vec!["org"]),
            (vec![whole.clone(), wide("own")], false, vec!["own"]),
            (vec![whole], false, vec!["org"]),
            (vec![off.clone(), writes.clone()], false, vec![]),
            (
                vec![off, east.clone(), west, writes],
                false,
                vec!["west", "east"],
            ),
            (vec![east], false, vec![]),
        ];
        let regions: Vec<Region> = ["us-east-1", "eu-west-1"]
            .iter()
            .flat_map(|name| Region::new(name))
            .collect();
        let regions = regions.iter().collect();
        for (trails, asks_for_all, expect) in cases {
            let names: Vec<String> = fitting(&trails, &regions, asks_for_all)
                .into_iter()
                .map(|trail| trail.bucket.trim_end_matches("-logs").to_owned())
                .collect();
            assert_eq!(names, expect);
        }
    }

    #[test]
    fn effort_is_priced_by_request_and_timed_by_what_follows_one_another() {
        let effort = ScanEffort {
            lists: 0,
            bucket_lists: 10,
            files: 1_000,
            bytes: 25_000_000,
            lookups: Some(500),
            longest: 301,
        };
        assert_eq!(effort.cost(None).usd.unwrap().to_string(), "0.000450");
        assert_eq!(effort.lookup_seconds(), 151);
        assert_eq!(effort.seconds_at(10_000_000), 3);
    }
}
