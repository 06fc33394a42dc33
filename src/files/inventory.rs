//! The inventory from files: what `aws secretsmanager list-secrets`, `describe-secret` or `list-secret-version-ids`
//! printed.
//!
//! Accepted are one document, several in a row, a bare array and single objects, gzipped or not, in a file or in a
//! folder of files. The same secret may come many times; its descriptions are joined. What cannot be read becomes a
//! [`Gap`] that names the file and the entry, and the rest is read: one bad entry never hides the others.
//!
//! A secret whose `LastAccessedDate` is there but cannot be read is left out and named: without the date it would look
//! never read. Where an export was trimmed, as `--query` does, the absence of the date says nothing, and that is named.
//! Fields that say that others depend on a secret are kept, also those that are not known here.

mod entry;
mod form;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::base::utf_16::{UTF_16, is_utf_16};
use crate::domain::inventory::dependents::dependents;
use crate::domain::inventory::secret::{CurrentVersion, Secret};

use entry::{ListedSecret, VersionList};
use form::{AS_JSON, contents, not_json};

/// What was found.
#[derive(Debug, Default)]
pub struct InventoryFiles {
    /// One entry an ARN, sorted by it.
    pub secrets: Vec<Secret>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// How many files were read.
    pub files: usize,
    /// Folders without a file, among those that were named.
    pub empty: Vec<PathBuf>,
}

/// Reads files and folders.
pub fn read(paths: &[PathBuf]) -> InventoryFiles {
    let mut reading = InventoryReader::default();
    let mut empty = Vec::new();
    for path in paths {
        let before = (reading.met, reading.gaps.len());
        reading.path(path);
        if before == (reading.met, reading.gaps.len()) {
            empty.push(path.clone());
        }
    }
    reading.versioned();
    reading.truncated();
    reading.gaps.sort();
    reading.gaps.dedup();
    InventoryFiles {
        secrets: reading.secrets.into_values().collect(),
        gaps: reading.gaps,
        files: reading.seen.len(),
        empty,
    }
}

#[derive(Default)]
struct InventoryReader {
    secrets: BTreeMap<SecretArn, Secret>,
    /// Versions of secrets, with the file that they were in.
    versions: BTreeMap<SecretArn, (String, Option<CurrentVersion>)>,
    gaps: Vec<Gap>,
    /// How many files were met, the same one again included.
    met: usize,
    seen: BTreeSet<PathBuf>,
    /// Of each scope: whether a page was seen that is not followed by another one.
    last_page: BTreeMap<Scope, bool>,
    /// The scopes of the latest page of the file at hand, if another page follows it.
    followed: BTreeSet<Scope>,
}

impl InventoryReader {
    fn gap(&mut self, what: String, why: impl fmt::Display) {
        self.gaps
            .push(Gap::new(GapSource::Inventory, None, what, why.to_string()));
    }

