//! Whole inputs of every kind, and the commands that read them.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use secretsweep::domain::cleanup::journal::{self, JournalEntry, JournalEvent, JournalStep};
use secretsweep::domain::cleanup::plan_file;

use crate::cleanup::vault_fixture::{arn, plan, planned_at, replicated, secret};
use crate::demo::HOSTILE;
use crate::limits;
use crate::world::*;

/// A kind of input.
pub(super) struct Kind {
    /// The path in the folder of a run.
    pub(super) path: &'static str,
    pub(super) whole: Vec<u8>,
    /// It lies there as gzip.
    pub(super) packed: bool,
    /// `true` if other commands need what lies there, so that it stays.
    pub(super) kept: bool,
    /// The commands that read it.
    pub(super) commands: &'static [&'static [&'static str]],
}

const SCAN: &[&str] = &[
    "scan",
    "--inventory",
    "inventory",
    "--trail",
    "trail",
    "--policy",
    "mine.toml",
    "--prices",
    "prices.toml",
    "--now",
    NOW,
    "--out",
    "out",
    "--overwrite",
    "--allow-partial",
];

impl Kind {
    /// Text that nobody else needs.
    fn new(
        path: &'static str,
        whole: impl Into<Vec<u8>>,
        commands: &'static [&'static [&'static str]],
    ) -> Self {
        Self {
            path,
            whole: whole.into(),
            packed: false,
            kept: false,
            commands,
        }
    }

    fn packed(self) -> Self {
        Self {
            packed: true,
            ..self
        }
    }

    fn kept(self) -> Self {
        Self { kept: true, ..self }
    }
}

/// Every kind.
pub(super) fn kinds() -> Vec<Kind> {
    let secrets = [secret("a"), replicated("b"), secret("=c")];
    let plan = plan_file::write(&plan(&secrets), planned_at()).unwrap();
    let report = std::fs::read(HOSTILE.path("report/report.json")).unwrap();
    vec![
        Kind::new("inventory/list.json", list(), &[SCAN]).kept(),
        Kind::new("inventory/more.json.gz", list(), &[SCAN]).packed(),
        Kind::new("inventory/versions.json", versions(), &[SCAN]),
        Kind::new("trail/calls.json", calls(), &[SCAN]).kept(),
        Kind::new("trail/more.json.gz", calls(), &[SCAN]).packed(),
        Kind::new("mine.toml", POLICY, &[SCAN]).kept(),
        Kind::new("prices.toml", PRICES, &[SCAN]).kept(),
        Kind::new("before.json", report, REPORTS).kept(),
        Kind::new("plan.csv", plan, &[APPLY]).kept(),
        Kind::new("plan.journal.jsonl", journal(), &[STATUS]).kept(),
        Kind::new("bill/cur.csv", BILL, BILLS),
        Kind::new("bill/cur.csv.gz", BILL, BILLS).packed(),
        Kind::new("bill/cur.parquet", parquet_bill(), BILLS),
        Kind::new("bill/explorer.json", EXPLORER, BILLS),
    ]
}

const REPORTS: &[&[&str]] = &[
    &["compare", "before.json", "before.json"],
    &["report", "before.json", "--format", "html"],
    &["report", "before.json", "--previous", "before.json"],
];

const APPLY: &[&str] = &["apply", "plan.csv", "--no-lookup", "--execute"];

const STATUS: &[&str] = &["status", "plan.csv", "--now", NOW];

const BILLS: &[&[&str]] = &[&["report", "before.json", "--bill", "bill"]];

/// A folder with everything that is kept, and with a bill folder.
pub(super) fn lay_out(folder: &Path, kinds: &[Kind]) {
    for kind in kinds {
        let path = folder.join(kind.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if kind.kept {
            assert!(!kind.packed, "{}", kind.path);
            std::fs::write(path, &kind.whole).unwrap();
        }
    }
    let scan = limits::run(folder, SCAN).unwrap();
    assert_eq!(scan.code, 0, "{}", scan.said);
}

fn list() -> Vec<u8> {
    let secrets = [
        idle("db"),
        idle("team/queue").tag("owner", "team").customer_key(),
        never("replicated").primary(EAST),
        idle("gone").deleted(3).rotated_by("rotate"),
    ];
    let entries: Vec<_> = secrets.iter().map(Secret::entry).collect();
    serde_json::to_vec_pretty(&serde_json::json!({ "SecretList": entries })).unwrap()
}

fn versions() -> Vec<u8> {
    let arn = idle("db").arn();
    let version = serde_json::json!({
        "VersionId": "a", "VersionStages": ["AWSCURRENT"], "CreatedDate": "2026-10-01T02:00:00Z", "LastAccessedDate": 1_790_812_800
    });
    serde_json::to_vec(&serde_json::json!({ "ARN": arn, "Name": "db", "Versions": [version] }))
        .unwrap()
}

fn calls() -> Vec<u8> {
    let calls = [
        get("db"),
        describe("team/queue").by(user("eve")),
        denied(
            "GetSecretValue",
            &idle("db").arn(),
            "no identity-based policy allows it",
        ),
    ];
    log(&calls).into_bytes()
}

const POLICY: &str = r#"idle = "90d"
young = "30d"

[protect]
names = ["dr/*"]
tags = ["keep=true"]
until_tag = "keep-until"

[owner]
tags = ["owner"]

[loops]
min_avoidable_usd = "1.00"

[accounts]
111122223333 = "main"

[[readers.fingerprint]]
kind = "scanner"
user_agent = "AcmeAudit/"
"#;

const PRICES: &str = r#"[[prices]]
partition = "aws"
region = "us-east-1"
secret_month_usd = "0.40"
api_10k_usd = "0.05"
"#;

fn journal() -> Vec<u8> {
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
    let entry = |step| JournalEntry {
        at: planned_at(),
        plan: plan(&[]).id,
        caller: "me".to_owned(),
        event: JournalEvent::Secret {
            arn: arn("a"),
            step,
        },
    };
    let lines = steps.map(|step| journal::line(&entry(step)).unwrap());
    lines.concat()
}

const BILL: &str = "\
line_item_usage_account_id,line_item_usage_start_date,line_item_usage_end_date,line_item_product_code,line_item_usage_type,line_item_usage_amount,line_item_unblended_cost,line_item_line_item_type,product_region_code,line_item_resource_id,resource_tags
111122223333,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,AWSSecretsManager,USE1-AWSSecretsManager-Secrets,1.0,0.4,Usage,us-east-1,arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbC123,\"{\"\"owner\"\":\"\"a,b\"\"}\"
111122223333,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,AWSSecretsManager,USE1-AWSSecretsManager-APIRequests,200,1.0E-3,Usage,us-east-1,,
";

const EXPLORER: &str = r#"{"GroupDefinitions": [{"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}],
 "ResultsByTime": [{"TimePeriod": {"Start": "2026-10-01", "End": "2026-10-02"}, "Total": {}, "Estimated": true, "Groups": [
  {"Keys": ["111122223333", "USE1-AWSSecretsManager-Secrets"],
   "Metrics": {"UnblendedCost": {"Amount": "0.40", "Unit": "USD"}, "UsageQuantity": {"Amount": "1", "Unit": "N/A"}}},
  {"Keys": ["111122223333", "USE1-BoxUsage"], "Metrics": {"UnblendedCost": {"Amount": "9", "Unit": "USD"}}}]}],
 "DimensionValueAttributes": []}
"#;

/// The bill as Parquet, with text, numbers and times.
fn parquet_bill() -> Vec<u8> {
    const ROWS: usize = 20;
    let texts = [
        ("line_item_usage_account_id", "111122223333"),
        ("line_item_usage_type", "USE1-AWSSecretsManager-Secrets"),
        ("line_item_currency_code", "USD"),
        ("an_unknown_column", "x"),
    ];
    let column = |name: &str, kind, text: bool, time: bool| {
        let mut column =
            Type::primitive_type_builder(name, kind).with_repetition(Repetition::OPTIONAL);
        if text {
            column = column.with_logical_type(Some(LogicalType::String));
        }
        if time {
            column = column.with_converted_type(ConvertedType::TIMESTAMP_MILLIS);
        }
        Arc::new(column.build().unwrap())
    };
    let mut fields: Vec<_> = texts
        .iter()
        .map(|(name, _)| column(name, Physical::BYTE_ARRAY, true, false))
        .collect();
    fields.push(column(
        "line_item_unblended_cost",
        Physical::DOUBLE,
        false,
        false,
    ));
    fields.push(column(
        "line_item_usage_start_date",
        Physical::INT64,
        false,
        true,
    ));
    fields.push(column(
        "line_item_usage_end_date",
        Physical::INT64,
        false,
        true,
    ));
    let schema = Type::group_type_builder("schema")
        .with_fields(fields)
        .build();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema.unwrap()), Arc::new(properties))
            .unwrap();
    let mut group = writer.next_row_group().unwrap();
    let levels = [1_i16; ROWS];
    for (_, value) in texts {
        let mut column = group.next_column().unwrap().unwrap();
        let values = vec![ByteArray::from(value); ROWS];
        column
            .typed::<ByteArrayType>()
            .write_batch(&values, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<DoubleType>()
        .write_batch(&[0.25; ROWS], Some(&levels), None)
        .unwrap();
    column.close().unwrap();
    for hour in [0_i64, 1] {
        let mut column = group.next_column().unwrap().unwrap();
        let values = [(NOW_S - 10 * DAY + hour * HOUR) * 1_000; ROWS];
        column
            .typed::<Int64Type>()
            .write_batch(&values, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}
