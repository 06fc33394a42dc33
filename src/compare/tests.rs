//! Laws of a comparison: it explains every micro-dollar and claims nothing that it could not see.

use super::*;
use crate::domain::fixture;

fn names(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.name.as_str()).collect()
}

/// The steps of the bridge that move anything.
fn steps(comparison: &Comparison) -> Vec<(&str, u64, i64)> {
    comparison
        .bridge
        .iter()
        .filter(|step| step.change_usd != Money::ZERO)
        .map(|step| (step.code.as_str(), step.count, step.change_usd.0))
        .collect()
}

fn recount(report: &mut Report) {
    report.totals = fixture::totals(report);
}

#[test]
fn a_report_compared_with_itself_has_no_change() {
    let report = fixture::report(200);
    let comparison = compare(&report, &report);
    assert_eq!(comparison.change_usd, Money::ZERO);
    assert!(steps(&comparison).is_empty());
    assert_eq!(comparison.savings.realised_usd, Money::ZERO);
    assert_eq!(comparison.savings.open_usd, report.totals.savings_usd);
    for list in [
        &comparison.appeared,
        &comparison.gone,
        &comparison.scheduled,
        &comparison.restored,
        &comparison.dearer,
        &comparison.cheaper,
        &comparison.newly_idle,
        &comparison.used_again,
    ] {
        assert!(list.is_empty());
    }
    assert!(comparison.loops_found.is_empty() && comparison.loops_fixed.is_empty());
}

#[test]
fn the_bridge_explains_the_change_to_the_micro_dollar() {
    for secrets in [0, 5, 100, 400] {
        let (old, new) = fixture::two_months(secrets);
        for (old, new) in [(&old, &new), (&new, &old)] {
            let comparison = compare(old, new);
            let sum: Money = comparison.bridge.iter().map(|step| step.change_usd).sum();
            assert_eq!(sum, comparison.change_usd);
            let unattributed = new.totals.unattributed_usd - old.totals.unattributed_usd;
            assert_eq!(comparison.bridge.last().unwrap().change_usd, unattributed);
        }
    }
}

#[test]
fn what_is_new_in_one_direction_is_gone_in_the_other() {
    let (old, new) = fixture::two_months(400);
    let (there, back) = (compare(&old, &new), compare(&new, &old));
    assert!(!there.appeared.is_empty() && !there.gone.is_empty() && !there.scheduled.is_empty());
    assert_eq!(names(&there.appeared), names(&back.gone));
    assert_eq!(names(&there.gone), names(&back.appeared));
    assert_eq!(names(&there.scheduled), names(&back.restored));
    assert_eq!(names(&there.dearer), names(&back.cheaper));
}

#[test]
fn a_scope_that_only_one_scan_looked_at_is_neither_new_nor_gone() {
    let new = fixture::report(200);
    let mut old = new.clone();
    let scope = new.secrets[0].scope();
    old.secrets.retain(|row| row.scope() != scope);
    old.scopes
        .retain(|row| (&row.account, &row.region) != (&scope.account, &scope.region));
    recount(&mut old);
    let added = compare(&old, &new);
    assert!(added.appeared.is_empty());
    assert_eq!(added.scopes_added, std::slice::from_ref(&scope));
    assert_eq!(steps(&added).len(), 1);
    assert_eq!(steps(&added)[0].0, "scopes-added");
    let lost = compare(&new, &old);
    assert!(lost.gone.is_empty() && lost.savings.realised_usd == Money::ZERO);
    assert_eq!(lost.scopes_lost, [scope]);
}

#[test]
fn calls_that_became_countable_are_no_price_rise() {
    let new = fixture::report(100);
    let mut old = new.clone();
    for row in &mut old.secrets {
        row.cost = Cost::new(row.cost.storage_usd, None, None);
        row.window_cost = Cost::new(row.window_cost.storage_usd, None, None);
    }
    recount(&mut old);
    let comparison = compare(&old, &new);
    assert!(comparison.dearer.is_empty());
    assert_eq!(steps(&comparison).len(), 1);
    assert_eq!(steps(&comparison)[0].0, "unlike");
}

#[test]
fn savings_are_realised_by_what_was_promised_and_no_more() {
    let old = fixture::report(300);
    let mut new = old.clone();
    let wanted = |row: &SecretRow| row.verdict == Verdict::Delete;
    let gone = old.secrets.iter().find(|row| wanted(row)).unwrap();
    let unasked = old
        .secrets
        .iter()
        .find(|row| row.verdict == Verdict::Keep)
        .unwrap();
    new.secrets
        .retain(|row| row.arn != gone.arn && row.arn != unasked.arn);
    let first = &old.loops[0];
    new.loops.remove(0);
    let looped = new
        .secrets
        .iter_mut()
        .find(|row| Some(&row.arn) == first.arn.as_ref())
        .unwrap();
    looped.cost = Cost::new(
        looped.cost.storage_usd,
        Some(Money::ZERO),
        Some(Money::ZERO),
    );
    recount(&mut new);
    let comparison = compare(&old, &new);
    let savings = comparison.savings;
    assert_eq!(
        savings.deleted_usd,
        gone.cost.known(),
        "not what nobody asked to delete"
    );
    assert_eq!(
        savings.mended_usd,
        first.avoidable_usd_month.unwrap(),
        "at most what was promised"
    );
    assert_eq!(
        savings.realised_usd + savings.open_usd,
        savings.promised_usd
    );
    assert_eq!(comparison.loops_fixed.len(), 1);
}

