//! The query that makes groups of a trail's records, in the SQL that Athena and Trino have in common.
//!
//! Reading is what an engine is paid for, and logs in JSON have no columns to leave out, so one query answers everything in
//! one pass: a record of another service keeps its account, Region and day, and falls together with the others of that
//! day; a record of Secrets Manager keeps all that a line of the ledger is made of. The steps are those of the statement:
//!
//! 1. `fields`: the members of each record, as texts.
//! 2. `kinds`: which records count, and how (the rules of [`crate::domain::trail::record`]).
//! 3. `events`: each event once, whatever number of files holds it; the other records by day.
//! 4. `hours`: events that are alike, by the hour. What tells clients apart (session, address) is numbered in each.
//! 5. The rows: a line each, with its hours in one text. Above [`CLIENTS`] clients in an hour, the rest of them share one row.
//!
//! Nothing is decided here that the ledger decides: names stay as they were written, and copies of a call that two accounts
//! log stay two rows with one `shared_id`. An error message may hold an id of its own for each request, so messages are
//! compared without such ids, and the first in alphabetical order is given.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::packing::{CLIENT, EVENT, LINE, line_value, packed, unpacked};
use super::partition::DayPartition;
use super::table::{TrailTable, literal};
use crate::domain::base::names::{KMS, SECRETS_MANAGER};
use crate::domain::base::span::Span;
use crate::domain::base::span::{HOUR_S, next_hour};
use crate::domain::trail::global_events::GLOBAL_SERVICES;
use crate::domain::trail::ledger::LedgerBounds;
use crate::domain::trail::record::{DECRYPT, TARGETS, VALIDATION};

/// The columns of a row, in their order. The first is the kind of the row; its name tells the form of the result.
pub(super) const COLUMNS: [&str; 36] = [
    "secretsweep_1",
    "account",
    "region",
    "path_account",
    "path_region",
    "category",
    "event_name",
    "error_code",
    "error_message",
    "target",
    "version_stage",
    "names_version",
    "batch_ids",
    "batch_filters",
    "identity_type",
    "identity_account",
    "invoked_by",
    "issuer_arn",
    "arn",
    "principal_id",
    "web_federated",
    "ec2_delivered",
    "source_ip",
    "user_agent",
    "vpc_endpoint",
    "from_console",
    "tls",
    "read_only",
    "shared_id",
    "cells",
    "copies",
    "folded",
    "day",
    "services",
    "names",
    "principals",
];

/// So many clients of a line are distinguished in an hour. A client is a session and an address.
pub(super) const CLIENTS: u32 = 1_000;

/// The time that a query is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueryScope {
    /// The time that the ledger counts.
    pub(super) bounds: LedgerBounds,
    /// The part of it that this query reads, by the time of events. Whole hours, but for the ends of the bounds.
    pub(super) part: Span,
}

/// A moment as CloudTrail writes it, so that texts can be compared.
fn moment(seconds: i64) -> String {
    let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    literal(
        &moment
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
    )
}

/// Rounds to the full hour before, and after.
fn hours_around(span: Span) -> (i64, i64) {
    let (from, to) = (span.from.as_second(), span.to.as_second());
    (from.div_euclid(HOUR_S) * HOUR_S, next_hour(to) * HOUR_S)
}

/// The condition that the texts of a moment are as CloudTrail writes them.
const READABLE: &str = "length(event_time) = 20 AND substr(event_time, 11, 1) = 'T' AND substr(event_time, 20, 1) = 'Z'";

/// The query of a part of the time.
pub(super) fn query(
    table: &TrailTable,
    partition: Option<&DayPartition>,
    scope: QueryScope,
) -> String {
    format!(
        "WITH fields AS (\n{}\n), kinds AS (\n{}\n), events AS (\n{}\n), hours AS (\n{}\n)\n{}",
        fields(table, partition, scope),
        kinds(scope.bounds),
        events(),
        hours(scope.bounds),
        rows(scope),
    )
}

/// The members that are texts in every record, by the names that the statement gives them.
const TEXTS: [(&str, &[&str]); 19] = [
    ("event_time", &["eventTime"]),
    ("source", &["eventSource"]),
    ("event_name", &["eventName"]),
    ("event_type", &["eventType"]),
    ("event_category", &["eventCategory"]),
    ("management", &["managementEvent"]),
    ("request_id", &["requestID"]),
    ("own_account", &["recipientAccountId"]),
    ("own_region", &["awsRegion"]),
    ("error_code", &["errorCode"]),
    ("error_message", &["errorMessage"]),
    ("identity_type", &["userIdentity", "type"]),
    ("identity_account", &["userIdentity", "accountId"]),
    ("invoked_by", &["userIdentity", "invokedBy"]),
    (
        "issuer_arn",
        &["userIdentity", "sessionContext", "sessionIssuer", "arn"],
    ),
    ("arn", &["userIdentity", "arn"]),
    ("principal_id", &["userIdentity", "principalId"]),
    ("source_ip", &["sourceIPAddress"]),
    ("user_agent", &["userAgent"]),
];

