//! What a line of a bill is for: the part of the cost and the Region, by the usage type.
//!
//! AWS spells the usage types of this service differently by Region (`USE1-AWSSecretsManager-Secrets`,
//! `APS1-AWSSecretsManager-Secret`, `USE1-AWSSecretsManagerAPIRequest`, `EU-AWSSecretsManager-APIRequests`), so the
//! end is matched with and without hyphen and plural. KMS has its own: `eu-west-1-KMS-Requests`.

use serde::{Deserialize, Serialize};

use crate::domain::base::names::Region;

/// A part of the cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostPart {
    /// Storage of secrets.
    Storage,
    /// API calls.
    Api,
    /// Requests to KMS.
    Kms,
    /// Charges of the service whose usage type is not known here, and its taxes.
    Other,
    /// Everything that the service charges for, of which the bill does not name the parts.
    Whole,
}

impl CostPart {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Api => "api",
            Self::Kms => "kms",
            Self::Other => "other",
            Self::Whole => "whole service",
        }
    }

    /// The part that a usage type pays for; `None`: something else.
    pub fn of_usage_type(usage_type: &str) -> Option<Self> {
        split(usage_type).map(|(_, part)| part)
    }

    /// The part by the name of the service and the unit, for exports without usage types. The units vary as the usage
    /// types do: `Secrets`, `API Requests`, `API Calls`.
    pub fn of_service(service: &str, unit: &str) -> Option<Self> {
        let ours = is_secrets_manager(service);
        if !ours && !matches!(service, "AWS Key Management Service" | "awskms") {
            return None;
        }
        let unit = unit.to_ascii_lowercase();
        let calls = unit.contains("request") || unit.contains("call");
        match (ours, calls) {
            (true, true) => Some(Self::Api),
            (true, false) => unit.contains("secret").then_some(Self::Storage),
            (false, true) => Some(Self::Kms),
            (false, false) => None,
        }
    }
}

/// `true` for the names that bills give to the service: its product code and its full name.
pub fn is_secrets_manager(service: &str) -> bool {
    matches!(service, "AWS Secrets Manager" | "AWSSecretsManager")
}

/// The Region that a usage type names; `None` if it names none that is known here.
pub fn region_of(usage_type: &str) -> Option<Region> {
    let (prefix, _) = split(usage_type)?;
    let prefix = prefix.strip_suffix('-').unwrap_or(prefix);
    PREFIXES
        .iter()
        .find(|(short, _)| *short == prefix)
        .map_or(prefix, |(_, region)| region)
        .parse()
        .ok()
}

/// Returns what comes before the service's own name, and the part.
fn split(usage_type: &str) -> Option<(&str, CostPart)> {
    const ENDS: [(&str, CostPart); 5] = [
        ("AWSSecretsManager-Secret", CostPart::Storage),
        ("AWSSecretsManagerSecret", CostPart::Storage),
        ("AWSSecretsManager-APIRequest", CostPart::Api),
        ("AWSSecretsManagerAPIRequest", CostPart::Api),
        ("KMS-Request", CostPart::Kms),
    ];
    let singular = usage_type.strip_suffix('s').unwrap_or(usage_type);
    ENDS.iter().find_map(|(end, part)| {
        let rest = singular.strip_suffix(end)?;
        (rest.is_empty() || rest.ends_with('-')).then_some((rest, *part))
    })
}

