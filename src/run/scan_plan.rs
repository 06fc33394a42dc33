//! A scan before it has read anything, from the command line and the policy, and how it judges what was read.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use jiff::Timestamp;

use super::Misuse;
use super::sources::ScanData;
use crate::cli::{AnalysisArgs, TrailSource};
use crate::domain::analysis::{Input, ScanSpans, TrailInput, analyse, needs_version_check};
use crate::domain::base::gap::Gap;
use crate::domain::base::money::counted;
use crate::domain::base::month::Month;
use crate::domain::base::names::SecretArn;
use crate::domain::base::span::Span;
use crate::domain::base::utf_16::{UTF_16, is_utf_16};
use crate::domain::inventory::secret::CurrentVersion;
use crate::domain::policy::Policy;
use crate::domain::pricing::cost::Accrual;
use crate::domain::report::result::Report;
use crate::domain::trail::dedup::REMEMBERED_DAYS;
use crate::domain::trail::ledger::{Ledger, LedgerBounds};
use crate::files::bounded::{ValueEnd, whole};
use crate::files::cache::Cache;
use crate::term::Term;

/// The policy file that is read when none is named.
pub(super) const POLICY_FILE: &str = "secretsweep.toml";

/// How long a sliding window is when nothing is said.
pub(super) const WINDOW: Duration = Duration::from_hours(30 * 24);

/// A scan before it has read anything: the settings and the spans.
pub(super) struct ScanPlan {
    pub(super) now: Timestamp,
    pub(super) policy: Policy,
    pub(super) spans: ScanSpans,
    pub(super) month: Option<Month>,
    pub(super) threads: usize,
}

impl ScanPlan {
    /// Reads the policy and price files and fixes the spans.
    pub(super) fn new(judging: &AnalysisArgs) -> Result<Self> {
        let now = judging.now.unwrap_or_else(clock);
        let policy = policy(judging)?;
        let month = judging
            .month
            .as_deref()
            .map(str::parse::<Month>)
            .transpose()?;
        let spans = spans(judging, &policy, month, now)?;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            now,
            policy,
            spans,
            month,
            threads: judging.threads.map_or(cores, usize::from),
        })
    }

    /// Reads files and judges what they hold. `trail` is `None` if there is to be none.
    pub(super) fn scan(
        &self,
        inventory: &[PathBuf],
        trail: Option<&[PathBuf]>,
        cache: Option<&Cache>,
        term: &Term,
    ) -> Result<Report> {
        let mut gathered = ScanData::default();
        gathered.inventory_files(inventory)?;
        if let Some(roots) = trail {
            gathered.trail_files(roots, self.bounds(), self.threads, cache, term);
        }
        let trail = if trail.is_some() {
            TrailInput::Given
        } else {
            TrailInput::Declined
        };
        Ok(self.judge(gathered, trail))
    }

    /// The time that is counted.
    pub(super) fn bounds(&self) -> LedgerBounds {
        LedgerBounds {
            from: self.spans.evidence.from.as_second(),
            window_from: self.spans.window.from.as_second(),
            to: ceil_second(self.spans.evidence.to),
        }
    }

    /// Judges what was gathered.
    pub(super) fn judge(&self, gathered: ScanData, trail: TrailInput) -> Report {
        self.judge_with_versions(gathered, trail, |_| VersionAnswers::default())
    }

    /// Judges what was gathered. `ask` is called once and may find out which secrets are in doubt: those of which the
    /// current version would decide.
    pub(super) fn judge_with_versions(
        &self,
        gathered: ScanData,
        trail: TrailInput,
        ask: impl FnOnce(&dyn Fn() -> Vec<SecretArn>) -> VersionAnswers,
    ) -> Report {
        let ScanData {
            secrets,
            scopes,
            gaps,
            mut notes,
            caller,
            mut account_names,
            ledgers,
            seen,
        } = gathered;
        let mut ledger = Ledger::new(self.bounds(), seen);
        for other in ledgers {
            ledger.merge(other);
        }
        if ledger.duplicates > 0 {
            let times = counted(ledger.duplicates, "event came", "events came");
            notes.push(format!(
                "{times} more than once (two trails, two files) and were counted once."
            ));
        }
        if ledger.late > 0 {
            let times = counted(ledger.late, "event was", "events were");
            notes.push(format!(
                "{times} delivered more than {REMEMBERED_DAYS} days late: if a copy of one was delivered in time, it is \
                 counted twice."
            ));
        }
        if let Some(month) = self.month.filter(|month| !month.is_over(self.now)) {
            notes.push(format!(
                "The month {month} is not over: its cost is that until {}.",
                self.spans.window.to
            ));
        }
        account_names.extend(self.policy.accounts.clone());
        let (accesses, coverage) = ledger.into_accesses();
        let mut input = Input {
            secrets,
            accesses: &accesses,
            coverage: &coverage,
            trail,
            spans: self.spans,
            policy: &self.policy,
            gaps,
            scopes,
            now: self.now,
            tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            caller,
            account_names,
            month: self.month.map(|month| month.to_string()),
            notes,
        };
        let mut late = ask(&|| needs_version_check(&input));
        input.gaps.append(&mut late.gaps);
        input.notes.append(&mut late.notes);
        if !late.current.is_empty() {
            for secret in &mut input.secrets {
                let current = late.current.remove(&secret.arn).map(Box::new);
                secret.current = current.or(secret.current.take());
            }
        }
        analyse(input)
    }
}

