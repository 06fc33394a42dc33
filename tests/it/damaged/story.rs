//! A world in which every use is known: secrets, who needs them, and the records that AWS would write of it.

use serde_json::{Value, json};

use super::dice::Dice;
use crate::world::*;

/// A record, and the place of the secret that it speaks of; none for other services.
#[derive(Clone, Debug)]
pub struct Told {
    pub call: Call,
    pub of: Option<usize>,
}

/// How a secret must be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Somebody used it or asked for it within the idle time: never `delete`.
    Needed,
    /// Nobody did, and it is old enough: `delete`, as long as the evidence is whole.
    Unused,
    /// A person decides: nothing is claimed.
    Open,
}

/// A secret and its story.
#[derive(Clone, Debug)]
pub struct Known {
    pub secret: Secret,
    pub truth: Truth,
    pub story: &'static str,
}

/// Everything that is so.
#[derive(Debug)]
pub struct Story {
    pub scopes: Vec<(String, String)>,
    pub known: Vec<Known>,
    pub told: Vec<Told>,
}

const ACCOUNTS: [&str; 3] = [ACCOUNT, OTHER, "012345678901"];
const REGIONS: [&str; 3] = [EAST, WEST, "ap-southeast-2"];
const STRANGER: &str = "999988887777";
const ECS: &str = "Amazon ECS Agent - v1.88.0 (1a2b3c4d) (linux) (+http://aws.amazon.com/ecs/)";
const LAMBDA: &str =
    "Boto3/1.34.2 md/Botocore#1.34.2 lang/python#3.11 exec-env/AWS_Lambda_python3.11";
const GO: &str = "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.2";
const ANSIBLE: &str = "APN/1.0 Ansible/2.16.3 amazon.aws/7.6.0 Boto3/1.34.2";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36";
const SCANNER: &str = "Boto3/1.34.2 md/Botocore#1.34.2 APN_1826889/prowler/4.3.0";
const OURSELVES: &str = "aws-sdk-rust/1.3.3 ua/2.1 os/linux lang/rust#1.90 app/secretsweep";

/// Who needs a secret, and how: a function that writes its records.
type Plot = (&'static str, fn(&mut Scene<'_>));

const NEEDED: &[Plot] = &[
    ("an application reads it", |scene| scene.read(&[])),
    ("an application reads it once", |scene| scene.read_once()),
    ("a function reads it", |scene| scene.read(&[agent(LAMBDA)])),
    ("a task of ECS reads it at its start", |scene| {
        scene.read(&[agent(ECS)]);
    }),
    ("External Secrets reads it", |scene| {
        scene.read(&[session("external-secrets", "external-secrets-provider-aws")]);
    }),
    ("a person reads it in the console", |scene| {
        scene.read(&[
            agent(BROWSER),
            session("AWSReservedSSO_Dev_0123456789abcdef", "ada"),
        ]);
    }),
    ("a service reads it for the customer", |scene| {
        scene.read(&[invoked("rds.amazonaws.com")]);
    }),
    ("a data source of Terraform reads it", |scene| {
        scene.read(&[agent(TERRAFORM), stage()]);
    }),
    ("CloudFormation resolves it", |scene| {
        scene.read(&[invoked("cloudformation.amazonaws.com")]);
    }),
    ("Ansible looks it up", |scene| scene.read(&[agent(ANSIBLE)])),
    ("another account reads it", |scene| scene.foreign_read()),
    ("a batch reads it", |scene| scene.batch()),
    ("a caching client refreshes it", |scene| {
        scene.refresh(JAVA_CACHE);
    }),
    ("a caching client without a mark refreshes it", |scene| {
        scene.refresh(BOTO);
    }),
    ("a program in Go describes it regularly", |scene| {
        scene.refresh(GO);
    }),
    ("somebody described it a few times", |scene| scene.look()),
    ("an application is refused, by ARN", |scene| {
        scene.refused(Naming::Arn);
    }),
    ("an application is refused, by name", |scene| {
        scene.refused(Naming::Name);
    }),
    ("the key refuses an application", |scene| {
        scene.fails("AccessDenied", "Access to KMS is not allowed");
    }),
    (
        "an application asks for a version that is not there",
        |scene| {
            scene.fails("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSPENDING");
        },
    ),
    ("a caching client is refused", |scene| {
        scene.refused_describe();
    }),
    ("a batch is refused", |scene| scene.refused_batch()),
    ("another account decrypts it", |scene| scene.decrypted()),
    (
        "another account decrypts it on the day of its rotation",
        |scene| scene.decrypted_when_rotated(),
    ),
    ("a person put a value", |scene| {
        scene.written("PutSecretValue");
    }),
    ("a person took its deletion back", |scene| {
        scene.written("RestoreSecret");
    }),
    ("an application puts values", |scene| scene.pushed()),
    ("its replica is read", |scene| scene.replica()),
];

