//! The log files of the organization's trail: names, folders and gzip as AWS delivers them.
//!
//! One difference is on purpose: AWS delivers every five minutes, which would be 150,000 small files. Here a file holds
//! four or twelve hours of one account and Region. As in real trails the day of a path is the day of delivery, some
//! records come twice, a digest lies beside the logs, and in one account and Region the logs are missing for twelve
//! days.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};

use super::call::Call;
use super::edition::Edition;
use super::organization::{HOLE, SCOPES};
use super::random::SplitMix;
use super::record;
use super::{DAYS, NOW};
use crate::demo::locations::{PRODUCTION, VIRGINIA};
use crate::domain::base::span::{DAY_S, HOUR_S};

const ORGANIZATION: &str = "o-exampleorg1";
/// Delivery is some minutes after the last event of a file.
const DELAY: i64 = 300;

/// Writes `trail/AWSLogs/...`: every log file, and one digest.
pub(super) fn write(
    edition: Edition,
    calls: &[Call],
    put: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    for &(account, region, hours) in SCOPES {
        let mut random = SplitMix::named(&format!("trail {account} {region}"));
        let own: Vec<&Call> = calls
            .iter()
            .filter(|call| call.account == account && call.region == region && !in_hole(call))
            .collect();
        let mut rest = own.as_slice();
        let mut end = NOW - DAYS * DAY_S + hours * HOUR_S;
        while end <= NOW {
            let (slot, later) = rest.split_at(rest.partition_point(|call| call.at < end));
            rest = later;
            let file = DemoDelivery {
                edition,
                account,
                region,
                delivered: end + DELAY,
            };
            deliver(file, slot, &mut random, put)?;
            end += hours * HOUR_S;
        }
    }
    digest(edition, put)
}

fn in_hole(call: &Call) -> bool {
    let (account, region, from, until) = HOLE;
    call.account == account && call.region == region && (from..until).contains(&call.at)
}

/// Writes the log file of a slot, and now and then a second one that repeats some of its records.
fn deliver(
    file: DemoDelivery,
    slot: &[&Call],
    random: &mut SplitMix,
    put: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    if slot.is_empty() {
        return Ok(());
    }
    // The records of a file are in no order that a reader may rely on. Those of one client together pack best.
    let mut slot = slot.to_vec();
    slot.sort_by_key(|call| (call.caller.role, call.client));
    let mut last = None;
    let mut records = Vec::with_capacity(slot.len());
    for call in slot {
        let mut json = Vec::with_capacity(2_048);
        record::write(&mut json, call, file.edition, &mut last, random)?;
        records.push(json);
    }
    let path = file.path(random);
    put(&path, &log_file(&records)?)?;
    if file.is_repeated() {
        let path = file.path(random);
        put(&path, &log_file(&records[..records.len().min(60)])?)?;
    }
    Ok(())
}

/// One delivery: where its records are from, and when it comes.
#[derive(Clone, Copy)]
struct DemoDelivery {
    edition: Edition,
    account: &'static str,
    region: &'static str,
    delivered: i64,
}

impl DemoDelivery {
    /// Two deliveries of production happen to repeat records.
    fn is_repeated(self) -> bool {
        let days = (NOW + DELAY - self.delivered) / DAY_S;
        let noon = (self.delivered - DELAY).rem_euclid(DAY_S) == 12 * HOUR_S;
        self.account == PRODUCTION && self.region == VIRGINIA && noon && matches!(days, 1 | 8)
    }

    fn path(self, random: &mut SplitMix) -> String {
        let Self {
            account, region, ..
        } = self;
        let time = self.edition.at(self.delivered);
        let day = time.strftime("%Y/%m/%d");
        let stamp = time.strftime("%Y%m%dT%H%MZ");
        let unique = random.letters(16);
        format!(
            "trail/AWSLogs/{ORGANIZATION}/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{stamp}_{unique}.json.gz"
        )
    }
}

fn log_file(records: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(records.iter().map(|record| record.len() + 1).sum());
    text.extend_from_slice(b"{\"Records\":[");
    for (number, record) in records.iter().enumerate() {
        if number > 0 {
            text.push(b',');
        }
        text.extend_from_slice(record);
    }
    text.extend_from_slice(b"]}");
    gzip(&text)
}

/// Gzip without a time of its own, so that the same text gives the same bytes.
fn gzip(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .write(Vec::with_capacity(text.len() / 8), Compression::new(6));
    encoder.write_all(text)?;
    encoder.finish()
}

/// One digest of the kind that lies beside the logs when validation is on. It holds no records.
fn digest(edition: Edition, put: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut random = SplitMix::named("digest");
    let minutes_before = |minutes: i64| edition.at(NOW - minutes * 60);
    let end = minutes_before(5);
    let text = format!(
        concat!(
            r#"{{"awsAccountId":"{account}","digestStartTime":"{start}","#,
            r#""digestEndTime":"{end}","digestS3Bucket":"example-organization-trail","#,
            r#""digestPublicKeyFingerprint":"{fingerprint}","digestSignatureAlgorithm":"SHA256withRSA","#,
            r#""newestEventTime":"{newest}","oldestEventTime":"{oldest}","logFiles":[]}}"#
        ),
        account = PRODUCTION,
        start = minutes_before(65),
        end = end,
        newest = minutes_before(9),
        oldest = minutes_before(80),
        fingerprint = random.uuid().replace('-', ""),
    );
    let path = format!(
        "trail/AWSLogs/{ORGANIZATION}/{PRODUCTION}/CloudTrail-Digest/{VIRGINIA}/{day}/{PRODUCTION}_CloudTrail-Digest_{VIRGINIA}_organization-trail_{VIRGINIA}_{stamp}.json.gz",
        day = end.strftime("%Y/%m/%d"),
        stamp = end.strftime("%Y%m%dT%H%M%SZ"),
    );
    put(&path, &gzip(text.as_bytes())?)
}
