//! The kinds of readers, and the table of signs by which they are recognised.
//!
//! A naive tool takes every read for use. A rotation function, `terraform plan`, an audit tool and our own scan read or
//! describe secrets too, and AWS's caching clients use a secret for months without reading it. One declarative table
//! tells them apart, [`FINGERPRINTS`]: the first row that fits wins. Who fits is said in `classify`.
//!
//! Sources of the signs: AWS facts, section 9 (the clients' own source code and documentation).

use serde::{Deserialize, Serialize};

use super::usage::Caller;

/// What a reader is. The first five are consumers by default: their reads are use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReaderKind {
    /// A program of the customer.
    Application,
    /// A caching client or agent: its `DescribeSecret` is use.
    Cache,
    /// A synchronizer: External Secrets, CSI driver.
    Sync,
    /// A human at a console or a terminal.
    Person,
    /// An AWS service for the customer.
    Service,
    /// A rotation function, or Secrets Manager itself.
    Rotation,
    /// Infrastructure as code.
    Iac,
    /// An audit tool.
    Scanner,
    /// This tool.
    Ourselves,
}

impl ReaderKind {
    /// The word in reports and in the policy file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Cache => "cache",
            Self::Sync => "sync",
            Self::Person => "person",
            Self::Service => "service",
            Self::Rotation => "rotation",
            Self::Iac => "iac",
            Self::Scanner => "scanner",
            Self::Ourselves => "ourselves",
        }
    }

    /// Whether a successful `DescribeSecret` by this kind shows use: it refreshes a cached value.
    pub fn describes_to_use(self) -> bool {
        matches!(self, Self::Cache | Self::Sync)
    }
}

/// The id that our own calls carry in their user agent as `app/<id>`.
pub const APP_ID: &str = "secretsweep";

