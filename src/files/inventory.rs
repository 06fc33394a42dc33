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
//!
//! Files are read entry by entry (`document`), so that memory grows with the secrets that are kept, and not with what else
//! a file holds.

mod document;
mod entry;
mod form;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::base::utf_16::{UTF_16, is_utf_16};
use crate::domain::inventory::secret::{CurrentVersion, Secret};

use document::{Document, DocumentReader, EntryList, Foreign, ListEntry, ListPage, SecretVersions};
use form::{AS_JSON, not_json, opened};

/// The facts that were found.
#[derive(Debug, Default)]
pub struct InventoryFiles {
    /// One entry an ARN, sorted by it.
    pub secrets: Vec<Secret>,
    /// The parts that could not be read.
    pub gaps: Vec<Gap>,
    /// The number of files that were read.
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
    /// The number of files that were met, the same one again included.
    met: usize,
    seen: BTreeSet<PathBuf>,
    /// The scopes that were seen, each with whether a page was seen that is not followed by another one.
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
        self.followed.clear();
        if let Err(why) = self.contents(&name, path) {
            self.gap(name, why);
        }
    }

    /// Reads the documents of a file.
    ///
    /// # Errors
    /// What is wrong with the file itself. Documents before that are read.
    fn contents(&mut self, name: &str, path: &Path) -> Result<(), String> {
        let (begin, rest) = opened(path).map_err(|error| error.to_string())?;
        if is_utf_16(&begin) {
            return Err(UTF_16.to_owned());
        }
        let begin = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&begin);
        if let Some(why) = not_json(begin) {
            return Err(why);
        }
        let mut count = 0;
        for document in DocumentReader::new(begin.chain(rest)) {
            let document = document.map_err(|error| {
                if error.is_io() {
                    std::io::Error::from(error).to_string()
                } else {
                    format!("not the output of list-secrets ({error}): {AS_JSON}")
                }
            })?;
            self.document(name, document);
            count += 1;
        }
        if count == 0 {
            return Err("the file is empty".to_owned());
        }
        Ok(())
    }

    fn document(&mut self, name: &str, document: Document) {
        match document {
            Document::List(list) => {
                let scopes = self.entries(name, list);
                self.listed(scopes, false);
            }
            Document::Page(page) => self.page(name, page),
            Document::Versions(versions) => self.versions(name, versions),
            Document::Foreign(Foreign::Object) => self.gap(
                name.to_owned(),
                "neither the output of `aws secretsmanager list-secrets` nor of `describe-secret`",
            ),
            Document::Foreign(Foreign::Value) => self.gap(
                name.to_owned(),
                format!("not the output of `aws secretsmanager list-secrets`: {AS_JSON}"),
            ),
        }
    }

    /// One page of a list. An empty one goes on with the list of the page before it in the same file: AWS ends a list with
    /// one when the last secrets were filtered out.
    fn page(&mut self, name: &str, page: ListPage) {
        let Some(list) = page.list else {
            return self.gap(name.to_owned(), "`SecretList` is not a list");
        };
        let before = std::mem::take(&mut self.followed);
        let mut scopes = self.entries(name, list);
        if scopes.is_empty() {
            scopes = before;
        }
        if page.goes_on {
            self.followed.clone_from(&scopes);
        }
        self.listed(scopes, page.goes_on);
    }

    /// Notes whether more of the lists of these scopes follows.
    fn listed(&mut self, scopes: BTreeSet<Scope>, more: bool) {
        for scope in scopes {
            *self.last_page.entry(scope).or_default() |= !more;
        }
    }

    /// Takes entries in; gives their scopes.
    fn entries(&mut self, name: &str, list: EntryList) -> BTreeSet<Scope> {
        let mut scopes = BTreeSet::new();
        if list.holds_texts {
            self.gap(name.to_owned(), format!("its entries are texts: {AS_JSON}"));
            return scopes;
        }
        // AWS gives every entry of a secret with a value its versions. Where no entry has either those or a last access,
        // columns were left out.
        let access_is_known = list.tells_access || !list.names_secrets;
        if !access_is_known {
            self.gap(
                name.to_owned(),
                format!(
                    "columns were left out, so it does not say when a secret was last read (LastAccessedDate): {AS_JSON}"
                ),
            );
        }
        for entry in list.entries {
            match entry {
                // A bare array may also hold whole pages.
                ListEntry::Page(page) => self.page(name, *page),
                ListEntry::Secret(mut secret) => {
                    secret.access_is_known = access_is_known;
                    scopes.insert(secret.arn.scope().clone());
                    self.secret(*secret);
                }
                ListEntry::Unreadable { number, arn, why } => {
                    self.gap(format!("{name}, entry {number} ({arn})"), why);
                }
            }
        }
        if list.unnamed > 0 {
            let words = format!("{} more entries cannot be read either", list.unnamed);
            self.gap(name.to_owned(), words);
        }
        scopes
    }

    fn secret(&mut self, secret: Secret) {
        let merged = match self.secrets.remove(&secret.arn) {
            Some(known) => known.merged(secret),
            None => secret,
        };
        self.secrets.insert(merged.arn.clone(), merged);
    }

    /// The versions of one secret, or a page of them: the current one stands on one page only.
    fn versions(&mut self, name: &str, versions: Result<SecretVersions, String>) {
        match versions {
            Ok(SecretVersions { arn, current }) => {
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

#[cfg(test)]
mod tests;
