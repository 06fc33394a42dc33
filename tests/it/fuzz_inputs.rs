//! Damaged inputs other than trails: inventory, plan, journal, policy, report and bill. None ends in a panic.
//!
//! Inputs are made from numbers, so that each can be made again: [`INPUTS`] in every run of the tests, or as many as
//! `SECRETSWEEP_FUZZ_INPUTS` says.

use std::path::{Path, PathBuf};

use secretsweep::domain::base::span::Span;
use secretsweep::domain::cleanup::journal::{self, JournalEntry, JournalEvent, JournalStep};
use secretsweep::domain::cleanup::plan_file;
use secretsweep::domain::policy::Policy;
use secretsweep::files::{bill, inventory};
use secretsweep::report::json;

use crate::cleanup::vault_fixture::{arn, plan, planned_at, replicated, secret};

/// How many damaged inputs of each kind every run of the tests takes.
const INPUTS: u64 = 100;

/// Text that readers of JSON, CSV and TOML trip over.
const ODD: [&[u8]; 12] = [
    b"\"",
    b"\\u0000",
    b"\xff\xfe",
    b"[[[[[[[[",
    b"{{",
    b"-9223372036854775809",
    b"1e999",
    b"\n",
    b",,,,,",
    b"9999-99-99T99:99:99Z",
    b"\0",
    b"\xf0\x9f\x92\xa5",
];

/// Numbers from a number (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }

    /// The input with a few places damaged: cut, doubled, flipped, or with odd text.
    fn damage(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            let place = self.below(bytes.len());
            let end = (place + self.below(40)).min(bytes.len());
            match self.below(5) {
                0 => bytes.truncate(place),
                1 => drop(bytes.drain(place..end)),
                2 => {
                    let again = bytes[place..end].to_vec();
                    bytes.splice(place..place, again);
                }
                3 => {
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte ^= 1 << self.below(8);
                    }
                }
                _ => {
                    let odd = ODD[self.below(ODD.len())];
                    bytes.splice(place..end, odd.iter().copied());
                }
            }
        }
        bytes
    }
}

/// A kind of input: a whole one, and what takes it in.
type Kind = (&'static str, Vec<u8>, fn(&[u8], &Path));

fn on_disk(folder: &Path, name: &str, bytes: &[u8]) -> Vec<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    vec![path]
}

fn kinds() -> Vec<Kind> {
    let planned = plan(&[secret("a"), replicated("b"), secret("=c")]);
    let entry = |step| JournalEntry {
        at: planned_at(),
        plan: "p1".to_owned(),
        caller: "me".to_owned(),
        event: JournalEvent::Secret {
            arn: arn("a"),
            step,
        },
    };
    let steps = [
        JournalStep::Deleting {
            recovery_days: 7,
            saves: None,
        },
        JournalStep::Deleted {
            deletion: planned_at(),
        },
        JournalStep::Restoring,
        JournalStep::Restored,
    ];
    let lines = steps.map(|step| journal::line(&entry(step)).unwrap());
    let inventory_text = r#"{"SecretList":[{"ARN":"arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-AbC123","Name":"a","CreatedDate":1700000000.5,"LastAccessedDate":"2026-01-01T00:00:00Z","Tags":[{"Key":"k","Value":"v"}]}]}"#;
    let bill_text = "line_item_usage_start_date,line_item_usage_account_id,product_region,line_item_usage_type,line_item_usage_amount,line_item_unblended_cost,line_item_product_code\n2026-10-01T00:00:00Z,111122223333,eu-central-1,EUC1-AWSSecretsManager-Secrets,1.0,0.4,AWSSecretsManager\n";
    let policy_text = "idle = \"90d\"\nyoung = \"30d\"\n\n[protect]\nnames = [\"dr/*\"]\ntags = [\"keep=true\"]\n\n[[readers.fingerprint]]\nkind = \"scanner\"\nuser_agent = \"AcmeAudit/\"\n";
    vec![
        (
            "plan",
            plan_file::write(&planned, planned_at()).unwrap(),
            |bytes, _| {
                drop(plan_file::read(bytes));
            },
        ),
        ("journal", lines.concat(), |bytes, _| {
            if let Ok(parsed) = journal::parse(bytes) {
                drop(journal::replay(&parsed.entries));
            }
        }),
        ("policy", policy_text.into(), |bytes, _| {
            drop(Policy::parse(&String::from_utf8_lossy(bytes)));
        }),
        (
            "report",
            std::fs::read("reports/demo/report.json").unwrap(),
            |bytes, _| drop(json::read(bytes)),
        ),
        ("inventory", inventory_text.into(), |bytes, folder| {
            drop(inventory::read(&on_disk(folder, "list.json", bytes)));
        }),
        ("bill", bill_text.into(), |bytes, folder| {
            let window = Span {
                from: planned_at(),
                to: planned_at(),
            };
            drop(bill::read(&on_disk(folder, "bill.csv", bytes), window));
        }),
    ]
}

#[test]
fn no_damaged_input_ends_in_a_panic() {
    let inputs = std::env::var("SECRETSWEEP_FUZZ_INPUTS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(INPUTS);
    let folder = tempfile::tempdir().unwrap();
    for (what, whole, take) in kinds() {
        for number in 1..=inputs {
            let seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let damaged = Numbers(seed).damage(&whole);
            let taken = std::panic::catch_unwind(|| take(&damaged, folder.path()));
            assert!(
                taken.is_ok(),
                "{what} {number}: {:?}",
                String::from_utf8_lossy(&damaged)
            );
        }
    }
}
