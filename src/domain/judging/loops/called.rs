//! What is called in a loop, and how often it need be called.
//!
//! A value or a description is needed as often as a cache runs out. A write is needed when the value changes: AWS advises
//! against writing a secret more often than once in ten minutes for long ("AWS Secrets Manager quotas"). A list of all
//! secrets takes a call for each hundred of them, and is needed as often as a cache runs out.

use crate::domain::trail::calls::CallOutcome;
use crate::domain::usage::activity::{ActivitySlice, ReaderUse};

/// The target of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Called<'a> {
    /// The value is read.
    Read,
    /// The description is read.
    Describe,
    /// The value of a secret that does not exist is asked for.
    Missing,
    /// The secret is changed, by this API.
    Write(&'a str),
    /// Secrets are listed: the account and Region hold so many pages of them.
    List(u64),
    /// Something else is asked, by this API.
    Other(&'a str),
}

/// The starts of the names of APIs that change nothing.
const ASKING: [&str; 5] = ["Get", "BatchGet", "Describe", "List", "Validate"];

/// Writes an hour that AWS advises not to exceed.
const WRITES_AN_HOUR: u64 = 6;

/// The API that lists secrets.
const LIST_SECRETS: &str = "ListSecrets";

impl<'a> Called<'a> {
    /// Every kind of call that a reader makes of a secret, besides those for the value: by their APIs. `pages`: how many
    /// calls list all secrets.
    pub fn others(what: &ReaderUse<'a>, pages: u64) -> Vec<Self> {
        let slices = what.slices.iter();
        let mut apis: Vec<&str> = slices.map(|slice| &*slice.access.subject.api).collect();
        apis.sort_unstable();
        apis.dedup();
        apis.retain(|api| *api != "GetSecretValue");
        apis.into_iter().map(|api| Self::of(api, pages)).collect()
    }

    fn of(api: &'a str, pages: u64) -> Self {
        match api {
            "DescribeSecret" => Self::Describe,
            LIST_SECRETS => Self::List(pages),
            _ if ASKING.iter().any(|start| api.starts_with(start)) => Self::Other(api),
            _ => Self::Write(api),
        }
    }

    /// The name of the API.
    pub fn api(self) -> &'a str {
        match self {
            Self::Read | Self::Missing => "GetSecretValue",
            Self::Describe => "DescribeSecret",
            Self::List(_) => LIST_SECRETS,
            Self::Write(api) | Self::Other(api) => api,
        }
    }

    /// Returns whether a call is one of these. Of reads and descriptions those that were answered: the refused ones are
    /// a finding of their own.
    pub(super) fn fits(self, slice: &ActivitySlice<'_>) -> bool {
        match self {
            Self::Read => slice.is_read(),
            Self::Describe => slice.is_describe(),
            Self::Missing => slice.is_get() && slice.access.outcome == CallOutcome::NotFound,
            Self::Write(_) | Self::List(_) | Self::Other(_) => {
                &*slice.access.subject.api == self.api()
            }
        }
    }

    /// Calls an hour that are needed where the cache lasts so many seconds.
    pub(super) fn needed(self, cache_s: u32) -> u64 {
        let refreshes = u64::from((3_600 / cache_s.max(1)).max(1));
        match self {
            Self::Write(_) => WRITES_AN_HOUR,
            Self::List(pages) => refreshes.saturating_mul(pages.max(1)),
            _ => refreshes,
        }
    }

    /// For calls that all clients of a reader make for one purpose: more than so many of them in each of several hours are
    /// a loop. `None`: each client makes them for itself.
    pub(super) fn hot_together(self) -> Option<u64> {
        match self {
            Self::Write(_) => Some(WRITES_AN_HOUR),
            Self::List(pages) => Some(super::HOT_CALLS_AN_HOUR.saturating_mul(pages.max(1))),
            _ => None,
        }
    }
}