/// Refusals that name no secret: rare, because they speak for a whole account and Region.
const UNNAMED: &[Plot] = &[
    ("the key refuses, and the record names nothing", |scene| {
        scene.unnamed("AwsApiCall");
    }),
    (
        "the endpoint refuses, and the record names nothing",
        |scene| scene.unnamed("AwsVpceEvent"),
    ),
];

const UNUSED: &[Plot] = &[
    ("nobody has read it for long", |scene| scene.long_ago()),
    ("nobody has ever read it", |scene| {
        scene.known.secret = scene.known.secret.clone().without("LastAccessedDate");
    }),
    ("only its rotation function reads it", |scene| {
        scene.rotated();
    }),
    ("only a scanner describes it", |scene| {
        scene.described(SCANNER, "audit");
    }),
    ("only we describe it", |scene| {
        scene.described(OURSELVES, "secretsweep");
    }),
];

const OPEN: &[Plot] = &[
    ("Terraform refreshes it", |scene| {
        scene.refreshed_by_terraform();
    }),
    ("it is young", |scene| {
        scene.known.secret = scene
            .known
            .secret
            .clone()
            .without("LastAccessedDate")
            .created(20);
    }),
    ("it is scheduled for deletion", |scene| {
        scene.known.secret = scene.known.secret.clone().deleted(5);
    }),
];

/// What changes a call of an application into that of another caller.
type Change = Box<dyn Fn(Call, &str) -> Call>;

fn agent(agent: &'static str) -> Change {
    Box::new(move |call, _| call.agent(agent))
}

fn session(name: &'static str, session: &'static str) -> Change {
    Box::new(move |call, account| call.by(role_of(account, name, session)))
}

fn invoked(service: &'static str) -> Change {
    Box::new(move |call, _| call.invoked_by(service))
}

fn stage() -> Change {
    Box::new(|mut call, _| {
        call.request["versionStage"] = json!("AWSCURRENT");
        call
    })
}

#[derive(Clone, Copy)]
enum Naming {
    Arn,
    Name,
}

/// The place where the story of one secret is told.
struct Scene<'a> {
    dice: &'a mut Dice,
    known: Known,
    place: usize,
    told: &'a mut Vec<Told>,
    /// Another Region of the same account, for a replica.
    elsewhere: Option<String>,
    replica: Option<Secret>,
}

