//! Parts of a report: the secrets whose names match.
//!
//! A selection is a report again: its totals are added up from the rows that stay, so that rows and totals agree. Calls
//! that belong to no secret have no name to match, so a selection leaves them out and says so in its assumptions.

use std::collections::{HashMap, HashSet};

use crate::domain::base::gap::GapSource;
use crate::domain::base::money::thousands;
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::policy::Glob;
use crate::domain::report::result::{
    FindingRow, FormerSecret, InventoryState, LoopRow, Report, SecretRow, Totals,
};
use crate::domain::report::sums;

/// The secrets that are shown, by name.
#[derive(Clone, Debug, Default)]
pub struct SecretFilter {
    /// Names that match one of these; all, if it is empty.
    pub only: Vec<Glob>,
    /// But none of these.
    pub exclude: Vec<Glob>,
}

impl SecretFilter {
    /// Returns whether a name is selected.
    pub fn holds(&self, name: &str) -> bool {
        let fits = |globs: &[Glob]| globs.iter().any(|glob| glob.fits(name));
        (self.only.is_empty() || fits(&self.only)) && !fits(&self.exclude)
    }

    fn is_all(&self) -> bool {
        self.only.is_empty() && self.exclude.is_empty()
    }

    /// The globs in words, after "whose name".
    pub fn words(&self) -> String {
        let listed = |globs: &[Glob]| {
            let globs: Vec<_> = globs
                .iter()
                .map(|glob| format!("`{}`", glob.pattern()))
                .collect();
            globs.join(" or ")
        };
        match (self.only.is_empty(), self.exclude.is_empty()) {
            (true, _) => format!("does not match {}", listed(&self.exclude)),
            (false, true) => format!("matches {}", listed(&self.only)),
            (false, false) => format!(
                "matches {}, but not {}",
                listed(&self.only),
                listed(&self.exclude)
            ),
        }
    }
}

/// The report of the selected secrets; the report as it is if the selection names no glob.
///
/// Loops stay with their secret; loops on names that are not in the inventory are left out with their calls. Findings
/// stay if their name is selected.
#[must_use]
pub fn select(report: Report, selection: &SecretFilter) -> Report {
    if selection.is_all() {
        return report;
    }
    let holds = |name: &str| selection.holds(name);
    let words = format!("Only secrets whose name {}", selection.words());
    narrowed(
        report,
        |row| holds(&row.name),
        |found| holds(&found.name),
        |found| holds(&found.name),
        |gone| holds(&gone.name),
        &words,
    )
}

/// The report of the secrets of one owner; `None`: of those without an owner tag. A replica without the tag belongs to the
/// owner of its primary, and what was found belongs to the owner of its secret.
#[must_use]
pub fn owned_by(report: &Report, owner: Option<&str>) -> Report {
    let secrets: HashSet<SecretArn> = owners(report)
        .into_iter()
        .filter(|(_, found)| *found == owner)
        .map(|(arn, _)| arn.clone())
        .collect();
    let holds = |arn: Option<&SecretArn>| arn.is_some_and(|arn| secrets.contains(arn));
    let words = match owner {
        Some(owner) => format!("Only secrets of the owner `{owner}`"),
        None => "Only secrets without an owner tag".to_owned(),
    };
    narrowed(
        report.clone(),
        |row| holds(Some(&row.arn)),
        |found| holds(found.arn.as_ref()),
        |found| holds(found.arn.as_ref()),
        // Nobody knows any more whose it was.
        |_| owner.is_none(),
        &words,
    )
}

/// The owner of each secret, as [`owned_by`] sees it.
pub fn owners(report: &Report) -> HashMap<&SecretArn, Option<&str>> {
    let own: HashMap<&SecretArn, Option<&str>> = report
        .secrets
        .iter()
        .map(|row| (&row.arn, row.owner.as_deref()))
        .collect();
    let of = |row: &'_ SecretRow| {
        let primary = row.replica_of.as_deref();
        own[&row.arn].or_else(|| own.get(primary?).copied().flatten())
    };
    report
        .secrets
        .iter()
        .map(|row| (&row.arn, of(row)))
        .collect()
}

/// The report of a part of its rows, with the sums of that part.
fn narrowed(
    mut report: Report,
    secrets: impl Fn(&SecretRow) -> bool,
    loops: impl Fn(&LoopRow) -> bool,
    findings: impl Fn(&FindingRow) -> bool,
    former: impl Fn(&FormerSecret) -> bool,
    words: &str,
) -> Report {
    let pending =
        |secrets: &[SecretRow]| secrets.iter().filter(|row| row.deleted.is_some()).count() as u64;
    let pending_before = pending(&report.secrets);
    report.secrets.retain(secrets);
    if let Some(reach) = &mut report.reach {
        let kept: HashSet<&SecretArn> = report.secrets.iter().map(|row| &row.arn).collect();
        super::reach::select(reach, |row| kept.contains(&row.arn));
    }
    report
        .loops
        .retain(|found| found.arn.is_some() && loops(found));
    report.findings.retain(findings);
    report.former.retain(former);
    // They are limits on the whole.
    report.budgets.clear();
    report.allocation = None;
    let left_out: u64 = report.unattributed.drain(..).map(|row| row.calls).sum();

    // A report of a version that did not write the prices: a share by number.
    let share = || {
        let whole = report.totals.pending_usd;
        whole.scaled(pending(&report.secrets), pending_before)
    };
    let pending_usd = sums::pending(&report).unwrap_or_else(share);
    report.totals = Totals {
        pending_usd,
        ..sums::totals(&report)
    };
    keep_scopes(&mut report);
    if report.totals.estimate.is_some() {
        report.assumptions.push(
            "The interval of a selection is the sum of those of its secrets: never too narrow, mostly too wide."
                .to_owned(),
        );
    }
    let calls = match left_out {
        0 => String::new(),
        1 => "; 1 call that belongs to no secret is left out".to_owned(),
        more => format!(
            "; {} calls that belong to no secret are left out",
            thousands(more)
        ),
    };
    report.assumptions.push(format!("{words}{calls}."));
    report
}

