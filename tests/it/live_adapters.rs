//! The adapters to AWS, through their own functions, against the AWS on the loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use secretsweep::aws::accounts::{self, Accounts, Ask, scopes};
use secretsweep::aws::bucket::{self, Payer};
use secretsweep::aws::secrets::{self, inventory};
use secretsweep::aws::{Connect, Keys, Patience, Role, Session, Use, lookup, versions};
use secretsweep::domain::names::{AccountId, Region, Scope, SecretArn};
use secretsweep::domain::report::{Gap, Span};
use secretsweep::domain::sample::{Comb, Sample, Series};
use secretsweep::ports::{
    Fault as Failed, Feed, LogObject, LookupWay, RecoveryWindow, Shelf, Silence, Vault,
};

use crate::aws::world::{Account, Bucket, Early, Event, Opt, Rate, Secret, Status, Version, at};
use crate::aws::{Aws, Fault, World, access_key};

const A: &str = "111122223333";
const B: &str = "444455556666";
const C: &str = "777788889999";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// How the adapters reach that AWS, with waits so short that no test waits.
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

async fn session(aws: &Aws) -> Session {
    Session::open(connect(aws, A)).await.unwrap()
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
fn told(gaps: &[Gap]) -> String {
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

impl Shelf for Memory {
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
    let refused = Session::open(connect(&aws, A)).await.unwrap_err();
    assert!(matches!(refused, Failed::Credentials(_)), "{refused}");
}

#[tokio::test]
async fn ten_thousand_secrets_are_a_hundred_calls() {
    let aws = Aws::start(many(World::new(A), A, EAST, 10_000));
    let session = session(&aws).await;
    let read = inventory(&session, &[scope(A, EAST)], &Silence, None).await;
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
    let read = inventory(&session, &[scope(A, EAST)], &Silence, None).await;
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
    let read = inventory(&session, &[scope(A, EAST), scope(A, WEST)], &Silence, None).await;
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
    let read = inventory(&session, &scopes, &Silence, None).await;
    let counts: Vec<usize> = read.iter().map(|one| one.secrets.len()).collect();
    assert_eq!(counts, [150, 0, 150, 0, 150]);
    let complete: Vec<bool> = read.iter().map(|one| one.complete).collect();
    assert_eq!(complete, [true, false, true, false, true]);
    let denied = told(&read[1].gaps);
    assert!(
        denied.contains("secretsmanager:ListSecrets is missing"),
        "{denied}"
    );
    let closed = told(&read[3].gaps);
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
    let read = inventory(&session, &[scope(A, EAST)], &Silence, None).await;
    assert_eq!((read[0].secrets.len(), read[0].complete), (400, false));
    let gap = told(&read[0].gaps);
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
    let read = inventory(&session, &[scope(A, EAST), scope(A, WEST)], &Silence, None).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(read[0].secrets.len(), 3);
    let gap = told(&read[1].gaps);
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
    let session = Session::open(Connect {
        role: Some(role),
        ..connect(&aws, A)
    })
    .await
    .unwrap();
    let ask = Ask {
        accounts: Accounts::Organization,
        regions: Vec::new(),
    };
    let found = scopes(&session, &ask).await;
    assert_eq!(
        found.closed,
        [(ids(&[C])[0].clone(), "SUSPENDED".to_owned())]
    );
    assert!(found.gaps.is_empty(), "{}", told(&found.gaps));
    assert_eq!(
        found.scopes,
        [
            scope(A, WEST),
            scope(A, EAST),
            scope(B, WEST),
            scope(B, EAST)
        ]
    );
    let read = inventory(&session, &found.scopes, &Silence, None).await;
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
    let ask = Ask {
        accounts: Accounts::Listed(ids(&[A, B])),
        regions: vec![Region::new(EAST).unwrap()],
    };
    let plain = session(&aws).await;
    let found = scopes(&plain, &ask).await;
    assert_eq!(found.scopes, [scope(A, EAST)]);
    assert!(
        told(&found.gaps).contains("no role"),
        "{}",
        told(&found.gaps)
    );
    let wrong = Role {
        name: "audit".to_owned(),
        external_id: None,
    };
    let session = Session::open(Connect {
        role: Some(wrong),
        ..connect(&aws, A)
    })
    .await
    .unwrap();
    let found = scopes(&session, &ask).await;
    assert_eq!((found.scopes.len(), found.gaps.len()), (1, 1));
    let gap = told(&found.gaps);
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
    let ask = Ask {
        accounts: Accounts::Own,
        regions: Vec::new(),
    };
    let found = scopes(&session, &ask).await;
    assert_eq!(found.scopes, [scope(A, WEST), scope(A, EAST)]);
    aws.inject(Fault::denied().on("account", "ListRegions"));
    let found = scopes(&session, &ask).await;
    assert_eq!((found.scopes.len(), found.gaps.len()), (34, 1));
    assert!(told(&found.gaps).contains("account:ListRegions is missing"));
}

#[tokio::test]
async fn what_was_fetched_is_saved_as_aws_prints_it() {
    let world = many(World::new(A).regions(&[EAST, WEST]), A, EAST, 101).replicated(
        Secret::new(A, EAST, "a/b").tag("owner", "payments"),
        &[(WEST, None)],
    );
    let aws = Aws::start(world);
    let session = session(&aws).await;
    let shelf = Memory::default();
    inventory(&session, &[scope(A, EAST)], &Silence, Some(&shelf)).await;
    let names = shelf
        .names(&format!("inventory/{A}/{EAST}"))
        .unwrap()
        .join(" ");
    assert!(names.contains("list-secrets-00001.json list-secrets-00002.json"));
    assert!(names.starts_with("describe-secret-a_b-"), "{names}");
    let page = shelf
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
    let scheduled = session.delete(&plain, window).await.unwrap();
    assert_eq!(scheduled.deletion, at("2026-12-23T12:00:00Z"));
    let now = session.describe(&plain).await.unwrap();
    assert_eq!(now.deleted, Some(at("2026-11-23T12:00:00Z")));
    assert_eq!(now.tags["sweep"], "planned");
    let late = session.tag(&plain, "a", "b").await.unwrap_err();
    assert!(matches!(late, Failed::Refused { .. }), "{late}");
    session.restore(&plain).await.unwrap();
    assert_eq!(session.describe(&plain).await.unwrap().deleted, None);

    let refused = session.delete(&owned, window).await.unwrap_err();
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
    let found = versions::current(&session, std::slice::from_ref(&arn), None).await;
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
    sampled: Mutex<Vec<(Comb, u32, String)>>,
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

    fn covered(&self, scope: &Scope, span: Span) {
        self.covered.lock().unwrap().push((scope.clone(), span));
    }

    fn sampled(&self, _scope: &Scope, comb: &Comb, window: u32, json: &[u8]) {
        let text = String::from_utf8_lossy(json).into_owned();
        self.sampled
            .lock()
            .unwrap()
            .push((comb.clone(), window, text));
    }
}

const NOW: &str = "2026-11-23T12:00:00Z";

/// Ninety days of evidence, thirty of them counted, everything final.
fn everything(budget: Duration) -> lookup::Ask {
    let now = at(NOW);
    let span = |days: i64| Span {
        from: now - SignedDuration::from_hours(24 * days),
        to: now,
    };
    lookup::Ask {
        settled: now,
        seed: 7,
        ..lookup::Ask::new(span(90), span(30), now, budget)
    }
}

/// Reads of one secret, evenly over the last `days`, ending a minute before now.
fn reads(region: &str, count: i64, days: i64) -> Vec<Event> {
    let step = days * 86_400 / count;
    (0..count)
        .map(|number| {
            let time = at(NOW) - SignedDuration::from_secs(60 + number * step);
            Event::read(
                &time.to_string(),
                A,
                region,
                "app/secret-00000",
                "app",
                "pod-1",
            )
        })
        .collect()
}

async fn quick(aws: &Aws, pace: Duration) -> Session {
    let mut connect = connect(aws, A);
    connect.patience.lookup_pace = pace;
    Session::open(connect).await.unwrap()
}

const FAST: Duration = Duration::from_millis(1);
const AMPLE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_history_is_read_to_its_end_once_and_asserted() {
    let mut world = World::new(A)
        .events(A, EAST, reads(EAST, 1_234, 80))
        .lookup_rate(Rate::Unlimited);
    world.lookup.early = Early::Refuse;
    let aws = Aws::start(world);
    let session = quick(&aws, FAST).await;
    let basket = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST)],
        &everything(AMPLE),
        &basket,
        None,
        &Silence,
    )
    .await;
    assert_eq!(read[0].gaps, []);
    assert_eq!(read[0].way, LookupWay::Everything);
    assert_eq!(basket.distinct().len(), 1_234);
    assert_eq!(
        basket.covered(&scope(A, EAST)),
        [("2026-08-25T12:00:00Z".to_owned(), NOW.to_owned())]
    );
    // 25 pages; 13 probes; what the cut slices read twice or nearly empty.
    assert!((25..60).contains(&read[0].requests), "{}", read[0].requests);
    let asked = aws.calls_of("cloudtrail", "LookupEvents");
    assert!(asked.iter().all(|call| call.status == 200), "{asked:?}");
}

