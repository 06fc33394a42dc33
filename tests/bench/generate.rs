//! A CloudTrail trail that nobody recorded: the same one for the same [`Spec`], on every machine.
//!
//! Sizes, the order of keys, the mix of services and callers follow what real log files show; names, accounts and ids
//! are invented. A share of the records is made to trip readers that search instead of parse.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "random numbers of any kind will do"
)]

use std::fmt::Write as _;

/// What trail to make.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// Changes every random choice.
    pub seed: u64,
    /// Log files.
    pub files: u32,
    /// The median of records in a file; the sizes are log-normal.
    pub records: u32,
    /// Calls of Secrets Manager, per mille of all calls.
    pub ours: u32,
    /// Calls that read a value whose use of a key stands behind them, per mille. AWS logs it for every one.
    pub uses: u32,
    /// Records of other services that look like ours somewhere, per mille.
    pub traps: u32,
    /// Secrets in each account and Region.
    pub secrets: u32,
    /// Days over which the files are spread.
    pub days: u32,
    /// Records that a second trail delivers too, in a file of its own, per mille.
    pub again: u32,
    /// Records of Secrets Manager of a session with a name of its own, as an SDK makes it up for a process, per mille.
    pub sessions: u32,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            seed: 1,
            files: 2_000,
            records: 450,
            ours: 20,
            uses: 1_000,
            traps: 2,
            secrets: 125,
            days: 30,
            again: 0,
            sessions: 0,
        }
    }
}

/// How the JSON of a file is written. CloudTrail writes `Compact`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// No white space, keys in AWS's order.
    Compact,
    /// A blank after each colon and comma.
    Spaced,
    /// Indented, a line for each member.
    Pretty,
    /// Keys sorted, as tools write that parse and print again.
    Sorted,
    /// Every letter of every string as `\u....`, keys included.
    Escaped,
}

/// One log file.
pub(crate) struct LogFile {
    /// Its key below the bucket.
    pub path: String,
    /// `{"Records":[...]}`.
    pub json: String,
}

/// 2026-10-01T00:00:00Z, where every trail begins.
pub(crate) const START: i64 = 1_790_812_800;

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

/// The files of a trail, one at a time.
pub(crate) fn files(spec: &Spec) -> impl Iterator<Item = LogFile> + '_ {
    (0..spec.files).flat_map(|number| {
        let (file, again) = file(spec, number);
        std::iter::once(file).chain(again)
    })
}

/// The inventory to the trail, as `aws secretsmanager list-secrets` prints it. Every secret is 200 days older than the
/// trail.
pub(crate) fn inventory(spec: &Spec) -> String {
    let mut entries = Vec::new();
    for account in ACCOUNTS {
        for region in REGIONS {
            for secret in 0..spec.secrets {
                let (name, arn) = secret_of(&Place { account, region }, secret);
                entries.push(serde_json::json!({
                    "ARN": arn,
                    "Name": name,
                    "CreatedDate": timestamp(START - 200 * 86_400),
                    "LastAccessedDate": timestamp(START),
                }));
            }
        }
    }
    serde_json::json!({ "SecretList": entries }).to_string()
}

