//! The cast of the example organization: the secrets that show a feature, and what a scan of it must say about each.
//!
//! One table for people and programs: what a row holds decides its entry in the inventory, and its `shows`, `verdict`
//! and `reason` are what the tests check a scan against. The calls that go with the rows are in `traffic`.
//! The expectations hold for the organization's own policy file (the defaults, and a protected name), with the whole trail
//! read.

use crate::demo::locations::{PRODUCTION, VIRGINIA};

use super::roles::{Cast, Rotation, prod, secret};
use super::{DAY, NOW};

/// The account where changes are tried out.
pub(super) const STAGING: &str = "444455556666";

/// `eu-west-1`.
pub(super) const IRELAND: &str = "eu-west-1";
/// `eu-central-1`; in staging its trail has a hole.
pub(super) const FRANKFURT: &str = "eu-central-1";

/// Every account and Region of the organization: (account, Region, hours of events in one log file).
pub(super) const SCOPES: &[(&str, &str, i64)] = &[
    (PRODUCTION, VIRGINIA, 4),
    (PRODUCTION, IRELAND, 12),
    (PRODUCTION, FRANKFURT, 12),
    (STAGING, VIRGINIA, 12),
    (STAGING, IRELAND, 12),
    (STAGING, FRANKFURT, 12),
];

/// The place where the logs are missing: account, Region, first moment, and the moment after the last.
pub(super) const HOLE: (&str, &str, i64, i64) =
    (STAGING, FRANKFURT, NOW - 32 * DAY, NOW - 20 * DAY);

