//! What happens to evidence on its way to a scan: files are lost, cut, filtered, mixed and written in other ways.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::dice::Dice;
use super::story::{Story, Told};
use crate::world::*;

/// A file of a trail: the events of one account, Region and day.
#[derive(Clone, Debug)]
pub struct File {
    pub account: String,
    pub region: String,
    pub day: i64,
    pub unique: String,
    /// Days by which it was delivered late.
    pub late: i64,
    pub background: Background,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Body {
    /// A whole day of what other services do.
    Quiet,
    Events(Vec<Told>),
    /// Bytes that were damaged, and the secrets of which they told.
    Broken(Vec<u8>),
}

/// How the files of a trail lie on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Layout,
    Flat,
    Plain,
    Lookup,
    Lines,
}

/// The evidence that a scan gets.
#[derive(Debug)]
pub struct Evidence {
    pub files: Vec<File>,
    pub secrets: Vec<Secret>,
    pub shape: Shape,
    pub extra: Vec<(String, Vec<u8>)>,
    /// Events that stand in an export for each account and Region, beside the files.
    pub beside: Vec<Told>,
    /// The places of secrets of which a file told that vanished without a trace (see `UNSEEN`).
    pub vanished: Vec<usize>,
    /// Only reads were logged: writes cannot be seen (see `UNSEEN`).
    pub no_writes: Vec<(String, String)>,
    /// The places of secrets that network activity events told of, which were not logged (see `UNSEEN`).
    pub no_network_activity: Vec<usize>,
    /// The steps that were done, for the message of a failure.
    pub done: Vec<String>,
}

/// What other services log in an hour of a scope.
type Background = fn(&str, &str, i64) -> Call;

fn quiet(background: Background, account: &str, region: &str, day: i64) -> Vec<Told> {
    let hours = (0..24).map(|hour| Told {
        call: background(account, region, day * DAY + hour * HOUR + 1_020),
        of: None,
    });
    hours.collect()
}

impl File {
    /// The events, written out, so that they can be changed. None: the file is damaged already.
    fn events(&mut self) -> Option<&mut Vec<Told>> {
        if matches!(self.body, Body::Quiet) {
            self.body = Body::Events(quiet(
                self.background,
                &self.account,
                &self.region,
                self.day,
            ));
        }
        match &mut self.body {
            Body::Events(events) => Some(events),
            _ => None,
        }
    }

    fn text(&self, number: usize) -> String {
        let records = self.records(number);
        format!("{{\"Records\":[{}]}}", records.join(","))
    }

    pub fn records(&self, number: usize) -> Vec<String> {
        let quiet_day;
        let events = match &self.body {
            Body::Quiet => {
                quiet_day = quiet(self.background, &self.account, &self.region, self.day);
                &quiet_day
            }
            Body::Events(events) => events,
            Body::Broken(_) => return Vec::new(),
        };
        let record = |(place, told): (usize, &Told)| told.call.record(number * 1_000 + place);
        events.iter().enumerate().map(record).collect()
    }

    pub fn path(&self) -> String {
        log_path(
            &self.account,
            &self.region,
            (self.day + self.late) * DAY,
            &self.unique,
        )
    }

    pub fn bytes(&self, number: usize) -> Vec<u8> {
        match &self.body {
            Body::Quiet => packed(self),
            Body::Events(_) => gzip(self.text(number).as_bytes()),
            Body::Broken(bytes) => bytes.clone(),
        }
    }
}

/// A quiet day as a file; each is made once in a run.
fn packed(file: &File) -> Vec<u8> {
    use std::sync::{Mutex, OnceLock};
    type Packed = BTreeMap<(bool, String, String, i64), Vec<u8>>;
    static PACKED: OnceLock<Mutex<Packed>> = OnceLock::new();
    let is_lively = std::ptr::fn_addr_eq(file.background, bustle as Background);
    let key = (
        is_lively,
        file.account.clone(),
        file.region.clone(),
        file.day,
    );
    let mut all = PACKED.get_or_init(Mutex::default).lock().unwrap();
    let pack = || {
        let calls: Vec<Call> = quiet(file.background, &file.account, &file.region, file.day)
            .into_iter()
            .map(|told| told.call)
            .collect();
        gzip(log(&calls).as_bytes())
    };
    all.entry(key).or_insert_with(pack).clone()
}

