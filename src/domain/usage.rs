//! The ledger: every Secrets Manager event of a trail, counted once, by who did what to which name in which hour.
//!
//! The trail can be hundreds of gigabytes, so events are folded as they come and forgotten. What is kept grows with the
//! number of distinct (name, caller, API, outcome) and the hours in which each was active, never with the number of
//! events of other services. What a *caller* or a *name* means is not decided here: that needs the inventory and the
//! policy, and one trail can be judged by many of them.
//!
//! Three rules of evidence live here, because they are about single events (design, section 4):
//! - an `eventID` counts once, however many files hold it ([`Seen`]); of the copies that two accounts get of one call,
//!   one counts (`sharedEventID`), and which one does not depend on the order of reading;
//! - a denied call has no `requestParameters`, and names its secret only in `errorMessage` ([`named_in`]);
//! - a failed call is a call, never a use ([`Outcome`]).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::coverage::Coverage;
use super::event::{Event, EventId, Sink};
use super::names::Scope;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It succeeded.
    Ok,
    /// The caller may not do it.
    Denied,
    /// The caller may, but not decrypt with the key.
    KmsDenied,
    /// There is no such secret or version.
    NotFound,
    /// The secret is scheduled for deletion.
    Pending,
    /// Too many requests.
    Throttled,
    /// Any other error.
    Failed,
}

impl Outcome {
    /// Reads the outcome from an event.
    ///
    /// The codes are those of AWS facts 4.9 and 4.10. A call with a message and no code counts as failed: no successful
    /// call has either.
    pub fn of(event: &Event<'_>) -> Self {
        let code = event.error_code.as_deref().unwrap_or_default();
        let message = event.error_message.as_deref().unwrap_or_default();
        if code.is_empty() && (message.is_empty() || event.service_event) {
            return Self::Ok;
        }
        if message.contains("marked for deletion") || message.contains("because it was deleted") {
            return Self::Pending;
        }
        match code {
            "ResourceNotFoundException" => Self::NotFound,
            "DecryptionFailure" | "DecryptionFailureException" => Self::KmsDenied,
            "AccessDenied"
            | "AccessDeniedException"
            | "Client.UnauthorizedAccess"
            | "UnauthorizedOperation" => {
                let by_key = message.contains("Access to KMS") || message.contains(" kms:");
                if by_key {
                    Self::KmsDenied
                } else {
                    Self::Denied
                }
            }
            "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "RequestLimitExceeded" => Self::Throttled,
            _ => Self::Failed,
        }
    }

    /// What happened, as part of a sentence: "312 reads were ...".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Ok => "answered",
            Self::Denied => "denied",
            Self::KmsDenied => "refused by the key",
            Self::NotFound => "not found",
            Self::Pending => "refused because the secret is scheduled for deletion",
            Self::Throttled => "throttled",
            Self::Failed => "refused with an error",
        }
    }
}

/// The secret that an error message names: `... on resource: <ARN or name> because ...`.
///
/// `None` if the message names none, or something that is no secret (a KMS key, `*`).
pub fn named_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" on resource: ")?;
    let name = rest.split_whitespace().next()?;
    let other = name.starts_with("arn:") && !name.contains(":secretsmanager:");
    (name != "*" && !other).then_some(name)
}

/// Who called, as the event tells it. Strings of other people.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent marks of an event, each as the event has it"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The role (`sessionIssuer.arn`) or user (`arn`), else the service (`invokedBy`), else the principal id.
    pub identity: String,
    /// The session name: what follows the role in `arn`. Empty for users and services.
    pub session: String,
    /// `userIdentity.type`.
    pub identity_type: String,
    /// `userIdentity.accountId`.
    pub account: String,
    /// `invokedBy`.
    pub invoked_by: String,
    /// `sourceIPAddress`.
    pub address: String,
    /// `userAgent`.
    pub user_agent: String,
    /// Credentials of a web identity: IRSA, OIDC.
    pub web_federated: bool,
    /// Credentials of an EC2 instance profile.
    pub ec2_delivered: bool,
    /// The call came through a VPC endpoint.
    pub vpc_endpoint: bool,
    /// The call was made from the console.
    pub from_console: bool,
}

/// Calls of one kind in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Twice the hour since 1970, plus one for the part of an hour that lies at or after the window's start.
    key: u32,
    /// How many calls.
    pub calls: u32,
    /// The first and the last of them, in seconds after the full hour.
    first: u16,
    last: u16,
}

impl Cell {
    /// The hour since 1970-01-01T00:00:00Z.
    pub fn hour(self) -> u32 {
        self.key >> 1
    }

    /// The first call, in seconds since 1970.
    pub fn first(self) -> i64 {
        i64::from(self.hour()) * 3_600 + i64::from(self.first)
    }

