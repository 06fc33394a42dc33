//! What happens in the example organization in its ninety days: every call that its trail logs.
//!
//! A script in plain words: each function is one group of readers of the table in `organization`. Times follow from
//! the fixed seed; the hole in the trail is cut out when the files are written, since AWS itself knows no hole.

use super::call::{Act, Call, CallTarget, ELSEWHERE, Failure, VersionRequest};
use super::callers::{self, DemoCaller};
use super::edition::Edition;
use super::everyday::SECRETS;
use super::organization::{CAST, SCOPES};
use super::random::SplitMix;
use super::script::{CallPattern, Script, ago, always, find, prod, since};
use super::{BEGIN, DAYS, NOW, everyday_traffic, hostile, hygiene, rotation};
use crate::demo::locations::{FRANKFURT, IRELAND, PRODUCTION, STAGING, VIRGINIA};
use crate::domain::base::span::{DAY_S, HOUR_S};

/// Every call of the ninety days in the order of time.
pub(super) fn calls(edition: Edition) -> Vec<Call> {
    let mut script = Script {
        calls: Vec::with_capacity(220_000),
    };
    loops(&mut script);
    caches(&mut script);
    rotation::calls(&mut script.calls, 0..CAST.len());
    maintenance(&mut script);
    ordinary_readers(&mut script);
    many_readers(&mut script);
    other_accounts_and_regions(&mut script);
    failures(&mut script);
    deletions(&mut script);
    people(&mut script);
    background(&mut script);
    starts(&mut script);
    hygiene::calls(&mut script);
    everyday_traffic::calls(&mut script);
    scans_of_ours(&mut script);
    if edition.is_hostile() {
        hostile::calls(&mut script);
    }
    let mut calls = script.calls;
    calls.retain(|call| (BEGIN..NOW).contains(&call.at));
    calls.sort_by_key(|call| call.at);
    calls
}

/// Monday to Friday.
fn working_day(at: i64) -> bool {
    // 1970-01-01 was a Thursday.
    (at.div_euclid(DAY_S) + 3).rem_euclid(7) < 5
}

fn loops(script: &mut Script) {
    shop_hours(script);
    let orders = prod("orders/postgres/app");
    let polling = CallPattern {
        clients: 2,
        ..since(10, 40)
    };
    script.reads(orders, &callers::ORDERS, polling);

    let sendgrid = prod("notifications/sendgrid/api-key");
    let before = CallPattern {
        until: 3,
        ..always(HOUR_S)
    };
    script.reads_by_name(sendgrid, &callers::NOTIFICATIONS, before);
    script.reads_by_name(sendgrid, &callers::NOTIFICATIONS, since(3, 10));

    for name in [
        "platform/datadog/api-key",
        "platform/grafana/oauth-client",
        "platform/pagerduty/routing-key",
    ] {
        script.reads_by_name(prod(name), &callers::EXTERNAL_SECRETS, since(15, 300));
    }

    // A health check that describes and never reads.
    let check = [Act::Describe(CallTarget::Arn(prod(
        "platform/grafana/oauth-client",
    )))];
    script.series(VIRGINIA, &callers::GRAFANA, since(1, 30), &check, None);

    let fleet = CallPattern {
        clients: 40,
        ..since(10, HOUR_S)
    };
    script.reads(prod("catalog/opensearch/reader"), &callers::CATALOG, fleet);
}

/// One read a request: the calls follow the customers through the day, and there are fewer at the weekend.
fn shop_hours(script: &mut Script) {
    const REQUESTS: [u32; 18] = [
        4, 8, 16, 26, 35, 55, 88, 70, 42, 38, 40, 52, 78, 104, 96, 62, 30, 11,
    ];
    let stripe = Act::Get(
        CallTarget::Name(prod("checkout/stripe/api-key")),
        VersionRequest::Unsaid,
    );
    let mut random = SplitMix::named("requests");
    for day in 1..=14 {
        let busy = if working_day(ago(day, 0)) { 10 } else { 6 };
        for (hour, requests) in (6..).zip(REQUESTS) {
            for _ in 0..requests * busy / 10 {
                let at = ago(day, hour * HOUR_S + i64::from(random.below(3_600)));
                script.once(at, VIRGINIA, &callers::CHECKOUT, stripe);
            }
        }
    }
}

