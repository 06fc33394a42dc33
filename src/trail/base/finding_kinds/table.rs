//! Every kind of finding, as the README and `secretsweep rules` list them.

use super::{FindingCode, FindingKind, Reported, Setting, Severity};

/// Every kind of finding, by what it is about.
pub const FINDINGS: &[FindingKind] = &[
    FindingKind {
        code: FindingCode::BrokenReads,
        severity: Severity::High,
        reported: Reported::ByDefault,
        meaning: "A reader read a secret, and since then only fails: something changed, and an outage is near.",
        rule: "At least one failed read or description in the window; the same role or user succeeded before the first \
               failure, and has not since, within the idle time. Not judged of throttled calls and errors that may pass.",
        settings: &[],
        fix: "Undo what happened before the first failure (the finding names it where the trail shows it): the policy, the \
              key, the rotation or the deletion.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html",
    },
    FindingKind {
        code: FindingCode::FailingReads,
        severity: Severity::High,
        reported: Reported::ByDefault,
        meaning: "A reader asks for a secret and is refused: by a policy (the finding says which), by the key, because the \
                  secret is scheduled for deletion, because the version is not there, because a parameter is wrong, or because of \
                  too many requests.",
        rule: "At least one failed read or description of the secret in the window, and no other case of `broken-reads`. \
               Medium if the calls were throttled, or the name is not in the inventory; low if the reader has succeeded \
               since, and the last failure is at least two days ago.",
        settings: &[],
        fix: "Give the reader the permission that the message names, restore the secret, or stop the reader.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html",
    },
    FindingKind {
        code: FindingCode::MissingSecret,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A reader asks for a secret that does not exist. Each lookup is a call that may cost as much as a \
                  read.",
        rule: "At least one lookup in the window of a name that is not in the inventory, which AWS did not find.",
        settings: &[],
        fix: "Correct the name, create the secret, or tell the reader not to look it up here.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html",
    },
    FindingKind {
        code: FindingCode::HotLoop,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A caller reads, describes, writes or lists far more often than it needs.",
        rule: "The calls that a cache would avoid cost at least `min_avoidable_usd` of `[loops]` ($1) a month, or a client \
               calls more often than once a minute in at least three hours.",
        settings: &[],
        fix: "Follow the advice beside the finding: it names the setting for that kind of caller and loop.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets.html",
    },
    FindingKind {
        code: FindingCode::RotationFailing,
        severity: Severity::High,
        reported: Reported::ByDefault,
        meaning: "The last rotation of a secret failed: it keeps its old value, and may be left half changed.",
        rule: "Rotation is on, and the latest `RotationSucceeded`, `RotationFailed` or `RotationAbandoned` event of the \
               trail is one of the latter two, with no `LastRotatedDate` after it.",
        settings: &[],
        fix: "Read the log of the rotation function, fix it, then run `aws secretsmanager rotate-secret --secret-id \
              NAME`.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html",
    },
    FindingKind {
        code: FindingCode::RotationStuck,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A rotation did not finish: a version is left in staging, which stops the next rotation.",
        rule: "Rotation is on, a version carries `AWSPENDING` and is not the current one, and nothing about the secret has \
               changed for at least {stuck_after}. Not reported beside `rotation-failing`.",
        settings: &[Setting {
            key: "stuck_after",
            default: "2d",
        }],
        fix: "Remove the label with `aws secretsmanager update-secret-version-stage --secret-id NAME --version-stage \
              AWSPENDING --remove-from-version-id ID`, then rotate again.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html",
    },
    FindingKind {
        code: FindingCode::RotationOverdue,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A secret has not been rotated by the day that its own rules set.",
        rule: "Rotation is on, and `NextRotationDate` is more than {overdue_grace} ago; where the inventory has no such \
               date, the interval of `RotationRules` has passed since `LastRotatedDate` (or since the creation), with the \
               same grace. Not reported beside `rotation-failing` and `rotation-stuck`, nor where a `RotationSucceeded` \
               event is younger than the date.",
        settings: &[Setting {
            key: "overdue_grace",
            default: "2d",
        }],
        fix: "Run `aws secretsmanager rotate-secret --secret-id NAME`, and look at the rotation function if that \
              fails.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html",
    },
    FindingKind {
        code: FindingCode::RotationOff,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A secret that should rotate does not: it belongs to a database, it rotated before, or the policy demands \
                  it.",
        rule: "Rotation is off, and the name fits {must_rotate}, or there is a tag of {must_rotate_tags}; or the secret was \
               read within the idle time and has rotated before, or a word of its name is one of {database_words} (then \
               low: a name is no proof). Not reported for replicas, pending \
               deletions and secrets of other AWS services, nor where a program has put a new value within the idle time. \
               Not judged where the inventory leaves the fields of rotation out.",
        settings: &[
            Setting {
                key: "database_words",
                default: "[\"db\", \"database\", \"rds\", \"aurora\", \"postgres\", \"postgresql\", \"mysql\", \
                          \"mariadb\", \"mssql\", \"sqlserver\", \"oracle\", \"redshift\", \"docdb\", \"documentdb\"]",
            },
            Setting {
                key: "must_rotate",
                default: "[]",
            },
            Setting {
                key: "must_rotate_tags",
                default: "[]",
            },
        ],
        fix: "Turn rotation on with `aws secretsmanager rotate-secret --secret-id NAME --rotation-lambda-arn ARN \
              --rotation-rules AutomaticallyAfterDays=30`, or let the database manage its password.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html",
    },
    FindingKind {
        code: FindingCode::ChangedByHand,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "Somebody put a value into a secret that rotates by itself: the next rotation overwrites it, or \
                  fails.",
        rule: "Rotation is on, and in the window somebody who is not its rotation succeeded with `PutSecretValue`, after a \
               rotation that is known from `LastRotatedDate` or from the trail.",
        settings: &[],
        fix: "Rotate with `aws secretsmanager rotate-secret --secret-id NAME` instead of writing the value.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_managed.html",
    },
    FindingKind {
        code: FindingCode::NeverRotated,
        severity: Severity::Low,
        reported: Reported::OnRequest,
        meaning: "The value of a secret that is in use has not changed for a long time.",
        rule: "It does not rotate and has never rotated, was read within the idle time, and nothing about it has changed \
               for at least {never_rotated_after}, by `LastChangedDate`. Not reported for replicas, pending deletions and \
               secrets of other AWS services, nor beside `rotation-off`.",
        settings: &[Setting {
            key: "never_rotated_after",
            default: "365d",
        }],
        fix: "Put a new value with `aws secretsmanager put-secret-value`, or set up rotation.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
    },
    FindingKind {
        code: FindingCode::NoOwner,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A secret has no tag that names its owner, so it is not known whom to ask.",
        rule: "None of the tags of `[owner] tags` is set. Not reported for replicas, pending deletions and secrets of \
               other AWS services. Not judged where no secret at all has such a tag.",
        settings: &[],
        fix: "Run `aws secretsmanager tag-resource --secret-id NAME --tags Key=owner,Value=TEAM`.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/managing-secrets_tagging.html",
    },
    FindingKind {
        code: FindingCode::Naming,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "The name of a secret breaks the naming rules of the policy file.",
        rule: "The name has the `prefix` and is in the `account` of an entry of {naming}, and does not match its \
               `pattern` (a regular expression). Not reported for replicas, pending deletions and secrets of other AWS \
               services.",
        settings: &[Setting {
            key: "naming",
            default: "[]",
        }],
        fix: "Create the secret under a right name, move its readers, then delete this one: a secret cannot be \
              renamed.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/create_secret.html",
    },
    FindingKind {
        code: FindingCode::ArnLikeName,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "The name of a secret ends like an ARN, so that a lookup by a partial ARN may find nothing or another \
                  secret.",
        rule: "The name ends in a hyphen and six letters or digits that are a mixture (digits and letters, or capitals \
               after small letters), or that are all that tells it from another secret of the account and Region. Not \
               reported for replicas, pending deletions and secrets of other AWS services.",
        settings: &[],
        fix: "Have all readers use the full ARN, or give the secret another name.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html",
    },
    FindingKind {
        code: FindingCode::IdleReplica,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "Nobody reads a replica, which costs as much as a secret. It may wait for a disaster: ask its owner.",
        rule: "The primary is read, and nobody has read or asked for the replica in its Region within the idle time, \
               by `LastAccessedDate` and by a trail that covers all of it; the replica is older than that.",
        settings: &[],
        fix: "Run `aws secretsmanager remove-regions-from-replication --secret-id NAME --remove-replica-regions \
              REGION` in the primary's Region.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/delete-replica.html",
    },
    FindingKind {
        code: FindingCode::DuplicateName,
        severity: Severity::Low,
        reported: Reported::OnRequest,
        meaning: "The same name exists in several Regions without replication: values that should be equal may differ.",
        rule: "Two or more secrets of an account have one name in different Regions, and none of them is replicated. \
               Not reported for replicas, pending deletions and secrets of other AWS services.",
        settings: &[],
        fix: "Replicate one of them with `aws secretsmanager replicate-secret-to-regions`, and delete the others.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html",
    },
    FindingKind {
        code: FindingCode::NoDescription,
        severity: Severity::Low,
        reported: Reported::OnRequest,
        meaning: "A secret has no description.",
        rule: "The description is empty. Not reported for replicas, pending deletions and secrets of other AWS \
               services.",
        settings: &[],
        fix: "Run `aws secretsmanager update-secret --secret-id NAME --description TEXT`.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_update-secret.html",
    },
    FindingKind {
        code: FindingCode::DefaultKeyShared,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "Another account asks for a secret that is encrypted with the AWS managed key, which no other account \
                  can use.",
        rule: "In the window a reader of another account was refused, and the secret has no key of the customer's. Not \
               reported for replicas, pending deletions and secrets of other AWS services.",
        settings: &[],
        fix: "Give the secret a customer-managed key that the other account may use: `aws secretsmanager update-secret \
              --secret-id NAME --kms-key-id KEY`.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html",
    },
    FindingKind {
        code: FindingCode::WidelyShared,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A secret has many readers: changing it touches all of them, and any of them can leak it.",
        rule: "More than {most_consumers} roles and users used it in the window.",
        settings: &[Setting {
            key: "most_consumers",
            default: "25",
        }],
        fix: "Give each service a secret of its own, or raise `most_consumers`.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
    },
    FindingKind {
        code: FindingCode::BroadReader,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "One role or user reads many secrets.",
        rule: "It used more than {most_secrets} secrets in the window. Synchronizers and AWS services are left out: \
               that is their work.",
        settings: &[Setting {
            key: "most_secrets",
            default: "50",
        }],
        fix: "Split the role by service, and let its policy name the secrets that it needs.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
    },
    FindingKind {
        code: FindingCode::CrossTeam,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A reader of one team reads a secret of another team.",
        rule: "The reader fits `readers` (globs) of an entry of {team} and of no entry whose `owner` is the owner tag \
               of the secret. The trail does not show the tags of roles, so only readers that the policy file assigns \
               are judged.",
        settings: &[Setting {
            key: "team",
            default: "[]",
        }],
        fix: "Agree on it with the owner, or give the reader a secret of its own.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html",
    },
    FindingKind {
        code: FindingCode::CrossAccountReads,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "Readers of another account read a secret.",
        rule: "A read in the window by a caller of another account, which is none of {trusted_accounts}. Low if all \
               these accounts are in the scan or named in `[accounts]`. AWS services are left out.",
        settings: &[Setting {
            key: "trusted_accounts",
            default: "[]",
        }],
        fix: "Look at the resource policy with `aws secretsmanager get-resource-policy --secret-id NAME`; add accounts \
              that may read to `trusted_accounts`.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html",
    },
    FindingKind {
        code: FindingCode::PersonReads,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "People read the value of a secret that programs use.",
        rule: "A person read it in the window, and an application, a cache or a synchronizer used it within the idle \
               time.",
        settings: &[],
        fix: "Give people access of their own, and rotate the secret if it was copied.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
    },
    FindingKind {
        code: FindingCode::RootReads,
        severity: Severity::High,
        reported: Reported::ByDefault,
        meaning: "The root user of an account read a secret.",
        rule: "A read in the window whose `userIdentity.type` is `Root`.",
        settings: &[],
        fix: "Use a role instead, and lock the root user away.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
    },
    FindingKind {
        code: FindingCode::OutsideVpc,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A program reads over the internet although there is a VPC endpoint for the same reads.",
        rule: "In the window a program read from a public address and without `vpcEndpointId`, and it read through an \
               endpoint, too, in the same account and Region, or another reader reads the same secret through one, or \
               {require_vpc_endpoint}. Not reported for a program that has moved to the endpoint, nor for \
               people, deploys and AWS services.",
        settings: &[Setting {
            key: "require_vpc_endpoint",
            default: "false",
        }],
        fix: "Run the program in subnets that use the endpoint with private DNS, and demand it in the secret's policy \
              with `aws:sourceVpce`.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/vpc-endpoint-overview.html",
    },
    FindingKind {
        code: FindingCode::PublicAddress,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "An IAM user with long-lived keys reads secrets from the internet: anybody who has the keys can do the \
                  same from anywhere.",
        rule: "In the window a program with the keys of an IAM user read from a public address and without \
               `vpcEndpointId`.",
        settings: &[],
        fix: "Replace the keys by a role (IAM Roles Anywhere, OIDC), or allow only known addresses with \
              `aws:SourceIp`.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
    },
    FindingKind {
        code: FindingCode::OldTls,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A reader uses an old version of TLS. AWS refuses such calls, or is going to.",
        rule: "In the window a reader called with a version of TLS before 1.2, by `tlsDetails`; with 1.2, too, if \
               {require_tls_1_3}; then the severity is low. AWS services have no version.",
        settings: &[Setting {
            key: "require_tls_1_3",
            default: "false",
        }],
        fix: "Update the SDK and the TLS library of the program, and remove settings that force an old version.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/infrastructure-security.html",
    },
    FindingKind {
        code: FindingCode::NewReader,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "Somebody new reads a secret.",
        rule: "A reader used the secret for the first time within the last {recent}, the trail covers the whole idle \
               time, the secret is older than that and was read before. Not reported for deploys and AWS services, nor \
               for a role that takes the place of another with the same program within two days.",
        settings: &[Setting {
            key: "recent",
            default: "7d",
        }],
        fix: "Ask the owner of the secret whether the reader is theirs.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring.html",
    },
    FindingKind {
        code: FindingCode::NewNetwork,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A program that always read through a VPC endpoint now reads over the internet.",
        rule: "Its first read from a public address and without `vpcEndpointId` lies within the last {recent}, it used \
               the endpoint on at least seven days before, and the trail covers the idle time until then.",
        settings: &[Setting {
            key: "recent",
            default: "7d",
        }],
        fix: "Look at what changed in its network; if nothing did, somebody else has its credentials: revoke the \
              sessions of the role.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/vpc-endpoint-overview.html",
    },
    FindingKind {
        code: FindingCode::ReaderGone,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A steady reader has stopped: the secret may be free soon.",
        rule: "It used the secret on at least ten days of the idle time, and has not for {gone_after} and three times \
               its longest pause; the trail covers the idle time. Not reported for people, deploys and AWS services, \
               nor for a role whose place another with the same program took within two days.",
        settings: &[Setting {
            key: "gone_after",
            default: "14d",
        }],
        fix: "Ask its owner whether it was switched off; if it should run, find out why it does not.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring.html",
    },
    FindingKind {
        code: FindingCode::VolumeJump,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A reader calls far more often than it ever did.",
        rule: "Its calls of the last seven days are at least {jump_factor} times those of its busiest week before, and \
               at least 1,000 more. Four to eight weeks before are compared, of which three had calls and all are \
               covered. Not judged from a sample.",
        settings: &[Setting {
            key: "jump_factor",
            default: "5",
        }],
        fix: "Look at what was deployed in that week; let the program keep the value in a cache.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets.html",
    },
    FindingKind {
        code: FindingCode::UnreadSinceRotation,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A program read a value that has changed since, and never fetched the new one: it may run with the \
                  old value until it fails.",
        rule: "It read the value between the last two changes, asked for nothing (neither value nor description) since \
               the last one, which is at least {stale_after} ago, and the trail covers the time since. Not reported \
               for steady readers, see `reader-gone`.",
        settings: &[Setting {
            key: "stale_after",
            default: "7d",
        }],
        fix: "Restart the program, or let it read through a cache that refreshes.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets.html",
    },
    FindingKind {
        code: FindingCode::ReadsOldVersion,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A program asks for an old version of a secret, by its id or as `AWSPREVIOUS`: after a rotation it does not \
                  get the current value.",
        rule: "An application reads with `versionId` and without `versionStage`, never asks for the description, and \
               did so before and after the value changed; or it reads with `versionStage` `AWSPREVIOUS` in the window, and \
               never without it.",
        settings: &[],
        fix: "Leave `versionId` and `versionStage` out, so that the current version is read.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/getting-started.html",
    },
    FindingKind {
        code: FindingCode::UnusedAccess,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A role or user may read secrets that it does not read.",
        rule: "Needs IAM data. A statement of its policies lets it read more secrets than it read within the idle time; \
               the trail covers that time in every account and Region of these secrets, and the role or user is older. \
               Not reported for names that begin with one of {keep_access}, nor for access by tags or by the policies of \
               the secrets.",
        settings: &[Setting {
            key: "keep_access",
            default: "[]",
        }],
        fix: "Put the statements that `secretsweep reader NAME --policy` prints in the place of those that the finding names.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html",
    },
    FindingKind {
        code: FindingCode::WildcardAccess,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A wildcard lets a role or user read secrets that its policies do not name.",
        rule: "Needs IAM data. A statement of its policies lets it read more than one secret, and its resources have a \
               wildcard in the place of a name or are all but some. Wildcards for the six characters behind a name do not \
               count.",
        settings: &[],
        fix: "Name the secrets, or grant by tags.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html",
    },
    FindingKind {
        code: FindingCode::PublicOrForeignAccess,
        severity: Severity::High,
        reported: Reported::ByDefault,
        meaning: "The policy of a secret lets everybody or another account read it.",
        rule: "Needs the policy of the secret. A statement allows `GetSecretValue` to `*` (medium under conditions) or to \
               another account that is not one of `trusted_accounts` (low if the account is in the scan or named in the \
               policy file).",
        settings: &[],
        fix: "Remove the statement, or name the roles that need the secret.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html",
    },
    FindingKind {
        code: FindingCode::OrphanAccess,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A policy names a secret that does not exist: if one of that name is created, the reader may read it.",
        rule: "Needs IAM data. A statement that allows `GetSecretValue` names one secret of an account and Region that were \
               listed, and no secret there fits, also none whose ARN ends in the six characters.",
        settings: &[],
        fix: "Remove the name from the policy, or correct it: an ARN in a policy ends in `-` and six characters or `??????`.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html",
    },
    FindingKind {
        code: FindingCode::KeyMismatch,
        severity: Severity::Medium,
        reported: Reported::ByDefault,
        meaning: "A role or user may read a secret and may not use its key, or the other way: its reads fail.",
        rule: "Needs IAM data. Its policies and that of the secret allow `GetSecretValue`, whatever the request is like, and \
               `kms:Decrypt` with the key of the secret is denied or not allowed; or a statement that names Secrets Manager in \
               its condition lets it use the key, and it may read no secret with a customer-managed key.",
        settings: &[],
        fix: "Allow `kms:Decrypt` with the key, or remove the permission to read.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
    },
    FindingKind {
        code: FindingCode::ExpiredMute,
        severity: Severity::Low,
        reported: Reported::ByDefault,
        meaning: "A `[[mute]]` of the policy file has ended, and what it hid is shown again.",
        rule: "The day in `until` has passed, and at least one finding fits the mute.",
        settings: &[],
        fix: "Fix what it hid, or give the mute a later day or none.",
        page: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
    },
];