impl Scene<'_> {
    fn tell(&mut self, call: Call) {
        let secret = self.replica.as_ref().unwrap_or(&self.known.secret);
        let call = call.place(&secret.account, &secret.region);
        self.told.push(Told {
            call,
            of: Some(self.place),
        });
    }

    /// A moment within the idle time; now and then at its very edges.
    fn moment(&mut self) -> i64 {
        match self.dice.below(20) {
            0 => days_ago(90),
            1 => NOW_S - 1,
            _ => self.dice.between(days_ago(90), NOW_S - 60),
        }
    }

    /// The secret as callers name it.
    fn id(&mut self) -> String {
        let secret = &self.known.secret;
        match self.dice.below(3) {
            0 => secret.name.clone(),
            1 => secret.arn(),
            _ => secret.arn()[..secret.arn().len() - 7].to_owned(),
        }
    }

    fn app(&self, call: Call) -> Call {
        call.by(role_of(&self.known.secret.account, "orders-app", "worker"))
    }

    /// AWS saw a good read then.
    fn seen(&mut self, at: i64) {
        let days = (NOW_S - at).div_euclid(DAY) + i64::from((NOW_S - at) % DAY != 0);
        self.known.secret = self.known.secret.clone().accessed(days);
    }

    fn reads(&mut self, times: usize, changes: &[Change]) {
        let mut last = 0;
        for _ in 0..times {
            let at = self.moment();
            last = last.max(at);
            let id = self.id();
            let account = self.known.secret.account.clone();
            let call = self.app(get(&id)).at(at);
            let call = changes
                .iter()
                .fold(call, |call, change| change(call, &account));
            self.tell(call);
        }
        self.seen(last);
    }

    fn read(&mut self, changes: &[Change]) {
        let times = self.dice.below(12) + 1;
        self.reads(times, changes);
    }

    fn read_once(&mut self) {
        self.reads(1, &[]);
    }

    fn foreign_read(&mut self) {
        let at = self.moment();
        let principal = json!({"type": "AWSAccount", "principalId": "AROAEXAMPLEPARTNER:worker", "accountId": STRANGER});
        let arn = self.known.secret.arn();
        self.tell(get(&arn).by(principal).at(at));
        self.seen(at);
    }

    fn batch(&mut self) {
        let at = self.moment();
        let id = self.id();
        let list = call("BatchGetSecretValue", "").request(json!({"secretIdList": [id]}));
        let list = self.app(list).at(at);
        self.tell(list);
        let arn = self.known.secret.arn();
        let single = self
            .app(get(&arn))
            .invoked_by("secretsmanager.amazonaws.com");
        self.tell(single.at(at));
        self.seen(at);
    }

    fn refresh(&mut self, agent: &str) {
        let step = *self.dice.one(&[6, 12, 24]) * HOUR;
        let offset = self.dice.between(60, step);
        let id = self.id();
        let describe = self
            .app(describe(&id))
            .agent(agent)
            .at(days_ago(90) + offset);
        for call in describe.every(step, 90 * DAY / step) {
            self.tell(call);
        }
    }

    fn look(&mut self) {
        for _ in 0..=self.dice.below(3) {
            let at = self.moment();
            let id = self.id();
            let call = self.app(describe(&id)).at(at);
            self.tell(call);
        }
    }

    fn refusal(&mut self, api: &str, resource: &str) {
        for _ in 0..=self.dice.below(4) {
            let at = self.moment();
            let because = "because no identity-based policy allows it";
            let call = self.app(denied(api, resource, because)).at(at);
            self.tell(call);
        }
    }

    fn refused(&mut self, naming: Naming) {
        let resource = match naming {
            Naming::Arn => self.known.secret.arn(),
            Naming::Name => self.known.secret.name.clone(),
        };
        self.refusal("GetSecretValue", &resource);
    }

    fn refused_describe(&mut self) {
        let arn = self.known.secret.arn();
        self.refusal("DescribeSecret", &arn);
    }

    fn refused_batch(&mut self) {
        let arn = self.known.secret.arn();
        self.refusal("BatchGetSecretValue", &arn);
    }

    fn fails(&mut self, code: &str, message: &str) {
        let at = self.moment();
        let id = self.id();
        let call = self.app(get(&id)).error(code, message).at(at);
        self.tell(call);
    }

    fn unnamed(&mut self, kind: &str) {
        let at = self.moment();
        let call = self.app(get("")).unnamed().at(at);
        let call = if kind == "AwsVpceEvent" {
            call.category("NetworkActivity").error(
                "VpceAccessDenied",
                "The request was denied due to a VPC endpoint policy",
            )
        } else {
            call.error("AccessDenied", "Access to KMS is not allowed")
        };
        self.tell(call);
    }

    fn decrypted(&mut self) {
        let at = self.moment();
        self.decrypt(at);
        self.seen(at);
    }

    /// A rotation on the same day explains the LastAccessedDate: only the record of the key shows the reader.
    fn decrypted_when_rotated(&mut self) {
        let day = self.rotated();
        self.decrypt(days_ago(day) + 9 * HOUR);
    }

    fn decrypt(&mut self, at: i64) {
        let arn = self.known.secret.arn();
        let mut call = get("")
            .by(role_of(STRANGER, "partner", "worker"))
            .invoked_by("secretsmanager.amazonaws.com")
            .request(
                json!({"encryptionContext": {"SecretARN": arn, "SecretVersionId": "e75a49b6"}}),
            );
        "kms.amazonaws.com".clone_into(&mut call.source);
        "Decrypt".clone_into(&mut call.name);
        self.known.secret = self.known.secret.clone().customer_key();
        self.tell(call.at(at));
    }

    fn written(&mut self, api: &str) {
        let at = self.moment();
        let id = self.id();
        let account = self.known.secret.account.clone();
        let ada = role_of(&account, "AWSReservedSSO_Dev_0123456789abcdef", "ada");
        self.tell(call(api, &id).by(ada).agent(BROWSER).at(at));
        self.changed(at);
    }

    fn changed(&mut self, at: i64) {
        self.known.secret = self
            .known
            .secret
            .clone()
            .set("LastChangedDate", json!(time(at)));
    }

    fn pushed(&mut self) {
        let id = self.id();
        for day in (1..90).step_by(7) {
            let call = self.app(call("PutSecretValue", &id)).days(day);
            self.tell(call);
        }
        self.changed(days_ago(1) + 6 * HOUR);
    }

    fn replica(&mut self) {
        let Some(region) = self.elsewhere.clone() else {
            return self.read_once();
        };
        let primary = self.known.secret.region.clone();
        self.known.secret = self.known.secret.clone().primary(&primary);
        let account = self.known.secret.account.clone();
        let replica = self.known.secret.clone().at(&account, &region);
        let arn = replica.arn();
        self.replica = Some(replica.accessed(1));
        let call = self.app(get(&arn)).at(days_ago(1) + 6 * HOUR);
        self.tell(call);
    }

    fn long_ago(&mut self) {
        let days = self.dice.between(95, 390);
        self.known.secret = self.known.secret.clone().accessed(days);
    }

    fn rotated(&mut self) -> i64 {
        let name = "rotate-db";
        let day = self.dice.between(1, 30);
        for days in [day, day + 30, day + 60] {
            let account = self.known.secret.account.clone();
            let arn = self.known.secret.arn();
            let steps = [
                "DescribeSecret",
                "GetSecretValue",
                "PutSecretValue",
                "UpdateSecretVersionStage",
            ];
            for (step, api) in (0..).zip(steps) {
                let call = call(api, &arn)
                    .by(role_of(&account, "rotation", name))
                    .agent(LAMBDA);
                self.tell(call.at(days_ago(days) + 6 * HOUR + step));
            }
        }
        self.known.secret = self.known.secret.clone().accessed(day).rotated_by(name);
        self.changed(days_ago(day) + 6 * HOUR);
        day
    }

    fn described(&mut self, agent: &str, by: &str) {
        self.long_ago();
        let account = self.known.secret.account.clone();
        let name = self.known.secret.name.clone();
        let call = describe(&name)
            .by(role_of(&account, by, "run"))
            .agent(agent);
        for call in call.days(88).every(7 * DAY, 12) {
            // A tool that looks at all secrets lists them first.
            let list = Call {
                name: "ListSecrets".to_owned(),
                request: json!({"maxResults": 100}),
                ..call.clone()
            };
            self.tell(list);
            self.tell(call);
        }
    }

    fn refreshed_by_terraform(&mut self) {
        let account = self.known.secret.account.clone();
        let arn = self.known.secret.arn();
        let request = json!({"secretId": arn, "versionId": "e75a49b6"});
        let call = get("")
            .request(request)
            .by(role_of(&account, "ci", "run"))
            .agent(TERRAFORM);
        for call in call.days(80).every(10 * DAY, 8) {
            self.tell(call);
        }
        self.known.secret = self.known.secret.clone().accessed(10);
    }
}

