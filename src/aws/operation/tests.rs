//! Calls are signed, repeated, counted and bounded, on a wire of our own.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_types::region::Region as SdkRegion;
use serde_json::json;
use std::sync::Mutex;

use super::*;
use crate::aws::Patience;

/// Answers each request with the next of these, and keeps what was sent.
#[derive(Clone, Debug)]
struct Wire {
    sent: Arc<Mutex<Vec<HttpRequest>>>,
    answers: Arc<Mutex<Vec<(u16, &'static str)>>>,
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.sent.lock().unwrap().push(request);
        let (status, body) = self.answers.lock().unwrap().remove(0);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(
            status.try_into().expect("a status code"),
            SdkBody::from(body),
        )))
    }
}

const IAM: RemoteService = RemoteService {
    id: "IAM",
    name: "iam",
    protocol: Protocol::Query("2010-05-08"),
    endpoint: |_| {
        Some(Endpoint {
            host: "iam.example".to_owned(),
            region: "us-east-1".to_owned(),
        })
    },
};

fn wire(answers: Vec<(u16, &'static str)>) -> Wire {
    Wire {
        sent: Arc::default(),
        answers: Arc::new(Mutex::new(answers)),
    }
}

/// The settings of a session whose requests go to the wire.
fn settings(wire: &Wire) -> SdkConfig {
    let connector = SharedHttpConnector::new(wire.clone());
    SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(SdkRegion::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKIAEXAMPLE",
            "secret",
            None,
            None,
            "test",
        )))
        .retry_config(
            RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1)),
        )
        .app_name(aws_config::AppName::new("secretsweep").unwrap())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build()
}

#[tokio::test]
async fn a_list_goes_on_past_empty_pages_and_ends_where_it_does_not_move() {
    let page = |marker: &str| format!("<R><XResult><A/><Marker>{marker}</Marker></XResult></R>");
    let (first, second): (&str, &str) = (page("1").leak(), page("2").leak());
    let last = "<R><XResult><A><member>a</member></A></XResult></R>";
    let gate = Arc::new(RequestLimiter::new(Patience::default(), vec!["iam:X"]));
    for (answers, pages, ends) in [
        (vec![(200, first), (200, second), (200, last)], 3, None),
        (
            vec![(200, first), (200, first)],
            2,
            Some("the token of this one"),
        ),
        (
            vec![(200, first), (200, "<R><XResult>")],
            1,
            Some("breaks off"),
        ),
        (
            vec![(403, "<E><Error><Code>AccessDenied</Code></Error></E>")],
            0,
            Some("iam:X is missing"),
        ),
    ] {
        let wire = wire(answers);
        let ready = ServiceOperation::new(&IAM, "iam:X", "aws", &settings(&wire), &gate);
        let (read, fault) = ready.unwrap().pages(json!({}), "Marker").await;
        assert_eq!(read.len(), pages, "{fault:?}");
        let fault = fault.map(|fault| fault.to_string());
        match (ends, &fault) {
            (None, None) => {}
            (Some(words), Some(said)) => assert!(said.contains(words), "{said}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_call_is_signed_tried_again_counted_and_marked_as_ours() {
    let throttled = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
    let done = "<R><GetAccountAuthorizationDetailsResult><B>c</B></GetAccountAuthorizationDetailsResult></R>";
    let wire = wire(vec![(400, throttled), (500, ""), (200, done)]);
    let settings = settings(&wire);
    let action = "iam:GetAccountAuthorizationDetails";
    let gate = Arc::new(RequestLimiter::new(Patience::default(), vec![action]));
    let ready = ServiceOperation::new(&IAM, action, "aws", &settings, &gate).unwrap();
    let answer = ready.call(&json!({"MaxItems": 5})).await.unwrap();
    assert_eq!(answer, json!({"B": "c"}));
    assert_eq!(gate.calls()[action], 3);
    let sent = std::mem::take(&mut *wire.sent.lock().unwrap());
    assert_eq!(sent.len(), 3);
    for request in sent {
        assert_eq!(request.uri(), "https://iam.example/");
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let signature = header("authorization");
        assert!(
            signature.contains("/us-east-1/iam/aws4_request"),
            "{signature}"
        );
        assert!(header("user-agent").contains("app/secretsweep"));
    }
    // Another operation is refused before it is sent.
    let other = ServiceOperation::new(&IAM, "iam:DeleteRole", "aws", &settings, &gate).unwrap();
    let refused = other.call(&json!({})).await.unwrap_err().to_string();
    assert!(refused.contains("declares"), "{refused}");
    assert!(wire.sent.lock().unwrap().is_empty());
    // And one of another service is not even made.
    let wrong = ServiceOperation::new(&IAM, "kms:Decrypt", "aws", &settings, &gate);
    assert!(wrong.is_err());
}
