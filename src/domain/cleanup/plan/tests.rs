//! Tests of [`super`]: tables of data, and the laws.

use proptest::prelude::*;

use super::*;
use crate::domain::base::span::Span;
use crate::domain::inventory::tags::Tags;
use crate::domain::report::result::{Cost, PolicySummary, Report, SecretRow, Totals};
use crate::report::sample;

/// A row that can go, in the account and Region of most tests.
pub(crate) fn row(name: &str) -> SecretRow {
    SecretRow {
        owner: None,
        created: None,
        last_changed: Some("2026-01-02T03:04:05.6Z".parse().unwrap()),
        cost: Cost::new(Some(Money(400_000)), None, None),
        window_cost: Cost::default(),
        avoidable_usd: None,
        ..sample::secret(
            "111122223333",
            "eu-central-1",
            name,
            Verdict::Delete,
            "never-read",
        )
    }
}

/// A finished scan with these rows.
pub(crate) fn report(secrets: Vec<SecretRow>) -> Report {
    let made = "2026-11-01T06:00:00.25Z".parse().unwrap();
    let span = Span {
        from: Timestamp::UNIX_EPOCH,
        to: made,
    };
    Report {
        format: 1,
        tool: String::new(),
        made,
        caller: None,
        window: span,
        evidence: span,
        account_names: BTreeMap::new(),
        policy: PolicySummary {
            idle_days: 90,
            young_days: 30,
            trust_last_accessed: false,
            owner_tags: vec![],
            month: None,
            prices: String::new(),
        },
        assumptions: vec![],
        scopes: vec![],
        gaps: vec![],
        totals: Totals {
            secrets: secrets.len() as u64,
            ..Totals::default()
        },
        secrets,
        unattributed: vec![],
        former: Vec::new(),
        budgets: Vec::new(),
        allocation: None,
        loops: vec![],
        findings: vec![],
        reach: None,
    }
}

pub(crate) fn everything() -> PlanSelection {
    PlanSelection {
        reach: VerdictScope::Delete,
        only: vec![],
        exclude: vec![],
        min_saving: None,
        recovery_days: 30,
    }
}

fn names(draft: &Draft) -> Vec<&str> {
    let lines = draft.plan.lines.iter();
    lines.map(|line| line.arn.name()).collect()
}

fn globs(patterns: &[&str]) -> Vec<Glob> {
    patterns.iter().map(|glob| glob.parse().unwrap()).collect()
}

fn with(name: &str, change: impl FnOnce(&mut SecretRow)) -> SecretRow {
    let mut row = row(name);
    change(&mut row);
    row
}

#[test]
fn only_what_can_go_is_planned_and_review_only_when_asked_for() {
    let report = report(vec![
        row("goes"),
        with("unsure", |row| row.verdict = Verdict::Review),
        with("stays", |row| row.verdict = Verdict::Keep),
    ]);
    let asked = draft(&report, &everything());
    assert_eq!(names(&asked), ["goes"]);
    assert_eq!(asked.to_review, 1);
    let more = PlanSelection {
        reach: VerdictScope::DeleteAndReview,
        ..everything()
    };
    assert_eq!(names(&draft(&report, &more)), ["goes", "unsure"]);
}

#[test]
fn patterns_and_the_least_saving_narrow_the_plan() {
    let report = report(vec![
        row("app/cheap"),
        with("app/dear", |row| {
            row.cost = Cost::new(Some(Money(2_000_000)), None, None);
        }),
        with("app/unpriced", |row| row.cost = Cost::default()),
        row("dr/app"),
    ]);
    let pick = |only: &[&str], exclude: &[&str], min_saving| {
        let selection = PlanSelection {
            only: globs(only),
            exclude: globs(exclude),
            min_saving,
            ..everything()
        };
        let draft = draft(&report, &selection);
        assert_eq!(draft.left_out + draft.plan.lines.len() as u64, 4);
        names(&draft).join(" ")
    };
    assert_eq!(
        pick(&["app/*"], &[], None),
        "app/cheap app/dear app/unpriced"
    );
    assert_eq!(pick(&[], &["app/*"], None), "dr/app");
    assert_eq!(
        pick(&["*app*"], &["*:111122223333:*cheap*"], None),
        "app/dear app/unpriced dr/app"
    );
    assert_eq!(pick(&[], &[], Some(Money(1_000_000))), "app/dear");
}

#[test]
fn what_must_not_be_deleted_here_is_refused_with_its_reason() {
    let tagged = |key: &str| Tags::from([(key.to_owned(), "web".to_owned())]);
    let primary = row("primary");
    let report = report(vec![
        with("events!a", |row| {
            row.owning_service = Some("events".to_owned());
        }),
        with("stacked", |row| {
            row.tags = tagged("aws:cloudformation:stack-name");
        }),
        with("gone", |row| row.deleted = Some(Timestamp::UNIX_EPOCH)),
        with("copy", |row| {
            row.replica_of = Some(Box::new(primary.arn.clone()));
        }),
        with("line\nbreak", |_| {}),
        primary,
    ]);
    let draft = draft(&report, &everything());
    assert_eq!(names(&draft), ["primary"]);
    let refused: BTreeMap<&str, &Refusal> = draft
        .refused
        .iter()
        .map(|one| (one.arn.name(), &one.why))
        .collect();
    assert_eq!(refused["events!a"], &Refusal::Service("events".to_owned()));
    assert_eq!(refused["stacked"], &Refusal::Stack("web".to_owned()));
    assert_eq!(refused["gone"], &Refusal::Pending);
    assert!(matches!(refused["copy"], Refusal::Replica(_)));
    assert_eq!(refused["line\nbreak"], &Refusal::Name);
}