/// The secrets that show something, in the order of the inventory. Which of them are written is up to the edition.
pub(super) const CAST: &[Cast] = &[
    // Loops and healthy readers.
    prod("checkout/stripe/api-key")
        .owner("payments")
        .about("Live key of the card processor")
        .customer_key()
        .keep(
            "recently-read",
            "a Lambda function reads it once a request, so that calls follow the load",
        ),
    prod("orders/postgres/app")
        .owner("orders")
        .about("Application user of the orders database")
        .customer_key()
        .created(830)
        .keep(
            "recently-read",
            "two ECS tasks have polled it every 40 seconds for ten days, with a key of the customer's",
        ),
    prod("notifications/sendgrid/api-key")
        .owner("messaging")
        .keep(
            "recently-read",
            "a steady loop of one read in ten seconds began three days ago",
        ),
    prod("platform/datadog/api-key")
        .owner("platform")
        .keep("recently-read", "External Secrets reads it every 5 minutes"),
    prod("platform/grafana/oauth-client")
        .owner("platform")
        .keep(
            "recently-read",
            "External Secrets reads it every 5 minutes, and a health check describes it every 30 seconds",
        ),
    prod("platform/pagerduty/routing-key")
        .owner("platform")
        .keep("recently-read", "External Secrets reads it every 5 minutes"),
    prod("catalog/opensearch/reader").owner("catalog").keep(
        "recently-read",
        "a healthy fleet: 40 pods, one read an hour each",
    ),
    // Caches: read daily, although no value is fetched.
    prod("identity/oidc/signing-key")
        .owner("identity")
        .accessed(150)
        .keep(
            "cached-reader",
            "the Java cache asks only DescribeSecret every hour, so the last access looks 150 days old",
        ),
    prod("fraud/model/feature-store")
        .team("risk")
        .rotated("rotate-feature-store", 30, 11)
        .keep(
            "cached-reader",
            "the Secrets Manager Agent asks DescribeSecret, and fetches the value after a rotation",
        ),
    prod("web/cdn/edge-signing-key").team("web").keep(
        "recently-read",
        "the CSI driver polls DescribeSecret every half hour and fetches at each mount",
    ),
    // Only maintenance reads these.
    prod("payments/adyen/hmac")
        .owner("payments")
        .created(610)
        .rotated("rotate-adyen-hmac", 7, 3)
        .delete(
            "maintenance-only",
            "its weekly rotation alone keeps the last access young",
        ),
    prod("reporting/redshift/etl-user")
        .owner("data")
        .created(720)
        .rotated("rotate-redshift-user", 30, 9)
        .delete(
            "maintenance-only",
            "its monthly rotation alone keeps the last access young",
        ),
    prod("network/vpn/branch-office-psk")
        .owner("network")
        .created(500)
        .review(
            "iac-managed",
            "terraform plan refreshes it each working day, and nobody else reads it",
        ),
    prod("security/audit/probe").owner("security").keep(
        "recently-read",
        "an audit tool reads its own credential: it lists and describes all others",
    ),
    // Idle and never read.
    prod("growth/optimizely/sdk-key")
        .owner("growth")
        .accessed(131)
        .delete("idle", "not read for 131 days"),
    prod("growth/mixpanel/project-token")
        .owner("growth")
        .created(900)
        .accessed(260)
        .delete("idle", "not read for 260 days"),
    prod("data/snowflake/loader-old")
        .owner("data")
        .created(1_100)
        .accessed(190)
        .review(
            "described",
            "somebody looked at it in the console last week without fetching the value",
        ),
    prod("payments/braintree/private-key")
        .owner("payments")
        .created(1_460)
        .accessed(410)
        .about("Before the move to the new processor")
        .delete("idle", "a scanner describes it every night"),
    prod("data/airbyte/connector")
        .owner("data")
        .created(200)
        .delete("never-read", "created 200 days ago and never read"),
    prod("mobile/fcm/service-account")
        .owner("mobile")
        .created(12)
        .keep("too-young", "never read, but created 12 days ago"),
    // Replicas.
    prod("sessions/redis/auth")
        .owner("platform")
        .accessed(120)
        .customer_key()
        .replicated()
        .keep(
            "replica-in-use",
            "idle here, while its replica in eu-west-1 is read daily",
        ),
    secret(PRODUCTION, IRELAND, "sessions/redis/auth")
        .owner("platform")
        .customer_key()
        .replicated()
        .keep(
            "replica",
            "a replica that is read daily, judged with its primary",
        ),
    prod("media/transcoder/license")
        .owner("media")
        .accessed(170)
        .replicated()
        .delete("idle", "idle together with its replica"),
    secret(PRODUCTION, IRELAND, "media/transcoder/license")
        .owner("media")
        .replicated()
        .keep(
            "replica",
            "an idle replica of an idle primary: it goes with it",
        ),
    prod("orders/kafka/sasl")
        .owner("orders")
        .replicated()
        .keep("recently-read", "read hourly, while its replica is idle"),
    secret(PRODUCTION, FRANKFURT, "orders/kafka/sasl")
        .owner("orders")
        .replicated()
        .keep("replica", "a replica that nobody reads"),
    // Somebody asks and does not get.
    prod("legacy/crm/api-token")
        .owner("sales")
        .created(1_300)
        .accessed(140)
        .review(
            "failed-reads",
            "a role whose policy was removed still asks by ARN: the secret stands only in the error message",
        ),
    prod("legacy/erp/password")
        .owner("finance")
        .created(1_300)
        .accessed(155)
        .review("failed-reads", "denied reads that give a bare name"),
    prod("hr/payroll/sftp")
        .owner("people")
        .customer_key()
        .accessed(135)
        .review("failed-reads", "reads that the key refuses"),
    prod("shipping/ups/account")
        .owner("logistics")
        .accessed(97)
        .deleted(6)
        .keep(
            "pending-deletion",
            "scheduled for deletion, and a worker still asks for it every hour",
        ),
    prod("shipping/dhl/account-old")
        .owner("logistics")
        .accessed(240)
        .deleted(17)
        .keep("pending-deletion", "scheduled for deletion, and quiet"),
    // Managed by others, or protected.
    prod("rds!cluster-5f0e7c1a-9b3d-4e62-8a41-c07d2b9e6f10")
        .service("rds")
        .about("The secret associated with the primary RDS DB cluster: arn:aws:rds:us-east-1:111122223333:cluster:orders")
        .rotation(Rotation::Managed { every: 7, last: 2 })
        .tags(&[
            ("aws:rds:primaryDBClusterArn", "arn:aws:rds:us-east-1:111122223333:cluster:orders"),
            ("aws:secretsmanager:owningService", "rds"),
        ])
        .keep("service-managed", "the password of a database cluster, owned by RDS"),
    prod("events!connection/partner-webhook/0d6c2f4e-71b8-4a53-9e0f-6b1c5d8a2e47")
        .service("events")
        .tags(&[("aws:secretsmanager:owningService", "events")])
        .keep("service-managed", "an EventBridge connection, whose price its service includes"),
    prod("crm/salesforce/stack-secret")
        .owner("sales")
        .accessed(200)
        .tags(&[
            ("aws:cloudformation:stack-name", "crm-sync"),
            ("aws:cloudformation:logical-id", "SalesforceSecret"),
            (
                "aws:cloudformation:stack-id",
                "arn:aws:cloudformation:us-east-1:111122223333:stack/crm-sync/3b1c9a70-5d2e-11ef-8f4a-0affc2b9d1e5",
            ),
        ])
        .review("iac-managed", "idle, but a CloudFormation stack owns it"),
    prod("compliance/pci/hsm-pin")
        .owner("security")
        .created(1_500)
        .accessed(300)
        .tags(&[("do-not-delete", "true")])
        .keep("protected-tag", "idle, and protected by a tag"),
    prod("migration/oracle/dump-key")
        .owner("data")
        .accessed(150)
        .kept_until(-150)
        .keep("protected-until", "protected by a date in the future"),
    prod("migration/mysql/dump-key")
        .owner("data")
        .accessed(150)
        .kept_until(124)
        .delete("idle", "its protection by a date has run out"),
    prod("break-glass/root-totp")
        .owner("security")
        .created(1_200)
        .accessed(365)
        .keep(
            "protected-name",
            "rarely read on purpose, once by the root user, and the policy file protects its name",
        ),
    prod("dr/failover/dns-token")
        .owner("platform")
        .created(1_000)
        .accessed(300)
        .review("sensitive-name", "a name of disaster recovery: rare readers are to be expected"),
    // Names.
    prod("search/indexer/token").owner("search").created(20).keep(
        "too-young",
        "created again 20 days ago: the older reads by name belong to its predecessor",
    ),
    prod("legacy/report-abc123").owner("finance").keep(
        "recently-read",
        "a name that ends like the suffix of an ARN, read by name in a weekly burst",
    ),
    prod("legacy/report")
        .owner("finance")
        .created(1_250)
        .accessed(280)
        .delete("idle", "a prefix of another name, whose reads are not its own"),
    // Readers of many kinds.
    prod("loyalty/points/db").owner("loyalty").keep(
        "recently-read",
        "read by BatchGetSecretValue, which logs one GetSecretValue more for each secret",
    ),
    prod("loyalty/points/cache")
        .owner("loyalty")
        .keep("recently-read", "the second secret of the batch"),
    prod("loyalty/points/queue")
        .owner("loyalty")
        .keep("recently-read", "the third secret of the batch"),
    prod("partners/exchange/rates-key")
        .owner("partners")
        .customer_key()
        .keep(
            "recently-read",
            "read from the other account: each call is logged in both, with one sharedEventID",
        ),
    prod("ops/statuspage/token")
        .owner("operations")
        .keep(
            "recently-read",
            "people read it in the console, and a screen in the office with the key of an IAM user",
        ),
    prod("shared/internal-ca/bundle")
        .team("platform")
        .keep("recently-read", "twelve roles read it"),
    prod("inventory/warehouse/db")
        .owner("logistics")
        .rotation(Rotation::Off { last: 395 })
        .created(700)
        .keep(
            "recently-read",
            "rotation was switched off, and one of two readers does not come through the VPC endpoint",
        ),
    prod("billing/invoice/db")
        .owner("finance")
        .rotation(Rotation::Failing {
            function: "rotate-invoice-db",
            every: 30,
            last: 52,
        })
        .keep("recently-read", "its rotation fails and is overdue"),
    prod("billing/tax/api-key")
        .owner("finance")
        .rotated("rotate-tax-key", 90, 20)
        .keep(
            "recently-read",
            "rotated 20 days ago, and its reader, which reads when it starts, has not fetched the new version",
        ),
    // What rotation, policies and copies do to others.
    prod("pos/receipts/printer-key").owner("pos").keep(
        "recently-read",
        "its reader succeeded until its policy was changed four days ago, and fails since",
    ),
    prod("inventory/warehouse/reports")
        .owner("logistics")
        .rotation(Rotation::Stuck {
            function: "rotate-warehouse-reports",
            every: 30,
            last: 36,
            begun: 6,
        })
        .keep(
            "recently-read",
            "its latest rotation came to no end and left a version in staging",
        ),
    prod("shipping/fedex/account")
        .owner("logistics")
        .rotated("rotate-fedex-account", 30, 52)
        .keep("recently-read", "its rotation is three weeks overdue"),
    secret(PRODUCTION, IRELAND, "catalog/opensearch/reader")
        .owner("catalog")
        .keep(
            "recently-read",
            "the name of a secret in us-east-1, of which it is no replica",
        ),
    // Nobody's.
    prod("experiments/q2/flag-key")
        .undescribed()
        .accessed(145)
        .delete("idle", "idle, and no tag names an owner"),
    prod("tmp/loadtest-password")
        .undescribed()
        .created(150)
        .delete("never-read", "never read, and no tag names an owner"),
    // What people write by hand.
    prod("support/zendesk/api-token")
        .owner("support")
        .about("Reads tickets for the weekly report; ask Jo before you change it")
        .keep("recently-read", "read by name once a day"),
    prod("marketing/hubspot/api-key")
        .owner("marketing")
        .accessed(160)
        .about("Newsletter sign-ups")
        .review(
            "failed-reads",
            "its reader, which nobody allowed to read it, asks every day",
        ),
    // Production in Europe.
    secret(PRODUCTION, IRELAND, "eu/customers/db")
        .owner("crm")
        .rotated("rotate-customers-db", 30, 14)
        .keep(
            "recently-read",
            "rotated and read hourly; one reader asks for an old version, and a person put a value by hand",
        ),
    secret(PRODUCTION, IRELAND, "eu/legacy/fax-gateway")
        .owner("operations")
        .created(1_700)
        .accessed(222)
        .delete("idle", "not read for 222 days"),
    secret(PRODUCTION, FRANKFURT, "de/datev/export")
        .owner("finance")
        .accessed(180)
        .delete("idle", "not read for 180 days"),
    secret(PRODUCTION, FRANKFURT, "de/tse/certificate")
        .owner("pos")
        .accessed(128)
        .keep("cached-reader", "a Python cache asks only DescribeSecret"),
    // Staging.
    secret(STAGING, VIRGINIA, "checkout/stripe/test-key")
        .owner("payments")
        .keep("recently-read", "read every half hour in staging"),
    secret(STAGING, VIRGINIA, "orders/postgres/app")
        .owner("orders")
        .accessed(133)
        .delete("idle", "the name of a busy secret in the other account"),
    secret(STAGING, VIRGINIA, "preview/pr-4211/db")
        .owner("web")
        .created(96)
        .delete("never-read", "left over from a preview, never read"),
    secret(STAGING, VIRGINIA, "loadtest/k6/token")
        .owner("quality")
        .keep("recently-read", "read once, 88 days ago: not yet idle"),
    secret(STAGING, IRELAND, "sso/saml/signing-key")
        .owner("identity")
        .review("iac-managed", "only terraform plan refreshes it"),
    secret(STAGING, IRELAND, "search/elastic/password")
        .owner("search")
        .keep("recently-read", "read twice a day"),
    // Staging in eu-central-1, where twelve days of the trail are missing.
    secret(STAGING, FRANKFURT, "de/erp/sandbox")
        .owner("finance")
        .accessed(160)
        .review("coverage-gap", "idle, but the trail has a hole"),
    secret(STAGING, FRANKFURT, "de/ci/signing-key")
        .owner("platform")
        .created(180)
        .review("coverage-gap", "never read, but the trail has a hole"),
    secret(STAGING, FRANKFURT, "de/app/db")
        .owner("crm")
        .keep("recently-read", "read hourly, with a hole in the trail"),
    secret(STAGING, FRANKFURT, "de/rotated/unused")
        .owner("data")
        .rotated("rotate-staging-user", 30, 5)
        .review(
            "coverage-gap",
            "only its rotation reads it, but the trail has a hole",
        ),
    // Readers that start anew for each call.
    prod("exports/sftp/partner")
        .owner("partners")
        .keep(
            "recently-read",
            "a shell loop in one pod reads it in a new process every 20 seconds, each with a session of its own",
        ),
    prod("media/transcoder/licence").owner("media").keep(
        "recently-read",
        "tasks of a service that fails at its start read it every 45 seconds, each once",
    ),
    // Text that other people wrote, for tests alone.
    prod("=HYPERLINK/evil")
        .owner("=cmd|'/c calc'!A1")
        .about("He said \"keep it\",\nthen left;\r\nsee \u{1b}]8;;https://example.org\u{7}here\u{1b}]8;;\u{7} <b>now</b>")
        .hostile()
        .keep(
            "recently-read",
            "a name, an owner and a description that try to be a formula, a terminal escape and markup",
        ),
    prod("-2+3")
        .owner("<script>alert(1)</script>")
        .accessed(160)
        .about("+1, @2\tand a tab")
        .hostile()
        .review(
            "failed-reads",
            "a name that would start a formula, and an error message with markup",
        ),
];
