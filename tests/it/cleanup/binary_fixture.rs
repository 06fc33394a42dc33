//! Where the real program is tried: the AWS on the loopback, a plan for some of its secrets, and a journal beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, LazyLock, OnceLock};

use jiff::{SignedDuration, Timestamp};
use secretsweep::domain::base::money::Money;
use secretsweep::domain::base::names::SecretArn;
use secretsweep::domain::cleanup::journal::{JournalState, Phase, TroubleKind};
use secretsweep::domain::cleanup::plan::{Decision, Plan, PlanEntry};
use secretsweep::domain::cleanup::plan_file;
use secretsweep::domain::cleanup::precondition::{
    EncryptionKey, Precondition, RotationState, tags_digest, whole_seconds,
};
use secretsweep::domain::inventory::secret::day_of;
use secretsweep::files::journal::read;

use crate::aws::world::{Rate, Secret};
use crate::aws::{Aws, Call, Fault, World};

pub(crate) const A: &str = "111122223333";
pub(crate) const EAST: &str = "us-east-1";
pub(crate) const WEST: &str = "eu-west-1";
pub(crate) const NORTH: &str = "eu-north-1";

/// Milliseconds between two deletions: none, unless somebody wants to see how long AWS's pace takes.
static PACE: LazyLock<String> =
    LazyLock::new(|| std::env::var("SECRETSWEEP_PACE").unwrap_or_else(|_| "0".to_owned()));

/// The recovery window of every line, in days.
pub(crate) const DAYS: u8 = 14;

/// Operations that change something.
pub(crate) const WRITES: &[&str] = &[
    "DeleteSecret",
    "RestoreSecret",
    "TagResource",
    "UntagResource",
    "RemoveRegionsFromReplication",
    "ReplicateSecretToRegions",
];

/// An empty world at the real time, where lookups are not held back.
pub(crate) fn world() -> World {
    let mut world = World::new(A)
        .regions(&[EAST, WEST, NORTH])
        .lookup_rate(Rate::Unlimited);
    world.now = whole_seconds(Timestamp::now());
    world
}

/// A secret that nobody has read for long.
pub(crate) fn idle(name: &str) -> Secret {
    Secret::new(A, EAST, name)
        .created("2024-01-01")
        .accessed("2025-06-01")
        .tag("team", "a")
}

/// The real program before AWS, with a plan.
pub(crate) struct Ground {
    pub(crate) aws: Aws,
    pub(crate) plan: Plan,
    folder: tempfile::TempDir,
    before: BTreeMap<String, String>,
}

/// How a run of the program ended.
pub(crate) struct Ended {
    pub(crate) output: Output,
}

impl Ended {
    /// The exit code; `None`: it was killed.
    pub(crate) fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Everything that was said, on one line: how it is broken for the terminal is another matter.
    pub(crate) fn said(&self) -> String {
        let text = format!("{} {}", self.stdout(), self.stderr());
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Fails the test unless it ended with this code.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code(),
            Some(code),
            "{}\n{}",
            self.stdout(),
            self.stderr()
        );
        self
    }
}

/// A program to be killed: its id is known once it runs, and hooks wait for that.
#[derive(Clone, Default)]
pub(crate) struct Target(Arc<OnceLock<u32>>);

impl Target {
    /// Ends the program at once, by SIGKILL.
    pub(crate) fn kill(&self) {
        self.signal("KILL");
    }

    /// Runs the program so that hooks can strike it.
    pub(crate) fn run(&self, mut command: Command) -> Ended {
        let child: Child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.0.set(child.id()).unwrap();
        let output = child.wait_with_output().unwrap();
        Ended { output }
    }

    /// Sends it a signal before AWS takes a request.
    pub(crate) fn before(&self, signal: &'static str) -> Fault {
        let target = self.clone();
        Fault::before(move |_, _| target.signal(signal))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        self.try_signal(name);
    }

    /// Sends it a signal; whether it was still there to get it.
    pub(crate) fn try_signal(&self, name: &str) -> bool {
        let id = self.0.wait().to_string();
        let mut kill = Command::new("kill");
        let sent = kill.args(["-s", name, &id]).stderr(Stdio::null()).status();
        sent.is_ok_and(|status| status.success())
    }
}

