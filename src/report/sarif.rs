//! `findings.sarif`: findings in SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), which code-scanning
//! pages read.
//!
//! A finding is the same from scan to scan if its code, its secret and its reader are: counts and days in its sentence
//! change, its fingerprint does not. Muted findings are suppressed, not left out.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::escape::one_line;
use crate::domain::base::finding_kinds::{FINDINGS, FindingKind, Severity};
use crate::domain::base::names::{AccountId, Region};
use crate::domain::report::result::{FindingRow, Report};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the findings.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|row| {
            let key = fingerprint(row);
            let times = seen.entry(key.clone()).or_default();
            *times += 1;
            result(row, &format!("{key}:{times}"))
        })
        .collect();
    let (name, version) = report.tool.split_once(' ').unwrap_or((&report.tool, ""));
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": name,
                "version": version,
                "rules": FINDINGS.iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")
}

fn rule(kind: &FindingKind) -> Value {
    json!({
        "id": kind.code.as_str(),
        "shortDescription": {"text": kind.meaning},
        "fullDescription": {"text": kind.rule()},
        "help": {"text": kind.fix},
        "helpUri": kind.page,
        "defaultConfiguration": {"level": level(kind.severity)},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

fn result(row: &FindingRow, fingerprint: &str) -> Value {
    let mut text = one_line(&row.text);
    if !row.name.is_empty() {
        text = format!("{}: {text}", one_line(&row.name));
    }
    if !row.evidence.is_empty() {
        text = format!("{text} ({})", one_line(&row.evidence));
    }
    let mut result = json!({
        "ruleId": row.code.as_str(),
        "level": level(row.severity),
        "message": {"text": text},
        "locations": [location(row)],
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
    });
    if let Some(index) = FINDINGS.iter().position(|kind| kind.code == row.code) {
        result["ruleIndex"] = json!(index);
    }
    if let Some(reason) = &row.muted {
        let why = one_line(reason);
        result["suppressions"] = json!([{"kind": "external", "justification": why}]);
    }
    result
}

/// Returns where it is. Code-scanning pages want a file and a line; a secret is neither, so its location is written as
/// a path.
fn location(row: &FindingRow) -> Value {
    let part = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), encoded);
    let path = format!(
        "secretsmanager/{}/{}/{}",
        part(row.account.as_ref().map(AccountId::as_str)),
        part(row.region.as_ref().map(Region::as_str)),
        part(Some(row.name.as_str()).filter(|name| !name.is_empty())),
    );
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": path},
            "region": {"startLine": 1},
        },
    });
    if let Some(arn) = &row.arn {
        location["logicalLocations"] = json!([{
            "name": one_line(&row.name),
            "fullyQualifiedName": arn.as_str(),
            "kind": "resource",
        }]);
    }
    location
}

/// A part of a path in a URI.
fn encoded(text: &str) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'/' => {
                path.push(char::from(byte));
            }
            // A dot alone would name a folder.
            _ => {
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    path
}

/// Returns what makes a finding the same one in the next scan.
fn fingerprint(row: &FindingRow) -> String {
    let arn = row.arn.as_ref().map_or("", |arn| arn.as_str());
    let account = row.account.as_ref().map_or("", |account| account.as_str());
    let region = row.region.as_ref().map_or("", |region| region.as_str());
    let reader = row.reader.as_deref().unwrap_or("");
    let parts = [row.code.as_str(), arn, account, region, &row.name, reader];
    // No part holds this character: AWS allows it in none of them.
    format!("{:.32x}", Sha256::digest(parts.join("\0").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn log(report: &Report) -> Value {
        let mut bytes = Vec::new();
        write(report, &mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The rules of the schema that bear on what is written here: the members it requires, and the words it allows.
    #[test]
    fn it_has_what_the_schema_requires() {
        let mut report = sample::report();
        report.findings[0].muted = Some("known".to_owned());
        let log = log(&report);
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["name"], "secretsweep");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), FINDINGS.len());
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), report.findings.len());
        let mut prints = Vec::new();
        for result in results {
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let level = result["level"].as_str().unwrap();
            assert!(["error", "warning", "note"].contains(&level));
            if let Some(index) = result["ruleIndex"].as_u64() {
                let index = usize::try_from(index).unwrap();
                assert_eq!(rules[index]["id"], result["ruleId"]);
            }
            let physical = &result["locations"][0]["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~/%".contains(&byte);
            assert!(uri.bytes().all(allowed), "{uri}");
            prints.push(result["partialFingerprints"]["primaryLocationLineHash"].clone());
        }
        prints.sort_by_key(ToString::to_string);
        let all = prints.len();
        prints.dedup();
        assert_eq!(prints.len(), all, "each finding has its own fingerprint");
        assert_eq!(results[0]["suppressions"][0]["justification"], "known");
        assert!(results[1].get("suppressions").is_none());
    }

    #[test]
    fn a_finding_is_the_same_one_next_month() {
        let prints = |report: &Report| {
            let log = log(report);
            let results = log["runs"][0]["results"].as_array().unwrap().clone();
            results
                .into_iter()
                .map(|one| one["partialFingerprints"].clone())
                .collect::<Vec<_>>()
        };
        let before = sample::report();
        let mut after = before.clone();
        for row in &mut after.findings {
            row.text.push_str(" again");
            row.evidence.clear();
        }
        assert_eq!(prints(&before), prints(&after));
        after.findings[0].name.push('x');
        assert_ne!(prints(&before)[0], prints(&after)[0]);
    }
}