#[tokio::test]
async fn a_quiet_history_is_one_request() {
    let aws = Aws::start(World::new(A).lookup_rate(Rate::Unlimited));
    let session = quick(&aws, FAST).await;
    let basket = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST)],
        &everything(AMPLE),
        &basket,
        None,
        &Silence,
    )
    .await;
    assert_eq!((read[0].requests, read[0].gaps.len()), (1, 0));
    assert_eq!(
        basket.covered(&scope(A, EAST)).len(),
        1,
        "nothing logged, and that is known"
    );
}

#[tokio::test]
async fn an_interrupted_run_goes_on_where_it_stopped() {
    let world = World::new(A)
        .events(A, EAST, reads(EAST, 2_500, 88))
        .lookup_rate(Rate::Unlimited);
    let aws = Aws::start(world);
    let session = quick(&aws, FAST).await;
    let shelf = Memory::default();
    for number in 35..60 {
        aws.inject(
            Fault::expired()
                .on("cloudtrail", "LookupEvents")
                .nth(number),
        );
    }
    let first = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST)],
        &everything(AMPLE),
        &first,
        Some(&shelf),
        &Silence,
    )
    .await;
    let cut_short = told(&read[0].gaps);
    assert!(cut_short.contains("expired"), "{cut_short}");
    let had = first.distinct().len();
    assert!((500..2_400).contains(&had), "{had}");

    aws.heal();
    let before = aws.calls_of("cloudtrail", "LookupEvents").len();
    let second = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST)],
        &everything(AMPLE),
        &second,
        Some(&shelf),
        &Silence,
    )
    .await;
    assert_eq!(read[0].gaps, []);
    assert_eq!(second.distinct().len(), 2_500, "none lost");
    assert_eq!(second.records.lock().unwrap().len(), 2_500, "none twice");
    assert_eq!(second.covered(&scope(A, EAST)).len(), 1);
    let missing = (2_500 - had).div_ceil(50);
    let asked = aws.calls_of("cloudtrail", "LookupEvents").len() - before;
    assert!(
        asked < missing + missing / 4 + 20,
        "{asked} requests for {missing} pages"
    );

    let third = Basket::default();
    let before = aws.calls_of("cloudtrail", "LookupEvents").len();
    lookup::read(
        &session,
        &[scope(A, EAST)],
        &everything(AMPLE),
        &third,
        Some(&shelf),
        &Silence,
    )
    .await;
    assert_eq!(
        aws.calls_of("cloudtrail", "LookupEvents").len(),
        before,
        "nothing is missing"
    );
    assert_eq!(third.distinct(), second.distinct());
}

