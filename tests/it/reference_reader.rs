//! What a trail says, read without haste: every document parsed whole, every rule written down once more.
//!
//! The reading under test must tell a sink the same. Where a file has no certain meaning (no JSON, a key that stands
//! twice, an event without an id) there is no answer to compare with.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use secretsweep::domain::trail::event::{
    Batch, EventId, EventSink, Identity, RecordKind, TlsVersion, TrailEvent, Variety,
};
use secretsweep::domain::trail::record::TrailOwner;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Everything a sink was told, in a form that does not depend on how often and in what order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Every event, as text, and how often it came.
    pub events: BTreeMap<String, u32>,
    pub hours: BTreeSet<(String, String, u32)>,
    pub read_only_days: BTreeSet<(String, String, u32)>,
    pub varieties: BTreeMap<(String, String), Variety>,
}

impl Told {
    /// Takes in a management event: what it proves of its account and Region.
    fn management(&mut self, (account, region): (&str, &str), record: &Value) {
        let hour = time_of(record).unwrap_or_default() / 3_600;
        let read_only = truth(record, "readOnly");
        self.active_hour(account, region, u32::try_from(hour).unwrap(), read_only);
        let mut variety = Variety::default();
        for (values, pointer) in [
            (&mut variety.services, "/eventSource"),
            (&mut variety.names, "/eventName"),
        ] {
            if let Some(value) = text(record, pointer) {
                values.add(&value);
            }
        }
        let principal = [
            "/userIdentity/sessionContext/sessionIssuer/arn",
            "/userIdentity/arn",
            "/userIdentity/invokedBy",
            "/userIdentity/principalId",
        ];
        let principal = principal.iter().find_map(|pointer| text(record, pointer));
        if let Some(principal) = principal {
            variety.identities.add(&principal);
        }
        variety.any_success = text(record, "/errorCode").is_none();
        self.variety(account, region, &variety);
    }
}

impl EventSink for Told {
    fn event(&mut self, event: &TrailEvent<'_>) {
        *self.events.entry(format!("{event:?}")).or_default() += 1;
    }

    fn active_hour(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        self.hours
            .insert((account.to_owned(), region.to_owned(), hour));
        if read_only {
            self.read_only_days
                .insert((account.to_owned(), region.to_owned(), hour / 24));
        }
    }

    fn variety(&mut self, account: &str, region: &str, variety: &Variety) {
        let key = (account.to_owned(), region.to_owned());
        self.varieties.entry(key).or_default().merge(variety);
    }
}

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub told: Told,
    /// Records without a readable time.
    pub unreadable: u64,
}

/// The answer, if there is one.
pub fn parsed_whole(bytes: &[u8], scope: Option<TrailOwner<'_>>) -> Option<Answer> {
    let all = records_of(bytes)?;
    let records: Vec<&Value> = all.iter().filter(|one| time_of(one).is_some()).collect();
    let believed = scope.filter(|scope| {
        let agrees = |key: &str, path: &str| {
            records
                .first()
                .is_none_or(|first| text(first, key).is_none_or(|own| own == path))
        };
        agrees("/recipientAccountId", scope.account) && agrees("/awsRegion", scope.region)
    });
    let mut told = Told::default();
    for &record in &records {
        let account = text(record, "/recipientAccountId")
            .or(scope.map(|scope| scope.account.to_owned()))
            .or(text(record, "/userIdentity/accountId"))
            .unwrap_or_default();
        let region = text(record, "/awsRegion")
            .or(scope.map(|scope| scope.region.to_owned()))
            .unwrap_or_default();
        let ours = record["eventSource"] == "secretsmanager.amazonaws.com";
        let (is_management, is_network) = standing_of(record);
        if is_management == Some(true) {
            match believed {
                _ if ours => told.management((&account, &region), record),
                Some(scope) => told.management((scope.account, scope.region), record),
                None if is_global(&region, record) => {
                    told.management((&account, &format!("!{region}")), record);
                }
                None => told.management((&account, &region), record),
            }
        }
        let is_refusal = is_network && text(record, "/errorCode").is_some();
        if ours && (is_management != Some(false) || is_refusal) {
            let event = event_of(record, account, region)?;
            told.event(&if is_refusal {
                TrailEvent {
                    kind: RecordKind::EndpointDenial,
                    ..event
                }
            } else {
                event
            });
        } else if is_management != Some(false)
            && let Some(arn) = key_use(record)
        {
            told.event(&TrailEvent {
                kind: RecordKind::KeyUse,
                target: Some(Cow::Owned(arn)),
                ..event_of(record, account, region)?
            });
        }
    }
    Some(Answer {
        told,
        unreadable: (all.len() - records.len()) as u64,
    })
}

