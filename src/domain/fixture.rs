//! A report of any size for tests: synthetic, the same on each run, with the text that hostile people would write.
//!
//! It is no product of a scan. Its sums are sums of its rows, and its rows have the shapes that renderers must survive:
//! unknown prices, uncounted calls, replicas, pending deletions, names that would run as a formula or as HTML.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};

use crate::domain::base::finding_kinds::Severity;
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::money::{Money, PriceList};
use crate::domain::base::names::SecretArn;
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::base::span::Span;
use crate::domain::report::result::{
    Cost, FORMAT, FindingRow, InventoryState, LoopRow, LoopShape, PolicySummary, Report, ScopeRow,
    SecretRow, Totals, TrailRow, UnattributedRow, WindowDetail,
};
use crate::domain::report::sums;
use crate::domain::report::verdict::Verdict;

// Named in full, because tests include this file by its path.
#[path = "fixture/secrets.rs"]
mod secrets;

use secrets::secret;

/// Names that must arrive as text everywhere.
pub(crate) const HOSTILE: &[&str] = &[
    "=cmd|'/c calc'!A1",
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "+SUM(1,1)",
    "@reverse-\u{202e}txt.exe",
    "<!-- \u{2028} {{ 7*7 }} -->",
];

const ACCOUNTS: &[&str] = &[
    "012345678901",
    "111122223333",
    "222233334444",
    "333344445555",
    "444455556666",
    "555566667777",
];
const REGIONS: &[&str] = &["eu-central-1", "eu-west-1", "us-east-1"];
const OWNERS: &[&str] = &[
    "payments",
    "checkout",
    "identity",
    "data-platform",
    "search",
    "logistics",
    "growth",
    "",
];
const THINGS: &[&str] = &[
    "database",
    "stripe-key",
    "oauth-client",
    "smtp",
    "snowflake",
    "webhook",
    "signing-key",
    "sftp",
];
const STAGES: &[&str] = &["prod", "staging", "dev"];

/// A repeatable sequence (the constants of Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.roll(from.len() as u64)).unwrap_or(0);
        from[index]
    }
}

/// The moment at which the report was made.
pub(crate) fn now() -> Timestamp {
    "2026-11-01T06:00:00Z".parse().unwrap()
}

/// A report on this many secrets; the first are the [`HOSTILE`] ones.
pub(crate) fn report(secrets: usize) -> Report {
    let mut dice = Dice(20_261_101);
    let window = Span {
        from: "2026-10-01T00:00:00Z".parse().unwrap(),
        to: "2026-11-01T00:00:00Z".parse().unwrap(),
    };
    let mut rows: Vec<SecretRow> = (0..secrets).map(|index| secret(index, &mut dice)).collect();
    rows.sort_by(|a, b| (&a.account, &a.region, &a.name).cmp(&(&b.account, &b.region, &b.name)));
    let mut report = Report {
        format: FORMAT,
        tool: "secretsweep 0.1.0".to_owned(),
        made: now(),
        caller: Some("arn:aws:sts::111122223333:assumed-role/audit/monthly".to_owned()),
        window,
        evidence: Span {
            from: now() - (24 * 92).hours(),
            to: now(),
        },
        account_names: BTreeMap::new(),
        policy: PolicySummary {
            idle_days: 90,
            young_days: 30,
            trust_last_accessed: false,
            owner_tags: vec!["owner".to_owned(), "team".to_owned()],
            month: Some("2026-10".to_owned()),
            prices: PriceList::built_in().source,
        },
        assumptions: vec![
            "A month of a run rate has 730 hours.".to_owned(),
            "Every logged API call is charged, failed ones included.".to_owned(),
            "Each read of a secret with a customer-managed key is one request to KMS.".to_owned(),
        ],
        scopes: Vec::new(),
        gaps: gaps(),
        totals: Totals::default(),
        unattributed: vec![UnattributedRow {
            account: Some(ACCOUNTS[1].parse().unwrap()),
            region: Some(REGIONS[0].parse().unwrap()),
            calls: 184_211,
            callers: Vec::new(),
            by_what: BTreeMap::from([
                ("ListSecrets".to_owned(), 4_211),
                ("missing name".to_owned(), 180_000),
            ]),
            api_usd: Some(Money(903_744)),
            window_api_usd: Some(Money(921_055)),
            window_detail: WindowDetail::default(),
            estimate: None,
        }],
        former: Vec::new(),
        budgets: Vec::new(),
        allocation: None,
        loops: Vec::new(),
        findings: Vec::new(),
        reach: None,
        secrets: rows,
    };
    report.loops = loops(&report, &mut dice);
    report.findings = findings(&report);
    report.scopes = scopes(&report);
    report.totals = totals(&report);
    report
}

