//! The reasons for which a value holds no record.

/// Why there is no record in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRecord {
    /// It should be one, and is none with a readable time.
    Unreadable,
    /// It is something else that belongs there, such as a control message of CloudWatch Logs.
    Other,
    /// It holds what a record says in a form that is not read; the sentence follows the name of the file.
    Named(&'static str),
}
