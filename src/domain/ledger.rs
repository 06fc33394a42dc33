//! The ledger: every Secrets Manager event of a trail, counted once, by who did what to which name in which hour.
//!
//! The trail can be hundreds of gigabytes, so events are folded as they come and forgotten. What is kept grows with the
//! number of distinct (name, caller, API, outcome) and the hours in which each was active, never with the number of
//! events of other services.
//!
//! An event counts once, however many files hold it ([`Seen`]); of the copies that two accounts get of one call, one
//! counts (`sharedEventID`), and which one does not depend on the order of reading.

mod sampled;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::coverage::Coverage;
use super::event::{Event, EventId, Sink};
use super::seen::Seen;
use super::usage::{Access, Address, Caller, Cell, ClientCell, Outcome, named_in};

use sampled::Sampled;

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
    all: Vec<Arc<str>>,
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

/// How many of them make the caller: the last ones.
const CALLER: usize = 7;

/// A caller from its strings, in the order of [`Key`].
fn caller(strings: [&str; CALLER], flags: u16) -> Caller {
    let [
        identity,
        session,
        kind,
        account,
        invoked_by,
        source_service,
        agent,
    ] = strings.map(str::to_owned);
    let has = |bit: u16| flags & bit != 0;
    Caller {
        identity,
        session,
        identity_type: kind,
        account,
        invoked_by,
        source_service,
        user_agent: agent,
        web_federated: has(WEB),
        ec2_delivered: has(EC2),
        vpc_endpoint: has(VPC),
        from_console: has(CONSOLE),
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
    /// The latest client, not yet in [`Ledger::clients`]: most calls come in runs from one address.
    run: Run,
    sample: Option<Box<str>>,
    hash: u64,
}

/// Calls of one line in one hour from one address.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    key: u32,
    calls: u32,
    address: Address,
}

