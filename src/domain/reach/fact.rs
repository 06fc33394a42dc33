//! What is known of the value of a condition key.

use std::borrow::Cow;

/// The fact that is known of a condition key in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact<'a> {
    /// The request does not carry it.
    Absent,
    /// It has this value.
    One(Cow<'a, str>),
    /// It has exactly these values: a key of several values.
    Many(Vec<Cow<'a, str>>),
    /// It has one of these values: the caller chooses.
    Either(Vec<Cow<'a, str>>),
    /// Only the request has it. `always`: every request carries it.
    Depends {
        /// Every request carries it.
        always: bool,
    },
    /// It is not known what it means, or what it rests on is not given: the phrase says which.
    Unclear(String),
}

/// The condition keys of a request.
pub(super) trait Facts {
    /// Returns what is known of a key, given in lower case: names of condition keys are compared without regard to
    /// case.
    fn fact(&self, key: &str) -> Fact<'_>;
}
