//! The clean-up as `reports/cleanup.md` shows it, by the real program, with the example organization in the AWS on the
//! loopback. Every command of that page is run, and what it prints is there: `UPDATE=1 cargo test walkthrough` writes it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use serde_json::Value;

use crate::aws::world::{Account, Event, Rate, Secret, at};
use crate::aws::{Aws, World};
use crate::demo::MADE;

const A: &str = "111122223333";
const B: &str = "444455556666";
const EAST: &str = "us-east-1";

/// The moments at which the plan is applied, and when somebody watches. The example organization lives on 1 November
/// 2026.
const APPLIED: &str = "2026-11-02T09:00:00Z";
const WATCHED: &str = "2026-11-05T09:00:00Z";

/// Lines that the reviewer keeps: rotated or audited secrets that somebody may know more about.
const KEPT: &[&str] = &[
    "network/vpn/branch-office-psk",
    "payments/adyen/hmac",
    "payments/braintree/private-key",
    "reporting/redshift/etl-user",
    "security/audit/probe",
    "sso/saml/signing-key",
];

/// The example organization as a world, from its inventory.
fn organization(inventory: &Path) -> World {
    let mut world = World::new(A)
        .account(Account::new(A, "production"))
        .account(Account::new(B, "staging"))
        .regions(&[EAST, "eu-west-1", "eu-central-1"])
        .organization(A)
        .role(B, "cleaner", None)
        .lookup_rate(Rate::Unlimited);
    world.now = at(APPLIED);
    for file in fs::read_dir(inventory).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let list: Value = serde_json::from_slice(&bytes).unwrap();
        // Beside the lists lie descriptions of replicated secrets, which the lists have, too.
        for entry in list["SecretList"].as_array().into_iter().flatten() {
            world.add(secret(entry));
        }
    }
    world
}

/// A secret from its entry in the output of `aws secretsmanager list-secrets`.
fn secret(entry: &Value) -> Secret {
    let text = |key: &str| entry[key].as_str().map(str::to_owned);
    let time = |key: &str| -> Option<Timestamp> { Some(text(key)?.parse().unwrap()) };
    let arn = text("ARN").unwrap();
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let (name, suffix) = parts[6].rsplit_once('-').unwrap();
    Secret::new(parts[4], parts[3], name).with(|secret| {
        suffix.clone_into(&mut secret.suffix);
        secret.description = text("Description");
        secret.kms_key_id = text("KmsKeyId");
        secret.created = time("CreatedDate").unwrap();
        secret.last_changed = time("LastChangedDate").unwrap();
        secret.last_accessed = time("LastAccessedDate");
        secret.last_rotated = time("LastRotatedDate");
        secret.next_rotation = time("NextRotationDate");
        secret.deleted = time("DeletedDate");
        secret.rotation_enabled = entry["RotationEnabled"].as_bool();
        secret.rotation_lambda_arn = text("RotationLambdaARN");
        secret.owning_service = text("OwningService");
        secret.primary_region = text("PrimaryRegion");
        for tag in entry["Tags"].as_array().into_iter().flatten() {
            let word = |key: &str| tag[key].as_str().unwrap().to_owned();
            secret.tags.insert(word("Key"), word("Value"));
        }
    })
}

/// Changes the plan as a reviewer does, and what a spreadsheet does to it besides: rows in another order, all cells
/// quoted, a byte order mark, CRLF, `KEEP ` for `keep`, a column of its own.
fn review(plan: &Path) {
    let mut reader = ::csv::Reader::from_path(plan).unwrap();
    let mut header = reader.headers().unwrap().clone();
    header.push_field("remark");
    let name = header.iter().position(|column| column == "name").unwrap();
    let mut rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    rows.reverse();
    let mut writer = ::csv::WriterBuilder::new()
        .quote_style(::csv::QuoteStyle::Always)
        .terminator(::csv::Terminator::CRLF)
        .from_writer(b"\xEF\xBB\xBF".to_vec());
    writer.write_record(&header).unwrap();
    for row in rows {
        let is_kept = KEPT.contains(&&row[name]);
        let mut cells: Vec<&str> = row.iter().collect();
        if is_kept {
            cells[0] = "KEEP ";
        }
        cells.push(if is_kept { "ask the team" } else { "" });
        writer.write_record(cells).unwrap();
    }
    fs::write(plan, writer.into_inner().unwrap()).unwrap();
}

/// Somebody read a secret after the scan.
fn read_since(aws: &Aws) {
    let name = "tmp/loadtest-password";
    let read = Event::read("2026-11-01T16:20:00Z", A, EAST, name, "loadtest", "run-7");
    aws.world().record(A, EAST, [read]);
}

