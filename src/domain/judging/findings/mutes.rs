//! Mutes: findings that the policy file accepts stay in the report, marked with the reason.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::general;
use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::money::counted;
use crate::domain::base::names::AccountId;
use crate::domain::base::reader_kind::name_of;
use crate::domain::inventory::secret::day_of;
use crate::domain::policy::{Glob, Mute, Policy};
use crate::domain::report::result::FindingRow;

/// Marks the findings that the policy mutes today, and adds one for each mute that has ended and would hide something.
/// Returns sentences about the mutes that fit no finding.
pub fn mute(findings: &mut Vec<FindingRow>, policy: &Policy, now: Timestamp) -> Vec<String> {
    let mut idle = Vec::new();
    let mut ended = Vec::new();
    for mute in &policy.mutes {
        let is_over = mute.until.is_some_and(|until| day_of(now) > until);
        let mut hidden = 0;
        for row in findings.iter_mut().filter(|row| fits(mute, row)) {
            hidden += 1;
            if !is_over {
                row.muted.get_or_insert_with(|| mute.reason.clone());
            }
        }
        match mute.until {
            _ if hidden == 0 => idle.push(format!(
                "The mute of {} fits no finding: the policy file does not need it.",
                description(mute)
            )),
            Some(until) if is_over => {
                let text = format!(
                    "the mute of {} ended on {until}; {} shown again",
                    description(mute),
                    counted(hidden, "finding that it hid is", "findings that it hid are")
                );
                let mut row = general(FindingCode::ExpiredMute, text);
                row.evidence = format!("reason: {}", mute.reason);
                ended.push(row);
            }
            _ => {}
        }
    }
    ended.retain(|row| policy.findings.is_on(&row.code));
    findings.extend(ended);
    idle
}

fn fits(mute: &Mute, row: &FindingRow) -> bool {
    let by_name = |glob: &Glob| {
        glob.fits(&row.name) || row.arn.as_ref().is_some_and(|arn| glob.fits(arn.as_str()))
    };
    let by_reader = |glob: &Glob| {
        let reader = row.reader.as_deref();
        reader.is_some_and(|reader| glob.fits(reader) || glob.fits(name_of(reader)))
    };
    mute.code == row.code
        && mute.name.as_ref().is_none_or(by_name)
        && mute.reader.as_ref().is_none_or(by_reader)
        && (mute.account.is_none() || mute.account == row.account)
}

/// The mute as its owner wrote it: code, then the signs that narrow it.
fn description(mute: &Mute) -> String {
    let mut text = format!("`{}`", mute.code);
    let mut add = |what: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = write!(text, " {what} `{value}`");
        }
    };
    add("for", mute.name.as_ref().map(Glob::pattern));
    add("by", mute.reader.as_ref().map(Glob::pattern));
    add("in", mute.account.as_ref().map(AccountId::as_str));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, reader: &str) -> FindingRow {
        FindingRow {
            name: name.to_owned(),
            reader: Some(reader.to_owned()),
            account: "111122223333".parse().ok(),
            ..general(FindingCode::FailingReads, "a sentence".to_owned())
        }
    }

    /// Returns how a mute of `failing-reads` with these signs ends: the reasons on two findings, how many findings
    /// there are then, and how many sentences about idle mutes.
    fn muted(signs: &str) -> ([Option<String>; 2], usize, usize) {
        let text = format!("[[mute]]\ncode = \"failing-reads\"\nreason = \"why\"\n{signs}");
        let policy = Policy::parse(&text).unwrap();
        let now = "2026-11-01T00:00:00Z".parse().unwrap();
        let reader = "arn:aws:iam::111122223333:role/jobs";
        let mut rows = vec![row("legacy/db", reader), row("new/db", "monitor")];
        let idle = mute(&mut rows, &policy, now);
        let reasons = [rows[0].muted.clone(), rows[1].muted.clone()];
        (reasons, rows.len(), idle.len())
    }

    #[test]
    fn a_mute_holds_what_fits_all_its_signs_until_its_last_day() {
        let why = || Some("why".to_owned());
        for (signs, reasons, rows, idle) in [
            ("", [why(), why()], 2, 0),
            ("name = \"legacy/*\"", [why(), None], 2, 0),
            ("reader = \"jobs\"", [why(), None], 2, 0),
            ("reader = \"*:role/*\"", [why(), None], 2, 0),
            ("account = \"111122223333\"", [why(), why()], 2, 0),
            ("account = \"444455556666\"", [None, None], 2, 1),
            (
                "name = \"legacy/*\"\nreader = \"monitor\"",
                [None, None],
                2,
                1,
            ),
            // The last day counts.
            ("until = \"2026-11-01\"", [why(), why()], 2, 0),
            // An ended mute is a finding, unless it would hide nothing.
            ("until = \"2026-10-31\"", [None, None], 3, 0),
            ("until = \"2026-10-31\"\nname = \"x\"", [None, None], 2, 1),
        ] {
            assert_eq!(muted(signs), (reasons, rows, idle), "{signs}");
        }
    }
}
