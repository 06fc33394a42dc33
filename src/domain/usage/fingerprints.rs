//! The kinds of readers, and the table of signs by which they are recognised.
//!
//! A naive tool takes every read for use. A rotation function, `terraform plan`, an audit tool and our own scan read or
//! describe secrets too, and AWS's caching clients use a secret for months without reading it. One declarative table
//! distinguishes them, [`FINGERPRINTS`]: the first row that fits wins. Who fits is said in `classify`.
//!
//! Sources of the signs: the source code and the documentation of the clients.

mod sign;

use crate::domain::base::names::SECRETS_MANAGER;
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::trail::calls::Caller;

pub use sign::Sign;
use sign::words;
pub(crate) use sign::{is_service_itself, service_of};

/// The word that our own calls carry in their user agent: `app/` and the application id.
const OUR_PRODUCT: &str = "app/secretsweep";

/// The meaning of a read of a value by a kind that looks after secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueReads {
    /// Part of looking after the secret.
    Maintenance,
    /// A use of the secret, by a reader of this kind.
    Use(ReaderKind),
    /// As [`ValueReads::Use`], unless the call names a version and no stage: that is how the Terraform provider refreshes
    /// a secret version that it manages (`aws_secretsmanager_secret_version`); its data source names a stage.
    UseUnlessByVersion(ReaderKind),
}

/// A row of the table: what shows it, what it is, and how long it should cache.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint {
    /// Any of these.
    pub signs: &'static [Sign],
    /// The kind of reader that it is.
    pub kind: ReaderKind,
    /// The program or platform, for people.
    pub client: &'static str,
    /// The cache time that we recommend, in seconds.
    pub cache_s: u32,
    /// The advice for when it calls too often. Empty: depends on the language of its SDK.
    pub advice: &'static str,
    /// The client refreshes what it manages by version ([`ValueReads::UseUnlessByVersion`]).
    pub refreshes_by_version: bool,
}

/// The cache time of AWS's caching libraries.
pub(crate) const LIBRARY_S: u32 = 3_600;
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
        refreshes_by_version: false,
    }
}

/// A row of a client that is Terraform's provider or works like it.
const fn terraform(
    client: &'static str,
    signs: &'static [Sign],
    advice: &'static str,
) -> Fingerprint {
    Fingerprint {
        refreshes_by_version: true,
        ..row(ReaderKind::Iac, client, LIBRARY_S, signs, advice)
    }
}

/// The sign that a program runs in Lambda: every SDK puts the environment into its user agent.
const LAMBDA: Sign = Sign::Word("exec-env/aws_lambda");