/// Returns whether a record is a management event, if it says so, and whether it is a network activity event.
fn standing_of(record: &Value) -> (Option<bool>, bool) {
    let category = text(record, "/eventCategory");
    let management = record
        .get("managementEvent")
        .filter(|value| !value.is_null())
        .map(|_| truth(record, "managementEvent"));
    if record["eventType"] == "AwsVpceEvent" {
        (Some(false), true)
    } else if record["eventType"] == "AwsCloudTrailInsight" {
        (Some(false), false)
    } else {
        let by_category = category.as_ref().map(|category| category == "Management");
        let is_network = category.as_deref() == Some("NetworkActivity");
        let is_management = management.or(by_category);
        (is_management, is_network && is_management != Some(true))
    }
}

/// The secret for which KMS decrypts, if that is what the record shows.
fn key_use(record: &Value) -> Option<String> {
    let is_use = record["eventSource"] == "kms.amazonaws.com" && record["eventName"] == "Decrypt";
    let context = record.pointer("/requestParameters/encryptionContext")?;
    let is_check = context["SecretVersionId"] == "RequestToValidateKeyAccess";
    text(context, "/SecretARN").filter(|_| is_use && !is_check)
}

/// Services that log in the home Region of the partition, whatever trail holds the record.
fn is_global(region: &str, record: &Value) -> bool {
    let services = [
        "iam",
        "sts",
        "cloudfront",
        "route53",
        "route53domains",
        "organizations",
        "signin",
        "support",
        "waf",
        "shield",
    ];
    let service = text(record, "/eventSource").unwrap_or_default();
    ["us-east-1", "us-gov-west-1", "cn-north-1"].contains(&region)
        && services
            .iter()
            .any(|one| service == format!("{one}.amazonaws.com"))
}

fn records_of(bytes: &[u8]) -> Option<Vec<Value>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut records = Vec::new();
    for document in serde_json::Deserializer::from_slice(bytes).into_iter::<Strict>() {
        let Strict(document) = document.ok()?;
        // Which of two lists is the right one, nobody can say.
        if document.get("Records").is_some() && document.get("Events").is_some() {
            return None;
        }
        let listed = ["Records", "Events"]
            .iter()
            .find_map(|key| document.get(*key)?.as_array());
        match listed.or(document.as_array()) {
            Some(entries) => records.extend(entries.iter().cloned()),
            None => records.push(document),
        }
    }
    for record in &mut records {
        if let (None, Some(inner)) = (record.get("eventTime"), record.get("CloudTrailEvent")) {
            let inner = inner
                .as_str()
                .map(|text| serde_json::from_str::<Strict>(text).ok());
            match inner {
                Some(Some(Strict(inner))) => *record = inner,
                _ => return None,
            }
        }
    }
    Some(records)
}

