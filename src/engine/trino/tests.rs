//! Addresses of tables, and the format of a partition in the definition of a table.

use super::*;

#[test]
fn an_address_names_a_table() {
    let address: TrinoAddress = "trinos://ana@trino.example/hive.logs.trail"
        .parse()
        .unwrap();
    assert_eq!(
        address,
        TrinoAddress {
            secure: true,
            user: Some("ana".to_owned()),
            host: "trino.example:443".to_owned(),
            table: ["hive", "logs", "trail"].map(str::to_owned),
        }
    );
    let address: TrinoAddress = "trino://127.0.0.1:8081/h.s.t".parse().unwrap();
    assert_eq!(
        (address.host.as_str(), address.user),
        ("127.0.0.1:8081", None)
    );
    for text in [
        "trino://host",
        "trino://host/table",
        "trino://host/a.b",
        "trino://host/a..c",
        "trino:///a.b.c",
        "trino://host/a.b.c d",
        "http://host/a.b.c",
        "trino://ana:secret@host/a.b.c",
    ] {
        assert!(text.parse::<TrinoAddress>().is_err(), "{text}");
    }
}

#[test]
fn the_format_of_a_projected_partition_is_in_the_definition() {
    let definition =
        "CREATE TABLE hive.logs.trail (\n   eventname varchar,\n   timestamp varchar WITH (\n";
    assert_eq!(projected_format(definition, "timestamp"), None);
    let definition = "   day varchar WITH (partition_projection_format = 'yyyy/MM/dd', partition_projection_type = 'DATE')";
    assert_eq!(
        projected_format(definition, "day").as_deref(),
        Some("yyyy/MM/dd")
    );
}
