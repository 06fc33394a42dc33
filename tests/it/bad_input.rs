//! What somebody gets who gives the wrong thing: it is said, once, with its place and the way out, and never taken for
//! an answer.

use std::process::Output;

use serde_json::Value;

use crate::world::*;

fn world() -> World {
    World::new()
        .secrets([idle("db"), idle("used")])
        .call(get("used"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The words of a scan of these, into this folder.
fn scan_of<'a>(inventory: &'a str, trail: &'a str, out: &'a str) -> [&'a str; 7] {
    [
        "scan",
        "--inventory",
        inventory,
        "--trail",
        trail,
        "--out",
        out,
    ]
}

/// Lines of a Cost and Usage Report, each with this time and this amount.
fn bill(lines: &[(&str, &str, &str)]) -> String {
    let mut text =
        "line_item_usage_account_id,line_item_usage_start_date,line_item_usage_end_date,\
                    line_item_product_code,line_item_usage_type,line_item_unblended_cost,\
                    line_item_line_item_type,product_region_code\n"
            .to_owned();
    for (from, to, usd) in lines {
        let line = format!(
            "111122223333,{from},{to},AWSSecretsManager,USE1-AWSSecretsManager-Secrets,{usd},Usage,us-east-1\n"
        );
        text.push_str(&line);
    }
    text
}

const MONTH: (&str, &str) = ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z");

#[test]
fn a_monthly_bill_beside_a_window_of_thirty_days_says_nothing_and_names_the_month() {
    let scan = world().scan();
    let folder = scan.into_folder();
    let lines = bill(&[(MONTH.0, MONTH.1, "20.50")]);
    std::fs::write(folder.path().join("cur.csv"), lines).unwrap();
    let shown = program(folder.path(), &["report", "out", "--bill", "cur.csv"]);
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    let text = printed(&shown);
    let total = text.lines().find(|line| line.starts_with("total")).unwrap();
    let cells: Vec<&str> = total.split_whitespace().collect();
    assert_eq!((cells.len(), &cells[2..]), (4, &["-", "-"][..]), "{total}");
    assert!(!text.contains("is the account in this"), "{text}");
    let way = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(way.contains("1 line of the bill straddles"), "{way}");
    assert!(way.contains("--month 2026-10"), "{way}");

    let files = program(
        folder.path(),
        &[
            "report", "out", "--bill", "cur.csv", "--format", "csv", "--out", "both",
        ],
    );
    assert_eq!(files.status.code(), Some(0), "{}", said(&files));
    let rows = csv_records(&std::fs::read(folder.path().join("both/bill.csv")).unwrap());
    for row in &rows {
        assert_eq!(row["billed_usd"], "", "{row:?}");
        assert_eq!(row["difference_usd"], "", "{row:?}");
    }
    let json = std::fs::read(folder.path().join("both/bill.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["totals"]["billed_usd"], Value::Null);

    let month = world()
        .args(&["--month", "2026-10", "--bill", "cur.csv"])
        .file("cur.csv", bill(&[(MONTH.0, MONTH.1, "20.50")]))
        .scan();
    assert_eq!(month.code, 0, "{}", month.stderr);
    assert!(month.stdout.contains("$20.50"), "{}", month.stdout);
}

#[test]
fn a_line_of_the_bill_that_cannot_be_read_ends_with_three() {
    let lines = bill(&[(MONTH.0, MONTH.1, "20.50"), (MONTH.0, MONTH.1, "abc")]);
    let month = |more: &[&str]| {
        let args = [&["--month", "2026-10", "--bill", "cur.csv"], more].concat();
        world().args(&args).file("cur.csv", lines.clone()).scan()
    };
    let scan = month(&[]);
    assert_eq!(scan.code, 3, "{}", scan.stdout);
    assert!(
        scan.stdout.contains("1 line of the bill could not be read"),
        "{}",
        scan.stdout
    );
    assert_eq!(month(&["--allow-partial"]).code, 0);
    let folder = scan.into_folder();
    let again = program(folder.path(), &["report", "out", "--bill", "cur.csv"]);
    assert_eq!(again.status.code(), Some(3), "{}", said(&again));
}

#[test]
fn an_earlier_scan_that_is_not_there_is_an_error_whatever_is_rendered() {
    let folder = world().scan().into_folder();
    for format in ["text", "csv", "json", "html", "focus"] {
        let args = ["report", "out", "--previous", "nowhere", "--format", format];
        let output = program(folder.path(), &args);
        assert_eq!(output.status.code(), Some(1), "{format}");
        assert!(said(&output).contains("nowhere"), "{}", said(&output));
        assert_eq!(printed(&output), "", "{format}");
    }
}

#[test]
fn an_earlier_scan_that_is_not_there_is_refused_before_anything_is_read() {
    let folder = crate::scratch::tempdir().unwrap();
    let args = words("scan --inventory gone --trail gone --previous nowhere");
    let output = program(folder.path(), &args);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("nowhere") && !said.contains("gone"), "{said}");
}

#[test]
fn a_name_stays_blocked_as_long_by_the_file_as_by_the_text() {
    let folder = world().scan().into_folder();
    let args = words("plan out --now 2026-11-20T10:00:00Z --recovery 7d");
    let plan = program(folder.path(), &args);
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    assert!(printed(&plan).contains("2026-11-27"), "{}", printed(&plan));
    let rows = csv_records(&std::fs::read(folder.path().join("out/plan.csv")).unwrap());
    assert!(!rows.is_empty());
    for row in &rows {
        assert_eq!(row["name_blocked_until"], "2026-11-27");
    }
}

/// Runs the program where nothing fits any more; its exit code, and what it says on stderr.
#[cfg(target_os = "linux")]
fn full(folder: &std::path::Path, args: &[&str]) -> (Option<i32>, String) {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    let child = program
        .current_dir(folder)
        .args(args)
        .stdout(full)
        .stderr(std::process::Stdio::piped())
        .spawn();
    let output = child.unwrap().wait_with_output().unwrap();
    (output.status.code(), said(&output))
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_shown_is_a_failure_also_where_something_was_not_read() {
    let scan = world().file("trail/broken.json", "{").scan();
    assert_eq!(scan.code, 3);
    let folder = scan.into_folder();
    let scan = scan_of("inventory", "trail", "again");
    for args in [&scan[..], &["report", "out"], &["rules"]] {
        let (code, said) = full(folder.path(), args);
        assert_eq!(code, Some(1), "{args:?}: {said}");
        let words = "error: cannot write to stdout: No space left on device";
        assert!(said.contains(words), "{args:?}: {said}");
        assert_eq!(said.matches("stdout").count(), 1, "{args:?}: {said}");
    }
}

#[test]
fn a_folder_without_a_file_is_named() {
    let empty = crate::scratch::tempdir().unwrap();
    std::fs::create_dir_all(empty.path().join("nothing/below")).unwrap();
    let args = scan_of("nothing", "nothing", "out");
    let output = program(empty.path(), &args);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report = std::fs::read(empty.path().join("out/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    for source in ["inventory", "trail"] {
        let gaps = report["gaps"].as_array().unwrap();
        let gap = gaps.iter().find(|gap| gap["source"] == source);
        let gap = gap.unwrap_or_else(|| panic!("{source}: {gaps:?}"));
        assert_eq!(gap["what"], "nothing", "{gap}");
        assert_eq!(gap["why"], "there is no file in it", "{gap}");
    }
    // Beside other files it is named as well.
    let scan = world().args(&["--inventory", "more"]);
    let folder = crate::scratch::tempdir().unwrap();
    scan.write(folder.path());
    std::fs::create_dir(folder.path().join("more")).unwrap();
    let scan = scan.scan_in(folder);
    assert_eq!(scan.code, 3);
    assert!(
        scan.gaps().contains("there is no file in it"),
        "{}",
        scan.gaps()
    );
}

#[test]
fn an_error_says_its_reason_once() {
    let folder = world().scan().into_folder();
    std::fs::write(folder.path().join("cut.json"), "{").unwrap();
    for (args, reason) in [
        (vec!["report", "out/report.html"], "it is not JSON"),
        (vec!["report", "cut.json"], "it is not JSON"),
        (vec!["report", "out", "--bill", "nowhere"], "No such file"),
        (
            vec!["report", "out", "--format", "json", "--out", "cut.json"],
            "(os error",
        ),
        (vec!["plan", "cut.json"], "it is not JSON"),
    ] {
        let output = program(folder.path(), &args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let said = said(&output);
        assert_eq!(said.matches(reason).count(), 1, "{args:?}: {said}");
    }
}

/// A name that vanishes helps nobody to find what cannot be written.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_file_is_named_and_no_temporary_file_is() {
    let folder = world().scan().into_folder();
    for args in [
        &["report", "out", "--format", "csv", "--out", "/proc/self"][..],
        &["plan", "out", "--out", "/proc/self/plan.csv"],
        &scan_of("inventory", "trail", "/proc/self"),
    ] {
        let output = program(folder.path(), args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let said = said(&output);
        assert!(said.contains("/proc/self"), "{args:?}: {said}");
        assert!(
            !said.contains(".tmp") && !said.contains(".part"),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn a_moment_that_is_none_is_refused_with_an_example() {
    let folder = crate::scratch::tempdir().unwrap();
    for now in ["2026-11", "9999-12-31T23:59:59Z", "yesterday"] {
        for command in [
            &["scan", "--inventory", "x", "--trail", "x", "--now", now][..],
            &["plan", "x", "--now", now],
        ] {
            let output = program(folder.path(), command);
            assert_eq!(output.status.code(), Some(2), "{command:?}");
            let said = said(&output);
            assert!(said.contains("such as `2026-11-01T00:00:00Z`"), "{said}");
            assert!(!said.contains("parameter"), "{said}");
        }
    }
}

#[test]
fn text_in_utf_16_is_called_so() {
    let utf_16 = |text: &str| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let inventory = World::new().file("inventory/a.json", utf_16("{\"SecretList\": []}"));
    let policy = world().file("mine.toml", utf_16("idle = \"90d\"\n"));
    let prices = world().file("mine.toml", utf_16("prices = []\n"));
    for (scan, file) in [
        (inventory.scan(), "a.json"),
        (policy.args(&["--policy", "mine.toml"]).scan(), "mine.toml"),
        (prices.args(&["--prices", "mine.toml"]).scan(), "mine.toml"),
    ] {
        assert_eq!(scan.code, 1, "{file}");
        for words in [file, "UTF-16", "UTF-8"] {
            assert!(scan.stderr.contains(words), "{words}: {}", scan.stderr);
        }
    }
}

#[test]
fn each_manual_page_that_another_names_is_there() {
    let folder = crate::scratch::tempdir().unwrap();
    let page = |names: &[&str]| {
        let output = program(folder.path(), &[&["man"], names].concat());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{names:?}: {}",
            said(&output)
        );
        // As groff shows it: a hyphen is escaped.
        printed(&output).replace("\\-", "-")
    };
    let top = page(&[]);
    for name in ["scan", "apply", "watch", "iam-policy", "man"] {
        assert!(top.contains(&format!("secretsweep-{name}(1)")), "{name}");
        let own = page(&[name]);
        assert!(own.contains(&format!("secretsweep-{name}")), "{name}");
    }
    assert!(page(&["scan"]).contains("--inventory"));
    assert!(page(&["iam-policy", "apply"]).contains("secretsweep-iam-policy-apply"));
    let output = program(folder.path(), &["man", "scna"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("scan"), "{}", said(&output));
}
