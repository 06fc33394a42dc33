//! S3, path-style: listing and fetching objects, and writing whole ones on conditions.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::call::Asked;
use super::http::{self, Plus, Request, Response};
use super::refusal::Refusal;
use super::world::{Body, Bucket, Object, Payer, World};

/// The operation that method, path and query stand for.
///
/// # Errors
/// `MethodNotAllowed` and `NotImplemented` for everything but reading and `PutObject`.
pub fn operation(request: &Request) -> Result<String, Refusal> {
    let (_, key) = split(&request.path);
    let op = match (request.method.as_str(), key.is_empty()) {
        ("GET", true) if request.query("location").is_some() => "GetBucketLocation",
        ("GET", true) if request.query("list-type") == Some("2") => "ListObjectsV2",
        ("GET", true) => {
            return Err(Refusal::new(
                501,
                "NotImplemented",
                "only ListObjectsV2 lists here",
            ));
        }
        ("HEAD", true) => "HeadBucket",
        ("GET", false) => "GetObject",
        ("HEAD", false) => "HeadObject",
        ("PUT", false) => "PutObject",
        _ => {
            return Err(Refusal::new(
                405,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            ));
        }
    };
    Ok(op.to_owned())
}

/// Answers a call.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let (name, key) = split(&asked.http.path);
    let bucket = world
        .buckets
        .get(&name)
        .ok_or_else(|| Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"))?;
    let caller = asked.caller;
    if asked.op == "GetBucketLocation" {
        // An answer without text means us-east-1.
        let place = if bucket.region == "us-east-1" {
            ""
        } else {
            &bucket.region
        };
        let body = format!(
            "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{place}</LocationConstraint>"
        );
        return Ok(Response::new(200, "application/xml", body));
    }
    if caller.region != bucket.region {
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
        let mut refusal = Refusal::new(301, "PermanentRedirect", message);
        refusal
            .headers
            .push(("x-amz-bucket-region", bucket.region.clone()));
        return Err(refusal);
    }
    if caller.account != bucket.account && !bucket.readers.contains(&caller.account) {
        return Err(access_denied());
    }
    if bucket.payer == Payer::Requester
        && caller.account != bucket.account
        && asked.http.header("x-amz-request-payer") != Some("requester")
    {
        return Err(access_denied());
    }
    if asked.op == "PutObject" {
        if caller.account != bucket.account {
            return Err(access_denied());
        }
        let now = world.now;
        let bucket = world.buckets.get_mut(&name).expect("it was found");
        return put(bucket, &key, asked.http, now);
    }
    match asked.op {
        "HeadBucket" => Ok(Response::new(200, "application/xml", "")
            .with("x-amz-bucket-region", bucket.region.clone())),
        "ListObjectsV2" => list(bucket, asked),
        _ => get(bucket, &key, asked.http),
    }
}

/// The parameters that `ListObjectsV2` takes.
const LIST_PARAMETERS: &[&str] = &[
    "list-type",
    "prefix",
    "delimiter",
    "continuation-token",
    "start-after",
    "max-keys",
    "encoding-type",
    "fetch-owner",
    "x-id",
];

fn list(bucket: &Bucket, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let request = asked.http;
    if let Some((name, _)) = request
        .query
        .iter()
        .find(|(name, _)| !LIST_PARAMETERS.contains(&name.as_str()))
    {
        return Err(Refusal::new(
            400,
            "InvalidArgument",
            format!("unknown parameter {name}"),
        ));
    }
    let prefix = request.query("prefix").unwrap_or_default();
    if bucket
        .closed
        .iter()
        .any(|closed| prefix.starts_with(closed.as_str()))
    {
        return Err(access_denied());
    }
    let delimiter = request
        .query("delimiter")
        .filter(|delimiter| !delimiter.is_empty());
    let size: usize = request
        .query("max-keys")
        .unwrap_or("1000")
        .parse()
        .map_err(|_| Refusal::new(400, "InvalidArgument", "max-keys is no number"))?;
    let size = size.min(1000).min(asked.page);
    let after = match request.query("continuation-token") {
        None => request.query("start-after").unwrap_or_default().to_owned(),
        Some(token) => untoken(token).ok_or_else(|| {
            Refusal::new(
                400,
                "InvalidArgument",
                "The continuation token provided is incorrect",
            )
        })?,
    };
    let mut objects: Vec<(&str, &Object)> = Vec::new();
    let mut folders: BTreeSet<&str> = BTreeSet::new();
    let mut last = after.clone();
    let mut more = false;
    let start = if after.as_str() >= prefix {
        Bound::Excluded(after.clone())
    } else {
        Bound::Included(prefix.to_owned())
    };
    for (key, object) in bucket.objects.range::<String, _>((start, Bound::Unbounded)) {
        let Some(rest) = key.strip_prefix(prefix) else {
            break;
        };
        let folder = delimiter.and_then(|delimiter| {
            Some(&key[..prefix.len() + rest.find(delimiter)? + delimiter.len()])
        });
        let known =
            folder.is_some_and(|folder| folders.contains(folder) || after.starts_with(folder));
        if !known && objects.len() + folders.len() >= size {
            more = true;
            break;
        }
        match folder {
            Some(folder) if !known => drop(folders.insert(folder)),
            Some(_) => {}
            None => objects.push((key, object)),
        }
        last.clone_from(key);
    }
    let url = request.query("encoding-type") == Some("url");
    Ok(listing(
        bucket,
        prefix,
        delimiter,
        (size, url),
        &objects,
        &folders,
        more.then_some(last),
    ))
}

