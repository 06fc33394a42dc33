//! One month of charges in every form of a bill, beside one scan: whatever the form, the comparison is the same.
//!
//! All forms are made here from one list of charges ([`charges`]), each by [`exports`] or [`columnar`] in the shape in which
//! AWS writes it. A form that carries every charge must give the same `bill.json` to the byte: each row with its estimate,
//! bill, credits and reasons, the totals, KMS beside them, the secrets by ARN, and the time that is covered. What Cost
//! Explorer and the console do not carry is left out of what is compared ([`Carries`]), and of nothing else.

mod columnar;
mod exports;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::*;

/// One line of the bill: a day, or a part of one.
#[derive(Clone, Debug)]
pub struct Charge {
    pub account: &'static str,
    pub region: &'static str,
    /// The code that a Cost and Usage Report has.
    pub product: &'static str,
    /// The name that FOCUS and Cost Explorer have.
    pub service: &'static str,
    /// Empty for a tax.
    pub usage_type: &'static str,
    pub unit: &'static str,
    /// The day of October, from 0.
    pub day: i64,
    /// US dollars in units of 10^-10, as hourly and daily lines have them.
    pub usd: i128,
    /// Likewise.
    pub quantity: i128,
    pub secret: Option<String>,
    /// `Usage`, `Credit` or `Tax`.
    pub kind: &'static str,
}

/// A number of units of 10^-10, in plain decimals.
pub fn decimal(units: i128) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let units = units.unsigned_abs();
    format!(
        "{sign}{}.{:010}",
        units / 10_000_000_000,
        units % 10_000_000_000
    )
}

/// The midnight before a day of October; day 31 is the first of November.
pub fn midnight(day: i64) -> i64 {
    days_ago(31) + day * DAY
}

/// Two accounts in two Regions: storage by the day and by the secret, calls on every other day, a credit, a tax, KMS requests
/// of every service, and a service that is not ours.
fn charges() -> Vec<Charge> {
    let base = Charge {
        account: ACCOUNT,
        region: EAST,
        product: "AWSSecretsManager",
        service: "AWS Secrets Manager",
        usage_type: "USE1-AWSSecretsManager-Secrets",
        unit: "Secrets",
        day: 0,
        usd: 129_032_258,
        quantity: 322_580_645,
        secret: None,
        kind: "Usage",
    };
    let mut charges = Vec::new();
    for day in 0..31 {
        charges.push(Charge {
            day,
            secret: Some(db().arn()),
            ..base.clone()
        });
        charges.push(Charge {
            day,
            account: OTHER,
            region: WEST,
            usage_type: "EU-AWSSecretsManager-Secrets",
            secret: Some(queue().arn()),
            ..base.clone()
        });
        charges.push(Charge {
            day,
            product: "AmazonEC2",
            service: "Amazon Elastic Compute Cloud - Compute",
            usage_type: "BoxUsage:t3.micro",
            unit: "Hours",
            usd: 99_900_000_000,
            ..base.clone()
        });
        if day % 2 == 0 {
            charges.push(Charge {
                day,
                usage_type: "USE1-AWSSecretsManagerAPIRequest",
                unit: "API Requests",
                usd: 100_000_000,
                quantity: 20_000_000_000_000,
                ..base.clone()
            });
        }
    }
    charges.push(Charge {
        day: 5,
        product: "awskms",
        service: "AWS Key Management Service",
        usage_type: "us-east-1-KMS-Requests",
        unit: "Requests",
        usd: 3_000_000,
        quantity: 1_000_000_000_000,
        ..base.clone()
    });
    charges.push(Charge {
        usage_type: "USE1-AWSSecretsManagerAPIRequest",
        unit: "API Requests",
        usd: -500_000_000,
        quantity: 0,
        kind: "Credit",
        ..base.clone()
    });
    charges.push(Charge {
        day: 30,
        usage_type: "",
        region: "",
        unit: "",
        usd: 3_100_000_000,
        quantity: 0,
        kind: "Tax",
        ..base
    });
    charges
}

fn db() -> Secret {
    idle("db").customer_key()
}

fn queue() -> Secret {
    never("queue").at(OTHER, WEST)
}

