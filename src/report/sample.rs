//! A report for tests: two accounts, every field in play, hostile texts, unknown values, loops, gaps and findings.

mod added;
mod estimated;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use crate::domain::base::finding_kinds::{FindingCode, Severity};
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::money::{Money, PriceList};
use crate::domain::base::names::{AccountId, Region, SecretArn};
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::base::span::Span;
use crate::domain::inventory::tags::Tags;
use crate::domain::report::result::{
    Cost, FORMAT, FindingRow, InventoryState, LoopRow, LoopShape, PolicySummary, ReaderRow, Report,
    ScopeRow, SecretRow, Totals, TrailRow, UnattributedRow, WindowDetail,
};
use crate::domain::report::sums;
use crate::domain::report::verdict::ReasonRow;
use crate::domain::report::verdict::Verdict;

/// A name that a spreadsheet would run.
pub(crate) const FORMULA: &str = "=cmd|'/c calc'!A1";
/// A user agent that would set the title of a terminal and turn it red.
pub(crate) const ESCAPES: &str = "aws-sdk-java/2.20 \u{1b}]0;owned\u{7}\u{1b}[31m\u{202e}";
/// An error message that a browser would run.
pub(crate) const SCRIPT: &str = "not authorized <script>alert(1)</script>\r\non \"it\", sorry";
/// The account with a trail.
pub(crate) const MAIN: &str = "111122223333";
/// The account with gaps.
pub(crate) const OTHER: &str = "444455556666";

const IRELAND: &str = "eu-west-1";
const VIRGINIA: &str = "us-east-1";

/// A moment.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn account(text: &str) -> AccountId {
    text.parse().unwrap()
}

fn region(text: &str) -> Region {
    text.parse().unwrap()
}

/// The ARN of a secret of this name.
pub(crate) fn arn(account: &str, region: &str, name: &str) -> SecretArn {
    let text = format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbC123");
    text.parse().unwrap()
}

/// A secret that costs its storage and nothing else, and that nobody calls.
pub(crate) fn secret(
    account_id: &str,
    region_code: &str,
    name: &str,
    verdict: Verdict,
    reason: &str,
) -> SecretRow {
    let cost = Cost::new(Some(Money(400_000)), Some(Money::ZERO), Some(Money::ZERO));
    SecretRow {
        arn: arn(account_id, region_code, name),
        name: name.to_owned(),
        account: account(account_id),
        region: region(region_code),
        owner: Some("payments".to_owned()),
        verdict,
        reasons: vec![ReasonRow {
            code: reason.into(),
            text: format!("The rule {reason} holds."),
        }],
        created: Some(at("2024-03-05T08:00:00Z")),
        last_changed: Some(at("2024-03-05T08:00:00Z")),
        last_accessed: None,
        last_consumer_read: None,
        last_consumer: None,
        idle_days: None,
        calls: 0,
        reads: 0,
        failed: 0,
        consumers: 0,
        cost,
        window_cost: cost,
        window_detail: WindowDetail::default(),
        avoidable_usd: Some(Money::ZERO),
        replica_of: None,
        replicas: Vec::new(),
        evidence_days: 90,
        deleted: None,
        owning_service: None,
        price_is_assumed: false,
        customer_key: false,
        rotates: false,
        description: None,
        tags: Tags::new(),
        readers: Vec::new(),
        estimate: None,
    }
}

/// A reader that an application is.
pub(crate) fn reader(role: &str, client: &str, reads: u64) -> ReaderRow {
    ReaderRow {
        reader: format!("arn:aws:iam::{MAIN}:role/{role}"),
        kind: ReaderKind::Application,
        client: client.to_owned(),
        reads,
        describes: 0,
        failed: 0,
        calls: reads,
        first: at("2026-08-03T00:00:00Z"),
        last: at("2026-10-31T23:59:59Z"),
        api_usd: None,
        kms_usd: None,
        estimate: None,
    }
}

/// A finding about a secret of the main account.
pub(crate) fn finding(
    code: &str,
    severity: Severity,
    name: &str,
    text: &str,
    evidence: &str,
) -> FindingRow {
    FindingRow {
        code: code.into(),
        severity,
        arn: Some(arn(MAIN, IRELAND, name)),
        name: name.to_owned(),
        account: Some(account(MAIN)),
        region: Some(region(IRELAND)),
        reader: None,
        text: text.to_owned(),
        evidence: evidence.to_owned(),
        muted: None,
    }
}