    /// The last call, in seconds since 1970.
    pub fn last(self) -> i64 {
        i64::from(self.hour()) * 3_600 + i64::from(self.last)
    }
}

/// One line of the ledger: all calls that are alike but for their time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// `recipientAccountId`; may be empty.
    pub account: String,
    /// `awsRegion`; may be empty.
    pub region: String,
    /// The secret as the event names it; `None`: it names none.
    pub target: Option<String>,
    /// `eventName`.
    pub api: String,
    /// An `AwsServiceEvent`: nobody called, nothing is billed.
    pub service_event: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// A version in staging was asked for (`AWSPENDING`): what rotations do.
    pub staged: bool,
    /// Who called.
    pub caller: Caller,
    /// The hours, in order.
    pub cells: Vec<Cell>,
    /// Of the error messages, the first in alphabetical order: the same whatever the order of reading.
    pub sample: Option<String>,
}

impl Access {
    /// How many calls.
    pub fn calls(&self) -> u64 {
        self.cells.iter().map(|cell| u64::from(cell.calls)).sum()
    }

    /// The scope of the event, if it names one.
    pub fn scope(&self) -> Option<Scope> {
        Some(Scope {
            account: self.account.parse().ok()?,
            region: self.region.parse().ok()?,
        })
    }
}

/// The event ids that were counted already. Shared by all ledgers that fill from one trail.
///
/// Sixty-four sets, so that threads seldom wait for one another. Sixteen bytes and some an event of our service.
#[derive(Debug)]
pub struct Seen {
    shards: Vec<Mutex<HashSet<u128, FixedState>>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            shards: (0..64).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Seen {
    /// Notes an event; tells whether it is new.
    pub fn is_new(&self, id: EventId) -> bool {
        let shard = usize::try_from(id.0 % 64).unwrap_or(0);
        // A set of numbers is whole whatever a panicking thread was doing, so a poisoned lock is as good as any.
        let mut ids = self.shards[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ids.insert(id.0)
    }
}

/// The part of time that a ledger counts. Seconds since 1970; from inclusive, to exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Start of the evidence span: older events are not counted.
    pub from: i64,
    /// Start of the window, inside the span: cells are cut here.
    pub window_from: i64,
    /// End of both.
    pub to: i64,
}

/// A number that stands for a string of the ledger.
type Sym = u32;

/// The strings of a ledger, each held once.
#[derive(Debug, Default)]
struct Strings {
    all: Vec<Box<str>>,
    table: HashTable<Sym>,
}

impl Strings {
    fn symbol(&mut self, text: &str) -> Sym {
        let hash = FixedState::default().hash_one(text);
        let all = &self.all;
        if let Some(&symbol) = self
            .table
            .find(hash, |&symbol| &*all[symbol as usize] == text)
        {
            return symbol;
        }
        let symbol =
            Sym::try_from(self.all.len()).expect("fewer than four billion distinct strings");
        self.all.push(text.into());
        let all = &self.all;
        self.table.insert_unique(hash, symbol, |&other| {
            FixedState::default().hash_one(&*all[other as usize])
        });
        symbol
    }

    fn text(&self, symbol: Sym) -> &str {
        &self.all[symbol as usize]
    }
}

/// How many strings make a [`Line`] what it is.
const FIELDS: usize = 11;

/// The strings of an event that make its line, borrowed, in the order of [`Line::strings`].
struct Key<'a> {
    strings: [&'a str; FIELDS],
    flags: u16,
    outcome: Outcome,
}

/// A line of the ledger while it is being written.
#[derive(Debug)]
struct Line {
    strings: [Sym; FIELDS],
    flags: u16,
    outcome: Outcome,
    cells: Vec<Cell>,
    sample: Option<Box<str>>,
    hash: u64,
}

const HAS_TARGET: u16 = 1;
const SERVICE_EVENT: u16 = 2;
const STAGED: u16 = 4;
const WEB: u16 = 8;
const EC2: u16 = 16;
const VPC: u16 = 32;
const CONSOLE: u16 = 64;

impl<'a> Key<'a> {
    fn of(event: &'a Event<'_>) -> Self {
        let outcome = Outcome::of(event);
        let identity = &event.identity;
        let arn = identity.arn.as_deref().unwrap_or_default();
        let invoked_by = identity.invoked_by.as_deref().unwrap_or_default();
        let stable = [
            identity.issuer_arn.as_deref().unwrap_or_default(),
            role_of(arn),
            invoked_by,
            identity.principal_id.as_deref().unwrap_or_default(),
        ];
        let target = event
            .target
            .as_deref()
            .filter(|target| !target.is_empty())
            .or_else(|| named_in(event.error_message.as_deref()?));
        let flag = |on: bool, bit: u16| if on { bit } else { 0 };
        Self {
            strings: [
                &event.account,
                &event.region,
                target.unwrap_or_default(),
                &event.name,
                stable
                    .into_iter()
                    .find(|text| !text.is_empty())
                    .unwrap_or_default(),
                session_of(arn),
                identity.kind.as_deref().unwrap_or_default(),
                identity.account.as_deref().unwrap_or_default(),
                invoked_by,
                event.source_ip.as_deref().unwrap_or_default(),
                event.user_agent.as_deref().unwrap_or_default(),
            ],
            flags: flag(target.is_some(), HAS_TARGET)
                | flag(event.service_event, SERVICE_EVENT)
                | flag(event.version_stage.as_deref() == Some("AWSPENDING"), STAGED)
                | flag(identity.web_federated, WEB)
                | flag(identity.ec2_delivered, EC2)
                | flag(event.vpc_endpoint, VPC)
                | flag(event.from_console, CONSOLE),
            outcome,
        }
    }