fn gaps() -> Vec<Gap> {
    vec![
        Gap {
            account: Some(ACCOUNTS[5].parse().unwrap()),
            region: Some(REGIONS[1].parse().unwrap()),
            source: GapSource::Trail,
            what: "2026-10-03T00:00Z to 2026-10-05T12:00Z".to_owned(),
            why: "no log files were delivered; look at the trail's status in that account"
                .to_owned(),
        },
        Gap {
            account: Some(ACCOUNTS[4].parse().unwrap()),
            region: None,
            source: GapSource::Inventory,
            what: "ap-southeast-2".to_owned(),
            why: "denied: secretsmanager:ListSecrets is missing".to_owned(),
        },
    ]
}

fn scopes(report: &Report) -> Vec<ScopeRow> {
    let mut counted: BTreeMap<_, u64> = BTreeMap::new();
    for row in &report.secrets {
        *counted.entry(row.scope()).or_default() += 1;
    }
    counted
        .into_iter()
        .map(|(scope, secrets)| {
            let holed =
                scope.account.as_str() == ACCOUNTS[5] && scope.region.as_str() == REGIONS[1];
            ScopeRow {
                account: scope.account,
                region: scope.region,
                inventory: InventoryState::Read,
                secrets,
                trail: TrailRow {
                    covered_hours: if holed { 684 } else { 744 },
                    expected_hours: 744,
                    complete: !holed,
                    evidence_covered_hours: if holed { 2_148 } else { 2_208 },
                    evidence_expected_hours: 2_208,
                },
                price: Some(PriceList::built_in().rows[0].price),
                list_price: None,
                sample: None,
            }
        })
        .collect()
}

fn loops(report: &Report, dice: &mut Dice) -> Vec<LoopRow> {
    let mut rows: Vec<LoopRow> = report
        .secrets
        .iter()
        .filter(|row| row.avoidable_usd.is_some_and(|usd| usd > Money::ZERO))
        .map(|row| {
            let steady = dice.roll(3);
            let daily = row.reads / 31;
            LoopRow {
                arn: Some(row.arn.clone()),
                name: row.name.clone(),
                account: Some(row.account.clone()),
                region: Some(row.region.clone()),
                reader: row.readers.first().map_or_else(String::new, |reader| reader.reader.clone()),
                kind: ReaderKind::Application,
                client: row.readers.first().map_or_else(String::new, |reader| reader.client.clone()),
                what: "GetSecretValue".to_owned(),
                reads_month: row.reads * 730 / 744,
                clients: 1 + dice.roll(6),
                clients_up_to: false,
                interval_s: Some([1.02, 0.34, 4.8][usize::try_from(steady).unwrap()]),
                shape: [LoopShape::Steady, LoopShape::PerRequest, LoopShape::Burst][usize::try_from(steady).unwrap()],
                active_hours: 744,
                cache_s: 3_600,
                avoidable_calls_month: row.reads * 730 / 744 - 6_000,
                avoidable_usd_month: row.avoidable_usd,
                avoidable_range: None,
                advice: "Fetch it once and keep it: the caching library for your language holds it for an hour (SecretCache, secret_refresh_interval = 3600).".to_owned(),
                days: (0_i64..31)
                    .map(|day| {
                        let weekend = day % 7 > 4;
                        let calls = match steady {
                            0 => daily + dice.roll(daily / 50 + 1),
                            1 => if weekend { daily / 3 } else { daily * 5 / 4 + dice.roll(daily / 5 + 1) },
                            _ => if day % 9 == 4 { daily * 6 } else { daily / 4 },
                        };
                        (crate::domain::inventory::secret::day_of(report.window.from + (day * 24).hours()), calls)
                    })
                    .collect(),
                estimate: None,
            }
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.avoidable_usd_month));
    rows
}