fn scanned() -> Scan {
    let reads = get("db").days(3).every(60, 40);
    let scan = World::new()
        .logging(OTHER, WEST)
        .secrets([db(), queue()])
        .calls(reads)
        .args(&["--month", "2026-10"])
        .scan();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    scan
}

/// The facts that a form of a bill carries, and that must be the same in each form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// All: `bill.json` to the byte.
    Everything,
    /// No secrets, credits or taxes: estimate, bill and difference of each account, Region and part, and the totals.
    Accounts,
    /// The same without accounts: of each Region and part.
    Regions,
    /// The service as a whole: the totals.
    Service,
}

/// A bill: files by their paths below a folder of their own.
#[derive(Debug)]
pub struct BillForm {
    pub name: String,
    pub carries: Carries,
    pub files: Vec<(String, Vec<u8>)>,
}

impl BillForm {
    pub fn file(name: &str, carries: Carries, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.to_owned(),
            carries,
            files: vec![("bill".to_owned(), bytes.into())],
        }
    }
}

/// The comparison with this bill, as `bill.json` has it.
fn compared(scan: &Scan, folder: &str) -> Value {
    let args = ["report", "out", "--format", "json", "--out", "with-bill"];
    let output = program(
        &scan.path(),
        &[&args[..], &["--overwrite", "--bill", folder]].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{folder}: {output:?}");
    let bytes = std::fs::read(scan.path().join("with-bill/bill.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Returns what is the same of a comparison whose bill carries so much.
fn facts(found: &Value, carries: Carries) -> Value {
    let micros = |amount: &Value| {
        let text = amount.as_str().unwrap_or("0.000000");
        text.replace('.', "").parse::<i64>().unwrap()
    };
    let of = |row: &Value| {
        ["estimate_usd", "billed_usd", "difference_usd"].map(|name| micros(&row[name]))
    };
    let totals = json!({"totals": of(&found["totals"]), "kms": of(&found["kms"]),
                        "from": found["bill_from"], "to": found["bill_to"]});
    if carries == Carries::Everything {
        return found.clone();
    }
    let mut rows: BTreeMap<String, [i64; 3]> = BTreeMap::new();
    for row in found["rows"].as_array().unwrap() {
        let place = &row["place"];
        // A tax alone, which these forms do not carry.
        if place["part"] == "other" {
            continue;
        }
        let key = match carries {
            Carries::Accounts => {
                format!("{} {} {}", place["account"], place["region"], place["part"])
            }
            _ => format!("{} {}", place["region"], place["part"]),
        };
        let sum = rows.entry(key).or_default();
        for (sum, more) in sum.iter_mut().zip(of(row)) {
            *sum += more;
        }
    }
    match carries {
        Carries::Service => json!({"totals": of(&found["totals"])}),
        _ => json!({"rows": rows, "sums": totals}),
    }
}

#[test]
fn every_form_of_a_bill_gives_the_same_comparison() {
    let scan = scanned();
    let charges = charges();
    let mut forms = exports::all(&charges);
    forms.extend(columnar::all(&charges));
    let mut reference = Value::Null;
    for (number, form) in forms.iter().enumerate() {
        let folder = format!("bills/{number}");
        for (path, bytes) in &form.files {
            write(&scan.path().join(&folder).join(path), bytes);
        }
        let found = compared(&scan, &folder);
        if number == 0 {
            // Two secrets of a month, and 16 days of calls.
            assert_eq!(found["totals"]["billed_usd"], "0.960000");
            assert_eq!(found["totals"]["adjustments_usd"], "0.260000");
            assert_eq!(found["kms"]["billed_usd"], "0.000300");
            assert_eq!(found["secrets"].as_array().unwrap().len(), 2);
            assert_eq!(found["bill_from"], "2026-10-01T00:00:00Z");
            assert_eq!(found["bill_to"], "2026-11-01T00:00:00Z");
            reference = found.clone();
        }
        assert_eq!(
            facts(&found, form.carries),
            facts(&reference, form.carries),
            "{}",
            form.name
        );
    }
    let names: Vec<_> = forms.iter().map(|form| form.name.as_str()).collect();
    assert!(names.len() > 30, "{names:?}");
}
