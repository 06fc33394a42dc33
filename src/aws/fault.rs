//! From the SDK's errors to [`Fault`].
//!
//! AWS has several names for most things that go wrong, and the services differ in which they use; the lists here are
//! from the API references and from answers seen. An error that no list knows is [`Fault::Refused`] with its code, so
//! nothing is hidden.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::domain::base::gap::Gap;
use crate::domain::base::names::Scope;
use crate::ports::Fault;

/// The fault behind an error of the SDK. `action` is the IAM action of the request.
pub(super) fn of<E>(action: &str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            service(
                action,
                answer.err().code().unwrap_or_default(),
                answer.err().message().unwrap_or_default(),
                status,
            )
        }
        SdkError::ResponseError(answer) if answer.raw().status().as_u16() == 429 => {
            Fault::Throttled("HTTP 429".to_owned())
        }
        other => earlier(other).unwrap_or_else(|| {
            let text = DisplayErrorContext(other).to_string();
            let cause = chain(other).last().map_or(text, ToString::to_string);
            if let Some(error) = credentials(other) {
                without(error, cause)
            } else if matches!(other, SdkError::ConstructionFailure(_)) {
                Fault::Refused {
                    code: "NotSent".to_owned(),
                    message: cause,
                }
            } else {
                Fault::Unreachable(kind(other, &cause))
            }
        }),
    }
}

/// The fault behind credentials that were not to be had.
pub(super) fn of_credentials(error: &CredentialsError) -> Fault {
    earlier(error).unwrap_or_else(|| {
        let cause = chain(error)
            .last()
            .map_or_else(String::new, ToString::to_string);
        without(error, cause)
    })
}

/// The code of a bucket that is not there, with which the message of its [`Fault::Gone`] begins: an object that is missing
/// may only be new, but a bucket that is missing is a wrong address.
pub(super) const NO_BUCKET: &str = "NoSuchBucket";

/// The fault behind an error code that a service answered with.
fn service(action: &str, code: &str, message: &str, status: u16) -> Fault {
    let words = if message.is_empty() { code } else { message }.to_owned();
    match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "Forbidden"
        | "UnauthorizedOperation"
        | "AllAccessDisabled"
        | "OptInRequired" => Fault::Denied {
            action: missing_action(message).unwrap_or(action).to_owned(),
            message: words,
        },
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidToken"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "SignatureDoesNotMatch"
        | "TokenRefreshRequired"
        | "UnrecognizedClientException" => Fault::Credentials(format!("{code}: {words}")),
        "BandwidthLimitExceeded"
        | "EC2ThrottledException"
        | "LimitExceededException.Throttling"
        | "PriorRequestNotComplete"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "ThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => Fault::Throttled(words),
        NO_BUCKET => Fault::Gone(format!("{NO_BUCKET}: {words}")),
        "NoSuchKey" | "NotFound" | "NotFoundException" | "ResourceNotFoundException" => {
            Fault::Gone(words)
        }
        _ if status >= 500 => Fault::Unreachable(format!("HTTP {status}: {words}")),
        "" if status == 403 => Fault::Denied {
            action: action.to_owned(),
            message: "HTTP 403".to_owned(),
        },
        "" if status == 404 => Fault::Gone("HTTP 404".to_owned()),
        "" if status == 429 => Fault::Throttled("HTTP 429".to_owned()),
        "" => Fault::Unreachable(format!("HTTP {status} without an error code")),
        _ => Fault::Refused {
            code: code.to_owned(),
            message: words,
        },
    }
}

/// The action that AWS itself says is missing: `... is not authorized to perform: kms:Decrypt on resource: ...`. It can
/// be another one than that of the request.
fn missing_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    let action = rest.split_ascii_whitespace().next()?;
    let fits = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    action
        .split_once(':')
        .is_some_and(|(service, name)| fits(service) && fits(name))
        .then_some(action)
}

/// A fault of ours that travelled through the SDK: assuming a role happens while another request is made ready.
fn earlier(error: &(dyn Error + 'static)) -> Option<Fault> {
    chain(error).find_map(|link| link.downcast_ref::<Fault>().cloned())
}

/// The error about credentials, if that is what it comes from.
fn credentials<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    chain(error).find_map(|link| link.downcast_ref())
}

/// Returns whether there are none, or they cannot be used.
fn without(error: &CredentialsError, cause: String) -> Fault {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => Fault::NoCredentials,
        _ => Fault::Credentials(cause),
    }
}

/// The error, what caused it, what caused that, and so on.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let link = next?;
        next = link.source();
        Some(link)
    })
}

fn kind<E>(error: &SdkError<E, HttpResponse>, cause: &str) -> String {
    match error {
        SdkError::TimeoutError(_) => format!("time-out: {cause}"),
        SdkError::ResponseError(answer) => format!(
            "the answer (HTTP {}) cannot be read: {cause}",
            answer.raw().status().as_u16()
        ),
        _ => cause.to_owned(),
    }
}

/// The gap that a fault leaves in a scope.
pub(super) fn gap(scope: &Scope, source: &str, what: &str, fault: &Fault) -> Gap {
    Gap::new(source, Some(scope), what, fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_code_becomes_the_fault_that_callers_branch_on() {
        let cases = [
            ("AccessDeniedException", 400, "denied"),
            ("AccessDenied", 403, "denied"),
            ("", 403, "denied"),
            ("ExpiredTokenException", 400, "the credentials"),
            ("UnrecognizedClientException", 400, "the credentials"),
            ("ThrottlingException", 400, "throttled"),
            ("SlowDown", 503, "throttled"),
            ("ResourceNotFoundException", 400, "not found"),
            ("NoSuchKey", 404, "not found"),
            ("InternalServiceError", 500, "no answer"),
            ("", 502, "no answer"),
            ("InvalidRequestException", 400, "refused"),
        ];
        for (code, status, expect) in cases {
            let text = service("s3:GetObject", code, "words", status).to_string();
            assert!(text.starts_with(expect), "{code} {status}: {text}");
        }
    }

    #[test]
    fn the_action_that_aws_names_is_the_one_that_is_missing() {
        let cases = [
            (
                "User: arn:aws:iam::111122223333:user/a is not authorized to perform: kms:Decrypt on resource: key/1",
                "kms:Decrypt",
            ),
            ("is not authorized to perform: nonsense on", "s3:GetObject"),
            ("is not authorized to perform: ", "s3:GetObject"),
            ("Access Denied", "s3:GetObject"),
        ];
        for (message, expect) in cases {
            let Fault::Denied { action, .. } =
                service("s3:GetObject", "AccessDenied", message, 403)
            else {
                panic!("{message}: not denied");
            };
            assert_eq!(action, expect, "{message}");
        }
    }
}
