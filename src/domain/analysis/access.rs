//! Who may read, joined with who does: the IAM data of a scan, if it was given, with the calls of the trail.

use std::collections::BTreeMap;

use super::Scan;
use crate::domain::reach::{
    AccessScan, IamData, ReachInput, UsedActions, access_findings, join, unjudged,
};
use crate::domain::report::result::{FindingRow, ReachReport};
use crate::domain::trail::calls::CallOutcome;

/// The parts of a report that come from IAM data.
#[derive(Default)]
pub(super) struct AccessResult {
    pub(super) reach: Option<ReachReport>,
    pub(super) findings: Vec<FindingRow>,
    /// Sentences about what was not given.
    pub(super) notes: Vec<String>,
}

impl Scan<'_> {
    /// Nothing without IAM data.
    pub(super) fn access(&self, data: Option<&IamData>) -> AccessResult {
        let Some(data) = data else {
            return AccessResult::default();
        };
        let used = self.used();
        let evidence = self.spans.evidence;
        let joined = join(&ReachInput {
            data,
            secrets: self.secrets,
            used: &used,
            is_covered: &|scope| self.cover.is_complete(scope, evidence),
            since: evidence.from,
            kept: &self.policy.findings.keep_access,
        });
        let findings = access_findings(&AccessScan {
            data,
            secrets: self.secrets,
            scopes: self.inventoried,
            policy: self.policy,
            joined: &joined,
        });
        AccessResult {
            reach: Some(joined.report),
            findings,
            notes: unjudged(data, self.secrets),
        }
    }

    /// The APIs that were called with success, by the role or user and the index of the secret.
    fn used(&self) -> BTreeMap<&str, UsedActions> {
        let mut used: BTreeMap<&str, UsedActions> = BTreeMap::new();
        for (secret_index, readers) in self.activity.secrets.iter().enumerate() {
            for (reader, calls) in readers {
                let ok = calls.evidence();
                for slice in ok.filter(|slice| slice.access.outcome == CallOutcome::Ok) {
                    let apis = used.entry(reader.identity.as_str()).or_default();
                    let api = slice.access.subject.api.to_string();
                    apis.by_secret.entry(secret_index).or_default().insert(api);
                }
            }
        }
        for calls in &self.activity.unattributed {
            let access = &calls.slice.access;
            if access.outcome == CallOutcome::Ok && access.subject.target.is_none() {
                let apis = used.entry(calls.reader.identity.as_str()).or_default();
                apis.without_secret.insert(access.subject.api.to_string());
            }
        }
        used
    }
}
