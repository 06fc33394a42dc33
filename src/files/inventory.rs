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

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::base::gap::Gap;
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::inventory::secret::{CurrentVersion, Replica, Secret, day_of};

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
        self.gaps.push(Gap {
            account: None,
            region: None,
            source: "inventory".to_owned(),
            what,
            why: why.to_string(),
        });
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
                self.gaps.push(Gap {
                    account: Some(scope.account),
                    region: Some(scope.region),
                    source: "inventory".to_owned(),
                    what: "the list of secrets is not whole".to_owned(),
                    why: "its last page has a NextToken: run list-secrets without `--max-items`"
                        .to_owned(),
                });
            }
        }
    }
}

/// What is wrong with text that begins as UTF-16 does, and the way out.
pub const UTF_16: &str = "it is UTF-16 text, as `>` of Windows PowerShell writes: save it in UTF-8 (`| Out-File -Encoding utf8 FILE`)";

/// Whether text begins as UTF-16 does.
pub fn is_utf_16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF])
}

/// What to do where a file is not the whole output as JSON.
const AS_JSON: &str = "run `aws secretsmanager list-secrets --output json`, without `--query`, and save all it prints";

/// Whether entries say when secrets were last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Given,
    LeftOut,
}

/// The form of text that is not JSON, with the way out; `None` for what may be JSON.
fn not_json(text: &[u8]) -> Option<String> {
    let text = text.trim_ascii_start();
    let first = *text.first()?;
    if matches!(first, b'{' | b'[' | b'"') {
        return None;
    }
    let starts = |start: &str| text.starts_with(start.as_bytes());
    let form = if starts("SecretList:") || starts("- ARN:") || starts("---\n") || starts("ARN:") {
        "it is YAML"
    } else if starts("---") || starts("+--") || starts("|") {
        "it is a table"
    } else if starts("SECRETLIST") || text.split(|byte| *byte == b'\n').next()?.contains(&b'\t') {
        "it is text"
    } else {
        "it is not JSON"
    };
    Some(format!("{form}: {AS_JSON}"))
}

/// What an entry says of others that depend on the secret, besides its replicas in other Regions: a field that names
/// replicas or accounts and holds something. Fields that AWS will add are of that shape, too.
fn dependents(entry: &Value) -> Vec<String> {
    let fields = entry.as_object().into_iter().flatten();
    fields
        .filter(|(key, _)| key.contains("Replica") || key.contains("CrossAccount"))
        .filter(|(key, _)| key.as_str() != "ReplicationStatus")
        .filter_map(|(key, value)| {
            let holds = match value {
                Value::Array(all) => all.iter().any(|one| {
                    let status = one.get("Status").and_then(Value::as_str);
                    status != Some("Detached")
                }),
                Value::Object(members) => !members.is_empty(),
                Value::String(text) => !text.is_empty(),
                Value::Null | Value::Bool(false) | Value::Number(_) => false,
                Value::Bool(true) => true,
            };
            holds.then(|| key.clone())
        })
        .collect()
}

/// The largest inventory file that is read, in bytes of JSON. A list of 200,000 secrets has a quarter of it.
const LARGEST: u64 = 1 << 30;

fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let bytes = limited(std::fs::File::open(path)?)?;
    if !super::inflate::is_gzip(&bytes) {
        return Ok(bytes);
    }
    limited(flate2::read::MultiGzDecoder::new(bytes.as_slice()))
}

fn limited(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(std::io::Error::other(
            "it has more than 1 GiB: give one file for each account and Region",
        ));
    }
    Ok(bytes)
}

/// An entry of `SecretList`, or the answer of `describe-secret`. Unknown fields are ignored: AWS adds some.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedSecret {
    #[serde(rename = "ARN")]
    arn: String,
    name: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    created_date: Option<CliTimestamp>,
    last_changed_date: Option<CliTimestamp>,
    last_accessed_date: Option<CliTimestamp>,
    last_rotated_date: Option<CliTimestamp>,
    next_rotation_date: Option<CliTimestamp>,
    rotation_enabled: Option<bool>,
    #[serde(rename = "RotationLambdaARN")]
    rotation_lambda: Option<String>,
    deleted_date: Option<CliTimestamp>,
    owning_service: Option<String>,
    primary_region: Option<String>,
    tags: Option<Vec<ListedTag>>,
    replication_status: Option<Vec<ReplicaEntry>>,
}

/// The answer of `list-secret-version-ids`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersionList {
    #[serde(rename = "ARN")]
    arn: String,
    versions: Vec<VersionEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersionEntry {
    #[serde(default)]
    version_stages: Vec<String>,
    created_date: Option<CliTimestamp>,
    last_accessed_date: Option<CliTimestamp>,
}

