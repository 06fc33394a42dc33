//! The hours of one log file, until it is known what the file proves.
//!
//! CloudTrail delivers a file every few minutes, and a quiet one may well hold one call. A file of more than a day is an
//! export, and one whose records are a selection ([`RecordSelection`]) proves nothing by itself: whole log files
//! beside it say nothing of the time of the others. Whether all files of an account and Region together are a selection
//! is judged later, by [`Coverage`].
//!
//! Global events beside other records of their home Region in one file are like these.

use std::collections::HashMap;

use super::{Coverage, RecordSelection};
use crate::trail::event::Variety;
use crate::trail::global_events::{home_of, pseudo_region_of};

/// More hours than this between the first and the last record of a file: it is an export.
const EXPORT_HOURS: u32 = 24;

/// An hour since 1970-01-01T00:00:00Z, and whether it has a record that only reads.
type FileHour = (u32, bool);

/// An account and a Region, as a file has them.
type FileScope = (Box<str>, Box<str>);

/// The hours of the file that is read, by account and Region.
#[derive(Debug, Default)]
pub struct FileHours {
    hours: HashMap<FileScope, Vec<FileHour>>,
    /// The variety of the global events of each scope of which the file has other records, too.
    global: HashMap<FileScope, Variety>,
}

impl FileHours {
    /// Notes that the file has a management event of this hour.
    pub fn add(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        self.hours
            .entry((account.into(), region.into()))
            .or_default()
            .push((hour, read_only));
    }

    /// The file ends: gives its hours of an account and Region to the coverage, with how varied its records there are.
    pub fn end(&mut self, account: &str, region: &str, variety: &Variety, coverage: &mut Coverage) {
        let scope: FileScope = (account.into(), region.into());
        let mut hours = self.hours.remove(&scope).unwrap_or_default();
        if let Some(home) = home_of(region) {
            let home: FileScope = (account.into(), home.into());
            if let Some(own) = self.hours.get_mut(&home) {
                own.append(&mut hours);
                self.global.insert(home, variety.clone());
                return;
            }
        }
        let mut variety = variety.clone();
        if pseudo_region_of(region).is_some()
            && let Some(global) = self.global.remove(&scope)
        {
            variety.merge(&global);
        }
        if spans_more(&hours) && RecordSelection::of(&variety).is_some() {
            coverage.selected(account, region, hours.iter().map(|hour| hour.0));
        } else {
            for (hour, read_only) in hours {
                coverage.active_hour(account, region, hour, read_only);
            }
        }
        coverage.variety(account, region, &variety);
    }
}

fn spans_more(hours: &[FileHour]) -> bool {
    let hours = || hours.iter().map(|hour| hour.0);
    match (hours().min(), hours().max()) {
        (Some(first), Some(last)) => last - first > EXPORT_HOURS,
        _ => false,
    }
}