/// A call that two accounts may log, as one of them did.
#[derive(Clone, Copy, Debug)]
struct Twin {
    line: u32,
    time: i64,
    address: Address,
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
                service_in(event.source_ip.as_deref().unwrap_or_default()),
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

/// Where an event came from; the default if it does not say.
#[inline]
fn address_of(event: &Event<'_>) -> Address {
    let text = event.source_ip.as_deref().filter(|text| !text.is_empty());
    text.map_or_else(Address::default, Address::new)
}

/// The name of the AWS service that stands in place of an address; empty for an address.
fn service_in(source: &str) -> &str {
    if source.ends_with(".amazonaws.com") {
        source
    } else {
        ""
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
    /// Calls by line, cell and address.
    clients: HashMap<(u32, u32, Address), u32, FixedState>,
    /// Calls that two accounts log: of each, the copy to count.
    shared: HashMap<EventId, Twin, FixedState>,
    /// What came from samples: in the lines as seen, and here by window.
    sampled: Sampled,
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
            clients: HashMap::default(),
            shared: HashMap::default(),
            sampled: Sampled::default(),
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
        let at = place(self.lines.len());
        self.lines.push(Line {
            strings: key.strings.map(|text| self.strings.symbol(text)),
            flags: key.flags,
            outcome: key.outcome,
            cells: Vec::new(),
            run: Run::default(),
            sample: None,
            hash,
        });
        let lines = &self.lines;
        self.table
            .insert_unique(hash, at, |&other| lines[other as usize].hash);
        at
    }

    fn count(&mut self, at: u32, time: i64, address: Address) {
        let cell = self.cell_at(time);
        let line = &mut self.lines[at as usize];
        add_cell(&mut line.cells, cell);
        if line.run.key == cell.key && line.run.address == address {
            line.run.calls = line.run.calls.saturating_add(1);
            return;
        }
        let ended = std::mem::replace(
            &mut line.run,
            Run {
                key: cell.key,
                calls: 1,
                address,
            },
        );
        self.keep_run(at, ended);
    }

    fn keep_run(&mut self, at: u32, run: Run) {
        if run.calls > 0 {
            let calls = self.clients.entry((at, run.key, run.address)).or_default();
            *calls = calls.saturating_add(run.calls);
        }
    }

    /// Ends all runs, so that every call is in `clients`.
    fn keep_runs(&mut self) {
        for at in 0..self.lines.len() {
            let run = std::mem::take(&mut self.lines[at].run);
            self.keep_run(place(at), run);
        }
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
    fn prefers(&self, new: Twin, old: Twin) -> bool {
        let rank = |copy: Twin| {
            let line = &self.lines[copy.line as usize];
            let texts = line.strings.map(|symbol| self.strings.text(symbol));
            let known = texts.iter().filter(|text| !text.is_empty()).count()
                + usize::from(copy.address != Address::default());
            let Twin { address, time, .. } = copy;
            (
                usize::MAX - known,
                texts,
                line.flags,
                line.outcome,
                address,
                time,
            )
        };
        rank(new) < rank(old)
    }

    fn keep_shared(&mut self, id: EventId, copy: Twin) {
        let Some(&kept) = self.shared.get(&id) else {
            self.shared.insert(id, copy);
            return;
        };
        self.duplicates += 1;
        if self.prefers(copy, kept) {
            self.shared.insert(id, copy);
        }
    }

    /// Takes another ledger of the same bounds in. The order of merging does not matter.
    pub fn merge(&mut self, mut other: Self) {
        if other.lines.len() > self.lines.len() {
            // The smaller one is moved.
            std::mem::swap(self, &mut other);
        }
        other.keep_runs();
        let Self {
            strings,
            lines,
            clients,
            shared,
            sampled,
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
        for ((at, key, address), calls) in clients {
            let run = Run {
                key,
                calls,
                address,
            };
            self.keep_run(places[at as usize], run);
        }
        for (id, copy) in shared {
            let line = places[copy.line as usize];
            self.keep_shared(id, Twin { line, ..copy });
        }
        self.sampled.merge(sampled, &places);
        self.coverage.merge(coverage);
        self.duplicates += duplicates;
    }

    /// The calls by address, of each line.
    fn take_clients(&mut self) -> Vec<Vec<ClientCell>> {
        self.keep_runs();
        let mut of_line = vec![0_usize; self.lines.len()];
        for &(at, ..) in self.clients.keys() {
            of_line[at as usize] += 1;
        }
        let mut clients: Vec<Vec<ClientCell>> =
            of_line.into_iter().map(Vec::with_capacity).collect();
        for ((at, key, address), calls) in std::mem::take(&mut self.clients) {
            clients[at as usize].push(ClientCell {
                key,
                calls,
                address,
            });
        }
        for of_line in &mut clients {
            of_line.sort_unstable_by_key(|client| (client.key, client.address));
        }
        clients
    }

    /// The ledger as sorted lines, and what the trail covers.
    pub fn into_accesses(mut self) -> (Vec<Access>, Coverage) {
        self.settle_shared();
        for (_, copy) in std::mem::take(&mut self.shared) {
            self.count(copy.line, copy.time, copy.address);
        }
        let clients = self.take_clients();
        let sampled = self.take_sampled();
        let strings = &self.strings.all;
        let text = |symbol: Sym| Arc::clone(&strings[symbol as usize]);
        // Sessions and programs come again in many lines: a caller is held once.
        let mut callers: HashMap<([Sym; CALLER], u16), Arc<Caller>, FixedState> =
            HashMap::default();
        let mut accesses: Vec<Access> = std::mem::take(&mut self.lines)
            .into_iter()
            .zip(clients.into_iter().zip(sampled))
            .filter(|(line, _)| !line.cells.is_empty())
            .map(|(line, (clients, sampled))| {
                let [account, region, target, api, who @ ..] = line.strings;
                let has = |bit: u16| line.flags & bit != 0;
                let caller = callers
                    .entry((who, line.flags & (WEB | EC2 | VPC | CONSOLE)))
                    .or_insert_with(|| {
                        Arc::new(caller(
                            who.map(|symbol| &*strings[symbol as usize]),
                            line.flags,
                        ))
                    });
                Access {
                    account: text(account),
                    region: text(region),
                    target: has(HAS_TARGET).then(|| text(target)),
                    api: text(api),
                    service_event: has(SERVICE_EVENT),
                    outcome: line.outcome,
                    staged: has(STAGED),
                    caller: Arc::clone(caller),
                    cells: line.cells,
                    clients,
                    sampled,
                    sample: line.sample.map(Into::into),
                }
            })
            .collect();
        accesses.sort_unstable();
        sampled::weigh(&mut accesses, self.coverage.samples());
        (accesses, self.coverage)
    }
}

/// The place of a line, as the ledger's tables hold it.
fn place(at: usize) -> u32 {
    u32::try_from(at).expect("fewer than four billion distinct lines")
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
        let address = address_of(event);
        let time = event.time;
        match event.shared_id {
            Some(id) => self.keep_shared(
                id,
                Twin {
                    line: at,
                    time,
                    address,
                },
            ),
            None => self.count(at, time, address),
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
        None => {
            // Most lines have a single hour.
            cells.reserve_exact(1);
            Err(0)
        }
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
