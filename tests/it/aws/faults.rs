//! Things that go wrong on purpose, each addressed to the calls it shall hit.
//!
//! A fault names what happens; the methods narrow where (`on`, `account`, `region`) and when
//! (`nth`, `first`, `during`). Unnarrowed it hits every call. Counting is per fault and starts at 1.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::call::Call;
use super::refusal::Refusal;
use super::world::World;

/// What a hook does with the world; the call is the one that has just arrived.
pub type Hook = Arc<Mutex<dyn FnMut(&mut World, &Call) + Send>>;

/// One thing that goes wrong.
#[derive(Clone)]
pub struct Fault {
    service: Option<&'static str>,
    op: Option<&'static str>,
    account: Option<String>,
    region: Option<String>,
    when: When,
    /// The event.
    pub(super) what: What,
    seen: usize,
    since: Option<Instant>,
}

#[derive(Clone)]
enum When {
    Always,
    Nth(usize),
    First(usize),
    During(Duration),
}

/// What happens to a call that is hit.
#[derive(Clone)]
pub(super) enum What {
    /// Refused instead of carried out.
    Refuse(Refusal),
    /// Refused as IAM does; the message is made from the call.
    Deny,
    /// Reset; nothing was carried out.
    ResetBefore,
    /// Carried out, then reset.
    ResetAfter,
    /// Not carried out; this is the answer.
    Say(Value),
    /// Carried out, the answer drips.
    Slow(Duration),
    /// Carried out, half of the answer arrives.
    Cut,
    /// A listing answers with at most this many items, and a token if there are more.
    Page(usize),
    /// The closure runs before the call is carried out.
    Before(Hook),
    /// The closure runs after the call was carried out and before its answer is sent.
    After(Hook),
}

impl Fault {
    fn new(what: What) -> Self {
        Self {
            service: None,
            op: None,
            account: None,
            region: None,
            when: When::Always,
            what,
            seen: 0,
            since: None,
        }
    }

    /// Any refusal: HTTP status, error code, message.
    pub fn refuse(status: u16, code: &str, message: &str) -> Self {
        Self::new(What::Refuse(Refusal::new(status, code, message)))
    }

    /// `ThrottlingException` with HTTP 400, which is what AWS sends instead of a 429.
    pub fn throttle() -> Self {
        Self::refuse(400, "ThrottlingException", "Rate exceeded")
    }

    /// A failure of the service itself, 500 or 503.
    pub fn broken(status: u16) -> Self {
        Self::refuse(
            status,
            "InternalFailure",
            "We encountered an internal error. Please try again.",
        )
    }

    /// Session credentials that are too old.
    pub fn expired() -> Self {
        Self::refuse(
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )
    }

    /// Returns what a Region answers that the account has not opted into.
    pub fn not_opted_in() -> Self {
        Self::refuse(
            400,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    }

    /// `AccessDeniedException` in IAM's words.
    pub fn denied() -> Self {
        Self::new(What::Deny)
    }

    /// The connection is reset and the call was not carried out.
    pub fn reset_before() -> Self {
        Self::new(What::ResetBefore)
    }

    /// The call was carried out, and the connection is reset instead of an answer.
    pub fn reset_after() -> Self {
        Self::new(What::ResetAfter)
    }

    /// The call is answered with this, whatever it asked for: what AWS should not say, but a client must stand.
    pub fn answer(value: Value) -> Self {
        Self::new(What::Say(value))
    }

    /// The body comes in ten pieces with this pause before each.
    pub fn slow(pause: Duration) -> Self {
        Self::new(What::Slow(pause))
    }

    /// Half of the body comes, then the connection closes.
    pub fn cut() -> Self {
        Self::new(What::Cut)
    }

    /// A listing answers with no item and a token, which AWS may do at any time.
    pub fn empty_page() -> Self {
        Self::short_page(0)
    }

    /// A listing answers with at most `items` items, whatever was asked for.
    pub fn short_page(items: usize) -> Self {
        Self::new(What::Page(items))
    }

    /// Runs a closure when the call arrives, then carries it out. The world is locked meanwhile.
    pub fn before(hook: impl FnMut(&mut World, &Call) + Send + 'static) -> Self {
        Self::new(What::Before(Arc::new(Mutex::new(hook))))
    }

    /// Runs a closure after the call was carried out and before the answer. The world is locked meanwhile.
    pub fn after(hook: impl FnMut(&mut World, &Call) + Send + 'static) -> Self {
        Self::new(What::After(Arc::new(Mutex::new(hook))))
    }

    /// Only calls of this service and operation, such as `("secretsmanager", "ListSecrets")`.
    pub fn on(mut self, service: &'static str, op: &'static str) -> Self {
        self.op = Some(op);
        self.service(service)
    }

    /// Only calls of this service.
    pub fn service(mut self, service: &'static str) -> Self {
        self.service = Some(service);
        self
    }

    /// Only calls with this account's credentials.
    pub fn account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    /// Only calls signed for this Region.
    pub fn region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Only the `n`-th matching call; the first is 1.
    pub fn nth(mut self, n: usize) -> Self {
        self.when = When::Nth(n);
        self
    }

    /// Only the first `n` matching calls.
    pub fn first(mut self, n: usize) -> Self {
        self.when = When::First(n);
        self
    }

    /// From the first matching call on for this long, by the real clock.
    pub fn during(mut self, time: Duration) -> Self {
        self.when = When::During(time);
        self
    }

    /// Returns whether the call is hit; counts it when it matches.
    pub(super) fn hits(&mut self, call: &Call) -> bool {
        let other = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_some_and(|wanted| wanted != found)
        };
        if self.service.is_some_and(|service| service != call.service)
            || self.op.is_some_and(|op| op != call.op)
            || other(&self.account, &call.account)
            || other(&self.region, &call.region)
        {
            return false;
        }
        self.seen += 1;
        let since = *self.since.get_or_insert_with(Instant::now);
        match self.when {
            When::Always => true,
            When::Nth(n) => self.seen == n,
            When::First(n) => self.seen <= n,
            When::During(time) => since.elapsed() < time,
        }
    }
}
