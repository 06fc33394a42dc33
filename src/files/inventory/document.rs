//! The documents of an inventory file, read entry by entry.
//!
//! A document may have any number of entries, and each is turned into what is kept of it before the next one is read.
//! What is not in a list must fit into the allowance of one value (`Allowance`), and so must each entry: an entry with
//! ten million tags ends the file as one without an end does. A document counts as a whole: where it breaks off, nothing of
//! it is taken, because what it says of its entries together (whether columns were left out, whether another page follows)
//! is not known.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::entry::{ListedSecret, VersionEntry};
use crate::domain::base::names::SecretArn;
use crate::domain::inventory::dependents::dependents;
use crate::domain::inventory::secret::{CurrentVersion, Secret};
use crate::files::bounded::{Allowance, AllowedReader};

/// Sets how many unreadable entries of a document are named.
const MOST_NAMED: usize = 1_000;

/// Sets how much of other people's text is repeated for one of them, in letters.
const MOST_SAID: usize = 1_000;

/// The kinds of documents.
#[derive(Debug)]
pub(super) enum Document {
    /// Secrets, or pages of them.
    List(EntryList),
    /// An answer of `list-secrets`.
    Page(ListPage),
    /// An answer of `list-secret-version-ids`, or why it cannot be read.
    Versions(Result<SecretVersions, String>),
    /// Something else.
    Foreign(Foreign),
}

/// The kind of value that something else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    Object,
    Value,
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct ListPage {
    /// `None`: what stands there is no list.
    pub(super) list: Option<EntryList>,
    /// It has a `NextToken`.
    pub(super) goes_on: bool,
}

/// The versions of a secret.
#[derive(Debug)]
pub(super) struct SecretVersions {
    pub(super) arn: SecretArn,
    pub(super) current: Option<CurrentVersion>,
}

/// Entries in their order, and what they say together.
#[derive(Debug, Default)]
pub(super) struct EntryList {
    pub(super) entries: Vec<ListEntry>,
    /// Some entries are texts.
    pub(super) holds_texts: bool,
    /// Some entries have an `ARN`.
    pub(super) names_secrets: bool,
    /// Some entries have what every whole list has of a secret with a value.
    pub(super) tells_access: bool,
    /// The number of entries beyond [`MOST_NAMED`] that cannot be read.
    pub(super) unnamed: u64,
    unreadable: usize,
}

/// One entry of a list.
#[derive(Debug)]
pub(super) enum ListEntry {
    Page(Box<ListPage>),
    Secret(Box<Secret>),
    Unreadable {
        /// From 1.
        number: usize,
        arn: String,
        why: String,
    },
}

/// Documents one after another.
pub(super) struct DocumentReader<R: Read> {
    source: serde_json::Deserializer<serde_json::de::IoRead<AllowedReader<R>>>,
    allowance: Allowance,
    ended: bool,
}

impl<R: Read> DocumentReader<R> {
    /// Begins before the first one.
    pub(super) fn new(source: R) -> Self {
        let allowance = Allowance::new();
        let source = allowance.limit(
            source,
            "one of its entries has more than 1 MiB, as no secret has",
        );
        Self {
            source: serde_json::Deserializer::from_reader(source),
            allowance,
            ended: false,
        }
    }
}

impl<R: Read> Iterator for DocumentReader<R> {
    type Item = serde_json::Result<Document>;

    /// The next document. An error is the last item.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.allowance.renew();
        let read = match self.source.end() {
            Ok(()) => {
                self.ended = true;
                return None;
            }
            // What follows is no blank, so it is a document.
            Err(error) if !error.is_io() => ValueSeed::new(&self.allowance, ListForm::Entries)
                .deserialize(&mut self.source)
                .map(ReadValue::document),
            Err(error) => Err(error),
        };
        self.ended = read.is_err();
        Some(read)
    }
}

/// Any value.
enum ReadValue {
    Text,
    /// A list as a document has it.
    List(EntryList),
    Object(Box<ReadObject>),
    /// The current one of a list of versions, or why one of them cannot be read.
    Versions(Result<Option<CurrentVersion>, String>),
    /// Anything else.
    Other(Value),
}

/// An object: a page, a secret, or the versions of one.
#[derive(Default)]
struct ReadObject {
    /// The value of `SecretList`, if it is there.
    list: Option<ReadValue>,
    /// The current version among `Versions`, or why one of them cannot be read; `None`: there is no such list.
    versions: Option<Result<Option<CurrentVersion>, String>>,
    /// All other fields.
    fields: Map<String, Value>,
}

impl ReadValue {
    fn document(self) -> Document {
        match self {
            Self::List(list) => Document::List(list),
            Self::Object(object) => object.document(),
            Self::Text | Self::Versions(_) | Self::Other(_) => Document::Foreign(Foreign::Value),
        }
    }
}

impl ReadObject {
    fn document(self) -> Document {
        if self.list.is_some() {
            return Document::Page(self.page());
        }
        if let Some(current) = self.versions {
            return Document::Versions(current.and_then(|current| {
                let arn = self.fields.get("ARN").and_then(Value::as_str);
                let arn = arn.ok_or("missing field `ARN`")?;
                let arn = SecretArn::new(arn).map_err(|error| error.to_string())?;
                Ok(SecretVersions { arn, current })
            }));
        }
        if self.fields.contains_key("ARN") {
            let mut list = EntryList::default();
            list.add(ReadValue::Object(Box::new(self)), 1);
            return Document::List(list);
        }
        Document::Foreign(Foreign::Object)
    }