    fn hash(&self) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        for text in self.strings {
            hasher.write(text.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.write_u16(self.flags);
        hasher.write_u8(self.outcome as u8);
        hasher.finish()
    }
}

/// The session name in `arn:aws:sts::<account>:assumed-role/<role>/<session>`; empty for any other ARN.
fn session_of(arn: &str) -> &str {
    if arn.contains(":assumed-role/") || arn.contains(":federated-user/") {
        arn.rsplit_once('/').map_or("", |(_, session)| session)
    } else {
        ""
    }
}

/// The ARN without its session, so that a reader without `sessionIssuer` is still one reader.
fn role_of(arn: &str) -> &str {
    if arn.contains(":assumed-role/") {
        arn.rsplit_once('/').map_or(arn, |(role, _)| role)
    } else {
        arn
    }
}

/// Everything that a trail says, folded. Fill it as a [`Sink`], join several with [`Ledger::merge`], read it with
/// [`Ledger::into_accesses`].
#[derive(Debug)]
pub struct Ledger {
    bounds: Bounds,
    seen: Arc<Seen>,
    strings: Strings,
    lines: Vec<Line>,
    table: HashTable<u32>,
    /// Calls that two accounts log: of each, the copy to count and its time.
    shared: HashMap<EventId, (u32, i64), FixedState>,
    /// What the trail covers.
    pub coverage: Coverage,
    /// Events that came again and were not counted.
    pub duplicates: u64,
}

impl Ledger {
    /// An empty ledger. Ledgers that fill from one trail share `seen`.
    pub fn new(bounds: Bounds, seen: Arc<Seen>) -> Self {
        Self {
            bounds,
            seen,
            strings: Strings::default(),
            lines: Vec::new(),
            table: HashTable::new(),
            shared: HashMap::default(),
            coverage: Coverage::default(),
            duplicates: 0,
        }
    }

    fn line_of(&mut self, key: &Key<'_>) -> u32 {
        let hash = key.hash();
        let (lines, strings) = (&self.lines, &self.strings);
        let same = |&at: &u32| {
            let line: &Line = &lines[at as usize];
            line.hash == hash
                && line.flags == key.flags
                && line.outcome == key.outcome
                && line
                    .strings
                    .iter()
                    .zip(key.strings)
                    .all(|(&symbol, text)| strings.text(symbol) == text)
        };
        if let Some(&at) = self.table.find(hash, same) {
            return at;
        }
        let at = u32::try_from(self.lines.len()).expect("fewer than four billion distinct lines");
        self.lines.push(Line {
            strings: key.strings.map(|text| self.strings.symbol(text)),
            flags: key.flags,
            outcome: key.outcome,
            cells: Vec::new(),
            sample: None,
            hash,
        });
        let lines = &self.lines;
        self.table
            .insert_unique(hash, at, |&other| lines[other as usize].hash);
        at
    }

    fn count(&mut self, at: u32, time: i64) {
        let cell = self.cell_at(time);
        add_cell(&mut self.lines[at as usize].cells, cell);
    }

    fn cell_at(&self, time: i64) -> Cell {
        let hour = time.div_euclid(3_600);
        let edge = self.bounds.window_from;
        let after = edge.div_euclid(3_600) == hour && time >= edge;
        let second = u16::try_from(time.rem_euclid(3_600)).unwrap_or(0);
        Cell {
            key: u32::try_from(hour).unwrap_or(0) << 1 | u32::from(after),
            calls: 1,
            first: second,
            last: second,
        }
    }

    /// The copy of a shared event that counts: the one that tells more about the caller, then the first by its text.
    fn prefers(&self, new: u32, old: u32) -> bool {
        let rank = |at: u32| {
            let line = &self.lines[at as usize];
            let texts = line.strings.map(|symbol| self.strings.text(symbol));
            let known = texts.iter().filter(|text| !text.is_empty()).count();
            (usize::MAX - known, texts, line.flags, line.outcome)
        };
        rank(new) < rank(old)
    }

