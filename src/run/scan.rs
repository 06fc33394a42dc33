//! `scan`: inventory and trail in, a result folder and a summary out.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use super::bill;
use super::report::{format_of, previous, show};
use crate::Exit;
use crate::cli::{Judging, ScanArgs, TrailSource, View};
use crate::domain::analyse::{Input, Spans, Trail, analyse};
use crate::domain::cost::Accrual;
use crate::domain::coverage::Coverage;
use crate::domain::ledger::{Bounds, Ledger};
use crate::domain::money::Money;
use crate::domain::month::Month;
use crate::domain::policy::Policy;
use crate::domain::report::{Gap, Report, Span};
use crate::domain::secret::day_of;
use crate::domain::seen::Seen;
use crate::domain::usage::Access;
use crate::files::store::{self, Overwrite};
use crate::files::{inventory, logs};
use crate::report::select::{Selection, select};
use crate::report::{Format, files, reconciliation};
use crate::term::Term;

/// The policy file that is read when none is named.
const POLICY_FILE: &str = "secretsweep.toml";

/// How long a sliding window is when nothing is said.
const WINDOW: Duration = Duration::from_hours(30 * 24);

/// Runs `scan`.
pub(super) fn run(args: &ScanArgs, term: &Term) -> Result<Exit> {
    let job = Job::new(&args.judging)?;
    let trail: Vec<PathBuf> = args
        .trail
        .iter()
        .map(|TrailSource::Files(path)| path.clone())
        .collect();
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("reports").join(day_of(job.now).to_string()));
    let overwrite = if args.overwrite {
        Overwrite::Yes
    } else {
        Overwrite::No
    };
    // A scan of another moment is another scan; only with `--now` can the same one be written again.
    let again = if args.judging.now.is_some() {
        Overwrite::Yes
    } else {
        overwrite
    };
    store::prepare(&out, again)?;
    let report = job.scan(&args.inventory, (!args.no_trail).then_some(&trail), term)?;
    let report = select(report, &selection(&args.view));
    let formats: Vec<Format> = FORMATS
        .into_iter()
        .chain(args.format.iter().map(|format| format_of(*format)))
        .collect();
    finish(&report, &formats, &out, overwrite, &args.view)?;
    Ok(exit(
        &report,
        &args.fail_on,
        args.fail_above,
        args.allow_partial,
    ))
}

/// What every scan writes.
pub(super) const FORMATS: [Format; 3] = [Format::Json, Format::Csv, Format::Html];

/// Writes the result and shows the summary.
pub(super) fn finish(
    report: &Report,
    formats: &[Format],
    out: &Path,
    overwrite: Overwrite,
    view: &View,
) -> Result<()> {
    let previous = previous(view)?;
    let mut written = files(report, previous.as_ref(), formats)?;
    let bill = bill::reconciliation(view, report)?;
    written.extend(bill.iter().flat_map(bill::files));
    store::write(out, &written, overwrite)?;
    let names: Vec<String> = written.iter().map(|(name, _)| (*name).to_owned()).collect();
    Term::data(show(report, view, Some(out), &names).as_bytes())?;
    if let Some(bill) = &bill {
        Term::data(reconciliation::text(bill).as_bytes())?;
    }
    Ok(())
}

/// Which secrets the view shows.
pub(super) fn selection(view: &View) -> Selection {
    Selection {
        only: view.only.clone(),
        exclude: view.exclude.clone(),
    }
}

/// How a finished scan ends: a finding that was asked about first, then what could not be read.
pub(super) fn exit(
    report: &Report,
    fail_on: &[String],
    fail_above: Option<Money>,
    allow_partial: bool,
) -> Exit {
    let reasons = report
        .secrets
        .iter()
        .flat_map(|row| row.reasons.iter().map(|reason| &reason.code));
    let mut codes = reasons.chain(report.findings.iter().map(|finding| &finding.code));
    let too_much = fail_above.is_some_and(|limit| report.totals.savings_usd > limit);
    if too_much || codes.any(|code| fail_on.contains(code)) {
        Exit::Found
    } else if !report.gaps.is_empty() && !allow_partial {
        Exit::Partial
    } else {
        Exit::Done
    }
}

/// A scan before it has read anything: the settings and the spans.
pub(super) struct Job {
    pub(super) now: Timestamp,
    policy: Policy,
    spans: Spans,
    month: Option<Month>,
    threads: usize,
}

