//! The guards of a whole plan: how much may be deleted at once, how old the plan may be, and whose accounts it is for.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::Plan;
use crate::domain::base::names::AccountId;
use crate::domain::cleanup::precondition::{SKEW_SECONDS, whole_seconds};

/// As many deletions as the limit on the share always allows: in a small account a single secret is a large share.
pub const ALWAYS_FEW: u64 = 5;

/// The limits within which a plan may be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guards {
    /// At most this many deletions.
    pub max_deletions: u64,
    /// At most this share of the scanned secrets, in per cent. So few deletions as [`ALWAYS_FEW`] are never too many.
    pub max_percent: u64,
    /// No plan whose evidence is older than this.
    pub max_age: SignedDuration,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            max_deletions: 50,
            max_percent: 20,
            max_age: SignedDuration::from_hours(14 * 24),
        }
    }
}

/// Why a plan is refused as a whole.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Blocked {
    /// Too many lines.
    #[error("the plan deletes {lines} secrets, and at most {most} are allowed")]
    TooMany {
        /// In the plan.
        lines: u64,
        /// Allowed.
        most: u64,
    },
    /// Too large a share.
    #[error("the plan deletes {lines} of {scanned} scanned secrets, more than {most} %")]
    TooLargeShare {
        /// In the plan.
        lines: u64,
        /// In the scan.
        scanned: u64,
        /// Allowed.
        most: u64,
    },
    /// Too old.
    #[error("the plan is based on a scan of {planned_at}, more than {most_days} days ago")]
    TooOld {
        /// The time when the scan was made.
        planned_at: Timestamp,
        /// Days allowed.
        most_days: i64,
    },
    /// The clock runs behind.
    #[error("the clock says {now}, but {what} is of {then}")]
    ClockBehind {
        /// The clock.
        now: Timestamp,
        /// The thing that is younger.
        what: &'static str,
        /// Its time.
        then: Timestamp,
    },
    /// Other accounts' secrets.
    #[error("the plan holds secrets of account {theirs}, but the caller acts in {ours}")]
    OtherAccount {
        /// In the plan.
        theirs: String,
        /// The caller's.
        ours: String,
    },
}

impl Blocked {
    /// Returns what a user can do about it.
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "keep some of its lines, or allow more with `--max-deletions`",
            Self::TooLargeShare { .. } => {
                "keep some of its lines, or allow more with `--max-percent`"
            }
            Self::TooOld { .. } => "scan and plan again",
            Self::ClockBehind { .. } => "set the clock right first",
            Self::OtherAccount { .. } => {
                "use credentials of that account, or name a role there with `--role-name`"
            }
        }
    }

    /// Returns whether only carrying the plan out is refused. Checking it changes nothing, so that many, large or old
    /// plans may be checked; a plan of other accounts, or one whose time is in doubt, cannot be.
    pub fn allows_checking(&self) -> bool {
        match self {
            Self::TooMany { .. } | Self::TooLargeShare { .. } | Self::TooOld { .. } => true,
            Self::ClockBehind { .. } | Self::OtherAccount { .. } => false,
        }
    }
}

impl Guards {
    /// Everything that forbids carrying out the plan at `now` in these accounts; empty: it may be carried out.
    ///
    /// `journal` is the time of the last entry of the plan's journal. A clock that was set back would make an old plan
    /// look young; a scan or a journal entry that lies ahead of the clock gives that away.
    pub fn check(
        &self,
        plan: &Plan,
        now: Timestamp,
        journal: Option<Timestamp>,
        accounts: &BTreeSet<AccountId>,
    ) -> Vec<Blocked> {
        let mut blocked = Vec::new();
        let lines = plan.to_delete().count() as u64;
        if lines > self.max_deletions {
            blocked.push(Blocked::TooMany {
                lines,
                most: self.max_deletions,
            });
        }
        let share = u128::from(lines) * 100;
        if lines > ALWAYS_FEW && share > u128::from(self.max_percent) * u128::from(plan.scanned) {
            blocked.push(Blocked::TooLargeShare {
                lines,
                scanned: plan.scanned,
                most: self.max_percent,
            });
        }
        if now.duration_since(plan.planned_at) > self.max_age {
            blocked.push(Blocked::TooOld {
                planned_at: plan.planned_at,
                most_days: self.max_age.as_hours() / 24,
            });
        }
        let skew = SignedDuration::from_secs(SKEW_SECONDS);
        let seen = [
            ("the scan", Some(plan.planned_at)),
            ("the journal's last entry", journal),
        ];
        for (what, then) in seen {
            if let Some(then) = then.filter(|then| then.duration_since(now) > skew) {
                let (now, then) = (whole_seconds(now), whole_seconds(then));
                blocked.push(Blocked::ClockBehind { now, what, then });
            }
        }
        let theirs: Vec<String> = plan
            .accounts()
            .difference(accounts)
            .map(AccountId::to_string)
            .collect();
        if !theirs.is_empty() {
            let ours: Vec<String> = accounts.iter().map(AccountId::to_string).collect();
            blocked.push(Blocked::OtherAccount {
                theirs: theirs.join(", "),
                ours: ours.join(", "),
            });
        }
        blocked
    }
}
