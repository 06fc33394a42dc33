//! The text of an `apply`: a row for each line of the plan, and what was done, looked up and can be done next.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::ApplyJob;
use crate::cleanup::apply::{ApplySummary, LineOutcome, LineResult};
use crate::domain::base::names::Region;
use crate::domain::cleanup::plan::{Blocked, PlanEntry};
use crate::domain::cleanup::precondition::whole_seconds;
use crate::run::cleanup::recent_calls::RecentCalls;
use crate::run::cleanup::show::{command, day, paragraph, saving, scope_text, tally};
use crate::run::cleanup::{journal, login_words, path_word};

/// A row as wide as that of this line may become, but for its last cell.
pub(super) fn likely(line: &PlanEntry) -> Vec<String> {
    let scope = scope_text(&line.arn);
    let longest = LineOutcome::DoneBefore {
        deletion: Timestamp::UNIX_EPOCH,
    };
    let what = longest.as_str().to_owned();
    vec![what, line.arn.name().to_owned(), scope, String::new()]
}

pub(super) fn row(done: &LineResult) -> Vec<String> {
    let until = |moment: Timestamp| format!("can be restored until {}", day(moment));
    let detail = match &done.outcome {
        LineOutcome::WouldDelete {
            blocked_until,
            replicas,
        } => {
            let regions: Vec<&str> = replicas.iter().map(Region::as_str).collect();
            if regions.is_empty() {
                until(*blocked_until)
            } else {
                format!(
                    "{}; replicas deleted at once: {}",
                    until(*blocked_until),
                    regions.join(", ")
                )
            }
        }
        LineOutcome::Deleted { deletion } | LineOutcome::DoneBefore { deletion } => {
            until(*deletion)
        }
        LineOutcome::Refused(why) | LineOutcome::Failed(why) => why.clone(),
        LineOutcome::Skipped => "the run stopped before this line".to_owned(),
    };
    vec![
        done.outcome.as_str().to_owned(),
        done.arn.name().to_owned(),
        scope_text(&done.arn),
        detail,
    ]
}

impl ApplyJob<'_> {
    pub(super) fn sum_up(
        &self,
        summary: &ApplySummary,
        recent: Option<&RecentCalls>,
        blocked: &[Blocked],
    ) -> String {
        let mut text = String::new();
        let count = |which: fn(&LineOutcome) -> bool| summary.count(which);
        let parts = [
            (
                count(|one| matches!(one, LineOutcome::WouldDelete { .. })),
                "would be deleted",
            ),
            (
                count(|one| matches!(one, LineOutcome::Deleted { .. })),
                "deleted",
            ),
            (
                count(|one| matches!(one, LineOutcome::DoneBefore { .. })),
                "deleted before",
            ),
            (
                count(|one| matches!(one, LineOutcome::Refused(_))),
                "refused",
            ),
            (count(|one| matches!(one, LineOutcome::Failed(_))), "failed"),
            (count(|one| *one == LineOutcome::Skipped), "not tried"),
        ];
        let goes: fn(&LineOutcome) -> bool = |one| {
            matches!(
                one,
                LineOutcome::WouldDelete { .. }
                    | LineOutcome::Deleted { .. }
                    | LineOutcome::DoneBefore { .. }
            )
        };
        let _ = write!(text, "{}.", tally(&parts));
        if count(goes) > 0 {
            let saves = saving(summary.saves(goes), " per month");
            let _ = write!(text, " That saves {saves}.");
        }
        text = paragraph(&text);
        text.insert(0, '\n');
        text.push_str(&paragraph(&self.what_was_looked_up(summary, recent)));
        text.push_str(&self.what_next(summary, blocked));
        text
    }

    /// Returns what was looked up, when, and what it found. Nothing is said of lines that were not looked up.
    fn what_was_looked_up(&self, summary: &ApplySummary, recent: Option<&RecentCalls>) -> String {
        if recent.is_none() {
            return "The calls since the scan were not looked up (`--no-lookup`).".to_owned();
        }
        if let Some(why) = &summary.lookup_gap {
            return format!("The calls since the scan could not be looked up completely ({why}).");
        }
        let clear = summary.count(|one| {
            matches!(
                one,
                LineOutcome::WouldDelete { .. } | LineOutcome::Deleted { .. }
            )
        });
        if clear == 0 {
            let is_unknown = recent.is_some_and(|recent| !recent.gaps.is_empty());
            return if is_unknown {
                "The calls since the scan could not be looked up completely.".to_owned()
            } else {
                String::new()
            };
        }
        let which = if clear == 1 {
            "that secret".to_owned()
        } else {
            format!("those {clear} secrets")
        };
        format!(
            "The event history from {} to {} shows no calls for {which} by anybody who needs them. This is no proof: events arrive up to 20 minutes late, and caching clients call rarely.",
            whole_seconds(self.plan.planned_at),
            whole_seconds(self.clock.now()),
        )
    }

    fn what_next(&self, summary: &ApplySummary, blocked: &[Blocked]) -> String {
        let count = |which: fn(&LineOutcome) -> bool| summary.count(which);
        let mut text = String::from("\n");
        if !self.args.execute {
            text.push_str("Nothing was changed.");
            if count(|one| matches!(one, LineOutcome::WouldDelete { .. })) > 0 && blocked.is_empty()
            {
                text.push_str(" To schedule the deletions, add `--execute`.");
            }
            text.push('\n');
            for why in blocked {
                let way_out = why.way_out();
                text.push_str(&paragraph(&format!(
                    "`--execute` would be refused: {why}. To go on, {way_out}."
                )));
            }
            return text;
        }
        let journal = &self.journal;
        text.push_str(&paragraph(&format!("Recorded in {journal}.")));
        let open: fn(&LineOutcome) -> bool =
            |one| matches!(one, LineOutcome::Failed(_) | LineOutcome::Skipped);
        if count(open) > 0 {
            text.push_str("Run the same command again to retry what failed or was not tried.\n");
        }
        let mut words = path_word(&self.args.plan);
        if self.args.journal.is_some() {
            let _ = write!(words, " --journal {}", journal::word(journal));
        }
        words.push_str(&login_words(&self.args.login));
        text.push_str("To see who still needs a deleted secret, and to restore secrets:\n");
        text.push_str(&command(&format!("secretsweep watch {words}")));
        text.push_str(&command(&format!("secretsweep restore {words}")));
        text
    }
}