    fn path(&mut self, path: &Path) {
        if !path.is_dir() {
            self.file(path);
            return;
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.gap(path.display().to_string(), error),
        };
        let mut inside: Vec<PathBuf> = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => inside.push(entry.path()),
                Err(error) => self.gap(path.display().to_string(), error),
            }
        }
        inside.sort();
        for path in inside {
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if !hidden {
                self.path(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        self.met += 1;
        // The same file named twice, also through a link, is read once.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(real) {
            return;
        }
        let name = path.display().to_string();
        let bytes = match contents(path) {
            Ok(bytes) => bytes,
            Err(error) => return self.gap(name, error),
        };
        if is_utf_16(&bytes) {
            return self.gap(name, UTF_16);
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        self.followed.clear();
        if let Some(why) = not_json(text) {
            return self.gap(name, why);
        }
        let mut documents = 0;
        for document in serde_json::Deserializer::from_slice(text).into_iter::<Value>() {
            match document {
                Ok(document) => self.document(&name, document),
                Err(error) => self.gap(
                    name.clone(),
                    format!("not the output of list-secrets ({error}): {AS_JSON}"),
                ),
            }
            documents += 1;
        }
        if documents == 0 {
            self.gap(name, "the file is empty");
        }
    }

    fn document(&mut self, name: &str, document: Value) {
        match document {
            Value::Array(entries) => {
                let scopes = self.entries(name, entries);
                self.listed(scopes, false);
            }
            Value::Object(mut object) => {
                let more = object
                    .get("NextToken")
                    .is_some_and(|token| !token.is_null());
                match object.remove("SecretList") {
                    Some(Value::Array(entries)) => self.page(name, entries, more),
                    Some(_) => self.gap(name.to_owned(), "`SecretList` is not a list"),
                    None if object.contains_key("Versions") => {
                        self.versions(name, Value::Object(object));
                    }
                    None if object.contains_key("ARN") => {
                        self.entries(name, vec![Value::Object(object)]);
                    }
                    None => self.gap(
                        name.to_owned(),
                        "neither the output of `aws secretsmanager list-secrets` nor of `describe-secret`",
                    ),
                }
            }
            _ => self.gap(
                name.to_owned(),
                format!("not the output of `aws secretsmanager list-secrets`: {AS_JSON}"),
            ),
        }
    }

    /// One page of a list. An empty one goes on with the list of the page before it in the same file: AWS ends a list with
    /// one when the last secrets were filtered out.
    fn page(&mut self, name: &str, entries: Vec<Value>, more: bool) {
        let before = std::mem::take(&mut self.followed);
        let mut scopes = self.entries(name, entries);
        if scopes.is_empty() {
            scopes = before;
        }
        if more {
            self.followed.clone_from(&scopes);
        }
        self.listed(scopes, more);
    }

    /// Notes whether more of the lists of these scopes follows.
    fn listed(&mut self, scopes: BTreeSet<Scope>, more: bool) {
        for scope in scopes {
            *self.last_page.entry(scope).or_default() |= !more;
        }
    }

    /// Reads entries; gives their scopes.
    fn entries(&mut self, name: &str, entries: Vec<Value>) -> BTreeSet<Scope> {
        let mut scopes = BTreeSet::new();
        if entries.iter().any(Value::is_string) {
            self.gap(name.to_owned(), format!("its entries are texts: {AS_JSON}"));
            return scopes;
        }
        let access = self.access_in(name, &entries);
        for (place, entry) in entries.into_iter().enumerate() {
            // A bare array may also hold whole pages.
            if entry.get("SecretList").is_some() {
                self.document(name, entry);
            } else if let Some(scope) = self.entry(name, (place + 1, access), entry) {
                scopes.insert(scope);
            }
        }
        scopes
    }

    /// Whether these entries say when secrets were last read. AWS gives every entry of a secret with a value its versions;
    /// where no entry has either those or a last access, columns were left out.
    fn access_in(&mut self, name: &str, entries: &[Value]) -> Access {
        let any = |key: &str| entries.iter().any(|entry| entry.get(key).is_some());
        let is_list = entries.iter().any(|entry| entry.get("ARN").is_some());
        let is_trimmed = is_list
            && !any("LastAccessedDate")
            && !any("SecretVersionsToStages")
            && !any("VersionIdsToStages");
        if is_trimmed {
            self.gap(
                name.to_owned(),
                format!(
                    "columns were left out, so it does not say when a secret was last read (LastAccessedDate): {AS_JSON}"
                ),
            );
            return Access::LeftOut;
        }
        Access::Given
    }

    fn entry(
        &mut self,
        name: &str,
        (place, access): (usize, Access),
        entry: Value,
    ) -> Option<Scope> {
        let dependents = dependents(&entry);
        let arn = entry
            .get("ARN")
            .and_then(Value::as_str)
            .unwrap_or("without ARN")
            .to_owned();
        match serde_json::from_value::<ListedSecret>(entry)
            .map_err(|error| error.to_string())
            .and_then(ListedSecret::secret)
        {
            Ok(mut secret) => {
                secret.access_is_known = access == Access::Given;
                secret.dependents = dependents;
                let scope = secret.arn.scope().clone();
                let merged = match self.secrets.remove(&secret.arn) {
                    Some(known) => known.merged(secret),
                    None => secret,
                };
                self.secrets.insert(merged.arn.clone(), merged);
                Some(scope)
            }
            Err(why) => {
                self.gap(format!("{name}, entry {place} ({arn})"), why);
                None
            }
        }
    }

    /// The versions of one secret, or a page of them: the current one stands on one page only.
    fn versions(&mut self, name: &str, versions: Value) {
        let read = serde_json::from_value::<VersionList>(versions);
        match read
            .map_err(|error| error.to_string())
            .and_then(VersionList::current)
        {
            Ok((arn, current)) => {
                let known = self.versions.remove(&arn).and_then(|(_, known)| known);
                let current = current.or(known);
                self.versions.insert(arn, (name.to_owned(), current));
            }
            Err(why) => self.gap(name.to_owned(), why),
        }
    }

    /// Gives the secrets their versions, once all secrets are known.
    fn versioned(&mut self) {
        for (arn, (name, current)) in std::mem::take(&mut self.versions) {
            match self.secrets.get_mut(&arn) {
                Some(secret) => secret.current = current.map(Box::new),
                None => self.gap(
                    name,
                    format!("the versions of `{arn}`, which no list of secrets holds"),
                ),
            }
        }
    }

    /// A list that ends in a page with `NextToken` is not whole.
    fn truncated(&mut self) {
        for (scope, whole) in std::mem::take(&mut self.last_page) {
            if !whole {
                self.gaps.push(Gap::new(
                    GapSource::Inventory,
                    Some(&scope),
                    "the list of secrets is not whole",
                    "its last page has a NextToken: run list-secrets without `--max-items`",
                ));
            }
        }
    }
}

/// Whether entries say when secrets were last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Given,
    LeftOut,
}

#[cfg(test)]
mod tests;
