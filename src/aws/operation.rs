//! An operation of a service whose SDK would cost more than it brings: one call of IAM, one of KMS, and a client crate of
//! thousands of files for each.
//!
//! Such a call goes the way of every other one: the credentials, connections, retries, time-outs and user agent of the
//! session, endpoint overrides (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`, the profile), a Signature Version 4, and
//! the gate, which bounds, counts and refuses what no adapter declares. Here is what the SDK would add: the host of the
//! service, how a request is written in its protocol, and where an error stands in an answer.
//!
//! An answer is handed over as JSON; [`xml`](super::xml) makes it of the answers of the Query protocol. In a partition for
//! which no host is known the call is refused.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor};
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::{ErrorKind, ProvideErrorKind, RetryConfig};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::gate::{ActionGuard, RequestLimiter};
use super::secrets::same_token;
use super::{HOME, xml};
use crate::ports::Fault;

/// A service that is asked without its SDK.
#[derive(Clone, Copy, Debug)]
pub(super) struct RemoteService {
    /// Its id as the SDKs have it, such as `Cost Explorer`: for the user agent, and for `AWS_ENDPOINT_URL_COST_EXPLORER`.
    pub(super) id: &'static str,
    /// Its name in signatures and in IAM actions, such as `ce`.
    pub(super) name: &'static str,
    /// How a request is written.
    pub(super) protocol: Protocol,
    /// Where it is asked.
    pub(super) endpoint: fn(&CallPlace<'_>) -> Option<Endpoint>,
}

/// How a request is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protocol {
    /// JSON 1.1. Holds what stands before the name of the operation in `X-Amz-Target`.
    Json(&'static str),
    /// The Query protocol, which is answered in XML. Holds the version of the API.
    Query(&'static str),
    /// JSON to a path that is named after the operation.
    RestJson,
}

/// Where a call is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallPlace<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub(super) partition: &'a str,
    /// The Region of the settings.
    pub(super) region: &'a str,
    /// Only endpoints with validated cryptography are wanted (`AWS_USE_FIPS_ENDPOINT`).
    pub(super) fips: bool,
    /// Only endpoints with addresses of IPv6 are wanted (`AWS_USE_DUALSTACK_ENDPOINT`).
    pub(super) dual_stack: bool,
}

/// The host of a service, and the Region that requests to it are signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Without a scheme.
    pub(super) host: String,
    /// Of the signature.
    pub(super) region: String,
}

/// An error that a service answered with.
#[derive(Debug)]
struct ServiceError(ErrorMetadata);

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for ServiceError {}

impl ProvideErrorMetadata for ServiceError {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl ProvideErrorKind for ServiceError {
    fn retryable_error_kind(&self) -> Option<ErrorKind> {
        None
    }