/// The members of the records that are of Secrets Manager: JSON is only looked into where it can matter.
fn own_members(table: &TrailTable) -> Vec<(&'static str, String)> {
    let text = |path: &[&str]| table.text(path);
    let of_service = |service: &str, value: String| {
        let source = text(&["eventSource"]);
        format!("CASE WHEN {source} = {} THEN {value} END", literal(service))
    };
    let ours = |value: String| of_service(SECRETS_MANAGER, value);
    let context = |member| {
        let value = text(&["requestParameters", "encryptionContext", member]);
        of_service(KMS, value)
    };
    let targets = TARGETS.map(|(member, key)| text(&[member, key])).join(", ");
    let version_id = ours(text(&["requestParameters", "versionId"]));
    vec![
        ("tls", ours(text(&["tlsDetails", "tlsVersion"]))),
        ("target", ours(format!("coalesce({targets})"))),
        (
            "version_stage",
            ours(text(&["requestParameters", "versionStage"])),
        ),
        ("names_version", format!("{version_id} IS NOT NULL")),
        (
            "batch_ids",
            ours(table.json(&["requestParameters", "secretIdList"])),
        ),
        (
            "batch_filters",
            ours(table.json(&["requestParameters", "filters"])),
        ),
        ("key_secret", context("SecretARN")),
        ("key_version", context("SecretVersionId")),
    ]
}

/// The members that are a yes or a no, the ids, and what the path of the file says.
fn marks(table: &TrailTable) -> Vec<(&'static str, String)> {
    let text = |path: &[&str]| table.text(path);
    let is_true = |member| format!("coalesce({} = 'true', false)", text(&[member]));
    let session = |member| table.holds(&["userIdentity", "sessionContext", member]);
    let path = |group: u8| {
        if table.has_path {
            // AWSLogs/[organization/]account/CloudTrail/Region/year/...
            format!(
                "regexp_extract(\"$path\", '/([0-9]{{12}})/CloudTrail/([a-z0-9-]+)/[0-9]{{4}}/', {group})"
            )
        } else {
            "CAST(NULL AS varchar)".to_owned()
        }
    };
    let repeated = text(&["addendum", "originalEventID"]);
    vec![
        ("read_only", is_true("readOnly")),
        (
            "event_id",
            format!("lower(coalesce({repeated}, {}))", text(&["eventID"])),
        ),
        ("shared_id", text(&["sharedEventID"])),
        ("path_account", path(1)),
        ("path_region", path(2)),
        ("web_federated", session("webIdFederationData")),
        ("ec2_delivered", session("ec2RoleDelivery")),
        (
            "vpc_endpoint",
            format!("{} IS NOT NULL", text(&["vpcEndpointId"])),
        ),
        ("from_console", is_true("sessionCredentialFromConsole")),
    ]
}

/// The members of the records.
fn fields(table: &TrailTable, partition: Option<&DayPartition>, scope: QueryScope) -> String {
    let texts = TEXTS.map(|(name, path)| (name, table.text(path)));
    let list: Vec<String> = texts
        .into_iter()
        .chain(marks(table))
        .chain(own_members(table))
        .map(|(name, value)| format!("  {value} AS {name}"))
        .collect();
    let (from, to) = hours_around(scope.part);
    let time = table.text(&["eventTime"]);
    let prune = partition.map(|partition| format!("{} AND ", partition.condition(scope.part)));
    format!(
        " SELECT\n{}\n FROM {}\n WHERE {}({time} IS NULL OR {time} >= {} AND {time} < {} OR length({time}) <> 20)",
        list.join(",\n"),
        table.name,
        prune.unwrap_or_default(),
        moment(from),
        moment(to),
    )
}