impl Ground {
    /// A plan, an hour old, that deletes the secrets of these names in the first Region.
    pub(crate) fn new(world: World, names: &[&str]) -> Self {
        let made = whole_seconds(world.now - SignedDuration::from_hours(1));
        Self::planned_at(world, names, made)
    }

    /// The same, with a plan of that time.
    pub(crate) fn planned_at(mut world: World, names: &[&str], planned_at: Timestamp) -> Self {
        let scanned = world.secrets.len() as u64;
        let lines = names
            .iter()
            .map(|name| line(&mut world, name, planned_at, scanned))
            .collect();
        let plan = Plan {
            id: "p20261101-aaaaaaaaaaaa".to_owned(),
            planned_at,
            scanned,
            lines,
        };
        let before = world
            .secrets
            .iter()
            .map(|(arn, secret)| (arn.clone(), print(secret)))
            .collect();
        let folder = crate::scratch::tempdir().unwrap();
        let ground = Self {
            aws: Aws::start(world),
            plan,
            folder,
            before,
        };
        let bytes = plan_file::write(&ground.plan, ground.plan.planned_at).unwrap();
        std::fs::write(ground.path("plan.csv"), bytes).unwrap();
        ground
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.path("plan.journal.jsonl")
    }

    pub(crate) fn state(&self) -> JournalState {
        read(&self.journal()).unwrap()
    }

    /// The program in the plan's folder, with its environment.
    pub(crate) fn program(&self, args: &[&str]) -> Command {
        self.through(Command::new(env!("CARGO_BIN_EXE_secretsweep")), args)
    }

    /// The program, started by another one.
    pub(crate) fn through(&self, mut command: Command, args: &[&str]) -> Command {
        self.aws
            .on(command.args(args).current_dir(self.folder.path()));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        let output = self.program(args).output().unwrap();
        Ended { output }
    }

    /// Carries the plan out, without the pace that AWS asks for.
    pub(crate) fn execute(&self, more: &[&str]) -> Ended {
        self.run(&Self::executing(more))
    }

