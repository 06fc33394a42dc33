//! The reasons for which a value has no end.

/// Why a value has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnendedValue {
    /// The bytes end first. With more bytes it may go on.
    Cut,
    /// This is no JSON.
    Broken,
}