    fn code(&self) -> Option<&str> {
        self.0.code()
    }
}

/// One operation of a [`RemoteService`], ready to be called any number of times.
#[derive(Clone, Debug)]
pub(super) struct ServiceOperation {
    action: &'static str,
    protocol: Protocol,
    gate: Arc<RequestLimiter>,
    operation: Operation<Value, Vec<u8>, ServiceError>,
}

impl ServiceOperation {
    /// The operation with this IAM action, in the account and Region of these settings.
    ///
    /// # Errors
    /// [`Fault::Refused`] if the action is not one of this service, or if no endpoint is known in this partition.
    pub(super) fn new(
        service: &RemoteService,
        action: &'static str,
        partition: &str,
        settings: &SdkConfig,
        gate: &Arc<RequestLimiter>,
    ) -> Result<Self, Fault> {
        let of_service = action
            .split_once(':')
            .filter(|(prefix, _)| *prefix == service.name);
        let (_, name) = of_service.ok_or_else(|| Fault::Refused {
            code: "NotSent".to_owned(),
            message: format!("{action} is no operation of {}", service.id),
        })?;
        let region = settings.region().map_or(HOME, AsRef::as_ref);
        let place = CallPlace {
            partition,
            region,
            fips: settings.use_fips().unwrap_or_default(),
            dual_stack: settings.use_dual_stack().unwrap_or_default(),
        };
        let (url, signing_region) = url(service, &place, settings)?;
        let timeouts = settings.timeout_config().cloned();
        let retries = settings.retry_config().cloned();
        let mut builder = Operation::builder()
            // The gate reads the IAM action from these two.
            .service_name(service.name)
            .operation_name(name)
            .endpoint_url(&url)
            .timeout_config(timeouts.unwrap_or_else(TimeoutConfig::disabled))
            .standard_retry(&retries.unwrap_or_else(RetryConfig::standard))
            .retry_classifier(TransientErrorClassifier::<ServiceError>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(AwsErrorCodeClassifier::<ServiceError>::new())
            .retry_classifier(ServiceClockSkewClassifier::<ServiceError>::new())
            .with_connection_poisoning()
            .interceptor(ServiceClockSkewInterceptor::new())
            .interceptor(RequestInfoInterceptor::new())
            .interceptor(InvocationIdInterceptor::new())
            .interceptor(UserAgentInterceptor::new())
            .interceptor(ActionGuard(Arc::clone(gate)))
            .runtime_plugin(signing(service, signing_region, settings));
        if let Some(behaviour) = settings.behavior_version() {
            builder = builder.behavior_version(behaviour);
        }
        if let Some(client) = settings.http_client() {
            builder = builder.http_client(client);
        }
        if let Some(sleep) = settings.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        if let Some(time) = settings.time_source() {
            builder = builder.time_source(time);
        }
        if let Some(protection) = settings.stalled_stream_protection() {
            builder = builder.stalled_stream_protection(protection);
        }
        let protocol = service.protocol;
        let operation = builder
            .serializer(move |input: Value| request(protocol, name, &input))
            .deserializer(move |answer| read(protocol, answer))
            .build();
        Ok(Self {
            action,
            protocol,
            gate: Arc::clone(gate),
            operation,
        })
    }

    /// Makes the call. The input is a JSON object, whatever the protocol: its members are the parameters.
    ///
    /// # Errors
    /// The [`Fault`], as for every other request; [`Fault::Unreachable`] for an answer that cannot be read.
    pub(super) async fn call(&self, input: &Value) -> Result<Value, Fault> {
        let bytes = self
            .gate
            .ask(self.action, || self.operation.invoke(input.clone()))
            .await?;
        let answer = match self.protocol {
            Protocol::Json(_) | Protocol::RestJson => {
                serde_json::from_slice(&bytes).map_err(|error| error.to_string())
            }
            Protocol::Query(_) => xml::json(&bytes).map(|answer| self.result(answer)),
        };
        answer.map_err(|why| {
            Fault::Unreachable(format!(
                "the answer to {} cannot be read: {why}",
                self.action
            ))
        })
    }

    /// The result in an answer of the Query protocol: `<Operation>Result`.
    fn result(&self, mut answer: Value) -> Value {
        let name = self.action.split_once(':').map_or("", |(_, name)| name);
        match answer.get_mut(format!("{name}Result")) {
            Some(result) => result.take(),
            None => answer,
        }
    }

    /// Every page of a list, in order. `token` is the name of the member that leads to the next page, in the answer and in
    /// the input. A page may be empty and not be the last.
    ///
    /// The second part is what ended the list before its end.
    pub(super) async fn pages(&self, input: Value, token: &str) -> (Vec<Value>, Option<Fault>) {
        let mut input = input;
        let mut pages = Vec::new();
        loop {
            let page = match self.call(&input).await {
                Ok(page) => page,
                Err(fault) => return (pages, Some(fault)),
            };
            let is_there = |next: &&Value| !next.is_null() && **next != "";
            let next = page.get(token).filter(is_there).cloned();
            pages.push(page);
            let Some(next) = next else {
                return (pages, None);
            };
            if input.get(token) == Some(&next) {
                return (pages, Some(same_token()));
            }
            input[token] = next;
        }
    }
}

impl ServiceOperation {
    /// The entries of a list, from all its pages: those of the member `entries`.
    ///
    /// # Errors
    /// The [`Fault`] that ended the list before its end, also where an entry cannot be read.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        input: Value,
        token: &str,
        entries: &str,
    ) -> Result<Vec<T>, Fault> {
        let (pages, fault) = self.pages(input, token).await;
        if let Some(fault) = fault {
            return Err(fault);
        }
        let mut all = Vec::new();
        for mut page in pages {
            let page = page.get_mut(entries).map(Value::take).unwrap_or_default();
            let read: Option<Vec<T>> = serde_json::from_value(page).map_err(|error| {
                Fault::Unreachable(format!(
                    "`{entries}` of {} cannot be read: {error}",
                    self.action
                ))
            })?;
            all.extend(read.into_iter().flatten());
        }
        Ok(all)
    }
}

/// The URL to ask, and the Region to sign for: an override goes before the host of the service, as for `aws`.
fn url(
    service: &RemoteService,
    place: &CallPlace<'_>,
    settings: &SdkConfig,
) -> Result<(String, String), Fault> {
    let known = (service.endpoint)(place);
    let named = if settings.get_origin("endpoint_url").is_client_config() {
        settings.endpoint_url().map(str::to_owned)
    } else {
        let key = ServiceConfigKey::builder()
            .service_id(service.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok();
        let of_service = settings
            .service_config()
            .zip(key)
            .and_then(|(config, key)| config.load_config(key));
        of_service.or_else(|| settings.endpoint_url().map(str::to_owned))
    };
    match (named, known) {
        (Some(url), Some(known)) => Ok((url, known.region)),
        (Some(url), None) => Ok((url, place.region.to_owned())),
        (None, Some(known)) => Ok((format!("https://{}", known.host), known.region)),
        (None, None) => Err(Fault::Refused {
            code: "NoEndpoint".to_owned(),
            message: format!(
                "no {}endpoint of {} is known for the partition `{}`: name one in AWS_ENDPOINT_URL_{}",
                if place.fips { "FIPS " } else { "" },
                service.id,
                place.partition,
                service.id.to_uppercase().replace(' ', "_"),
            ),
        }),
    }
}

/// What signs requests and names the program in them.
fn signing(service: &RemoteService, region: String, settings: &SdkConfig) -> StaticRuntimePlugin {
    let mut config = Layer::new("signing");
    config.store_put(AuthSchemeOptionResolverParams::new(()));
    config.store_put(SigningName::from_static(service.name));
    config.store_put(SigningRegion::from(aws_types::region::Region::new(region)));
    let mut signing = SigV4OperationSigningConfig::default();
    signing.signing_options.double_uri_encode = true;
    signing.signing_options.normalize_uri_path = true;
    config.store_put(signing);
    config.store_put(ApiMetadata::new(
        service.id,
        concat!(env!("CARGO_PKG_NAME"), "-", env!("CARGO_PKG_VERSION")),
    ));
    if let Some(name) = settings.app_name() {
        config.store_put(name.clone());
    }
    let mut components = RuntimeComponentsBuilder::new("signing");
    components.set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
        StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
    )));
    components.push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()));
    if let Some(credentials) = settings.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
    }
    if let Some(cache) = settings.identity_cache() {
        components.set_identity_cache(Some(cache));
    }
    StaticRuntimePlugin::new()
        .with_config(config.freeze())
        .with_runtime_components(components)
}

