//! The tags of a secret: a small sorted map.
//!
//! A scan holds the tags of every secret, mostly a handful each. The standard map takes half a kilobyte for the first of
//! them; this takes what they need.

use std::collections::BTreeMap;

use serde::ser::Serializer;
use serde::{Deserialize, Deserializer, Serialize};

/// Tags by key, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// No tags.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_str().cmp(key))
    }

    /// The value of a tag.
    pub fn get(&self, key: &str) -> Option<&String> {
        self.position(key).ok().map(|position| &self.0[position].1)
    }

    /// Sets a tag; gives the value that it had.
    pub fn insert(&mut self, key: String, value: String) -> Option<String> {
        match self.position(&key) {
            Ok(position) => Some(std::mem::replace(&mut self.0[position].1, value)),
            Err(position) => {
                self.0.insert(position, (key, value));
                None
            }
        }
    }

    /// Takes a tag away; gives the value that it had.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        let position = self.position(key).ok()?;
        Some(self.0.remove(position).1)
    }

    /// Takes all tags away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&String, &String)> {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl std::ops::Index<&str> for Tags {
    type Output = String;

    /// # Panics
    /// When there is no such tag, as for any map; [`Tags::get`] asks.
    fn index(&self, key: &str) -> &String {
        self.get(key)
            .expect("the caller knows that the tag is there")
    }
}

impl FromIterator<(String, String)> for Tags {
    /// Keeps the last one of several values of one key.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(tags: I) -> Self {
        let mut sorted = Self::new();
        for (key, value) in tags {
            sorted.insert(key, value);
        }
        sorted.0.shrink_to_fit();
        sorted
    }
}

impl<const N: usize> From<[(String, String); N]> for Tags {
    fn from(tags: [(String, String); N]) -> Self {
        tags.into_iter().collect()
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(|tags| tags.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_behave_as_the_standard_map(steps in prop::collection::vec(("[a-d]", "[x-z]", any::<bool>()), 0..40)) {
            let (mut tags, mut map) = (Tags::new(), BTreeMap::new());
            for (key, value, set) in steps {
                if set {
                    prop_assert_eq!(tags.insert(key.clone(), value.clone()), map.insert(key, value));
                } else {
                    prop_assert_eq!(tags.remove(&key), map.remove(&key));
                }
                prop_assert!(tags.iter().eq(map.iter()));
            }
            prop_assert_eq!(&map.clone().into_iter().collect::<Tags>(), &tags);
            let json = serde_json::to_string(&tags).unwrap();
            prop_assert_eq!(&json, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Tags>(&json).unwrap(), tags);
        }
    }
}
