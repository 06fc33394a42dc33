//! Who reads: roles and users, what kind of reader they are, and what to advise them.

use serde::{Deserialize, Serialize};

/// What a reader is. The first five are consumers: their reads are use.
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
    /// A rotation function.
    Rotation,
    /// Infrastructure as code.
    Iac,
    /// An audit tool.
    Scanner,
    /// This tool.
    Ourselves,
}
