//! The words of the script of the example organization: single calls, series of calls, and the moments and secrets that
//! they are about. What is called and when is in `traffic`, `hygiene` and `rotation`.

use super::call::{Act, Call, CallTarget, Failure, VersionRequest};
use super::callers::DemoCaller;
use super::everyday::SECRETS;
use super::random::SplitMix;
use super::{DAYS, NOW};
use crate::demo::locations::{PRODUCTION, VIRGINIA};
use crate::domain::base::span::DAY_S;

/// The times of a series of calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallPattern {
    /// Days before the moment of the demo at which it begins.
    pub(super) from: i64,
    /// Days before the moment of the demo at which it ends.
    pub(super) until: i64,
    /// Seconds from call to call of one client.
    pub(super) every: i64,
    pub(super) clients: u32,
}

/// From the beginning to the end of the trail, one client.
pub(super) const fn always(every: i64) -> CallPattern {
    since(DAYS, every)
}

/// From `from` days ago to the end, one client.
pub(super) const fn since(from: i64, every: i64) -> CallPattern {
    CallPattern {
        from,
        until: 0,
        every,
        clients: 1,
    }
}

/// The calls so far, in no order.
pub(super) struct Script {
    pub(super) calls: Vec<Call>,
}

impl Script {
    /// One call of the caller's first client, logged in the secret's Region and the caller's account.
    pub(super) fn once(
        &mut self,
        at: i64,
        region: &'static str,
        caller: &'static DemoCaller,
        act: Act,
    ) {
        self.calls.push(Call {
            at,
            account: caller.account,
            region,
            caller,
            client: 0,
            act,
            failure: None,
            shared: None,
        });
    }

    /// The same acts again and again, a second apart, by each client from its own starting point.
    pub(super) fn series(
        &mut self,
        region: &'static str,
        caller: &'static DemoCaller,
        pace: CallPattern,
        acts: &[Act],
        failure: Option<Failure>,
    ) {
        let mut random = SplitMix::named(&format!("series {}", self.calls.len()));
        let slack = u32::try_from(pace.every / 12).unwrap_or(0);
        let start = u32::try_from(pace.every).unwrap_or(u32::MAX);
        for client in 0..pace.clients {
            let mut due = NOW - pace.from * DAY_S + i64::from(random.below(start));
            while due < NOW - pace.until * DAY_S {
                let first = due + i64::from(random.below(slack));
                for (at, &act) in (first..).zip(acts) {
                    self.calls.push(Call {
                        at,
                        account: caller.account,
                        region,
                        caller,
                        client,
                        act,
                        failure,
                        shared: None,
                    });
                }
                due += pace.every;
            }
        }
    }

    /// Has the calls from this index on logged in the account of the secret, too.
    pub(super) fn log_in_both(&mut self, first: usize, account: &'static str) {
        let mut copies = Vec::new();
        for (number, call) in (first as u64..).zip(self.calls.iter_mut().skip(first)) {
            call.shared = Some(number);
            copies.push(Call { account, ..*call });
        }
        self.calls.extend(copies);
    }

    /// Successful reads by the secret's ARN.
    pub(super) fn reads(&mut self, secret: usize, caller: &'static DemoCaller, pace: CallPattern) {
        let act = Act::Get(CallTarget::Arn(secret), VersionRequest::Unsaid);
        self.series(SECRETS[secret].region, caller, pace, &[act], None);
    }

    /// Successful reads by the secret's name.
    pub(super) fn reads_by_name(
        &mut self,
        secret: usize,
        caller: &'static DemoCaller,
        pace: CallPattern,
    ) {
        let act = Act::Get(CallTarget::Name(secret), VersionRequest::Unsaid);
        self.series(SECRETS[secret].region, caller, pace, &[act], None);
    }
}

/// The index in the table of a secret of production in us-east-1.
pub(super) fn prod(name: &str) -> usize {
    find(PRODUCTION, VIRGINIA, name)
}

pub(super) fn find(account: &str, region: &str, name: &str) -> usize {
    SECRETS
        .iter()
        .position(|cast| cast.account == account && cast.region == region && cast.name == name)
        .expect("every secret that the script names is in the table")
}

/// Midnight (UTC) this many days before the moment of the demo, plus seconds.
pub(super) const fn ago(days: i64, seconds: i64) -> i64 {
    NOW - days * DAY_S + seconds
}
