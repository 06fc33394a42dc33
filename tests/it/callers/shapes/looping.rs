//! Callers in a loop: as processes, as tasks, as writers, as whoever polls.

use super::{
    CLI, ECS, Expected, GET, GO, Generated, HOUR, Shape, a_loop, by, calling, fleet, read, renamed,
    shape, steady, tasks, ticks,
};

/// Callers of which a loop must be found.
pub(super) static SHAPES: &[Shape] = &[
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
    shape("one process in a loop", a_loop(GET, "", true), |random| {
        steady(random, 8, 50)
    }),
    shape(
        "process with a made up name",
        a_loop(GET, "", true),
        |random| {
            let calls = steady(random, 8, 50);
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
        a_loop(GET, "", true),
        |random| {
            let calls = steady(random, 10, 30);
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
        a_loop(GET, "", true),
        |random| {
            let address = random.public();
            let calls = steady(random, 10, 30);
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
            let moments = ticks(random, 20, 50, (5, 9));
            tasks(random, moments)
        },
    ),
    shape(
        "pods that start anew",
        a_loop(GET, "task-start", false),
        |random| {
            let moments = ticks(random, 20, 50, (5, 9));
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
            let moments = ticks(random, 20, 50, (5, 9));
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
            let moments = ticks(random, 7, 9, (6, 7));
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
        "pod of processes in a healthy fleet",
        a_loop(GET, "", true),
        |random| {
            let fleet = fleet(
                random,
                (120, 200),
                |random, _| random.address("15"),
                |pod, hour, from| format!("botocore-session-{}", from + pod + hour * HOUR),
            );
            let pod = renamed(random, |_, at| format!("botocore-session-{at}"));
            [fleet, pod].concat()
        },
    ),
    shape(
        "crash loop beside tasks that last",
        a_loop(GET, "", false),
        |random| {
            let lasting = fleet(
                random,
                (30, 60),
                |random, _| random.address("16"),
                |pod, _, _| format!("{pod:032x}"),
            );
            let moments = ticks(random, 20, 50, (5, 9));
            [by(ECS, lasting), tasks(random, moments)].concat()
        },
    ),
    shape(
        "push without an end",
        Expected::Writes {
            api: "PutSecretValue",
        },
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
        |random| calling("ListSecrets", steady(random, 8, 45)),
    ),
    shape(
        "storm of describes",
        a_loop("DescribeSecret", "", true),
        |random| calling("DescribeSecret", steady(random, 8, 50)),
    ),
    shape(
        "storm of versions",
        a_loop("ListSecretVersionIds", "", true),
        |random| calling("ListSecretVersionIds", steady(random, 8, 50)),
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
            a_loop(GET, "", true),
            |random| {
                let address = random.public();
                let moments = ticks(random, 30, 50, (18, 24));
                let one = |at| read(at, "ada@example.com", &address);
                moments.into_iter().map(one).collect()
            },
        )
    },
    shape("service of aws", a_loop(GET, "", true), |random| {
        let moments = ticks(random, 10, 40, (5, 9));
        let one = |at| Generated {
            agent: "AWS Internal",
            invoked_by: Some("AWS Internal"),
            ..read(at, "connector-1", "AWS Internal")
        };
        moments.into_iter().map(one).collect()
    }),
];