    fn keep_shared(&mut self, id: EventId, at: u32, time: i64) {
        let Some(&(kept, _)) = self.shared.get(&id) else {
            self.shared.insert(id, (at, time));
            return;
        };
        self.duplicates += 1;
        if self.prefers(at, kept) {
            self.shared.insert(id, (at, time));
        }
    }

    /// Takes another ledger of the same bounds in. The order of merging does not matter.
    pub fn merge(&mut self, other: Self) {
        let Self {
            strings,
            lines,
            shared,
            coverage,
            duplicates,
            ..
        } = other;
        let mut places = Vec::with_capacity(lines.len());
        for line in lines {
            let at = self.line_of(&Key {
                strings: line.strings.map(|symbol| strings.text(symbol)),
                flags: line.flags,
                outcome: line.outcome,
            });
            let mine = &mut self.lines[at as usize];
            if mine.cells.is_empty() {
                mine.cells = line.cells;
            } else {
                for cell in line.cells {
                    add_cell(&mut mine.cells, cell);
                }
            }
            keep_sample(&mut mine.sample, line.sample.as_deref());
            places.push(at);
        }
        for (id, (at, time)) in shared {
            self.keep_shared(id, places[at as usize], time);
        }
        self.coverage.merge(coverage);
        self.duplicates += duplicates;
    }

    /// The ledger as sorted lines, and what the trail covers.
    pub fn into_accesses(mut self) -> (Vec<Access>, Coverage) {
        for (_, (at, time)) in std::mem::take(&mut self.shared) {
            self.count(at, time);
        }
        let strings = &self.strings;
        let text = |symbol: Sym| strings.text(symbol).to_owned();
        let mut accesses: Vec<Access> = std::mem::take(&mut self.lines)
            .into_iter()
            .filter(|line| !line.cells.is_empty())
            .map(|line| {
                let [account, region, target, api, caller @ ..] = line.strings;
                let [identity, session, kind, of, invoked_by, address, agent] = caller;
                let has = |bit: u16| line.flags & bit != 0;
                Access {
                    account: text(account),
                    region: text(region),
                    target: has(HAS_TARGET).then(|| text(target)),
                    api: text(api),
                    service_event: has(SERVICE_EVENT),
                    outcome: line.outcome,
                    staged: has(STAGED),
                    caller: Caller {
                        identity: text(identity),
                        session: text(session),
                        identity_type: text(kind),
                        account: text(of),
                        invoked_by: text(invoked_by),
                        address: text(address),
                        user_agent: text(agent),
                        web_federated: has(WEB),
                        ec2_delivered: has(EC2),
                        vpc_endpoint: has(VPC),
                        from_console: has(CONSOLE),
                    },
                    cells: line.cells,
                    sample: line.sample.map(Into::into),
                }
            })
            .collect();
        accesses.sort_unstable();
        (accesses, self.coverage)
    }
}

impl Sink for Ledger {
    fn event(&mut self, event: &Event<'_>) {
        if event.time < self.bounds.from || event.time >= self.bounds.to {
            return;
        }
        if event.shared_id.is_none() && !self.seen.is_new(event.id) {
            self.duplicates += 1;
            return;
        }
        let key = Key::of(event);
        let failed = key.outcome != Outcome::Ok;
        let at = self.line_of(&key);
        if failed {
            keep_sample(
                &mut self.lines[at as usize].sample,
                event.error_message.as_deref(),
            );
        }
        match event.shared_id {
            Some(id) => self.keep_shared(id, at, event.time),
            None => self.count(at, event.time),
        }
    }

    fn heard(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        let second = i64::from(hour) * 3_600;
        if second + 3_600 > self.bounds.from && second < self.bounds.to {
            self.coverage.heard(account, region, hour, read_only);
        }
    }
}

/// Adds to the cell of the same hour, or puts a new one in its place. Events come nearly in order, so the end is tried
/// first.
fn add_cell(cells: &mut Vec<Cell>, new: Cell) {
    let place = match cells.last() {
        Some(last) if last.key == new.key => Ok(cells.len() - 1),
        Some(last) if last.key < new.key => Err(cells.len()),
        None => Err(0),
        Some(_) => cells.binary_search_by_key(&new.key, |cell| cell.key),
    };
    match place {
        Ok(at) => {
            let cell = &mut cells[at];
            cell.calls = cell.calls.saturating_add(new.calls);
            cell.first = cell.first.min(new.first);
            cell.last = cell.last.max(new.last);
        }
        Err(at) => cells.insert(at, new),
    }
}

fn keep_sample(kept: &mut Option<Box<str>>, new: Option<&str>) {
    let Some(new) = new.filter(|text| !text.is_empty()) else {
        return;
    };
    if kept.as_deref().is_none_or(|kept| new < kept) {
        *kept = Some(new.into());
    }
}