fn caches(script: &mut Script) {
    let oidc = Act::Describe(CallTarget::Name(prod("identity/oidc/signing-key")));
    script.series(VIRGINIA, &callers::IDENTITY, always(HOUR_S), &[oidc], None);

    let fraud = prod("fraud/model/feature-store");
    let ask = Act::Describe(CallTarget::Arn(fraud));
    script.series(VIRGINIA, &callers::FRAUD, always(HOUR_S), &[ask], None);
    for at in rotation::succeeded(&SECRETS[fraud]) {
        let fetch = Act::Get(CallTarget::Arn(fraud), VersionRequest::Id);
        script.once(at + HOUR_S, VIRGINIA, &callers::FRAUD, fetch);
    }

    let edge = CallTarget::Name(prod("web/cdn/edge-signing-key"));
    let poll = [Act::Describe(edge)];
    script.series(VIRGINIA, &callers::CSI, always(1_800), &poll, None);
    let mount = [Act::Get(edge, VersionRequest::Unsaid)];
    script.series(VIRGINIA, &callers::CSI, always(5 * DAY_S), &mount, None);

    let tills = find(PRODUCTION, FRANKFURT, "de/tse/certificate");
    let ask = [Act::Describe(CallTarget::Arn(tills))];
    script.series(FRANKFURT, &callers::TILLS, always(HOUR_S), &ask, None);
}

fn maintenance(script: &mut Script) {
    let managed: Vec<usize> = [
        "network/vpn/branch-office-psk",
        "orders/postgres/app",
        "billing/invoice/db",
        "shared/internal-ca/bundle",
        "platform/datadog/api-key",
    ]
    .map(prod)
    .to_vec();
    let saml = [find(STAGING, IRELAND, "sso/saml/signing-key")];
    for day in (1..=DAYS).filter(|&day| working_day(ago(day, 0))) {
        let start = ago(day, 7 * HOUR_S + 30 * 60);
        terraform_plan(script, start, &callers::TERRAFORM_CI, &managed);
        terraform_plan(script, start + 900, &callers::TERRAFORM_STAGING, &saml);
    }

    let braintree = [Act::Describe(CallTarget::Arn(prod(
        "payments/braintree/private-key",
    )))];
    script.series(VIRGINIA, &callers::PROWLER, always(DAY_S), &braintree, None);
    let probe = CallTarget::Arn(prod("security/audit/probe"));
    let weekly = [
        Act::List,
        Act::Describe(probe),
        Act::Get(probe, VersionRequest::Unsaid),
    ];
    script.series(
        VIRGINIA,
        &callers::PROWLER,
        always(7 * DAY_S),
        &weekly,
        None,
    );
}

/// Our own scans of the months before.
fn scans_of_ours(script: &mut Script) {
    for day in [30, 61] {
        let mut at = ago(day, 9 * HOUR_S);
        script.once(at, VIRGINIA, &callers::SECRETSWEEP, Act::List);
        for (index, _) in SECRETS.iter().enumerate().filter(|(_, cast)| {
            cast.account == PRODUCTION && cast.region == VIRGINIA && cast.verdict == "delete"
        }) {
            at += 1;
            let describe = Act::Describe(CallTarget::Arn(index));
            script.once(at, VIRGINIA, &callers::SECRETSWEEP, describe);
        }
    }
}

fn terraform_plan(script: &mut Script, start: i64, caller: &'static DemoCaller, secrets: &[usize]) {
    let mut at = start;
    for &secret in secrets {
        let arn = CallTarget::Arn(secret);
        for act in [
            Act::Describe(arn),
            Act::ResourcePolicy(arn),
            Act::Get(arn, VersionRequest::Id),
        ] {
            script.once(at, SECRETS[secret].region, caller, act);
            at += 1;
        }
    }
}

fn ordinary_readers(script: &mut Script) {
    script.reads(
        prod("events!connection/partner-webhook/0d6c2f4e-71b8-4a53-9e0f-6b1c5d8a2e47"),
        &callers::EVENT_BRIDGE,
        always(6 * HOUR_S),
    );
    // One read for each page of the report, all within minutes.
    let page = Act::Get(
        CallTarget::Name(prod("legacy/report-abc123")),
        VersionRequest::Unsaid,
    );
    script.series(
        VIRGINIA,
        &callers::REPORTS,
        always(7 * DAY_S),
        &[page; 170],
        None,
    );
    script.reads(
        prod("billing/invoice/db"),
        &callers::BILLING,
        always(2 * HOUR_S),
    );
    let until_rotated = CallPattern {
        until: 25,
        ..always(9 * DAY_S)
    };
    script.reads(prod("billing/tax/api-key"), &callers::TAX, until_rotated);
    script.reads_by_name(
        prod("support/zendesk/api-token"),
        &callers::SUPPORT,
        always(DAY_S),
    );

    let warehouse = prod("inventory/warehouse/db");
    let tasks = CallPattern {
        clients: 2,
        ..always(2 * HOUR_S)
    };
    script.reads(warehouse, &callers::WAREHOUSE, tasks);
    script.reads(warehouse, &callers::HANDHELD, since(5, 4 * HOUR_S));
}

