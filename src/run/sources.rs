//! What a scan has read, from wherever, before it is judged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::cli::TrailSource;
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::log_group::LogGroup;
use crate::domain::base::money::{counted, thousands};
use crate::domain::base::names::{AccountId, Scope};
use crate::domain::inventory::secret::Secret;
use crate::domain::policy::Policy;
use crate::domain::reach::IamReader;
use crate::domain::trail::dedup::Deduplicator;
use crate::domain::trail::ledger::{Ledger, LedgerBounds};
use crate::domain::trail::sessions::KeptNames;
use crate::files::blob_store::DirStore;
use crate::files::cache::Cache;
use crate::files::ledger_pool::PoolContents;
use crate::files::{iam, inventory, logs, snapshot};
use crate::term::Term;

/// A reading that is done by then needs no bar.
const BEFORE_MEASURING: Duration = Duration::from_secs(1);

/// The message for an empty folder.
const NO_FILE: &str = "there is no file in it";

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct ScanData {
    /// The inventory, one entry an ARN.
    pub(super) secrets: Vec<Secret>,
    /// Accounts and Regions whose inventory was read, also where they hold no secret.
    pub(super) scopes: BTreeSet<Scope>,
    /// The parts that could not be read.
    pub(super) gaps: Vec<Gap>,
    /// Sentences for the reader of the report.
    pub(super) notes: Vec<String>,
    /// The identities that may read, as far as they were asked for.
    pub(super) iam: Option<IamReader>,
    /// The names of accounts, as the organization has them.
    pub(super) account_names: BTreeMap<AccountId, String>,
    /// The caller who asked AWS.
    pub(super) caller: Option<String>,
    /// The events, folded.
    pub(super) ledgers: Vec<Ledger>,
    /// The events that were counted; shared by all ledgers.
    pub(super) seen: Arc<Deduplicator>,
    /// The names of sessions that the ledgers keep, however many there are.
    pub(super) names: Arc<KeptNames>,
}

impl ScanData {
    /// Nothing yet, for what will be judged by a policy.
    pub(super) fn judged_by(policy: &Policy) -> Self {
        Self {
            names: Arc::new(policy.session_signs()),
            ..Self::default()
        }
    }

    /// An empty ledger of its events.
    pub(super) fn ledger(&self, bounds: LedgerBounds) -> Ledger {
        Ledger::new(bounds, Arc::clone(&self.seen)).keeping(Arc::clone(&self.names))
    }

    /// Reads inventory files.
    ///
    /// # Errors
    /// If not a single secret could be read and something is wrong: a report of nothing would look like an answer.
    pub(super) fn inventory_files(&mut self, paths: &[PathBuf]) -> Result<()> {
        let found = inventory::read(paths);
        // An inventory without a file has no secret to judge; that is no answer, and nothing that failed.
        let empty = found.empty.iter().map(|folder| {
            let folder = folder.display().to_string();
            Gap::new(GapSource::Inventory, None, folder, NO_FILE)
        });
        self.gaps.extend(empty);
        if let (true, [gap, ..]) = (found.secrets.is_empty(), found.gaps.as_slice()) {
            bail!(
                "no secret could be read from the inventory: {}: {}",
                gap.what,
                gap.why
            );
        }
        self.secrets.extend(found.secrets);
        self.gaps.extend(found.gaps);
        Ok(())
    }

    /// Reads IAM data, in addition to what was read from AWS.
    pub(super) fn iam_files(&mut self, paths: &[PathBuf]) {
        iam::read(paths, self.iam.get_or_insert_default());
    }

    /// Reads log files.
    pub(super) fn trail_files(
        &mut self,
        roots: &[PathBuf],
        bounds: LedgerBounds,
        threads: usize,
        cache: Option<&Cache>,
        term: &Term,
    ) {
        let ask = logs::LogRequest {
            roots,
            span: bounds.from..bounds.to,
            threads,
            cache,
        };
        let (ledgers, reading) = fold(&ask, &|| self.ledger(bounds), term);
        self.ledgers.extend(ledgers);
        let why_nothing = nothing_to_read(&reading);
        let is_empty = passed_over(&reading) == 0;
        self.notes.extend(packed_again(reading.multi_member));
        self.gaps.extend(
            reading
                .troubles
                .into_iter()
                .map(|trouble| trail_gap(trouble.path.display().to_string(), trouble.what)),
        );
        self.notes.extend(other_services(&reading.skipped_services));
        let mut known = self.ledger(bounds);
        for unread in reading.unread {
            known.coverage.unread(unread);
        }
        let mut saved = 0;
        for root in roots {
            saved += self.saved_coverage(root, &mut known);
        }
        self.ledgers.push(known);
        // A saved trail without a file says itself that nothing happened.
        if let Some(why) = why_nothing.filter(|_| saved == 0 || !is_empty) {
            let what = roots.iter().map(|root| root.display().to_string());
            let what = what.collect::<Vec<_>>().join(", ");
            self.gaps.push(trail_gap(what, why));
        }
    }

