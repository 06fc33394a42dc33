//! A small world for one test: secrets, calls and quiet background in AWS's own shapes, scanned by the real program.
//!
//! A test says what stands in the inventory and who called what when; [`World::scan`] writes both as AWS would
//! (`list-secrets` output, gzipped log files in the layout of a trail, delivered minutes after the events) and runs the
//! binary. Nothing of the library is used, so that the tests see what a user sees.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock};

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aws::without_foreign;

pub use crate::run_result::{codes, verdict};

/// The moment of every scan, unless a test says another one: a full hour, the first of a month.
pub const NOW: &str = "2026-11-01T00:00:00Z";
/// The same, in seconds since 1970.
pub const NOW_S: i64 = 1_793_491_200;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

pub const ACCOUNT: &str = "111122223333";
pub const OTHER: &str = "444455556666";
pub const EAST: &str = "us-east-1";
pub const WEST: &str = "eu-west-1";

pub const BOTO: &str =
    "Boto3/1.34.2 md/Botocore#1.34.2 ua/2.0 os/linux#5.10 md/arch#x86_64 lang/python#3.11.6";
pub const JAVA_CACHE: &str = "AwsSecretCache/2.0.0 aws-sdk-java/2.25.1 Linux/5.10 OpenJDK_64-Bit";
/// Terraform refreshes a secret version that it manages by the id of the version; a data source names a stage.
pub fn refresh(secret: &str) -> Call {
    get(secret)
        .agent(TERRAFORM)
        .request(json!({"secretId": secret, "versionId": "7dc59e8b-63ae-454d-b7a4-8a7d64ab05e7"}))
}

pub const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.7.4 (+https://www.terraform.io) \
     terraform-provider-aws/5.41.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.25.3";

/// A moment so many days before the scan.
pub fn days_ago(days: i64) -> i64 {
    NOW_S - days * DAY
}

/// A moment as CloudTrail writes it.
pub fn time(second: i64) -> String {
    Timestamp::from_second(second).unwrap().to_string()
}

/// The day of a moment, `2026-10-31`.
pub fn day(second: i64) -> String {
    time(second)[..10].to_owned()
}

// ---------------------------------------------------------------------------------------------- inventory

/// A secret of the inventory.
#[derive(Clone, Debug)]
pub struct Secret {
    pub account: String,
    pub region: String,
    pub name: String,
    pub suffix: String,
    fields: BTreeMap<String, Value>,
    tags: Vec<(String, String)>,
}

/// A secret that is 400 days old and was last read 200 days ago: idle, unless a test adds something.
pub fn idle(name: &str) -> Secret {
    never(name).accessed(200)
}

/// A secret that is 400 days old and was never read.
pub fn never(name: &str) -> Secret {
    Secret {
        account: ACCOUNT.to_owned(),
        region: EAST.to_owned(),
        name: name.to_owned(),
        suffix: "AbC123".to_owned(),
        fields: BTreeMap::new(),
        tags: Vec::new(),
    }
    .created(400)
    .set(
        "SecretVersionsToStages",
        json!({"e75a49b6-e07a-4bd9-acd7-510557dfc9b1": ["AWSCURRENT"]}),
    )
}

impl Secret {
    pub fn at(mut self, account: &str, region: &str) -> Self {
        account.clone_into(&mut self.account);
        region.clone_into(&mut self.region);
        self
    }

    pub fn region(self, region: &str) -> Self {
        self.at(ACCOUNT, region)
    }

    pub fn suffix(mut self, suffix: &str) -> Self {
        suffix.clone_into(&mut self.suffix);
        self
    }

    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.fields.insert(key.to_owned(), value);
        self
    }

    pub fn without(mut self, key: &str) -> Self {
        self.fields.remove(key);
        self
    }

    /// Created so many days before the scan, and not changed since. The AWS CLI prints the local time with its offset.
    pub fn created(self, days: i64) -> Self {
        let local = time(days_ago(days) + 2 * HOUR).replace('Z', ".123000+02:00");
        self.set("CreatedDate", json!(local))
            .set("LastChangedDate", json!(local))
    }

    /// The entry as `--query` leaves it: the ARN, the name and these fields.
    pub fn only(mut self, keys: &[&str]) -> Self {
        self.fields.retain(|key, _| keys.contains(&key.as_str()));
        self
    }

    /// Last accessed so many days before the scan: midnight, as AWS gives it.
    pub fn accessed(self, days: i64) -> Self {
        let local = time(days_ago(days) + 2 * HOUR).replace('Z', "+02:00");
        self.set("LastAccessedDate", json!(local))
    }

    /// Returns whether AWS saw a good read of it within so many days.
    pub fn accessed_within(&self, days: i64) -> bool {
        let text = self.fields.get("LastAccessedDate").and_then(Value::as_str);
        text.is_some_and(|text| text[..10] >= *day(days_ago(days)))
    }

    pub fn deleted(self, days: i64) -> Self {
        self.set("DeletedDate", json!(time(days_ago(days))))
    }

    pub fn primary(self, region: &str) -> Self {
        self.set("PrimaryRegion", json!(region))
    }

    pub fn customer_key(self) -> Self {
        self.set(
            "KmsKeyId",
            json!("arn:aws:kms:us-east-1:111122223333:key/0f2a"),
        )
    }

    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Rotated by this Lambda function.
    pub fn rotated_by(self, function: &str) -> Self {
        let arn = format!(
            "arn:aws:lambda:{}:{}:function:{function}",
            self.region, self.account
        );
        self.set("RotationEnabled", json!(true))
            .set("RotationLambdaARN", json!(arn))
    }

    pub fn arn(&self) -> String {
        format!(
            "arn:aws:secretsmanager:{}:{}:secret:{}-{}",
            self.region, self.account, self.name, self.suffix
        )
    }

    pub fn entry(&self) -> Value {
        let mut entry = json!({"ARN": self.arn(), "Name": self.name});
        for (key, value) in &self.fields {
            entry[key] = value.clone();
        }
        if !self.tags.is_empty() {
            let tags: Vec<Value> = self
                .tags
                .iter()
                .map(|(key, value)| json!({"Key": key, "Value": value}))
                .collect();
            entry["Tags"] = json!(tags);
        }
        entry
    }
}

