//! What a row of the example organization says of a secret, and the words to write one with.

use crate::demo::locations::{PRODUCTION, VIRGINIA};

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
    pub(super) tags: &'static [(&'static str, &'static str)],
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rotation {
    /// Never set up.
    Unset,
    /// By a Lambda function, each `every` days.
    Function {
        function: &'static str,
        every: i64,
        last: i64,
    },
    /// By a Lambda function that has failed at each attempt since `last`.
    Failing {
        function: &'static str,
        every: i64,
        last: i64,
    },
    /// By a Lambda function whose latest rotation, `begun` days ago, came to no end.
    Stuck {
        function: &'static str,
        every: i64,
        last: i64,
        begun: i64,
    },
    /// By the service that owns the secret.
    Managed { every: i64, last: i64 },
    /// Set up once and switched off since.
    Off { last: i64 },
}

pub(super) const fn secret(
    account: &'static str,
    region: &'static str,
    name: &'static str,
) -> Cast {
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
const fn age_of(name: &str) -> i64 {
    let bytes = name.as_bytes();
    let mut index = 0;
    let mut sum = 0_u16;
    while index < bytes.len() {
        sum = sum.wrapping_mul(31).wrapping_add(bytes[index] as u16);
        index += 1;
    }
    400 + (sum % 1_000) as i64
}

/// A secret of production in us-east-1.
pub(super) const fn prod(name: &'static str) -> Cast {
    secret(PRODUCTION, VIRGINIA, name)
}

impl Cast {
    pub(super) const fn delete(mut self, reason: &'static str, shows: &'static str) -> Self {
        self.verdict = "delete";
        self.reason = reason;
        self.shows = shows;
        self
    }

    pub(super) const fn review(mut self, reason: &'static str, shows: &'static str) -> Self {
        self.verdict = "review";
        self.reason = reason;
        self.shows = shows;
        self
    }

    pub(super) const fn keep(mut self, reason: &'static str, shows: &'static str) -> Self {
        self.verdict = "keep";
        self.reason = reason;
        self.shows = shows;
        self
    }

    pub(super) const fn owner(mut self, owner: &'static str) -> Self {
        self.owner = Some(("owner", owner));
        self
    }

    pub(super) const fn team(mut self, team: &'static str) -> Self {
        self.owner = Some(("team", team));
        self
    }

    pub(super) const fn about(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    pub(super) const fn undescribed(mut self) -> Self {
        self.description = None;
        self
    }

    /// Created this many days ago.
    pub(super) const fn created(mut self, days: i64) -> Self {
        self.created = days;
        self
    }

    /// Last read this many days ago, before the trail begins. Reads in the trail move the date by themselves.
    pub(super) const fn accessed(mut self, days: i64) -> Self {
        self.accessed = Some(days);
        self
    }

    pub(super) const fn tags(mut self, tags: &'static [(&'static str, &'static str)]) -> Self {
        self.tags = tags;
        self
    }

    /// The tag `keep-until` names the day that lies so many days ago.
    pub(super) const fn kept_until(mut self, days: i64) -> Self {
        self.kept_until = Some(days);
        self
    }

    pub(super) const fn hostile(mut self) -> Self {
        self.hostile = true;
        self
    }

    pub(super) const fn customer_key(mut self) -> Self {
        self.key = DemoKey::Customer;
        self
    }

    pub(super) const fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    pub(super) const fn rotated(self, function: &'static str, every: i64, last: i64) -> Self {
        self.rotation(Rotation::Function {
            function,
            every,
            last,
        })
    }

    /// `DeleteSecret` was called this many days ago.
    pub(super) const fn deleted(mut self, days: i64) -> Self {
        self.deleted = Some(days);
        self
    }

    pub(super) const fn service(mut self, service: &'static str) -> Self {
        self.service = Some(service);
        self
    }

    /// Replicated, with its primary in us-east-1: the primary and its replicas both say so.
    pub(super) const fn replicated(mut self) -> Self {
        self.primary = Some(VIRGINIA);
        self
    }
}