/// The request, in the words of the protocol.
fn request(protocol: Protocol, name: &str, input: &Value) -> Result<HttpRequest, BoxError> {
    let (body, kind) = match protocol {
        Protocol::Json(_) => (serde_json::to_string(input)?, "application/x-amz-json-1.1"),
        Protocol::RestJson => (serde_json::to_string(input)?, "application/json"),
        Protocol::Query(version) => (
            form(name, version, input),
            "application/x-www-form-urlencoded",
        ),
    };
    let length = body.len();
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri(match protocol {
        Protocol::RestJson => path(name),
        Protocol::Json(_) | Protocol::Query(_) => "/".to_owned(),
    })?;
    let headers = request.headers_mut();
    headers.insert("content-type", kind);
    headers.insert("content-length", length.to_string());
    if let Protocol::Json(prefix) = protocol {
        headers.insert("x-amz-target", format!("{prefix}.{name}"));
    }
    Ok(request)
}

/// The path of an operation: its name, which begins with a small letter there.
fn path(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let name: String = first.into_iter().chain(letters).collect();
    format!("/{name}")
}

/// What stands for itself in a form (RFC 3986, "Unreserved Characters").
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The parameters of the Query protocol: members of objects by `.`, entries of lists by `.member.` and their number
/// (Smithy specification, "AWS query protocol").
fn form(name: &str, version: &str, input: &Value) -> String {
    fn put(pairs: &mut Vec<(String, String)>, key: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) => pairs.push((key.to_owned(), text.clone())),
            Value::Bool(_) | Value::Number(_) => pairs.push((key.to_owned(), value.to_string())),
            Value::Array(entries) => {
                for (place, entry) in entries.iter().enumerate() {
                    put(pairs, &format!("{key}.member.{}", place + 1), entry);
                }
            }
            Value::Object(members) => {
                for (member, value) in members {
                    let key = match key {
                        "" => member.clone(),
                        outer => format!("{outer}.{member}"),
                    };
                    put(pairs, &key, value);
                }
            }
        }
    }
    let mut pairs = vec![
        ("Action".to_owned(), name.to_owned()),
        ("Version".to_owned(), version.to_owned()),
    ];
    put(&mut pairs, "", input);
    let escaped = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let joined: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", escaped(key), escaped(value)))
        .collect();
    joined.join("&")
}