// --------------------------------------------------------------------------------------------------- calls

/// A record of a trail.
#[derive(Clone, Debug)]
pub struct Call {
    pub at: i64,
    pub account: String,
    pub region: String,
    pub source: String,
    pub name: String,
    pub identity: Value,
    pub address: String,
    pub agent: String,
    pub error: Option<(String, Option<String>)>,
    pub request: Value,
    pub response: Value,
    pub additional: Option<Value>,
    pub read_only: bool,
    pub service_event: bool,
    /// `Management`, `Data`, `NetworkActivity`, `Insight`.
    pub category: String,
    pub id: Option<String>,
    pub shared: Option<String>,
    /// More members, in AWS's place for them (before `eventCategory`).
    pub more: Vec<(String, Value)>,
    /// Members to leave out.
    pub left_out: Vec<String>,
}

/// An assumed role: what nearly every application is.
pub fn role(name: &str, session: &str) -> Value {
    role_of(ACCOUNT, name, session)
}

pub fn role_of(account: &str, name: &str, session: &str) -> Value {
    json!({
        "type": "AssumedRole",
        "principalId": format!("AROAEXAMPLE{}:{session}", name.len()),
        "arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
        "accountId": account,
        "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": format!("AROAEXAMPLE{}", name.len()),
                "arn": role_arn(account, name),
                "accountId": account,
                "userName": name,
            },
            "webIdFederationData": {},
            "attributes": {"creationDate": "2026-10-01T00:00:00Z", "mfaAuthenticated": "false"},
        },
    })
}

pub fn role_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

pub fn user(name: &str) -> Value {
    json!({
        "type": "IAMUser",
        "principalId": "AIDAEXAMPLE",
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        "accountId": ACCOUNT,
        "accessKeyId": "AKIAEXAMPLE",
        "userName": name,
    })
}