/// Leaves out accounts and Regions that hold none of the selected secrets, with the gaps of their trail. Where no
/// inventory was read the selected secrets may be, so those stay.
fn keep_scopes(report: &mut Report) {
    let mut counts: HashMap<Scope, u64> = HashMap::new();
    for row in &report.secrets {
        *counts.entry(row.scope()).or_default() += 1;
    }
    let mut gone = HashSet::new();
    report.scopes.retain_mut(|row| {
        let scope = Scope {
            account: row.account.clone(),
            region: row.region.clone(),
        };
        row.secrets = counts.get(&scope).copied().unwrap_or(0);
        let stays = row.secrets > 0 || row.inventory != InventoryState::Read;
        if !stays {
            gone.insert(scope);
        }
        stays
    });
    report.gaps.retain(|gap| match (&gap.account, &gap.region) {
        (Some(account), Some(region)) if gap.source == GapSource::Trail => {
            let (account, region) = (account.clone(), region.clone());
            !gone.contains(&Scope { account, region })
        }
        _ => true,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::base::money::Money;
    use crate::report::sample;

    fn globs(globs: &[&str]) -> Vec<Glob> {
        globs.iter().map(|glob| glob.parse().unwrap()).collect()
    }

    fn selected(only: &[&str], exclude: &[&str]) -> Report {
        let selection = SecretFilter {
            only: globs(only),
            exclude: globs(exclude),
        };
        select(sample::report(), &selection)
    }

    #[test]
    fn names_are_selected_by_globs() {
        let names = |report: &Report| -> Vec<String> {
            let mut names: Vec<_> = report.secrets.iter().map(|row| row.name.clone()).collect();
            names.sort();
            names.dedup();
            names
        };
        assert_eq!(
            names(&selected(&["legacy/*"], &[])),
            ["legacy/db", "legacy/never"]
        );
        assert_eq!(names(&selected(&["legacy/*"], &["*db"])), ["legacy/never"]);
        assert_eq!(
            names(&selected(&["*key", "old*"], &[])),
            ["old/token", "payments/api-key", "unseen/key"]
        );
        assert!(names(&selected(&["nothing"], &[])).is_empty());
    }

    #[test]
    fn only_scopes_that_matter_to_the_selection_stay() {
        let names = |report: &Report| -> Vec<String> {
            let scopes = report.scopes.iter();
            scopes
                .map(|scope| format!("{} {}", scope.account, scope.region))
                .collect()
        };
        let report = selected(&["payments/*"], &[]);
        // The last one has no inventory: there may be such secrets in it.
        assert_eq!(
            names(&report),
            ["111122223333 eu-west-1", "444455556666 sa-east-1"]
        );
        assert_eq!(report.gaps.len(), 1, "the gap of a file stays");
        assert_eq!(selected(&["unseen/*"], &[]).gaps.len(), 2);
    }

    #[test]
    fn every_secret_has_one_owner_and_the_parts_add_up() {
        let whole = sample::report();
        let found = owners(&whole);
        let owners: std::collections::BTreeSet<_> = found.into_values().collect();
        let parts: Vec<Report> = owners
            .iter()
            .map(|owner| owned_by(&whole, *owner))
            .collect();
        let secrets: usize = parts.iter().map(|part| part.secrets.len()).sum();
        assert_eq!(secrets, whole.secrets.len());
        let cost: Money = parts.iter().map(|part| part.totals.cost.total_usd).sum();
        assert_eq!(
            cost + whole.totals.unattributed_usd,
            whole.totals.cost.total_usd
        );
        for (part, owner) in parts.iter().zip(&owners) {
            let foreign = |name: &str| !part.secrets.iter().any(|row| row.name == name);
            assert!(
                !part.loops.iter().any(|found| foreign(&found.name)),
                "{owner:?}"
            );
            assert!(
                !part.findings.iter().any(|found| foreign(&found.name)),
                "{owner:?}"
            );
        }
    }

    #[test]
    fn no_glob_leaves_the_report_as_it_is() {
        assert_eq!(selected(&[], &[]), sample::report());
    }

    #[test]
    fn a_selection_adds_up_and_says_what_it_left_out() {
        let report = selected(&["payments/*", "old/*"], &["none"]);
        assert_eq!(report.totals.secrets, 2);
        assert_eq!(
            report.totals.cost.total_usd,
            Money(400_000 + 13_140_000 + 7_884_000)
        );
        assert_eq!(report.totals.unattributed_calls, 0);
        assert_eq!(report.totals.pending_usd, Money(400_000));
        assert_eq!(report.totals.calls, 2_592_000);
        assert!(report.unattributed.is_empty());
        // The loop on a missing name went with its calls, so that nobody saves what is not in the total.
        assert_eq!(report.loops.len(), 1);
        assert_eq!(report.totals.savings_usd, Money(20_954_000));
        assert_eq!(
            report.scopes.iter().map(|scope| scope.secrets).sum::<u64>(),
            2
        );
        assert_eq!(
            report.assumptions.last().unwrap(),
            "Only secrets whose name matches `payments/*` or `old/*`, but not `none`; 43,233 calls that belong to no \
             secret are left out."
        );
        assert_eq!(selected(&["legacy/*"], &[]).totals.pending_usd, Money::ZERO);
    }
}