/// The report.
pub(crate) fn report() -> Report {
    let mut report = Report {
        format: FORMAT,
        tool: "secretsweep 0.1.0".to_owned(),
        made: at("2026-11-01T06:00:00Z"),
        caller: Some(format!("arn:aws:sts::{MAIN}:assumed-role/audit/jo")),
        window: Span {
            from: at("2026-10-02T00:00:00Z"),
            to: at("2026-11-01T00:00:00Z"),
        },
        evidence: Span {
            from: at("2026-08-03T00:00:00Z"),
            to: at("2026-11-01T00:00:00Z"),
        },
        account_names: BTreeMap::new(),
        policy: PolicySummary {
            idle_days: 90,
            young_days: 30,
            trust_last_accessed: false,
            owner_tags: vec!["owner".to_owned(), "team".to_owned()],
            month: None,
            prices: "list prices of 2026-09-20 (aws.amazon.com/secrets-manager/pricing)".to_owned(),
        },
        assumptions: vec!["Every logged call is billed.".to_owned()],
        scopes: scopes(),
        gaps: gaps(),
        totals: Totals::default(),
        secrets: secrets(),
        unattributed: vec![
            UnattributedRow {
                account: Some(account(MAIN)),
                region: Some(region(IRELAND)),
                calls: 43_230,
                callers: Vec::new(),
                by_what: [
                    ("ListSecrets".to_owned(), 30),
                    ("missing name".to_owned(), 43_200),
                ]
                .into(),
                api_usd: Some(Money(219_150)),
                window_api_usd: Some(Money(216_150)),
                window_detail: WindowDetail::default(),
                estimate: None,
            },
            UnattributedRow {
                account: None,
                region: None,
                calls: 3,
                callers: Vec::new(),
                by_what: [("ambiguous name".to_owned(), 3)].into(),
                api_usd: None,
                window_api_usd: None,
                window_detail: WindowDetail::default(),
                estimate: None,
            },
        ],
        former: Vec::new(),
        budgets: Vec::new(),
        allocation: None,
        loops: loops(),
        findings: findings(),
        reach: None,
    };
    report.totals = sums::totals(&report);
    report.totals.pending_usd = Money(400_000);
    report
}

fn secrets() -> Vec<SecretRow> {
    let tail = "-2+3 \u{202e}owner";
    let wide = "名前/データベース接続情報とパスワードの保管場所とその他の設定値一覧表の控え";
    let looping = looping();
    let idle = SecretRow {
        last_accessed: Some(date(2025, 11, 30)),
        idle_days: Some(335),
        replicas: vec![region(VIRGINIA)],
        ..secret(MAIN, IRELAND, "legacy/db", Verdict::Delete, "idle")
    };
    let hostile = SecretRow {
        owner: Some(tail.to_owned()),
        description: Some("He said \"go\",\r\nthen left".to_owned()),
        tags: [("note\n".to_owned(), "@SUM(1)".to_owned())].into(),
        calls: 7,
        failed: 7,
        readers: vec![ReaderRow {
            failed: 7,
            calls: 7,
            reads: 0,
            ..reader("nightly", ESCAPES, 0)
        }],
        ..secret(MAIN, IRELAND, FORMULA, Verdict::Review, "failed-reads")
    };
    let replica = SecretRow {
        replica_of: Some(Box::new(arn(MAIN, IRELAND, "legacy/db"))),
        ..secret(MAIN, VIRGINIA, "legacy/db", Verdict::Keep, "replica")
    };
    let pending = SecretRow {
        cost: Cost::new(Some(Money::ZERO), Some(Money::ZERO), Some(Money::ZERO)),
        window_cost: Cost::new(Some(Money(120_000)), Some(Money::ZERO), Some(Money::ZERO)),
        deleted: Some(at("2026-10-11T09:00:00Z")),
        owner: None,
        ..secret(
            OTHER,
            IRELAND,
            "old/token",
            Verdict::Keep,
            "pending-deletion",
        )
    };
    let uncounted = Cost::new(Some(Money(400_000)), None, None);
    let unseen = SecretRow {
        created: None,
        cost: uncounted,
        window_cost: uncounted,
        avoidable_usd: None,
        evidence_days: 0,
        owner: None,
        ..secret(
            OTHER,
            VIRGINIA,
            "unseen/key",
            Verdict::Review,
            "coverage-gap",
        )
    };
    let unpriced = SecretRow {
        cost: Cost::default(),
        window_cost: Cost::default(),
        avoidable_usd: None,
        evidence_days: 0,
        owner: None,
        ..secret(OTHER, VIRGINIA, wide, Verdict::Review, "coverage-gap")
    };
    let never = SecretRow {
        idle_days: Some(970),
        ..secret(MAIN, IRELAND, "legacy/never", Verdict::Delete, "never-read")
    };
    vec![
        hostile, idle, never, looping, replica, pending, unseen, unpriced,
    ]
}

