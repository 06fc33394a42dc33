//! Files of a trail that could not be read, and the time of which they take the proof.

use crate::base::names::Scope;

/// Time of which records could not be read: a hole in what the trail proves, whatever stands around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// The account and the Region; `None`: any may be meant.
    pub scope: Option<(Box<str>, Box<str>)>,
    /// The beginning, in seconds since 1970.
    pub from: i64,
    /// The end, exclusive.
    pub to: i64,
}

impl Unread {
    /// All time, of an account and Region or of any.
    pub fn always(scope: Option<(Box<str>, Box<str>)>) -> Self {
        Self {
            scope,
            from: i64::MIN,
            to: i64::MAX,
        }
    }

    /// All time of an account and Region.
    pub fn of_scope(scope: &Scope) -> Self {
        Self::always(Some((
            scope.account.as_str().into(),
            scope.region.as_str().into(),
        )))
    }
}