impl Job {
    /// Reads the policy and price files and fixes the spans.
    pub(super) fn new(judging: &Judging) -> Result<Self> {
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

    /// Reads everything and judges it.
    pub(super) fn scan(
        &self,
        inventory: &[PathBuf],
        trail: Option<&Vec<PathBuf>>,
        term: &Term,
    ) -> Result<Report> {
        let found = inventory::read(inventory);
        if found.secrets.is_empty() && !found.gaps.is_empty() {
            let gap = &found.gaps[0];
            bail!(
                "no secret could be read from the inventory: {}: {}",
                gap.what,
                gap.why
            );
        }
        let mut gaps = found.gaps;
        let (accesses, coverage, mut notes) = match trail {
            Some(roots) => self.trail(roots, &mut gaps, term),
            None => (Vec::new(), Coverage::default(), Vec::new()),
        };
        if let Some(month) = self.month.filter(|month| !month.is_over(self.now)) {
            notes.push(format!(
                "The month {month} is not over: its cost is that until {}.",
                self.spans.window.to
            ));
        }
        Ok(analyse(Input {
            secrets: found.secrets,
            accesses: &accesses,
            coverage: &coverage,
            trail: if trail.is_some() {
                Trail::Given
            } else {
                Trail::Declined
            },
            spans: self.spans,
            policy: &self.policy,
            gaps,
            scopes: BTreeSet::new(),
            now: self.now,
            tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            caller: None,
            month: self.month.map(|month| month.to_string()),
            notes,
        }))
    }

    fn trail(
        &self,
        roots: &[PathBuf],
        gaps: &mut Vec<Gap>,
        term: &Term,
    ) -> (Vec<Access>, Coverage, Vec<String>) {
        let (window, evidence) = (self.spans.window, self.spans.evidence);
        let bounds = Bounds {
            from: evidence.from.as_second(),
            window_from: window.from.as_second(),
            to: ceil_second(evidence.to),
        };
        let seen = Arc::new(Seen::default());
        let progress = term.progress("reading the trail");
        let (ledgers, reading) = logs::read(
            roots,
            &(bounds.from..bounds.to),
            self.threads,
            || Ledger::new(bounds, Arc::clone(&seen)),
            &|done| progress.bytes(done.bytes_done, done.bytes_total),
        );
        progress.finish();
        let mut ledgers = ledgers.into_iter();
        let mut ledger = ledgers.next().unwrap_or_else(|| Ledger::new(bounds, seen));
        for other in ledgers {
            ledger.merge(other);
        }
        let mut notes = Vec::new();
        if ledger.duplicates > 0 {
            let times =
                crate::domain::money::counted(ledger.duplicates, "event came", "events came");
            notes.push(format!(
                "{times} more than once (two trails, two files) and were counted once."
            ));
        }
        if reading.multi_member > 0 {
            let files = crate::domain::money::counted(
                reading.multi_member,
                "log file has",
                "log files have",
            );
            notes.push(format!(
                "{files} several gzip members, which AWS never writes: they were packed again."
            ));
        }
        gaps.extend(reading.troubles.into_iter().map(|trouble| Gap {
            account: None,
            region: None,
            source: "trail".to_owned(),
            what: trouble.path.display().to_string(),
            why: trouble.what,
        }));
        let (accesses, coverage) = ledger.into_accesses();
        (accesses, coverage, notes)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock; everything else is told the time"
)]
pub(super) fn clock() -> Timestamp {
    Timestamp::now()
}

/// Events have whole seconds: one of the second that "now" lies in has happened.
fn ceil_second(moment: Timestamp) -> i64 {
    moment.as_second() + i64::from(moment.subsec_nanosecond() > 0)
}

pub(super) fn policy(judging: &Judging) -> Result<Policy> {
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

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

fn spans(
    judging: &Judging,
    policy: &Policy,
    month: Option<Month>,
    now: Timestamp,
) -> Result<Spans> {
    let back = |duration: Duration| {
        now.checked_sub(duration)
            .with_context(|| format!("{duration:?} before {now} is before the calendar begins"))
    };
    let (window, accrual) = match month {
        Some(month) => {
            let span = month.span();
            if span.from >= now {
                bail!("the month {month} has not begun: now is {now}");
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
    Ok(Spans {
        window,
        evidence,
        accrual,
    })
}