/// Three days pass, and a job that runs once a month does not get its secret, in the second in which `watch` runs.
fn asked_in_vain(aws: &Aws) {
    let read = Event::read(
        WATCHED,
        A,
        EAST,
        "legacy/report",
        "monthly-report",
        "i-0123456789abcdef0",
    );
    let refused = read.in_vain();
    let mut world = aws.world();
    world.now = at(WATCHED);
    world.record(A, EAST, [refused]);
}

/// Runs a command of the page in a shell; what it printed, stdout and stderr as a terminal shows them, and how it ended.
fn run(aws: &Aws, folder: &Path, command: &str, now: &str) -> (String, i32) {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_secretsweep"));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [program.parent().unwrap().to_owned()]
        .into_iter()
        .chain(env::split_paths(&path));
    let line = if command.starts_with("secretsweep") {
        format!("{command} --now {now} 2>&1")
    } else {
        command.to_owned()
    };
    let mut shell = Command::new("sh");
    let shell = shell
        .args(["-c", &line])
        .current_dir(folder)
        .env("PATH", env::join_paths(folders).unwrap());
    let output = aws.on(shell).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

/// The page's blocks of commands: where each is, and its commands.
fn blocks(page: &str) -> Vec<(std::ops::Range<usize>, Vec<String>)> {
    let (open, close) = ("```text\n", "\n```\n");
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(begin) = page[place..].find(open) {
        let begin = place + begin + open.len();
        let stop = begin + page[begin..].find(close).expect("a block ends");
        let commands = page[begin..stop]
            .lines()
            .filter_map(|line| line.strip_prefix("$ "));
        found.push((begin..stop, commands.map(str::to_owned).collect()));
        place = stop;
    }
    found
}

/// What happens after a block of commands.
type After = fn(&Aws, &Path);

#[cfg(unix)]
#[test]
fn every_command_of_the_page_prints_what_it_shows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/cleanup.md");
    let page = fs::read_to_string(&path).unwrap();
    let folder = crate::scratch::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("secretsweep-demo/report")).unwrap();
    let report = "report/report.json";
    fs::copy(
        MADE.path(report),
        folder.path().join("secretsweep-demo").join(report),
    )
    .unwrap();
    let aws = Aws::start(organization(&MADE.path("inventory")));
    let plan = folder.path().join("secretsweep-demo/report/plan.csv");

    // When each block is run, how it ends, and what happens after it.
    let steps: [(&str, i32, After); 7] = [
        (APPLIED, 0, |_, _| ()),
        (APPLIED, 0, |aws, plan| {
            review(plan);
            read_since(aws);
        }),
        (APPLIED, 3, |aws, _| {
            let untouched = aws
                .world()
                .secrets
                .values()
                .all(|one| one.deleted.is_none_or(|time| time < at(APPLIED)));
            assert!(untouched, "a dry run changes nothing");
        }),
        (APPLIED, 3, |aws, _| asked_in_vain(aws)),
        (WATCHED, 5, |_, _| ()),
        (WATCHED, 0, |aws, _| {
            assert!(
                aws.world()
                    .named(A, EAST, "legacy/report")
                    .deleted
                    .is_none()
            );
        }),
        (WATCHED, 0, |_, _| ()),
    ];
    let blocks = blocks(&page);
    assert_eq!(
        blocks.len(),
        steps.len(),
        "the page has another number of blocks"
    );
    let mut shown = page.clone();
    let mut grown = 0_isize;
    for ((range, commands), (now, code, after)) in blocks.iter().zip(steps) {
        let mut text = Vec::new();
        for command in commands {
            let (printed, ended) = run(&aws, folder.path(), command, now);
            assert_eq!(ended, code, "{command}\n{printed}");
            text.push(format!("$ {command}\n{}", printed.trim_end()));
        }
        after(&aws, &plan);
        let text = text.join("\n\n");
        let begin = range.start.checked_add_signed(grown).unwrap();
        let end = range.end.checked_add_signed(grown).unwrap();
        shown.replace_range(begin..end, &text);
        grown += isize::try_from(text.len()).unwrap() - isize::try_from(range.len()).unwrap();
    }
    for name in KEPT {
        let mut world = aws.world();
        let account = if name.starts_with("sso/") {
            (B, "eu-west-1")
        } else {
            (A, EAST)
        };
        assert!(
            world.named(account.0, account.1, name).deleted.is_none(),
            "{name}"
        );
    }
    assert_eq!((aws.value_reads(), aws.forced_deletes()), (0, 0));
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, shown).unwrap();
        return;
    }
    for (line, (now, then)) in shown.lines().zip(page.lines()).enumerate() {
        assert_eq!(
            now,
            then,
            "line {} of reports/cleanup.md (`UPDATE=1 cargo test walkthrough` writes it)",
            line + 1
        );
    }
    assert_eq!(shown, page);
}
