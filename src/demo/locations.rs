//! The accounts and the Regions of the example.

/// The account that runs the shop.
pub(super) const PRODUCTION: &str = "111122223333";

/// `us-east-1`, the Region that most of the organization lives in.
pub(super) const VIRGINIA: &str = "us-east-1";

/// The account where changes are tried out.
pub(super) const STAGING: &str = "444455556666";

/// `eu-west-1`.
pub(super) const IRELAND: &str = "eu-west-1";
/// `eu-central-1`; in staging its trail has a hole.
pub(super) const FRANKFURT: &str = "eu-central-1";