fn many_readers(script: &mut Script) {
    static POINTS: &[&str] = &[
        "loyalty/points/db",
        "loyalty/points/cache",
        "loyalty/points/queue",
    ];
    let mut batch = vec![Act::Batch(POINTS)];
    batch.extend(
        POINTS
            .iter()
            .map(|name| Act::Get(CallTarget::Name(prod(name)), VersionRequest::Unsaid)),
    );
    script.series(
        VIRGINIA,
        &callers::LOYALTY,
        always(2 * HOUR_S),
        &batch,
        None,
    );

    for caller in &callers::SHARERS {
        script.reads(prod("shared/internal-ca/bundle"), caller, always(DAY_S));
    }

    let nightly: Vec<Act> = [
        "checkout/stripe/api-key",
        "orders/postgres/app",
        "orders/kafka/sasl",
        "notifications/sendgrid/api-key",
        "platform/datadog/api-key",
        "platform/grafana/oauth-client",
        "platform/pagerduty/routing-key",
        "catalog/opensearch/reader",
        "web/cdn/edge-signing-key",
        "loyalty/points/db",
        "loyalty/points/cache",
        "loyalty/points/queue",
        "partners/exchange/rates-key",
        "shared/internal-ca/bundle",
        "inventory/warehouse/db",
        "billing/invoice/db",
    ]
    .map(|name| Act::Get(CallTarget::Partial(prod(name)), VersionRequest::Unsaid))
    .to_vec();
    script.series(
        VIRGINIA,
        &callers::BATCH_LOADER,
        always(3 * DAY_S),
        &nightly,
        None,
    );
}

fn other_accounts_and_regions(script: &mut Script) {
    let replica = find(PRODUCTION, IRELAND, "sessions/redis/auth");
    let fetch = [
        Act::Get(CallTarget::Name(replica), VersionRequest::Unsaid),
        Act::Decrypt(replica),
    ];
    script.series(
        IRELAND,
        &callers::SESSIONS,
        always(6 * HOUR_S),
        &fetch,
        None,
    );
    script.reads(prod("orders/kafka/sasl"), &callers::KAFKA, always(HOUR_S));
    script.reads(
        find(PRODUCTION, IRELAND, "eu/customers/db"),
        &callers::CUSTOMERS,
        always(HOUR_S),
    );

    let rates = prod("partners/exchange/rates-key");
    let first = script.calls.len();
    script.reads(rates, &callers::PARTNER, always(2 * HOUR_S));
    script.log_in_both(first, PRODUCTION);

    script.reads_by_name(
        find(STAGING, VIRGINIA, "checkout/stripe/test-key"),
        &callers::STAGING_APP,
        always(HOUR_S / 2),
    );
    script.reads(
        find(STAGING, IRELAND, "search/elastic/password"),
        &callers::STAGING_APP,
        always(DAY_S / 2),
    );
    script.reads(
        find(STAGING, FRANKFURT, "de/app/db"),
        &callers::STAGING_APP,
        always(HOUR_S),
    );
    let k6 = Act::Get(
        CallTarget::Name(find(STAGING, VIRGINIA, "loadtest/k6/token")),
        VersionRequest::Unsaid,
    );
    script.once(ago(88, 14 * HOUR_S), VIRGINIA, &callers::STAGING_LOAD, k6);
}

fn failures(script: &mut Script) {
    let mut fail = |caller, pace, target, failure| {
        let act = [Act::Get(target, VersionRequest::Unsaid)];
        script.series(VIRGINIA, caller, pace, &act, Some(failure));
    };
    fail(
        &callers::CRM,
        since(25, HOUR_S / 2),
        CallTarget::Arn(prod("legacy/crm/api-token")),
        Failure::Denied,
    );
    fail(
        &callers::ERP,
        always(6 * HOUR_S),
        CallTarget::Name(prod("legacy/erp/password")),
        Failure::Denied,
    );
    fail(
        &callers::PAYROLL,
        since(15, HOUR_S),
        CallTarget::Arn(prod("hr/payroll/sftp")),
        Failure::Key,
    );
    fail(
        &callers::SHIPPING,
        since(2, HOUR_S),
        CallTarget::Name(prod("shipping/ups/account")),
        Failure::PendingDeletion,
    );
    fail(
        &callers::AIRFLOW,
        since(10, 300),
        CallTarget::Text("airflow/variables/feature_flags"),
        Failure::Missing,
    );
    fail(
        &callers::AIRFLOW,
        since(1, 30),
        CallTarget::Text("airflow/connections/warehouse_old"),
        Failure::Missing,
    );
    fail(
        &callers::SUPPORT,
        since(10, DAY_S),
        CallTarget::Name(prod("marketing/hubspot/api-key")),
        Failure::Denied,
    );
    fail(
        &callers::SUPPORT,
        since(10, DAY_S),
        CallTarget::Text("support/zendesk api-token"),
        Failure::Invalid,
    );
}