/// Returns which records count, and how.
fn kinds(bounds: LedgerBounds) -> String {
    let global: Vec<String> = GLOBAL_SERVICES.iter().map(|name| literal(name)).collect();
    let secrets_manager = literal(SECRETS_MANAGER);
    format!(
        " SELECT *,
  CASE
   WHEN NOT is_readable THEN 'unreadable'
   WHEN NOT is_inside THEN NULL
   WHEN source = {secrets_manager} AND category IN ('proof', 'assumed') AND event_type = 'AwsServiceEvent' THEN 'service'
   WHEN source = {secrets_manager} AND category IN ('proof', 'assumed') THEN 'call'
   WHEN source = {secrets_manager} AND category = 'network' AND error_code IS NOT NULL THEN 'denial'
   WHEN key_secret IS NOT NULL AND event_name = '{DECRYPT}' AND category IN ('proof', 'assumed')
    AND coalesce(key_version, '') <> '{VALIDATION}' THEN 'key'
  END AS kind,
  CASE WHEN source = {secrets_manager} THEN coalesce(own_account, path_account, identity_account)
   ELSE coalesce(path_account, own_account, identity_account) END AS hours_account,
  CASE WHEN source = {secrets_manager} THEN coalesce(own_region, path_region)
   ELSE coalesce(path_region, own_region) END AS hours_region,
  path_account IS NULL AND source IN ({}) AS is_global
 FROM (
  SELECT *,
   coalesce({READABLE}, false) AS is_readable,
   coalesce(event_time >= {} AND event_time < {}, false) AS is_inside,
   CASE
    WHEN event_type = 'AwsVpceEvent' THEN 'network'
    WHEN event_type = 'AwsCloudTrailInsight' THEN 'other'
    WHEN management = 'true' OR management IS NULL AND event_category = 'Management' THEN 'proof'
    WHEN event_category = 'NetworkActivity' THEN 'network'
    WHEN management IS NULL AND event_category IS NULL THEN 'assumed'
    ELSE 'other'
   END AS category
  FROM fields
 )",
        global.join(", "),
        moment(bounds.from),
        moment(bounds.to),
    )
}

/// Each event once, and the records of other services by day.
fn events() -> String {
    let is_event = "coalesce(kind, '') IN ('call', 'service', 'denial', 'key')";
    let line = packed(&LINE, line_value);
    let client = packed(&CLIENT, str::to_owned);
    let event = packed(&EVENT, |name| match name {
        "line" => line.clone(),
        "client" => client.clone(),
        _ => name.to_owned(),
    });
    format!(
        " SELECT
  CASE WHEN kind = 'unreadable' THEN kind WHEN {is_event} THEN 'event' ELSE 'hours' END AS kind,
  CASE WHEN {is_event} THEN coalesce(event_id, to_hex(md5(to_utf8(concat_ws('/', event_time, event_name, request_id,
   arn, source_ip, target, error_message))))) END AS event_id,
  CASE WHEN NOT ({is_event}) THEN hours_account END AS hours_account,
  CASE WHEN NOT ({is_event}) THEN hours_region END AS hours_region,
  CASE WHEN NOT ({is_event}) THEN is_global END AS is_global,
  CASE WHEN NOT ({is_event}) AND is_readable THEN substr(event_time, 1, 10) END AS day,
  min(CASE WHEN {is_event} THEN {event} END) AS event,
  count(*) AS records,
  bitwise_or_agg(CASE WHEN {is_event} OR NOT is_readable THEN 0
   ELSE bitwise_left_shift(1, CAST(substr(event_time, 12, 2) AS integer)) END) AS hours,
  bool_or(read_only) AS read_only,
  bool_or(error_code IS NULL) AS any_success,
  CASE WHEN min(other_source) = max(other_source) THEN min(other_source)
   WHEN min(other_source) <> max(other_source) THEN '*' END AS services,
  CASE WHEN min(other_name) = max(other_name) THEN min(other_name)
   WHEN min(other_name) <> max(other_name) THEN '*' END AS names,
  min(other_principal) AS first_principal,
  max(other_principal) AS last_principal
 FROM (
  SELECT *,
   CASE WHEN NOT ({is_event}) THEN source END AS other_source,
   CASE WHEN NOT ({is_event}) THEN event_name END AS other_name,
   CASE WHEN NOT ({is_event}) THEN coalesce(issuer_arn, arn, invoked_by, principal_id) END AS other_principal
  FROM kinds
 )
 WHERE {is_event} OR kind = 'unreadable' OR category = 'proof'
 GROUP BY 1, 2, 3, 4, 5, 6"
    )
}

