//! The account and the Region of the example.

/// The account that runs the shop.
pub(super) const PRODUCTION: &str = "111122223333";

/// `us-east-1`, the Region that most of the organization lives in.
pub(super) const VIRGINIA: &str = "us-east-1";