/// The short names of Regions in usage types, as bills have them ("AWS Region billing codes" in the billing user guide).
/// Some services write the Region's code instead.
const PREFIXES: &[(&str, &str)] = &[
    ("AFS1", "af-south-1"),
    ("APE1", "ap-east-1"),
    ("APE2", "ap-east-2"),
    ("APN1", "ap-northeast-1"),
    ("APN2", "ap-northeast-2"),
    ("APN3", "ap-northeast-3"),
    ("APS1", "ap-southeast-1"),
    ("APS2", "ap-southeast-2"),
    ("APS3", "ap-south-1"),
    ("APS4", "ap-southeast-3"),
    ("APS5", "ap-south-2"),
    ("APS6", "ap-southeast-4"),
    ("APS7", "ap-southeast-5"),
    ("APS8", "ap-southeast-6"),
    ("APS9", "ap-southeast-7"),
    ("CAN1", "ca-central-1"),
    ("CAN2", "ca-west-1"),
    ("CNN1", "cn-north-1"),
    ("CNW1", "cn-northwest-1"),
    ("EU", "eu-west-1"),
    ("EUC1", "eu-central-1"),
    ("EUC2", "eu-central-2"),
    ("EUN1", "eu-north-1"),
    ("EUS1", "eu-south-1"),
    ("EUS2", "eu-south-2"),
    ("EUW1", "eu-west-1"),
    ("EUW2", "eu-west-2"),
    ("EUW3", "eu-west-3"),
    ("ILC1", "il-central-1"),
    ("MEC1", "me-central-1"),
    ("MES1", "me-south-1"),
    ("MXC1", "mx-central-1"),
    ("SAE1", "sa-east-1"),
    ("UGE1", "us-gov-east-1"),
    ("UGW1", "us-gov-west-1"),
    ("USE1", "us-east-1"),
    ("USE2", "us-east-2"),
    ("USW1", "us-west-1"),
    ("USW2", "us-west-2"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_types_are_known_in_every_spelling() {
        for (usage_type, part, region) in [
            (
                "USE1-AWSSecretsManager-Secrets",
                Some(CostPart::Storage),
                Some("us-east-1"),
            ),
            (
                "APS3-AWSSecretsManager-Secrets",
                Some(CostPart::Storage),
                Some("ap-south-1"),
            ),
            (
                "APS1-AWSSecretsManager-Secret",
                Some(CostPart::Storage),
                Some("ap-southeast-1"),
            ),
            (
                "USE1-AWSSecretsManagerAPIRequest",
                Some(CostPart::Api),
                Some("us-east-1"),
            ),
            (
                "EU-AWSSecretsManager-APIRequests",
                Some(CostPart::Api),
                Some("eu-west-1"),
            ),
            (
                "EUC1-AWSSecretsManager-APIRequest",
                Some(CostPart::Api),
                Some("eu-central-1"),
            ),
            (
                "APS7-AWSSecretsManager-Secrets",
                Some(CostPart::Storage),
                Some("ap-southeast-5"),
            ),
            (
                "MXC1-AWSSecretsManagerAPIRequest",
                Some(CostPart::Api),
                Some("mx-central-1"),
            ),
            ("AWSSecretsManager-Secrets", Some(CostPart::Storage), None),
            (
                "eu-west-1-KMS-Requests",
                Some(CostPart::Kms),
                Some("eu-west-1"),
            ),
            ("eu-west-1-KMS-Keys", None, None),
            ("us-east-1-KMS-Requests-Asymmetric", None, None),
            (
                "QQ9-AWSSecretsManager-Secrets",
                Some(CostPart::Storage),
                None,
            ),
            ("NotAWSSecretsManager-Secrets", None, None),
            ("BoxUsage:t3.micro", None, None),
            ("", None, None),
        ] {
            assert_eq!(CostPart::of_usage_type(usage_type), part, "{usage_type}");
            let found = region_of(usage_type);
            assert_eq!(found.as_ref().map(Region::as_str), region, "{usage_type}");
        }
    }

    #[test]
    fn services_are_told_apart_by_their_units() {
        for (service, unit, part) in [
            ("AWS Secrets Manager", "Secrets", Some(CostPart::Storage)),
            (
                "AWS Secrets Manager",
                "Secret-Months",
                Some(CostPart::Storage),
            ),
            ("AWSSecretsManager", "API Calls", Some(CostPart::Api)),
            ("AWS Secrets Manager", "API Requests", Some(CostPart::Api)),
            (
                "AWS Key Management Service",
                "Requests",
                Some(CostPart::Kms),
            ),
            ("AWS Key Management Service", "Keys", None),
            ("Amazon S3", "Requests", None),
            ("AWS Secrets Manager", "", None),
        ] {
            assert_eq!(
                CostPart::of_service(service, unit),
                part,
                "{service} {unit}"
            );
        }
    }

    #[test]
    fn every_prefix_names_a_region() {
        for (short, region) in PREFIXES {
            assert!(region.parse::<Region>().is_ok(), "{short}");
        }
    }
}