impl VersionList {
    fn current(self) -> Result<(SecretArn, Option<CurrentVersion>), String> {
        let arn = SecretArn::new(&self.arn).map_err(|error| error.to_string())?;
        let mut versions = self.versions.into_iter();
        let current =
            versions.find(|version| version.version_stages.iter().any(|s| s == "AWSCURRENT"));
        let current = current.map(|version| CurrentVersion {
            created: version.created_date.and_then(CliTimestamp::known),
            last_accessed: version
                .last_accessed_date
                .and_then(CliTimestamp::known)
                .map(day_of),
        });
        Ok((arn, current))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedTag {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaEntry {
    region: String,
    kms_key_id: Option<String>,
    status: Option<String>,
    last_accessed_date: Option<CliTimestamp>,
}

impl ListedSecret {
    fn secret(self) -> Result<Secret, String> {
        let arn = SecretArn::new(&self.arn).map_err(|error| error.to_string())?;
        let moment = |moment: Option<CliTimestamp>| moment.and_then(CliTimestamp::known);
        let day = |date: Option<CliTimestamp>| moment(date).map(day_of);
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let region = |region: String| region.parse().map_err(|error| format!("{error}"));
        let replica = |entry: ReplicaEntry| -> Result<Replica, String> {
            Ok(Replica {
                region: region(entry.region)?,
                kms_key: text(entry.kms_key_id),
                status: text(entry.status),
                last_accessed: day(entry.last_accessed_date),
            })
        };
        let replicas = self
            .replication_status
            .map(|list| list.into_iter().map(replica).collect::<Result<_, _>>());
        Ok(Secret {
            name: text(self.name).unwrap_or_else(|| arn.name().to_owned()),
            description: text(self.description),
            kms_key: text(self.kms_key_id),
            created: moment(self.created_date),
            last_changed: moment(self.last_changed_date),
            last_accessed: day(self.last_accessed_date),
            access_is_known: true,
            dependents: Vec::new(),
            last_rotated: moment(self.last_rotated_date),
            next_rotation: moment(self.next_rotation_date),
            rotation_enabled: self.rotation_enabled,
            rotation_lambda: text(self.rotation_lambda),
            deleted: moment(self.deleted_date),
            owning_service: text(self.owning_service),
            primary_region: text(self.primary_region).map(region).transpose()?,
            tags: self
                .tags
                .into_iter()
                .flatten()
                .map(|tag| (tag.key, tag.value.unwrap_or_default()))
                .collect(),
            replicas: replicas.transpose()?,
            current: None,
            arn,
        })
    }
}

/// A moment as the AWS CLI prints it: RFC 3339 with any offset, or a number of seconds since 1970.
struct CliTimestamp(Timestamp);

impl CliTimestamp {
    /// The moment, unless it lies before Secrets Manager: AWS Tools for PowerShell write the first moment of .NET
    /// (`0001-01-01`) for a date that is absent, and others write 1970.
    fn known(self) -> Option<Timestamp> {
        /// 2017-01-01T00:00:00Z. The service was announced in April 2018.
        const BEGINNING: i64 = 1_483_228_800;
        Some(self.0).filter(|at| at.as_second() >= BEGINNING)
    }
}

impl<'de> Deserialize<'de> for CliTimestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = CliTimestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date such as `2026-10-01T02:00:00+02:00`, or seconds since 1970")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CliTimestamp, E> {
                let day = || {
                    text.parse::<Date>()
                        .ok()?
                        .to_zoned(jiff::tz::TimeZone::UTC)
                        .ok()
                };
                // Windows PowerShell writes `/Date(milliseconds)/`.
                let windows = || {
                    let number = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
                    Timestamp::from_millisecond(number.parse().ok()?).ok()
                };
                text.parse()
                    .ok()
                    .or_else(windows)
                    .or_else(|| day().map(|zoned| zoned.timestamp()))
                    .map(CliTimestamp)
                    .ok_or_else(|| E::custom(format!("`{text}` is not a date")))
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<CliTimestamp, E> {
                i64::try_from(seconds)
                    .map_err(E::custom)
                    .and_then(|seconds| self.visit_i64(seconds))
            }

            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<CliTimestamp, E> {
                Timestamp::from_second(seconds)
                    .map(CliTimestamp)
                    .map_err(E::custom)
            }

            fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<CliTimestamp, E> {
                jiff::SignedDuration::try_from_secs_f64(seconds)
                    .and_then(Timestamp::from_duration)
                    .map(CliTimestamp)
                    .map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Any).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