    pub(crate) fn executing<'a>(more: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec![
            "apply",
            "plan.csv",
            "--execute",
            "--yes",
            A,
            "--write-pace",
            &PACE,
            "--max-percent",
            "100",
        ];
        args.extend(more);
        args
    }

    /// Kills the program when the `n`-th call of an operation arrives, and does not carry the call out.
    pub(crate) fn kill_on_arrival(&self, target: &Target, op: &'static str, n: usize) {
        let target = target.clone();
        let service = service(op);
        self.aws.inject(
            Fault::before(move |_, _| target.kill())
                .on(service, op)
                .nth(n),
        );
        self.aws
            .inject(Fault::reset_before().on(service, op).nth(n));
    }

    /// Kills the program when the `n`-th call of an operation is carried out, before its answer goes.
    pub(crate) fn kill_when_done(&self, target: &Target, op: &'static str, n: usize) {
        let target = target.clone();
        self.aws.inject(
            Fault::after(move |_, _| target.kill())
                .on(service(op), op)
                .nth(n),
        );
    }

    pub(crate) fn arn(&self, name: &str) -> SecretArn {
        let line = self
            .plan
            .lines
            .iter()
            .find(|line| line.arn.name() == name)
            .unwrap();
        line.arn.clone()
    }

    /// The calls of Secrets Manager that changed something.
    pub(crate) fn changes(&self) -> Vec<Call> {
        let calls = self.aws.calls().into_iter();
        calls
            .filter(|call| WRITES.contains(&call.op.as_str()) && call.status == 200)
            .collect()
    }

    /// Whatever happened: the journal knows of each change that AWS made, and no other secret was touched.
    pub(crate) fn nothing_is_unrecorded(&self) {
        let planned: BTreeSet<String> = self
            .plan
            .to_delete()
            .map(|line| line.arn.to_string())
            .collect();
        let state = self.state();
        for call in self.changes() {
            let id = call.param("SecretId");
            let id = id.as_str().unwrap();
            assert!(
                planned.contains(id),
                "{} of {id}, which is not planned",
                call.op
            );
            let secret_state = &state.secrets[&id.parse::<SecretArn>().unwrap()];
            match call.op.as_str() {
                "DeleteSecret" => assert!(
                    matches!(secret_state.phase, Phase::Deleting | Phase::Deleted),
                    "{id}: {secret_state:?}"
                ),
                "TagResource" => assert!(secret_state.tag.is_some(), "{id}: {secret_state:?}"),
                "RemoveRegionsFromReplication" => {
                    assert!(!secret_state.removed.is_empty(), "{id}: {secret_state:?}");
                }
                op => panic!("{op} is not what `apply` asks for"),
            }
        }
        let world = self.aws.world();
        for (arn, before) in &self.before {
            let is_replica = before.contains("REPLICA");
            if !planned.contains(arn) && !is_replica {
                assert_eq!(
                    &print(&world.secrets[arn]),
                    before,
                    "{arn} is not in the plan"
                );
            }
        }
    }

    /// After the last run: each planned secret is deleted once with its window, or untouched with a reason; the journal
    /// says the same as AWS.
    pub(crate) fn keeps_the_promise(&self) -> Tally {
        self.nothing_is_unrecorded();
        let mut tally = Tally::default();
        let state = self.state();
        let deletions: Vec<Call> = self
            .changes()
            .into_iter()
            .filter(|call| call.op == "DeleteSecret")
            .collect();
        for line in self.plan.to_delete() {
            let arn = &line.arn;
            let own: Vec<&Call> = deletions
                .iter()
                .filter(|call| call.param("SecretId").as_str() == Some(arn.as_str()))
                .collect();
            let secret_state = &state.secrets[arn];
            let deleted = self
                .aws
                .world()
                .secrets
                .get(arn.as_str())
                .and_then(|secret| secret.deleted);
            match own.as_slice() {
                [] => {
                    assert_eq!(secret_state.phase, Phase::Untouched, "{arn}");
                    let trouble = secret_state.trouble.as_ref();
                    let why = trouble.unwrap_or_else(|| panic!("{arn} stays without a reason"));
                    assert_eq!(why.kind, TroubleKind::Refused, "{arn}: {}", why.why);
                    tally.refused += 1;
                }
                [one] => {
                    assert_eq!(one.param("RecoveryWindowInDays"), DAYS, "{arn}");
                    assert!(one.param("ForceDeleteWithoutRecovery").is_null());
                    let deleted = deleted.unwrap_or_else(|| panic!("{arn} is not deleted"));
                    let end = deleted + SignedDuration::from_hours(24 * i64::from(DAYS));
                    assert_eq!(
                        (secret_state.phase, secret_state.deletion),
                        (Phase::Deleted, Some(end)),
                        "{arn}"
                    );
                    tally.deleted += 1;
                }
                more => panic!("{arn} was deleted {} times", more.len()),
            }
        }
        assert_eq!((self.aws.value_reads(), self.aws.forced_deletes()), (0, 0));
        tally
    }
}

/// The numbers of lines by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) deleted: usize,
    pub(crate) refused: usize,
}

fn service(op: &str) -> &'static str {
    match op {
        "LookupEvents" => "cloudtrail",
        "GetCallerIdentity" => "sts",
        _ => "secretsmanager",
    }
}

/// Everything about a secret that a call could change.
fn print(secret: &Secret) -> String {
    let role = if secret.is_replica() { "REPLICA" } else { "" };
    format!(
        "{:?} {:?} {:?} {:?} {role}",
        secret.deleted, secret.tags, secret.last_changed, secret.kms_key_id
    )
}

/// The line of a secret as a scan of this world would plan it.
fn line(world: &mut World, name: &str, planned_at: Timestamp, scanned: u64) -> PlanEntry {
    let secret = world.named(A, EAST, name).clone();
    let replicas = world
        .secrets
        .values()
        .filter(|other| other.is_replica() && other.name == name)
        .map(|other| other.region.parse().unwrap())
        .collect();
    PlanEntry {
        decision: Decision::Delete,
        arn: secret.arn().parse().unwrap(),
        reasons: vec!["idle".to_owned()],
        last_accessed: secret.last_accessed.map(day_of),
        last_consumer_read: None,
        evidence_days: Some(90),
        saves: Some(Money(400_000)),
        seal: Precondition {
            planned_at,
            scanned,
            recovery_days: DAYS,
            last_changed: Some(whole_seconds(secret.last_changed)),
            last_accessed: secret.last_accessed.map(day_of),
            tags: tags_digest(&secret.tags.clone().into_iter().collect()),
            replicas,
            key: if secret.kms_key_id.is_some() {
                EncryptionKey::Customer
            } else {
                EncryptionKey::Aws
            },
            rotation: RotationState::of(secret.rotation_enabled),
        },
    }
}
