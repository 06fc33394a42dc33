//! `reach.csv`: who may read, one row a grant of a role or user, and one a secret.
//!
//! A table of roles and users by secrets would have a row for each pair; counts say the same in a few hundred rows.

use std::io::{self, Write};

use super::csv::{bytes, table};
use super::escape;
use crate::domain::report::result::{GrantReach, IdentityReach, ReachReport, Report, SecretReach};

/// The name of the file. It is there only where IAM data was given.
pub const FILE: &str = "reach.csv";

/// The columns of `reach.csv`: a contract, new ones only at the end.
pub const REACH: [&str; 20] = [
    "row",
    "reader",
    "kind",
    "account_id",
    "assumed_by",
    "policy",
    "statement",
    "by",
    "may_read",
    "conditional",
    "unknown",
    "did_read",
    "never_read",
    "covered",
    "advice",
    "narrowed",
    "arn",
    "may_change",
    "may_delete",
    "never_read_by",
];

/// `reach.csv`, if IAM data was given.
pub fn csv(report: &Report) -> Option<Vec<u8>> {
    let reach = report.reach.as_ref()?;
    Some(bytes(|out| write_rows(reach, out)))
}

fn write_rows(reach: &ReachReport, out: &mut dyn Write) -> io::Result<()> {
    let grants = reach.identities.iter().flat_map(|identity| {
        let grants = identity.grants.iter();
        grants.map(move |one| grant(identity, one))
    });
    table(REACH, grants.chain(reach.secrets.iter().map(secret)), out)
}

/// The counts under conditions and those that are not known are of the role or user; the others of the grant.
fn grant(identity: &IdentityReach, grant: &GrantReach) -> [String; 20] {
    let narrowed: Vec<String> = grant.narrowed.iter().map(ToString::to_string).collect();
    let narrowed = if narrowed.is_empty() {
        String::new()
    } else {
        format!("[{}]", narrowed.join(","))
    };
    [
        "grant".to_owned(),
        escape::cell(&identity.reader),
        escape::cell(&identity.kind),
        identity.account.to_string(),
        escape::cell(&identity.assumed_by.join("; ")),
        escape::cell(&grant.policy),
        grant.sid.as_deref().map(escape::cell).unwrap_or_default(),
        grant.by.as_str().to_owned(),
        grant.may_read.to_string(),
        identity.conditional.to_string(),
        identity.unknown.to_string(),
        grant.did_read.to_string(),
        (grant.may_read - grant.did_read.min(grant.may_read)).to_string(),
        if identity.covered { "yes" } else { "no" }.to_owned(),
        grant.advice.as_str().to_owned(),
        escape::cell(&narrowed),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
    ]
}

fn secret(row: &SecretReach) -> [String; 20] {
    let may = row.may_read + row.conditional + row.unknown;
    let mut cells: [String; 20] = Default::default();
    for (column, cell) in [
        ("row", "secret".to_owned()),
        ("account_id", row.arn.scope().account.to_string()),
        ("may_read", row.may_read.to_string()),
        ("conditional", row.conditional.to_string()),
        ("unknown", row.unknown.to_string()),
        ("did_read", row.did_read.to_string()),
        ("never_read", (may - row.did_read.min(may)).to_string()),
        ("arn", escape::one_line(row.arn.as_str())),
        ("may_change", row.may_change.to_string()),
        ("may_delete", row.may_delete.to_string()),
        ("never_read_by", escape::cell(&row.never_read_by.join("; "))),
    ] {
        if let Some(index) = REACH.iter().position(|name| *name == column) {
            cells[index] = cell;
        }
    }
    cells
}

/// The reach of the selected secrets: roles and users keep their counts, which are of all secrets.
pub(super) fn select(reach: &mut ReachReport, holds: impl Fn(&SecretReach) -> bool) {
    reach.secrets.retain(holds);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::report::result::{Breadth, GrantAdvice};
    use crate::report::sample;

    /// The sample with one role that may read every secret.
    fn report() -> Report {
        let mut report = sample::report();
        let secrets = report.secrets.iter().map(|row| SecretReach {
            arn: row.arn.clone(),
            may_read: 1,
            conditional: 0,
            unknown: 0,
            did_read: 0,
            may_change: 0,
            may_delete: 0,
            never_read_by: vec!["=role".to_owned()],
        });
        let secrets: Vec<_> = secrets.collect();
        let all = secrets.len() as u64;
        let grant = GrantReach {
            policy: "=policy".to_owned(),
            sid: None,
            by: Breadth::Wildcard,
            may_read: all,
            did_read: 1,
            advice: GrantAdvice::Narrow,
            narrowed: vec![json!({"Effect": "Allow"})],
        };
        let identity = IdentityReach {
            reader: "arn:aws:iam::111122223333:role/web".to_owned(),
            kind: "role".to_owned(),
            account: "111122223333".parse().unwrap(),
            assumed_by: vec!["ECS task".to_owned()],
            may_read: all,
            conditional: 0,
            conditions: Vec::new(),
            unknown: 0,
            unclear: Vec::new(),
            did_read: 1,
            unused: all - 1,
            covered: true,
            read: Vec::new(),
            grants: vec![grant],
        };
        report.reach = Some(ReachReport {
            identities: vec![identity],
            secrets,
        });
        report
    }

    #[test]
    fn the_table_has_a_row_for_each_grant_and_each_secret() {
        assert_eq!(csv(&sample::report()), None);
        let report = report();
        let table = String::from_utf8(csv(&report).unwrap()).unwrap();
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows.len(), 2 + report.secrets.len());
        assert_eq!(rows[0], REACH.join(","));
        assert!(rows[1].starts_with("grant,arn:aws:iam::111122223333:role/web,role,111122223333,"));
        assert!(
            rows[1].contains(",'=policy,,wildcard,8,0,0,1,7,yes,narrow,"),
            "{}",
            rows[1]
        );
        assert!(
            rows[2..].iter().all(|row| row.ends_with(",'=role")),
            "{table}"
        );
    }

    #[test]
    fn a_selection_keeps_the_rows_of_its_secrets() {
        let mut report = report();
        let kept = report.secrets[0].arn.clone();
        let reach = report.reach.as_mut().unwrap();
        select(reach, |row| row.arn == kept);
        assert_eq!((reach.secrets.len(), reach.identities.len()), (1, 1));
    }
}