/// The generator `SplitMix64`, by its published constants.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        (((self.roll() >> 32) * u64::from(end)) >> 32) as u32
    }

    fn per_mille(&mut self, chance: u32) -> bool {
        self.below(1_000) < chance
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u32) as usize]
    }

    /// About log-normal, with the given median and a sigma near 0.9.
    fn size(&mut self, median: u32) -> u32 {
        let sum: f64 = (0..12)
            .map(|_| (self.roll() >> 11) as f64 / (1_u64 << 53) as f64)
            .sum();
        (f64::from(median) * (0.9 * (sum - 6.0)).exp()).round() as u32
    }

    /// A UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.roll(), self.roll());
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// So many capitals and digits.
    pub(crate) fn capitals(&mut self, count: usize) -> String {
        let mut bits = 0;
        (0..count)
            .map(|place| {
                if place % 12 == 0 {
                    bits = self.roll();
                }
                let letter = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(bits & 31) as usize];
                bits >>= 5;
                char::from(letter)
            })
            .collect()
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`.
pub(crate) fn timestamp(moment: i64) -> String {
    jiff::Timestamp::from_second(moment)
        .expect("a moment of our time")
        .to_string()
}

struct Place<'a> {
    account: &'a str,
    region: &'a str,
}

/// A file, and the one in which a second trail delivers some of its records.
fn file(spec: &Spec, number: u32) -> (LogFile, Option<LogFile>) {
    let mut dice = Dice::new(spec.seed.wrapping_mul(0x1_0001) ^ (u64::from(number) << 20));
    let place = Place {
        account: ACCOUNTS[(number & 1) as usize],
        region: REGIONS[((number >> 1) & 1) as usize],
    };
    let slots = i64::from(spec.days) * 288;
    let slot = START + (i64::from(number) * slots / i64::from(spec.files.max(1))) * 300;
    let delivered = slot + 300 * i64::from(1 + dice.below(2));
    let stamp = timestamp(delivered).replace(['-', ':'], "");
    let path = format!(
        "AWSLogs/{0}/CloudTrail/{1}/{2}/{0}_CloudTrail_{1}_{3}Z_{4}.json.gz",
        place.account,
        place.region,
        timestamp(delivered)[..10].replace('-', "/"),
        &stamp[..13],
        dice.capitals(16)
    );
    let records = if spec.records == 0 {
        0
    } else {
        dice.size(spec.records).max(1)
    };
    let mut json = String::with_capacity(records as usize * 1_700 + 16);
    json.push_str("{\"Records\":[");
    let mut again = json.clone();
    // Dice of its own: the first file stays the same, whatever is delivered again.
    let mut copies = Dice::new(spec.seed ^ !u64::from(number));
    for nth in 0..records {
        if nth > 0 {
            json.push(',');
        }
        let moment = slot + i64::from(dice.below(300));
        let start = json.len();
        record(&mut json, spec, &place, moment, &mut dice);
        if spec.again > 0 && copies.per_mille(spec.again) {
            if !again.ends_with('[') {
                again.push(',');
            }
            again.push_str(&json[start..]);
        }
    }
    json.push_str("]}");
    again.push_str("]}");
    let again = (spec.again > 0).then(|| LogFile {
        path: format!("second-trail/{path}"),
        json: again,
    });
    (LogFile { path, json }, again)
}

fn record(json: &mut String, spec: &Spec, place: &Place<'_>, moment: i64, dice: &mut Dice) {
    if dice.per_mille(spec.ours) {
        our_record(json, spec, place, moment, dice);
    } else if dice.per_mille(spec.traps) {
        trap(json, place, moment, dice);
    } else {
        other_record(json, place, moment, dice);
    }
}

/// What follows the caller in a record.
struct Call<'a> {
    source: &'a str,
    name: &'a str,
    ip: &'a str,
    agent: &'a str,
    /// Members between `userAgent` and `requestID`, with a comma behind each.
    middle: &'a str,
    read_only: bool,
    kind: &'a str,
    /// Members behind `recipientAccountId`, with a comma before each.
    tail: &'a str,
}

fn write_record(
    json: &mut String,
    place: &Place<'_>,
    moment: i64,
    identity: &str,
    call: &Call<'_>,
    dice: &mut Dice,
) {
    let _ = write!(
        json,
        "{{\"eventVersion\":\"1.11\",\"userIdentity\":{identity},\"eventTime\":\"{}\",\"eventSource\":\"{}\",\
         \"eventName\":\"{}\",\"awsRegion\":\"{}\",\"sourceIPAddress\":\"{}\",\"userAgent\":\"{}\",{}\
         \"requestID\":\"{}\",\"eventID\":\"{}\",\"readOnly\":{},\"eventType\":\"{}\",\"managementEvent\":true,\
         \"recipientAccountId\":\"{}\",\"eventCategory\":\"Management\"{}}}",
        timestamp(moment),
        call.source,
        call.name,
        place.region,
        call.ip,
        call.agent,
        call.middle,
        dice.uuid(),
        dice.uuid(),
        call.read_only,
        call.kind,
        place.account,
        call.tail,
    );
}

const AGENTS: [&str; 6] = [
    "aws-sdk-java/2.25.11 Linux/5.10.223-212.873.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/17.0.12+7-LTS Java/17.0.12 vendor/Amazon.com_Inc. exec-env/AWS_ECS_FARGATE md/internal io/sync http/Apache cfg/retry-mode/legacy",
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.10.220 md/arch#x86_64 lang/python#3.12.1 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy Botocore/1.34.51",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) terraform-provider-aws/5.65.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.30.4 os/linux lang/go#1.22.6 md/GOOS#linux md/GOARCH#amd64",
    "external-secrets/v0.10.3 aws-sdk-go/1.55.5 (go1.23.0; linux; amd64)",
    "AwsSecretCache/1.0 aws-sdk-java/2.25.11 Linux/5.10 OpenJDK_64-Bit_Server_VM/17",
    "aws-cli/2.17.42 md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0 md/arch#arm64 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#secretsmanager.get-secret-value",
];

/// Who calls. A client keeps its name, its address and its program, as a task or a pod does while it lives.
struct Client {
    role: u32,
    session: u32,
}

impl Client {
    /// Any of 2,400 clients.
    fn any(dice: &mut Dice) -> Self {
        Self {
            role: dice.below(60),
            session: dice.below(40),
        }
    }

    /// A client that reads secrets: a few services have most of the traffic, and each runs a few tasks.
    fn reader(dice: &mut Dice) -> Self {
        let role = dice.below(60) * dice.below(60) / 60;
        Self {
            role,
            session: dice.below(1 + role % 4),
        }
    }

    fn ip(&self) -> String {
        format!("10.{}.{}.{}", self.role % 4, self.role, self.session)
    }

    fn agent(&self) -> &'static str {
        AGENTS[self.role as usize % AGENTS.len()]
    }

    /// The secret to ask for: one of the few of its service, seldom any.
    fn secret(&self, secrets: u32, dice: &mut Dice) -> u32 {
        let own = self.role * 2 + dice.below(1 + self.role % 3);
        let any = dice.below(secrets.max(1));
        if dice.per_mille(20) {
            any
        } else {
            own % secrets.max(1)
        }
    }
}

fn identity(place: &Place<'_>, moment: i64, client: &Client, dice: &mut Dice) -> String {
    let account = if dice.per_mille(20) {
        ACCOUNTS[0]
    } else {
        place.account
    };
    let Client { role, session } = *client;
    match dice.below(100) {
        0..=84 => format!(
            "{{\"type\":\"AssumedRole\",\"principalId\":\"AROA{role:016}:task-{session}\",\
             \"arn\":\"arn:aws:sts::{account}:assumed-role/service-{role}/task-{session}\",\"accountId\":\"{account}\",\
             \"accessKeyId\":\"ASIA{key}\",\"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\
             \"principalId\":\"AROA{role:016}\",\"arn\":\"arn:aws:iam::{account}:role/service-{role}\",\
             \"accountId\":\"{account}\",\"userName\":\"service-{role}\"}},\"webIdFederationData\":{{}},\
             \"attributes\":{{\"creationDate\":\"{created}\",\"mfaAuthenticated\":\"false\"}}{delivery}}}}}",
            key = dice.capitals(16),
            created = timestamp(moment - i64::from(dice.below(3_600))),
            delivery = dice.pick(&["", "", ",\"ec2RoleDelivery\":\"2.0\""]),
        ),
        85..=94 => format!(
            "{{\"type\":\"AWSService\",\"invokedBy\":\"{}\"}}",
            dice.pick(&[
                "autoscaling.amazonaws.com",
                "ecs-tasks.amazonaws.com",
                "secretsmanager.amazonaws.com"
            ])
        ),
        _ => format!(
            "{{\"type\":\"IAMUser\",\"principalId\":\"AIDA{role:016}\",\"arn\":\"arn:aws:iam::{account}:user/person-{role}\",\
             \"accountId\":\"{account}\",\"accessKeyId\":\"AKIA{role:016}\",\"userName\":\"person-{role}\"}}"
        ),
    }
}

const TLS: &str = ",\"tlsDetails\":{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\"secretsmanager.amazonaws.com\"}";

/// Name and ARN of a secret by its number.
fn secret_of(place: &Place<'_>, secret: u32) -> (String, String) {
    let name = format!("team-{}/service-{secret}/database", secret % 7);
    let arn = format!(
        "arn:aws:secretsmanager:{}:{}:secret:{name}-{secret:06}",
        place.region, place.account
    );
    (name, arn)
}

/// The identity of a client that reads, with a session name that an SDK made up where the spec asks for it.
fn reader_identity(
    spec: &Spec,
    place: &Place<'_>,
    moment: i64,
    client: &Client,
    dice: &mut Dice,
) -> String {
    let caller = identity(place, moment, client, dice);
    if spec.sessions == 0 || !dice.per_mille(spec.sessions) {
        return caller;
    }
    let made_up = format!("botocore-session-{}", 1_000_000_000 + dice.below(1 << 31));
    caller.replace(
        &format!("task-{}\"", client.session),
        &format!("{made_up}\""),
    )
}

fn our_record(json: &mut String, spec: &Spec, place: &Place<'_>, moment: i64, dice: &mut Dice) {
    let client = Client::reader(dice);
    let secret = client.secret(spec.secrets, dice);
    let (name, arn) = secret_of(place, secret);
    let asked = if secret.is_multiple_of(3) {
        &name
    } else {
        &arn
    };
    let by_service = format!(
        "{{\"accountId\":\"{}\",\"invokedBy\":\"secretsmanager.amazonaws.com\"}}",
        place.account
    );
    let caller = reader_identity(spec, place, moment, &client, dice);
    let (ip, agent) = (client.ip(), client.agent());
    let shared = format!("{TLS},\"sharedEventID\":\"{}\"", dice.uuid());
    let endpoint = format!(",\"vpcEndpointId\":\"vpce-{:017x}\"{TLS}", dice.below(3));
    let ask =
        format!("\"requestParameters\":{{\"secretId\":\"{asked}\"}},\"responseElements\":null,");
    let stage = format!(
        "\"requestParameters\":{{\"secretId\":\"{asked}\",\"versionStage\":\"AWSPREVIOUS\"}},\"responseElements\":null,"
    );
    let denied = format!(
        "\"errorCode\":\"AccessDenied\",\"errorMessage\":\"User: someone is not authorized to perform: \
         secretsmanager:GetSecretValue on resource: {arn} because no identity-based policy allows \
         the secretsmanager:GetSecretValue action\",\"requestParameters\":null,\"responseElements\":null,"
    );
    let missing = format!(
        "\"errorCode\":\"ResourceNotFoundException\",\"errorMessage\":\"Secrets Manager can't find the specified \
         secret.\",{ask}"
    );
    let list = "\"requestParameters\":{\"maxResults\":100,\"filters\":[{\"key\":\"name\",\"values\":[\"team-\"]}]},\"responseElements\":null,";
    let create = format!(
        "\"requestParameters\":{{\"name\":\"{name}\",\"clientRequestToken\":\"{}\",\"description\":\"the \\\"main\\\" \
         {{one}} \\\\\"}},\"responseElements\":{{\"arn\":\"{arn}\"}},",
        dice.uuid()
    );
    let delete = format!(
        "\"requestParameters\":{{\"secretId\":\"{name}\",\"recoveryWindowInDays\":30}},\"responseElements\":{{\
         \"aRN\":\"{arn}\",\"name\":\"{name}\",\"deletionDate\":\"Jul 10, 2026, 12:07:59 PM\"}},"
    );
    let rotated = format!(
        "\"requestParameters\":null,\"responseElements\":null,\"additionalEventData\":{{\"SecretId\":\"{arn}\"}},"
    );
    let ended = format!(
        "\"requestParameters\":null,\"responseElements\":null,\"additionalEventData\":{{\"ARN\":\"{arn}\",\"Name\":\"{name}\"}},"
    );
    let (event, middle, read_only, tail) = match dice.below(100) {
        0..=74 => ("GetSecretValue", &ask[..], true, TLS),
        75..=79 => ("GetSecretValue", &ask[..], true, &endpoint[..]),
        80..=81 => ("GetSecretValue", &stage[..], true, TLS),
        82..=83 => ("GetSecretValue", &ask[..], true, &shared[..]),
        84..=87 => ("GetSecretValue", &denied[..], true, TLS),
        88..=89 => ("GetSecretValue", &missing[..], true, TLS),
        90..=93 => (
            "DescribeSecret",
            &ask[..],
            true,
            ",\"sessionCredentialFromConsole\":\"true\"",
        ),
        94 => ("ListSecrets", list, true, TLS),
        95 => ("CreateSecret", &create[..], false, TLS),
        96 => ("DeleteSecret", &delete[..], false, TLS),
        97 => ("RotationSucceeded", &rotated[..], false, ""),
        98 => ("EndSecretVersionDelete", &ended[..], false, ""),
        _ => ("BatchGetSecretValue", list, true, TLS),
    };
    let service_event = matches!(event, "RotationSucceeded" | "EndSecretVersionDelete");
    let call = Call {
        source: "secretsmanager.amazonaws.com",
        name: event,
        ip: if service_event {
            "secretsmanager.amazonaws.com"
        } else {
            &ip
        },
        agent: if service_event {
            "secretsmanager.amazonaws.com"
        } else {
            agent
        },
        middle,
        read_only,
        kind: if service_event {
            "AwsServiceEvent"
        } else {
            "AwsApiCall"
        },
        tail,
    };
    let reads_value = event == "GetSecretValue" && !middle.starts_with("\"errorCode\"");
    let caller = if service_event { &by_service } else { &caller };
    write_record(json, place, moment, caller, &call, dice);
    if reads_value && (spec.uses >= 1_000 || dice.per_mille(spec.uses)) {
        json.push(',');
        key_use(json, place, moment, caller, &arn, dice);
    }
}

/// The use of a key that Secrets Manager makes to read a value, for the one who asked for it.
fn key_use(
    json: &mut String,
    place: &Place<'_>,
    moment: i64,
    caller: &str,
    arn: &str,
    dice: &mut Dice,
) {
    let by_service = if caller.contains("invokedBy") {
        caller.to_owned()
    } else {
        format!(
            "{},\"invokedBy\":\"secretsmanager.amazonaws.com\"}}",
            &caller[..caller.len() - 1]
        )
    };
    let middle = decrypt(
        place,
        &format!(
            "\"SecretARN\":\"{arn}\",\"SecretVersionId\":\"{}\"",
            dice.uuid()
        ),
        dice,
    );
    let call = Call {
        source: "kms.amazonaws.com",
        name: "Decrypt",
        ip: "secretsmanager.amazonaws.com",
        agent: "secretsmanager.amazonaws.com",
        middle: &middle,
        read_only: true,
        kind: "AwsApiCall",
        tail: TLS,
    };
    write_record(json, place, moment, &by_service, &call, dice);
}

/// The middle of a record of KMS that decrypts something.
fn decrypt(place: &Place<'_>, context: &str, dice: &mut Dice) -> String {
    format!(
        "\"requestParameters\":{{\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\",\"encryptionContext\":{{{context}}}}},\
         \"responseElements\":null,\"resources\":[{{\"accountId\":\"{1}\",\"type\":\"AWS::KMS::Key\",\"ARN\":\
         \"arn:aws:kms:{0}:{1}:key/{2}\"}}],",
        place.region,
        place.account,
        dice.uuid(),
    )
}

fn other_record(json: &mut String, place: &Place<'_>, moment: i64, dice: &mut Dice) {
    let client = Client::any(dice);
    let caller = identity(place, moment, &client, dice);
    let (ip, agent) = (client.ip(), client.agent());
    let (source, name, read_only, middle) = other_call(place, moment, dice);
    let call = Call {
        source,
        name,
        ip: &ip,
        agent,
        middle: &middle,
        read_only,
        kind: "AwsApiCall",
        tail: TLS,
    };
    write_record(json, place, moment, &caller, &call, dice);
}

/// Service, name, whether it only reads, and parameters of a call.
fn other_call(
    place: &Place<'_>,
    moment: i64,
    dice: &mut Dice,
) -> (&'static str, &'static str, bool, String) {
    let role = dice.below(60);
    match dice.below(8) {
        0 | 1 => (
            "sts.amazonaws.com",
            "AssumeRole",
            true,
            format!(
                "\"requestParameters\":{{\"roleArn\":\"arn:aws:iam::{0}:role/service-{role}\",\"roleSessionName\":\"task-{1}\",\
                 \"durationSeconds\":3600}},\"responseElements\":{{\"credentials\":{{\"accessKeyId\":\"ASIA{2}\",\
                 \"sessionToken\":\"{3}\",\"expiration\":\"{4}\"}},\"assumedRoleUser\":{{\"assumedRoleId\":\"AROA{role:016}:task-{1}\",\
                 \"arn\":\"arn:aws:sts::{0}:assumed-role/service-{role}/task-{1}\"}}}},",
                place.account,
                dice.below(40),
                dice.capitals(16),
                dice.capitals(200),
                timestamp(moment + 3_600),
            ),
        ),
        2 | 3 => (
            "s3.amazonaws.com",
            "GetBucketAcl",
            true,
            format!(
                "\"requestParameters\":{{\"bucketName\":\"logs-{role}\",\"Host\":\"logs-{role}.s3.{}.amazonaws.com\",\"acl\":\"\"}},\
                 \"responseElements\":null,\"additionalEventData\":{{\"SignatureVersion\":\"SigV4\",\"CipherSuite\":\
                 \"TLS_AES_128_GCM_SHA256\",\"bytesTransferredIn\":0,\"AuthenticationMethod\":\"AuthHeader\",\"x-amz-id-2\":\
                 \"{}\",\"bytesTransferredOut\":{}}},\"resources\":[{{\"accountId\":\"{}\",\"type\":\"AWS::S3::Bucket\",\
                 \"ARN\":\"arn:aws:s3:::logs-{role}\"}}],",
                place.region,
                dice.capitals(76),
                dice.below(100_000),
                place.account,
            ),
        ),
        4 => (
            "kms.amazonaws.com",
            "Decrypt",
            true,
            decrypt(
                place,
                &format!("\"aws:s3:arn\":\"arn:aws:s3:::logs-{role}\""),
                dice,
            ),
        ),
        5 => (
            "ec2.amazonaws.com",
            "DescribeInstances",
            true,
            "\"requestParameters\":{\"instancesSet\":{},\"filterSet\":{\"items\":[{\"name\":\"instance-state-name\",\
             \"valueSet\":{\"items\":[{\"value\":\"running\"}]}}]}},\"responseElements\":null,"
                .to_owned(),
        ),
        6 => (
            "logs.amazonaws.com",
            "CreateLogStream",
            false,
            format!(
                "\"requestParameters\":{{\"logGroupName\":\"/aws/lambda/function-{role}\",\"logStreamName\":\
                 \"2026/10/01/[$LATEST]{}\"}},\"responseElements\":null,",
                dice.uuid()
            ),
        ),
        _ => (
            "dynamodb.amazonaws.com",
            "DescribeTable",
            true,
            format!("\"requestParameters\":{{\"tableName\":\"table-{role}\"}},\"responseElements\":null,"),
        ),
    }
}

/// A record of another service that somewhere looks like one of ours.
fn trap(json: &mut String, place: &Place<'_>, moment: i64, dice: &mut Dice) {
    let inner = "{\"eventVersion\":\"1.08\",\"userIdentity\":{},\"eventTime\":\"2020-01-01T00:00:00Z\",\"eventSource\":\
                 \"secretsmanager.amazonaws.com\",\"eventName\":\"GetSecretValue\",\"awsRegion\":\"xx-none-1\",\
                 \"recipientAccountId\":\"000000000000\",\"readOnly\":true,\"requestParameters\":{\"secretId\":\"trap\"},\
                 \"eventID\":\"00000000-0000-0000-0000-000000000000\"}";
    let escaped = inner.replace('"', "\\\"");
    let twice = escaped.replace('\\', "\\\\").replace("\\\\\"", "\\\\\\\"");
    let caller = match dice.below(3) {
        0 => format!("{{\"type\":\"AssumedRole\",\"sessionContext\":{inner}}}"),
        1 => format!("{{\"eventSource\":\"secretsmanager.amazonaws.com\",\"Records\":[{inner}]}}"),
        _ => identity(place, moment, &Client::any(dice), dice),
    };
    let middle = match dice.below(6) {
        0 => format!("\"requestParameters\":{inner},"),
        1 => format!("\"requestParameters\":{{\"event\":\"{escaped}\"}},"),
        2 => format!("\"requestParameters\":{{\"event\":\"{twice}\\\\\"}},"),
        3 => format!("\"requestParameters\":{{\"list\":[[{inner},{inner}],[],{{}}]}},"),
        4 => "\"requestParameters\":{\"braces\":\"}}]}\\\\\",\"more\":\"{{[\\\"{\",\"eventSource\":\"\\\\\"},".to_owned(),
        _ => "\"requestParameters\":{\"path\":\"C:\\\\eventSource\\\\\",\"text\":\"\\\"eventSource\\\":\\\"secretsmanager.amazonaws.com\\\"\",\
              \"snow\":\"\u{2603}\\u2603\\ud83d\\ude00\"},\"responseElements\":null,"
            .to_owned(),
    };
    let call = Call {
        source: dice.pick(&[
            "lambda.amazonaws.com",
            "cloudtrail.amazonaws.com",
            "iam.amazonaws.com",
        ]),
        name: "UpdateFunctionConfiguration",
        ip: "secretsmanager.amazonaws.com",
        agent: "secretsmanager.amazonaws.com \\\"eventSource\\\":\\\"secretsmanager.amazonaws.com\\\"",
        middle: &middle,
        read_only: dice.per_mille(500),
        kind: "AwsApiCall",
        tail: TLS,
    };
    write_record(json, place, moment, &caller, &call, dice);
}

/// The same JSON, written in another way. Takes JSON without white space between its tokens.
pub(crate) fn restyled(json: &str, style: Style) -> String {
    match style {
        Style::Compact => json.to_owned(),
        Style::Sorted => {
            let value: serde_json::Value =
                serde_json::from_str(json).expect("the generator writes JSON");
            // Without the feature `preserve_order` an object keeps its keys sorted.
            value.to_string()
        }
        Style::Spaced => retold(json, |out, token| match token {
            Token::Mark(mark @ (b',' | b':')) => {
                out.push(char::from(mark));
                out.push(' ');
            }
            other => other.push_to(out),
        }),
        Style::Pretty => {
            let mut depth = 0_usize;
            retold(json, |out, token| match token {
                Token::Mark(mark @ (b'{' | b'[')) => {
                    depth += 1;
                    out.push(char::from(mark));
                    newline(out, depth);
                }
                Token::Mark(mark @ (b'}' | b']')) => {
                    depth -= 1;
                    newline(out, depth);
                    out.push(char::from(mark));
                }
                Token::Mark(b',') => {
                    out.push(',');
                    newline(out, depth);
                }
                Token::Mark(b':') => out.push_str(" :\t"),
                other => other.push_to(out),
            })
        }
        Style::Escaped => retold(json, |out, token| match token {
            Token::Text(text) => {
                out.push('"');
                escape(out, text);
                out.push('"');
            }
            other => other.push_to(out),
        }),
    }
}

fn newline(out: &mut String, depth: usize) {
    out.push_str("\r\n");
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Writes the letters of a string as `\u....` and leaves the escapes that are there alone.
fn escape(out: &mut String, text: &str) {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                out.push('\\');
                let kind = letters.next().unwrap_or('\\');
                out.push(kind);
                if kind == 'u' {
                    out.extend(letters.by_ref().take(4));
                }
            }
            letter => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
        }
    }
}

enum Token<'a> {
    Mark(u8),
    /// What stands between the quotes.
    Text(&'a str),
    Word(&'a str),
}

impl Token<'_> {
    fn push_to(&self, out: &mut String) {
        match self {
            Self::Mark(mark) => out.push(char::from(*mark)),
            Self::Text(text) => {
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
            Self::Word(word) => out.push_str(word),
        }
    }
}

fn retold(json: &str, mut write: impl FnMut(&mut String, Token<'_>)) -> String {
    let bytes = json.as_bytes();
    let mut out = String::with_capacity(json.len() * 2);
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let token = match bytes[at] {
            mark @ (b'{' | b'}' | b'[' | b']' | b',' | b':') => {
                at += 1;
                Token::Mark(mark)
            }
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                Token::Text(&json[start + 1..at - 1])
            }
            _ => {
                while at < bytes.len() && !b",:{}[]\"".contains(&bytes[at]) {
                    at += 1;
                }
                Token::Word(&json[start..at])
            }
        };
        write(&mut out, token);
    }
    out
}
