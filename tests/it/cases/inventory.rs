//! Exports of the inventory: a column that is not there is not AWS's word for "never".

use serde_json::{Value, json};

use super::*;

/// An inventory of this text alone, with a whole trail.
fn inventory(file: &str, text: impl Into<Vec<u8>>) -> Scan {
    World::new()
        .file(&format!("inventory/{file}"), text)
        .args(&["--allow-partial"])
        .scan()
}

fn trimmed(keys: &[&str]) -> Scan {
    World::new()
        .secrets(["a", "b", "c"].map(|name| idle(name).only(keys)))
        .args(&["--allow-partial"])
        .scan()
}

#[track_caller]
fn is_not_judged(scan: &Scan) {
    for name in ["a", "b", "c"] {
        stays(scan, name);
        assert!(!scan.has_reason(name, "never-read"), "nobody can know");
    }
    assert!(scan.gaps().contains("LastAccessedDate"), "{}", scan.gaps());
}

#[test]
fn an_export_trimmed_to_three_columns_tells_no_last_access() {
    is_not_judged(&trimmed(&["CreatedDate"]));
}

#[test]
fn an_export_of_arns_and_names_tells_no_last_access() {
    is_not_judged(&trimmed(&[]));
}

#[test]
fn an_export_trimmed_to_created_and_description_tells_no_last_access() {
    is_not_judged(&trimmed(&["CreatedDate", "Description", "Tags"]));
}

#[test]
fn an_export_without_the_versions_tells_no_last_access() {
    is_not_judged(&trimmed(&[
        "CreatedDate",
        "LastRotatedDate",
        "RotationEnabled",
    ]));
}

#[test]
fn a_whole_export_of_secrets_that_were_never_read_is_believed() {
    let scan = World::new().secrets([never("a"), never("b")]).scan();
    assert_eq!(scan.verdict("a"), "delete: never-read");
}

/// An entry as AWS Tools for PowerShell prints it: every field, absent dates as the first moment of .NET.
fn powershell(name: &str, accessed: &str, absent: &str) -> Value {
    json!({
        "ARN": idle(name).arn(), "Name": name, "CreatedDate": "2025-09-27T09:43:03.127Z",
        "DeletedDate": absent, "Description": null, "KmsKeyId": null, "LastAccessedDate": accessed,
        "LastChangedDate": "2026-01-05T10:41:35.163Z", "LastRotatedDate": absent, "NextRotationDate": absent,
        "OwningService": null, "PrimaryRegion": null, "RotationEnabled": false, "RotationLambdaARN": null,
        "SecretVersionsToStages": {"e75a49b6": ["AWSCURRENT"]}, "Tags": [],
    })
}

#[track_caller]
fn year_one_is_absent(absent: &str) {
    let entries = [
        powershell("app/used", "2026-10-29T00:00:00Z", absent),
        powershell(IDLE, "2026-04-15T00:00:00Z", absent),
        powershell("app/never", absent, absent),
    ];
    let text = format!("\u{feff}{}", json!(entries));
    let scan = World::new()
        .file("inventory/us-east-1.json", text)
        .call(get("app/used").days(3))
        .scan();
    is_judged(&scan, "app/used", "keep");
    for name in ["app/used", IDLE, "app/never"] {
        assert!(!scan.has_reason(name, "pending-deletion"), "{name}");
    }
    goes(&scan, IDLE);
    goes(&scan, "app/never");
    assert_ne!(micros(&scan.secret(IDLE)["cost"]["storage_usd"]), 0);
}

#[test]
fn the_first_year_of_powershell_is_absent() {
    year_one_is_absent("0001-01-01T00:00:00");
}

#[test]
fn the_first_year_with_a_zone_is_absent() {
    year_one_is_absent("0001-01-01T00:00:00Z");
}

#[test]
fn the_first_year_with_fractions_and_an_offset_is_absent() {
    year_one_is_absent("0001-01-01T00:00:00.0000000+00:00");
}

#[test]
fn the_first_year_as_windows_powershell_writes_it_is_absent_or_named() {
    let entry = powershell(IDLE, "2026-04-15T00:00:00Z", "/Date(-62135596800000)/");
    let scan = inventory("us-east-1.json", json!([entry]).to_string());
    let rows = scan.report["secrets"].as_array();
    let rows = rows.map_or(&[][..], Vec::as_slice);
    let said = scan.gaps() + &scan.stderr;
    assert!(
        !rows.is_empty() || said.contains("us-east-1.json"),
        "{said}"
    );
    assert!(
        rows.iter()
            .all(|row| codes(row).iter().all(|code| code != "pending-deletion"))
    );
}