/// The bytes of an answer, or the error that it holds.
fn read(
    protocol: Protocol,
    answer: &HttpResponse,
) -> Result<Vec<u8>, OrchestratorError<ServiceError>> {
    let body = answer.body().bytes().unwrap_or_default();
    if answer.status().is_success() {
        return Ok(body.to_vec());
    }
    let (code, message) = match protocol {
        Protocol::Json(_) | Protocol::RestJson => json_error(answer, body),
        Protocol::Query(_) => xml_error(body),
    };
    let mut error = ErrorMetadata::builder();
    if let Some(code) = code {
        error = error.code(code);
    }
    if let Some(message) = message {
        error = error.message(message);
    }
    Err(OrchestratorError::operation(ServiceError(error.build())))
}

/// The code and the message of an error in JSON: `prefix#Code:more`, in a header or in the body.
fn json_error(answer: &HttpResponse, body: &[u8]) -> (Option<String>, Option<String>) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let code = answer
        .headers()
        .get("x-amzn-errortype")
        .or_else(|| text("__type"))
        .or_else(|| text("code"));
    let code = code.map(|code| {
        let code = code.rsplit('#').next().unwrap_or(code);
        code.split(':').next().unwrap_or(code).to_owned()
    });
    let message = text("message").or_else(|| text("Message"));
    (code, message.map(str::to_owned))
}

/// The code and the message of an error in XML: `<ErrorResponse><Error><Code>`.
fn xml_error(body: &[u8]) -> (Option<String>, Option<String>) {
    let body = xml::json(body).unwrap_or_default();
    let error = body.get("Error").unwrap_or(&body);
    let text = |key: &str| Some(error.get(key)?.as_str()?.to_owned());
    (text("Code"), text("Message"))
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
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

    #[tokio::test]
    async fn a_call_is_signed_tried_again_counted_and_marked_as_ours() {
        let throttled = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
        let done = "<R><GetAccountAuthorizationDetailsResult><B>c</B></GetAccountAuthorizationDetailsResult></R>";
        let answers = vec![(400, throttled), (500, ""), (200, done)];
        let wire = Wire {
            sent: Arc::default(),
            answers: Arc::new(Mutex::new(answers)),
        };
        let connector = SharedHttpConnector::new(wire.clone());
        let settings = SdkConfig::builder()
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
            .build();
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

    #[test]
    fn parameters_are_written_as_the_query_protocol_has_them() {
        let input = json!({"Filter": ["Role", "User"], "Marker": "a b&c=d/é", "MaxItems": 1000, "None": null});
        assert_eq!(
            form("GetAccountAuthorizationDetails", "2010-05-08", &input),
            "Action=GetAccountAuthorizationDetails&Version=2010-05-08&Filter.member.1=Role&Filter.member.2=User\
             &Marker=a%20b%26c%3Dd%2F%C3%A9&MaxItems=1000"
        );
    }

    #[test]
    fn the_target_of_a_json_operation_stands_in_a_header() {
        let sent = request(
            Protocol::Json("TrentService"),
            "GetKeyPolicy",
            &json!({"KeyId": "1"}),
        );
        let sent = sent.unwrap();
        assert_eq!(
            sent.headers().get("x-amz-target"),
            Some("TrentService.GetKeyPolicy")
        );
        assert_eq!(sent.body().bytes(), Some(&br#"{"KeyId":"1"}"#[..]));
    }

    #[test]
    fn an_error_is_found_wherever_a_protocol_has_it() {
        let answer = |header: Option<&str>, body: &str| {
            let mut answer = HttpResponse::new(
                400.try_into().expect("a status code"),
                SdkBody::from(body.to_owned()),
            );
            if let Some(header) = header {
                answer
                    .headers_mut()
                    .insert("x-amzn-errortype", header.to_owned());
            }
            answer
        };
        let json = Protocol::Json("T");
        let query = Protocol::Query("1");
        for (protocol, header, body, code, message) in [
            (
                json,
                None,
                r#"{"__type":"com.amazon#AccessDeniedException","Message":"no"}"#,
                Some("AccessDeniedException"),
                Some("no"),
            ),
            (
                json,
                Some("ThrottlingException:http://x"),
                r#"{"message":"slow"}"#,
                Some("ThrottlingException"),
                Some("slow"),
            ),
            (json, None, "not JSON", None, None),
            (
                query,
                None,
                "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate &amp; more</Message>\
                 </Error></ErrorResponse>",
                Some("Throttling"),
                Some("Rate & more"),
            ),
            (query, None, "<html>", None, None),
        ] {
            let error = read(protocol, &answer(header, body)).unwrap_err();
            let error = error.as_operation_error().expect("an error of the service");
            assert_eq!(
                (error.0.code(), error.0.message()),
                (code, message),
                "{body}"
            );
        }
    }
}