/// One sign by which a caller is recognised.
#[derive(Clone, Copy, Debug)]
pub enum Sign {
    /// The user agent contains this, whatever the case. Written in lower case.
    Agent(&'static str),
    /// The session name starts with this.
    Session(&'static str),
    /// The name of the role contains this, whatever the case. Written in lower case.
    Role(&'static str),
    /// The call was made by this AWS service (`invokedBy`, or the service's name as address or user agent).
    Service(&'static str),
    /// Any AWS service.
    AnyService,
    /// The session name is an EC2 instance id, or the credentials are an instance profile's.
    Instance,
    /// The session name is the id of an ECS task: 32 hexadecimal digits.
    Task,
    /// Credentials of a web identity (IRSA).
    WebIdentity,
    /// From the console: a browser, or credentials of a console session.
    Console,
    /// The root user of the account.
    Root,
}

/// A row of the table: what shows it, what it is, and how long it should cache.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint {
    /// Any of these.
    pub signs: &'static [Sign],
    /// What it is.
    pub kind: ReaderKind,
    /// The program or platform, for people.
    pub client: &'static str,
    /// The cache time that we recommend, in seconds.
    pub cache_s: u32,
    /// What to change when it calls too often. Empty: depends on the language of its SDK.
    pub advice: &'static str,
}

/// The cache time of AWS's caching libraries.
pub(super) const LIBRARY_S: u32 = 3_600;
/// The cache time of the Lambda extension and of the Secrets Manager Agent.
const AGENT_S: u32 = 300;

const fn row(
    kind: ReaderKind,
    client: &'static str,
    cache_s: u32,
    signs: &'static [Sign],
    advice: &'static str,
) -> Fingerprint {
    Fingerprint {
        signs,
        kind,
        client,
        cache_s,
        advice,
    }
}

/// What shows that a program runs in Lambda: every SDK puts the environment into its user agent.
const LAMBDA: Sign = Sign::Agent("exec-env/aws_lambda");

/// The table. Order matters: the first row that fits wins.
pub const FINGERPRINTS: &[Fingerprint] = {
    use ReaderKind::{
        Application, Cache, Iac, Ourselves, Person, Rotation, Scanner, Service, Sync,
    };
    use Sign::{Agent, AnyService, Console, Instance, Role, Root, Session, Task, WebIdentity};
    &[
        row(
            Ourselves,
            "secretsweep",
            LIBRARY_S,
            &[Agent("app/secretsweep")],
            "nothing: this is our own scan",
        ),
        // Infrastructure as code reads every managed value at every plan.
        row(
            Iac,
            "Terraform",
            LIBRARY_S,
            &[Agent("terraform"), Agent("opentofu")],
            "plan less often, and use ephemeral resources or write-only values so that a plan needs no secret",
        ),
        row(
            Iac,
            "Pulumi",
            LIBRARY_S,
            &[Agent("pulumi")],
            "refresh less often",
        ),
        row(
            Iac,
            "CloudFormation",
            LIBRARY_S,
            &[
                Sign::Service("cloudformation.amazonaws.com"),
                Agent("cloudformation"),
            ],
            "detect drift less often",
        ),
        row(
            Iac,
            "Crossplane or ACK",
            LIBRARY_S,
            &[
                Agent("crossplane"),
                Agent("upbound-provider"),
                Agent("aws-controllers-k8s"),
            ],
            "raise the poll interval of the controller (`--poll`, `--reconcile-default-resync-seconds`)",
        ),
        row(
            Iac,
            "Ansible",
            LIBRARY_S,
            &[Agent("ansible")],
            "look the secret up once a play",
        ),
        // Audit tools.
        row(
            Scanner,
            "audit tool",
            LIBRARY_S,
            &[
                Agent("prowler"),
                Agent("scoutsuite"),
                Agent("scout suite"),
                Agent("cloud-custodian"),
                Agent("cloudcustodian"),
                Agent("c7n"),
                Agent("steampipe"),
                Agent("cloudquery"),
                Agent("cartography"),
                Agent("cloudsploit"),
                Agent("electriceye"),
                Agent("cloud-nuke"),
                Agent("aws-nuke"),
                Agent("cloud-audit"),
                Agent("trufflehog"),
                Agent("prismacloud"),
                Agent("prisma cloud"),
                Agent("redlock"),
                Agent("lacework"),
                Agent("orca-security"),
                Agent("wiz.io"),
                Role("prowler"),
                Role("scoutsuite"),
                Role("cloud-custodian"),
                Role("cloudcustodian"),
                Role("steampipe"),
                Role("cloudquery"),
                Role("awsserviceroleforconfig"),
                Role("awsserviceroleforsecurityhub"),
                Role("awsserviceroleforaccessanalyzer"),
                Role("awsservicerolefortrustedadvisor"),
                Role("awsserviceroleforresourceexplorer"),
                Role("awsserviceroleforauditmanager"),
                Sign::Service("config.amazonaws.com"),
                Sign::Service("config-multiaccountsetup.amazonaws.com"),
                Sign::Service("securityhub.amazonaws.com"),
                Sign::Service("access-analyzer.amazonaws.com"),
                Sign::Service("trustedadvisor.amazonaws.com"),
                Sign::Service("resource-explorer-2.amazonaws.com"),
                Sign::Service("auditmanager.amazonaws.com"),
                Sign::Service("guardduty.amazonaws.com"),
                Sign::Service("inspector2.amazonaws.com"),
                Sign::Service("macie.amazonaws.com"),
                Sign::Service("tagging.amazonaws.com"),
                Sign::Service("resource-groups.amazonaws.com"),
            ],
            "scan less often, or scan with `ListSecrets` alone: it returns 100 secrets a call",
        ),
        // Caching clients: `DescribeSecret` to refresh, `GetSecretValue` only for a new version.
        row(
            Cache,
            "Secrets Manager Agent",
            AGENT_S,
            &[Agent("aws-secrets-manager-agent/")],
            "set `ttl_seconds` of the agent to 300 or more, and do not call it with `refreshNow`",
        ),
        row(
            Cache,
            "AWS caching library",
            LIBRARY_S,
            &[
                Agent("awssecretcache/"),
                Agent("awssecretsmanagercachingrust/"),
            ],
            "keep one cache for the life of the process instead of one a request, and leave its time to live at 1 h",
        ),
        row(
            Cache,
            "Lambda extension",
            AGENT_S,
            &[Agent("aws-parameters-and-secrets-lambda-extension")],
            "set `SECRETS_MANAGER_TTL` to 300",
        ),
        // Synchronizers into Kubernetes.
        row(
            Sync,
            "Secrets Store CSI driver",
            LIBRARY_S,
            &[Agent("secrets-store-csi-driver")],
            "set `rotationPollInterval` to 3600s",
        ),
        row(
            Sync,
            "External Secrets Operator",
            LIBRARY_S,
            &[
                Agent("external-secrets"),
                Session("external-secrets"),
                Role("external-secrets"),
                Role("externalsecrets"),
            ],
            "set `refreshInterval` of the ExternalSecret to 1h or more",
        ),
        // People. SSO permission sets are people, whatever they run.
        row(
            Person,
            "AWS console",
            LIBRARY_S,
            &[Console],
            "nothing: a person looked",
        ),
        row(
            Person,
            "SSO session",
            LIBRARY_S,
            &[Role("awsreservedsso_")],
            "nothing: a person looked",
        ),
        row(
            Person,
            "CloudShell",
            LIBRARY_S,
            &[Agent("exec-env/cloudshell")],
            "nothing: a person looked",
        ),
        row(
            Person,
            "root user",
            LIBRARY_S,
            &[Root],
            "do not work as the root user",
        ),
        // Secrets Manager for itself: managed rotation, replication.
        row(
            Rotation,
            "Secrets Manager",
            LIBRARY_S,
            &[Sign::Service("secretsmanager.amazonaws.com")],
            "rotate less often",
        ),
        // Scheduled work, before the platforms that it runs on.
        row(
            Application,
            "Airflow",
            LIBRARY_S,
            &[
                Agent("airflow"),
                Session("AmazonMWAA"),
                Role("airflow"),
                Role("mwaa"),
            ],
            "set `use_cache = True` in the `[secrets]` section of the Airflow configuration, and give the secrets \
             backend a lookup pattern (`variables_lookup_pattern`) so that it asks only for what it holds",
        ),
        row(
            Application,
            "CodeBuild",
            LIBRARY_S,
            &[
                Session("AWSCodeBuild-"),
                Agent("exec-env/aws_codebuild"),
                Sign::Service("codebuild.amazonaws.com"),
            ],
            "read the secret once a build, in `env: secrets-manager:` of the buildspec",
        ),
        row(
            Application,
            "CI job",
            LIBRARY_S,
            &[
                Session("GitHubActions"),
                Session("gitlab"),
                Session("jenkins"),
                Session("buildkite"),
                Session("circleci"),
            ],
            "read the secret once a job and pass it on to the steps",
        ),
        row(
            Application,
            "scheduled job",
            LIBRARY_S,
            &[
                Session("GlueJobRunner"),
                Agent("exec-env/aws_glue"),
                Agent("exec-env/aws_batch"),
                Session("aws-batch"),
                Sign::Service("glue.amazonaws.com"),
                Sign::Service("scheduler.amazonaws.com"),
                Sign::Service("states.amazonaws.com"),
                Sign::Service("batch.amazonaws.com"),
            ],
            "read the secret once a run, before the loop over the work",
        ),
        // Platforms on which applications run.
        row(
            Application,
            "Lambda",
            AGENT_S,
            &[LAMBDA],
            "add the AWS Parameters and Secrets Lambda Extension (`SECRETS_MANAGER_TTL` = 300), or read the secret \
             outside the handler and keep it",
        ),
        row(
            Application,
            "App Runner",
            LIBRARY_S,
            &[
                Agent("apprunner"),
                Agent("app_runner"),
                Role("apprunner"),
                Sign::Service("apprunner.amazonaws.com"),
            ],
            "",
        ),
        row(
            Application,
            "ECS task start",
            LIBRARY_S,
            &[Agent("amazon ecs agent")],
            "find out why tasks start so often (crash loop, tiny batches): each start reads each secret once",
        ),
        row(
            Application,
            "ECS on Fargate",
            LIBRARY_S,
            &[
                Agent("exec-env/aws_ecs_fargate"),
                Sign::Service("fargate.amazonaws.com"),
            ],
            "",
        ),
        row(
            Application,
            "ECS",
            LIBRARY_S,
            &[
                Agent("exec-env/aws_ecs"),
                Sign::Service("ecs-tasks.amazonaws.com"),
                Sign::Service("ecs.amazonaws.com"),
                Task,
            ],
            "",
        ),
        row(
            Application,
            "EKS",
            LIBRARY_S,
            &[Agent("exec-env/aws_eks"), Session("eks-")],
            "",
        ),
        row(
            Service,
            "AWS service",
            LIBRARY_S,
            &[AnyService],
            "the AWS service decides how often it reads; see its documentation",
        ),
        row(
            Application,
            "EC2",
            LIBRARY_S,
            &[Agent("exec-env/ec2"), Instance],
            "",
        ),
        row(
            Application,
            "EKS",
            LIBRARY_S,
            &[
                WebIdentity,
                Session("botocore-session-"),
                Session("aws-sdk-"),
            ],
            "",
        ),
    ]
};

/// The AWS service that called: `invokedBy`, else the address or the user agent where a service's name stands there.
pub(super) fn service_of(caller: &Caller) -> &str {
    let is_service = |text: &&str| text.ends_with(".amazonaws.com") && !text.contains(' ');
    [
        caller.invoked_by.as_str(),
        &caller.source_service,
        &caller.user_agent,
    ]
    .into_iter()
    .find(is_service)
    .unwrap_or("AWS service")
}

/// Whether a caller shows that it runs in Lambda.
pub(super) fn runs_in_lambda(caller: &Caller) -> bool {
    LAMBDA.fits(caller, &caller.user_agent.to_ascii_lowercase(), "")
}

/// The name of the role or user in an ARN: what follows the last slash.
pub fn name_of(identity: &str) -> &str {
    identity.rsplit_once('/').map_or(identity, |(_, name)| name)
}

impl Sign {
    /// Whether the caller shows this sign; `agent` and `role` are its user agent and the name of its role in lower case.
    pub(super) fn fits(self, caller: &Caller, agent: &str, role: &str) -> bool {
        match self {
            Self::Agent(sign) => agent.contains(sign),
            Self::Session(start) => caller.session.starts_with(start),
            Self::Role(part) => role.contains(part),
            Self::Service(name) => service_of(caller) == name,
            Self::AnyService => {
                caller.identity_type == "AWSService"
                    || !caller.invoked_by.is_empty()
                    || service_of(caller).ends_with(".amazonaws.com")
            }
            Self::Instance => {
                let id = caller.session.strip_prefix("i-");
                caller.ec2_delivered
                    || id.is_some_and(|id| matches!(id.len(), 8 | 17) && is_hex(id))
            }
            Self::Task => caller.session.len() == 32 && is_hex(&caller.session),
            Self::WebIdentity => caller.web_federated,
            Self::Console => {
                caller.from_console
                    || agent.starts_with("mozilla/")
                    || agent.starts_with("aws internal")
                    || agent.contains("console.amazonaws.com")
            }
            Self::Root => caller.identity_type == "Root",
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_are_compared_in_lower_case_are_written_so() {
        for sign in FINGERPRINTS.iter().flat_map(|row| row.signs) {
            if let Sign::Agent(text) | Sign::Role(text) = sign {
                assert_eq!(*text, text.to_ascii_lowercase());
            }
        }
    }
}