#[tokio::test]
async fn throttles_resets_cut_answers_and_tokens_that_run_out_lose_nothing() {
    let world = World::new(A)
        .events(A, EAST, reads(EAST, 2_000, 88))
        .lookup_rate(Rate::Unlimited);
    let aws = Aws::start(world);
    let session = quick(&aws, FAST).await;
    let on = |fault: Fault| fault.on("cloudtrail", "LookupEvents");
    for number in [3, 4, 5, 25] {
        aws.inject(on(Fault::throttle()).nth(number));
    }
    aws.inject(on(Fault::reset_after()).nth(8));
    aws.inject(on(Fault::cut()).nth(28));
    aws.inject(on(Fault::broken(500)).nth(33));
    for number in [6, 38] {
        let words = "The token is no longer valid.";
        aws.inject(on(Fault::refuse(400, "InvalidNextTokenException", words)).nth(number));
    }
    let basket = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST)],
        &everything(AMPLE),
        &basket,
        None,
        &Silence,
    )
    .await;
    assert_eq!(read[0].gaps, []);
    assert_eq!(basket.distinct().len(), 2_000);
}

#[tokio::test]
async fn the_pace_is_held_for_each_account_and_region() {
    let world = World::new(A)
        .regions(&[EAST, WEST])
        .events(A, EAST, reads(EAST, 400, 88))
        .events(A, WEST, reads(WEST, 400, 88))
        .lookup_rate(Rate::Real(20.0));
    let aws = Aws::start(world);
    let session = quick(&aws, Duration::from_millis(52)).await;
    let basket = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST), scope(A, WEST)],
        &everything(AMPLE),
        &basket,
        None,
        &Silence,
    )
    .await;
    assert_eq!((read[0].requests, read[1].requests), (8, 8));
    assert_eq!(basket.distinct().len(), 800);
    let calls = aws.calls_of("cloudtrail", "LookupEvents");
    for region in [EAST, WEST] {
        let times: Vec<Duration> = calls
            .iter()
            .filter(|call| call.region == region)
            .map(|call| call.at)
            .collect();
        let took = times[7].saturating_sub(times[0]);
        // Seven paces; two of them for what the machine may delay.
        assert!(took > Duration::from_millis(5 * 52), "{region}: {took:?}");
    }
    let last_of_one = calls.iter().rposition(|call| call.region == EAST);
    let first_of_other = calls.iter().position(|call| call.region == WEST);
    assert!(
        first_of_other < last_of_one,
        "Regions do not wait for each other"
    );
}