/// `api` of Secrets Manager with a `secretId`, by an application's role, one day before the scan.
pub fn call(api: &str, secret_id: &str) -> Call {
    Call {
        at: days_ago(1) + 6 * HOUR,
        account: ACCOUNT.to_owned(),
        region: EAST.to_owned(),
        source: "secretsmanager.amazonaws.com".to_owned(),
        name: api.to_owned(),
        identity: role("app", "worker"),
        address: "10.0.0.7".to_owned(),
        agent: BOTO.to_owned(),
        error: None,
        request: json!({"secretId": secret_id}),
        response: Value::Null,
        additional: None,
        read_only: api.starts_with("Get")
            || api.starts_with("Describe")
            || api.starts_with("List")
            || api.starts_with("BatchGet"),
        service_event: false,
        category: "Management".to_owned(),
        id: None,
        shared: None,
        more: Vec::new(),
        left_out: Vec::new(),
    }
}

pub fn get(secret_id: &str) -> Call {
    call("GetSecretValue", secret_id)
}

pub fn describe(secret_id: &str) -> Call {
    call("DescribeSecret", secret_id)
}

/// A call that IAM refuses: the secret stands only in the error message.
pub fn denied(api: &str, resource: &str, because: &str) -> Call {
    let mut call = call(api, "");
    call.request = Value::Null;
    call.error = Some((
        "AccessDenied".to_owned(),
        Some(format!(
            "User: arn:aws:sts::{ACCOUNT}:assumed-role/app/worker is not authorized to perform: \
             secretsmanager:{api} on resource: {resource} {because}"
        )),
    ));
    call
}

/// Returns what Secrets Manager logs of itself: no type, no parameters, the ARN in `additionalEventData`.
pub fn service_event(name: &str, additional: Value) -> Call {
    let service = "secretsmanager.amazonaws.com".to_owned();
    Call {
        identity: json!({"accountId": ACCOUNT, "invokedBy": service}),
        address: service.clone(),
        agent: service,
        request: Value::Null,
        additional: Some(additional),
        read_only: false,
        service_event: true,
        ..call(name, "")
    }
}

/// A call of another service: proves only that the trail was heard.
/// A call of another service. One hour after the other it is of another service and another caller, as in every whole
/// trail.
pub fn background(account: &str, region: &str, at: i64) -> Call {
    let (source, name, by) = match at.div_euclid(HOUR) % 3 {
        0 => ("ec2.amazonaws.com", "DescribeInstances", "inventory"),
        1 => ("s3.amazonaws.com", "GetBucketAcl", "delivery"),
        _ => ("monitoring.amazonaws.com", "DescribeAlarms", "on-call"),
    };
    Call {
        at,
        account: account.to_owned(),
        region: region.to_owned(),
        source: source.to_owned(),
        identity: role_of(account, by, "i-0123456789abcdef0"),
        request: json!({"maxResults": 100}),
        ..call(name, "")
    }
}

impl Call {
    pub fn at(mut self, second: i64) -> Self {
        self.at = second;
        self
    }

    /// So many days before the scan, at 06:00.
    pub fn days(self, days: i64) -> Self {
        self.at(days_ago(days) + 6 * HOUR)
    }

    pub fn place(mut self, account: &str, region: &str) -> Self {
        account.clone_into(&mut self.account);
        region.clone_into(&mut self.region);
        self
    }

    pub fn region(self, region: &str) -> Self {
        let account = self.account.clone();
        self.place(&account, region)
    }

    pub fn by(mut self, identity: Value) -> Self {
        self.identity = identity;
        self
    }

    pub fn agent(mut self, agent: &str) -> Self {
        agent.clone_into(&mut self.agent);
        self
    }

    pub fn via(mut self, address: &str) -> Self {
        address.clone_into(&mut self.address);
        self
    }

    pub fn error(mut self, code: &str, message: &str) -> Self {
        self.error = Some((code.to_owned(), Some(message.to_owned())));
        self
    }

    pub fn request(mut self, request: Value) -> Self {
        self.request = request;
        self
    }

    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    pub fn shared(mut self, id: &str) -> Self {
        self.shared = Some(id.to_owned());
        self
    }

    pub fn more(mut self, key: &str, value: Value) -> Self {
        self.more.push((key.to_owned(), value));
        self
    }

