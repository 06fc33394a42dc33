//! Saying no, in the protocol and the words of each service.

use serde_json::json;

use super::call::{Call, Caller};
use super::http::{self, Response};
use super::{iam, sts};

/// Why a service says no.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Such as `ResourceNotFoundException`.
    pub code: String,
    /// The sentence for people.
    pub message: String,
    /// Headers that belong to it.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            headers: Vec::new(),
        }
    }
}

/// Returns what the service says to a key that it does not know.
pub fn invalid_token(service: &str) -> Refusal {
    let message = "The security token included in the request is invalid.";
    match service {
        "sts" | "iam" => Refusal::new(403, "InvalidClientTokenId", message),
        "s3" => Refusal::new(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        _ => Refusal::new(400, "UnrecognizedClientException", message),
    }
}

/// A common refusal in the words of the services that have their own for it.
pub fn worded(service: &str, refusal: &Refusal) -> Refusal {
    let Refusal { message, .. } = refusal;
    match (service, refusal.code.as_str()) {
        ("s3", "ThrottlingException") => {
            Refusal::new(503, "SlowDown", "Please reduce your request rate.")
        }
        ("s3", "InternalFailure") => Refusal::new(refusal.status, "InternalError", message),
        ("s3", "ExpiredTokenException") => Refusal::new(400, "ExpiredToken", message),
        ("sts" | "iam", "ThrottlingException") => Refusal::new(400, "Throttling", message),
        ("sts" | "iam", "ExpiredTokenException") => Refusal::new(403, "ExpiredToken", message),
        ("s3" | "sts" | "iam", "UnrecognizedClientException") => invalid_token(service),
        _ => refusal.clone(),
    }
}

/// IAM's refusal, in its words.
pub fn denied(call: &Call, caller: &Caller) -> Refusal {
    let Call {
        service,
        op,
        region,
        ..
    } = call;
    let resource = if *service == "secretsmanager" {
        match call.param("SecretId").as_str() {
            Some(arn) if arn.starts_with("arn:") => format!(" on resource: {arn}"),
            Some(name) => format!(
                " on resource: arn:aws:secretsmanager:{region}:{}:secret:{name}",
                caller.account
            ),
            None => String::new(),
        }
    } else {
        String::new()
    };
    let message = format!(
        "User: {} is not authorized to perform: {service}:{op}{resource} because no identity-based policy allows the {service}:{op} action",
        caller.arn
    );
    match *service {
        "sts" | "s3" | "iam" => Refusal::new(403, "AccessDenied", message),
        "account" => Refusal::new(403, "AccessDeniedException", message),
        _ => Refusal::new(400, "AccessDeniedException", message),
    }
}

/// The refusal in the protocol of its service.
pub fn refused(service: &str, refusal: &Refusal) -> Response {
    let Refusal {
        status,
        code,
        message,
        headers,
    } = refusal;
    let (name, text) = (http::xml(code), http::xml(message));
    let mut response = match service {
        "sts" | "iam" => {
            let fault = if *status >= 500 { "Receiver" } else { "Sender" };
            let body = format!(
                "<ErrorResponse xmlns=\"{}\"><Error><Type>{fault}</Type><Code>{name}</Code><Message>{text}</Message></Error><RequestId>loopback</RequestId></ErrorResponse>",
                if service == "iam" {
                    iam::NAMESPACE
                } else {
                    sts::NAMESPACE
                }
            );
            Response::new(*status, "text/xml", body)
        }
        "s3" => {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{name}</Code><Message>{text}</Message><RequestId>loopback</RequestId></Error>"
            );
            Response::new(*status, "application/xml", body)
        }
        "account" => Response::new(
            *status,
            "application/json",
            json!({ "message": message }).to_string(),
        )
        .with("x-amzn-ErrorType", code.clone()),
        _ => Response::new(
            *status,
            "application/x-amz-json-1.1",
            json!({ "__type": code, "message": message }).to_string(),
        ),
    };
    response.headers.extend(headers.iter().cloned());
    response
}