fn text(record: &Value, pointer: &str) -> Option<String> {
    let text = record.pointer(pointer)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// `true`, or the word as a string.
fn truth(record: &Value, key: &str) -> bool {
    record[key] == true || record[key] == "true"
}

/// A text inside a member, which may itself be JSON in a string, as Athena has it.
fn inside(record: &Value, member: &str, key: &str) -> Option<String> {
    let value = record.get(member)?;
    match value.as_str().filter(|json| !json.is_empty()) {
        Some(json) => {
            let Strict(value) = serde_json::from_str(json).ok()?;
            text(&value, &format!("/{key}"))
        }
        None => text(value, &format!("/{key}")),
    }
}

/// Seconds since 1970-01-01T00:00:00Z of `YYYY-MM-DDTHH:MM:SS` (also with `t` or a blank), an optional fraction, and an
/// optional zone. A leap second belongs to the next minute.
fn time_of(record: &Value) -> Option<i64> {
    let time = text(record, "/eventTime")?;
    let (minute, rest) = (time.get(..16)?, time.get(16..)?);
    if !matches!(minute.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let minute = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M", minute.replace(['T', 't'], " "));
    let second: i64 = rest.get(1..3)?.parse().ok()?;
    let digits = rest.as_bytes()[1..3].iter().all(u8::is_ascii_digit);
    if !rest.starts_with(':') || !digits || second > 60 {
        return None;
    }
    let mut zone = &rest[3..];
    if let Some(fraction) = zone.strip_prefix('.') {
        zone = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
        if zone.len() == fraction.len() {
            return None;
        }
    }
    let east = if matches!(zone, "" | "Z" | "z" | " UTC") {
        0
    } else {
        let clock: Vec<i64> = zone
            .get(1..)?
            .bytes()
            .map(|byte| i64::from(byte) - 48)
            .collect();
        let (hours, minutes) = match clock[..] {
            [a, b] => ([a, b], [0, 0]),
            [a, b, c, d] | [a, b, 10, c, d] => ([a, b], [c, d]),
            _ => return None,
        };
        if [hours, minutes]
            .concat()
            .iter()
            .any(|digit| !(0..10).contains(digit))
        {
            return None;
        }
        let (hours, minutes) = (hours[0] * 10 + hours[1], minutes[0] * 10 + minutes[1]);
        let sign = match zone.as_bytes()[0] {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        if hours > 23 || minutes > 59 {
            return None;
        }
        sign * (hours * 3_600 + minutes * 60)
    };
    let minute = minute.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    let moment = minute.timestamp().as_second() + second - east;
    (moment >= 0).then_some(moment)
}

fn event_of(record: &Value, account: String, region: String) -> Option<TrailEvent<'static>> {
    let cow = |pointer: &str| text(record, pointer).map(Cow::Owned);
    let holds = |pointer: &str| {
        let value = record.pointer(pointer).map(Value::to_string);
        value.is_some_and(|json| !matches!(json.as_str(), "null" | "{}" | "\"\"" | "[]"))
    };
    Some(TrailEvent {
        id: EventId::new(
            &inside(record, "addendum", "originalEventID").or(text(record, "/eventID"))?,
        ),
        shared_id: text(record, "/sharedEventID").map(|id| EventId::new(&id)),
        time: time_of(record)?,
        account: account.into(),
        region: region.into(),
        name: cow("/eventName").unwrap_or_default(),
        kind: if record["eventType"] == "AwsServiceEvent" {
            RecordKind::ServiceEvent
        } else {
            RecordKind::Call
        },
        names_version: inside(record, "requestParameters", "versionId").is_some(),
        batch: (record["eventName"] == "BatchGetSecretValue").then(|| {
            let request = match record["requestParameters"].as_str() {
                Some(json) => serde_json::from_str(json).unwrap_or_default(),
                None => record["requestParameters"].clone(),
            };
            let ids = request["secretIdList"].as_array().into_iter().flatten();
            let filters = request["filters"].as_array().filter(|all| !all.is_empty());
            Batch {
                ids: ids
                    .filter_map(|id| id.as_str())
                    .filter(|id| !id.is_empty())
                    .map(|id| Cow::Owned(id.to_owned()))
                    .collect(),
                filters: filters.map(|all| Cow::Owned(Value::from(all.clone()).to_string())),
            }
        }),
        error_code: cow("/errorCode"),
        error_message: cow("/errorMessage"),
        target: [
            ("responseElements", "arn"),
            ("responseElements", "aRN"),
            ("requestParameters", "secretId"),
            ("requestParameters", "name"),
            ("additionalEventData", "ARN"),
            ("additionalEventData", "SecretId"),
            ("serviceEventDetails", "secretId"),
        ]
        .iter()
        .find_map(|(member, key)| inside(record, member, key))
        .map(Cow::Owned),
        version_stage: inside(record, "requestParameters", "versionStage").map(Cow::Owned),
        identity: Identity {
            kind: cow("/userIdentity/type"),
            arn: cow("/userIdentity/arn"),
            account: cow("/userIdentity/accountId"),
            principal_id: cow("/userIdentity/principalId"),
            user_name: cow("/userIdentity/userName"),
            invoked_by: cow("/userIdentity/invokedBy"),
            issuer_arn: cow("/userIdentity/sessionContext/sessionIssuer/arn"),
            web_federated: holds("/userIdentity/sessionContext/webIdFederationData"),
            ec2_delivered: holds("/userIdentity/sessionContext/ec2RoleDelivery"),
        },
        source_ip: cow("/sourceIPAddress"),
        user_agent: cow("/userAgent"),
        vpc_endpoint: text(record, "/vpcEndpointId").is_some(),
        from_console: truth(record, "sessionCredentialFromConsole"),
        tls: match inside(record, "tlsDetails", "tlsVersion").as_deref() {
            Some("TLSv1.3") => TlsVersion::V1_3,
            Some("TLSv1.2") => TlsVersion::V1_2,
            Some("TLSv1.1" | "TLSv1.0" | "TLSv1" | "SSLv3") => TlsVersion::Old,
            _ => TlsVersion::Unknown,
        },
    })
}

/// JSON in which no object has a key twice: what that means, no standard says.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON whose keys stand once")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(element)) = elements.next_element()? {
            all.push(element);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((key, Strict(value))) = members.next_entry::<String, _>()? {
            if all.insert(key, value).is_some() {
                return Err(serde::de::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(all))
    }
}