    pub fn leave_out(mut self, key: &str) -> Self {
        self.left_out.push(key.to_owned());
        self
    }

    /// Leaves out the parameters, as CloudTrail does in most records of refused calls.
    pub fn unnamed(self) -> Self {
        self.request(Value::Null)
    }

    /// Made by an AWS service on behalf of the caller.
    pub fn invoked_by(mut self, service: &str) -> Self {
        self.identity["invokedBy"] = json!(service);
        self.via(service).agent(service)
    }

    /// An event of another category than management.
    pub fn category(mut self, category: &str) -> Self {
        category.clone_into(&mut self.category);
        self
    }

    pub fn writes(mut self) -> Self {
        self.read_only = false;
        self
    }

    /// The same call `times` times, one in `step` seconds.
    pub fn every(self, step: i64, times: i64) -> Vec<Self> {
        (0..times)
            .map(|number| self.clone().at(self.at + number * step))
            .collect()
    }

    /// The record, its members in the order in which AWS writes them.
    pub fn record(&self, number: usize) -> String {
        let kind = match self.category.as_str() {
            "NetworkActivity" => "AwsVpceEvent",
            "Insight" => "AwsCloudTrailInsight",
            _ if self.service_event => "AwsServiceEvent",
            _ => "AwsApiCall",
        };
        let id = self.id.clone().unwrap_or_else(|| {
            let day = self.at.div_euclid(DAY);
            format!("{day:08x}-{:04x}-4000-8000-{number:012x}", self.at % 65_521)
        });
        let mut members: Vec<(&str, Value)> = vec![
            ("eventVersion", json!("1.11")),
            ("userIdentity", self.identity.clone()),
            ("eventTime", json!(time(self.at))),
            ("eventSource", json!(self.source)),
            ("eventName", json!(self.name)),
            ("awsRegion", json!(self.region)),
            ("sourceIPAddress", json!(self.address)),
            ("userAgent", json!(self.agent)),
        ];
        if let Some((code, message)) = &self.error {
            if !code.is_empty() {
                members.push(("errorCode", json!(code)));
            }
            members.extend(
                message
                    .as_ref()
                    .map(|message| ("errorMessage", json!(message))),
            );
        }
        members.push(("requestParameters", self.request.clone()));
        members.push(("responseElements", self.response.clone()));
        members.extend(
            self.additional
                .clone()
                .map(|data| ("additionalEventData", data)),
        );
        if !self.more.iter().any(|(key, _)| key == "requestID") {
            let request = format!("65dae92c-b692-4cf4-9b02-{number:012x}");
            members.push(("requestID", json!(request)));
        }
        members.push(("eventID", json!(id)));
        members.push(("readOnly", json!(self.read_only)));
        members.push(("eventType", json!(kind)));
        members.push(("managementEvent", json!(self.category == "Management")));
        members.push(("recipientAccountId", json!(self.account)));
        members.extend(self.shared.as_ref().map(|id| ("sharedEventID", json!(id))));
        members.extend(
            self.more
                .iter()
                .map(|(key, value)| (key.as_str(), value.clone())),
        );
        members.push(("eventCategory", json!(self.category)));
        let has_tls = self.more.iter().any(|(key, _)| key == "tlsDetails");
        if !self.service_event && !has_tls {
            let host = format!("secretsmanager.{}.amazonaws.com", self.region);
            members.push((
                "tlsDetails",
                json!({"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": host}),
            ));
        }
        let mut text = String::from("{");
        for (key, value) in members {
            if !self.left_out.iter().any(|out| out == key) {
                let comma = if text.len() > 1 { "," } else { "" };
                write!(text, "{comma}\"{key}\":{value}").unwrap();
            }
        }
        text + "}"
    }
}

// --------------------------------------------------------------------------------------------------- files

/// Gzips bytes as one member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A log file of these records.
pub fn log(calls: &[Call]) -> String {
    let records: Vec<String> = calls
        .iter()
        .enumerate()
        .map(|(number, call)| call.record(number))
        .collect();
    format!("{{\"Records\":[{}]}}", records.join(","))
}

