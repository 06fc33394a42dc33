//! The address of one object in S3, as `s3://bucket/key`.
//!
//! Stricter than S3 itself: a key with a character that IAM reads as a pattern could not be named alone in a policy.

use std::fmt;
use std::str::FromStr;

/// The address of an object in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectAddress {
    /// The name of the bucket.
    pub bucket: String,
    /// The key of the object.
    pub key: String,
}

/// Text that is no address of an object.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not the address of an object such as `s3://bucket/folder/plan.journal.jsonl`")]
pub struct AddressError(String);

impl FromStr for ObjectAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, key) = rest.split_once('/').ok_or_else(wrong)?;
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        };
        let is_bucket = (3..=63).contains(&bucket.len()) && bucket.bytes().all(fits);
        let is_key = !key.is_empty()
            && key.len() <= 1_024
            && !key.starts_with('/')
            && !key.ends_with('/')
            && !key
                .chars()
                .any(|one| one.is_control() || matches!(one, '*' | '?' | '$'));
        if !is_bucket || !is_key {
            return Err(wrong());
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}
