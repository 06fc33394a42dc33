//! The shapes of callers, each with what must be said of it, and the calls that a seed makes of it.
//!
//! A loop calls at least once a minute for at least five hours. A healthy caller reads as often as an hour's cache, or
//! starts as often as deploys, jobs and people do.

use crate::world::{DAY, HOUR, NOW_S};

/// What must be said of a shape.
pub enum Expected {
    /// Nothing.
    Healthy,
    /// One loop of this API and shape (empty: any), and whether it is certain what a cache avoids.
    Loop {
        api: &'static str,
        shape: &'static str,
        sure: bool,
    },
}

/// A shape of callers.
pub struct Shape {
    pub name: &'static str,
    /// What the name of its role begins with.
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

/// Numbers from a seed (SplitMix64).
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

/// When a caller begins: some days before the scan.
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
    let ticks = ticks(random, 10, 50, (5, 9));
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
    let ticks = ticks(random, low, high, (5, 9));
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
    let hours = random.within(12, 20);
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

/// All shapes.
pub static SHAPES: &[Shape] = &[
    shape(
        "shell loop in a pod",
        a_loop(GET, "per-process", true),
        |random| {
            by(
                CLI,
                renamed(random, |_, at| format!("botocore-session-{at}")),
            )
        },
    ),
    shape(
        "cli loop on an instance",
        a_loop(GET, "per-process", true),
        |random| {
            by(
                CLI,
                renamed(random, |_, at| format!("AWS-CLI-session-{at}")),
            )
        },
    ),
    shape(
        "go program that makes a client each time",
        a_loop(GET, "per-process", true),
        |random| {
            by(
                GO,
                renamed(random, |random, at| {
                    format!("{at}{:09}", random.within(0, 999_999_999))
                }),
            )
        },
    ),
    shape(
        "uuid for each call",
        a_loop(GET, "per-process", true),
        |random| renamed(random, |random, _| random.uuid()),
    ),
    shape(
        "random end for each call",
        a_loop(GET, "per-process", true),
        |random| renamed(random, |random, _| format!("import-{}", random.hex(10))),
    ),
    shape(
        "counted names",
        a_loop(GET, "per-process", true),
        |random| {
            let mut number = 0;
            renamed(random, move |_, _| {
                number += 1;
                format!("step-{number}")
            })
        },
    ),
    shape(
        "three reads a process",
        a_loop(GET, "per-process", true),
        |random| {
            let calls = renamed(random, |_, at| format!("botocore-session-{at}"));
            let thrice = |call: Generated| {
                (0..3).map(move |late| Generated {
                    at: call.at + late,
                    ..call.clone()
                })
            };
            calls.into_iter().flat_map(thrice).collect()
        },
    ),
    shape(
        "one process in a loop",
        a_loop(GET, "steady", true),
        |random| steady(random, 2, 50),
    ),
    shape(
        "process with a made up name",
        a_loop(GET, "steady", true),
        |random| {
            let calls = steady(random, 5, 50);
            let first = calls[0].at;
            let named = |call| Generated {
                session: format!("botocore-session-{first}"),
                ..call
            };
            calls.into_iter().map(named).collect()
        },
    ),
    shape(
        "process that renews its name",
        a_loop(GET, "steady", true),
        |random| {
            let calls = steady(random, 5, 30);
            let first = calls[0].at;
            let named = |call: Generated| Generated {
                session: format!(
                    "aws-sdk-js-session-{}",
                    first + (call.at - first) / HOUR * HOUR
                ),
                ..call
            };
            calls.into_iter().map(named).collect()
        },
    ),
    shape(
        "the same behind a nat gateway",
        a_loop(GET, "steady", true),
        |random| {
            let address = random.public();
            let calls = steady(random, 5, 30);
            let first = calls[0].at;
            let named = |call: Generated| Generated {
                session: format!(
                    "aws-sdk-js-session-{}",
                    first + (call.at - first) / HOUR * HOUR
                ),
                address: address.clone(),
                ..call
            };
            calls.into_iter().map(named).collect()
        },
    ),
    shape(
        "ecs crash loop",
        a_loop(GET, "task-start", false),
        |random| {
            let moments = ticks(random, 15, 50, (6, 12));
            tasks(random, moments)
        },
    ),
    shape(
        "pods that start anew",
        a_loop(GET, "task-start", false),
        |random| {
            let moments = ticks(random, 15, 50, (6, 12));
            let template = random.pod(9);
            let one = |at: i64| {
                let name = format!("importer-{template}-{}", random.pod(5));
                read(at, name, &random.address("4"))
            };
            moments.into_iter().map(one).collect()
        },
    ),
    shape(
        "jobs on addresses of their own",
        a_loop(GET, "per-process", false),
        |random| {
            let moments = ticks(random, 15, 50, (6, 12));
            let one = |at: i64| read(at, format!("botocore-session-{at}"), &random.address("5"));
            moments.into_iter().map(one).collect()
        },
    ),
    shape(
        "processes behind a nat gateway",
        a_loop(GET, "per-process", false),
        |random| {
            let address = random.public();
            let calls = renamed(random, |_, at| format!("botocore-session-{at}"));
            let moved = |call| Generated {
                address: address.clone(),
                ..call
            };
            calls.into_iter().map(moved).collect()
        },
    ),
    shape(
        "dear names behind a nat gateway",
        a_loop(GET, "per-process", false),
        |random| {
            let address = random.public();
            let moments = ticks(random, 6, 9, (11, 14));
            let one = |at: i64| {
                read(
                    at,
                    format!("{at}{:09}", random.within(0, 999_999_999)),
                    &address,
                )
            };
            by(GO, moments.into_iter().map(one).collect())
        },
    ),
    shape(
        "push without an end",
        a_loop("PutSecretValue", "", true),
        |random| {
            let puts = calling("PutSecretValue", steady(random, 10, 60));
            let describes = calling("DescribeSecret", puts.clone());
            let mut calls = [puts, describes].concat();
            for call in &mut calls {
                "external-secrets-provider-aws".clone_into(&mut call.session);
                call.agent = GO;
            }
            calls
        },
    ),
    shape(
        "updates without an end",
        a_loop("UpdateSecret", "", true),
        |random| calling("UpdateSecret", steady(random, 30, 240)),
    ),
    shape(
        "staging labels without an end",
        a_loop("UpdateSecretVersionStage", "", true),
        |random| calling("UpdateSecretVersionStage", steady(random, 30, 240)),
    ),
    shape(
        "polls of the list",
        a_loop("ListSecrets", "", true),
        |random| calling("ListSecrets", steady(random, 2, 45)),
    ),
    shape(
        "storm of describes",
        a_loop("DescribeSecret", "steady", true),
        |random| calling("DescribeSecret", steady(random, 2, 50)),
    ),
    shape(
        "storm of versions",
        a_loop("ListSecretVersionIds", "steady", true),
        |random| calling("ListSecretVersionIds", steady(random, 2, 50)),
    ),
    shape(
        "lookups of a missing name",
        a_loop(GET, "per-process", true),
        |random| {
            let missing = |call| Generated {
                missing: true,
                ..call
            };
            let calls = renamed(random, |_, at| format!("botocore-session-{at}"));
            calls.into_iter().map(missing).collect()
        },
    ),
    Shape {
        role: "AWSReservedSSO_",
        ..shape(
            "script under the role of a person",
            a_loop(GET, "steady", true),
            |random| {
                let address = random.public();
                let moments = ticks(random, 15, 40, (20, 30));
                let one = |at| read(at, "ada@example.com", &address);
                moments.into_iter().map(one).collect()
            },
        )
    },
    shape("service of aws", a_loop(GET, "steady", true), |random| {
        let moments = ticks(random, 5, 40, (6, 12));
        let one = |at| Generated {
            agent: "AWS Internal",
            invoked_by: Some("AWS Internal"),
            ..read(at, "connector-1", "AWS Internal")
        };
        moments.into_iter().map(one).collect()
    }),
    // Healthy ones.
    shape("fleet with names that last", Expected::Healthy, |random| {
        fleet(
            random,
            (60, 120),
            |random, _| random.address("6"),
            |pod, _, from| format!("botocore-session-{}", from + pod),
        )
    }),
    shape("fleet that renews its names", Expected::Healthy, |random| {
        let calls = fleet(
            random,
            (60, 120),
            |random, _| random.address("7"),
            |pod, hour, from| format!("{}{pod:09}", from + hour * HOUR),
        );
        by(GO, calls)
    }),
    shape("fleet with tasks of an id", Expected::Healthy, |random| {
        fleet(
            random,
            (50, 100),
            |random, _| random.address("8"),
            |pod, _, _| format!("{pod:032x}"),
        )
    }),
    shape("fleet behind a nat gateway", Expected::Healthy, |random| {
        fleet(
            random,
            (60, 120),
            |_, _| "203.0.113.1".to_owned(),
            |pod, _, from| format!("botocore-session-{}", from + pod),
        )
    }),
    shape(
        "fleet behind a nat gateway that renews",
        Expected::Healthy,
        |random| {
            let calls = fleet(
                random,
                (50, 90),
                |_, _| "203.0.113.2".to_owned(),
                |pod, hour, from| format!("{}{pod:09}", from + hour * HOUR),
            );
            by(GO, calls)
        },
    ),
    shape("rolling deploys", Expected::Healthy, |random| {
        let moments = |random: &mut Random, day: i64| {
            let from = NOW_S - day * DAY + 9 * HOUR;
            (0..200)
                .map(move |_| from)
                .map(|at| at + random.within(0, 2_400))
                .collect()
        };
        let all: Vec<Vec<i64>> = (2..9).map(|day| moments(random, day)).collect();
        tasks(random, all.concat())
    }),
    shape("nightly batch of tasks", Expected::Healthy, |random| {
        let nights = (2..12).flat_map(|day| (0..150).map(move |_| NOW_S - day * DAY + 2 * HOUR));
        let moments = nights.map(|at| at + random.within(0, 3_599)).collect();
        tasks(random, moments)
    }),
    shape("tasks that come and go", Expected::Healthy, |random| {
        let moments = ticks(random, 300, 1_200, (48, 72));
        tasks(random, moments)
    }),
    shape("cron job of a pod", Expected::Healthy, |random| {
        let moments = ticks(random, 290, 310, (48, 72));
        let one = |at: i64| read(at, format!("botocore-session-{at}"), &random.address("9"));
        moments.into_iter().map(one).collect()
    }),
    shape("cron job of an instance", Expected::Healthy, |random| {
        let moments = ticks(random, 290, 310, (48, 72));
        let one = |at: i64| read(at, format!("AWS-CLI-session-{at}"), "10.9.0.9");
        by(CLI, moments.into_iter().map(one).collect())
    }),
    shape("ci jobs", Expected::Healthy, |random| {
        let moments = ticks(random, 120, 240, (24, 72));
        let one = |at: i64| read(at, "GitHubActions", &random.public());
        moments.into_iter().map(one).collect()
    }),
    shape(
        "developers behind a nat gateway",
        Expected::Healthy,
        |random| {
            let moments = ticks(random, 90, 200, (6, 9));
            let one = |at: i64| read(at, format!("AWS-CLI-session-{at}"), "203.0.113.3");
            by(CLI, moments.into_iter().map(one).collect())
        },
    ),
    shape("lambda with its extension", Expected::Healthy, |random| {
        let mut calls = Vec::new();
        for _ in 0..random.within(5, 15) {
            let address = random.address("10");
            let from = start(random);
            calls.extend((0..24).map(|tick| read(from + tick * 300, "checkout", &address)));
        }
        by(LAMBDA, calls)
    }),
    shape("cold starts", Expected::Healthy, |random| {
        let moments = ticks(random, 100, 300, (48, 72));
        let one = |at: i64| read(at, "thumbnails", &random.address("11"));
        by(LAMBDA, moments.into_iter().map(one).collect())
    }),
    shape("driver on nodes", Expected::Healthy, |random| {
        let nodes = |_: &mut Random, pod: i64| format!("10.12.0.{}", pod % 4);
        let calls = fleet(random, (60, 100), nodes, |pod, hour, from| {
            format!("{}{pod:09}", from + hour * HOUR)
        });
        by(CSI, calls)
    }),
    shape("push of an hour", Expected::Healthy, |random| {
        let puts = calling(
            "PutSecretValue",
            fleet(
                random,
                (1, 1),
                |_, _| "10.13.0.1".to_owned(),
                |_, _, _| "push".to_owned(),
            ),
        );
        let describes = calling("DescribeSecret", puts.clone());
        [puts, describes].concat()
    }),
    shape("inventory of an hour", Expected::Healthy, |random| {
        let lists = fleet(
            random,
            (1, 3),
            |_, _| "10.14.0.1".to_owned(),
            |pod, _, _| format!("inventory-{pod}"),
        );
        calling("ListSecrets", lists)
    }),
    Shape {
        role: "AWSReservedSSO_",
        ..shape("person in the console", Expected::Healthy, |random| {
            let from = start(random);
            let one = |at| Generated {
                agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)",
                from_console: true,
                ..read(at, "ada@example.com", "203.0.113.4")
            };
            (0..random.within(5, 60))
                .map(|click| one(from + click * 45))
                .collect()
        })
    },
];
