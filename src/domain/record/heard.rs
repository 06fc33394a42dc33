//! One record after another, into the sink.

use super::scan::{self, Stop};
use super::{Contents, Scope, plain};
use crate::domain::event::Sink;

/// Whom the records of a file speak for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker<'s> {
    /// What the path of the file says.
    pub path: Option<Scope<'s>>,
    /// Whether records of other services speak for the path; `None` until the first record tells.
    believed: Option<bool>,
}

impl<'s> Speaker<'s> {
    pub(super) fn new(path: Option<Scope<'s>>) -> Self {
        Self {
            path,
            believed: None,
        }
    }

    /// The scope for which every record of another service in this file speaks, if there is one. `own` is the account
    /// and Region that the record at hand names.
    pub(super) fn shared(&mut self, own: (Option<&str>, Option<&str>)) -> Option<Scope<'s>> {
        let path = self.path?;
        let believed = *self.believed.get_or_insert_with(|| {
            own.0.is_none_or(|account| account == path.account)
                && own.1.is_none_or(|region| region == path.region)
        });
        believed.then_some(path)
    }
}

/// The records of one file.
pub(super) struct Records<'s> {
    speaker: Speaker<'s>,
    /// What was found so far.
    pub contents: Contents,
}

impl<'s> Records<'s> {
    pub(super) fn new(path: Option<Scope<'s>>) -> Self {
        Self {
            speaker: Speaker::new(path),
            contents: Contents::default(),
        }
    }

    /// Takes the record that starts at `at` and gives the place behind it. On `Err` nothing has happened.
    #[inline]
    pub(super) fn take<S: Sink + ?Sized>(
        &mut self,
        bytes: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Stop> {
        let end = scan::value_end(bytes, at)?;
        self.single(&bytes[at..end], sink);
        Ok(end)
    }

    /// Takes a record whose bytes are known.
    pub(super) fn single<S: Sink + ?Sized>(&mut self, record: &[u8], sink: &mut S) {
        plain::record(record, &mut self.speaker, &mut self.contents, sink);
    }
}
