//! The adapters to AWS, through their own functions, against the AWS on the loopback.

mod buckets;
mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;

use secretsweep::aws::accounts::{self, Accounts, AccountsRequest, scopes};
use secretsweep::aws::bucket;
use secretsweep::aws::secrets::{self, inventory};
use secretsweep::aws::{
    AwsSession, AwsUse, Connect, Keys, Patience, Role, athena, cost_explorer, journal_object,
    log_group, lookup, organization, reach, trails, vault, versions,
};
use secretsweep::domain::base::gap::Gap;
use secretsweep::domain::base::names::{AccountId, Region, Scope, SecretArn};
use secretsweep::domain::base::span::Span;
use secretsweep::domain::sampling::SamplingPlan;
use secretsweep::ports::{
    BlobStore, Fault as Failed, Feed, LogObject, NoProgress, ProgressEvent, ProgressSink,
    RecordCompleteness, RecoveryWindow, Vault,
};

use crate::aws::world::{Account, Opt, Secret, Status, Version, at};
use crate::aws::{Aws, Fault, World, access_key};

const A: &str = "111122223333";
const B: &str = "444455556666";
const C: &str = "777788889999";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// Returns how the adapters reach that AWS, with waits so short that no test waits.
fn connect(aws: &Aws, account: &str) -> Connect {
    Connect {
        region: Some(Region::new(EAST).unwrap()),
        endpoint: Some(aws.endpoint()),
        keys: Some(Keys {
            id: access_key(account),
            secret: "loopback".to_owned(),
            token: None,
        }),
        patience: Patience {
            first_wait: Duration::from_millis(10),
            throttled: Duration::from_secs(5),
            ..Patience::default()
        },
        ..Connect::default()
    }
}

async fn session(aws: &Aws) -> AwsSession {
    AwsSession::open(connect(aws, A)).await.unwrap()
}

fn scope(account: &str, region: &str) -> Scope {
    Scope {
        account: AccountId::new(account).unwrap(),
        region: Region::new(region).unwrap(),
    }
}

fn ids(accounts: &[&str]) -> Vec<AccountId> {
    accounts
        .iter()
        .map(|id| AccountId::new(id).unwrap())
        .collect()
}

