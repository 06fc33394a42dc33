//! A bucket with its objects, which may be made when they are asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::at;

/// An S3 bucket.
pub struct Bucket {
    /// Unique in the world.
    pub name: String,
    /// The account it belongs to.
    pub account: String,
    /// The Region it lives in.
    pub region: String,
    /// The payer of the requests.
    pub payer: Payer,
    /// Other accounts that may read it.
    pub readers: Vec<String>,
    /// Prefixes that nobody may list or read.
    pub closed: Vec<String>,
    /// Objects by key.
    pub objects: BTreeMap<String, Object>,
}

/// Who pays for the requests to a bucket.
#[derive(Clone, Copy, PartialEq)]
pub enum Payer {
    /// The owner.
    Owner,
    /// The requester, who has to say so in each request.
    Requester,
}

/// An S3 object.
#[derive(Clone)]
pub struct Object {
    /// The bytes.
    pub body: Body,
    /// Handed out as the header, while the bytes stay what they are.
    pub content_encoding: Option<String>,
    /// The time when it was written.
    pub modified: Timestamp,
    /// Headers such as `x-amz-meta-run`, with their values.
    pub metadata: Vec<(&'static str, String)>,
}

/// The source of an object's bytes.
#[derive(Clone)]
pub enum Body {
    /// Here they are.
    Bytes(Arc<[u8]>),
    /// Made anew for each request, always the same; with their length.
    Made(usize, Arc<dyn Fn() -> Vec<u8> + Send + Sync>),
}

impl Body {
    /// The number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Made(len, _) => *len,
        }
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> Arc<[u8]> {
        match self {
            Self::Bytes(bytes) => Arc::clone(bytes),
            Self::Made(_, make) => make().into(),
        }
    }
}

impl Bucket {
    /// An empty bucket that its owner pays for and nobody else reads.
    pub fn new(name: &str, account: &str, region: &str) -> Self {
        Self {
            name: name.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            payer: Payer::Owner,
            readers: Vec::new(),
            closed: Vec::new(),
            objects: BTreeMap::new(),
        }
    }

    /// Adds an object.
    pub fn object(mut self, key: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.put(key, Body::Bytes(bytes.into().into()));
        self
    }

    /// Adds an object that is made when it is asked for, which keeps a large trail out of memory.
    pub fn made(
        mut self,
        key: &str,
        len: usize,
        make: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        self.put(key, Body::Made(len, Arc::new(make)));
        self
    }

    /// Adds or replaces an object.
    pub fn put(&mut self, key: &str, body: Body) {
        let object = Object {
            body,
            content_encoding: None,
            modified: at("2026-11-01"),
            metadata: Vec::new(),
        };
        self.objects.insert(key.to_owned(), object);
    }

    /// Lets another account read.
    pub fn shared_with(mut self, account: &str) -> Self {
        self.readers.push(account.to_owned());
        self
    }

    /// Lets nobody list or read below a prefix.
    pub fn closed(mut self, prefix: &str) -> Self {
        self.closed.push(prefix.to_owned());
        self
    }

    /// Makes the requester pay.
    pub fn requester_pays(mut self) -> Self {
        self.payer = Payer::Requester;
        self
    }
}
