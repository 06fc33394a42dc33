//! Where the journal of a plan is kept: a file, or an object in an S3 bucket.
//!
//! A runner of CI is gone after its job, and a file with it. An object stays, and everybody who may read it sees what was
//! done.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::domain::base::object_address::{AddressError, ObjectAddress};

/// The location where a journal is kept, as `--journal` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalLocation {
    /// A file on this machine.
    File(PathBuf),
    /// An object in a bucket.
    Object(ObjectAddress),
}

impl JournalLocation {
    /// Beside a plan, with the ending `.journal.jsonl` for its own.
    pub fn beside(plan: &Path) -> Self {
        Self::File(plan.with_extension("journal.jsonl"))
    }
}

impl FromStr for JournalLocation {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.starts_with("s3://") {
            text.parse().map(Self::Object)
        } else {
            Ok(Self::File(PathBuf::from(text)))
        }
    }
}

impl fmt::Display for JournalLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Object(address) => write!(f, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_an_address_is_one_or_an_error_and_all_else_is_a_path() {
        for text in [
            "s3://my-bucket/plan.jsonl",
            "s3://my.bucket/a/b c/plan.journal.jsonl",
        ] {
            let location: JournalLocation = text.parse().unwrap();
            assert!(matches!(location, JournalLocation::Object(_)), "{text}");
            assert_eq!(location.to_string(), text);
        }
        // IAM reads `*`, `?` and `${` in a resource as patterns, so no policy could name such an object alone.
        for text in [
            "s3://",
            "s3://b",
            "s3://my-bucket",
            "s3://my-bucket/",
            "s3://my-bucket/a/",
            "s3://My_Bucket/a",
            "s3://my-bucket//a",
            "s3://my-bucket/a*",
            "s3://my-bucket/a\nb",
        ] {
            assert!(text.parse::<JournalLocation>().is_err(), "{text:?}");
        }
        for text in ["plan.journal.jsonl", "/tmp/s3:/x", "a/s3://b/c"] {
            let location: JournalLocation = text.parse().unwrap();
            assert_eq!(location, JournalLocation::File(text.into()), "{text}");
        }
        let beside = JournalLocation::beside(Path::new("a/plan.csv"));
        assert_eq!(beside, JournalLocation::File("a/plan.journal.jsonl".into()));
    }
}