const TEAMS: [&str; 6] = ["orders", "billing", "search", "mail", "stock", "web"];
const THINGS: [&str; 6] = ["db", "api-key", "token", "smtp", "oauth/client", "signing"];

impl Story {
    pub fn new(dice: &mut Dice) -> Self {
        let accounts = dice.below(3) + 1;
        let regions = dice.below(3) + 1;
        let scopes: Vec<(String, String)> = ACCOUNTS[..accounts]
            .iter()
            .flat_map(|account| {
                REGIONS[..regions]
                    .iter()
                    .map(|region| ((*account).to_owned(), (*region).to_owned()))
            })
            .collect();
        let mut story = Self {
            scopes,
            known: Vec::new(),
            told: Vec::new(),
        };
        let count = dice.below(36) + 5;
        let unnamed = dice.percent(15).then(|| dice.below(count));
        for number in 0..count {
            story.tell(dice, number, unnamed == Some(number));
        }
        story.withdraw_claims();
        story
    }

    fn tell(&mut self, dice: &mut Dice, number: usize, unnamed: bool) {
        let (account, region) = dice.one(&self.scopes).clone();
        let (truth, plots) = match dice.below(10) {
            _ if unnamed => (Truth::Needed, UNNAMED),
            0..=5 => (Truth::Needed, NEEDED),
            6..=8 => (Truth::Unused, UNUSED),
            _ => (Truth::Open, OPEN),
        };
        let &(story, plot) = dice.one(plots);
        let name = format!("{}/{}-{number}", dice.one(&TEAMS), dice.one(&THINGS));
        let secret = idle(&name)
            .at(&account, &region)
            .suffix(&format!("Sx{number:04}"));
        let elsewhere = self
            .scopes
            .iter()
            .find(|scope| scope.0 == account && scope.1 != region);
        let elsewhere = elsewhere.map(|scope| scope.1.clone());
        let mut scene = Scene {
            dice,
            known: Known {
                secret,
                truth,
                story,
            },
            place: self.known.len(),
            told: &mut self.told,
            elsewhere,
            replica: None,
        };
        plot(&mut scene);
        let (known, replica) = (scene.known, scene.replica);
        self.known.push(known);
        self.known.extend(replica.map(|secret| Known {
            secret,
            truth: Truth::Needed,
            story: "it is a replica that is read",
        }));
    }

    /// A refusal that names nothing may mean any secret of its account and Region: nothing there is surely unused.
    fn withdraw_claims(&mut self) {
        let unnamed: Vec<(String, String)> = self
            .told
            .iter()
            .filter(|told| told.call.error.is_some() && told.call.request == Value::Null)
            .filter(|told| {
                !told
                    .call
                    .error
                    .as_ref()
                    .unwrap()
                    .1
                    .as_ref()
                    .unwrap()
                    .contains("on resource")
            })
            .map(|told| (told.call.account.clone(), told.call.region.clone()))
            .collect();
        for known in &mut self.known {
            let scope = (known.secret.account.clone(), known.secret.region.clone());
            if known.truth == Truth::Unused && unnamed.contains(&scope) {
                known.truth = Truth::Open;
            }
        }
    }
}
