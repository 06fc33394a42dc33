//! What it costs: a month at the present rate, the window itself, and the same by group.

use super::page::{Look, TextPage, left, piece, right};
use super::phrases::{self, agree, number, usd};
use crate::domain::base::money::{Money, thousands};
use crate::domain::inventory::secret::includes_secrets;
use crate::domain::report::result::{BudgetRow, Range, Report, SecretRow, Totals};
use crate::domain::report::sums::{self, Grouping, KnownSums, Parts};
use crate::domain::report::verdict::Verdict;
use crate::report::escape::one_line;
use crate::report::estimates::dollars;
use crate::report::format::money;

/// One line of the bill: what, how much, and what it is made of. Without an amount it explains the line above.
struct CostLine {
    label: &'static str,
    amount: String,
    note: String,
}

/// The section.
pub(super) fn costs(page: &mut TextPage, report: &Report, known: &KnownSums) {
    page.heading("COST PER MONTH (estimate)");
    let lines = lines(report, known);
    let amounts = lines
        .iter()
        .map(|line| line.amount.len())
        .max()
        .unwrap_or(0);
    for CostLine {
        label,
        amount,
        note,
    } in &lines
    {
        let look = if *label == "Total" {
            Look::Strong
        } else {
            Look::Usual
        };
        page.line(
            2,
            &[
                left(look, label, 9),
                right(look, amount, amounts + 2),
                piece(Look::Usual, "  "),
                piece(Look::Faint, note),
            ],
        );
    }
    let note = format!(
        "These {} cost {}.{}",
        phrases::length(&report.window),
        usd(known.window(&report.totals)),
        window_parts(report)
    );
    page.paragraph(2, Look::Faint, &note);
    let (covered, expected) = report.trail_hours();
    // A sample says itself what it stands for.
    if covered < expected && report.totals.estimate.is_none() && !nothing_counted(known) {
        let text = format!(
            "Calls were counted in {} of {} hours and scaled to a whole month.",
            thousands(covered),
            thousands(expected)
        );
        page.paragraph(2, Look::Warning, &text);
    }
    left_out(page, &report.totals, known);
    for text in budgets(report) {
        page.paragraph(2, Look::Warning, &text);
    }
}

/// The budgets that are exceeded, a sentence each.
pub(in crate::report) fn budgets(report: &Report) -> Vec<String> {
    let sentence = |(row, over): (&BudgetRow, Money)| {
        let whose = match row.of.as_str() {
            "total" => "The budget".to_owned(),
            "account" => format!(
                "The budget of {}",
                one_line(&report.account_label(&row.name))
            ),
            _ => format!("The budget of the owner {}", one_line(&row.name)),
        };
        format!(
            "{whose} is exceeded by {}: {} of {}.",
            over.dollars(),
            row.cost_usd.dollars(),
            row.limit_usd.dollars()
        )
    };
    report.over_budget().map(sentence).collect()
}

/// Returns what of the cost of the window is scaled, and what of it is of secrets that are gone.
fn window_parts(report: &Report) -> String {
    let window = &report.totals.window_cost;
    let scaled = (window.extrapolated_usd > Money::ZERO)
        .then(|| format!(" {} of that is scaled.", money(window.extrapolated_usd)));
    let former = (window.former_usd > Money::ZERO).then(|| {
        format!(
            " {} of that is storage of {} deleted for good.",
            money(window.former_usd),
            number(report.former.len() as u64, "secret")
        )
    });
    scaled.into_iter().chain(former).collect()
}

fn lines(report: &Report, known: &KnownSums) -> Vec<CostLine> {
    let totals = &report.totals;
    let line = |label, amount: String, note: String| CostLine {
        label,
        amount,
        note,
    };
    let (secrets, included) = stored(report);
    let cost = known.cost(totals);
    let amount = usd(cost.storage_usd);
    let mut lines = vec![line("Storage", amount, secrets)];
    lines.extend(included.map(|note| line("", String::new(), note)));
    if nothing_counted(known) {
        let why = if report.has_trail() {
            "the trail covers none of the window"
        } else {
            "no trail was read"
        };
        let note = format!("{why}: calls are not counted");
        lines.push(line("API calls", usd(None), note));
        lines.push(line("KMS", usd(None), String::new()));
    } else {
        let about = if totals.estimate.is_some() {
            "about "
        } else {
            ""
        };
        let calls = format!(
            "{about}{} in {}",
            number(totals.calls, "call"),
            phrases::length(&report.window)
        );
        let api = cost.api_usd;
        lines.push(line("API calls", usd(api), calls));
        let range = totals
            .estimate
            .as_ref()
            .and_then(|found| found.cost.api_usd);
        if let Some(range) = range.filter(|_| api.is_some()) {
            lines.push(line("", String::new(), sampled(range)));
        }
        if totals.unattributed_calls > 0 {
            let calls = thousands(totals.unattributed_calls);
            let unattributed = report.unattributed.iter().map(|row| row.api_usd);
            let usd = usd(unattributed.collect::<Parts>().of(totals.unattributed_usd));
            lines.push(line(
                "",
                String::new(),
                format!("{calls} of them ({usd}) match no known secret"),
            ));
        }
        lines.push(line(
            "KMS",
            usd(cost.kms_usd),
            "reads with a customer-managed key".to_owned(),
        ));
    }
    let total = cost.total_usd;
    let range = totals
        .estimate
        .as_ref()
        .and_then(|found| found.cost.total_usd);
    let sure = range.filter(|_| total.is_some()).map(sampled);
    lines.push(line("Total", usd(total), sure.unwrap_or_default()));
    lines
}