#[track_caller]
fn others_depend_on_it(field: &str, value: Value) {
    let scan = world().secret(idle("x").set(field, value)).scan();
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[test]
fn a_replica_in_another_account_depends_on_it() {
    let replica = json!([{"ARN": "arn:aws:secretsmanager:us-east-1:444455556666:secret:x-Rep456", "Status": "InSync"}]);
    others_depend_on_it("CrossAccountReplicas", replica);
}

#[test]
fn a_replica_that_is_associated_and_failed_depends_on_it() {
    let replica = json!([{"AccountId": OTHER, "Status": "Failed"}]);
    others_depend_on_it("CrossAccountReplicas", replica);
}

#[test]
fn a_replica_in_a_region_without_inventory_depends_on_it() {
    others_depend_on_it(
        "ReplicationStatus",
        json!([{"Region": "ap-southeast-2", "Status": "InSync"}]),
    );
}

#[test]
fn no_replica_takes_nothing_away() {
    for field in ["CrossAccountReplicas", "ReplicationStatus"] {
        let scan = world().secret(idle("x").set(field, json!([]))).scan();
        goes(&scan, "x");
    }
}

#[test]
fn a_later_field_of_that_shape_is_named_or_stops_a_deletion() {
    let scan = world()
        .secret(idle("x").set(
            "PartnerReplicas",
            json!([{"ARN": "arn:partner", "Status": "InSync"}]),
        ))
        .args(&["--allow-partial"])
        .scan();
    let named = scan.gaps().contains("PartnerReplicas");
    assert!(
        named || scan.secret("x")["verdict"] != "delete",
        "{}",
        scan.verdict("x")
    );
}

#[test]
fn the_third_replica_in_a_region_without_inventory_depends_on_it() {
    let replica = |region: &str| idle("x").region(region).primary(EAST);
    let status =
        json!([{"Region": WEST}, {"Region": "eu-central-1"}, {"Region": "ap-southeast-2"}]);
    let scan = world()
        .logging(ACCOUNT, WEST)
        .logging(ACCOUNT, "eu-central-1")
        .secrets([
            idle("x").primary(EAST).set("ReplicationStatus", status),
            replica(WEST),
            replica("eu-central-1"),
        ])
        .args(&["--allow-partial"])
        .scan();
    assert_ne!(scan.secret_in(EAST, "x")["verdict"], "delete");
    goes(&scan, IDLE);
}

/// Dates in another way of writing.
fn dated(style: fn(&str) -> String) -> Scan {
    let restyled = |secret: Secret, days: i64| {
        let text = style(&day(days_ago(days)));
        let old = style("2025-09-27");
        secret
            .set("LastAccessedDate", json!(text))
            .set("CreatedDate", json!(old))
            .set("LastChangedDate", json!(old))
    };
    World::new()
        .secrets([restyled(idle(IDLE), 200), restyled(idle("app/used"), 3)])
        .call(get("app/used").days(3))
        .scan()
}

#[test]
fn dates_as_python_prints_them_are_read() {
    let scan = dated(|day| format!("{day} 00:00:00+00:00"));
    goes(&scan, IDLE);
    is_judged(&scan, "app/used", "keep");
}

#[test]
fn dates_without_a_zone_are_no_word_for_never() {
    let scan = dated(|day| format!("{day}T00:00:00"));
    assert!(!scan.has_reason(IDLE, "never-read"));
    is_judged(&scan, "app/used", "keep");
}

#[test]
fn dates_with_a_blank_and_without_a_zone_are_no_word_for_never() {
    let scan = dated(|day| format!("{day} 13:16:57.198000"));
    assert!(!scan.has_reason(IDLE, "never-read"));
    is_judged(&scan, "app/used", "keep");
}

#[track_caller]
fn names_the_way_out(file: &str, text: &str) {
    let scan = world()
        .file(&format!("inventory/{file}"), text)
        .args(&["--allow-partial"])
        .scan();
    goes(&scan, IDLE);
    assert!(scan.gaps().contains(file), "{}", scan.gaps());
    assert!(scan.gaps().contains("--output json"), "{}", scan.gaps());
}

#[test]
fn output_as_yaml_names_the_way_out() {
    names_the_way_out(
        "y.yaml",
        "SecretList:\n- ARN: arn:aws:secretsmanager:us-east-1:111122223333:secret:x-AbC123\n  Name: x\n",
    );
}

#[test]
fn output_as_text_names_the_way_out() {
    names_the_way_out(
        "t.txt",
        "SECRETLIST\tarn:aws:secretsmanager:us-east-1:111122223333:secret:x-AbC123\t2025-09-27\tx\n",
    );
}

#[test]
fn output_as_a_table_names_the_way_out() {
    names_the_way_out(
        "t.json",
        "-----------\n| ListSecrets |\n+---------+\n||  ARN | arn:aws:secretsmanager |\n",
    );
}

#[test]
fn a_list_of_names_names_the_way_out() {
    let scan = world()
        .file("inventory/names.json", "[\"ctl/idle\", \"app/used\"]")
        .args(&["--allow-partial"])
        .scan();
    goes(&scan, IDLE);
    assert!(scan.gaps().contains("--query"), "{}", scan.gaps());
}