/// A month in which the only loop is one on a name that is not in the inventory, and costs so much, half of it avoidable;
/// and the first secret, which is to stand for the name later.
fn looking_for_a_name(usd: Money) -> (Report, SecretRow) {
    let mut report = fixture::report(100);
    let found = report.secrets.remove(0);
    let scope = found.scope();
    report.loops.truncate(1);
    let unnamed = &mut report.loops[0];
    unnamed.arn = None;
    unnamed.name.clone_from(&found.name);
    unnamed.account = Some(scope.account);
    unnamed.region = Some(scope.region);
    unnamed.avoidable_usd_month = Some(usd.scaled(1, 2));
    calls_of_nobody_cost(&mut report, usd);
    (report, found)
}

/// Sets what the calls of no secret cost where the loop is.
fn calls_of_nobody_cost(report: &mut Report, usd: Money) {
    let row = &mut report.unattributed[0];
    row.api_usd = Some(usd);
    let found = fixture::report(100).secrets.remove(0);
    row.account = Some(found.account);
    row.region = Some(found.region);
    recount(report);
}

#[test]
fn a_loop_on_a_name_saved_at_most_what_the_calls_of_no_secret_fell_by() {
    let dollars = |cents: i64| Money(cents * 10_000);
    for (now, saved, why) in [
        (80, 20, "it looks for the name less often"),
        (40, 50, "no more than was promised"),
        (100, 0, "nothing fell"),
        (120, 0, "what rose saved nothing"),
    ] {
        let (old, _) = looking_for_a_name(dollars(100));
        let mut new = old.clone();
        new.loops.clear();
        calls_of_nobody_cost(&mut new, dollars(now));
        let savings = compare(&old, &new).savings;
        assert_eq!(savings.mended_usd, dollars(saved), "{why}");
        for row in &mut new.scopes {
            row.trail.covered_hours = row.trail.expected_hours / 2;
        }
        let unseen = compare(&old, &new).savings;
        assert_eq!(unseen.mended_usd, Money::ZERO, "half the trail is missing");
    }
}

#[test]
fn a_name_that_became_a_secret_is_the_same_loop_and_saves_what_its_calls_cost_less() {
    let (old, mut found) = looking_for_a_name(Money(1_000_000));
    found.cost = Cost::new(
        Some(Money(400_000)),
        Some(Money(1_000_000)),
        Some(Money::ZERO),
    );
    let mut new = old.clone();
    new.loops[0].arn = Some(found.arn.clone());
    new.secrets.insert(0, found);
    calls_of_nobody_cost(&mut new, Money::ZERO);
    for (old, new) in [(&old, &new), (&new, &old)] {
        let still = compare(old, new);
        assert_eq!(still.savings.mended_usd, Money::ZERO, "it calls as before");
        assert!(still.loops_found.is_empty() && still.loops_fixed.is_empty());
    }
    new.secrets[0].cost = Cost::new(Some(Money(400_000)), Some(Money(700_000)), None);
    new.loops.clear();
    recount(&mut new);
    let mended = compare(&old, &new);
    assert_eq!(mended.savings.mended_usd, Money(300_000));
    assert_eq!(mended.loops_fixed.len(), 1);
}

#[test]
fn a_loop_that_the_trail_could_not_show_is_not_fixed() {
    let old = fixture::report(300);
    let mut new = old.clone();
    let gone = new.loops.remove(0);
    for row in &mut new.scopes {
        if Some(&row.account) == gone.account.as_ref() {
            row.trail.covered_hours = row.trail.expected_hours / 2;
        }
    }
    let comparison = compare(&old, &new);
    assert!(comparison.loops_fixed.is_empty());
    assert_eq!(comparison.loops_unseen.len(), 1);
    assert_eq!(comparison.loops_unseen[0].name, gone.name);
}

#[test]
fn idle_and_used_again_go_by_the_limit_of_the_new_scan() {
    let base = fixture::report(20);
    let with = |days: Option<u32>| {
        let mut report = base.clone();
        report.secrets[0].idle_days = days;
        report
    };
    for (before, after, idle, used) in [
        (Some(89), Some(90), 1, 0),
        (Some(90), Some(89), 0, 1),
        (Some(90), Some(120), 0, 0),
        (Some(10), Some(20), 0, 0),
        (None, Some(120), 0, 0),
        (Some(10), None, 0, 0),
    ] {
        let comparison = compare(&with(before), &with(after));
        let found = (comparison.newly_idle.len(), comparison.used_again.len());
        assert_eq!(found, (idle, used), "{before:?} {after:?}");
    }
}