#[tokio::test]
async fn beyond_the_budget_the_newest_is_covered_and_the_rest_is_a_gap_that_names_the_way_out() {
    let world = World::new(A)
        .events(A, EAST, reads(EAST, 4_000, 88))
        .lookup_rate(Rate::Unlimited);
    let aws = Aws::start(world);
    let session = quick(&aws, FAST).await;
    let basket = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST)],
        &lookup::Ask {
            requests: Some(35),
            ..everything(AMPLE)
        },
        &basket,
        None,
        &Silence,
    )
    .await;
    let gap = told(&read[0].gaps);
    assert!(
        gap.contains("budget") && gap.contains("--trail s3://"),
        "{gap}"
    );
    let covered = basket.covered(&scope(A, EAST));
    assert_eq!(covered.last().unwrap().1, NOW);
    let (from, held) = (at(&covered.last().unwrap().0), basket.distinct());
    let expect = reads(EAST, 4_000, 88)
        .into_iter()
        .filter(|event| event.time >= from && event.time < at(NOW));
    for event in expect {
        assert!(
            held.contains(&event.text),
            "covered, but not handed on: {}",
            event.time
        );
    }
}

#[tokio::test]
async fn what_even_the_window_has_too_much_of_is_sampled_and_the_sample_can_be_repeated() {
    let world = World::new(A)
        .events(A, EAST, reads(EAST, 12_000, 30))
        .lookup_rate(Rate::Unlimited);
    let aws = Aws::start(world);
    let session = quick(&aws, FAST).await;
    let shelf = Memory::default();
    let basket = Basket::default();
    let ask = lookup::Ask {
        requests: Some(150),
        ..everything(AMPLE)
    };
    let read = lookup::read(
        &session,
        &[scope(A, EAST)],
        &ask,
        &basket,
        Some(&shelf),
        &Silence,
    )
    .await;
    assert_eq!(read[0].way, LookupWay::Sample, "{:?}", read[0]);
    let sample = read[0].sample.clone().unwrap();
    let (comb, done) = (sample.comb().clone(), sample.done());
    let count = |basket: &Basket| {
        let mut series = Series::default();
        for (_, window, _) in basket.sampled.lock().unwrap().iter() {
            series.add(*window, 1.0, 1.0);
        }
        series
    };
    assert!(done.count() > 3, "{done:?} {:?}", read[0]);
    // The basket keeps what was read in full, too, so the windows stand for all of the time.
    let alone = Sample::new(comb.clone(), done, []);
    let series = count(&basket);
    let (estimate, halves) = (
        series.estimate(&alone).unwrap(),
        series.halves(&alone).unwrap(),
    );
    assert!(
        (estimate - halves.below..=estimate + halves.above).contains(&12_000.0),
        "{estimate} {halves:?}"
    );
    assert!(
        sample.read_seconds() > 0,
        "the first pages were read in full: {sample:?}"
    );
    assert!(told(&read[0].gaps).contains("estimated from a sample"));
    let covered = at(NOW).as_second() - at(&basket.covered(&scope(A, EAST))[0].0).as_second();
    assert!(
        covered < 2 * 86_400,
        "only the first pages are covered, not the windows: {covered} s"
    );

    let (again, parts) = (Basket::default(), done.count());
    let before = aws.calls_of("cloudtrail", "LookupEvents").len();
    let second = lookup::read(
        &session,
        &[scope(A, EAST)],
        &ask,
        &again,
        Some(&shelf),
        &Silence,
    )
    .await;
    let same = second[0].sample.clone().unwrap();
    let now_done = same.done();
    assert_eq!(same.comb(), &comb);
    assert!(now_done.count() >= parts);
    if parts == 13 {
        assert_eq!(aws.calls_of("cloudtrail", "LookupEvents").len(), before);
        assert_eq!(count(&again), count(&basket));
    }
}

