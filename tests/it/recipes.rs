//! The recipes of `reports/examples`: the commands that stand in them, run as they stand, by the real program against the
//! AWS on the loopback. What only AWS, GitHub or Docker has is played by small scripts that write down how they were called.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::aws::world::{Account, Event, Rate, Secret};
use crate::aws::{Aws, World};

const A: &str = "111122223333";
const EAST: &str = "us-east-1";

/// The text of a recipe.
fn recipe(name: &str) -> String {
    fs::read_to_string(examples().join(name)).unwrap()
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/examples")
}

/// A machine: a folder with a settings file, programs on its path, and AWS.
struct Machine {
    aws: Aws,
    home: TempDir,
}

impl Machine {
    fn new() -> Self {
        let now = jiff::Timestamp::now();
        let ago = |days: i64| {
            let at = now - jiff::SignedDuration::from_hours(24 * days);
            at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
        };
        let mut world = World::new(A)
            .account(Account::new(A, "main"))
            .lookup_rate(Rate::Unlimited)
            .secret(
                Secret::new(A, EAST, "app/db")
                    .created("2024-01-01")
                    .accessed(&ago(1)[..10]),
            )
            .secret(
                Secret::new(A, EAST, "app/old")
                    .created("2024-01-01")
                    .accessed(&ago(200)[..10]),
            );
        world.now = now;
        let reads = (1..80)
            .map(|days| Event::read(&ago(days), A, EAST, "app/db", "app", "i-0123456789abcdef0"));
        let aws = Aws::start(world.events(A, EAST, reads));
        let machine = Self {
            aws,
            home: crate::scratch::tempdir().unwrap(),
        };
        let program = env!("CARGO_BIN_EXE_secretsweep");
        machine.program("secretsweep", &format!("exec {program} \"$@\""));
        machine.write(
            "secretsweep.toml",
            "[scan]\nregions = [\"us-east-1\"]\ncache = \".secretsweep-cache\"\nout = \"reports/{date}\"\n",
        );
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Puts a shell script on the path.
    fn program(&self, name: &str, script: &str) {
        fs::create_dir_all(self.path("bin")).unwrap();
        let file = self.path("bin").join(name);
        fs::write(&file, format!("#!/bin/sh\nset -eu\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A program that only writes down its arguments, a line for each call.
    fn recorder(&self, name: &str) {
        let log = self.path(&format!("{name}.log"));
        self.program(name, &format!("echo \"$*\" >> {}", log.display()));
    }

    /// Runs a command as the machine.
    fn run(&self, command: &mut Command) -> Output {
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.path("bin").display());
        let command = command.current_dir(self.home.path()).env("PATH", path);
        self.aws
            .on(command)
            .env("GITHUB_STEP_SUMMARY", self.path("step-summary.md"))
            .env("GITHUB_OUTPUT", self.path("step-output"))
            .output()
            .unwrap()
    }

    /// Runs a piece of shell, as GitHub and people do.
    fn shell(&self, script: &str) -> Output {
        self.run(Command::new("bash").args(["-eo", "pipefail", "-c", script]))
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{:?}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}

/// The blocks of a language in a Markdown file, without the indentation of a list.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        if line.trim_start() == format!("```{language}") {
            let body = lines.by_ref().take_while(|line| line.trim_start() != "```");
            let body: Vec<&str> = body
                .map(|line| line.get(indent..).unwrap_or_default())
                .collect();
            blocks.push(body.join("\n") + "\n");
        }
    }
    blocks
}

/// The steps of a workflow that run something: name and script.
fn steps(workflow: &str) -> Vec<(String, String)> {
    let mut steps = Vec::new();
    let mut name = String::new();
    let mut lines = workflow.lines().peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        if let Some(text) = trimmed.strip_prefix("- name: ") {
            text.clone_into(&mut name);
        }
        let Some(script) = trimmed.strip_prefix("run: ") else {
            continue;
        };
        let mut body = script.to_owned();
        if script == "|" {
            let indent = line.len() - trimmed.len() + 2;
            body.clear();
            while let Some(next) =
                lines.next_if(|next| next.is_empty() || next.starts_with(&" ".repeat(indent)))
            {
                body += next.get(indent..).unwrap_or_default();
                body.push('\n');
            }
        }
        steps.push((name.clone(), body));
    }
    steps
}