/// The XML of a page: keys percent-encoded or not, and the last key seen if there are more.
fn listing(
    bucket: &Bucket,
    prefix: &str,
    delimiter: Option<&str>,
    (size, url): (usize, bool),
    objects: &[(&str, &Object)],
    folders: &BTreeSet<&str>,
    last: Option<String>,
) -> Response {
    let text = |text: &str| {
        if url {
            http::encode(text)
        } else {
            http::xml(text)
        }
    };
    let mut body = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
    );
    let mut tag = |name: &str, value: &str| body.extend(["<", name, ">", value, "</", name, ">"]);
    tag("Name", &bucket.name);
    tag("Prefix", &text(prefix));
    tag("KeyCount", &(objects.len() + folders.len()).to_string());
    tag("MaxKeys", &size.to_string());
    tag("IsTruncated", if last.is_some() { "true" } else { "false" });
    if let Some(delimiter) = delimiter {
        tag("Delimiter", &text(delimiter));
    }
    if url {
        tag("EncodingType", "url");
    }
    if let Some(last) = last {
        tag("NextContinuationToken", &token(&last));
    }
    for (key, object) in objects {
        let etag = http::xml(&etag(key, object));
        let fields = format!(
            "<Key>{}</Key><LastModified>{}</LastModified><ETag>{etag}</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass>",
            text(key),
            object.modified,
            object.body.len()
        );
        tag("Contents", &fields);
    }
    for folder in folders {
        tag(
            "CommonPrefixes",
            &format!("<Prefix>{}</Prefix>", text(folder)),
        );
    }
    body.push_str("</ListBucketResult>");
    Response::new(200, "application/xml", body)
}

fn get(bucket: &Bucket, key: &str, request: &Request) -> Result<Response, Refusal> {
    if bucket
        .closed
        .iter()
        .any(|closed| key.starts_with(closed.as_str()))
    {
        return Err(access_denied());
    }
    let object = bucket
        .objects
        .get(key)
        .ok_or_else(|| Refusal::new(404, "NoSuchKey", "The specified key does not exist."))?;
    let tag = etag(key, object);
    if request
        .header("if-match")
        .is_some_and(|wanted| wanted != tag)
    {
        return Err(Refusal::new(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        ));
    }
    let bytes = object.body.bytes();
    let mut response = match request.header("range") {
        None => Response::new(200, "application/octet-stream", bytes.to_vec()),
        Some(range) => {
            let (from, to) = resolve(range, bytes.len()).ok_or_else(|| {
                Refusal::new(
                    416,
                    "InvalidRange",
                    "The requested range is not satisfiable",
                )
            })?;
            let part = Response::new(206, "application/octet-stream", bytes[from..=to].to_vec());
            part.with(
                "Content-Range",
                format!("bytes {from}-{to}/{}", bytes.len()),
            )
        }
    };
    response.headers.extend(object.metadata.clone());
    if let Some(encoding) = &object.content_encoding {
        response = response.with("Content-Encoding", encoding.clone());
    }
    let modified = object
        .modified
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    Ok(response
        .with("ETag", tag)
        .with("Last-Modified", modified)
        .with("Accept-Ranges", "bytes"))
}

/// The metadata that is kept with an object.
const METADATA: [&str; 1] = ["x-amz-meta-secretsweep-run"];

/// Writes an object, unless its conditions do not hold.
fn put(
    bucket: &mut Bucket,
    key: &str,
    request: &Request,
    now: jiff::Timestamp,
) -> Result<Response, Refusal> {
    let failed = || {
        Refusal::new(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )
    };
    let there = bucket.objects.get(key);
    if request.header("if-none-match") == Some("*") && there.is_some() {
        return Err(failed());
    }
    if let Some(wanted) = request.header("if-match") {
        let object = there
            .ok_or_else(|| Refusal::new(404, "NoSuchKey", "The specified key does not exist."))?;
        if etag(key, object) != wanted {
            return Err(failed());
        }
    }
    let object = Object {
        body: Body::Bytes(request.body.clone().into()),
        content_encoding: None,
        modified: now,
        metadata: METADATA
            .iter()
            .filter_map(|name| Some((*name, request.header(name)?.to_owned())))
            .collect(),
    };
    let tag = etag(key, &object);
    bucket.objects.insert(key.to_owned(), object);
    Ok(Response::new(200, "application/xml", "").with("ETag", tag))
}

/// The first and last byte that `bytes=a-b`, `bytes=a-` or `bytes=-n` asks for.
fn resolve(range: &str, len: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let last = len.checked_sub(1)?;
    let (from, to) = match (from, to) {
        ("", count) => (len.saturating_sub(count.parse().ok()?), last),
        (from, "") => (from.parse().ok()?, last),
        (from, to) => (from.parse().ok()?, to.parse::<usize>().ok()?.min(last)),
    };
    (from <= to).then_some((from, to))
}

/// A quoted tag that follows from key, content and time.
fn etag(key: &str, object: &Object) -> String {
    let content = match &object.body {
        Body::Bytes(bytes) => super::world::hash(&String::from_utf8_lossy(bytes)),
        Body::Made(len, _) => *len as u64,
    };
    let text = format!("{content} {} {}", object.body.len(), object.modified);
    format!(
        "\"{:016x}{:016x}\"",
        super::world::hash(key),
        super::world::hash(&text)
    )
}

/// A continuation token: the last key in hexadecimal, so that nobody takes it for a key.
fn token(key: &str) -> String {
    key.bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

fn untoken(token: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = (0..token.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(token.get(at..at + 2)?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

/// Bucket and key of a path.
fn split(path: &str) -> (String, String) {
    let path = path.trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (bucket.to_owned(), http::decode(key, Plus::Literal))
}

fn access_denied() -> Refusal {
    Refusal::new(403, "AccessDenied", "Access Denied")
}