impl Evidence {
    /// The whole evidence: a day of a scope is one file, or two when the calls of our service lie apart.
    pub fn whole(story: &Story, dice: &mut Dice) -> Self {
        let together = dice.percent(30);
        let background = if dice.percent(20) { heartbeat } else { bustle };
        let mut days: BTreeMap<(String, String, i64), Vec<Told>> = BTreeMap::new();
        for told in &story.told {
            let key = (
                told.call.account.clone(),
                told.call.region.clone(),
                told.call.at.div_euclid(DAY),
            );
            days.entry(key).or_default().push(told.clone());
        }
        let mut files = Vec::new();
        for (account, region) in &story.scopes {
            for day in days_ago(92).div_euclid(DAY)..=NOW_S.div_euclid(DAY) {
                let file = |unique: &str, body: Body| File {
                    account: account.clone(),
                    region: region.clone(),
                    day,
                    unique: unique.to_owned(),
                    late: 0,
                    background,
                    body,
                };
                let calls = days.remove(&(account.clone(), region.clone(), day));
                match calls {
                    Some(calls) if together => {
                        let mut events = quiet(background, account, region, day);
                        events.extend(calls);
                        files.push(file("ALL", Body::Events(events)));
                    }
                    calls => {
                        files.push(file("QUIET", Body::Quiet));
                        files.extend(calls.map(|calls| file("CALLS", Body::Events(calls))));
                    }
                }
            }
        }
        assert!(
            days.is_empty(),
            "every call lies in a scope: {:?}",
            days.keys()
        );
        Self {
            files,
            secrets: story
                .known
                .iter()
                .map(|known| known.secret.clone())
                .collect(),
            shape: Shape::Layout,
            extra: Vec::new(),
            beside: Vec::new(),
            vanished: Vec::new(),
            no_writes: Vec::new(),
            no_network_activity: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Files by chance, most often a few, sometimes every second one, sometimes those of one scope.
    fn some(&self, dice: &mut Dice) -> Vec<usize> {
        if self.files.is_empty() {
            return Vec::new();
        }
        let chance = *dice.one(&[2, 10, 50, 100]);
        let scope = dice.percent(40).then(|| {
            let file = dice.one(&self.files);
            (file.account.clone(), file.region.clone())
        });
        let fits = |file: &File| {
            scope
                .as_ref()
                .is_none_or(|scope| (&scope.0, &scope.1) == (&file.account, &file.region))
        };
        (0..self.files.len())
            .filter(|&place| fits(&self.files[place]) && dice.percent(chance))
            .collect()
    }

    fn drop_files(&mut self, dice: &mut Dice) {
        let mut some = self.some(dice);
        while let Some(place) = some.pop() {
            let file = self.files.remove(place);
            if file.unique.starts_with("CALLS")
                && let Body::Events(events) = file.body
            {
                self.vanished
                    .extend(events.iter().filter_map(|told| told.of));
            }
        }
    }

    fn break_files(&mut self, dice: &mut Dice, how: fn(&mut Dice, Vec<u8>) -> Vec<u8>) {
        for place in self.some(dice) {
            let bytes = self.files[place].bytes(place);
            self.files[place].body = Body::Broken(how(dice, bytes));
        }
    }

    /// Leaves of some scopes only what fits. What picks it from a trail does not pass on a file that it cannot read.
    fn only(&mut self, dice: &mut Dice, fits: impl Fn(&Told) -> bool) {
        let one = dice
            .percent(30)
            .then(|| dice.one(&self.files).region.clone());
        let is_there = |region: &str| one.as_ref().is_none_or(|one| one == region);
        let files = self.files.iter_mut();
        for file in files.filter(|file| is_there(&file.region)) {
            match file.events() {
                Some(events) => events.retain(&fits),
                None => file.body = Body::Events(Vec::new()),
            }
        }
        self.files
            .retain(|file| !matches!(&file.body, Body::Events(events) if events.is_empty()));
        self.beside
            .retain(|told| !is_there(&told.call.region) || fits(told));
    }

    /// Leaves some files as they are, and of all others an export of one event name.
    fn export_one_name(&mut self, dice: &mut Dice) {
        let names: Vec<String> = self
            .events()
            .iter()
            .map(|told| told.call.name.clone())
            .collect();
        if names.is_empty() {
            return;
        }
        let name = dice.one(&names).clone();
        let mut whole = self.some(dice);
        let files = std::mem::take(&mut self.files);
        for (place, mut file) in files.into_iter().enumerate() {
            if whole.first() == Some(&place) {
                whole.remove(0);
                self.files.push(file);
            } else if let Some(events) = file.events() {
                events.retain(|told| told.call.name == name);
                self.beside.append(events);
            }
        }
        self.done.push(name);
    }

    fn events(&self) -> Vec<&Told> {
        let events = self.files.iter().filter_map(|file| match &file.body {
            Body::Events(events) => Some(events),
            _ => None,
        });
        let all = events.flatten().chain(&self.beside);
        all.filter(|told| told.of.is_some()).collect()
    }

    fn drop_scope(&mut self, dice: &mut Dice) {
        let file = dice.one(&self.files);
        let (account, region) = (file.account.clone(), file.region.clone());
        if dice.percent(50) {
            self.files.retain(|file| file.region != region);
        } else {
            self.files.retain(|file| file.account != account);
        }
    }

    fn drop_days(&mut self, dice: &mut Dice) {
        let from = dice.between(days_ago(92), NOW_S).div_euclid(DAY);
        let to = from + *dice.one(&[1, 1, 2, 7, 30]);
        self.files.retain(|file| !(from..to).contains(&file.day));
    }

    fn drop_column(&mut self, dice: &mut Dice) {
        let columns = [
            "LastAccessedDate",
            "LastChangedDate",
            "SecretVersionsToStages",
            "CreatedDate",
            "DeletedDate",
        ];
        let some: Vec<&str> = columns.into_iter().filter(|_| dice.percent(50)).collect();
        for secret in &mut self.secrets {
            *secret = some
                .iter()
                .fold(secret.clone(), |secret, column| secret.without(column));
        }
        self.done.push(format!("without {some:?}"));
    }

    fn drop_inventory(&mut self, dice: &mut Dice) {
        let region = dice.one(&self.secrets).region.clone();
        if self.secrets.iter().any(|secret| secret.region != region) {
            self.secrets.retain(|secret| secret.region != region);
        }
    }

    fn each_call(&mut self, dice: &mut Dice, change: impl Fn(&mut Call)) {
        for place in self.some(dice) {
            for told in self.files[place].events().into_iter().flatten() {
                change(&mut told.call);
            }
        }
    }

    fn duplicate(&mut self, dice: &mut Dice) {
        let copies: Vec<File> = self
            .some(dice)
            .into_iter()
            .map(|place| self.files[place].clone())
            .collect();
        for mut copy in copies {
            copy.unique = format!("{}AGAIN", copy.unique);
            self.files.push(copy);
        }
    }

    fn add_others(&mut self, dice: &mut Dice) {
        for number in 0..=dice.below(5) {
            let day = day(days_ago(dice.between(1, 90))).replace('-', "/");
            let root = format!("trail/AWSLogs/{ACCOUNT}");
            self.extra.extend([
                (format!("{root}/Config/us-east-1/{day}/ConfigHistory/{ACCOUNT}_Config_{number}.json.gz"), gzip(b"{\"configurationItems\":[]}")),
                (format!("{root}/vpcflowlogs/us-east-1/{day}/{ACCOUNT}_vpcflowlogs_{number}.log.gz"), gzip(b"version account-id\n")),
                (format!("{root}/CloudTrail-Digest/us-east-1/{day}/{ACCOUNT}_CloudTrail-Digest_us-east-1_t_us-east-1_20261001T00000{number}Z.json.gz"), gzip(b"{\"logFiles\":[]}")),
                (format!("{root}/Config/ConfigWritabilityCheckFile"), Vec::new()),
            ]);
        }
    }

    fn data_only(&mut self, dice: &mut Dice) {
        let file = dice.one(&self.files);
        let (account, region) = (file.account.clone(), file.region.clone());
        for file in &mut self.files {
            if (&file.account, &file.region) == (&account, &region)
                && let Some(events) = file.events()
            {
                events.retain(|told| told.of.is_none());
                for told in events {
                    "s3.amazonaws.com".clone_into(&mut told.call.source);
                    "GetObject".clone_into(&mut told.call.name);
                    "Data".clone_into(&mut told.call.category);
                }
            }
        }
        self.files
            .retain(|file| !matches!(&file.body, Body::Events(events) if events.is_empty()));
    }

    /// Does one thing of the table below.
    pub fn suffer(&mut self, dice: &mut Dice) {
        if self.files.is_empty() {
            return;
        }
        let place = dice.below(DAMAGES.len());
        let (name, damage) = DAMAGES[place];
        self.done.push(name.to_owned());
        damage(self, dice);
    }
}

/// The output of `lookup-events` for these records.
fn looked_up(records: &[String]) -> String {
    let events: Vec<Value> = records
        .iter()
        .map(|record| json!({"EventId": "1", "CloudTrailEvent": record}))
        .collect();
    json!({ "Events": events }).to_string()
}

type Damage = (&'static str, fn(&mut Evidence, &mut Dice));

/// Everything that may happen.
const DAMAGES: &[Damage] = &[
    ("files dropped", Evidence::drop_files),
    ("files cut", |all, dice| {
        all.break_files(dice, |dice, bytes| {
            // A file may have been emptied before.
            bytes[..dice.below(bytes.len().max(1))].to_vec()
        });
    }),
    ("files emptied", |all, dice| {
        all.break_files(dice, |_, _| Vec::new());
    }),
    ("bytes corrupted", |all, dice| {
        all.break_files(dice, |dice, mut bytes| {
            // Behind the header of gzip, which holds a time that nobody checks.
            const HEADER: usize = 10;
            if bytes.len() <= HEADER {
                return bytes;
            }
            for _ in 0..=dice.below(4) {
                let place = HEADER + dice.below(bytes.len() - HEADER);
                bytes[place] ^= 1 << dice.below(8);
            }
            bytes
        });
    }),
    ("bytes that are no UTF-8", |all, dice| {
        for place in all.some(dice) {
            let mut text = all.files[place].text(place).into_bytes();
            if !matches!(all.files[place].body, Body::Broken(_)) {
                let at = dice.below(text.len());
                text[at] = 0xff;
                all.files[place].body = Body::Broken(gzip(&text));
            }
        }
    }),
    ("an error page in place of files", |all, dice| {
        all.break_files(dice, |_, _| {
            b"<html><body>503 Slow Down</body></html>".to_vec()
        });
    }),
    ("only one event name", |all, dice| {
        let names: Vec<String> = all
            .events()
            .iter()
            .map(|told| told.call.name.clone())
            .collect();
        if !names.is_empty() {
            let name = dice.one(&names).clone();
            all.done.push(name.clone());
            all.only(dice, |told| told.call.name == name);
        }
    }),
    (
        "some files, and an export of one event name",
        Evidence::export_one_name,
    ),
    ("only one secret", |all, dice| {
        let secrets: Vec<usize> = all.events().iter().filter_map(|told| told.of).collect();
        if !secrets.is_empty() {
            let secret = *dice.one(&secrets);
            all.only(dice, |told| told.of == Some(secret));
        }
    }),
    ("only one user", |all, dice| {
        let users: Vec<Value> = all
            .events()
            .iter()
            .map(|told| told.call.identity["arn"].clone())
            .collect();
        if !users.is_empty() {
            let user = dice.one(&users).clone();
            all.done.push(user.to_string());
            all.only(dice, |told| told.call.identity["arn"] == user);
        }
    }),
    ("only Secrets Manager", |all, dice| {
        all.only(dice, |told| told.call.source.starts_with("secretsmanager"));
    }),
    ("only writes", |all, dice| {
        all.only(dice, |told| !told.call.read_only);
    }),
    ("only reads", |all, dice| {
        all.only(dice, |told| told.call.read_only);
        all.no_writes = all
            .files
            .iter()
            .map(|file| (file.account.clone(), file.region.clone()))
            .collect();
    }),
    ("only management events", |all, dice| {
        let is_network = |told: &&Told| told.call.category == "NetworkActivity";
        let network = all.events().into_iter().filter(is_network);
        let network: Vec<usize> = network.filter_map(|told| told.of).collect();
        all.no_network_activity.extend(network);
        all.only(dice, |told| told.call.category == "Management");
    }),
    ("only data events", Evidence::data_only),
    (
        "a Region or account of the trail dropped",
        Evidence::drop_scope,
    ),
    ("days dropped", Evidence::drop_days),
    ("columns of the inventory dropped", Evidence::drop_column),
    (
        "a Region of the inventory dropped",
        Evidence::drop_inventory,
    ),
    ("delivered late", |all, dice| {
        for place in all.some(dice) {
            let file = &mut all.files[place];
            file.late = dice.between(1, 5).min(NOW_S / DAY - file.day).max(0);
            // The file of another day may have this name but for the end, which AWS makes up.
            file.unique = format!("{}LATE{}", file.unique, file.day);
        }
    }),
    ("files twice", Evidence::duplicate),
    ("a flat folder", |all, _| all.shape = Shape::Flat),
    ("plain files with the names of compressed ones", |all, _| {
        all.shape = Shape::Plain;
    }),
    ("the output of lookup-events", |all, _| {
        all.shape = Shape::Lookup;
    }),
    ("lines of JSON", |all, _| all.shape = Shape::Lines),
    ("files of other services", Evidence::add_others),
    ("records without a user agent", |all, dice| {
        all.each_call(dice, |call| call.left_out.push("userAgent".to_owned()));
    }),
    ("records without the account they are for", |all, dice| {
        all.each_call(dice, |call| {
            call.left_out.push("recipientAccountId".to_owned());
        });
    }),
    ("refusals without parameters", |all, dice| {
        all.each_call(dice, |call| {
            if call.error.is_some() {
                call.request = Value::Null;
            }
        });
    }),
    ("plain user agents", |all, dice| {
        all.each_call(dice, |call| BOTO.clone_into(&mut call.agent));
    }),
];

impl Evidence {
    /// The files as they lie on disk, below the folder of the scan.
    pub fn written(&self) -> Vec<(String, Vec<u8>)> {
        let mut out = self.extra.clone();
        out.extend(self.exported_beside());
        let numbered = || self.files.iter().enumerate();
        match self.shape {
            Shape::Layout => out.extend(
                numbered()
                    .map(|(number, file)| (format!("trail/{}", file.path()), file.bytes(number))),
            ),
            Shape::Flat => {
                out.extend(numbered().map(|(number, file)| {
                    (format!("trail/{number:05}.json.gz"), file.bytes(number))
                }));
            }
            Shape::Plain => out.extend(numbered().map(|(number, file)| {
                let bytes = match &file.body {
                    Body::Broken(bytes) => bytes.clone(),
                    _ => file.text(number).into_bytes(),
                };
                (format!("trail/{}", file.path()), bytes)
            })),
            Shape::Lookup | Shape::Lines => out.extend(self.exported()),
        }
        out
    }

    /// One file of each account and Region; what was broken stays a file of its own.
    fn exported(&self) -> Vec<(String, Vec<u8>)> {
        let mut records: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        let mut out = Vec::new();
        for (number, file) in self.files.iter().enumerate() {
            if let Body::Broken(bytes) = &file.body {
                out.push((format!("trail/{}", file.path()), bytes.clone()));
            }
            let scope = (file.account.as_str(), file.region.as_str());
            records
                .entry(scope)
                .or_default()
                .extend(file.records(number));
        }
        for ((account, region), records) in records {
            let text = if self.shape == Shape::Lines {
                records.join("\n")
            } else {
                looked_up(&records)
            };
            out.push((
                format!("trail/export-{account}-{region}.json"),
                text.into_bytes(),
            ));
        }
        out
    }

    fn exported_beside(&self) -> Vec<(String, Vec<u8>)> {
        let mut records: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for (number, told) in self.beside.iter().enumerate() {
            let scope = (told.call.account.as_str(), told.call.region.as_str());
            let record = told.call.record(900_000_000 + number);
            records.entry(scope).or_default().push(record);
        }
        let file = |((account, region), records): ((&str, &str), Vec<String>)| {
            let path = format!("trail/beside-{account}-{region}.json");
            (path, looked_up(&records).into_bytes())
        };
        records.into_iter().map(file).collect()
    }

    /// The places of secrets of which a readable record is left.
    pub fn still_told(&self) -> Vec<usize> {
        self.events().iter().filter_map(|told| told.of).collect()
    }
}