fn looping() -> SecretRow {
    let (api, kms) = (Money(13_140_000), Money(7_884_000));
    SecretRow {
        last_accessed: Some(date(2026, 10, 31)),
        last_consumer_read: Some(at("2026-10-31T23:59:59Z")),
        last_consumer: Some(format!("arn:aws:iam::{MAIN}:role/checkout")),
        idle_days: Some(0),
        calls: 2_592_000,
        reads: 2_592_000,
        consumers: 1,
        cost: Cost::new(Some(Money(400_000)), Some(api), Some(kms)),
        window_cost: Cost::new(
            Some(Money(394_521)),
            Some(Money(12_960_000)),
            Some(Money(7_776_000)),
        ),
        avoidable_usd: Some(Money(20_954_000)),
        customer_key: true,
        rotates: false,
        readers: vec![reader("checkout", "boto3", 2_592_000)],
        ..secret(
            MAIN,
            IRELAND,
            "payments/api-key",
            Verdict::Keep,
            "recently-read",
        )
    }
}

fn loops() -> Vec<LoopRow> {
    let known = LoopRow {
        arn: Some(arn(MAIN, IRELAND, "payments/api-key")),
        name: "payments/api-key".to_owned(),
        account: Some(account(MAIN)),
        region: Some(region(IRELAND)),
        reader: format!("arn:aws:iam::{MAIN}:role/checkout"),
        kind: ReaderKind::Application,
        client: "boto3".to_owned(),
        what: "GetSecretValue".to_owned(),
        reads_month: 2_628_000,
        clients: 3,
        clients_up_to: false,
        interval_s: Some(1.0),
        shape: LoopShape::Steady,
        active_hours: 720,
        cache_s: 3_600,
        avoidable_calls_month: 2_627_270,
        avoidable_usd_month: Some(Money(20_954_000)),
        avoidable_range: None,
        advice: "Cache the value with aws-secretsmanager-caching for Python (secret_refresh_interval, default 3600 s)."
            .to_owned(),
        days: [(date(2026, 10, 30), 86_400), (date(2026, 10, 31), 86_400)].into(),
        estimate: None,
    };
    let missing = LoopRow {
        arn: None,
        name: "payments/gone".to_owned(),
        reader: format!("arn:aws:iam::{MAIN}:role/reporting"),
        reads_month: 43_800,
        clients: 1,
        interval_s: Some(60.0),
        avoidable_calls_month: 43_070,
        avoidable_usd_month: Some(Money(215_350)),
        advice: "The name does not exist: correct or remove the lookup.".to_owned(),
        ..known.clone()
    };
    vec![known, missing]
}

fn findings() -> Vec<FindingRow> {
    let role = format!("arn:aws:iam::{MAIN}:role/nightly");
    let failing = FindingRow {
        reader: Some(role),
        ..finding(
            "failing-reads",
            Severity::High,
            FORMULA,
            "7 reads failed with AccessDenied, the last on 2026-10-31.",
            SCRIPT,
        )
    };
    let broad = FindingRow {
        arn: None,
        name: String::new(),
        account: None,
        region: None,
        ..finding(
            "broad-reader",
            Severity::Low,
            "any",
            "arn:aws:iam::111122223333:role/admin read 120 secrets and needs few of them.",
            "120 of 128 secrets",
        )
    };
    let hot = loops().into_iter().map(|row| FindingRow {
        code: FindingCode::HotLoop,
        severity: Severity::Medium,
        arn: row.arn,
        name: row.name,
        account: row.account,
        region: row.region,
        reader: Some(row.reader),
        text: format!("checkout calls it 2,628,000 times a month: {}", row.advice),
        evidence: row.shape.as_str().to_owned(),
        muted: None,
    });
    let rotation = finding(
        "rotation-off",
        Severity::Medium,
        "legacy/db",
        "It never rotates.",
        "",
    );
    let mut all = vec![failing, rotation, broad];
    all.extend(hot);
    all.sort_by_key(|row| (row.severity, row.code.clone()));
    all
}