/// The gaps as text, to look for words in.
fn text(gaps: &[Gap]) -> String {
    gaps.iter()
        .map(|gap| format!("{gap:?}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn many(world: World, account: &str, region: &str, count: usize) -> World {
    (0..count).fold(world, |world, number| {
        world.secret(Secret::new(
            account,
            region,
            &format!("app/secret-{number:05}"),
        ))
    })
}

/// A shelf in memory.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl BlobStore for Memory {
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.0
            .lock()
            .unwrap()
            .insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let files = self.0.lock().unwrap();
        let below = files
            .keys()
            .filter_map(|name| name.strip_prefix(folder)?.strip_prefix('/'));
        Ok(below
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }
}

/// Hears everything that a source says.
#[derive(Default)]
struct ProgressEvents(Mutex<Vec<ProgressEvent>>);

impl ProgressSink for ProgressEvents {
    fn note(&self, note: ProgressEvent) {
        self.0.lock().unwrap().push(note);
    }
}

impl ProgressEvents {
    /// Returns what was said so far.
    fn all(&self) -> Vec<ProgressEvent> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn the_caller_is_known_and_every_call_says_who_we_are() {
    let aws = Aws::start(World::new(A));
    let session = session(&aws).await;
    assert_eq!(session.caller().account.as_str(), A);
    let agent = aws.calls()[0].user_agent.clone();
    assert!(agent.contains("app/secretsweep"), "{agent}");
    assert_eq!(session.calls()["sts:GetCallerIdentity"], 1);
}

#[tokio::test]
async fn keys_that_are_not_valid_open_no_session() {
    let aws = Aws::start(World::new(A));
    aws.inject(Fault::expired());
    let refused = AwsSession::open(connect(&aws, A)).await.unwrap_err();
    assert!(matches!(refused, Failed::Credentials(_)), "{refused}");
}

#[tokio::test]
async fn ten_thousand_secrets_are_a_hundred_calls() {
    let aws = Aws::start(many(World::new(A), A, EAST, 10_000));
    let session = session(&aws).await;
    let read = inventory(&session, &[scope(A, EAST)], &NoProgress, None).await;
    assert_eq!(read[0].secrets.len(), 10_000);
    assert!(read[0].complete);
    assert_eq!(
        session.calls(),
        BTreeMap::from([
            ("secretsmanager:ListSecrets".to_owned(), 100),
            ("sts:GetCallerIdentity".to_owned(), 1)
        ])
    );
}

#[tokio::test]
async fn an_empty_page_is_not_the_end() {
    let aws = Aws::start(many(World::new(A), A, EAST, 250));
    aws.inject(
        Fault::empty_page()
            .on("secretsmanager", "ListSecrets")
            .nth(2),
    );
    let session = session(&aws).await;
    let read = inventory(&session, &[scope(A, EAST)], &NoProgress, None).await;
    assert_eq!(
        (read[0].secrets.len(), read[0].gaps.len()),
        (250, 0),
        "{:?}",
        read[0].gaps
    );
}

#[tokio::test]
async fn only_primaries_with_replicas_are_asked_for_one_by_one() {
    let world = many(World::new(A).regions(&[EAST, WEST]), A, EAST, 20)
        .replicated(
            Secret::new(A, EAST, "pay/db"),
            &[(WEST, Some("2026-11-20T00:00:00Z"))],
        )
        .secret(Secret::new(A, EAST, "old/thing").deleted("2026-11-20T10:00:00Z"));
    let aws = Aws::start(world);
    let session = session(&aws).await;
    let read = inventory(
        &session,
        &[scope(A, EAST), scope(A, WEST)],
        &NoProgress,
        None,
    )
    .await;
    assert_eq!(session.calls()["secretsmanager:DescribeSecret"], 1);
    let primary = read[0].secrets.iter().find(|s| s.name == "pay/db").unwrap();
    let replicas = primary.replicas.as_ref().unwrap();
    assert_eq!(replicas[0].region.as_str(), WEST);
    assert_eq!(replicas[0].last_accessed.unwrap().to_string(), "2026-11-20");
    assert!(read[1].secrets[0].is_replica());
    let pending = read[0].secrets.iter().find(|s| s.name == "old/thing");
    assert_eq!(
        pending.unwrap().deleted.unwrap().to_string(),
        "2026-11-20T10:00:00Z"
    );
}

#[tokio::test]
async fn what_goes_wrong_in_one_scope_is_a_gap_and_the_rest_is_read() {
    let mut world = World::new(A).regions(&[EAST, WEST, "eu-central-1", "ap-south-1", "sa-east-1"]);
    for region in [EAST, WEST, "eu-central-1", "ap-south-1", "sa-east-1"] {
        world = many(world, A, region, 150);
    }
    let aws = Aws::start(world);
    let list = |fault: Fault| fault.on("secretsmanager", "ListSecrets");
    aws.inject(list(Fault::denied()).region(WEST));
    aws.inject(list(Fault::not_opted_in()).region("ap-south-1"));
    aws.inject(list(Fault::broken(500)).region("sa-east-1").first(2));
    aws.inject(
        list(Fault::throttle())
            .region("eu-central-1")
            .during(Duration::from_millis(600)),
    );
    let session = session(&aws).await;
    let scopes = [EAST, WEST, "eu-central-1", "ap-south-1", "sa-east-1"].map(|r| scope(A, r));
    let read = inventory(&session, &scopes, &NoProgress, None).await;
    let counts: Vec<usize> = read.iter().map(|one| one.secrets.len()).collect();
    assert_eq!(counts, [150, 0, 150, 0, 150]);
    let complete: Vec<bool> = read.iter().map(|one| one.complete).collect();
    assert_eq!(complete, [true, false, true, false, true]);
    let denied = text(&read[1].gaps);
    assert!(
        denied.contains("secretsmanager:ListSecrets is missing"),
        "{denied}"
    );
    let closed = text(&read[3].gaps);
    assert!(closed.contains("not enabled"), "{closed}");
}

#[tokio::test]
async fn credentials_that_run_out_in_the_middle_leave_what_was_read_and_a_gap() {
    let aws = Aws::start(many(World::new(A), A, EAST, 1_000));
    let session = session(&aws).await;
    aws.inject(Fault::before(|_, _| {}).on("secretsmanager", "ListSecrets"));
    for page in 5..12 {
        aws.inject(
            Fault::expired()
                .on("secretsmanager", "ListSecrets")
                .nth(page),
        );
    }
    let read = inventory(&session, &[scope(A, EAST)], &NoProgress, None).await;
    assert_eq!((read[0].secrets.len(), read[0].complete), (400, false));
    let gap = text(&read[0].gaps);
    assert!(
        gap.contains("after the first 400") && gap.contains("expired"),
        "{gap}"
    );
}

#[tokio::test]
async fn a_dead_endpoint_is_a_gap_within_seconds() {
    let aws = Aws::start(many(World::new(A).regions(&[EAST, WEST]), A, EAST, 3));
    aws.inject(Fault::reset_before().service("secretsmanager").region(WEST));
    let session = session(&aws).await;
    let begun = Instant::now();
    let read = inventory(
        &session,
        &[scope(A, EAST), scope(A, WEST)],
        &NoProgress,
        None,
    )
    .await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(read[0].secrets.len(), 3);
    let gap = text(&read[1].gaps);
    assert!(gap.contains("no answer"), "{gap}");
}

#[tokio::test]
async fn an_organization_is_entered_account_by_account_with_one_role_each() {
    let world = World::new(A)
        .account(Account::new(B, "member"))
        .account(Account::new(C, "gone").status(Status::Suspended))
        .regions(&[EAST, WEST])
        .organization(A)
        .role(B, "audit", Some("x-1"));
    let world = many(many(world, A, EAST, 3), B, WEST, 5);
    let aws = Aws::start(world);
    let role = Role {
        name: "audit".to_owned(),
        external_id: Some("x-1".to_owned()),
    };
    let session = AwsSession::open(Connect {
        role: Some(role),
        ..connect(&aws, A)
    })
    .await
    .unwrap();
    let ask = AccountsRequest {
        accounts: Accounts::Organization,
        regions: Vec::new(),
    };
    let found = scopes(&session, &ask, &NoProgress).await;
    assert_eq!(
        found.closed,
        [(ids(&[C])[0].clone(), "SUSPENDED".to_owned())]
    );
    assert!(found.gaps.is_empty(), "{}", text(&found.gaps));
    assert_eq!(
        found.scopes,
        [
            scope(A, WEST),
            scope(A, EAST),
            scope(B, WEST),
            scope(B, EAST)
        ]
    );
    let read = inventory(&session, &found.scopes, &NoProgress, None).await;
    let counts: Vec<usize> = read.iter().map(|one| one.secrets.len()).collect();
    assert_eq!(counts, [0, 3, 5, 0]);
    assert_eq!(session.calls()["sts:AssumeRole"], 1, "one role, one call");
}

#[tokio::test]
async fn an_account_that_cannot_be_entered_is_one_gap() {
    let world = World::new(A)
        .account(Account::new(B, "member"))
        .regions(&[EAST, WEST])
        .role(B, "audit", Some("x-1"));
    let aws = Aws::start(world);
    let ask = AccountsRequest {
        accounts: Accounts::Listed(ids(&[A, B])),
        regions: vec![Region::new(EAST).unwrap()],
    };
    let plain = session(&aws).await;
    let found = scopes(&plain, &ask, &NoProgress).await;
    assert_eq!(found.scopes, [scope(A, EAST)]);
    assert!(
        text(&found.gaps).contains("no role"),
        "{}",
        text(&found.gaps)
    );
    let wrong = Role {
        name: "audit".to_owned(),
        external_id: None,
    };
    let session = AwsSession::open(Connect {
        role: Some(wrong),
        ..connect(&aws, A)
    })
    .await
    .unwrap();
    let found = scopes(&session, &ask, &NoProgress).await;
    assert_eq!((found.scopes.len(), found.gaps.len()), (1, 1));
    let gap = text(&found.gaps);
    assert!(
        gap.contains("sts:AssumeRole is missing") && gap.contains("role/audit"),
        "{gap}"
    );
}

#[tokio::test]
async fn only_enabled_regions_are_looked_at_and_without_permission_all_known_ones() {
    let account = Account::new(A, "main")
        .region(WEST, Opt::Enabled)
        .region("ap-east-1", Opt::Disabled);
    let aws = Aws::start(World::new(A).account(account));
    let session = session(&aws).await;
    let ask = AccountsRequest {
        accounts: Accounts::Own,
        regions: Vec::new(),
    };
    let found = scopes(&session, &ask, &NoProgress).await;
    assert_eq!(found.scopes, [scope(A, WEST), scope(A, EAST)]);
    aws.inject(Fault::denied().on("account", "ListRegions"));
    let found = scopes(&session, &ask, &NoProgress).await;
    assert_eq!((found.scopes.len(), found.gaps.len()), (34, 1));
    assert!(text(&found.gaps).contains("account:ListRegions is missing"));
}

#[tokio::test]
async fn where_aws_cannot_tell_its_regions_nobody_asks_and_nothing_is_missing() {
    for (partition, region, regions, asked) in [
        ("aws-us-gov", "us-gov-west-1", 2, 0),
        ("aws-iso", "us-iso-east-1", 2, 0),
        // There AWS is asked, and the loopback has one Region.
        ("aws-cn", "cn-north-1", 1, 1),
        ("aws-new", "new-north-1", 1, 1),
    ] {
        let mut world = World::new(A);
        world.partition = partition;
        let aws = Aws::start(world);
        let session = AwsSession::open(Connect {
            region: Some(region.parse().unwrap()),
            ..connect(&aws, A)
        })
        .await
        .unwrap();
        let ask = AccountsRequest {
            accounts: Accounts::Own,
            regions: Vec::new(),
        };
        let found = scopes(&session, &ask, &NoProgress).await;
        assert_eq!(found.scopes.len(), regions, "{:?}", found.scopes);
        assert_eq!(found.gaps, [], "{partition}");
        assert_eq!(aws.calls_of("account", "ListRegions").len(), asked);
        let text = found.notes.iter().any(|note| note.contains(partition));
        assert_eq!(text, asked == 0, "{:?}", found.notes);
    }
}

#[tokio::test]
async fn long_work_before_and_after_the_scan_says_how_far_it_is() {
    let mut world = World::new(A).account(Account::new(B, "member"));
    world = many(world.role(B, "audit", None), A, EAST, 3);
    let arns: Vec<SecretArn> = world
        .secrets
        .keys()
        .map(|arn| SecretArn::new(arn).unwrap())
        .collect();
    let aws = Aws::start(world);
    let role = Role {
        name: "audit".to_owned(),
        external_id: None,
    };
    let session = AwsSession::open(Connect {
        role: Some(role),
        ..connect(&aws, A)
    })
    .await
    .unwrap();
    let events = ProgressEvents::default();
    let ask = AccountsRequest {
        accounts: Accounts::Listed(ids(&[A, B])),
        regions: Vec::new(),
    };
    scopes(&session, &ask, &events).await;
    versions::current(&session, &arns, None, &events).await;
    let far = |done, of| ProgressEvent::Accounts { done, of };
    let near = |done, of| ProgressEvent::Versions { done, of };
    assert_eq!(
        events.all(),
        [
            far(0, 2),
            far(1, 2),
            far(2, 2),
            near(0, 3),
            near(1, 3),
            near(2, 3),
            near(3, 3)
        ]
    );
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_one_gap_and_nothing_is_asked_for_twice() {
    let primary = Secret::new(A, EAST, "z-primary").with(|secret| {
        secret.created = at("2026-01-02T00:00:00Z");
    });
    let broken = Secret::new(A, EAST, "broken").with(|secret| {
        secret.created = at("2026-01-03T00:00:00Z");
        "no-suffix!".clone_into(&mut secret.suffix);
    });
    let world = World::new(A)
        .regions(&[EAST, WEST])
        .replicated(primary, &[(WEST, None)])
        .secret(broken);
    let aws = Aws::start(world);
    // Each on a page of its own.
    aws.inject(Fault::short_page(1).on("secretsmanager", "ListSecrets"));
    let session = session(&aws).await;
    let read = inventory(&session, &[scope(A, EAST)], &NoProgress, None).await;
    assert_eq!((read[0].secrets.len(), read[0].gaps.len()), (1, 1));
    assert_eq!(session.calls()["secretsmanager:DescribeSecret"], 1);
}

#[tokio::test]
async fn a_listing_that_goes_round_in_circles_is_a_gap() {
    let secret = Secret::new(A, EAST, "rotated");
    let arn = SecretArn::new(&secret.arn()).unwrap();
    let aws = Aws::start(World::new(A).secret(secret));
    let same = |key: &str| json!({ key: [], "NextToken": "again" });
    aws.inject(Fault::answer(same("SecretList")).on("secretsmanager", "ListSecrets"));
    aws.inject(Fault::answer(same("Versions")).on("secretsmanager", "ListSecretVersionIds"));
    let session = session(&aws).await;
    let read = inventory(&session, &[scope(A, EAST)], &NoProgress, None).await;
    let found = versions::current(&session, std::slice::from_ref(&arn), None, &NoProgress).await;
    for gaps in [&read[0].gaps, &found.gaps] {
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!(text(gaps).contains("SameToken"), "{gaps:?}");
    }
}

#[tokio::test]
async fn what_was_fetched_is_saved_as_aws_prints_it() {
    let world = many(World::new(A).regions(&[EAST, WEST]), A, EAST, 101).replicated(
        Secret::new(A, EAST, "a/b").tag("owner", "payments"),
        &[(WEST, None)],
    );
    let aws = Aws::start(world);
    let session = session(&aws).await;
    let store = Memory::default();
    inventory(&session, &[scope(A, EAST)], &NoProgress, Some(&store)).await;
    let names = store
        .names(&format!("inventory/{A}/{EAST}"))
        .unwrap()
        .join(" ");
    assert!(names.contains("list-secrets-00001.json list-secrets-00002.json"));
    assert!(names.starts_with("describe-secret-a_b-"), "{names}");
    let page = store
        .get(&format!("inventory/{A}/{EAST}/list-secrets-00001.json"))
        .unwrap()
        .unwrap();
    let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
    let first = &page["SecretList"][0];
    assert_eq!(first["Name"], "a/b");
    assert_eq!(first["CreatedDate"], "2025-01-15T09:30:00.125+00:00");
    assert_eq!(first["Tags"][0]["Value"], "payments");
}

#[tokio::test]
async fn the_session_acts_on_secrets_and_says_why_it_could_not() {
    let world = World::new(A)
        .regions(&[EAST, WEST])
        .secret(Secret::new(A, EAST, "plain"))
        .secret(Secret::new(A, EAST, "rds!cluster").owned_by("rds"))
        .replicated(Secret::new(A, EAST, "wide"), &[(WEST, None)]);
    let arn_of = |world: &World, name: &str| {
        let found = world
            .secrets
            .values()
            .find(|s| s.name == name && s.region == EAST);
        SecretArn::new(&found.unwrap().arn()).unwrap()
    };
    let (plain, owned, wide) = (
        arn_of(&world, "plain"),
        arn_of(&world, "rds!cluster"),
        arn_of(&world, "wide"),
    );
    let aws = Aws::start(world);
    let session = session(&aws).await;
    let window = RecoveryWindow::new(30).unwrap();
    session.tag(&plain, "sweep", "planned").await.unwrap();
    let scheduled = session.delete(&plain, window, "p1").await.unwrap();
    assert_eq!(scheduled.deletion, at("2026-12-23T12:00:00Z"));
    let now = session.describe(&plain).await.unwrap();
    assert_eq!(now.deleted, Some(at("2026-11-23T12:00:00Z")));
    assert_eq!(now.tags["sweep"], "planned");
    let late = session.tag(&plain, "a", "b").await.unwrap_err();
    assert!(matches!(late, Failed::Refused { .. }), "{late}");
    session.restore(&plain).await.unwrap();
    assert_eq!(session.describe(&plain).await.unwrap().deleted, None);

    let refused = session.delete(&owned, window, "p1").await.unwrap_err();
    assert!(matches!(refused, Failed::Refused { .. }), "{refused}");

    let west = [Region::new(WEST).unwrap()];
    session.remove_replicas(&wide, &west).await.unwrap();
    let alone = session.describe(&wide).await.unwrap();
    assert_eq!(alone.replicas, Some(Vec::new()));
    session
        .replicate(&wide, &west[0], Some("alias/team"))
        .await
        .unwrap();
    let again = session.describe(&wide).await.unwrap().replicas.unwrap();
    assert_eq!(again[0].kms_key.as_deref(), Some("alias/team"));

    let gone = SecretArn::new(&plain.as_str().replace("plain", "other")).unwrap();
    let missing = session.describe(&gone).await.unwrap_err();
    assert!(matches!(missing, Failed::Gone(_)), "{missing}");
}

#[tokio::test]
async fn the_current_version_tells_whether_anybody_fetched_it() {
    let secret = Secret::new(A, EAST, "rotated").with(|secret| {
        secret.versions = vec![
            Version {
                id: "00000000-0000-4000-8000-00000000aaaa".to_owned(),
                stages: vec!["AWSPREVIOUS".to_owned()],
                created: at("2026-01-01T00:00:00Z"),
                last_accessed: Some(at("2026-11-01T00:00:00Z")),
            },
            Version {
                id: "00000000-0000-4000-8000-00000000bbbb".to_owned(),
                stages: vec!["AWSCURRENT".to_owned()],
                created: at("2026-11-01T03:00:00Z"),
                last_accessed: None,
            },
        ];
    });
    let arn = SecretArn::new(&secret.arn()).unwrap();
    let aws = Aws::start(World::new(A).secret(secret));
    let session = session(&aws).await;
    let found = versions::current(&session, std::slice::from_ref(&arn), None, &NoProgress).await;
    let current = &found.current[&arn];
    assert_eq!(current.created, Some(at("2026-11-01T03:00:00Z")));
    assert_eq!(current.last_accessed, None);
    assert_eq!(found.gaps, []);
}

/// Remembers what an event source hands on.
#[derive(Default)]
struct Basket {
    records: Mutex<Vec<String>>,
    covered: Mutex<Vec<(Scope, Span)>>,
    sampled: Mutex<Vec<(SamplingPlan, u32, String)>>,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Basket {
    fn distinct(&self) -> BTreeSet<String> {
        self.records.lock().unwrap().iter().cloned().collect()
    }

    /// Covered seconds of a scope; spans that touch are joined.
    fn covered(&self, scope: &Scope) -> Vec<(String, String)> {
        let mut spans: Vec<Span> = self
            .covered
            .lock()
            .unwrap()
            .iter()
            .filter(|(of, _)| of == scope)
            .map(|(_, span)| *span)
            .collect();
        spans.sort_by_key(|span| span.from);
        let mut joined: Vec<Span> = Vec::new();
        for span in spans {
            match joined.last_mut() {
                Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
                _ => joined.push(span),
            }
        }
        joined
            .iter()
            .map(|span| (span.from.to_string(), span.to.to_string()))
            .collect()
    }
}

impl Feed for Basket {
    fn record(&self, _scope: &Scope, json: &[u8]) {
        self.records
            .lock()
            .unwrap()
            .push(String::from_utf8_lossy(json).into_owned());
    }

    fn file(&self, object: &LogObject, bytes: &[u8]) -> Result<(), String> {
        if bytes.starts_with(b"damaged") {
            return Err("no gzip".to_owned());
        }
        self.files
            .lock()
            .unwrap()
            .insert(object.key.clone(), bytes.to_vec());
        Ok(())
    }

    fn records(&self, _place: &str, json: &[u8], _completeness: RecordCompleteness) {
        self.records
            .lock()
            .unwrap()
            .push(String::from_utf8_lossy(json).into_owned());
    }

    fn covered(&self, scope: &Scope, span: Span) {
        self.covered.lock().unwrap().push((scope.clone(), span));
    }

    fn sampled(&self, _scope: &Scope, comb: &SamplingPlan, window: u32, json: &[u8]) {
        let text = String::from_utf8_lossy(json).into_owned();
        self.sampled
            .lock()
            .unwrap()
            .push((comb.clone(), window, text));
    }
}

/// The adapters by the files they stand in, and what they declare.
fn declared(file: &str) -> Vec<&'static str> {
    match file {
        "accounts.rs" => [accounts::ACTIONS, organization::ACTIONS].concat(),
        "secrets.rs" => secrets::ACTIONS.to_vec(),
        "journal_object.rs" => journal_object::ACTIONS.to_vec(),
        "vault.rs" => [secrets::ACTIONS, vault::ACTIONS].concat(),
        "versions.rs" => versions::ACTIONS.to_vec(),
        "trails.rs" => trails::ACTIONS.to_vec(),
        "organization.rs" => organization::ACTIONS.to_vec(),
        "reach.rs" => reach::ACTIONS.to_vec(),
        "log_group.rs" => log_group::ACTIONS.to_vec(),
        "cost_explorer.rs" => cost_explorer::ACTIONS.to_vec(),
        "athena.rs" => athena::ACTIONS.to_vec(),
        file if file.starts_with("lookup/") => lookup::history::ACTIONS.to_vec(),
        file if file.starts_with("bucket/") => bucket::ACTIONS.to_vec(),
        _ => Vec::new(),
    }
}

/// Every Rust file of the adapters: its path below `src/aws` and its code without comments.
fn adapters() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws");
    let (mut open, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let tested = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let code: Vec<&str> = tested
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            files.push((name, code.join("\n")));
        }
    }
    files
}

/// The requests in a piece of code, by the IAM action of each: `client.list_secrets() ... .send()`.
fn requests(code: &str) -> Vec<String> {
    let chains = code.split("client").skip(1).filter_map(|rest| {
        let (method, _) = rest.trim_start().strip_prefix('.')?.split_once("()")?;
        let fits = method
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        (fits && method != "clone").then(|| match method {
            "list_objects_v2" | "head_bucket" => "ListBucket".to_owned(),
            method => method.split('_').fold(String::new(), |name, word| {
                name + &word[..1].to_uppercase() + &word[1..]
            }),
        })
    });
    chains.collect()
}

/// The services that are asked without their SDK.
const WITHOUT_SDK: [&str; 7] = [
    "account",
    "athena",
    "ce",
    "iam",
    "kms",
    "logs",
    "organizations",
];

/// The actions of services without an SDK that a piece of code names outside the list of what it declares.
fn operations(code: &str) -> Vec<String> {
    let before = code.split("pub const ACTIONS").next().unwrap_or_default();
    let after = code.split("pub const ACTIONS").nth(1);
    let after = after
        .and_then(|rest| rest.split_once("];"))
        .map(|(_, after)| after);
    let code = format!("{before}{}", after.unwrap_or_default());
    let words = code.split('"').skip(1).step_by(2);
    let actions = words.filter(|word| {
        let parts = word.split_once(':');
        parts.is_some_and(|(service, name)| {
            WITHOUT_SDK.contains(&service) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    });
    actions.map(str::to_owned).collect()
}

#[test]
fn no_adapter_asks_for_what_it_does_not_declare() {
    let mut asked: BTreeSet<String> = BTreeSet::new();
    for (file, code) in adapters() {
        let requests = requests(&code);
        assert_eq!(
            requests.len(),
            code.matches(".send()").count(),
            "{file}: a request that this test does not see"
        );
        let declared = declared(&file);
        if code.contains(".operation(") {
            let operations = operations(&code);
            assert!(
                !operations.is_empty(),
                "{file}: an operation that this test does not see"
            );
            for action in operations {
                assert!(declared.contains(&action.as_str()), "{file}: {action}");
                asked.insert(action);
            }
        }
        for name in requests {
            let action = declared
                .iter()
                .find(|action| action.ends_with(&format!(":{name}")));
            let action =
                action.unwrap_or_else(|| panic!("{file} calls {name} without declaring it"));
            asked.insert((*action).to_owned());
        }
    }
    let all: BTreeSet<String> = secretsweep::aws::actions()
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(asked, all, "declared, but never asked");
    let used: BTreeSet<String> = AwsUse::ALL
        .iter()
        .flat_map(|one| one.actions())
        .map(str::to_owned)
        .collect();
    assert_eq!(used, all, "asked, but in no use that a policy is made of");
}