#[test]
fn the_github_workflow_publishes_first_and_fails_on_what_is_new() {
    let machine = Machine::new();
    machine.program(
        "gh",
        &format!("echo \"$*\" >> {}", machine.path("gh.log").display()),
    );
    let workflow = recipe("github-actions.yml");
    let steps = steps(&workflow);
    assert_eq!(steps.len(), 6, "{steps:?}");
    let run = |what: &str| {
        let mut code = String::from("0");
        for (name, script) in &steps {
            if name == "Install" {
                continue;
            }
            let output = machine.run(
                Command::new("bash")
                    .args(["-eo", "pipefail", "-c", script])
                    .env("CODE", &code),
            );
            let last = name.starts_with("Fail on");
            if last {
                return output.status.code();
            }
            assert!(output.status.success(), "{what}, {name}: {}", said(&output));
            if let Some(line) = machine.read("step-output").lines().last() {
                line.trim_start_matches("code=").clone_into(&mut code);
            }
        }
        None
    };
    assert_eq!(run("first"), Some(0));
    assert!(machine.read("step-summary.md").contains("Secrets Manager"));
    assert!(
        machine.read("gh.log").contains("issue create"),
        "{}",
        machine.read("gh.log")
    );
    let kept = machine.path("reports/previous");
    for file in ["findings.sarif", "report.html", "summary.md", "secrets.csv"] {
        assert!(kept.join(file).is_file(), "{file}");
    }
    assert_eq!(run("nothing new"), Some(0));
    // A reader that only fails is a finding that the last scan does not have.
    let at = (machine.aws.world().now - jiff::SignedDuration::from_mins(1))
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let refused = Event::read(&at, A, EAST, "app/db", "job", "i-0fedcba9876543210").in_vain();
    machine.aws.world().record(A, EAST, [refused]);
    let code = run("a new finding");
    assert_eq!(code, Some(4));
    assert_eq!(run("the same finding"), Some(0));
}

#[test]
fn cron_prints_the_summary_and_then_what_changed() {
    let machine = Machine::new();
    let script = examples().join("cron.sh");
    let first = machine.run(&mut Command::new(&script));
    assert!(first.status.success(), "{}", said(&first));
    assert!(
        said(&first).contains("2 secrets in 1 account"),
        "{}",
        said(&first)
    );
    let again = machine.run(&mut Command::new(&script));
    assert!(again.status.success(), "{}", said(&again));
    assert!(
        said(&again).contains("What changed from"),
        "{}",
        said(&again)
    );
    let stranger = r#"AWS_ACCESS_KEY_ID=AKIALOOPNOBODY exec "$0""#;
    let failed = machine.run(Command::new("sh").args(["-c", stranger]).arg(&script));
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    assert!(said(&failed).contains("credentials"), "{}", said(&failed));
}

#[test]
fn the_role_of_each_recipe_has_the_policy_that_is_printed() {
    let machine = Machine::new();
    machine.recorder("aws");
    let text = recipe("README.md");
    let commands = blocks(&text, "sh");
    assert_eq!(commands.len(), 1);
    let output = machine.shell(&commands[0]);
    assert!(output.status.success(), "{}", said(&output));
    let policy: Value = serde_json::from_str(&machine.read("policy.json")).unwrap();
    let policy = policy.to_string();
    for action in [
        "secretsmanager:ListSecrets",
        "cloudtrail:LookupEvents",
        "NeverReadValues",
    ] {
        assert!(policy.contains(action), "{action}: {policy}");
    }
    let calls = machine.read("aws.log");
    assert!(
        calls.contains("iam create-role --role-name secretsweep"),
        "{calls}"
    );
    let trusts = blocks(&text, "json");
    assert_eq!(trusts.len(), 2);
    for trust in trusts {
        let trust: Value = serde_json::from_str(&trust).unwrap();
        assert_eq!(trust["Statement"][0]["Effect"], "Allow");
    }
}

