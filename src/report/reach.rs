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
        if let Some(place) = REACH.iter().position(|name| *name == column) {
            cells[place] = cell;
        }
    }
    cells
}

/// The reach of the selected secrets: roles and users keep their counts, which are of all secrets.
pub(super) fn select(reach: &mut ReachReport, holds: impl Fn(&SecretReach) -> bool) {
    reach.secrets.retain(holds);
}
