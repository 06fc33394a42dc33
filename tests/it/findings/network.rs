//! Findings about the network, by reader.

use serde_json::{Value, json};

use crate::world::{Call, World, get, idle, role, user};

const PUBLIC: &str = "203.0.113.9";

/// A read over the internet, by a role of this name.
fn outside(name: &str, secret: &str, days: i64) -> Call {
    get(secret).by(role(name, "worker")).via(PUBLIC).days(days)
}

/// A read through a VPC endpoint.
fn inside(name: &str, secret: &str, days: i64) -> Call {
    let call = get(secret).by(role(name, "worker")).days(days);
    call.more("vpcEndpointId", json!("vpce-1234a5678b9012c"))
}

/// The names of the roles and users with a finding of this code.
fn found(code: &str, policy: &str, calls: Vec<Call>) -> Vec<String> {
    let secrets = ["a", "b", "c"].map(idle);
    let scan = World::new()
        .secrets(secrets)
        .calls(calls)
        .policy(policy)
        .scan();
    let rows = scan.findings(code);
    let readers = rows.iter().map(|row| row["reader"].as_str().unwrap());
    let mut names: Vec<_> = readers
        .map(|it| it.rsplit('/').next().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_program_that_passes_the_endpoint_is_named() {
    let person = |call: Call| Call {
        identity: role("AWSReservedSSO_Admin_0123456789abcdef", "ann"),
        ..call
    };
    let calls = || {
        vec![
            // Both ways.
            inside("both", "a", 9),
            outside("both", "b", 5),
            // Another one reads the same secret through the endpoint.
            outside("beside", "a", 5),
            // It has moved to the endpoint.
            outside("moved", "a", 20),
            inside("moved", "a", 10),
            // There is no endpoint for what it reads.
            outside("alone", "c", 5),
            inside("well", "a", 5),
            person(outside("person", "a", 5)),
            outside("earlier", "a", 31),
            outside("service", "a", 5).invoked_by("kafka.amazonaws.com"),
        ]
    };
    assert_eq!(found("outside-vpc", "", calls()), ["beside", "both"]);
    let demanded = "[findings]\nrequire_vpc_endpoint = true\n";
    assert_eq!(
        found("outside-vpc", demanded, calls()),
        ["alone", "beside", "both"]
    );
}

#[test]
fn long_lived_keys_from_the_internet_are_named() {
    let by = |name: &str, address: &str| get("a").by(user(name)).via(address);
    let calls = vec![
        by("build", PUBLIC),
        by("private", "10.1.2.3"),
        by("endpoint", PUBLIC).more("vpcEndpointId", json!("vpce-1")),
        by("internal", "AWS Internal").agent("AWS Internal"),
        by("refused", PUBLIC).error("AccessDenied", "because"),
        by("earlier", PUBLIC).days(31),
        outside("role", "a", 5),
    ];
    assert_eq!(found("public-address", "", calls), ["build"]);
}

#[test]
fn a_program_that_leaves_its_endpoint_is_named() {
    let usual = |name: &'static str, days: std::ops::Range<i64>| {
        days.map(move |day| inside(name, "a", day * 3 + 10))
    };
    let mut calls: Vec<Call> = usual("left", 0..7).collect();
    calls.push(outside("left", "a", 6));
    // Eight days ago is not recent.
    calls.extend(usual("long", 0..7));
    calls.push(outside("long", "a", 8));
    // Six days make no habit.
    calls.extend(usual("few", 0..6));
    calls.push(outside("few", "a", 6));
    calls.extend(usual("stays", 0..7));
    assert_eq!(found("new-network", "", calls.clone()), ["left"]);
    // It is said once, as the graver of the two.
    assert_eq!(found("outside-vpc", "", calls.clone()), ["few", "long"]);

    let hole = [(crate::world::days_ago(50), crate::world::days_ago(48))];
    let scan = World::silent()
        .logging_between(
            crate::world::ACCOUNT,
            crate::world::EAST,
            crate::world::days_ago(92),
            crate::world::NOW_S + crate::world::DAY,
            &hole,
        )
        .secret(idle("a"))
        .calls(calls)
        .scan();
    assert_eq!(scan.findings("new-network"), Vec::<&Value>::new());
    let said = scan.report["assumptions"].to_string();
    assert!(
        said.contains("Whether 1 public network path is new could not be judged"),
        "{said}"
    );
}

#[test]
fn a_reader_with_an_old_version_of_tls_is_named() {
    let with = |name: &str, version: &str| {
        let details = json!({"tlsVersion": version, "cipherSuite": "ECDHE-RSA-AES128-GCM-SHA256"});
        inside(name, "a", 5).more("tlsDetails", details)
    };
    let calls = || {
        vec![
            with("one", "TLSv1"),
            with("one-one", "TLSv1.1"),
            with("two", "TLSv1.2"),
            with("three", "TLSv1.3"),
            with("later", "TLSv1.4"),
            with("earlier", "TLSv1.1").days(31),
            inside("unsaid", "a", 5).leave_out("tlsDetails"),
        ]
    };
    assert_eq!(found("old-tls", "", calls()), ["one", "one-one"]);
    let demanded = "[findings]\nrequire_tls_1_3 = true\n";
    assert_eq!(
        found("old-tls", demanded, calls()),
        ["one", "one-one", "two"]
    );

    let scan = World::new()
        .secrets(["a", "b"].map(idle))
        .calls([with("one", "TLSv1"), with("two", "TLSv1.2")])
        .policy(demanded)
        .scan();
    let severities: Vec<_> = scan
        .findings("old-tls")
        .iter()
        .map(|row| row["severity"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(severities, ["medium", "low"]);
}