/// The output of `aws cloudtrail lookup-events` for these records.
pub fn lookup(calls: &[Call]) -> Value {
    let event = |(number, call): (usize, &Call)| {
        json!({
            "EventId": format!("{number:08x}-0000-4000-8000-000000000000"),
            "EventName": call.name,
            "ReadOnly": call.read_only.to_string(),
            "EventTime": time(call.at),
            "EventSource": call.source,
            "Username": "worker",
            "Resources": [],
            "CloudTrailEvent": call.record(number),
        })
    };
    json!({"Events": calls.iter().enumerate().map(event).collect::<Vec<_>>()})
}

/// The path of a log file in the layout of a trail. It is delivered minutes after the hour that ends its day, so it lies
/// in the folder of the day after.
pub fn log_path(account: &str, region: &str, last: i64, unique: &str) -> String {
    let stamp = time((last.div_euclid(DAY) + 1) * DAY + 300);
    let (date, clock) = (&stamp[..10], &stamp[11..16]);
    format!(
        "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}T{}Z_{unique:0>16}.json.gz",
        date.replace('-', "/"),
        date.replace('-', ""),
        clock.replace(':', "")
    )
}

pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Returns what other services leave in an hour of a trail: callers, services and calls change, as in every real
/// account.
pub fn bustle(account: &str, region: &str, at: i64) -> Call {
    let kinds = [
        ("ec2", "DescribeInstances", "inventory"),
        ("sts", "GetCallerIdentity", "app"),
        ("s3", "ListBuckets", "backup"),
        ("logs", "DescribeLogGroups", "shipper"),
        ("dynamodb", "DescribeTable", "orders"),
    ];
    let (service, name, caller) = kinds[usize::try_from(at / HOUR % 5).unwrap()];
    let mut call = background(account, region, at);
    call.source = format!("{service}.amazonaws.com");
    name.clone_into(&mut call.name);
    call.by(role_of(account, caller, "i-0123456789abcdef0"))
}

/// Returns what a quiet account has in each hour: a service that assumes a role.
pub fn heartbeat(account: &str, region: &str, at: i64) -> Call {
    let mut call = background(account, region, at);
    "sts.amazonaws.com".clone_into(&mut call.source);
    "AssumeRole".clone_into(&mut call.name);
    call.by(json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}))
}

/// Which hours of a scope the trail speaks of.
#[derive(Clone, Debug)]
struct Logging {
    account: String,
    region: String,
    /// Seconds since 1970: from inclusive, to exclusive.
    from: i64,
    to: i64,
    holes: Vec<(i64, i64)>,
    read_only: bool,
}

type Packed = BTreeMap<(String, String, i64, bool), Vec<u8>>;

impl Logging {
    fn write(&self, root: &Path) {
        static PACKED: OnceLock<Mutex<Packed>> = OnceLock::new();
        for day in self.from.div_euclid(DAY)..=(self.to - 1).div_euclid(DAY) {
            let hours: Vec<i64> = (0..24)
                .map(|hour| day * DAY + hour * HOUR)
                .filter(|at| self.from < at + HOUR && *at < self.to)
                .filter(|at| !self.holes.iter().any(|hole| hole.0 <= *at && *at < hole.1))
                .collect();
            if hours.is_empty() {
                continue;
            }
            let pack = || {
                let calls: Vec<Call> = hours
                    .iter()
                    .map(|at| Call {
                        read_only: self.read_only,
                        ..bustle(&self.account, &self.region, at + 1_020)
                    })
                    .collect();
                gzip(log(&calls).as_bytes())
            };
            let bytes = if hours.len() == 24 {
                let key = (
                    self.account.clone(),
                    self.region.clone(),
                    day,
                    self.read_only,
                );
                let mut packed = PACKED.get_or_init(Mutex::default).lock().unwrap();
                packed.entry(key).or_insert_with(pack).clone()
            } else {
                pack()
            };
            let unique = if self.read_only { "BGR" } else { "BGW" };
            write(
                &root.join(log_path(&self.account, &self.region, day * DAY, unique)),
                &bytes,
            );
        }
    }
}

// --------------------------------------------------------------------------------------------------- world