#[test]
fn a_secret_goes_with_its_replicas_and_their_cost() {
    let primary = with("primary", |row| {
        row.replicas = vec!["us-east-1".parse().unwrap()];
    });
    let mut replica = with("primary", |row| row.verdict = Verdict::Keep);
    replica.arn = primary
        .arn
        .in_region(&"eu-west-1".parse().unwrap())
        .unwrap();
    replica.region = replica.arn.scope().region.clone();
    replica.replica_of = Some(Box::new(primary.arn.clone()));
    let draft = draft(&report(vec![primary, replica]), &everything());
    let [line] = draft.plan.lines.as_slice() else {
        panic!("one line")
    };
    let regions: Vec<&str> = line.seal.replicas.iter().map(Region::as_str).collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    assert_eq!(line.saves, Some(Money(800_000)));
}

#[test]
fn the_plan_ages_from_the_scan_and_another_plan_has_another_id() {
    let scan = report(vec![row("a"), row("b")]);
    let first = draft(&scan, &everything()).plan;
    assert_eq!(first.planned_at.to_string(), "2026-11-01T06:00:00Z");
    assert_eq!(draft(&scan, &everything()).plan, first);
    let shorter = PlanSelection {
        recovery_days: 7,
        ..everything()
    };
    assert_ne!(draft(&scan, &shorter).plan.id, first.id);
    assert_ne!(
        draft(&report(vec![row("a")]), &everything()).plan.id,
        first.id
    );
    let blocked = first.lines[0].name_blocked_until(first.planned_at);
    assert_eq!(blocked.to_string(), "2026-12-01T06:00:00Z");
}

#[test]
fn a_few_deletions_are_no_large_share_of_a_small_account() {
    let rows = ["a", "b", "c", "d", "e", "f"].map(row);
    let mut plan = draft(&report(rows.to_vec()), &everything()).plan;
    plan.scanned = 6;
    let ours = BTreeSet::from(["111122223333".parse().unwrap()]);
    let check = |plan: &Plan| Guards::default().check(plan, plan.planned_at, None, &ours);
    assert!(matches!(check(&plan)[..], [Blocked::TooLargeShare { .. }]));
    plan.lines[0].decision = Decision::Keep;
    assert_eq!(check(&plan), [], "five of six");
}

#[test]
fn guards_stop_what_is_too_much_too_old_or_not_ours() {
    let rows = ["a", "b", "c", "d", "e", "f", "g"].map(row);
    let mut plan = draft(&report(rows.to_vec()), &everything()).plan;
    plan.scanned = 35;
    let ours = BTreeSet::from(["111122223333".parse().unwrap()]);
    let day = |days: i64| plan.planned_at + SignedDuration::from_hours(24 * days);
    let guards = Guards::default();
    assert_eq!(guards.check(&plan, day(14), None, &ours), []);
    let few = Guards {
        max_deletions: 2,
        ..guards
    };
    assert!(matches!(
        few.check(&plan, day(0), None, &ours)[..],
        [Blocked::TooMany { .. }]
    ));
    plan.scanned = 34;
    assert!(matches!(
        guards.check(&plan, day(0), None, &ours)[..],
        [Blocked::TooLargeShare { .. }]
    ));
    plan.lines[0].decision = Decision::Keep;
    assert_eq!(guards.check(&plan, day(0), None, &ours), []);
    assert!(matches!(
        guards.check(&plan, day(15), None, &ours)[..],
        [Blocked::TooOld { .. }]
    ));
    assert!(matches!(
        guards.check(&plan, day(-1), None, &ours)[..],
        [Blocked::ClockBehind { .. }]
    ));
    let behind = guards.check(&plan, day(2), Some(day(3)), &ours);
    assert!(matches!(behind[..], [Blocked::ClockBehind { .. }]));
    let none = BTreeSet::new();
    assert!(matches!(
        guards.check(&plan, day(0), None, &none)[..],
        [Blocked::OtherAccount { .. }]
    ));
}

proptest! {
    #[test]
    fn a_plan_never_holds_a_keep_nor_a_replica_nor_anything_twice(
        picks in proptest::collection::vec((0_u8..6, 0_u8..3, any::<bool>(), any::<bool>(), any::<bool>()), 0..40),
        review in any::<bool>(),
    ) {
        let rows: Vec<SecretRow> = picks.iter().map(|&(name, verdict, managed, pending, replica)| {
            with(&format!("s{name}"), |row| {
                row.verdict = [Verdict::Delete, Verdict::Review, Verdict::Keep][usize::from(verdict)];
                row.owning_service = managed.then(|| "rds".to_owned());
                row.deleted = pending.then_some(Timestamp::UNIX_EPOCH);
                row.replica_of = replica.then(|| Box::new(row.arn.clone()));
            })
        }).collect();
        let reach = if review { VerdictScope::DeleteAndReview } else { VerdictScope::Delete };
        let draft = draft(&report(rows.clone()), &PlanSelection { reach, ..everything() });
        let mut seen = BTreeSet::new();
        for line in &draft.plan.lines {
            prop_assert!(seen.insert(&line.arn));
            prop_assert!(rows.iter().any(|row| row.arn == line.arn
                && row.verdict != Verdict::Keep
                && (review || row.verdict == Verdict::Delete)
                && row.owning_service.is_none()
                && row.deleted.is_none()
                && row.replica_of.is_none()));
        }
    }
}
