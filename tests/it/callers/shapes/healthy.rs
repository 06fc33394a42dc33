//! Callers that read as often as they need: fleets, jobs, deploys, people.

use super::{
    CLI, CSI, DAY, Expected, GO, Generated, HOUR, LAMBDA, NOW_S, Random, Shape, by, calling, fleet,
    read, shape, start, tasks, ticks,
};

/// Callers of which nothing must be said.
pub(super) static SHAPES: &[Shape] = &[
    shape("fleet with names that last", Expected::Healthy, |random| {
        fleet(
            random,
            (40, 70),
            |random, _| random.address("6"),
            |pod, _, from| format!("botocore-session-{}", from + pod),
        )
    }),
    shape("fleet that renews its names", Expected::Healthy, |random| {
        let calls = fleet(
            random,
            (40, 70),
            |random, _| random.address("7"),
            |pod, hour, from| format!("{}{pod:09}", from + hour * HOUR),
        );
        by(GO, calls)
    }),
    shape("fleet with tasks of an id", Expected::Healthy, |random| {
        fleet(
            random,
            (30, 60),
            |random, _| random.address("8"),
            |pod, _, _| format!("{pod:032x}"),
        )
    }),
    shape("fleet behind a nat gateway", Expected::Healthy, |random| {
        fleet(
            random,
            (40, 70),
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
                (40, 60),
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
        let all: Vec<Vec<i64>> = (2..7).map(|day| moments(random, day)).collect();
        tasks(random, all.concat())
    }),
    shape("nightly batch of tasks", Expected::Healthy, |random| {
        let nights = (2..8).flat_map(|day| (0..150).map(move |_| NOW_S - day * DAY + 2 * HOUR));
        let moments = nights.map(|at| at + random.within(0, 3_599)).collect();
        tasks(random, moments)
    }),
    shape("tasks that come and go", Expected::Healthy, |random| {
        let moments = ticks(random, 300, 1_200, (24, 36));
        tasks(random, moments)
    }),
    shape("cron job of a pod", Expected::Healthy, |random| {
        let moments = ticks(random, 290, 310, (24, 36));
        let one = |at: i64| read(at, format!("botocore-session-{at}"), &random.address("9"));
        moments.into_iter().map(one).collect()
    }),
    shape("cron job of an instance", Expected::Healthy, |random| {
        let moments = ticks(random, 290, 310, (24, 36));
        let one = |at: i64| read(at, format!("AWS-CLI-session-{at}"), "10.9.0.9");
        by(CLI, moments.into_iter().map(one).collect())
    }),
    shape("ci jobs", Expected::Healthy, |random| {
        let moments = ticks(random, 120, 240, (24, 36));
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
        let moments = ticks(random, 100, 300, (24, 36));
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
