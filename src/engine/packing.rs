//! What a query keeps of an event, as one text.
//!
//! An engine pays for each value of each event that it holds while it looks for copies, so all that makes a line and a client
//! is packed into one list in JSON, and taken apart when the events are counted. The members and their expressions are here;
//! the query is in `query`.

use crate::domain::trail::record::BATCH;

/// The members that make a line. Those of [`CLIENT`] are not among them.
pub(super) const LINE: [&str; 29] = [
    "kind",
    "account",
    "region",
    "path_account",
    "path_region",
    "category",
    "event_name",
    "error_code",
    "message",
    "target",
    "version_stage",
    "names_version",
    "batch_ids",
    "batch_filters",
    "identity_type",
    "identity_account",
    "invoked_by",
    "issuer_arn",
    "role",
    "principal",
    "web_federated",
    "ec2_delivered",
    "source_service",
    "user_agent",
    "vpc_endpoint",
    "from_console",
    "tls",
    "read_only",
    "shared_id",
];

/// The members of a line that are a yes or a no.
const MARKS: [&str; 6] = [
    "names_version",
    "web_federated",
    "ec2_delivered",
    "vpc_endpoint",
    "from_console",
    "read_only",
];

/// The columns that tell the clients of a line apart.
pub(super) const CLIENT: [&str; 3] = ["arn", "principal_id", "source_ip"];

/// The columns of an event that are kept while its copies are found.
pub(super) const EVENT: [&str; 4] = ["line", "client", "event_time", "error_message"];

/// The members as one text, a list in JSON, with the expression of each. Trino needs some hundred bytes for each value
/// that it keeps of an event: 474 MB for 135,000 events of eleven values, 267 MB for the same events of one.
pub(super) fn packed(members: &[&str], value: impl Fn(&str) -> String) -> String {
    let values: Vec<String> = members
        .iter()
        .map(|name| {
            if MARKS.contains(name) {
                format!("CASE WHEN {} THEN '1' ELSE '' END", value(name))
            } else {
                format!("coalesce({}, '')", value(name))
            }
        })
        .collect();
    format!("json_format(CAST(ARRAY[{}] AS json))", values.join(", "))
}

/// A member of what [`packed`] made; empty where it is absent.
pub(super) fn unpacked(packed: &str, members: &[&str], name: &str) -> String {
    let index = members.iter().position(|member| *member == name);
    let index = index.expect("the column is one of the members");
    format!("json_extract_scalar({packed}, '$[{index}]')")
}

/// The expression of a member of a line.
pub(super) fn line_value(name: &str) -> String {
    match name {
        "account" => "own_account".to_owned(),
        "region" => "own_region".to_owned(),
        // The path only speaks for a record that says nothing itself, and for the hours of records of KMS.
        "path_account" | "path_region" => {
            format!("CASE WHEN kind = 'key' OR own_account IS NULL OR own_region IS NULL THEN {name} END")
        }
        "message" => {
            r"regexp_replace(error_message, '(?i)((?:request|authorization|event|trace) ?id:? ?)[0-9a-z][0-9a-z-]{7,}', '$1')".to_owned()
        }
        "target" => "CASE WHEN kind = 'key' THEN key_secret ELSE target END".to_owned(),
        "batch_ids" | "batch_filters" => {
            format!("CASE WHEN event_name = '{BATCH}' THEN {name} END")
        }
        "role" => "regexp_replace(arn, '^(arn:[^:]*:sts::[^:]*:assumed-role/.+)/[^/]*$', '$1')".to_owned(),
        "principal" => "split_part(principal_id, ':', 1)".to_owned(),
        "source_service" => "CASE WHEN source_ip LIKE '%.amazonaws.com' THEN source_ip END".to_owned(),
        _ => name.to_owned(),
    }
}
