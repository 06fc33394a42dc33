//! What a row of the example organization says of a secret, and the words to write one with.

use serde::Deserialize;

use crate::demo::locations::VIRGINIA;

/// Text that lives as long as the program.
pub(super) type Lasting = &'static str;

/// One secret of the organization.
///
/// Ages are whole days before the moment of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// The secret's name.
    pub name: &'static str,
    /// The account that owns it, 12 digits.
    pub account: &'static str,
    /// The Region it is listed in.
    pub region: &'static str,
    /// The feature that the row shows, as one sentence without a full stop.
    pub shows: &'static str,
    /// The verdict to expect: `delete`, `review` or `keep`.
    pub verdict: &'static str,
    /// The code that must be among the reasons.
    pub reason: &'static str,
    pub(super) description: Option<&'static str>,
    pub(super) created: i64,
    pub(super) accessed: Option<i64>,
    pub(super) owner: Option<(&'static str, &'static str)>,
    pub(super) tags: &'static [(String, String)],
    /// Days ago that the tag `keep-until` names; in the future, if there are fewer than none.
    pub(super) kept_until: Option<i64>,
    pub(super) key: DemoKey,
    pub(super) rotation: Rotation,
    pub(super) deleted: Option<i64>,
    pub(super) service: Option<&'static str>,
    pub(super) primary: Option<&'static str>,
    /// `true` if its texts attack whoever reads them, so that only tests see it.
    pub(super) hostile: bool,
}

/// The key that encrypts a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DemoKey {
    /// `aws/secretsmanager`, which the inventory leaves out.
    Aws,
    /// A key of the customer's, in the account and Region of the secret.
    Customer,
}

/// The rotation of a secret. `last` is the age in days of the last success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Rotation {
    /// Never set up.
    Unset,
    /// By a Lambda function, each `every` days.
    Function {
        #[serde(deserialize_with = "lasting")]
        function: Lasting,
        every: i64,
        last: i64,
    },
    /// By a Lambda function that has failed at each attempt since `last`.
    Failing {
        #[serde(deserialize_with = "lasting")]
        function: Lasting,
        every: i64,
        last: i64,
    },
    /// By a Lambda function whose latest rotation, `begun` days ago, came to no end.
    Stuck {
        #[serde(deserialize_with = "lasting")]
        function: Lasting,
        every: i64,
        last: i64,
        begun: i64,
    },
    /// By the service that owns the secret.
    Managed { every: i64, last: i64 },
    /// Set up once and switched off since.
    Off { last: i64 },
}

pub(super) fn secret(account: &'static str, region: &'static str, name: &'static str) -> Cast {
    Cast {
        name,
        account,
        region,
        shows: "",
        verdict: "",
        reason: "",
        description: Some("Managed by Terraform"),
        created: age_of(name),
        accessed: None,
        owner: None,
        tags: &[],
        kept_until: None,
        key: DemoKey::Aws,
        rotation: Rotation::Unset,
        deleted: None,
        service: None,
        primary: None,
        hostile: false,
    }
}

/// An age of 400 to 1,400 days that follows from the name, for secrets whose age shows nothing.
fn age_of(name: &str) -> i64 {
    let fold = |sum: u16, byte| sum.wrapping_mul(31).wrapping_add(u16::from(byte));
    400 + i64::from(name.bytes().fold(0, fold) % 1_000)
}

/// Reads text of the table, which is read once and kept as long as the program runs.
fn lasting<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Lasting, D::Error> {
    Ok(String::deserialize(text)?.leak())
}

impl Cast {
    pub(super) fn delete(mut self, reason: &'static str, shows: &'static str) -> Self {
        self.verdict = "delete";
        self.reason = reason;
        self.shows = shows;
        self
    }

    pub(super) fn review(mut self, reason: &'static str, shows: &'static str) -> Self {
        self.verdict = "review";
        self.reason = reason;
        self.shows = shows;
        self
    }

    pub(super) fn keep(mut self, reason: &'static str, shows: &'static str) -> Self {
        self.verdict = "keep";
        self.reason = reason;
        self.shows = shows;
        self
    }

    pub(super) fn owner(mut self, owner: &'static str) -> Self {
        self.owner = Some(("owner", owner));
        self
    }

    pub(super) fn about(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// Created this many days ago.
    pub(super) fn created(mut self, days: i64) -> Self {
        self.created = days;
        self
    }

    /// Last read this many days ago, before the trail begins. Reads in the trail move the date by themselves.
    pub(super) fn accessed(mut self, days: i64) -> Self {
        self.accessed = Some(days);
        self
    }

    pub(super) fn customer_key(mut self) -> Self {
        self.key = DemoKey::Customer;
        self
    }

    pub(super) fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Replicated, with its primary in us-east-1: the primary and its replicas both say so.
    pub(super) fn replicated(mut self) -> Self {
        self.primary = Some(VIRGINIA);
        self
    }
}
