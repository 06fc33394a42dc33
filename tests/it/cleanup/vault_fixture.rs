//! What the tests of cleaning up play on: a vault, a plan for some of its secrets, a journal on disk.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secretsweep::cleanup::apply::{self, ApplyContext, ApplyOptions, ApplySummary, Replicas};
use secretsweep::cleanup::restore;
use secretsweep::domain::base::money::Money;
use secretsweep::domain::base::names::SecretArn;
use secretsweep::domain::cleanup::journal::{JournalEntry, JournalState, line};
use secretsweep::domain::cleanup::plan::{Decision, Plan, PlanEntry};
use secretsweep::domain::cleanup::precondition::{
    EncryptionKey, Precondition, RotationState, tags_digest, whole_seconds,
};
use secretsweep::domain::inventory::secret::{Replica, Secret};
use secretsweep::domain::inventory::tags::Tags;
use secretsweep::domain::policy::Policy;
use secretsweep::files::journal::{JournalFile, OpenError, read};
use secretsweep::ports::{JournalWriter, RecentReads};

use crate::fake::{CALLER, Fake, Fate};

pub(crate) const DAYS: u8 = 14;

pub(crate) fn arn(name: &str) -> SecretArn {
    format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}-AbC123")
        .parse()
        .unwrap()
}

pub(crate) fn secret(name: &str) -> Secret {
    Secret {
        last_changed: Some("2026-01-02T03:04:05.678Z".parse().unwrap()),
        last_accessed: Some("2026-03-01".parse().unwrap()),
        tags: Tags::from([("team".to_owned(), "a".to_owned())]),
        replicas: Some(vec![]),
        ..Secret::new(arn(name))
    }
}

pub(crate) fn replicated(name: &str) -> Secret {
    let replica = |region: &str, key: Option<&str>| Replica {
        region: region.parse().unwrap(),
        kms_key: key.map(str::to_owned),
        status: Some("InSync".to_owned()),
        last_accessed: None,
    };
    Secret {
        replicas: Some(vec![
            replica("eu-west-1", None),
            replica("us-east-1", Some("alias/k")),
        ]),
        ..secret(name)
    }
}

pub(crate) fn planned_at() -> Timestamp {
    "2026-11-01T06:00:00Z".parse().unwrap()
}

pub(crate) fn plan(secrets: &[Secret]) -> Plan {
    let line = |secret: &Secret| PlanEntry {
        decision: Decision::Delete,
        arn: secret.arn.clone(),
        reasons: vec!["never-read".to_owned()],
        last_accessed: secret.last_accessed,
        last_consumer_read: None,
        evidence_days: Some(90),
        saves: Some(Money(400_000)),
        seal: Precondition {
            planned_at: planned_at(),
            scanned: 1_000,
            recovery_days: DAYS,
            last_changed: secret.last_changed.map(whole_seconds),
            last_accessed: secret.last_accessed,
            tags: tags_digest(&secret.tags),
            replicas: secret
                .replicas
                .iter()
                .flatten()
                .map(|one| one.region.clone())
                .collect(),
            key: EncryptionKey::of(secret),
            rotation: RotationState::of(secret.rotation_enabled),
        },
    };
    Plan {
        id: "p20261101-aaaaaaaaaaaa".to_owned(),
        planned_at: planned_at(),
        scanned: 1_000,
        lines: secrets.iter().map(line).collect(),
    }
}

pub(crate) fn terms() -> ApplyOptions {
    ApplyOptions {
        tag: None,
        replicas: Replicas::Refuse,
        pace: Duration::ZERO,
        patience: Duration::ZERO,
        tool: "secretsweep 0".to_owned(),
    }
}

/// Describes how a run ended.
#[derive(Debug)]
pub(crate) enum End {
    Whole(ApplySummary),
    Killed,
}

/// Describes what the journal does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    Sound,
    /// After this many entries the disk is full.
    FullAfter(usize),
}

pub(crate) struct Stage {
    pub(crate) vault: Fake,
    pub(crate) plan: Plan,
    pub(crate) terms: ApplyOptions,
    pub(crate) policy: Policy,
    pub(crate) stop: AtomicBool,
    pub(crate) disk: Disk,
    folder: tempfile::TempDir,
}