/// Returns how many secrets are stored, and which of them cost nothing: a line for each reason.
fn stored(report: &Report) -> (String, Option<String>) {
    let count = |which: fn(&&SecretRow) -> bool| report.secrets.iter().filter(which).count() as u64;
    let pending = count(|row| row.deleted.is_some());
    let included = count(|row| {
        let service = row.owning_service.as_deref();
        row.deleted.is_none() && sums::priced(row) && service.is_some_and(includes_secrets)
    });
    let secrets = number(report.totals.secrets, "secret");
    let secrets = match pending {
        0 => secrets,
        some => format!(
            "{secrets}; {} pending deletion {} free",
            thousands(some),
            agree(some, "is", "are")
        ),
    };
    let are = agree(
        included,
        "is free (owned by another AWS service)",
        "are free (owned by other AWS services)",
    );
    let included = (included > 0).then(|| format!("{} {are}", thousands(included)));
    (secrets, included)
}

/// Returns how sure an amount is that was estimated from a sample.
fn sampled(range: Range<Money>) -> String {
    format!("estimate from a sample: {}", dollars(range))
}

/// Returns whether no calls could be counted anywhere.
pub(super) fn nothing_counted(known: &KnownSums) -> bool {
    known.amounts.calls.of(()).is_none()
}

/// Writes what the costs leave out, so that a low number is not taken for a good one.
fn left_out(page: &mut TextPage, totals: &Totals, known: &KnownSums) {
    let mut parts = Vec::new();
    if totals.unpriced_secrets > 0 {
        parts.push(format!(
            "the price of {}",
            number(totals.unpriced_secrets, "secret")
        ));
    }
    let uncounted = phrases::storage_alone(totals);
    if uncounted > 0 && !nothing_counted(known) {
        parts.push(format!("the calls of {}", number(uncounted, "secret")));
    }
    if !parts.is_empty() {
        let text = format!("Unknown and left out: {}.", phrases::listed(&parts));
        page.paragraph(2, Look::Warning, &text);
    }
}

/// The table of groups, the most expensive first; what is left out is counted.
pub(super) fn groups(page: &mut TextPage, report: &Report, by: Grouping, most: usize) {
    page.heading(&format!("COST PER MONTH BY {}", by.words().to_uppercase()));
    let mut groups = sums::groups(report, by);
    // The calls of no secret stay at the end.
    groups.sort_by_key(|group| {
        (
            group.key == sums::GroupKey::Unattributed,
            -group.totals.cost.total_usd.0,
        )
    });
    let header = ["secrets", "cost", "savings", "delete", "review"];
    row(page, Look::Faint, by.words(), &header.map(str::to_owned));
    let rest = groups.len().saturating_sub(most);
    for group in groups.iter().take(most) {
        let totals = &group.totals;
        let of = |verdict| thousands(totals.verdicts.get(&verdict).copied().unwrap_or(0));
        let known = &group.known;
        let cells = [
            thousands(totals.secrets),
            usd(known.cost(totals).total_usd),
            usd(known.savings().of(totals.savings_usd)),
            of(Verdict::Delete),
            of(Verdict::Review),
        ];
        let key = match (by, &group.key) {
            (Grouping::Account, sums::GroupKey::Of(account)) => report.account_label(account),
            (_, key) => key.to_string(),
        };
        row(page, Look::Usual, &key, &cells);
    }
    if rest > 0 {
        let text = format!("and {} more in summary.csv", thousands(rest as u64));
        page.line(2, &[piece(Look::Faint, text)]);
    }
}