/// What a test builds and scans.
#[derive(Debug)]
pub struct World {
    pub secrets: Vec<Secret>,
    pub calls: Vec<Call>,
    logging: Vec<Logging>,
    pub policy: Option<String>,
    pub args: Vec<String>,
    pub now: String,
    extra: Vec<(String, Vec<u8>)>,
    trail: bool,
}

impl World {
    /// No secrets, no calls; every hour of the last 92 days is heard in the first account in us-east-1.
    pub fn new() -> Self {
        Self::silent().logging(ACCOUNT, EAST)
    }

    /// The same without any background.
    pub fn silent() -> Self {
        Self {
            secrets: Vec::new(),
            calls: Vec::new(),
            logging: Vec::new(),
            policy: None,
            args: Vec::new(),
            now: NOW.to_owned(),
            extra: Vec::new(),
            trail: true,
        }
    }

    /// Every hour of a scope is heard.
    pub fn logging(self, account: &str, region: &str) -> Self {
        self.logging_between(account, region, days_ago(92), NOW_S + 2 * DAY, &[])
    }

    pub fn logging_between(
        mut self,
        account: &str,
        region: &str,
        from: i64,
        to: i64,
        holes: &[(i64, i64)],
    ) -> Self {
        self.logging.push(Logging {
            account: account.to_owned(),
            region: region.to_owned(),
            from,
            to,
            holes: holes.to_vec(),
            read_only: true,
        });
        self
    }

    /// Every hour of a scope is heard, and no record of it only reads.
    pub fn logging_writes(self, account: &str, region: &str) -> Self {
        let mut world = self.logging(account, region);
        world.logging.last_mut().unwrap().read_only = false;
        world
    }

    pub fn secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    pub fn secrets(mut self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        self.secrets.extend(secrets);
        self
    }

    pub fn call(mut self, call: Call) -> Self {
        self.calls.push(call);
        self
    }

    pub fn calls(mut self, calls: impl IntoIterator<Item = Call>) -> Self {
        self.calls.extend(calls);
        self
    }

    pub fn policy(mut self, text: &str) -> Self {
        self.policy = Some(text.to_owned());
        self
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    pub fn now(mut self, now: &str) -> Self {
        now.clone_into(&mut self.now);
        self
    }

    /// One more file below the folder of the scan, such as `trail/x.json` or `inventory/y.json`.
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.extra.push((path.to_owned(), bytes.into()));
        self
    }

    pub fn no_trail(mut self) -> Self {
        self.trail = false;
        self.args(&["--no-trail"])
    }

    /// Writes the files: `inventory/`, `trail/` and the policy, each scope and day a file of its own.
    pub fn write(&self, root: &Path) {
        let mut lists: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for secret in &self.secrets {
            let file = format!("inventory/{}-{}.json", secret.account, secret.region);
            lists.entry(file).or_default().push(secret.entry());
        }
        std::fs::create_dir_all(root.join("inventory")).unwrap();
        for (file, entries) in lists {
            let text = serde_json::to_string_pretty(&json!({"SecretList": entries})).unwrap();
            write(&root.join(file), text.as_bytes());
        }
        let trail = root.join("trail");
        std::fs::create_dir_all(&trail).unwrap();
        for logging in &self.logging {
            logging.write(&trail);
        }
        let mut files: BTreeMap<(String, String, i64), Vec<String>> = BTreeMap::new();
        for (number, call) in self.calls.iter().enumerate() {
            let key = (
                call.account.clone(),
                call.region.clone(),
                call.at.div_euclid(DAY),
            );
            files
                .entry(key)
                .or_default()
                .push(call.record(100_000 + number));
        }
        for ((account, region, day), records) in files {
            let text = format!("{{\"Records\":[{}]}}", records.join(","));
            write(
                &trail.join(log_path(&account, &region, day * DAY, "CALLS")),
                &gzip(text.as_bytes()),
            );
        }
        for (path, bytes) in &self.extra {
            write(&root.join(path), bytes);
        }
        if let Some(policy) = &self.policy {
            write(&root.join("secretsweep.toml"), policy.as_bytes());
        }
    }

    /// Writes the files and runs the scan.
    pub fn scan(&self) -> Scan {
        let folder = crate::scratch::tempdir().unwrap();
        self.write(folder.path());
        self.scan_in(folder)
    }