impl Stage {
    /// A stage with these secrets, all of them planned.
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        let fate = Fate::new(planned_at() + SignedDuration::from_hours(48));
        Self {
            vault: Fake::new(secrets.to_vec(), &fate),
            plan: plan(secrets),
            terms: terms(),
            policy: Policy::default(),
            stop: AtomicBool::new(false),
            disk: Disk::Sound,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.folder.path().join("plan.journal.jsonl")
    }

    pub(crate) fn state(&self) -> JournalState {
        read(&self.journal()).unwrap()
    }

    pub(crate) fn check(&self, reads: Option<&dyn RecentReads>) -> ApplySummary {
        let clock = || self.vault.fate.now();
        let world = self.world(&clock, reads);
        let (plan, state) = (&self.plan, self.state());
        block_on(apply::check(plan, &state, world, &self.terms, &|_| {}))
    }

    pub(crate) fn execute(&self) -> ApplySummary {
        match self.try_execute(None) {
            End::Whole(summary) => summary,
            End::Killed => panic!("nobody was to be killed"),
        }
    }

    pub(crate) fn execute_with(&self, reads: &dyn RecentReads) -> ApplySummary {
        match self.try_execute(Some(reads)) {
            End::Whole(summary) => summary,
            End::Killed => panic!("nobody was to be killed"),
        }
    }

    pub(crate) fn try_execute(&self, reads: Option<&dyn RecentReads>) -> End {
        let clock = || self.vault.fate.now();
        let world = self.world(&clock, reads);
        let run = || {
            let (mut journal, state) = self.open();
            let apply = apply::execute(
                &self.plan,
                state,
                &mut journal,
                CALLER,
                world,
                &self.terms,
                &|_| {},
            );
            block_on(apply)
        };
        catch_unwind(AssertUnwindSafe(run)).map_or(End::Killed, End::Whole)
    }

    pub(crate) fn restore(&self) -> restore::RestoreSummary {
        self.try_restore().unwrap()
    }

    /// `None`: it was killed.
    pub(crate) fn try_restore(&self) -> Option<restore::RestoreSummary> {
        let clock = || self.vault.fate.now();
        let world = self.world(&clock, None);
        let run = || {
            let (mut journal, state) = self.open();
            let arns = restore::all(&state);
            let author = restore::Author {
                plan: &self.plan.id,
                caller: CALLER,
                tool: "secretsweep 0",
            };
            block_on(restore::restore(
                &arns,
                state,
                &mut journal,
                author,
                world,
                &|_| {},
            ))
        };
        catch_unwind(AssertUnwindSafe(run)).ok()
    }

    fn open(&self) -> (Paper, JournalState) {
        // Other tests start programs, and a child holds copies of all open files, locked ones too, until it runs its own
        // program.
        let (file, state) = loop {
            match JournalFile::open(&self.journal()) {
                Err(OpenError::Locked(_)) => std::thread::yield_now(),
                opened => break opened.unwrap(),
            }
        };
        let paper = Paper {
            file,
            path: self.journal(),
            fate: self.vault.fate.clone(),
            disk: self.disk,
            written: 0,
        };
        (paper, state)
    }

    fn world<'a>(
        &'a self,
        clock: &'a (dyn Fn() -> Timestamp + Sync),
        reads: Option<&'a dyn RecentReads>,
    ) -> ApplyContext<'a> {
        ApplyContext {
            vault: &self.vault,
            reads,
            policy: &self.policy,
            clock,
            stop: &self.stop,
        }
    }
}

/// The journal, with a chance to die before, in the middle of, and after each line.
struct Paper {
    file: JournalFile,
    path: PathBuf,
    fate: Fate,
    disk: Disk,
    written: usize,
}

impl JournalWriter for Paper {
    fn append(&mut self, entry: &JournalEntry) -> io::Result<()> {
        self.fate.step();
        let torn = catch_unwind(AssertUnwindSafe(|| self.fate.step()));
        if let Err(death) = torn {
            let text = line(entry).unwrap();
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .open(&self.path)
                .unwrap();
            io::Write::write_all(&mut file, &text[..text.len() / 2]).unwrap();
            std::panic::resume_unwind(death);
        }
        if matches!(self.disk, Disk::FullAfter(lines) if self.written >= lines) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.append(entry)?;
        self.written += 1;
        self.fate.step();
        Ok(())
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}
