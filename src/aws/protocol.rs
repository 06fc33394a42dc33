//! How requests are written and errors are found in the protocols of AWS: JSON 1.1, the Query protocol, and JSON to a path.
//!
//! What this does not do: sign, send, and try again.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::{ErrorKind, ProvideErrorKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::xml;

/// The protocol in which a request is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protocol {
    /// JSON 1.1. Holds what stands before the name of the operation in `X-Amz-Target`.
    Json(&'static str),
    /// The Query protocol, which is answered in XML. Holds the version of the API.
    Query(&'static str),
    /// JSON to a path that is named after the operation.
    RestJson,
}

/// An error that a service answered with.
#[derive(Debug)]
pub(super) struct ServiceError(pub(super) ErrorMetadata);

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

/// The request, in the words of the protocol.
pub(super) fn request(
    protocol: Protocol,
    name: &str,
    input: &Value,
) -> Result<HttpRequest, BoxError> {
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

/// The characters that stay as they are in a form (RFC 3986, "Unreserved Characters").
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The parameters of the Query protocol: members of objects by `.`, entries of lists by `.member.` and their number
/// (Smithy specification, "AWS query protocol").
pub(super) fn form(name: &str, version: &str, input: &Value) -> String {
    fn put(pairs: &mut Vec<(String, String)>, key: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) => pairs.push((key.to_owned(), text.clone())),
            Value::Bool(_) | Value::Number(_) => pairs.push((key.to_owned(), value.to_string())),
            Value::Array(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    put(pairs, &format!("{key}.member.{}", index + 1), entry);
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
pub(super) fn read(
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
    use serde_json::json;

    use super::*;

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
