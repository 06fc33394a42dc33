//! What can be saved and how: the secrets that can be deleted, and the loops to fix.

use super::costs::nothing_counted;
use super::page::{self, COLUMNS, Look, TextPage, left, piece};
use super::phrases::{self, number};
use super::{Detail, Options, more, of_verdict, scope_text, secrets};
use crate::domain::base::money::{Money, thousands};
use crate::domain::base::names::AccountId;
use crate::domain::report::result::{LoopRow, Report, SecretRow};
use crate::domain::report::sums::{self, KnownSums};
use crate::domain::report::verdict::Verdict;
use crate::report::estimates::dollars;

/// The section.
pub(super) fn savings(page: &mut TextPage, report: &Report, known: &KnownSums, options: &Options) {
    let totals = &report.totals;
    let loops = sums::loops(report);
    let deletes = of_verdict(report, Verdict::Delete);
    if deletes.is_empty() && loops.is_empty() {
        nothing(page, known);
    } else {
        let parts = known.savings();
        let savings = parts.of(totals.savings_usd);
        page.heading(&match savings {
            None => "SAVINGS WITHOUT A KNOWN PRICE".to_owned(),
            Some(usd) if parts.unknown > 0 => format!("SAVE {} PER MONTH OR MORE", usd.dollars()),
            Some(usd) => format!("SAVE UP TO {} PER MONTH", usd.dollars()),
        });
        let range = totals.estimate.as_ref().and_then(|found| found.savings_usd);
        if let Some(range) = range.filter(|_| savings.is_some()) {
            let text = format!("An estimate from a sample: {}.", dollars(range));
            page.paragraph(2, Look::Usual, &text);
        }
        if !deletes.is_empty() {
            deletable(page, report, &deletes, known, options);
        }
        if !deletes.is_empty() && !report.loops.is_empty() && options.detail == Detail::Full {
            page.space();
        }
        if !loops.is_empty() {
            let usd = known.mending().of(totals.savings_loops_usd);
            hot_loops(page, usd, &loops, options);
        }
        if let Some(going) = phrases::going(report, &loops) {
            let column = if loops.is_empty() { 2 } else { 4 };
            page.line(column, &[piece(Look::Faint, going)]);
        }
    }
    // One screen says beside the storage how many are pending.
    if totals.pending_usd > Money::ZERO && options.detail == Detail::Full {
        page.space();
        let text = format!(
            "Pending deletions already save {} per month.",
            totals.pending_usd.dollars()
        );
        page.paragraph(2, Look::Faint, &text);
    }
}

/// Writes what it means that there is nothing to save: without a trail only that nobody knows.
fn nothing(page: &mut TextPage, known: &KnownSums) {
    if nothing_counted(known) {
        page.heading("SAVINGS ARE NOT KNOWN");
        let text = "Without a trail it is not known who reads what. Scan again with `--trail`, or judge by \
                    LastAccessedDate alone with `--trust-last-accessed`.";
        page.paragraph(2, Look::Usual, text);
    } else if known.savings().unknown > 0 {
        page.heading("NOTHING TO SAVE FOR CERTAIN");
        let text = "No secret is unused for certain. Whether a program fetches one far too often is not known: the \
                    trail does not cover the calls of every secret, or their price is unknown.";
        page.paragraph(2, Look::Usual, text);
    } else {
        page.heading("NOTHING TO SAVE");
        let text = "No secret is certainly unused, and no hot loop costs enough to list.";
        page.paragraph(2, Look::Usual, text);
    }
}

fn title(page: &mut TextPage, usd: Option<Money>, what: &str, note: &str) {
    page.line(
        2,
        &[
            piece(Look::Good, phrases::usd(usd)),
            piece(Look::Strong, format!("  {what}")),
            piece(Look::Faint, note),
        ],
    );
}

fn deletable(
    page: &mut TextPage,
    report: &Report,
    rows: &[&SecretRow],
    known: &KnownSums,
    options: &Options,
) {
    let what = format!("delete {}", number(rows.len() as u64, "secret"));
    let usd = known.deleting.of(report.totals.savings_delete_usd);
    let note = match (usd, known.deleting.unknown) {
        (None, _) | (_, 0) => String::new(),
        (Some(_), some) => format!("; what {} of them costs is unknown", thousands(some)),
    };
    title(page, usd, &what, &note);
    secrets::list(page, report, rows, options);
}

fn hot_loops(page: &mut TextPage, usd: Option<Money>, loops: &[&LoopRow], options: &Options) {
    let what = format!("fix {}", number(loops.len() as u64, "hot loop"));
    let note = ": a program calls far too often";
    title(page, usd, &what, note);
    for found in loops.iter().take(options.top) {
        match options.detail {
            Detail::Short => short_loop(page, found),
            Detail::Full => hot_loop(page, found),
        }
    }
    more(page, loops.len(), options, "findings.csv");
}

/// The columns for the secret of a loop: what is over 80 columns is shared between it and its caller.
fn loop_name(page: &TextPage) -> usize {
    31 + page.columns().saturating_sub(COLUMNS) / 2
}

/// One line: what is saved, of which secret, and who calls how often.
fn short_loop(page: &mut TextPage, found: &LoopRow) {
    let caller = phrases::reader(&found.reader, found.account.as_ref().map(AccountId::as_str));
    let saved = phrases::saving(found);
    let often = found.interval_s.map_or_else(String::new, |seconds| {
        format!("every {} by ", phrases::interval(seconds))
    });
    if page.is_narrow() {
        let subject = piece(Look::Strong, phrases::subject(found).0);
        page.line(
            4,
            &[piece(Look::Good, &saved), piece(Look::Usual, "  "), subject],
        );
        page.paragraph(
            4 + saved.len() + 2,
            Look::Faint,
            &format!("{often}{caller}"),
        );
        return;
    }
    page.line(
        4,
        &[
            piece(Look::Good, saved),
            piece(Look::Usual, "  "),
            left(Look::Strong, phrases::subject(found).0, loop_name(page)),
            piece(Look::Usual, "  "),
            piece(Look::Faint, format!("{often}{caller}")),
        ],
    );
}

fn hot_loop(page: &mut TextPage, found: &LoopRow) {
    let usd = phrases::saving(found);
    let (subject, missing) = phrases::subject(found);
    let scope = format!(
        "  {}",
        scope_text(found.account.as_ref(), found.region.as_ref())
    );
    let subject = if page.is_narrow() {
        piece(Look::Strong, subject)
    } else {
        let others = 4 + usd.len() + 2 + missing.len() + scope.len();
        page::cut(Look::Strong, subject, page.columns().saturating_sub(others))
    };
    page.line(
        4,
        &[
            piece(Look::Good, usd),
            piece(Look::Usual, "  "),
            subject,
            piece(Look::Usual, missing),
            piece(Look::Faint, scope),
        ],
    );
    let reader = phrases::reader(&found.reader, found.account.as_ref().map(AccountId::as_str));
    let text = format!(
        "{reader} ({}) calls {}{}; {}{}, {} per month, {}.",
        found.client,
        found.what,
        phrases::pace(found),
        found.clients_bound(),
        number(found.clients, "client"),
        number(found.reads_month, "call"),
        phrases::needless(found)
    );
    page.paragraph(6, Look::Usual, &text);
    if let Some(sure) = phrases::how_sure(found) {
        page.item(6, "Estimate: ", Look::Usual, &sure);
    }
    page.item(6, "Fix: ", Look::Usual, &found.advice);
}