    fn page(self) -> ListPage {
        let token = self.fields.get("NextToken");
        ListPage {
            list: match self.list {
                Some(ReadValue::List(list)) => Some(list),
                _ => None,
            },
            goes_on: token.is_some_and(|token| !token.is_null()),
        }
    }
}

impl EntryList {
    fn add(&mut self, entry: ReadValue, number: usize) {
        let fields = match entry {
            ReadValue::Text => {
                self.holds_texts = true;
                return;
            }
            ReadValue::Object(object) if object.list.is_some() => {
                self.note(&object.fields);
                self.entries.push(ListEntry::Page(Box::new(object.page())));
                return;
            }
            ReadValue::Object(object) => {
                self.note(&object.fields);
                Value::Object(object.fields)
            }
            ReadValue::List(_) | ReadValue::Versions(_) => Value::Array(Vec::new()),
            ReadValue::Other(value) => value,
        };
        let dependents = dependents(&fields);
        let arn = fields.get("ARN").and_then(Value::as_str);
        let arn = beginning(arn.unwrap_or("without ARN"));
        let read = serde_json::from_value::<ListedSecret>(fields)
            .map_err(|error| error.to_string())
            .and_then(ListedSecret::secret);
        match read {
            Ok(mut secret) => {
                secret.dependents = dependents;
                self.entries.push(ListEntry::Secret(Box::new(secret)));
            }
            Err(_) if self.unreadable == MOST_NAMED => self.unnamed += 1,
            Err(why) => {
                self.unreadable += 1;
                let why = beginning(&why);
                self.entries
                    .push(ListEntry::Unreadable { number, arn, why });
            }
        }
    }

    /// Adds an entry to what they say together.
    fn note(&mut self, fields: &Map<String, Value>) {
        let has = |key| fields.contains_key(key);
        self.names_secrets |= has("ARN");
        self.tells_access |=
            has("LastAccessedDate") || has("SecretVersionsToStages") || has("VersionIdsToStages");
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(MOST_SAID).collect()
}

/// The form that a list is read as.
#[derive(Clone, Copy)]
enum ListForm {
    /// Secrets, or pages of them.
    Entries,
    /// Versions of a secret.
    Versions,
    /// Nothing that is wanted.
    Ignored,
}

/// Reads any value; the entries of lists one by one.
struct ValueSeed<'a> {
    allowance: &'a Allowance,
    form: ListForm,
}

impl<'a> ValueSeed<'a> {
    fn new(allowance: &'a Allowance, form: ListForm) -> Self {
        Self { allowance, form }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ReadValue;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<ReadValue, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ReadValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<ReadValue, E> {
        Ok(ReadValue::Other(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<ReadValue, E> {
        Ok(ReadValue::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<ReadValue, E> {
        Ok(ReadValue::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<ReadValue, E> {
        Ok(ReadValue::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<ReadValue, E> {
        Ok(ReadValue::Other(value.into()))
    }

    fn visit_str<E>(self, _: &str) -> Result<ReadValue, E> {
        Ok(ReadValue::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<ReadValue, A::Error> {
        match self.form {
            ListForm::Entries => listed(self.allowance, entries).map(ReadValue::List),
            ListForm::Versions => versions(self.allowance, entries).map(ReadValue::Versions),
            ListForm::Ignored => IgnoredAny
                .visit_seq(entries)
                .map(|_| ReadValue::Other(Value::Array(Vec::new()))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<ReadValue, A::Error> {
        let mut object = ReadObject::default();
        while let Some(key) = members.next_key::<String>()? {
            let form = match key.as_str() {
                "SecretList" => ListForm::Entries,
                "Versions" => ListForm::Versions,
                _ => {
                    object.fields.insert(key, members.next_value()?);
                    continue;
                }
            };
            match (
                form,
                members.next_value_seed(Self::new(self.allowance, form))?,
            ) {
                (ListForm::Versions, ReadValue::Versions(read)) => object.versions = Some(read),
                (ListForm::Versions, _) => {
                    object.versions = Some(Err("`Versions` is not a list".to_owned()));
                }
                (_, value) => object.list = Some(value),
            }
        }
        Ok(ReadValue::Object(Box::new(object)))
    }
}

/// Reads the entries of a list, each under a full allowance.
fn listed<'de, A: SeqAccess<'de>>(
    allowance: &Allowance,
    mut entries: A,
) -> Result<EntryList, A::Error> {
    let left = allowance.left();
    let mut list = EntryList::default();
    for number in 1.. {
        allowance.renew();
        let seed = ValueSeed::new(allowance, ListForm::Ignored);
        match entries.next_element_seed(seed)? {
            Some(entry) => list.add(entry, number),
            None => break,
        }
    }
    allowance.resume(left);
    Ok(list)
}

/// Reads versions, each under a full allowance, and keeps the current one.
fn versions<'de, A: SeqAccess<'de>>(
    allowance: &Allowance,
    mut entries: A,
) -> Result<Result<Option<CurrentVersion>, String>, A::Error> {
    let left = allowance.left();
    let mut found = Ok(None);
    loop {
        allowance.renew();
        let Some(entry) = entries.next_element::<Value>()? else {
            break;
        };
        match serde_json::from_value::<VersionEntry>(entry) {
            Ok(version) if found == Ok(None) => found = Ok(version.current()),
            Err(error) if found.is_ok() => found = Err(beginning(&error.to_string())),
            _ => {}
        }
    }
    allowance.resume(left);
    Ok(found)
}
