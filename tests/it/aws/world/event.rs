//! An event of CloudTrail's history.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{at, hash};

/// A record of CloudTrail's event history.
#[derive(Clone, Default)]
pub struct Event {
    /// The time when it happened.
    pub time: Timestamp,
    /// `eventID`.
    pub id: String,
    /// `eventName`.
    pub name: String,
    /// `eventSource`.
    pub source: String,
    /// `true` or `false`, as text.
    pub read_only: String,
    /// The user's name or the session's; absent for service events.
    pub username: Option<String>,
    /// Absent for service events.
    pub access_key: Option<String>,
    /// Type and name of each.
    pub resources: Vec<(String, String)>,
    /// The whole record, as `CloudTrailEvent` hands it out.
    pub text: String,
}

impl Event {
    /// Takes what `LookupEvents` shows beside the record out of the record.
    ///
    /// # Panics
    /// When the text is no record with an `eventTime`; [`Event::malformed`] is for that.
    pub fn of(text: impl Into<String>) -> Self {
        let text = text.into();
        let record: Value = serde_json::from_str(&text).expect("a record is JSON");
        let word = |path: &str| {
            record
                .pointer(path)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let session =
            word("/userIdentity/arn").and_then(|arn| Some(arn.rsplit_once('/')?.1.to_owned()));
        let read_only = record.get("readOnly").and_then(Value::as_bool) == Some(true);
        Self {
            time: at(&word("/eventTime").expect("a record has an eventTime")),
            id: word("/eventID").unwrap_or_default(),
            name: word("/eventName").unwrap_or_default(),
            source: word("/eventSource").unwrap_or_default(),
            read_only: read_only.to_string(),
            username: word("/userIdentity/userName").or(session),
            access_key: word("/userIdentity/accessKeyId"),
            resources: Vec::new(),
            text,
        }
    }

    /// A `GetSecretValue` at that time by a role's session, as the application's SDK would cause it.
    /// The event id follows from all arguments.
    pub fn read(
        time: &str,
        account: &str,
        region: &str,
        secret_id: &str,
        role: &str,
        session: &str,
    ) -> Self {
        let id = hash(&[time, account, region, secret_id, role, session].join("|"));
        let record = json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": format!("AROAEXAMPLE:{session}"),
                "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
                "accountId": account,
                "accessKeyId": "ASIAEXAMPLE",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": "AROAEXAMPLE",
                        "arn": format!("arn:aws:iam::{account}:role/{role}"),
                        "accountId": account,
                        "userName": role,
                    },
                    "attributes": { "creationDate": time, "mfaAuthenticated": "false" },
                },
            },
            "eventTime": time,
            "eventSource": "secretsmanager.amazonaws.com",
            "eventName": "GetSecretValue",
            "awsRegion": region,
            "sourceIPAddress": "10.0.0.7",
            "userAgent": "Boto3/1.40.0 md/Botocore#1.40.0 lang/python#3.13",
            "requestParameters": { "secretId": secret_id },
            "responseElements": null,
            "requestID": format!("{id:016x}"),
            "eventID": format!("{:08x}-0000-4000-8000-{:012x}", id >> 32, id & 0xffff_ffff),
            "readOnly": true,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": account,
            "eventCategory": "Management",
        });
        Self::of(record.to_string())
    }

    /// The same call, refused because the secret is pending deletion.
    pub fn in_vain(self) -> Self {
        const REFUSED: &str = r#""errorCode":"InvalidRequestException","errorMessage":"You can't perform this operation on the secret because it was marked for deletion.","responseElements""#;
        Self::of(self.text.replace(r#""responseElements""#, REFUSED))
    }

    /// An event of Secrets Manager whose record is broken text.
    pub fn malformed(time: &str, text: &str) -> Self {
        Self {
            time: at(time),
            id: format!("broken-{:x}", hash(text)),
            name: "GetSecretValue".to_owned(),
            source: "secretsmanager.amazonaws.com".to_owned(),
            read_only: "true".to_owned(),
            text: text.to_owned(),
            ..Self::default()
        }
    }
}
