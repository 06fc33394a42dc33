//! JSON whose objects keep the order they were written in, as the records of a trail have it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A JSON value whose objects keep the order they were written in.
pub(super) enum Json {
    Text(String),
    Number(u32),
    Flag,
    List(Vec<Json>),
    Map(Vec<(&'static str, Json)>),
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u32(*number),
            Self::Flag => serializer.serialize_bool(true),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// A JSON string.
pub(super) fn text(value: impl Into<String>) -> Json {
    Json::Text(value.into())
}