    /// Takes in what came from AWS.
    pub(super) fn take_in(&mut self, pool: PoolContents) {
        self.ledgers.extend(pool.ledgers);
        self.gaps.extend(pool.gaps);
        self.notes.extend(packed_again(pool.multi_member));
    }

    /// Takes in what a live scan knew to be covered when it saved this trail; gives how many spans of time that were.
    fn saved_coverage(&mut self, root: &Path, ledger: &mut Ledger) -> usize {
        let is_saved = root.file_name().is_some_and(|name| name == "trail");
        let Some(folder) = root.parent().filter(|_| is_saved) else {
            return 0;
        };
        let mut count = 0;
        match snapshot::covered(&DirStore::new(folder)) {
            Ok(spans) => {
                for (scope, span) in spans.into_iter().flatten() {
                    ledger
                        .coverage
                        .assert(&scope, span.from.as_second(), span.to.as_second());
                    count += 1;
                }
            }
            Err(error) => {
                let file = folder.join(snapshot::COVERED);
                self.gaps
                    .push(trail_gap(file.display().to_string(), error.to_string()));
            }
        }
        count
    }
}

/// Folds log files into ledgers and shows how far it is.
pub(super) fn fold(
    ask: &logs::LogRequest<'_>,
    ledger: &(dyn Fn() -> Ledger + Sync),
    term: &Term,
) -> (Vec<Ledger>, logs::TrailReading) {
    let progress = term.progress("reading the trail");
    let watcher = logs::Watcher {
        patience: BEFORE_MEASURING,
        on_progress: &|done| progress.bytes(done.bytes_done, done.bytes_total),
    };
    let read = logs::read(ask, ledger, Some(&watcher));
    progress.finish();
    read
}

/// Returns how many files there were that are no log files of these days.
fn passed_over(reading: &logs::TrailReading) -> u64 {
    let other: u64 = reading.skipped_services.values().sum();
    reading.skipped_by_date + reading.skipped_digests + other
}

/// Returns why no file of a trail was read, unless its troubles say it.
fn nothing_to_read(reading: &logs::TrailReading) -> Option<String> {
    let passed_over = passed_over(reading);
    let is_silent = passed_over == 0 && !reading.troubles.is_empty();
    (reading.files_read == 0 && !is_silent).then(|| match passed_over {
        0 => NO_FILE.to_owned(),
        1 => "the one file there is no log file of these days".to_owned(),
        files => format!(
            "none of the {} files there is a log file of these days",
            thousands(files)
        ),
    })
}

/// A sentence about the logs of other services that lie beside the trail, if there are any.
pub(super) fn other_services(skipped: &BTreeMap<String, u64>) -> Option<String> {
    let files: u64 = skipped.values().sum();
    let services: Vec<&str> = skipped.keys().map(String::as_str).collect();
    (files > 0).then(|| {
        format!(
            "{} of other services ({}) beside the trail {} skipped.",
            counted(files, "file", "files"),
            services.join(", "),
            if files == 1 { "was" } else { "were" }
        )
    })
}

/// A sentence about log files of several gzip members, if there are any.
fn packed_again(files: u64) -> Option<String> {
    let files = (files > 0).then(|| counted(files, "log file has", "log files have"))?;
    Some(format!(
        "{files} several gzip members, which AWS never writes: they were packed again."
    ))
}

/// The log groups of a trail.
pub(super) fn log_groups(trail: &[TrailSource]) -> impl Iterator<Item = &LogGroup> {
    trail.iter().filter_map(|source| match source {
        TrailSource::LogGroup(group) => Some(group),
        TrailSource::Files(_)
        | TrailSource::Bucket(_)
        | TrailSource::Athena(_)
        | TrailSource::Trino(_) => None,
    })
}

/// Something of a trail that could not be read.
pub(super) fn trail_gap(what: String, why: String) -> Gap {
    Gap::new(GapSource::Trail, None, what, why)
}