fn scopes() -> Vec<ScopeRow> {
    let scope = |account_id, region_code, inventory, secrets, covered_days: u32| ScopeRow {
        account: account(account_id),
        region: region(region_code),
        inventory,
        secrets,
        trail: TrailRow {
            covered_hours: covered_days.min(30) * 24,
            expected_hours: 720,
            complete: covered_days == 90,
            evidence_covered_hours: covered_days * 24,
            evidence_expected_hours: 2_160,
        },
        price: Some(PriceList::built_in().rows[0].price),
        list_price: None,
        sample: None,
    };
    vec![
        scope(MAIN, IRELAND, InventoryState::Read, 4, 90),
        scope(MAIN, VIRGINIA, InventoryState::Read, 1, 90),
        scope(OTHER, IRELAND, InventoryState::Read, 1, 87),
        scope(OTHER, VIRGINIA, InventoryState::Read, 2, 0),
        scope(OTHER, "sa-east-1", InventoryState::Missing, 0, 12),
    ]
}

fn gaps() -> Vec<Gap> {
    vec![
        Gap {
            account: None,
            region: None,
            source: GapSource::Trail,
            what: "trail/broken\u{1b}[2J.json.gz".to_owned(),
            why: "The file breaks off after 4,096 bytes; fetch it again.".to_owned(),
        },
        Gap {
            account: Some(account(OTHER)),
            region: Some(region(VIRGINIA)),
            source: GapSource::Trail,
            what: "2026-08-03 to 2026-11-01".to_owned(),
            why: "denied: cloudtrail:LookupEvents is missing (AccessDeniedException)".to_owned(),
        },
    ]
}

/// Any text, and the kinds of text that renderers trip over more often than chance would give.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[=+@\\-\t\r\n \",;|']{1,4}.{0,8}",
        "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{200b}-\u{202e}\u{2066}-\u{2069}a]{1,20}",
        "[\u{300}-\u{36f}\u{4e00}-\u{4eff}\u{ff01}-\u{ff5e}\u{1f300}-\u{1f5ff}]{1,200}",
        "[a-z-]{1,300}",
    ]
}

pub(crate) use estimated::estimated;

/// The sample with this text in every field that holds other people's text.
pub(crate) fn filled(text: &str) -> Report {
    let mut report = report();
    let put = |field: &mut String| text.clone_into(field);
    let put_some = |field: &mut Option<String>| *field = Some(text.to_owned());
    for row in &mut report.secrets {
        put(&mut row.name);
        // The name in an ARN is never empty.
        row.arn = arn(
            row.account.as_str(),
            row.region.as_str(),
            &format!("x{text}"),
        );
        for field in [
            &mut row.owner,
            &mut row.last_consumer,
            &mut row.owning_service,
            &mut row.description,
        ] {
            put_some(field);
        }
        row.tags.insert(text.to_owned(), text.to_owned());
        for reason in &mut row.reasons {
            put(&mut reason.text);
        }
        for reader in &mut row.readers {
            put(&mut reader.reader);
            put(&mut reader.client);
        }
    }
    for row in &mut report.loops {
        for field in [
            &mut row.name,
            &mut row.reader,
            &mut row.client,
            &mut row.what,
            &mut row.advice,
        ] {
            put(field);
        }
    }
    for row in &mut report.findings {
        for field in [&mut row.name, &mut row.text, &mut row.evidence] {
            put(field);
        }
        let mut code = row.code.to_string();
        put(&mut code);
        row.code = code.as_str().into();
        put_some(&mut row.reader);
    }
    for gap in &mut report.gaps {
        let mut source = gap.source.to_string();
        for field in [&mut source, &mut gap.what, &mut gap.why] {
            put(field);
        }
        gap.source = source.as_str().into();
    }
    for field in [&mut report.tool, &mut report.policy.prices] {
        put(field);
    }
    estimated::mark(&mut report, text);
    for assumption in &mut report.assumptions {
        put(assumption);
    }
    put_some(&mut report.caller);
    report
}