#[tokio::test]
async fn what_may_still_change_is_handed_on_but_not_kept() {
    let world = World::new(A)
        .events(A, EAST, reads(EAST, 100, 1))
        .lookup_rate(Rate::Unlimited);
    let aws = Aws::start(world);
    let session = quick(&aws, FAST).await;
    let shelf = Memory::default();
    let ask = lookup::Ask {
        settled: at("2026-11-23T11:40:00Z"),
        ..everything(AMPLE)
    };
    let first = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST)],
        &ask,
        &first,
        Some(&shelf),
        &Silence,
    )
    .await;
    assert_eq!(first.distinct().len(), 100);
    assert_eq!(read[0].gaps, []);
    assert_eq!(first.covered(&scope(A, EAST))[0].1, "2026-11-23T11:40:00Z");
    let late = Event::read(
        "2026-11-23T11:50:00Z",
        A,
        EAST,
        "app/secret-00000",
        "app",
        "late",
    );
    aws.world().record(A, EAST, [late]);
    let second = Basket::default();
    lookup::read(
        &session,
        &[scope(A, EAST)],
        &ask,
        &second,
        Some(&shelf),
        &Silence,
    )
    .await;
    assert_eq!(
        second.distinct().len(),
        101,
        "a late event is seen by the next run"
    );
}

#[tokio::test]
async fn a_history_that_may_not_be_read_is_a_gap_with_the_permission() {
    let aws = Aws::start(World::new(A).lookup_rate(Rate::Unlimited));
    aws.inject(Fault::denied().service("cloudtrail"));
    let session = quick(&aws, FAST).await;
    let basket = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST)],
        &everything(AMPLE),
        &basket,
        None,
        &Silence,
    )
    .await;
    let gap = told(&read[0].gaps);
    assert!(gap.contains("cloudtrail:LookupEvents is missing"), "{gap}");
    assert!(basket.covered(&scope(A, EAST)).is_empty());
}

fn key(root: &str, account: &str, region: &str, day: &str, number: usize) -> String {
    let date = day.replace('/', "");
    format!(
        "{root}{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{date}T0005Z_{number:016}.json.gz"
    )
}

fn to_read(scopes: &[Scope]) -> bucket::Ask {
    bucket::Ask {
        span: Span {
            from: at("2026-11-01T00:00:00Z"),
            to: at("2026-11-03T12:00:00Z"),
        },
        scopes: scopes.to_vec(),
        payer: Payer::Owner,
        in_flight: 64 << 10,
    }
}

async fn fetch(
    session: &Session,
    place: &str,
    ask: &bucket::Ask,
) -> (bucket::Read, BTreeMap<String, Vec<u8>>) {
    let basket = Arc::new(Basket::default());
    let feed: Arc<dyn Feed> = basket.clone();
    let read = bucket::read(session, &place.parse().unwrap(), ask, feed, &Silence).await;
    let files = std::mem::take(&mut *basket.files.lock().unwrap());
    (read, files)
}

/// Fills a folder in AWS's layout with five days of one account and Region, a digest and an insight.
fn fill(mut bucket: Bucket, root: &str, account: &str, region: &str) -> Bucket {
    for day in [
        "2026/10/31",
        "2026/11/01",
        "2026/11/03",
        "2026/11/04",
        "2026/11/05",
    ] {
        for number in 0..3 {
            let key = key(root, account, region, day, number);
            bucket = bucket.object(&key, format!("{day} {number}"));
        }
    }
    let digest = format!(
        "{root}{account}/CloudTrail-Digest/{region}/2026/11/01/{account}_CloudTrail-Digest_{region}_t_{region}_20261101T000000Z.json.gz"
    );
    bucket
        .object(&digest, "digest")
        .object(&digest.replace("Digest", "Insight"), "insight")
        .object(&format!("{root}{account}/Config/x/y.json.gz"), "other")
}

