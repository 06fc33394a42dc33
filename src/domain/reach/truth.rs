//! Three-valued answers: yes, no, or maybe, with what the answer depends on.
//!
//! A question about a policy has a third answer, because a part of the request is not known (where it will come from) or
//! a part of the policy is not understood. The connectives are those of Kleene's logic: a part that cannot change the
//! outcome is not mentioned.

use std::collections::BTreeSet;

/// The conditions that an answer that is neither yes nor no depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubt {
    /// Condition keys whose value only the request has, as the policies write them. Other people's text.
    pub conditions: BTreeSet<String>,
    /// The conditions that are not understood or not given, as phrases. Other people's text may be part of them.
    pub unclear: BTreeSet<String>,
}

impl Doubt {
    fn join(mut self, other: Self) -> Self {
        self.conditions.extend(other.conditions);
        self.unclear.extend(other.unclear);
        self
    }
}

/// A truth value that may be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It does not.
    No,
    /// The answer depends on something.
    Maybe(Box<Doubt>),
    /// It does.
    Yes,
}

impl Truth {
    /// Depends on a condition key of the request.
    pub fn depends_on(key: &str) -> Self {
        Self::Maybe(Box::new(Doubt {
            conditions: BTreeSet::from([key.to_owned()]),
            unclear: BTreeSet::new(),
        }))
    }

    /// Is not known, because something is not understood or not given.
    pub fn unclear(what: impl Into<String>) -> Self {
        Self::Maybe(Box::new(Doubt {
            conditions: BTreeSet::new(),
            unclear: BTreeSet::from([what.into()]),
        }))
    }

    /// Returns whether it certainly does not hold.
    pub fn is_no(&self) -> bool {
        matches!(self, Self::No)
    }

    /// Returns whether it certainly holds.
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes)
    }

    /// Both hold. The other one is asked only if it can change the answer.
    #[must_use]
    pub fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            Self::Maybe(doubt) => match other() {
                Self::No => Self::No,
                Self::Yes => Self::Maybe(doubt),
                Self::Maybe(more) => Self::Maybe(Box::new(doubt.join(*more))),
            },
        }
    }

    /// At least one of two holds. The other one is asked only if it can change the answer.
    #[must_use]
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Yes => Self::Yes,
            Self::No => other(),
            Self::Maybe(doubt) => match other() {
                Self::Yes => Self::Yes,
                Self::No => Self::Maybe(doubt),
                Self::Maybe(more) => Self::Maybe(Box::new(doubt.join(*more))),
            },
        }
    }

    /// The opposite.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            maybe @ Self::Maybe(_) => maybe,
        }
    }

    /// At least one of them holds; no for none.
    pub fn any(of: impl IntoIterator<Item = Self>) -> Self {
        let mut found = Self::No;
        for one in of {
            found = found.or(|| one);
            if found.is_yes() {
                break;
            }
        }
        found
    }

    /// All of them hold; yes for none.
    pub fn all(of: impl IntoIterator<Item = Self>) -> Self {
        let mut found = Self::Yes;
        for one in of {
            found = found.and(|| one);
            if found.is_no() {
                break;
            }
        }
        found
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Truth> {
        vec![
            Truth::No,
            Truth::depends_on("aws:SourceIp"),
            Truth::unclear("a policy"),
            Truth::Yes,
        ]
    }

    #[test]
    fn the_connectives_are_those_of_kleene() {
        for one in samples() {
            assert_eq!(one.clone().and(|| Truth::No), Truth::No);
            assert_eq!(one.clone().and(|| Truth::Yes), one);
            assert_eq!(one.clone().or(|| Truth::Yes), Truth::Yes);
            assert_eq!(one.clone().or(|| Truth::No), one);
            assert_eq!(one.clone().negated().negated(), one);
            for other in samples() {
                assert_eq!(
                    one.clone().and(|| other.clone()),
                    other.clone().and(|| one.clone())
                );
                // De Morgan.
                assert_eq!(
                    one.clone().and(|| other.clone()).negated(),
                    one.clone().negated().or(|| other.clone().negated())
                );
            }
        }
    }

    #[test]
    fn a_doubt_that_cannot_change_the_answer_is_not_mentioned() {
        let open = || Truth::depends_on("aws:SourceIp");
        let both = open().and(|| Truth::unclear("a policy"));
        let Truth::Maybe(doubt) = both else {
            panic!("{both:?}");
        };
        assert_eq!((doubt.conditions.len(), doubt.unclear.len()), (1, 1));
        assert_eq!(Truth::any([open(), Truth::Yes]), Truth::Yes);
        assert_eq!(Truth::all([open(), Truth::No]), Truth::No);
        assert_eq!(Truth::any([]), Truth::No);
        assert_eq!(Truth::all([]), Truth::Yes);
    }
}
