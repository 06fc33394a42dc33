//! The kinds of readers, which the policy file names as well as the table of fingerprints.

use serde::{Deserialize, Serialize};

/// The kinds of readers. The first six are consumers by default: their reads are use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReaderKind {
    /// A program of the customer.
    Application,
    /// A deploy that needs the value: a data source of Terraform, a dynamic reference of CloudFormation, a lookup of
    /// Ansible or Pulumi. Without the secret the next deploy fails.
    Deploy,
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
            Self::Deploy => "deploy",
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

    /// Returns whether a successful `DescribeSecret` by this kind shows use: it refreshes a cached value.
    pub fn describes_to_use(self) -> bool {
        matches!(self, Self::Cache | Self::Sync)
    }

    /// Returns whether this kind looks after secrets and has no need of their values.
    pub fn is_maintenance(self) -> bool {
        matches!(
            self,
            Self::Rotation | Self::Iac | Self::Scanner | Self::Ourselves
        )
    }
}

/// The name of the role or user in an ARN: what follows the last slash.
pub fn name_of(identity: &str) -> &str {
    identity.rsplit_once('/').map_or(identity, |(_, name)| name)
}