/// What was asked for while judging.
#[derive(Default)]
pub(super) struct VersionAnswers {
    /// Current versions.
    pub(super) current: BTreeMap<SecretArn, CurrentVersion>,
    /// What could not be read.
    pub(super) gaps: Vec<Gap>,
    /// Sentences for the reader of the report.
    pub(super) notes: Vec<String>,
}

/// What log files told before, below the folder of `--cache`.
pub(super) fn log_cache(folder: Option<&Path>) -> Option<Cache> {
    folder.map(|folder| Cache::new(&folder.join("trail")))
}

/// Says what could not be kept: the scan is right without it, but the next one is no faster.
pub(super) fn warn_cache(cache: Option<&Cache>, term: &Term) {
    if let Some(trouble) = cache.and_then(Cache::trouble) {
        term.say(&format!("the cache could not be written: {trouble}"));
    }
}

/// The folders among the sources of a trail.
pub(super) fn folders(trail: &[TrailSource]) -> Vec<PathBuf> {
    let folder = |source: &TrailSource| match source {
        TrailSource::Files(path) => Some(path.clone()),
        TrailSource::Bucket(_) => None,
    };
    trail.iter().filter_map(folder).collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock; everything else is told the time"
)]
pub(super) fn clock() -> Timestamp {
    Timestamp::now()
}

/// Events have whole seconds: one of the second that "now" lies in has happened.
pub(super) fn ceil_second(moment: Timestamp) -> i64 {
    moment.as_second() + i64::from(moment.subsec_nanosecond() > 0)
}

pub(super) fn policy(judging: &AnalysisArgs) -> Result<Policy> {
    let named = judging.policy.clone();
    let path = named.or_else(|| Some(PathBuf::from(POLICY_FILE)).filter(|path| path.is_file()));
    let mut policy = match path {
        Some(path) => {
            let text = read_text(&path)?;
            Policy::parse(&text)
                .with_context(|| format!("cannot use the policy file `{}`", path.display()))?
        }
        None => Policy::default(),
    };
    if let Some(path) = &judging.prices {
        let text = read_text(path)?;
        policy
            .add_price_file(&text, &format!("`{}`", path.display()))
            .with_context(|| format!("cannot use the price file `{}`", path.display()))?;
    }
    policy.idle_days = judging.idle.unwrap_or(policy.idle_days);
    policy.young_days = judging.young.unwrap_or(policy.young_days);
    policy.trust_last_accessed |= judging.trust_last_accessed;
    Ok(policy)
}

/// The most that a file of settings may hold: a person wrote it, or a program a line for each account.
const LARGEST_SETTINGS: u64 = 2 << 20;

pub(super) fn read_text(path: &Path) -> Result<String> {
    let failed = || format!("cannot read `{}`", path.display());
    let bytes = whole(path, ValueEnd::Line, LARGEST_SETTINGS).with_context(failed)?;
    if is_utf_16(&bytes) {
        return Err(anyhow!(UTF_16)).with_context(failed);
    }
    String::from_utf8(bytes).with_context(failed)
}

pub(super) fn spans(
    judging: &AnalysisArgs,
    policy: &Policy,
    month: Option<Month>,
    now: Timestamp,
) -> Result<ScanSpans> {
    let back = |duration: Duration| {
        let days = duration.as_secs() / 86_400;
        let begin = now.checked_sub(duration);
        begin.map_err(|_| {
            Misuse(format!(
                "{days} days before {now} is before the calendar begins"
            ))
        })
    };
    let (window, accrual) = match month {
        Some(month) => {
            let span = month.span();
            if span.from >= now {
                let why = format!("the month {month} has not begun: now is {now}");
                return Err(Misuse(why).into());
            }
            (
                Span {
                    from: span.from,
                    to: span.to.min(now),
                },
                Accrual::Month(month.hours()),
            )
        }
        None => (
            Span {
                from: back(judging.window.unwrap_or(WINDOW))?,
                to: now,
            },
            Accrual::Sliding,
        ),
    };
    let evidence = Span {
        from: back(Duration::from_secs(u64::from(policy.idle_days) * 86_400))?.min(window.from),
        to: now,
    };
    Ok(ScanSpans {
        window,
        evidence,
        accrual,
    })
}