/// Events that are alike, by the hour. The records of other services come through unchanged.
fn hours(bounds: LedgerBounds) -> String {
    let member = |name| format!("nullif({}, '') AS {name}", unpacked("event", &EVENT, name));
    let members = EVENT.map(member);
    format!(
        " SELECT *,
  row_number() OVER (
   PARTITION BY kind, line, hour, is_after
   ORDER BY xxhash64(to_utf8(client))
  ) AS place
 FROM (
  SELECT kind, line, client, substr(event_time, 1, 13) AS hour, event_time >= {} AS is_after,
   hours_account, hours_region, is_global, day,
   count(*) AS calls, min(substr(event_time, 15, 5)) AS first, max(substr(event_time, 15, 5)) AS last,
   sum(records) AS records, min(error_message) AS error_message, bitwise_or_agg(hours) AS hours,
   bool_or(read_only) AS read_only, bool_or(any_success) AS any_success,
   min(services) AS services, min(names) AS names,
   min(first_principal) AS first_principal, max(last_principal) AS last_principal
  FROM (SELECT *, {} FROM events)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
 )",
        moment(bounds.window_from),
        members.join(", ")
    )
}

/// The hours of a line, each with its calls, the first and the last of them.
const CELLS: &str = "array_join(array_agg(concat(hour, CASE WHEN is_after THEN '+' ELSE '-' END, \
     CAST(calls AS varchar), ':', replace(first, ':', ''), ':', replace(last, ':', ''))), ' ')";

/// The one hour of clients that share a row.
const FOLDED_CELL: &str = "concat(min(hour), CASE WHEN bool_or(is_after) THEN '+' ELSE '-' END, \
     CAST(sum(calls) AS varchar), ':', replace(min(first), ':', ''), ':', replace(max(last), ':', ''))";

/// The value of a column in a row of events, and in one of the hours of other records.
fn column(name: &str) -> String {
    let of_either = |event: &str, hours: &str| {
        format!("CASE WHEN kind = 'event' THEN {event} ELSE {hours} END")
    };
    let of_line = |name: &str| unpacked("line", &LINE, name);
    match name {
        "secretsweep_1" => of_either(&of_line("kind"), "kind"),
        "account" | "region" => of_either(&of_line(name), &format!("hours_{name}")),
        "category" => of_either(&of_line(name), "CASE WHEN is_global THEN 'global' END"),
        "error_code" => of_either(
            &of_line(name),
            "CASE WHEN NOT bool_or(any_success) THEN '1' END",
        ),
        "read_only" => of_either(&of_line(name), "CASE WHEN bool_or(read_only) THEN '1' END"),
        "cells" => of_either(
            &format!("CASE WHEN max(place) > {CLIENTS} THEN {FOLDED_CELL} ELSE {CELLS} END"),
            "CAST(bitwise_or_agg(hours) AS varchar)",
        ),
        "copies" => of_either(
            "CAST(sum(records - calls) AS varchar)",
            "CAST(sum(records) AS varchar)",
        ),
        "arn" | "principal_id" | "source_ip" => unpacked("min_by(client, place)", &CLIENT, name),
        "error_message" => "min(error_message)".to_owned(),
        "folded" => format!(
            "CASE WHEN kind = 'event' AND max(place) > {CLIENTS} THEN CAST(count(*) AS varchar) END"
        ),
        "day" => "day".to_owned(),
        "services" | "names" => of_either("NULL", &format!("min({name})")),
        "principals" => of_either(
            "NULL",
            "CASE WHEN min(first_principal) = max(last_principal) THEN min(first_principal) \
             WHEN min(first_principal) <> max(last_principal) THEN '*' END",
        ),
        _ => of_line(name),
    }
}

/// The rows of the answer: the lines, the hours of other records, and what the query was for.
fn rows(scope: QueryScope) -> String {
    let of_scope = |name: &str| match name {
        "secretsweep_1" => "'span'".to_owned(),
        "account" => moment(scope.bounds.from),
        "region" => moment(scope.bounds.to),
        "category" => moment(scope.bounds.window_from),
        "path_account" => moment(scope.part.from.as_second()),
        "path_region" => moment(scope.part.to.as_second()),
        _ => "NULL".to_owned(),
    };
    let list = |value: &dyn Fn(&str) -> String| {
        let all: Vec<String> = COLUMNS
            .iter()
            .map(|name| format!(" CAST({} AS varchar) AS {name}", value(name)))
            .collect();
        all.join(",\n")
    };
    format!(
        "SELECT\n{}\nFROM hours\nGROUP BY kind, line, hours_account, hours_region, is_global, day,\n \
         CASE WHEN kind <> 'event' OR place <= {CLIENTS} THEN client END,\n \
         CASE WHEN kind = 'event' AND place > {CLIENTS} THEN hour END,\n \
         CASE WHEN kind = 'event' AND place > {CLIENTS} THEN is_after END\n\
         UNION ALL\nSELECT\n{}",
        list(&column),
        list(&of_scope),
    )
}
