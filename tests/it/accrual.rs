//! What a calendar month cost: deletions that were taken back, secrets that are gone, a trail with a hole, and months
//! against each other.

use serde_json::json;

use crate::world::*;

/// Seconds since 1970 of a moment.
fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

/// The scan of October.
fn october(world: World) -> Scan {
    let scan = world
        .args(&["--month", "2026-10", "--format", "focus"])
        .scan();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    scan
}

/// A call that names its secret by an ARN in the answer, as changes of a secret do.
fn change(api: &str, arn: &str, when: &str) -> Call {
    let mut call = call(api, arn).at(at(when)).writes();
    call.response = json!({"arn": arn});
    call
}

/// The sums that every file has to agree on: in the report, `secrets.csv` with the calls of nobody, `focus.csv` and
/// `summary.csv`.
fn sums(scan: &Scan) -> [i64; 4] {
    let window = &scan.report["totals"]["window_cost"];
    let sum = |file: &str, column: &str, keep: &dyn Fn(&str) -> bool| -> i64 {
        let rows = scan.csv(file);
        let kept = rows
            .iter()
            .filter(|row| keep(row.get("group_by").map_or("", String::as_str)));
        kept.filter(|row| !row[column].is_empty())
            .map(|row| micros_of(&row[column]))
            .sum()
    };
    let secrets = sum("secrets.csv", "total_usd_window", &|_| true);
    [
        micros(&window["total_usd"]),
        secrets + micros(&window["unattributed_usd"]),
        sum("focus.csv", "BilledCost", &|_| true),
        sum("summary.csv", "window_total_usd", &|by| by == "total"),
    ]
}

fn agree(scan: &Scan) -> i64 {
    let sums = sums(scan);
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
    sums[0]
}

#[test]
fn the_days_until_a_restoration_are_free() {
    let secret = idle("kept");
    let arn = secret.arn();
    let scan = october(
        World::new()
            .secret(secret)
            .call(change("DeleteSecret", &arn, "2026-10-11T00:00:00Z"))
            .call(change("RestoreSecret", &arn, "2026-10-21T00:00:00Z")),
    );
    let stored = micros(&scan.secret("kept")["window_cost"]["storage_usd"]);
    // 21 of 31 days.
    assert_eq!(stored, 270_968);
    agree(&scan);
}

#[test]
fn secrets_that_are_gone_are_rows_of_the_month() {
    let arn = |name: &str| format!("arn:aws:secretsmanager:{EAST}:{ACCOUNT}:secret:{name}-XyZ789");
    let preview = arn("preview/42");
    let mut created = call("CreateSecret", "")
        .at(at("2026-10-06T00:00:00Z"))
        .writes();
    created.request = json!({"name": "preview/42"});
    created.response = json!({"arn": preview});
    let free = arn("events!connection/x");
    let scan = october(
        World::new()
            .secret(idle("stays"))
            .call(created)
            .call(change("DeleteSecret", &preview, "2026-10-16T00:00:00Z"))
            .call(change("DeleteSecret", &arn("old"), "2026-10-11T12:00:00Z"))
            .call(change(
                "DeleteSecret",
                &arn("before"),
                "2026-09-20T00:00:00Z",
            ))
            .call(change("DeleteSecret", &free, "2026-10-20T00:00:00Z")),
    );
    let rows = scan.report["former"].as_array().unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), micros(&row["storage_usd"])))
        .collect();
    // 10 of 31 days, nothing where the owning service pays, and 10.5 of 31 days.
    assert_eq!(
        found,
        [
            ("events!connection/x", 0),
            ("old", 135_484),
            ("preview/42", 129_032)
        ]
    );
    assert_eq!(rows[2]["created"], "2026-10-06T00:00:00Z");
    let gone: Vec<_> = scan
        .csv("secrets.csv")
        .into_iter()
        .filter(|row| row["verdict"] == "gone")
        .map(|row| (row["name"].clone(), row["total_usd_window"].clone()))
        .collect();
    assert!(
        gone.contains(&("old".to_owned(), "0.135484".to_owned())),
        "{gone:?}"
    );
    agree(&scan);
    assert!(
        scan.report["assumptions"]
            .to_string()
            .contains("3 secrets that were deleted for good")
    );
}

