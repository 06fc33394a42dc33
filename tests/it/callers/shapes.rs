//! The shapes of callers, each with what must be said of it, and the calls that a seed makes of it.
//!
//! A loop calls at least once a minute for at least five hours. A healthy caller reads as often as an hour's cache, or
//! starts as often as deploys, jobs and people do.

use crate::world::{DAY, HOUR, NOW_S};

mod healthy;
mod looping;

/// All shapes.
pub fn shapes() -> impl Iterator<Item = &'static Shape> {
    looping::SHAPES.iter().chain(healthy::SHAPES)
}

/// The result that is expected of a shape.
pub enum Expected {
    /// Nothing.
    Healthy,
    /// One loop of this API and shape (empty: any), and whether it is certain what a cache avoids.
    Loop {
        api: &'static str,
        shape: &'static str,
        sure: bool,
    },
    /// Writes without an end, of this API. What the writer asks before each write is a row of its own only where that
    /// alone costs as much as the policy says.
    Writes { api: &'static str },
}

/// A shape of callers.
pub struct Shape {
    pub name: &'static str,
    /// The first part of the name of its role.
    pub role: &'static str,
    pub expected: Expected,
    pub calls: fn(&mut Random) -> Vec<Generated>,
}

/// A call.
#[derive(Clone)]
pub struct Generated {
    pub at: i64,
    pub api: &'static str,
    pub session: String,
    pub address: String,
    pub agent: &'static str,
    pub missing: bool,
    pub invoked_by: Option<&'static str>,
    pub from_console: bool,
}

/// Numbers from a seed (`SplitMix64`).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    fn within(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap();
        low + i64::try_from(self.next() % span).unwrap()
    }

    fn address(&mut self, net: &str) -> String {
        format!("10.{net}.{}.{}", self.within(0, 255), self.within(1, 254))
    }

    fn public(&mut self) -> String {
        format!("203.0.113.{}", self.within(1, 254))
    }

    fn hex(&mut self, length: usize) -> String {
        let all = format!("{:016x}{:016x}", self.next(), self.next());
        all[..length].to_owned()
    }

    fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    /// Letters and digits of which Kubernetes makes names.
    fn pod(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let one = |random: &mut Self| {
            let place = random.within(0, 26);
            char::from(LETTERS[usize::try_from(place).unwrap()])
        };
        (0..length).map(|_| one(self)).collect()
    }
}

const BOTO: &str = "Boto3/1.34.2 md/Botocore#1.34.2 lang/python#3.11.6";
const GO: &str = "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.2";
const CLI: &str = "aws-cli/2.19.1 md/awscrt#0.22.0 ua/2.0 os/linux#5.10";
const ECS: &str = "Amazon ECS Agent - v1.91.0 (5a3b8f1) (linux) (+http://aws.amazon.com/ecs/)";
const LAMBDA: &str = "Boto3/1.40.61 exec-env/AWS_Lambda_python3.13";
const CSI: &str =
    "aws-sdk-go-v2/1.39.4 lang/go#1.25.1 app/secrets-store-csi-driver-provider-aws-2.1.0";

fn read(at: i64, session: impl Into<String>, address: &str) -> Generated {
    Generated {
        at,
        api: "GetSecretValue",
        session: session.into(),
        address: address.to_owned(),
        agent: BOTO,
        missing: false,
        invoked_by: None,
        from_console: false,
    }
}

/// Returns when a caller begins: some days before the scan.
fn start(random: &mut Random) -> i64 {
    NOW_S - random.within(5, 25) * DAY + random.within(0, 86_399)
}

/// The moments of a loop: one call in `low..=high` seconds, a little early or late, for hours.
fn ticks(random: &mut Random, low: i64, high: i64, hours: (i64, i64)) -> Vec<i64> {
    let step = random.within(low, high);
    let from = start(random);
    let to = from + random.within(hours.0, hours.1) * HOUR;
    let late = (step / 10).max(1);
    (from..to)
        .step_by(usize::try_from(step).unwrap())
        .map(|at| at + random.within(0, late))
        .collect()
}

/// A loop of one address, with a session for each call.
fn renamed(
    random: &mut Random,
    mut name: impl FnMut(&mut Random, i64) -> String,
) -> Vec<Generated> {
    let address = random.address("1");
    let ticks = ticks(random, 20, 50, (5, 8));
    let one = |at: i64| read(at, name(random, at), &address);
    ticks.into_iter().map(one).collect()
}

fn by(agent: &'static str, calls: Vec<Generated>) -> Vec<Generated> {
    let own = |call| Generated { agent, ..call };
    calls.into_iter().map(own).collect()
}

fn calling(api: &'static str, calls: Vec<Generated>) -> Vec<Generated> {
    let own = |call| Generated { api, ..call };
    calls.into_iter().map(own).collect()
}

/// One client of a chosen name.
fn steady(random: &mut Random, low: i64, high: i64) -> Vec<Generated> {
    let address = random.address("2");
    let ticks = ticks(random, low, high, (5, 8));
    ticks
        .into_iter()
        .map(|at| read(at, "worker", &address))
        .collect()
}

/// Pods that read once an hour. `name` makes the name of a session from the pod's number and the hour.
fn fleet(
    random: &mut Random,
    pods: (i64, i64),
    addresses: impl Fn(&mut Random, i64) -> String,
    name: impl Fn(i64, i64, i64) -> String,
) -> Vec<Generated> {
    let from = start(random);
    let hours = random.within(8, 12);
    let mut calls = Vec::new();
    for pod in 0..random.within(pods.0, pods.1) {
        let address = addresses(random, pod);
        let phase = random.within(0, HOUR - 1);
        for hour in 0..hours {
            let at = from + phase + hour * HOUR + random.within(0, 20);
            calls.push(read(at, name(pod, hour, from + phase), &address));
        }
    }
    calls
}

/// Tasks that each start once, at these moments, from the addresses of a subnet.
fn tasks(random: &mut Random, moments: Vec<i64>) -> Vec<Generated> {
    let one = |at: i64| {
        let address = format!("10.3.0.{}", random.within(1, 120));
        read(at, random.hex(32), &address)
    };
    by(ECS, moments.into_iter().map(one).collect())
}

const fn a_loop(api: &'static str, shape: &'static str, sure: bool) -> Expected {
    Expected::Loop { api, shape, sure }
}

const fn shape(
    name: &'static str,
    expected: Expected,
    calls: fn(&mut Random) -> Vec<Generated>,
) -> Shape {
    Shape {
        name,
        role: "",
        expected,
        calls,
    }
}

const GET: &str = "GetSecretValue";
