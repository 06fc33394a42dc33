//! `scan`: inventory and trail in, a result folder and a summary out.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;

use super::bill;
use super::gather::Gathered;
use super::live;
use super::report::{format_of, previous, show};
use super::{Misuse, shown};
use crate::Exit;
use crate::cli::{Judging, ScanArgs, TrailSource, View};
use crate::domain::analyse::{Input, Spans, Trail, analyse, doubtful};
use crate::domain::bill::Reconciliation;
use crate::domain::cost::Accrual;
use crate::domain::ledger::{Bounds, Ledger};
use crate::domain::money::{Money, counted};
use crate::domain::month::Month;
use crate::domain::names::SecretArn;
use crate::domain::policy::Policy;
use crate::domain::report::{Gap, Report, Span};
use crate::domain::secret::{CurrentVersion, day_of};
use crate::domain::seen::REMEMBERED_DAYS;
use crate::files::cache::Cache;
use crate::files::inventory::{UTF_16, is_utf_16};
use crate::files::store::{self, Overwrite};
use crate::report::estimates::FILE as ESTIMATES;
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
    named_paths_exist(args)?;
    // What is wrong with the earlier scan is said before the long work.
    let previous = previous(&args.view)?;
    store::prepare(&out, again)?;
    let in_bucket = |source: &TrailSource| matches!(source, TrailSource::Bucket(_));
    let report = if args.inventory.is_empty() || args.trail.iter().any(in_bucket) {
        live::scan(&job, args, term)?
    } else {
        let trail = folders(&args.trail);
        if let Some(folder) = &args.live.cache {
            live::usable(folder)?;
        }
        let cache = log_cache(args.live.cache.as_deref());
        let report = job.scan(
            &args.inventory,
            (!args.no_trail).then_some(trail.as_slice()),
            cache.as_ref(),
            term,
        )?;
        told_of(cache.as_ref(), term);
        report
    };
    let report = select(report, &selection(&args.view));
    let formats: Vec<Format> = FORMATS
        .into_iter()
        .chain(args.format.iter().map(|format| format_of(*format)))
        .collect();
    let previous = previous.as_ref();
    let (summary, bill) = finish(&report, previous, &formats, &out, overwrite, &args.view)?;
    let told = Term::data(summary.as_bytes());
    let exit = exit(&report, &args.fail_on, args.fail_above, args.allow_partial);
    let exit = if args.allow_partial {
        exit
    } else {
        bill::exit(exit, bill.as_ref())
    };
    Ok(shown(told, exit))
}

/// Refuses files and folders that are named and are not there, before anything is written: a mistyped name is no empty
/// trail.
fn named_paths_exist(args: &ScanArgs) -> Result<()> {
    let folders = folders(&args.trail);
    let trail = folders.iter().map(|path| ("--trail", path));
    let inventory = args.inventory.iter().map(|path| ("--inventory", path));
    for (option, path) in inventory.chain(trail) {
        if let Err(error) = std::fs::symlink_metadata(path)
            && error.kind() == std::io::ErrorKind::NotFound
        {
            bail!(
                "`{option} {}`: there is no such file or folder",
                path.display()
            );
        }
    }
    Ok(())
}

/// What every scan writes.
pub(super) const FORMATS: [Format; 3] = [Format::Json, Format::Csv, Format::Html];

/// Writes the result and gives the summary to show, and the comparison with the bill if there is one.
pub(super) fn finish(
    report: &Report,
    previous: Option<&Report>,
    formats: &[Format],
    out: &Path,
    overwrite: Overwrite,
    view: &View,
) -> Result<(String, Option<Reconciliation>)> {
    let bill = bill::reconciliation(view, report)?;
    let mut written = files(report, previous, formats);
    written.extend(bill.iter().flat_map(bill::files));
    store::write(out, &written, overwrite)?;
    if !written.iter().any(|(name, _)| *name == ESTIMATES) {
        store::take_away(out, ESTIMATES)?;
    }
    let names: Vec<String> = written.iter().map(|(name, _)| (*name).to_owned()).collect();
    drop(written);
    let mut summary = show(report, view, Some(out), &names);
    if let Some(bill) = &bill {
        summary.push_str(&reconciliation::text(bill));
    }
    Ok((summary, bill))
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
        .flat_map(|row| row.reasons.iter().map(|reason| reason.code.as_ref()));
    let mut codes = reasons.chain(report.findings.iter().map(|finding| finding.code.as_str()));
    let too_much = fail_above.is_some_and(|limit| report.totals.savings_usd > limit);
    if too_much || codes.any(|code| fail_on.iter().any(|asked| asked == code)) {
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
    pub(super) policy: Policy,
    pub(super) spans: Spans,
    month: Option<Month>,
    pub(super) threads: usize,
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

    /// Reads files and judges what they hold. `trail` is `None` if there is to be none.
    pub(super) fn scan(
        &self,
        inventory: &[PathBuf],
        trail: Option<&[PathBuf]>,
        cache: Option<&Cache>,
        term: &Term,
    ) -> Result<Report> {
        let mut gathered = Gathered::default();
        gathered.inventory_files(inventory)?;
        if let Some(roots) = trail {
            gathered.trail_files(roots, self.bounds(), self.threads, cache, term);
        }
        let trail = if trail.is_some() {
            Trail::Given
        } else {
            Trail::Declined
        };
        Ok(self.judge(gathered, trail))
    }

    /// The time that is counted.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            from: self.spans.evidence.from.as_second(),
            window_from: self.spans.window.from.as_second(),
            to: ceil_second(self.spans.evidence.to),
        }
    }

    /// Judges what was gathered.
    pub(super) fn judge(&self, gathered: Gathered, trail: Trail) -> Report {
        self.judge_asking(gathered, trail, |_| Late::default())
    }

    /// Judges what was gathered. `ask` is called once and may find out which secrets are in doubt: those of which the
    /// current version would decide.
    pub(super) fn judge_asking(
        &self,
        gathered: Gathered,
        trail: Trail,
        ask: impl FnOnce(&dyn Fn() -> Vec<SecretArn>) -> Late,
    ) -> Report {
        let Gathered {
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
        let mut late = ask(&|| doubtful(&input));
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
pub(super) struct Late {
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
pub(super) fn told_of(cache: Option<&Cache>, term: &Term) {
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
    let failed = || format!("cannot read `{}`", path.display());
    let bytes = std::fs::read(path).with_context(failed)?;
    if is_utf_16(&bytes) {
        return Err(anyhow!(UTF_16)).with_context(failed);
    }
    String::from_utf8(bytes).with_context(failed)
}

fn spans(
    judging: &Judging,
    policy: &Policy,
    month: Option<Month>,
    now: Timestamp,
) -> Result<Spans> {
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
    Ok(Spans {
        window,
        evidence,
        accrual,
    })
}