#[test]
fn the_task_of_ecs_scans_in_its_working_folder() {
    let machine = Machine::new();
    machine.recorder("aws");
    machine.recorder("docker");
    let text = recipe("ecs.md");
    for commands in blocks(&text, "sh") {
        let output = machine.shell(&commands);
        assert!(output.status.success(), "{commands}{}", said(&output));
    }
    assert!(machine.read("docker.log").contains("-f .ci/Dockerfile"));
    let task: Value = serde_json::from_str(&blocks(&text, "json")[0]).unwrap();
    let container = &task["containerDefinitions"][0];
    let command: Vec<&str> = container["command"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let output = machine.run(Command::new("secretsweep").args(command));
    assert!(output.status.success(), "{}", said(&output));
    let report = fs::read_dir(machine.path("reports"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert!(report.path().join("summary.md").is_file());
    assert_eq!(
        container["workingDirectory"],
        container["mountPoints"][0]["containerPath"]
    );
}

/// A bucket as a folder: `aws s3 sync` and `aws s3 cp` copy.
const S3: &str = r#"
echo "$*" >> "$LOG"
if [ "$1" = s3 ]; then
  shift 2
  [ "$1" = --only-show-errors ] && shift
  from=$(echo "$1" | sed "s,^s3://,$STORE/,")
  to=$(echo "$2" | sed "s,^s3://,$STORE/,")
  if [ -d "$from" ]; then mkdir -p "$to" && cp -r "$from/." "$to"; else mkdir -p "$(dirname "$to")" && cp "$from" "$to"; fi
fi
"#;

#[test]
fn the_lambda_function_answers_each_event_with_the_summary() {
    if Command::new("curl").arg("--version").output().is_err() {
        return;
    }
    let machine = Machine::new();
    machine.recorder("docker");
    let settings = format!(
        "LOG={}\nSTORE={}\n",
        machine.path("aws.log").display(),
        machine.path("s3").display()
    );
    machine.program("aws", &(settings + S3));
    for commands in blocks(&recipe("lambda.md"), "sh") {
        let output = machine.shell(&commands);
        assert!(output.status.success(), "{commands}{}", said(&output));
    }
    assert!(machine.read("aws.log").contains("lambda create-function"));
    let (runtime, address) = runtime_of_lambda(1);
    let bootstrap = examples().join("lambda/bootstrap");
    let output = machine.run(
        Command::new(&bootstrap)
            .env("AWS_LAMBDA_RUNTIME_API", &address)
            .env("BUCKET", "my-reports"),
    );
    let answers = runtime.join().unwrap();
    assert_eq!(answers.len(), 1, "{}", said(&output));
    let (path, body) = &answers[0];
    assert_eq!(
        path, "/2018-06-01/runtime/invocation/event-1/response",
        "{body}"
    );
    assert!(body.contains("2 secrets in 1 account"), "{body}");
    let reports = machine.path("s3/my-reports/secretsweep/reports");
    assert_eq!(fs::read_dir(reports).unwrap().count(), 1);
    assert!(
        machine
            .path("s3/my-reports/secretsweep/.secretsweep-cache")
            .is_dir()
    );
}

/// The runtime interface of Lambda: so many events, and the answers to them. Then it is gone, and the runtime ends.
fn runtime_of_lambda(events: usize) -> (std::thread::JoinHandle<Vec<(String, String)>>, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = move || {
        let mut answers = Vec::new();
        while answers.len() < events {
            let (stream, _) = listener.accept().unwrap();
            let (path, body) = request(&stream);
            let head = if path.ends_with("/next") {
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: event-1\r\n"
            } else {
                answers.push((path, body));
                "HTTP/1.1 202 Accepted\r\n"
            };
            let answer = format!("{head}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}");
            (&stream).write_all(answer.as_bytes()).unwrap();
        }
        answers
    };
    (std::thread::spawn(serve), address)
}

/// The path and the body of a request.
fn request(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push(line);
    }
    let path = head[0].split(' ').nth(1).unwrap().to_owned();
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    (path, String::from_utf8(body).unwrap())
}