#[tokio::test]
async fn a_bucket_gives_the_log_files_of_the_days_and_nothing_else() {
    let layouts = [
        ("AWSLogs/", "s3://logs-1"),
        ("AWSLogs/", "s3://logs-1/AWSLogs/"),
        ("AWSLogs/", "s3://logs-1/AWSLogs/111122223333"),
        (
            "AWSLogs/",
            "s3://logs-1/AWSLogs/111122223333/CloudTrail/us-east-1",
        ),
        ("AWSLogs/o-abc/", "s3://logs-1"),
        ("AWSLogs/o-abc/", "s3://logs-1/AWSLogs/o-abc/"),
        ("team/trails/AWSLogs/", "s3://logs-1"),
        ("team/trails/AWSLogs/o-abc/", "s3://logs-1/team/trails/"),
    ];
    for (root, place) in layouts {
        let bucket = fill(Bucket::new("logs-1", A, WEST), root, A, EAST);
        let aws = Aws::start(World::new(A).regions(&[EAST, WEST]).bucket(bucket));
        let session = session(&aws).await;
        let (read, files) = fetch(&session, place, &to_read(&[])).await;
        assert_eq!(read.gaps, [], "{place}");
        let days = ["2026/11/01", "2026/11/03", "2026/11/04"];
        let expect: BTreeMap<String, Vec<u8>> = days
            .iter()
            .flat_map(|day| {
                (0..3).map(move |n| {
                    (
                        key(root, A, EAST, day, n),
                        format!("{day} {n}").into_bytes(),
                    )
                })
            })
            .collect();
        assert_eq!(files, expect, "{place}");
        assert_eq!((read.objects, read.bytes), (9, 9 * 12), "{place}");
        let lists = aws.calls_of("s3", "ListObjectsV2").len();
        assert!(lists < 12, "{place}: {lists} listings");
    }
}

#[tokio::test]
async fn only_the_accounts_and_regions_that_were_asked_for_are_listed() {
    let mut bucket = Bucket::new("logs-1", A, EAST);
    for (account, region) in [(A, EAST), (A, WEST), (B, EAST), (C, WEST)] {
        bucket = fill(bucket, "AWSLogs/o-abc/", account, region);
    }
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let wanted = [scope(A, WEST), scope(B, EAST)];
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&wanted)).await;
    assert_eq!((read.branches, files.len(), read.gaps.len()), (2, 18, 0));
    assert!(
        files
            .keys()
            .all(|key| key.contains(WEST) != key.contains(B))
    );
    let listed = aws.calls_of("s3", "ListObjectsV2");
    assert!(
        listed.iter().all(|call| !call.body.contains(C)),
        "nobody asked for {C}"
    );
}

#[tokio::test]
async fn a_place_that_is_not_in_the_layout_is_read_by_name_and_content() {
    let name = "111122223333_CloudTrail_us-east-1_20261102T0005Z_0000000000000000.json.gz";
    let old = name.replace("20261102", "20260102");
    let bucket = Bucket::new("copies", A, EAST)
        .object(&format!("flat/{name}"), "wanted")
        .object(&format!("flat/{old}"), "old")
        .object("flat/export.json", "perhaps")
        .object("flat/readme.txt", "no");
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let (read, files) = fetch(&session, "s3://copies/flat", &to_read(&[])).await;
    assert_eq!(read.gaps, []);
    assert_eq!(
        files.into_values().collect::<Vec<_>>(),
        [b"wanted".to_vec(), b"perhaps".to_vec()]
    );
}

#[tokio::test]
async fn what_a_bucket_does_not_give_is_a_gap_and_the_rest_is_read() {
    let mut bucket = fill(Bucket::new("logs-1", A, EAST), "AWSLogs/", A, EAST);
    bucket = fill(bucket, "AWSLogs/", B, EAST).closed(&format!("AWSLogs/{B}/"));
    bucket = fill(bucket, "AWSLogs/", C, EAST);
    let damaged = key("AWSLogs/", C, EAST, "2026/11/03", 1);
    bucket = bucket.object(&damaged, "damaged");
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let missing = key("AWSLogs/", A, EAST, "2026/11/01", 2);
    let gone = missing.clone();
    // Listed, and taken away before it is fetched.
    aws.inject(
        Fault::after(move |world: &mut World, call| {
            if call.body.contains(A) && call.body.contains("us-east-1") {
                world
                    .buckets
                    .get_mut("logs-1")
                    .unwrap()
                    .objects
                    .remove(&gone);
            }
        })
        .on("s3", "ListObjectsV2"),
    );
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
    assert_eq!(files.len(), 9 + 9 - 2);
    let gaps = told(&read.gaps);
    assert_eq!(read.gaps.len(), 3, "{gaps}");
    for words in [
        missing.as_str(),
        damaged.as_str(),
        "not found",
        "no gzip",
        "s3:ListBucket is missing",
        "--request-payer",
    ] {
        assert!(gaps.contains(words), "{words} in {gaps}");
    }
}

