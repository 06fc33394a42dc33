//! The services that are asked without their SDK: how requests to them are written, and where each partition has them.
//!
//! The hosts and the Regions that signatures name are facts of AWS's endpoint rules (botocore, 2026-08). Most services of
//! a whole partition stand in one Region of it; KMS and CloudWatch Logs stand in each.

use super::operation::{Endpoint, EndpointParams, RemoteService};
use super::protocol::Protocol;

/// Identity and Access Management. It stands in a Region of its own in China, and its hosts name none elsewhere.
pub(super) const IAM: RemoteService = RemoteService {
    id: "IAM",
    name: "iam",
    protocol: Protocol::Query("2010-05-08"),
    endpoint: |params| {
        let partition = Partition::of(params)?;
        let (host, region) = match (partition.name, params.dual_stack, params.fips) {
            ("aws", false, false) => ("iam.amazonaws.com", partition.global),
            ("aws", false, true) => ("iam-fips.amazonaws.com", partition.global),
            ("aws", true, false) => ("iam.global.api.aws", partition.global),
            ("aws", true, true) => ("iam-fips.global.api.aws", partition.global),
            ("aws-us-gov", false, _) => ("iam.us-gov.amazonaws.com", partition.global),
            ("aws-us-gov", true, _) => ("iam.us-gov.api.aws", partition.global),
            ("aws-cn", ..) => return partition.endpoint("iam", "cn-north-1", params),
            _ => return partition.endpoint("iam", partition.global, params),
        };
        Some(Endpoint {
            host: host.to_owned(),
            region: region.to_owned(),
        })
    },
};

/// Key Management Service.
pub(super) const KMS: RemoteService = RemoteService {
    id: "KMS",
    name: "kms",
    protocol: Protocol::Json("TrentService"),
    endpoint: |params| Partition::of(params)?.endpoint("kms", params.region, params),
};

/// Organizations.
pub(super) const ORGANIZATIONS: RemoteService = RemoteService {
    id: "Organizations",
    name: "organizations",
    protocol: Protocol::Json("AWSOrganizationsV20161128"),
    endpoint: |params| {
        let partition = Partition::of(params)?;
        // GovCloud has one host, whose cryptography is validated.
        let params = EndpointParams {
            fips: params.fips && partition.name != "aws-us-gov",
            ..*params
        };
        partition.endpoint("organizations", partition.global, &params)
    },
};

/// Account Management.
pub(super) const ACCOUNT: RemoteService = RemoteService {
    id: "Account",
    name: "account",
    protocol: Protocol::RestJson,
    endpoint: |params| {
        let partition = Partition::of(params)?;
        partition.endpoint("account", partition.global, params)
    },
};

/// CloudWatch Logs.
pub(super) const CLOUDWATCH_LOGS: RemoteService = RemoteService {
    id: "CloudWatch Logs",
    name: "logs",
    protocol: Protocol::Json("Logs_20140328"),
    endpoint: |params| Partition::of(params)?.endpoint("logs", params.region, params),
};

/// Cost Explorer. Other partitions have none.
pub(super) const COST_EXPLORER: RemoteService = RemoteService {
    id: "Cost Explorer",
    name: "ce",
    protocol: Protocol::Json("AWSInsightsIndexService"),
    endpoint: |params| {
        let partition = Partition::of(params)?;
        let is_there = ["aws", "aws-cn"].contains(&partition.name);
        is_there.then(|| partition.endpoint("ce", partition.global, params))?
    },
};

/// Athena. It stands in each Region.
pub(super) const ATHENA: RemoteService = RemoteService {
    id: "Athena",
    name: "athena",
    protocol: Protocol::Json("AmazonAthena"),
    endpoint: |params| Partition::of(params)?.endpoint("athena", params.region, params),
};

/// The hosts of the services of a partition.
struct Partition {
    /// `aws`, `aws-cn`, ...
    name: &'static str,
    /// The Region of services that a partition has once.
    global: &'static str,
    /// The end of the names of its hosts.
    suffix: &'static str,
    /// The end of the names of hosts that have addresses of IPv6, too.
    dual_stack: Option<&'static str>,
}

const fn partition(
    name: &'static str,
    global: &'static str,
    suffix: &'static str,
    dual_stack: Option<&'static str>,
) -> Partition {
    Partition {
        name,
        global,
        suffix,
        dual_stack,
    }
}

const PARTITIONS: &[Partition] = &[
    partition("aws", "us-east-1", "amazonaws.com", Some("api.aws")),
    partition(
        "aws-cn",
        "cn-northwest-1",
        "amazonaws.com.cn",
        Some("api.amazonwebservices.com.cn"),
    ),
    partition(
        "aws-us-gov",
        "us-gov-west-1",
        "amazonaws.com",
        Some("api.aws"),
    ),
    partition("aws-eusc", "eusc-de-east-1", "amazonaws.eu", None),
    partition("aws-iso", "us-iso-east-1", "c2s.ic.gov", None),
    partition("aws-iso-b", "us-isob-east-1", "sc2s.sgov.gov", None),
    partition("aws-iso-e", "eu-isoe-west-1", "cloud.adc-e.uk", None),
    partition("aws-iso-f", "us-isof-south-1", "csp.hci.ic.gov", None),
];