    /// Runs the scan in a folder that holds the files already.
    pub fn scan_in(&self, folder: TempDir) -> Scan {
        let mut args = vec!["scan", "--inventory", "inventory"];
        if self.trail {
            args.extend(["--trail", "trail"]);
        }
        // Tests look for everything that is said; what one screen shows has tests of its own.
        args.extend(["--now", &self.now, "--out", "out", "--verbose"]);
        args.extend(self.args.iter().map(String::as_str));
        let output = program(folder.path(), &args);
        Scan::new(folder, &output)
    }
}

/// The arguments of a command line, none of which has a space.
pub fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Runs the program in a folder.
pub fn program(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    without_foreign(&mut command)
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap()
}

/// How a scan ended.
#[derive(Debug)]
pub struct Scan {
    folder: TempDir,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// `Value::Null` if no report was written.
    pub report: Value,
}

impl Scan {
    fn new(folder: TempDir, output: &Output) -> Self {
        let report = std::fs::read(folder.path().join("out/report.json"))
            .map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
        Self {
            code: output
                .status
                .code()
                .expect("the program ends by itself, not by a signal"),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
            report,
            folder,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Gives the folder back, to scan in it again.
    pub fn into_folder(self) -> TempDir {
        self.folder
    }

    pub fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("out").join(name)).unwrap()
    }

    /// A CSV file as records by column name.
    pub fn csv(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        csv_records(self.file(name).as_bytes())
    }

    /// The row of a secret by its name; the first, if several Regions have it.
    pub fn secret(&self, name: &str) -> &Value {
        let rows = self.report["secrets"]
            .as_array()
            .unwrap_or_else(|| panic!("no report: {} {}", self.code, self.stderr));
        rows.iter()
            .find(|row| row["name"] == name)
            .unwrap_or_else(|| panic!("no secret {name}"))
    }

    pub fn secret_in(&self, region: &str, name: &str) -> &Value {
        let rows = self.report["secrets"].as_array().unwrap();
        rows.iter()
            .find(|row| row["name"] == name && row["region"] == region)
            .unwrap_or_else(|| panic!("no secret {name} in {region}"))
    }

    /// The verdict with the codes of its reasons: `delete: idle`.
    pub fn verdict(&self, name: &str) -> String {
        verdict(self.secret(name))
    }

    pub fn has_reason(&self, name: &str, code: &str) -> bool {
        codes(self.secret(name)).iter().any(|own| own == code)
    }

    pub fn reader(&self, name: &str, reader: &str) -> &Value {
        let readers = self.secret(name)["readers"].as_array().unwrap();
        readers
            .iter()
            .find(|row| row["reader"] == reader)
            .unwrap_or_else(|| panic!("no reader {reader} of {name}: {readers:#?}"))
    }

    pub fn findings(&self, code: &str) -> Vec<&Value> {
        let all = self.report["findings"].as_array().unwrap();
        all.iter().filter(|row| row["code"] == code).collect()
    }

    pub fn loops(&self) -> &Vec<Value> {
        self.report["loops"].as_array().unwrap()
    }

    pub fn gaps(&self) -> String {
        self.report["gaps"].to_string()
    }
}

/// Reads a CSV file back by column name. Every record has all columns, or this panics.
pub fn csv_records(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let cells = header
                .iter()
                .map(str::to_owned)
                .zip(record.iter().map(str::to_owned));
            cells.collect()
        })
        .collect()
}

/// An amount of the report, in micro-dollars.
pub fn micros(value: &Value) -> i64 {
    micros_of(
        value
            .as_str()
            .unwrap_or_else(|| panic!("{value} is no amount")),
    )
}

/// A plain decimal with six places, in micro-dollars.
pub fn micros_of(text: &str) -> i64 {
    let (whole, decimals) = text.split_once('.').unwrap();
    assert_eq!(decimals.len(), 6, "{text} has six decimals");
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let micros = digits.parse::<i64>().unwrap() * 1_000_000 + decimals.parse::<i64>().unwrap();
    if digits == whole { micros } else { -micros }
}