fn findings(report: &Report) -> Vec<FindingRow> {
    let finding =
        |code: &str, severity, row: &SecretRow, text: &str, evidence: String| FindingRow {
            code: code.into(),
            severity,
            arn: Some(row.arn.clone()),
            name: row.name.clone(),
            account: Some(row.account.clone()),
            region: Some(row.region.clone()),
            reader: row.readers.first().map(|reader| reader.reader.clone()),
            text: text.to_owned(),
            evidence,
            muted: None,
        };
    let mut rows = Vec::new();
    for row in &report.secrets {
        if row.failed > 0 {
            rows.push(finding(
                "failing-reads",
                Severity::High,
                row,
                "Reads are refused",
                format!("{} failed reads: User is not authorized to perform secretsmanager:GetSecretValue", row.failed),
            ));
        }
        if row.owner.is_none() {
            rows.push(finding(
                "no-owner",
                Severity::Low,
                row,
                "No tag names an owner",
                String::new(),
            ));
        }
    }
    rows.sort_by(|a, b| (a.severity, &a.code).cmp(&(b.severity, &b.code)));
    rows
}

/// Two months of the same organization: secrets came and went, some were scheduled, loops were mended and found.
pub(crate) fn two_months(secrets: usize) -> (Report, Report) {
    let (mut old, mut new) = (report(secrets), report(secrets));
    let month = (24 * 31).hours();
    old.made -= month;
    old.window = Span {
        from: "2026-09-01T00:00:00Z".parse().unwrap(),
        to: "2026-10-01T00:00:00Z".parse().unwrap(),
    };
    old.policy.month = Some("2026-09".to_owned());
    for row in &mut old.secrets {
        row.deleted = None;
        row.cost.storage_usd = Some(Money(400_000));
        row.cost = Cost::new(row.cost.storage_usd, row.cost.api_usd, row.cost.kms_usd);
        row.idle_days = row.idle_days.map(|days| days.saturating_sub(31));
    }
    let mended: Vec<SecretArn> = new
        .loops
        .iter()
        .take(3)
        .filter_map(|row| row.arn.clone())
        .collect();
    new.loops
        .retain(|row| row.arn.as_ref().is_none_or(|arn| !mended.contains(arn)));
    for row in &mut new.secrets {
        if mended.contains(&row.arn) {
            row.avoidable_usd = Some(Money::ZERO);
            row.cost = Cost::new(
                row.cost.storage_usd,
                Some(Money(30_000)),
                row.cost.kms_usd.map(|_| Money::ZERO),
            );
        }
    }
    let mut going = 0;
    new.secrets.retain(|row| {
        going += usize::from(row.verdict == Verdict::Delete);
        row.verdict != Verdict::Delete || going % 3 != 0
    });
    for (index, row) in new
        .secrets
        .iter_mut()
        .filter(|row| row.verdict == Verdict::Delete)
        .enumerate()
    {
        if index.is_multiple_of(4) {
            row.deleted = Some(now() - 100.hours());
            row.verdict = Verdict::Keep;
            row.cost = Cost::new(Some(Money::ZERO), row.cost.api_usd, row.cost.kms_usd);
        }
    }
    old.secrets.retain(|row| !row.name.ends_with('7'));
    let there: std::collections::BTreeSet<SecretArn> =
        old.secrets.iter().map(|row| row.arn.clone()).collect();
    old.loops
        .retain(|row| row.arn.as_ref().is_none_or(|arn| there.contains(arn)));
    for report in [&mut old, &mut new] {
        // Both are of a calendar month: what it cost changes as the run rate does.
        for row in &mut report.secrets {
            row.window_cost = row.cost;
        }
        report.findings = findings(report);
        report.scopes = scopes(report);
        report.totals = totals(report);
    }
    (old, new)
}

/// The sums of a report's rows, as a scan makes them, at the price of a month in the list.
pub(crate) fn totals(report: &Report) -> Totals {
    let pending = report.secrets.iter().filter(|row| row.deleted.is_some());
    Totals {
        pending_usd: pending.map(|_| Money(400_000)).sum(),
        ..sums::totals(report)
    }
}
