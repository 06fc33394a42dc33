//! The journal of a run, wherever it is kept: beside the plan, in another file, or in a bucket.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Error, Result};

use super::{RunClock, open as open_session};
use crate::aws::AwsSession;
use crate::aws::journal_object::JournalObject;
use crate::cli::AwsArgs;
use crate::domain::cleanup::journal::JournalState;
use crate::domain::cleanup::journal_place::JournalPlace;
use crate::files::journal::{self, JournalFile};
use crate::ports::JournalWriter;
use crate::report::text::shell;

/// The place that was asked for, else the one beside the plan.
pub(super) fn of_plan(asked: Option<&JournalPlace>, plan: &Path) -> JournalPlace {
    asked.cloned().unwrap_or_else(|| JournalPlace::beside(plan))
}

/// Returns what a journal in a file says; of one in a bucket nothing is known before AWS is asked.
pub(super) fn before_aws(place: &JournalPlace) -> Result<JournalState> {
    match place {
        JournalPlace::File(path) => journal::read(path).map_err(Error::from),
        JournalPlace::Object(_) => Ok(JournalState::default()),
    }
}

/// Returns what a journal says; `None`: there is none.
pub(super) async fn read(
    place: &JournalPlace,
    session: &AwsSession,
) -> Result<Option<JournalState>> {
    match place {
        JournalPlace::File(_) => read_file(place),
        JournalPlace::Object(address) => {
            let (object, state) = JournalObject::open(session, address).await?;
            Ok(object.exists().then_some(state))
        }
    }
}

/// The same for a command that needs AWS for nothing else: a session is opened only for a journal in a bucket.
pub(super) async fn load(
    place: &JournalPlace,
    login: &AwsArgs,
    clock: RunClock,
    stop: &AtomicBool,
) -> Result<Option<JournalState>> {
    match place {
        JournalPlace::File(_) => read_file(place),
        JournalPlace::Object(_) => {
            let session = open_session(login, clock, stop).await?;
            read(place, &session).await
        }
    }
}

fn read_file(place: &JournalPlace) -> Result<Option<JournalState>> {
    match place {
        JournalPlace::File(path) if !path.exists() => Ok(None),
        file => before_aws(file).map(Some),
    }
}

/// Opens a journal for writing, or begins one, and gives where everything stands.
pub(super) async fn open<'a>(
    place: &JournalPlace,
    session: &'a AwsSession,
) -> Result<(Box<dyn JournalWriter + 'a>, JournalState)> {
    match place {
        JournalPlace::File(path) => {
            let (file, state) = JournalFile::open(path)?;
            Ok((Box::new(file), state))
        }
        JournalPlace::Object(address) => {
            let (object, state) = JournalObject::open(session, address).await?;
            Ok((Box::new(object), state))
        }
    }
}

/// The place as a word of a command line.
pub(super) fn word(place: &JournalPlace) -> String {
    shell(&place.to_string())
}
