//! Words of the file formats: what they are in code, and how they are written and read.

/// Defines an enum whose variants are words of `report.json` and its sisters, and one variant for every other word.
///
/// A report may come from another version, and from people: a word that is not known here is kept as it stands. Words are
/// ordered as text, so that what is sorted by them is sorted the same whether this version knows them or not.
#[macro_export]
macro_rules! words {
    (
        $(#[$about:meta])*
        $visibility:vis enum $Name:ident {
            $($(#[$about_word:meta])* $Word:ident = $text:literal,)+
        }
        $(#[$about_other:meta])*
        else $Other:ident
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        $visibility enum $Name {
            $($(#[$about_word])* $Word,)+
            $(#[$about_other])*
            $Other(String),
        }

        impl $Name {
            /// The word.
            $visibility fn as_str(&self) -> &str {
                match self {
                    $(Self::$Word => $text,)+
                    Self::$Other(text) => text,
                }
            }
        }

        impl From<&str> for $Name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$Word,)+
                    text => Self::$Other(text.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Ord for $Name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.as_str().cmp(other.as_str())
            }
        }

        impl PartialOrd for $Name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Ok(Self::from(text.as_ref()))
            }
        }
    };
}

pub use words;

#[cfg(test)]
mod tests {
    words! {
        /// A word.
        enum Word {
            /// The first.
            First = "first-of-all",
            /// The last.
            Last = "last",
        }
        /// Another.
        else Unknown
    }

    #[test]
    fn words_are_read_as_they_are_written_and_others_are_kept() {
        let json = r#"["last","from-the-future","first-of-all"]"#;
        let mut words: Vec<Word> = serde_json::from_str(json).unwrap();
        let other = Word::Unknown("from-the-future".to_owned());
        assert_eq!(words, [Word::Last, other.clone(), Word::First]);
        assert_eq!(serde_json::to_string(&words).unwrap(), json);
        words.sort();
        assert_eq!(words, [Word::First, other, Word::Last]);
        assert_eq!(Word::First.to_string(), "first-of-all");
        assert!(serde_json::from_str::<Word>("7").is_err());
    }
}