#[test]
fn a_secret_that_is_there_is_no_former_one() {
    let secret = never("again").created(12).suffix("NeW123");
    let old = "arn:aws:secretsmanager:us-east-1:111122223333:secret:again-OlD123";
    let pending = idle("pending").deleted(5);
    let scan = october(
        World::new()
            .call(change("DeleteSecret", old, "2026-10-02T00:00:00Z"))
            .call(change(
                "DeleteSecret",
                &pending.arn(),
                "2026-10-27T00:00:00Z",
            ))
            .secrets([secret, pending]),
    );
    let rows = scan.report["former"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["arn"], old);
    agree(&scan);
}

#[test]
fn half_a_trail_is_scaled_to_the_month_and_says_so_in_every_file() {
    let (first, half, last) = (
        at("2026-07-30T00:00:00Z"),
        at("2026-10-16T12:00:00Z"),
        at(NOW),
    );
    let whole = World::silent().logging_between(ACCOUNT, EAST, first, last, &[]);
    let holed = World::silent().logging_between(ACCOUNT, EAST, half, last, &[]);
    let scan = |world: World, from: i64| {
        let step = 600;
        let times = (last - from) / step;
        let reads = get("loop").at(from).every(step, times);
        let world = world
            .secret(never("loop").accessed(0).customer_key())
            .calls(reads);
        let scan = world.args(&["--month", "2026-10", "--format", "focus", "--allow-partial"]);
        scan.scan()
    };
    let (whole, holed) = (scan(whole, at("2026-10-01T00:00:00Z")), scan(holed, half));
    let cost = |scan: &Scan, part: &str| micros(&scan.secret("loop")["window_cost"][part]);
    for part in ["api_usd", "kms_usd"] {
        let (all, scaled) = (cost(&whole, part), cost(&holed, part));
        assert!((all - scaled).abs() * 50 < all, "{part}: {all} {scaled}");
    }
    let detail = &holed.secret("loop")["window_detail"];
    let scaled = micros(&detail["extrapolated_usd"]);
    let calls = cost(&holed, "api_usd") + cost(&holed, "kms_usd");
    assert!(
        (calls - 2 * scaled).abs() * 50 < calls,
        "{scaled} of {calls}"
    );
    agree(&whole);
    agree(&holed);
    let row = &holed.csv("secrets.csv")[0];
    assert!(row["covered_share"].starts_with("0.5"), "{row:?}");
    assert_eq!(micros_of(&row["extrapolated_usd_window"]), scaled);
    assert_eq!(whole.csv("secrets.csv")[0]["covered_share"], "1.0000");
    let charges = holed.csv("focus.csv");
    let api = charges
        .iter()
        .find(|row| row["ConsumedUnit"] == "Requests")
        .unwrap();
    assert!(api["x_CoveredShare"].starts_with("0.5"), "{api:?}");
    assert!(api["ChargeDescription"].contains("scaled"), "{api:?}");
    let total = &holed.csv("summary.csv")[0];
    assert_eq!(micros_of(&total["extrapolated_usd_window"]), scaled);
    assert!(
        holed.report["assumptions"]
            .to_string()
            .contains("is scaled")
    );
    assert!(
        holed.stdout.contains("of that is scaled"),
        "{}",
        holed.stdout
    );
    let page = holed.file("report.html");
    assert!(page.contains("is scaled"));
    assert!(!whole.stdout.contains("is scaled"), "{}", whole.stdout);
}

