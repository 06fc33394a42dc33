//! The commands that act find their credentials and settings where `scan` does, and take another time only before a
//! service that simulates AWS.

use std::process::Command;

use super::binary_fixture::{Ended, Ground, idle, world};
use crate::aws::Fault;

/// Each command that asks AWS, for a plan that was applied.
const COMMANDS: [&[&str]; 3] = [
    &["apply", "plan.csv", "--max-percent", "100"],
    &["watch", "plan.csv"],
    &["restore", "plan.csv"],
];

/// A variable, and its value; `None` takes it away.
type Setting<'a> = (&'a str, Option<&'a str>);

fn deleted() -> Ground {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    ground.execute(&[]).expect(0);
    ground
}

fn run(ground: &Ground, args: &[&str], settings: &[Setting<'_>]) -> Ended {
    let mut program: Command = ground.program(args);
    program.env("HOME", ground.path(""));
    for (name, value) in settings {
        match value {
            Some(value) => program.env(name, value),
            None => program.env_remove(name),
        };
    }
    let output = program.output().unwrap();
    Ended { output }
}

#[test]
fn a_setting_that_cannot_be_used_is_refused_and_an_empty_one_is_none() {
    let ground = deleted();
    std::fs::write(ground.path("other.pem"), "").unwrap();
    let refused: [(&[Setting<'_>], &[&str]); 3] = [
        (
            &[("AWS_MAX_ATTEMPTS", Some("0"))],
            &["`0`", "AWS_MAX_ATTEMPTS"],
        ),
        (&[("AWS_CA_BUNDLE", Some("other.pem"))], &["other.pem"]),
        (
            &[("AWS_ACCESS_KEY_ID", None), ("AWS_SECRET_ACCESS_KEY", None)],
            &["cannot reach AWS", "`aws sso login`", "--profile"],
        ),
    ];
    let calls = ground.aws.calls().len();
    for command in COMMANDS {
        for (settings, says) in refused {
            let said = run(&ground, command, settings).expect(1).said();
            for words in says {
                assert!(said.contains(words), "{command:?}: {words}: {said}");
            }
        }
    }
    assert_eq!(ground.aws.calls().len(), calls, "AWS was asked");
    for command in COMMANDS {
        let empty = [
            ("AWS_CA_BUNDLE", Some("")),
            ("AWS_MAX_ATTEMPTS", Some("")),
            ("AWS_PROFILE", Some("")),
        ];
        run(&ground, command, &empty).expect(0);
    }
}

#[test]
fn nothing_is_tried_more_often_than_it_may() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    ground
        .aws
        .inject(Fault::throttle().on("secretsmanager", "DescribeSecret"));
    let once = [("AWS_MAX_ATTEMPTS", Some("1"))];
    run(&ground, COMMANDS[0], &once).expect(1);
    let tries = ground.aws.calls_of("secretsmanager", "DescribeSecret");
    assert_eq!(tries.len(), 1);
}

/// A wrong time would let an old plan through, so it is taken only before a service that simulates AWS.
#[test]
fn another_time_is_not_taken_before_aws_itself() {
    let ground = deleted();
    let endpoint = ground.aws.endpoint();
    let calls = ground.aws.calls().len();
    let settings: [&[Setting<'_>]; 6] = [
        &[("AWS_ENDPOINT_URL", None)],
        &[("AWS_ENDPOINT_URL", Some(""))],
        &[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", Some("true"))],
        &[(
            "AWS_ENDPOINT_URL",
            Some("https://secretsmanager.us-east-1.amazonaws.com"),
        )],
        &[(
            "AWS_ENDPOINT_URL",
            Some("https://user@Secretsmanager.us-east-1.API.aws.:443/x"),
        )],
        // Only one service is stood in for, and not the one that deletes.
        &[
            ("AWS_ENDPOINT_URL", None),
            ("AWS_ENDPOINT_URL_CLOUDTRAIL", Some(&endpoint)),
        ],
    ];
    for command in COMMANDS {
        let args = [command, &["--now", "2026-11-01T00:00:00Z"]].concat();
        for settings in settings {
            let said = run(&ground, &args, settings).expect(1).said();
            assert!(
                said.contains("simulates AWS"),
                "{command:?} {settings:?}: {said}"
            );
        }
    }
    assert_eq!(ground.aws.calls().len(), calls);
}

/// No request goes anywhere else, whatever else is configured.
#[test]
fn another_time_holds_before_the_service_that_stands_in_for_aws_and_no_other() {
    let ground = deleted();
    let now = ground.aws.world().now.to_string();
    let elsewhere = [
        ("AWS_ENDPOINT_URL_STS", Some("http://127.0.0.1:9")),
        (
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            Some("http://127.0.0.1:9"),
        ),
        ("AWS_ENDPOINT_URL_CLOUDTRAIL", Some("http://127.0.0.1:9")),
    ];
    for command in COMMANDS {
        let args = [command, &["--now", &now]].concat();
        run(&ground, &args, &elsewhere).expect(0);
    }
}

/// Compose files and CI systems write `AWS_ENDPOINT_URL: ${X:-}`: an empty variable is one that is not set.
#[test]
fn an_empty_variable_is_not_set_and_no_value_ends_in_a_panic() {
    let ground = deleted();
    let endpoint = ground.aws.endpoint();
    let services = [
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "AWS_ENDPOINT_URL_CLOUDTRAIL",
        "AWS_ENDPOINT_URL_S3",
    ];
    for command in COMMANDS {
        let empty: Vec<Setting<'_>> = services
            .into_iter()
            .chain(["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"])
            .chain(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_RETRY_MODE"])
            .chain(["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
            .chain(["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "AWS_CONFIG_FILE"])
            .map(|name| (name, Some("")))
            .collect();
        run(&ground, command, &empty).expect(0);
        // Each service has an endpoint of its own, and the common one is empty.
        let mut own: Vec<Setting<'_>> = services
            .into_iter()
            .map(|name| (name, Some(endpoint.as_str())))
            .collect();
        own.push(("AWS_ENDPOINT_URL", Some("")));
        run(&ground, command, &own).expect(0);
        for name in services.into_iter().chain(["AWS_ENDPOINT_URL"]) {
            for wrong in [" ", "x", "http://", "http://a b"] {
                let said = run(&ground, command, &[(name, Some(wrong))])
                    .expect(1)
                    .said();
                assert!(said.contains(name), "{command:?} {name}={wrong:?}: {said}");
            }
        }
    }
}

/// Whoever names the wrong file must not lose it.
#[test]
fn a_file_that_is_no_journal_is_refused_and_left_as_it_is() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    for text in [
        "api-token",
        "api-token\n",
        "{\"key\": 1}",
        "a\nb",
        "{\"times\":",
        "[]",
        "\0\0",
    ] {
        let path = ground.path("precious.txt");
        std::fs::write(&path, text).unwrap();
        let said = ground
            .execute(&["--journal", "precious.txt"])
            .expect(1)
            .said();
        assert!(said.contains("precious.txt"), "{text:?}: {said}");
        let restore = [
            "restore",
            "--journal",
            "precious.txt",
            ground.arn("a").as_str(),
        ]
        .map(str::to_owned);
        let restore: Vec<&str> = restore.iter().map(String::as_str).collect();
        ground.run(&restore).expect(1);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    assert!(ground.changes().is_empty());
}

/// A runner is thrown away after the job, and the journal with it.
#[test]
fn a_run_in_ci_says_that_a_new_journal_goes_with_the_runner() {
    for (ci, says_so) in [(Some("true"), true), (Some(""), false), (None, false)] {
        let ground = Ground::new(world().secret(idle("a")), &["a"]);
        let execute = Ground::executing(&[]);
        let said = run(&ground, &execute, &[("CI", ci)]).expect(0).said();
        assert_eq!(
            said.contains("keep it as an artifact"),
            says_so,
            "{ci:?}: {said}"
        );
        let said = run(&ground, &execute, &[("CI", ci)]).expect(0).said();
        assert!(
            !said.contains("keep it as an artifact"),
            "it is there: {said}"
        );
    }
}

/// Memory is not what a wrong path may take.
#[cfg(target_os = "linux")]
#[test]
fn a_file_without_an_end_is_refused() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    let said = ground.run(&["apply", "/dev/zero"]).expect(1).said();
    assert!(
        said.contains("one of its lines has more than 1 MiB"),
        "{said}"
    );
}
