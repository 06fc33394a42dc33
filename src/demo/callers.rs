//! Who calls in the example organization: roles, people, functions and tools, with the user agents their clients send.
//!
//! The user agents have the shape that each client documents; versions and addresses are made up. Addresses outside
//! the network of the organization are of the ranges reserved for documentation.

use serde::Deserialize;

use crate::demo::locations::{PRODUCTION, STAGING};

/// One caller. Its clients (pods, tasks, instances) share the role and differ in session and address.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemoCaller {
    /// The account the caller belongs to; empty for one that is in every account.
    pub account: &'static str,
    /// The role, without its path.
    pub role: &'static str,
    /// The path before the role's name in its ARN, `/` or `/aws-reserved/...`.
    pub path: &'static str,
    /// The names of the sessions of its clients.
    pub session: SessionNaming,
    /// `userAgent`.
    pub agent: &'static str,
    /// The origin of its calls.
    pub from: Origin,
    /// `tlsVersion`.
    pub tls: &'static str,
}

/// The source of the name of a client's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionNaming {
    /// A fixed name: a function, a pipeline, a person.
    Named(&'static str),
    /// The id of an ECS task.
    Task,
    /// The id of an EC2 instance.
    Instance,
    /// A pod of EKS with a web identity, as botocore names its sessions.
    Pod,
    /// A process of its own for each call, as botocore names their sessions: the number of the client is the second of
    /// the trail at which the process started.
    Process,
    /// A person in the console, through IAM Identity Center.
    Console(&'static str),
    /// The rotation function of the secret whose index in the table is the number of the client.
    RotationFunction,
    /// No session: an IAM user with a long-lived key.
    User,
    /// No session: the root user of the account.
    Root,
    /// An AWS service in a role linked to it.
    Linked(&'static str),
    /// An AWS service as itself, without a role.
    Service(&'static str),
}

/// The origin of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Through the VPC endpoint, from addresses that begin like this.
    Endpoint(&'static str),
    /// Through the NAT gateway or the internet, from this address.
    Outside(&'static str),
    /// From an AWS service, named instead of an address.
    Service(&'static str),
}

const PYTHON_LAMBDA: &str = "Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1 os/linux#5.10.245-269.999.amzn2.x86_64 md/arch#x86_64 lang/python#3.13.9 md/pyimpl#CPython exec-env/AWS_Lambda_python3.13 m/Z,b,D cfg/retry-mode#legacy Botocore/1.40.61";
const PYTHON_POD: &str = "Boto3/1.40.55 md/Botocore#1.40.55 ua/2.1 os/linux#6.12.46 md/arch#x86_64 lang/python#3.12.11 md/pyimpl#CPython m/g,b,Z cfg/retry-mode#standard Botocore/1.40.55";
const NODE_LAMBDA: &str = "aws-sdk-js/3.917.0 ua/2.1 os/linux#5.10.245 lang/js md/nodejs#22.20.0 api/secrets-manager#3.917.0 exec-env/AWS_Lambda_nodejs22.x m/E,e";
const JAVA_FARGATE: &str = "aws-sdk-java/2.36.2 md/io#sync md/http#Apache ua/2.1 api/Secrets_Manager#2.36.x os/Linux#5.10.244 lang/java#21.0.8 md/OpenJDK_64-Bit_Server_VM#21.0.8 exec-env/AWS_ECS_FARGATE m/D,z";
const JAVA_CACHE: &str = "aws-sdk-java/2.36.2 md/io#sync md/http#Apache ua/2.1 api/Secrets_Manager#2.36.x os/Linux#6.1.155 lang/java#17.0.16 md/OpenJDK_64-Bit_Server_VM#17.0.16 AwsSecretCache/1.0.2 m/D,x";
const PYTHON_CACHE: &str = "Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1 os/linux#6.1.155 md/arch#x86_64 lang/python#3.11.13 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.40.61 AwsSecretCache/1.1.3";
const GO_SDK: &str = "aws-sdk-go-v2/1.39.4 ua/2.1 os/linux lang/go#1.25.3 md/GOOS#linux md/GOARCH#amd64 api/secretsmanager#1.39.9 m/E,g";
const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 (+https://www.terraform.io) terraform-provider-aws/6.18.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.39.4 ua/2.1 os/linux lang/go#1.24.6 md/GOOS#linux md/GOARCH#amd64 api/secretsmanager#1.39.9";
const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";

/// The version of TLS that every client of today uses.
const TLS: &str = "TLSv1.3";

const fn role(
    account: &'static str,
    role: &'static str,
    session: SessionNaming,
    agent: &'static str,
    from: Origin,
) -> DemoCaller {
    DemoCaller {
        account,
        role,
        path: "/",
        session,
        agent,
        from,
        tls: TLS,
    }
}

/// A Lambda function of production, which runs in the VPC.
const fn function(
    name: &'static str,
    role_name: &'static str,
    agent: &'static str,
    net: &'static str,
) -> DemoCaller {
    role(
        PRODUCTION,
        role_name,
        SessionNaming::Named(name),
        agent,
        Origin::Endpoint(net),
    )
}

/// A service in Java on Fargate.
const fn tasks(account: &'static str, role_name: &'static str, net: &'static str) -> DemoCaller {
    role(
        account,
        role_name,
        SessionNaming::Task,
        JAVA_FARGATE,
        Origin::Endpoint(net),
    )
}

/// A service on EKS in production.
const fn pods(role_name: &'static str, agent: &'static str, net: &'static str) -> DemoCaller {
    role(
        PRODUCTION,
        role_name,
        SessionNaming::Pod,
        agent,
        Origin::Endpoint(net),
    )
}

/// The platform that a service runs on, and the language or library that it calls with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ClientKind {
    /// Go on EKS.
    GoPods,
    /// Python on EKS.
    PythonPods,
    /// Java on Fargate.
    JavaTasks,
    /// Java on EC2, with the caching library.
    JavaCache,
    /// Python in a Lambda function.
    PythonFunction,
}

impl ClientKind {
    /// Returns what the names of the roles of such services end in.
    pub(super) const fn role_ending(self) -> &'static str {
        match self {
            Self::GoPods | Self::PythonPods => "irsa",
            Self::JavaTasks => "task",
            Self::JavaCache => "instance",
            Self::PythonFunction => "lambda",
        }
    }
}

/// A service of any account, which calls through the VPC endpoint from addresses that begin with `network`.
pub(super) const fn service(
    account: &'static str,
    client: ClientKind,
    name: &'static str,
    role_name: &'static str,
    network: &'static str,
) -> DemoCaller {
    let (session, agent) = match client {
        ClientKind::GoPods => (SessionNaming::Pod, GO_SDK),
        ClientKind::PythonPods => (SessionNaming::Pod, PYTHON_POD),
        ClientKind::JavaTasks => (SessionNaming::Task, JAVA_FARGATE),
        ClientKind::JavaCache => (SessionNaming::Instance, JAVA_CACHE),
        ClientKind::PythonFunction => (SessionNaming::Named(name), PYTHON_LAMBDA),
    };
    role(
        account,
        role_name,
        session,
        agent,
        Origin::Endpoint(network),
    )
}

pub(super) static CHECKOUT: DemoCaller = function(
    "checkout-api",
    "checkout-api-lambda",
    PYTHON_LAMBDA,
    "10.20.4.",
);
pub(super) static ORDERS: DemoCaller = tasks(PRODUCTION, "orders-worker-task", "10.20.8.");
pub(super) static NOTIFICATIONS: DemoCaller = function(
    "notifications-dispatch",
    "notifications-dispatch-lambda",
    NODE_LAMBDA,
    "10.20.5.",
);
pub(super) static EXTERNAL_SECRETS: DemoCaller = role(
    PRODUCTION,
    "platform-external-secrets",
    SessionNaming::Named("external-secrets-provider-aws"),
    GO_SDK,
    Origin::Endpoint("10.20.12."),
);
pub(super) static GRAFANA: DemoCaller = pods("grafana-health-irsa", GO_SDK, "10.20.13.");
pub(super) static CATALOG: DemoCaller = pods("catalog-search-irsa", PYTHON_POD, "10.20.16.");
pub(super) static IDENTITY: DemoCaller = role(
    PRODUCTION,
    "identity-service",
    SessionNaming::Instance,
    JAVA_CACHE,
    Origin::Endpoint("10.20.20."),
);
pub(super) static FRAUD: DemoCaller = role(
    PRODUCTION,
    "fraud-scoring-task",
    SessionNaming::Task,
    "aws-sdk-rust/1.3.9 ua/2.1 api/secretsmanager/1.90.0 os/linux lang/rust/1.90.0 aws-secrets-manager-agent/2.0.0 AWSSecretsManagerCachingRust/2.0.0",
    Origin::Endpoint("10.20.24."),
);
pub(super) static CSI: DemoCaller = role(
    PRODUCTION,
    "web-edge-irsa",
    SessionNaming::Pod,
    "aws-sdk-go-v2/1.39.4 ua/2.1 os/linux lang/go#1.25.1 md/GOOS#linux md/GOARCH#amd64 api/secretsmanager#1.39.9 app/secrets-store-csi-driver-provider-aws-2.1.0 m/E,g",
    Origin::Endpoint("10.20.28."),
);
pub(super) static ROTATION: DemoCaller = role(
    PRODUCTION,
    "secretsmanager-rotation-lambda",
    SessionNaming::RotationFunction,
    PYTHON_LAMBDA,
    Origin::Endpoint("10.20.250."),
);
pub(super) static ROTATION_STAGING: DemoCaller = role(
    STAGING,
    "secretsmanager-rotation-lambda",
    SessionNaming::RotationFunction,
    PYTHON_LAMBDA,
    Origin::Endpoint("10.60.250."),
);
pub(super) static TERRAFORM_CI: DemoCaller = role(
    PRODUCTION,
    "ci-terraform",
    SessionNaming::Named("plan-production"),
    TERRAFORM,
    Origin::Outside("198.51.100.24"),
);
pub(super) static TERRAFORM_STAGING: DemoCaller = role(
    STAGING,
    "ci-terraform",
    SessionNaming::Named("plan-staging"),
    TERRAFORM,
    Origin::Outside("198.51.100.24"),
);
pub(super) static PROWLER: DemoCaller = role(
    PRODUCTION,
    "ProwlerScanRole",
    SessionNaming::Named("prowler"),
    "Boto3/1.40.40 md/Botocore#1.40.40 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.3 md/pyimpl#CPython cfg/retry-mode#standard app/prowler Botocore/1.40.40 prowler/5.13.0",
    Origin::Outside("198.51.100.80"),
);
pub(super) static SECRETSWEEP: DemoCaller = role(
    PRODUCTION,
    "secretsweep-scan",
    SessionNaming::Named("secretsweep"),
    "aws-sdk-rust/1.3.9 ua/2.1 api/secretsmanager/1.90.0 os/linux lang/rust/1.95.0 app/secretsweep",
    Origin::Outside("198.51.100.24"),
);
pub(super) static PERSON: DemoCaller = DemoCaller {
    account: PRODUCTION,
    role: "AWSReservedSSO_OperationsAdmin_635426549a280cc6",
    path: "/aws-reserved/sso.amazonaws.com/",
    session: SessionNaming::Console("jamie.doe@example.com"),
    agent: BROWSER,
    from: Origin::Outside("203.0.113.77"),
    tls: TLS,
};
pub(super) static SESSIONS: DemoCaller = pods("sessions-api-irsa", GO_SDK, "10.30.4.");
pub(super) static KAFKA: DemoCaller = tasks(PRODUCTION, "orders-stream-task", "10.20.9.");
pub(super) static CRM: DemoCaller = role(
    PRODUCTION,
    "crm-nightly-sync",
    SessionNaming::Instance,
    PYTHON_POD,
    Origin::Endpoint("10.20.32."),
);
pub(super) static ERP: DemoCaller = role(
    PRODUCTION,
    "erp-bridge",
    SessionNaming::User,
    "aws-cli/2.31.18 md/awscrt#0.27.6 ua/2.1 os/linux#5.15.0 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython m/E,b cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#secretsmanager.get-secret-value",
    Origin::Outside("192.0.2.61"),
);
pub(super) static PAYROLL: DemoCaller = function(
    "payroll-upload",
    "payroll-upload-lambda",
    PYTHON_LAMBDA,
    "10.20.36.",
);
pub(super) static SHIPPING: DemoCaller = tasks(PRODUCTION, "shipping-labels-task", "10.20.40.");
pub(super) static AIRFLOW: DemoCaller = pods(
    "airflow-worker-irsa",
    "Boto3/1.40.55 md/Botocore#1.40.55 ua/2.1 os/linux#6.12.46 md/arch#x86_64 lang/python#3.12.11 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.40.55 Airflow/3.1.0 AmPP/9.15.0",
    "10.20.44.",
);
/// A shell loop in a pod.
pub(super) static EXPORTS: DemoCaller = role(
    PRODUCTION,
    "partner-exports-irsa",
    SessionNaming::Process,
    "aws-cli/2.31.18 md/awscrt#0.27.6 ua/2.1 os/linux#6.12.46 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython m/g,E,b cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#secretsmanager.get-secret-value",
    Origin::Endpoint("10.20.45."),
);
/// The agent that fetches the secrets of tasks before they start.
pub(super) static TRANSCODER: DemoCaller = role(
    PRODUCTION,
    "media-transcoder-execution",
    SessionNaming::Task,
    "Amazon ECS Agent - v1.98.0 (c5d2e9a7) (linux) (+http://aws.amazon.com/ecs/)",
    Origin::Endpoint("10.20.46."),
);
pub(super) static EVENT_BRIDGE: DemoCaller = DemoCaller {
    account: PRODUCTION,
    role: "AWSServiceRoleForAmazonEventBridgeApiDestinations",
    path: "/aws-service-role/apidestinations.events.amazonaws.com/",
    session: SessionNaming::Linked("apidestinations.events.amazonaws.com"),
    agent: "apidestinations.events.amazonaws.com",
    from: Origin::Service("apidestinations.events.amazonaws.com"),
    tls: TLS,
};
pub(super) static SEARCH: DemoCaller = pods("search-indexer-irsa", PYTHON_POD, "10.20.48.");
pub(super) static REPORTS: DemoCaller = function(
    "monthly-report",
    "monthly-report-lambda",
    PYTHON_LAMBDA,
    "10.20.52.",
);
pub(super) static LOYALTY: DemoCaller = pods("loyalty-api-irsa", PYTHON_POD, "10.20.56.");
pub(super) static PARTNER: DemoCaller = tasks(STAGING, "exchange-rates-task", "10.60.8.");
pub(super) static WAREHOUSE: DemoCaller = tasks(PRODUCTION, "warehouse-api-task", "10.20.60.");
pub(super) static HANDHELD: DemoCaller = DemoCaller {
    tls: "TLSv1.2",
    ..role(
        PRODUCTION,
        "warehouse-handhelds",
        SessionNaming::Instance,
        PYTHON_POD,
        Origin::Outside("203.0.113.140"),
    )
};
pub(super) static BILLING: DemoCaller = pods("billing-invoice-irsa", GO_SDK, "10.20.64.");
pub(super) static TAX: DemoCaller = pods("billing-tax-irsa", GO_SDK, "10.20.65.");
pub(super) static BATCH_LOADER: DemoCaller = role(
    PRODUCTION,
    "nightly-batch-loader",
    SessionNaming::Instance,
    PYTHON_POD,
    Origin::Endpoint("10.20.68."),
);
pub(super) static SUPPORT: DemoCaller = pods("support-reports-irsa", PYTHON_POD, "10.20.71.");
/// Somebody whose name and user agent attack whoever reads them, for tests alone.
pub(super) static HOSTILE: DemoCaller = pods(
    "evil-corp-connector",
    "curl/8 \u{1b}[31mred\u{1b}[0m \u{1b}]0;owned\u{7} \"quoted\", =1+1\r\n\tX-Next: line",
    "10.20.72.",
);
pub(super) static CUSTOMERS: DemoCaller = pods("customers-api-irsa", GO_SDK, "10.30.8.");
pub(super) static TILLS: DemoCaller = role(
    PRODUCTION,
    "pos-tse-task",
    SessionNaming::Task,
    PYTHON_CACHE,
    Origin::Endpoint("10.40.4."),
);
pub(super) static STAGING_APP: DemoCaller = tasks(STAGING, "staging-apps-task", "10.60.12.");
pub(super) static STAGING_LOAD: DemoCaller = role(
    STAGING,
    "loadtest-runner",
    SessionNaming::Instance,
    GO_SDK,
    Origin::Outside("203.0.113.9"),
);
/// A service that may no longer read its secret.
pub(super) static RECEIPTS: DemoCaller = pods("receipts-printer-irsa", GO_SDK, "10.20.66.");
/// A service of staging that asks for a secret of production.
pub(super) static STAGING_GATEWAY: DemoCaller = tasks(STAGING, "staging-gateway-task", "10.60.16.");
pub(super) static ROOT: DemoCaller = role(
    PRODUCTION,
    "root",
    SessionNaming::Root,
    BROWSER,
    Origin::Outside("203.0.113.78"),
);
/// A screen in the office, with a key that does not end.
pub(super) static OFFICE: DemoCaller = role(
    PRODUCTION,
    "office-dashboard",
    SessionNaming::User,
    PYTHON_POD,
    Origin::Outside("192.0.2.62"),
);
/// The pods of [`LOYALTY`], whose calls have left the VPC endpoint.
pub(super) static LOYALTY_OUTSIDE: DemoCaller = role(
    PRODUCTION,
    "loyalty-api-irsa",
    SessionNaming::Pod,
    PYTHON_POD,
    Origin::Outside("198.51.100.25"),
);
pub(super) static CATALOG_EUROPE: DemoCaller =
    pods("catalog-search-eu-irsa", PYTHON_POD, "10.30.12.");
pub(super) static CATALOG_FEED: DemoCaller = pods("catalog-feed-irsa", GO_SDK, "10.20.17.");
pub(super) static CUSTOMERS_EXPORT: DemoCaller =
    pods("customers-export-irsa", PYTHON_POD, "10.30.9.");
/// The twelve roles that share one secret.
pub(super) static SHARERS: [DemoCaller; 12] = [
    pods("svc-accounts-irsa", GO_SDK, "10.20.80."),
    pods("svc-addresses-irsa", GO_SDK, "10.20.81."),
    pods("svc-basket-irsa", GO_SDK, "10.20.82."),
    pods("svc-coupons-irsa", GO_SDK, "10.20.83."),
    pods("svc-delivery-irsa", GO_SDK, "10.20.84."),
    pods("svc-export-irsa", PYTHON_POD, "10.20.85."),
    pods("svc-gateway-irsa", GO_SDK, "10.20.86."),
    pods("svc-media-irsa", GO_SDK, "10.20.87."),
    pods("svc-pricing-irsa", GO_SDK, "10.20.88."),
    pods("svc-ratings-irsa", PYTHON_POD, "10.20.89."),
    pods("svc-returns-irsa", GO_SDK, "10.20.90."),
    pods("svc-wishlist-irsa", GO_SDK, "10.20.91."),
];

/// AWS Config, which looks at everything.
pub(super) static CONFIG: DemoCaller = DemoCaller {
    account: "",
    role: "AWSServiceRoleForConfig",
    path: "/aws-service-role/config.amazonaws.com/",
    session: SessionNaming::Linked("config.amazonaws.com"),
    agent: "config.amazonaws.com",
    from: Origin::Service("config.amazonaws.com"),
    tls: TLS,
};
/// Lambda, taking the role of a function.
pub(super) static LAMBDA: DemoCaller = DemoCaller {
    account: "",
    role: "",
    path: "/",
    session: SessionNaming::Service("lambda.amazonaws.com"),
    agent: "lambda.amazonaws.com",
    from: Origin::Service("lambda.amazonaws.com"),
    tls: TLS,
};
/// An agent that watches instances, buckets and functions.
pub(super) static MONITOR: DemoCaller = role(
    "",
    "monitoring-readonly",
    SessionNaming::Instance,
    "Datadog/1.0 Boto3/1.38.46 md/Botocore#1.38.46 ua/2.1 os/linux#6.1.155 md/arch#x86_64 lang/python#3.12.11 md/pyimpl#CPython cfg/retry-mode#standard Botocore/1.38.46",
    Origin::Outside("198.51.100.91"),
);