/// The table. Order matters: the first row that fits wins.
pub const FINGERPRINTS: &[Fingerprint] = {
    use ReaderKind::{
        Application, Cache, Iac, Ourselves, Person, Rotation, Scanner, Service, Sync,
    };
    use Sign::{
        Agent, AnyService, Console, Instance, Product, Role, Root, ServiceRole, Session, Task,
        WebIdentity, Word,
    };
    &[
        row(
            Ourselves,
            "secretsweep",
            LIBRARY_S,
            &[Product(OUR_PRODUCT)],
            "nothing: this is our own scan",
        ),
        // Infrastructure as code refreshes every secret that it manages at every plan.
        terraform(
            "Pulumi",
            &[Product("pulumi"), Word("pulumi-"), Word("pulumiaws")],
            "refresh less often",
        ),
        terraform(
            "Crossplane or ACK",
            &[
                Product("crossplane"),
                Word("crossplane-"),
                Word("upbound-provider"),
                Product("aws-controllers-k8s"),
            ],
            "raise the poll interval of the controller (`--poll`, `--reconcile-default-resync-seconds`)",
        ),
        terraform(
            "Terraform",
            &[
                Product("terraform"),
                Product("opentofu"),
                Product("terraform-provider-aws"),
                Product("hashicorp-terraform-exec"),
            ],
            "plan less often, and use ephemeral resources or write-only values so that a plan needs no secret",
        ),
        row(
            Iac,
            "CloudFormation",
            LIBRARY_S,
            &[
                Sign::Service("cloudformation.amazonaws.com"),
                Product("cloudformation"),
            ],
            "detect drift less often",
        ),
        row(
            Iac,
            "Ansible",
            LIBRARY_S,
            &[Product("ansible"), Product("ansible-core")],
            "look the secret up once a play",
        ),
        // Audit tools. Substrings are no sign, and the names of roles are none either: teams name roles after tools.
        row(
            Scanner,
            "audit tool",
            LIBRARY_S,
            &[
                Product("prowler"),
                // Prowler's number in the AWS Partner Network.
                Product("apn_1826889"),
                Product("scoutsuite"),
                Agent("scout suite"),
                Product("cloud-custodian"),
                Product("cloudcustodian"),
                Product("c7n"),
                Product("steampipe"),
                Product("steampipe-plugin-aws"),
                Product("cloudquery"),
                Product("cartography"),
                Product("cloudsploit"),
                Product("electriceye"),
                Product("cloud-nuke"),
                Product("aws-nuke"),
                Product("cloud-audit"),
                Product("trufflehog"),
                Product("prismacloud"),
                Agent("prisma cloud"),
                Product("redlock"),
                Product("lacework"),
                Product("orca-security"),
                Product("wiz.io"),
                ServiceRole("awsserviceroleforconfig"),
                ServiceRole("awsserviceroleforsecurityhub"),
                ServiceRole("awsserviceroleforaccessanalyzer"),
                ServiceRole("awsservicerolefortrustedadvisor"),
                ServiceRole("awsserviceroleforresourceexplorer"),
                ServiceRole("awsserviceroleforauditmanager"),
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
            &[Product("aws-secrets-manager-agent")],
            "set `ttl_seconds` of the agent to 300 or more, and do not call it with `refreshNow`",
        ),
        row(
            Cache,
            "AWS caching library",
            LIBRARY_S,
            &[
                Product("awssecretcache"),
                Product("awssecretsmanagercachingrust"),
            ],
            "keep one cache for the life of the process instead of one a request, and leave its time to live at 1 h",
        ),
        row(
            Cache,
            "Lambda extension",
            AGENT_S,
            &[Word("aws-parameters-and-secrets-lambda-extension")],
            "set `SECRETS_MANAGER_TTL` to 300",
        ),
        // Synchronizers into Kubernetes.
        row(
            Sync,
            "Secrets Store CSI driver",
            LIBRARY_S,
            &[
                Word("secrets-store-csi-driver"),
                Word("app/secrets-store-csi-driver"),
            ],
            "set `rotationPollInterval` to 3600s",
        ),
        row(
            Sync,
            "External Secrets Operator",
            LIBRARY_S,
            &[
                Word("external-secrets"),
                Word("app/external-secrets"),
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
            &[Word("exec-env/cloudshell")],
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
            &[Sign::Service(SECRETS_MANAGER)],
            "rotate less often",
        ),
        // Scheduled work, before the platforms that it runs on.
        row(
            Application,
            "Airflow",
            LIBRARY_S,
            &[
                Word("airflow"),
                Word("app/airflow"),
                Word("apache-airflow"),
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
                Word("exec-env/aws_codebuild"),
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
                Word("exec-env/aws_glue"),
                Word("exec-env/aws_batch"),
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
                Word("exec-env/aws_apprunner"),
                Word("exec-env/apprunner"),
                Word("exec-env/app_runner"),
                Product("apprunner"),
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
                Word("exec-env/aws_ecs_fargate"),
                Sign::Service("fargate.amazonaws.com"),
            ],
            "",
        ),
        row(
            Application,
            "ECS",
            LIBRARY_S,
            &[
                Word("exec-env/aws_ecs"),
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
            &[Word("exec-env/aws_eks"), Session("eks-")],
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
            &[Word("exec-env/ec2"), Instance],
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

/// The signs that a user agent shows, whoever sends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgentSigns {
    /// The rows of the table with such a sign, a bit for each.
    rows: u64,
    /// It is the user agent of a program in Lambda.
    pub(crate) is_in_lambda: bool,
}

const _: () = assert!(FINGERPRINTS.len() <= u64::BITS as usize);

impl AgentSigns {
    /// Reads a user agent, in lower case.
    pub(crate) fn of(agent: &str) -> Self {
        let words: Vec<&str> = words(agent).collect();
        let fits = |sign: &Sign| sign.fits_agent(agent, &words);
        let rows = FINGERPRINTS.iter().rev();
        Self {
            rows: rows.fold(0, |rows, row| {
                rows << 1 | u64::from(row.signs.iter().any(fits))
            }),
            is_in_lambda: fits(&LAMBDA),
        }
    }

    /// The first row that a caller with this user agent fits, of those whose kind is not left out. `role` is the name of
    /// its role in lower case.
    pub(crate) fn row(
        self,
        caller: &Caller,
        role: &str,
        is_out: impl Fn(ReaderKind) -> bool,
    ) -> Option<&'static Fingerprint> {
        let fits = |sign: &Sign| sign.fits_caller(caller, role);
        let mut rows = FINGERPRINTS.iter().enumerate();
        let found = rows.find(|(at, row)| {
            !is_out(row.kind) && (self.rows >> at & 1 == 1 || row.signs.iter().any(fits))
        });
        found.map(|(_, row)| row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_are_compared_in_lower_case_are_written_so() {
        for sign in FINGERPRINTS.iter().flat_map(|row| row.signs) {
            if let Sign::Product(text)
            | Sign::Word(text)
            | Sign::Agent(text)
            | Sign::ServiceRole(text)
            | Sign::Role(text) = sign
            {
                assert_eq!(*text, text.to_ascii_lowercase());
            }
        }
    }
}