#[test]
fn owners_whose_price_is_not_documented_are_marked() {
    let owned = |name: &str, service: &str| never(name).set("OwningService", json!(service));
    let scan = october(World::new().secrets([
        idle("own"),
        owned("rds!db", "rds"),
        owned("events!connection/x", "events"),
        owned("ecs-sc!tls", "ecs-sc"),
    ]));
    let basis: Vec<_> = scan
        .csv("secrets.csv")
        .into_iter()
        .map(|row| (row["name"].clone(), row["price_basis"].clone()))
        .collect();
    let expect = [
        ("ecs-sc!tls", "assumed"),
        ("events!connection/x", "included"),
        ("own", "list"),
        ("rds!db", "list"),
    ];
    let expect = expect.map(|(name, basis)| (name.to_owned(), basis.to_owned()));
    assert_eq!(basis, expect);
    let said = scan.report["assumptions"].to_string();
    assert!(said.contains("charges for secrets of ecs-sc"), "{said}");
}

#[test]
fn months_are_compared_by_what_they_accrued() {
    let folder = crate::scratch::tempdir().unwrap();
    World::new()
        .secrets([idle("old"), never("new").created(16)])
        .calls(get("old").at(at("2026-10-05T00:00:00Z")).every(60, 100))
        .write(folder.path());
    for month in ["2026-09", "2026-10"] {
        let line = format!(
            "scan --inventory inventory --trail trail --now {NOW} --month {month} --out {month} --allow-partial"
        );
        let args = words(&line);
        let output = program(folder.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let output = program(
        folder.path(),
        &["compare", "2026-09", "2026-10", "--format", "json"],
    );
    let changes: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(changes["basis"], "accrued");
    let report = |month: &str| -> serde_json::Value {
        let file = folder.path().join(month).join("report.json");
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    };
    let total = |month: &str| micros(&report(month)["totals"]["window_cost"]["total_usd"]);
    let change = total("2026-10") - total("2026-09");
    // Half a month of storage (15.5 days and two hours), and a hundred reads.
    assert!((206_000..208_000).contains(&(change - 500)), "{change}");
    assert_eq!(micros(&changes["change_usd"]), change);
    let steps = changes["bridge"].as_array().unwrap();
    let sum: i64 = steps.iter().map(|step| micros(&step["change_usd"])).sum();
    assert_eq!(sum, change);
    let args = words("report 2026-10 --previous 2026-09 --format csv --out view");
    assert_eq!(program(folder.path(), &args).status.code(), Some(0));
    let summary = std::fs::read(folder.path().join("view/summary.csv")).unwrap();
    assert_eq!(
        micros_of(&csv_records(&summary)[0]["change_usd_window"]),
        change
    );
    let text = program(folder.path(), &["compare", "2026-09", "2026-10"]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("cost of 2026-09") && text.contains("cost of 2026-10"),
        "{text}"
    );
}

#[test]
fn a_budget_that_is_exceeded_is_said_and_ends_with_4() {
    let policy = |total: &str| {
        format!(
            "[budget]\ntotal = \"{total}\"\n[budget.owners]\npayments = \"0.30\"\nnobody = \"1\"\n\
             [budget.accounts]\n111122223333 = \"50\"\n"
        )
    };
    let world = |total: &str| {
        World::new()
            .secrets([idle("a").tag("owner", "payments"), idle("b")])
            .policy(&policy(total))
    };
    let scan = world("0.50").scan();
    assert_eq!(scan.code, 4, "{}", scan.stderr);
    for says in [
        "The budget is exceeded by $0.30: $0.80 of $0.50.",
        "The budget of the owner payments is exceeded by $0.10: $0.40 of $0.30.",
    ] {
        assert!(scan.stdout.contains(says), "{says}: {}", scan.stdout);
    }
    assert!(!scan.stdout.contains("111122223333 is exceeded"));
    let output = program(&scan.path(), &["report", "out", "--format", "markdown"]);
    assert_eq!(output.status.code(), Some(4));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("exceeded by $0.30"), "{text}");
    let within = World::new()
        .secret(idle("b"))
        .policy("[budget]\ntotal = \"500\"\n")
        .scan();
    assert_eq!(within.code, 0, "{}", within.stderr);
    let wrong = World::new()
        .secret(idle("b"))
        .policy("[budget]\nsum = \"5\"\n")
        .scan();
    assert_eq!(wrong.code, 1);
    assert!(
        wrong.stderr.contains("unknown field `sum`"),
        "{}",
        wrong.stderr
    );
}
