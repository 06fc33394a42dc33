//! The way out of an error: what a user can do about it, which gets a line of its own behind what went wrong.
//!
//! A command that knows the way out says it with [`helpful`] or [`Misuse`]; the errors of other parts of the program know
//! theirs. An error without a way out says only what went wrong.

use std::error::Error;

use thiserror::Error as ThisError;

use crate::aws::bucket::copy::CopyError;
use crate::aws::journal_object::JournalObjectError;
use crate::files::bill::BillError;
use crate::files::journal::OpenError;
use crate::files::store::StoreError;
use crate::report::json::ReadError;

/// Something that went wrong, and the way out.
#[derive(Debug, ThisError)]
#[error("{what}")]
struct HelpfulError {
    what: String,
    help: String,
}

/// An error with a way out.
pub(super) fn helpful(what: impl Into<String>, help: impl Into<String>) -> anyhow::Error {
    HelpfulError {
        what: what.into(),
        help: help.into(),
    }
    .into()
}

/// A command line that is wrong, as shows only when it is carried out.
#[derive(Debug, ThisError)]
#[error("{what}")]
pub(crate) struct Misuse {
    what: String,
    help: String,
}

impl Misuse {
    /// Returns what is wrong, and what to type instead.
    pub(super) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            help: help.into(),
        }
    }
}

/// Returns what a user can do about an error; `None`: nobody knows.
pub(crate) fn way_out(error: &anyhow::Error) -> Option<String> {
    // Not of the chain alone: a context that is an error itself is found by its type.
    if let Some(HelpfulError { help, .. }) = error.downcast_ref() {
        return Some(help.clone());
    }
    error.chain().find_map(own_way_out)
}

/// Returns what an error itself says that a user can do.
fn own_way_out(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(HelpfulError { help, .. }) = error.downcast_ref() {
        return Some(help.clone());
    }
    if let Some(Misuse { help, .. }) = error.downcast_ref() {
        return Some(help.clone());
    }
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return error.help();
    }
    let of_file = error.downcast_ref().and_then(OpenError::help);
    let of_bill = || error.downcast_ref().and_then(BillError::help);
    let of_copy = || error.downcast_ref().and_then(CopyError::help);
    let of_object = || error.downcast_ref().map(JournalObjectError::help);
    let of_report = || error.downcast_ref().map(ReadError::help);
    of_file
        .or_else(of_bill)
        .or_else(of_copy)
        .or_else(of_object)
        .or_else(of_report)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn the_way_out_is_found_wherever_it_stands_in_the_chain() {
        let taken = || StoreError::Taken {
            folder: PathBuf::from("reports/x"),
        };
        for (error, help) in [
            (helpful("no", "do this"), Some("do this")),
            (
                Err::<(), _>(helpful("no", "do this"))
                    .context("cannot work")
                    .unwrap_err(),
                Some("do this"),
            ),
            (Misuse::new("no", "type that").into(), Some("type that")),
            (
                taken().into(),
                Some(
                    "name another folder with `--out DIR`, or replace that scan with `--overwrite`",
                ),
            ),
            (
                anyhow::Error::from(taken()).context("cannot write"),
                Some(
                    "name another folder with `--out DIR`, or replace that scan with `--overwrite`",
                ),
            ),
            (
                OpenError::Locked(PathBuf::from("x")).into(),
                Some("wait until that run has ended"),
            ),
            (anyhow!("disk full"), None),
        ] {
            assert_eq!(way_out(&error).as_deref(), help, "{error:?}");
        }
    }

    #[test]
    fn what_went_wrong_does_not_say_the_way_out_as_well() {
        let error = StoreError::Taken {
            folder: PathBuf::from("reports/x"),
        };
        assert_eq!(error.to_string(), "`reports/x` holds another scan");
    }
}
