//! The sample report as if its first account and Region had been read in windows only.

use super::{IRELAND, MAIN, at};
use crate::domain::base::money::Money;
use crate::domain::report::result::{
    CaveatRow, CostParts, Estimate, LoopEstimate, LoopShape, Range, Report, SampleRow,
};
use crate::domain::report::sums;

fn caveat(code: &str, text: &str) -> CaveatRow {
    CaveatRow {
        code: code.into(),
        text: text.to_owned(),
    }
}

/// A tenth below and above.
fn about(number: u64) -> Range<u64> {
    Range {
        low: number - number / 10,
        high: number + number / 10,
    }
}

fn usd(amount: Money) -> Range<Money> {
    Range {
        low: Money(amount.0 - amount.0 / 10),
        high: Money(amount.0 + amount.0 / 10),
    }
}

/// The report.
pub(crate) fn estimated() -> Report {
    let mut report = super::report();
    mark(&mut report, "seen in 3 windows of the sample only");
    report
}

/// Makes estimates of the numbers of one account and Region, with this text as a caveat.
pub(crate) fn mark(report: &mut Report, text: &str) {
    let all = caveat("few-windows", "the sample has 1163 windows");
    for row in &mut report.secrets {
        if (row.account.as_str(), row.region.as_str()) != (MAIN, IRELAND) {
            continue;
        }
        for reader in &mut row.readers {
            reader.estimate = Some(Box::new(Estimate {
                calls: about(reader.calls),
                reads: Some(about(reader.reads)),
                failed: Some(about(reader.failed)),
                windows: 3,
                caveats: vec![all.clone()],
                ..Estimate::default()
            }));
        }
        row.estimate = Some(Box::new(Estimate {
            calls: about(row.calls),
            reads: Some(about(row.reads)),
            failed: Some(about(row.failed)),
            cost: CostParts {
                storage_usd: None,
                ..row.cost.map(|part| part.map(usd))
            },
            window_total_usd: row.window_cost.total_usd.map(usd),
            avoidable_usd: row.avoidable_usd.map(usd),
            savings_usd: None,
            windows: 3,
            caveats: vec![caveat("rare", text), all.clone()],
        }));
    }
    for row in &mut report.loops {
        row.estimate = Some(LoopEstimate {
            reads_month: about(row.reads_month),
            avoidable_calls_month: about(row.avoidable_calls_month),
            avoidable_usd_month: row.avoidable_usd_month.map(usd),
            windows: 900,
            caveats: vec![all.clone()],
        });
    }
    if let Some(row) = report.loops.last_mut() {
        row.interval_s = None;
        row.shape = LoopShape::Unknown;
    }
    let window = report.window;
    report.scopes[0].sample = Some(SampleRow {
        from: window.from,
        to: at("2026-10-31T23:40:00Z"),
        step_s: 2_221,
        width_s: 11,
        phase_s: 1_017,
        seed: 4_503_599_627_370_497,
        windows: 1_167,
        windows_read: 1_163,
        full_s: 96,
        calls: Some(2_635_230),
        calls_range: Some(about(2_635_230)),
        caveats: vec![all],
    });
    let pending = report.totals.pending_usd;
    report.totals = sums::totals(report);
    report.totals.pending_usd = pending;
}
