//! Where a live scan puts what it reads about who may read: into the reader of IAM data, and into what `--save` keeps.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::names::SecretArn;
use crate::domain::reach::IamReader;
use crate::ports::{BlobStore, Fault, IamSink};

/// Reads answers about who may read, and saves them.
pub(super) struct ReachIntake<'a> {
    reader: Mutex<IamReader>,
    save: Option<&'a dyn BlobStore>,
    /// The first thing that could not be saved.
    trouble: Mutex<Option<String>>,
}

impl<'a> ReachIntake<'a> {
    pub(super) fn new(save: Option<&'a dyn BlobStore>) -> Self {
        Self {
            reader: Mutex::default(),
            save,
            trouble: Mutex::default(),
        }
    }

    fn reader(&self) -> MutexGuard<'_, IamReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, name: &str, answer: &Value) {
        let Some(store) = self.save else {
            return;
        };
        let written = serde_json::to_vec_pretty(answer).map_err(std::io::Error::from);
        let written = written.and_then(|mut bytes| {
            bytes.push(b'\n');
            store.put(name, &bytes)
        });
        if let Err(error) = written {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.get_or_insert_with(|| format!("{name}: {error}"));
        }
    }

    /// All that was read.
    pub(super) fn finished(self) -> (IamReader, Option<Gap>) {
        let trouble = self.trouble.into_inner();
        let trouble = trouble.unwrap_or_else(PoisonError::into_inner);
        let gap = trouble.map(|why| Gap::new(GapSource::Save, None, "who may read", why));
        let reader = self.reader.into_inner();
        (reader.unwrap_or_else(PoisonError::into_inner), gap)
    }
}

impl IamSink for ReachIntake<'_> {
    fn answer(&self, name: &str, answer: Value) {
        let name = format!("iam/{name}");
        self.keep(&name, &answer);
        let mut reader = self.reader();
        if let Err(why) = reader.answer(&name, answer) {
            reader.gap(name, why);
        }
    }

    fn unknown_policy(&self, secret: &SecretArn, why: &Fault) {
        self.reader()
            .unknown_policy(secret.clone(), &why.to_string());
    }
}