#[tokio::test]
async fn bodies_that_break_off_and_answers_that_fail_are_fetched_again() {
    let bucket = fill(Bucket::new("logs-1", A, EAST), "AWSLogs/", A, EAST);
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let get = |fault: Fault| fault.on("s3", "GetObject");
    aws.inject(get(Fault::cut()).nth(1));
    aws.inject(get(Fault::cut()).nth(2));
    aws.inject(get(Fault::reset_before()).nth(5));
    aws.inject(
        get(Fault::refuse(
            503,
            "SlowDown",
            "Please reduce your request rate.",
        ))
        .nth(7),
    );
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
    assert_eq!(
        (files.len(), read.gaps.len()),
        (9, 0),
        "{}",
        told(&read.gaps)
    );
}

#[tokio::test]
async fn a_requester_pays_bucket_is_read_when_that_is_said() {
    let bucket = fill(Bucket::new("logs-1", B, WEST), "AWSLogs/", A, EAST)
        .shared_with(A)
        .requester_pays();
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
    assert!(files.is_empty());
    assert!(
        told(&read.gaps).contains("--request-payer"),
        "{}",
        told(&read.gaps)
    );
    let ask = bucket::Ask {
        payer: Payer::Requester,
        ..to_read(&[])
    };
    let (read, files) = fetch(&session, "s3://logs-1", &ask).await;
    assert_eq!(
        (files.len(), read.gaps.len()),
        (9, 0),
        "{}",
        told(&read.gaps)
    );
}

#[tokio::test]
async fn a_bucket_that_is_not_there_or_empty_is_a_gap() {
    let aws = Aws::start(World::new(A).bucket(Bucket::new("empty-1", A, EAST)));
    let session = session(&aws).await;
    let (read, _) = fetch(&session, "s3://empty-1/x", &to_read(&[])).await;
    assert_eq!(read.objects, 0);
    assert!(
        told(&read.gaps).contains("right prefix"),
        "{}",
        told(&read.gaps)
    );
    let (read, _) = fetch(&session, "s3://nothing-1", &to_read(&[])).await;
    assert!(
        told(&read.gaps).contains("not found"),
        "{}",
        told(&read.gaps)
    );
}

#[tokio::test]
async fn objects_are_fetched_side_by_side_within_the_bound_on_memory() {
    let mut bucket = Bucket::new("logs-1", A, EAST);
    for number in 0..40 {
        let key = key("AWSLogs/", A, EAST, "2026/11/02", number);
        bucket = bucket.made(&key, 100_000, move || vec![b'x'; 100_000]);
    }
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    // Room for two; one object alone is larger than none of it.
    let ask = bucket::Ask {
        in_flight: 200 << 10,
        ..to_read(&[])
    };
    let (read, files) = fetch(&session, "s3://logs-1", &ask).await;
    assert_eq!((read.bytes, files.len()), (4_000_000, 40));
    let tight = bucket::Ask {
        in_flight: 1,
        ..to_read(&[])
    };
    let (read, _) = fetch(&session, "s3://logs-1", &tight).await;
    assert_eq!(
        read.bytes, 4_000_000,
        "too little room is still one object at a time"
    );
}

/// The adapters by the files they stand in, and what they declare.
fn declared(file: &str) -> Vec<&'static str> {
    match file {
        "accounts.rs" => accounts::ACTIONS.to_vec(),
        "secrets.rs" => [secrets::ACTIONS, secrets::WRITES].concat(),
        "versions.rs" => versions::ACTIONS.to_vec(),
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
    let used: BTreeSet<String> = Use::ALL
        .iter()
        .flat_map(|one| one.actions())
        .map(str::to_owned)
        .collect();
    assert_eq!(used, all, "asked, but in no use that a policy is made of");
}
