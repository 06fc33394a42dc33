//! The loopback AWS proves itself: the SDK's own clients understand it, it refuses what AWS
//! refuses, and its faults arrive as what they claim to be.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_account::types::RegionOptStatus;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_sdk_s3::types::RequestPayer;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::types::{
    Filter, FilterNameStringType, ReplicaRegionType, SortByType, SortOrderType, Tag,
};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::SignedDuration;
use serde_json::json;

use crate::aws::world::{
    Account, Body, Bucket, Early, Event, Opt, Rate, Secret, Status, Trail, Version, at,
};
use crate::aws::{Aws, Fault, World, access_key};

mod accounts;
mod cloudtrail;
mod faults;
mod s3;
mod secretsmanager;

const A: &str = "111122223333";
const B: &str = "444455556666";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// Clients that never try again, so that each refusal is seen.
async fn config(aws: &Aws, account: &str, region: &str) -> SdkConfig {
    config_with(
        aws,
        region,
        Credentials::new(access_key(account), "secret", None, None, "test"),
    )
    .await
}

/// An HTTP client as the program has it. The SDK has none of its own here: it would bring a second implementation of TLS.
pub(crate) fn http_client() -> SharedHttpClient {
    Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https()
}

async fn config_with(aws: &Aws, region: &str, credentials: Credentials) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .endpoint_url(aws.endpoint())
        .credentials_provider(credentials)
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::disabled())
        .load()
        .await
}

async fn vault(aws: &Aws, account: &str, region: &str) -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(&config(aws, account, region).await)
}

async fn history(aws: &Aws, account: &str, region: &str) -> aws_sdk_cloudtrail::Client {
    aws_sdk_cloudtrail::Client::new(&config(aws, account, region).await)
}

async fn store(aws: &Aws, account: &str, region: &str) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(&config(aws, account, region).await)
}

/// The error code of a call that must be refused; empty when the failure has none.
fn code<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, E>) -> String {
    result
        .expect_err("this call is refused")
        .code()
        .unwrap_or_default()
        .to_owned()
}

/// The error message of a call that must be refused.
fn message<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, E>) -> String {
    result
        .expect_err("this call is refused")
        .message()
        .unwrap_or_default()
        .to_owned()
}

/// A request that no SDK client of this project may make; status and body of the answer.
fn raw(aws: &Aws, target: &str, body: &str, authorization: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(aws.endpoint().trim_start_matches("http://")).unwrap();
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nX-Amz-Target: {target}\r\n{authorization}Content-Length: {length}\r\n\r\n"
    );
    stream
        .write_all([head.as_str(), body].concat().as_bytes())
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

fn signed(account: &str, service: &str) -> String {
    let key = access_key(account);
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={key}/20261123/{EAST}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
    )
}