impl Partition {
    fn of(params: &EndpointParams<'_>) -> Option<&'static Self> {
        PARTITIONS.iter().find(|one| one.name == params.partition)
    }

    /// The host of a service in a Region; `None` where the partition has none of that kind.
    fn endpoint(
        &self,
        service: &str,
        region: &str,
        params: &EndpointParams<'_>,
    ) -> Option<Endpoint> {
        let suffix = if params.dual_stack {
            self.dual_stack?
        } else {
            self.suffix
        };
        let fips = if params.fips { "-fips" } else { "" };
        Some(Endpoint {
            host: format!("{service}{fips}.{region}.{suffix}"),
            region: region.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Service, partition, Region, kind of endpoint, and the host with the Region to sign for.
    const CASES: &[(&RemoteService, &str, &str, &str, &str)] = &[
        (&IAM, "aws", "eu-west-1", "", "iam.amazonaws.com us-east-1"),
        (
            &IAM,
            "aws",
            "eu-west-1",
            "fips",
            "iam-fips.amazonaws.com us-east-1",
        ),
        (
            &IAM,
            "aws",
            "eu-west-1",
            "dual",
            "iam.global.api.aws us-east-1",
        ),
        (
            &IAM,
            "aws-cn",
            "cn-northwest-1",
            "",
            "iam.cn-north-1.amazonaws.com.cn cn-north-1",
        ),
        (
            &IAM,
            "aws-us-gov",
            "us-gov-east-1",
            "fips",
            "iam.us-gov.amazonaws.com us-gov-west-1",
        ),
        (
            &IAM,
            "aws-iso",
            "us-iso-west-1",
            "",
            "iam.us-iso-east-1.c2s.ic.gov us-iso-east-1",
        ),
        (
            &KMS,
            "aws",
            "eu-west-1",
            "",
            "kms.eu-west-1.amazonaws.com eu-west-1",
        ),
        (
            &KMS,
            "aws",
            "eu-west-1",
            "dual",
            "kms.eu-west-1.api.aws eu-west-1",
        ),
        (
            &KMS,
            "aws-us-gov",
            "us-gov-east-1",
            "fips",
            "kms-fips.us-gov-east-1.amazonaws.com us-gov-east-1",
        ),
        (
            &ORGANIZATIONS,
            "aws",
            "eu-west-1",
            "fips",
            "organizations-fips.us-east-1.amazonaws.com us-east-1",
        ),
        (
            &ORGANIZATIONS,
            "aws-cn",
            "cn-north-1",
            "",
            "organizations.cn-northwest-1.amazonaws.com.cn cn-northwest-1",
        ),
        (
            &ORGANIZATIONS,
            "aws-us-gov",
            "us-gov-east-1",
            "fips",
            "organizations.us-gov-west-1.amazonaws.com us-gov-west-1",
        ),
        (
            &COST_EXPLORER,
            "aws",
            "eu-west-1",
            "",
            "ce.us-east-1.amazonaws.com us-east-1",
        ),
        (
            &CLOUDWATCH_LOGS,
            "aws",
            "eu-west-1",
            "dual",
            "logs.eu-west-1.api.aws eu-west-1",
        ),
        (
            &CLOUDWATCH_LOGS,
            "aws-cn",
            "cn-north-1",
            "",
            "logs.cn-north-1.amazonaws.com.cn cn-north-1",
        ),
        (&COST_EXPLORER, "aws-us-gov", "us-gov-west-1", "", "none"),
        (
            &ACCOUNT,
            "aws",
            "eu-west-1",
            "dual",
            "account.us-east-1.api.aws us-east-1",
        ),
        (
            &ACCOUNT,
            "aws-eusc",
            "eusc-de-east-1",
            "",
            "account.eusc-de-east-1.amazonaws.eu eusc-de-east-1",
        ),
        (&ACCOUNT, "aws-iso-f", "us-isof-east-1", "dual", "none"),
        (&ACCOUNT, "aws-new", "new-east-1", "", "none"),
    ];

    #[test]
    fn each_partition_has_its_hosts() {
        for (service, partition, region, kind, expect) in CASES {
            let params = EndpointParams {
                partition,
                region,
                fips: *kind == "fips",
                dual_stack: *kind == "dual",
            };
            let found = (service.endpoint)(&params);
            let found = found.map_or_else(
                || "none".to_owned(),
                |found| format!("{} {}", found.host, found.region),
            );
            assert_eq!(found, *expect, "{} in {partition}, {kind}", service.id);
        }
    }
}