/// The table of owners with their shares of the calls that belong to no secret, if the policy file shares those out; and by
/// which rule.
pub(super) fn showback(page: &mut TextPage, report: &Report, most: usize) {
    let Some(shared) = &report.allocation else {
        return;
    };
    page.heading("COST PER MONTH BY OWNER, ALL CALLS SHARED OUT");
    let line = |page: &mut TextPage, look: Look, key: &str, cells: [String; 3]| {
        let mut pieces = vec![left(look, key, 28)];
        pieces.extend(cells.iter().map(|cell| right(look, cell, 15)));
        page.line(2, &pieces);
    };
    let header = ["own secrets", "share of calls", "together"];
    line(page, Look::Faint, "owner", header.map(str::to_owned));
    let mut owners: Vec<_> = shared.owners.iter().collect();
    owners.sort_by_key(|row| -row.total_usd.0);
    for row in owners.iter().take(most) {
        let key = row
            .owner
            .clone()
            .map_or(sums::GroupKey::NoOwner, sums::GroupKey::Of);
        let cells = [row.own_usd, row.share_usd, row.total_usd].map(Money::dollars);
        line(page, Look::Usual, &key.to_string(), cells);
    }
    let rest = owners.len().saturating_sub(most);
    if rest > 0 {
        let text = format!("and {} more in owners.csv", thousands(rest as u64));
        page.line(2, &[piece(Look::Faint, text)]);
    }
    page.paragraph(2, Look::Faint, shared.rule.sentence());
}

fn row(page: &mut TextPage, look: Look, key: &str, cells: &[String; 5]) {
    let widths = [9, 13, 12, 8, 8];
    let mut pieces = vec![left(look, key, 28)];
    pieces.extend(
        cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| right(look, cell, width)),
    );
    page.line(2, &pieces);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::base::gap::GapSource;
    use crate::domain::report::result::Cost;
    use crate::report::sample;
    use crate::report::text::{Options, summary};

    #[test]
    fn without_a_trail_calls_are_unknown_and_not_free() {
        let mut report = sample::report();
        report.unattributed.clear();
        report.loops.clear();
        for row in &mut report.secrets {
            row.cost = Cost::new(row.cost.storage_usd, None, None);
            (row.calls, row.reads, row.failed) = (0, 0, 0);
        }
        for scope in &mut report.scopes {
            scope.trail.covered_hours = 0;
        }
        report.totals = sums::totals(&report);
        let text = |report: &Report| summary(report, &Options::default());
        let line = |text: &str, label: &str| {
            text.lines()
                .find(|line| line.trim().starts_with(label))
                .unwrap()
                .to_owned()
        };
        let given = text(&report);
        assert!(
            line(&given, "API calls").contains("unknown  the trail covers none of the window"),
            "{given}"
        );
        assert!(line(&given, "KMS").ends_with("unknown"));
        assert!(line(&given, "Total").ends_with("$2.40"));
        assert!(!given.contains("the calls of") && !given.contains("Calls were counted"));
        for scope in &mut report.scopes {
            scope.trail.evidence_covered_hours = 0;
        }
        report.gaps.retain(|gap| gap.source != GapSource::Trail);
        let declined = text(&report);
        assert!(
            line(&declined, "API calls").contains("unknown  no trail was read"),
            "{declined}"
        );
    }

    #[test]
    fn what_a_month_is_scaled_from_is_said_where_it_is_not_all() {
        let mut report = sample::report();
        let said = "Calls were counted in";
        let whole = |scope: &mut crate::domain::report::result::ScopeRow| {
            scope.trail.covered_hours = scope.trail.expected_hours;
        };
        report.scopes.iter_mut().for_each(whole);
        assert!(!summary(&report, &Options::default()).contains(said));
        report.scopes.truncate(1);
        report.scopes[0].trail.covered_hours = 1;
        let text = summary(&report, &Options::default());
        assert!(
            text.contains("Calls were counted in 1 of 720 hours"),
            "{text}"
        );
    }

    #[test]
    fn what_is_left_out_is_named_once() {
        for (unpriced, uncounted, said) in [
            (0, 0, None),
            (2, 2, Some("the price of 2 secrets.")),
            (0, 1, Some("the calls of 1 secret.")),
            (
                1,
                3,
                Some("the price of 1 secret and the calls of 2 secrets."),
            ),
        ] {
            let mut report = sample::report();
            report.totals.unpriced_secrets = unpriced;
            report.totals.uncounted_secrets = uncounted;
            let text = summary(&report, &Options::default());
            let found = text
                .lines()
                .find_map(|line| line.trim().strip_prefix("Unknown and left out: "));
            assert_eq!(found, said);
        }
    }
}
