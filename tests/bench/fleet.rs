//! The trail of a fleet: many roles, each running programs whose sessions have a name and an address of their own and
//! last for an hour, as pods with service accounts do. What a scan of it holds in memory shows what grows with what.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::generate::{Dice, START, timestamp};

/// What fleet to make.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    /// Changes every random choice.
    pub seed: u64,
    /// Accounts, each with two Regions.
    pub accounts: u32,
    /// Roles of all accounts; each calls in one Region.
    pub roles: u32,
    /// Secrets of all accounts.
    pub secrets: u32,
    /// Sessions of all roles, spread evenly over the days.
    pub sessions: u32,
    /// Calls of all sessions, all of them to Secrets Manager.
    pub events: u32,
    /// Days, from 90 days before the end that every fleet has.
    pub days: u32,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            seed: 1,
            accounts: 2,
            roles: 5_000,
            secrets: 2_000,
            sessions: 200_000,
            events: 2_000_000,
            days: 90,
        }
    }
}

const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

/// Secrets that each role reads.
const SECRETS_OF_A_ROLE: u32 = 3;

/// Records of a file at the most.
const RECORDS: usize = 2_000;

const AGENT: &str = "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.10.220 md/arch#x86_64 lang/python#3.12.1 \
                     md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.51";

/// An account and Region.
struct Place {
    account: String,
    region: &'static str,
}

impl Fleet {
    /// Reads the options of the command line; `number` gives the value of a key, or the usual one.
    pub(crate) fn read(number: impl Fn(&str, u32) -> u32) -> Self {
        let usual = Self::default();
        Self {
            seed: u64::from(number("seed", 1)),
            accounts: number("accounts", usual.accounts).clamp(1, 500),
            roles: number("roles", usual.roles).max(1),
            secrets: number("secrets", usual.secrets).max(1),
            sessions: number("sessions", usual.sessions).max(1),
            events: number("events", usual.events),
            days: number("days", usual.days).clamp(1, 90),
        }
    }

    /// The place of a role or a secret, by its number.
    fn place(&self, number: u32) -> Place {
        let place = number % self.places();
        Place {
            account: format!("{:012}", 111_122_223_333 + u64::from(place / 2)),
            region: REGIONS[(place % 2) as usize],
        }
    }

    fn places(&self) -> u32 {
        self.accounts * 2
    }

    /// One of the secrets that a role reads: in its own account and Region, as far as there are any.
    fn secret_of(&self, role: u32, which: u32) -> u32 {
        let place = role % self.places();
        let here = (self.secrets / self.places()).max(1);
        let nth = (role / self.places() * SECRETS_OF_A_ROLE + which) % here;
        (nth * self.places() + place) % self.secrets
    }

    fn arn(&self, secret: u32) -> String {
        let Place { account, region } = self.place(secret);
        format!("arn:aws:secretsmanager:{region}:{account}:secret:fleet/{secret}/key-{secret:06}")
    }

    /// The inventory, as `aws secretsmanager list-secrets` prints it.
    pub(crate) fn inventory(&self) -> String {
        let entries: Vec<_> = (0..self.secrets)
            .map(|secret| {
                serde_json::json!({
                    "ARN": self.arn(secret),
                    "Name": format!("fleet/{secret}/key"),
                    "CreatedDate": timestamp(START - 200 * 86_400),
                    "LastAccessedDate": timestamp(START + 29 * 86_400),
                })
            })
            .collect();
        serde_json::json!({ "SecretList": entries }).to_string()
    }

    /// Writes the log files below a folder, hour by hour. `pack` appends bytes as gzip.
    pub(crate) fn write(&self, folder: &Path, pack: impl Fn(&[u8], &mut Vec<u8>)) {
        let mut dice = Dice::new(self.seed);
        let hours = u64::from(self.days) * 24;
        // Every fleet ends 30 days after the other trails begin: at the `--now` of their commands.
        let start = START + 30 * 86_400 - i64::from(self.days) * 86_400;
        let share = |of: u32, hour: u64| u64::from(of) * hour / hours;
        for hour in 0..hours {
            let at = start + i64::try_from(hour).expect("hours of days") * 3_600;
            let sessions = share(self.sessions, hour + 1) - share(self.sessions, hour);
            let events = share(self.events, hour + 1) - share(self.events, hour);
            let mut records: Vec<Vec<(i64, String)>> = vec![Vec::new(); self.places() as usize];
            for nth in 0..sessions {
                let calls = events * (nth + 1) / sessions - events * nth / sessions;
                let role = dice.below(self.roles);
                let place = role % self.places();
                let session = Session::new(at, role, &mut dice);
                for _ in 0..calls {
                    let moment = at + i64::from(dice.below(3_600));
                    let secret = self.secret_of(role, dice.below(SECRETS_OF_A_ROLE));
                    let arn = self.arn(secret);
                    let record = session.record(&self.place(place), &arn, moment, &mut dice);
                    records[place as usize].push((moment, record));
                }
            }
            for (place, mut records) in (0..).zip(records) {
                records.sort_unstable();
                for records in records.chunks(RECORDS) {
                    file(folder, &self.place(place), records, &pack, &mut dice);
                }
            }
        }
    }
}