fn deletions(script: &mut Script) {
    for (index, cast) in CAST.iter().enumerate() {
        if let Some(days) = cast.deleted {
            let delete = Act::Delete(CallTarget::Arn(index), Some(30));
            script.once(deleted_at(days), cast.region, &callers::PERSON, delete);
        }
    }

    let indexer = prod("search/indexer/token");
    let until_deleted = CallPattern {
        until: 21,
        ..always(6 * HOUR_S)
    };
    let read = [Act::Get(
        CallTarget::Former(indexer),
        VersionRequest::Unsaid,
    )];
    script.series(VIRGINIA, &callers::SEARCH, until_deleted, &read, None);
    let created = created_at(indexer);
    for (at, act) in [
        (created - 40, Act::Delete(CallTarget::Former(indexer), None)),
        (created, Act::Create(CallTarget::Name(indexer))),
    ] {
        script.once(at, VIRGINIA, &callers::TERRAFORM_CI, act);
    }
}

/// Deletions are scheduled at twenty past four in the afternoon.
pub(super) const fn deleted_at(days: i64) -> i64 {
    ago(days, 16 * HOUR_S + 20 * 60)
}

/// Returns when the secret at this index of the table was created: on its day, at a time of its own.
pub(super) fn created_at(index: usize) -> i64 {
    let cast = &SECRETS[index];
    let mut random = SplitMix::named(cast.name);
    ago(cast.created, 6 * HOUR_S + i64::from(random.below(36_000)))
}

fn people(script: &mut Script) {
    let mut look = |days, name, acts: fn(CallTarget) -> Vec<Act>| {
        let first = ago(days, 13 * HOUR_S + 7 * 60);
        for (at, act) in (first..).zip(acts(CallTarget::Name(prod(name)))) {
            script.once(at, VIRGINIA, &callers::PERSON, act);
        }
    };
    let open_page = |target| {
        vec![
            Act::Describe(target),
            Act::ResourcePolicy(target),
            Act::VersionIds(target),
        ]
    };
    let show_value = |target| {
        vec![
            Act::Describe(target),
            Act::ResourcePolicy(target),
            Act::Get(target, VersionRequest::Unsaid),
        ]
    };
    look(7, "data/snowflake/loader-old", open_page);
    look(9, "ops/statuspage/token", show_value);
    look(37, "ops/statuspage/token", show_value);
}

/// Readers that start anew for each call: processes of a shell loop in one pod, and tasks of a service that fails at its
/// start.
fn starts(script: &mut Script) {
    let mut anew = |secret: &str, caller: &'static DemoCaller, days: i64, every: i64| {
        let act = Act::Get(CallTarget::Name(prod(secret)), VersionRequest::Unsaid);
        let mut random = SplitMix::named(secret);
        let mut due = ago(days, 9 * HOUR_S);
        while due < NOW {
            let second = u32::try_from(due - BEGIN).unwrap_or(0);
            script.once(due, VIRGINIA, caller, act);
            if let Some(call) = script.calls.last_mut() {
                call.client = second;
            }
            due += every + i64::from(random.below(4));
        }
    };
    anew("exports/sftp/partner", &callers::EXPORTS, 3, 18);
    anew("media/transcoder/licence", &callers::TRANSCODER, 4, 42);
}

/// In each account and Region something is logged in every hour.
fn background(script: &mut Script) {
    for &(account, region, _) in SCOPES {
        let mut random = SplitMix::named(&format!("background {account} {region}"));
        let records = if region == VIRGINIA { 2 } else { 1 };
        for hour in 0..DAYS * 24 {
            for _ in 0..records {
                let kind = usize::try_from(random.below(16)).unwrap_or(0) % ELSEWHERE.len();
                script.calls.push(Call {
                    at: ago(DAYS, hour * HOUR_S + i64::from(random.below(3_600))),
                    account,
                    region,
                    caller: ELSEWHERE[kind].caller,
                    client: 0,
                    act: Act::Elsewhere(kind),
                    failure: None,
                    shared: None,
                });
            }
        }
    }
}
