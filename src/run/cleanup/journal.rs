//! The journal of a run, wherever it is kept: beside the plan, in another file, or in a bucket.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Error, Result};

use super::{RunClock, open as open_session};
use crate::aws::AwsSession;
use crate::aws::journal_object::JournalObject;
use crate::cli::AwsArgs;
use crate::domain::cleanup::journal::JournalState;
use crate::domain::cleanup::journal_location::JournalLocation;
use crate::files::journal::{self, JournalFile};
use crate::ports::JournalWriter;
use crate::report::text::shell;

/// The location that was asked for, else the one beside the plan.
pub(super) fn of_plan(asked: Option<&JournalLocation>, plan: &Path) -> JournalLocation {
    asked
        .cloned()
        .unwrap_or_else(|| JournalLocation::beside(plan))
}

/// Returns what a journal in a file says; of one in a bucket nothing is known before AWS is asked.
pub(super) fn before_aws(location: &JournalLocation) -> Result<JournalState> {
    match location {
        JournalLocation::File(path) => journal::read(path).map_err(Error::from),
        JournalLocation::Object(_) => Ok(JournalState::default()),
    }
}

/// Returns what a journal says; `None`: there is none.
pub(super) async fn read(
    location: &JournalLocation,
    session: &AwsSession,
) -> Result<Option<JournalState>> {
    match location {
        JournalLocation::File(_) => read_file(location),
        JournalLocation::Object(address) => {
            let (object, state) = JournalObject::open(session, address).await?;
            Ok(object.exists().then_some(state))
        }
    }
}

/// The same for a command that needs AWS for nothing else: a session is opened only for a journal in a bucket.
pub(super) async fn load(
    location: &JournalLocation,
    login: &AwsArgs,
    clock: RunClock,
    stop: &AtomicBool,
) -> Result<Option<JournalState>> {
    match location {
        JournalLocation::File(_) => read_file(location),
        JournalLocation::Object(_) => {
            let session = open_session(login, clock, stop).await?;
            read(location, &session).await
        }
    }
}

fn read_file(location: &JournalLocation) -> Result<Option<JournalState>> {
    match location {
        JournalLocation::File(path) if !path.exists() => Ok(None),
        file => before_aws(file).map(Some),
    }
}

/// Opens a journal for writing, or begins one, and gives where everything stands.
pub(super) async fn open<'a>(
    location: &JournalLocation,
    session: &'a AwsSession,
) -> Result<(Box<dyn JournalWriter + 'a>, JournalState)> {
    match location {
        JournalLocation::File(path) => {
            let (file, state) = JournalFile::open(path)?;
            Ok((Box::new(file), state))
        }
        JournalLocation::Object(address) => {
            let (object, state) = JournalObject::open(session, address).await?;
            Ok((Box::new(object), state))
        }
    }
}

/// The location as a word of a command line.
pub(super) fn word(location: &JournalLocation) -> String {
    shell(&location.to_string())
}