/// A session that lasts for an hour.
struct Session {
    role: u32,
    name: String,
    ip: String,
}

impl Session {
    fn new(at: i64, role: u32, dice: &mut Dice) -> Self {
        let started = at - i64::from(dice.below(60));
        let address = dice.below(1 << 24);
        let [_, one, two, three] = address.to_be_bytes();
        Self {
            role,
            name: format!("botocore-session-{started}{:03}", dice.below(1_000)),
            ip: format!("10.{one}.{two}.{three}"),
        }
    }

    fn record(&self, place: &Place, arn: &str, moment: i64, dice: &mut Dice) -> String {
        let Self { role, name, ip } = self;
        let Place { account, region } = place;
        let mut json = String::with_capacity(1_500);
        let _ = write!(
            json,
            "{{\"eventVersion\":\"1.11\",\"userIdentity\":{{\"type\":\"AssumedRole\",\"principalId\":\"AROA{role:016}:{name}\",\
             \"arn\":\"arn:aws:sts::{account}:assumed-role/service-{role}/{name}\",\"accountId\":\"{account}\",\
             \"accessKeyId\":\"ASIA{role:016}\",\"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\
             \"principalId\":\"AROA{role:016}\",\"arn\":\"arn:aws:iam::{account}:role/service-{role}\",\
             \"accountId\":\"{account}\",\"userName\":\"service-{role}\"}},\"webIdFederationData\":{{\
             \"federatedProvider\":\"arn:aws:iam::{account}:oidc-provider/oidc.eks.{region}.amazonaws.com/id/A\",\
             \"attributes\":{{}}}},\"attributes\":{{\"creationDate\":\"{time}\",\"mfaAuthenticated\":\"false\"}}}}}},\
             \"eventTime\":\"{time}\",\"eventSource\":\"secretsmanager.amazonaws.com\",\"eventName\":\"GetSecretValue\",\
             \"awsRegion\":\"{region}\",\"sourceIPAddress\":\"{ip}\",\"userAgent\":\"{AGENT}\",\
             \"requestParameters\":{{\"secretId\":\"{arn}\"}},\"responseElements\":null,\"requestID\":\"{request}\",\
             \"eventID\":\"{id}\",\"readOnly\":true,\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\
             \"recipientAccountId\":\"{account}\",\"vpcEndpointId\":\"vpce-0123456789abcdef0\",\
             \"eventCategory\":\"Management\",\"tlsDetails\":{{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\
             \"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\"secretsmanager.{region}.amazonaws.com\"}}}}",
            time = timestamp(moment),
            request = dice.uuid(),
            id = dice.uuid(),
        );
        json
    }
}

fn file(
    folder: &Path,
    place: &Place,
    records: &[(i64, String)],
    pack: &impl Fn(&[u8], &mut Vec<u8>),
    dice: &mut Dice,
) {
    let Some((last, _)) = records.last() else {
        return;
    };
    let Place { account, region } = place;
    let delivered = timestamp(last + 300);
    let path = folder.join(format!(
        "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}Z_{}.json.gz",
        delivered[..10].replace('-', "/"),
        &delivered.replace(['-', ':'], "")[..13],
        dice.capitals(16)
    ));
    let records: Vec<&str> = records.iter().map(|(_, record)| &**record).collect();
    let json = format!("{{\"Records\":[{}]}}", records.join(","));
    let mut gzip = Vec::new();
    pack(json.as_bytes(), &mut gzip);
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder");
    fs::write(path, gzip).expect("room on the disk");
}
