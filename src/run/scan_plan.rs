//! A scan before it has read anything: its settings and spans, from the command line and the policy.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use jiff::Timestamp;

use super::Misuse;
use crate::cli::{AnalysisArgs, PriceSource, ScanDefaults};
use crate::domain::analysis::ScanSpans;
use crate::domain::base::month::Month;
use crate::domain::base::span::Span;
use crate::domain::base::utf_16::{UTF_16, is_utf_16};
use crate::domain::inventory::secret::day_of;
use crate::domain::policy::Policy;
use crate::domain::pricing::cost::Accrual;
use crate::domain::trail::ledger::LedgerBounds;
use crate::files::bounded::{ValueEnd, whole};

/// The policy file that is read when none is named.
pub(super) const POLICY_FILE: &str = "secretsweep.toml";

/// The length of a sliding window if none is given.
pub(super) const WINDOW: Duration = Duration::from_hours(30 * 24);

/// A scan before it has read anything: the settings and the spans.
pub(super) struct ScanPlan {
    pub(super) now: Timestamp,
    pub(super) policy: Policy,
    pub(super) spans: ScanSpans,
    pub(super) month: Option<Month>,
    pub(super) threads: usize,
    /// Sentences for the report about what was decided before anything was read.
    pub(super) notes: Vec<String>,
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
            notes: Vec::new(),
        })
    }

    /// The time that is counted.
    pub(super) fn bounds(&self) -> LedgerBounds {
        LedgerBounds {
            from: self.spans.evidence.from.as_second(),
            window_from: self.spans.window.from.as_second(),
            to: ceil_second(self.spans.evidence.to),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock; everything else is given the time"
)]
pub(super) fn clock() -> Timestamp {
    Timestamp::now()
}

/// Events have whole seconds: one of the second that "now" lies in has happened.
pub(super) fn ceil_second(moment: Timestamp) -> i64 {
    moment.as_second() + i64::from(moment.subsec_nanosecond() > 0)
}

/// The settings file with its path: the one that is named, or the usual one if it is there.
fn settings_file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>> {
    let usual = || Some(PathBuf::from(POLICY_FILE)).filter(|path| path.is_file());
    let Some(path) = named.map(Path::to_owned).or_else(usual) else {
        return Ok(None);
    };
    let text = read_text(&path)?;
    Ok(Some((path, text)))
}

/// Returns what the settings file says of the sources of every scan.
///
/// # Errors
/// If the file cannot be read, or for a key or value that is wrong.
pub(super) fn scan_defaults(named: Option<&Path>) -> Result<ScanDefaults> {
    match settings_file(named)? {
        Some((path, text)) => ScanDefaults::parse(&text)
            .with_context(|| format!("cannot use `[scan]` of `{}`", path.display())),
        None => Ok(ScanDefaults::default()),
    }
}

pub(super) fn policy(judging: &AnalysisArgs) -> Result<Policy> {
    let mut policy = match settings_file(judging.policy.as_deref())? {
        Some((path, text)) => Policy::parse(&text)
            .with_context(|| format!("cannot use the policy file `{}`", path.display()))?,
        None => Policy::default(),
    };
    if let Some(PriceSource::File(path)) = &judging.prices {
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
            Misuse::new(
                format!("{days} days before {now} is before the calendar begins"),
                "name a shorter time",
            )
        })
    };
    let (window, accrual) = match month {
        Some(month) => {
            let span = month.span();
            if span.from >= now {
                let why = format!("the month {month} has not begun: today is {}", day_of(now));
                let help = "name a month that has begun, or one before it";
                return Err(Misuse::new(why, help).into());
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
