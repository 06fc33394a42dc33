//! The gate that every request goes through.
//!
//! It bounds how many requests run at once, counts each attempt by its IAM action, tries throttled requests again for
//! longer than the SDK does, and turns errors into [`Fault`]s.
//!
//! It also holds every adapter to what it declares: an operation whose IAM action stands in no `ACTIONS` is refused
//! before it is sent. So the policy that `iam-policy` prints cannot be too small, and a secret's value cannot be asked
//! for even by mistake. And it reads every `DeleteSecret` as it is about to go over the wire: one that does not ask for
//! a recovery window, or names the parameter that forces a deletion, is refused, whoever made it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_sts::config::interceptors::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Patience, fault, locked};
use crate::ports::{Fault, RecoveryWindow};

/// The bound, the counts and what is allowed. One for a session.
#[derive(Debug)]
pub struct RequestLimiter {
    permits: Semaphore,
    allowed: Vec<&'static str>,
    calls: Mutex<BTreeMap<String, u64>>,
    patience: Patience,
}

impl RequestLimiter {
    /// A gate that lets only these IAM actions through.
    pub(super) fn new(patience: Patience, allowed: Vec<&'static str>) -> Self {
        Self {
            permits: Semaphore::new(patience.at_once.max(1)),
            allowed,
            calls: Mutex::default(),
            patience,
        }
    }

    /// The bounds and waits of the session.
    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    /// The requests made so far by IAM action.
    pub(super) fn calls(&self) -> BTreeMap<String, u64> {
        locked(&self.calls).clone()
    }

    /// Waits for a permit among the requests that run at once.
    pub(super) async fn permit(&self) -> SemaphorePermit<'_> {
        self.permits
            .acquire()
            .await
            .expect("the semaphore of the gate is never closed")
    }

    /// Makes one request, with a permit taken; throttled ones are tried again for a while.
    ///
    /// # Errors
    /// The [`Fault`] of the last attempt; `action` is named if it is missing.
    pub(super) async fn ask<T, E, Fut>(
        &self,
        action: &'static str,
        request: impl Fn() -> Fut,
    ) -> Result<T, Fault>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let begun = Instant::now();
        let mut wait = self.patience.first_wait.max(Duration::from_millis(1));
        loop {
            let answer = {
                let _permit = self.permit().await;
                request().await
            };
            let fault = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => fault::of(action, &error),
            };
            if !matches!(fault, Fault::Throttled(_))
                || begun.elapsed() + wait > self.patience.throttled
            {
                return Err(fault);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(8));
        }
    }
}

/// Counts requests, and stops those that nobody declared.
#[derive(Debug)]
pub(super) struct ActionGuard(pub(super) Arc<RequestLimiter>);

impl Intercept for ActionGuard {
    fn name(&self) -> &'static str {
        "secretsweep-warden"
    }

    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let action = action_of(settings);
        if self.0.allowed.contains(&action.as_str()) {
            Ok(())
        } else {
            Err(format!("{action} is not among the actions that this program declares").into())
        }
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let action = action_of(settings);
        // After this hook nothing can change the request any more.
        if action == "secretsmanager:DeleteSecret" {
            keeps_a_window(context.request().body().bytes())?;
        }
        *locked(&self.0.calls).entry(action).or_default() += 1;
        Ok(())
    }
}

/// Refuses the body of a `DeleteSecret` that would delete without recovery. What cannot be read is refused, too.
fn keeps_a_window(body: Option<&[u8]>) -> Result<(), BoxError> {
    let body = body.ok_or("a deletion whose request cannot be read is not sent")?;
    let request: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body)?;
    // Not even `false`: nothing here has a reason to name it.
    if request.contains_key("ForceDeleteWithoutRecovery") {
        return Err("a deletion without recovery is never sent".into());
    }
    let days = request
        .get("RecoveryWindowInDays")
        .and_then(serde_json::Value::as_u64);
    match days.and_then(RecoveryWindow::new) {
        Some(_) => Ok(()),
        None => Err("a deletion without a recovery window of 7 to 30 days is not sent".into()),
    }
}

/// The IAM action of the operation that is under way.
fn action_of(settings: &ConfigBag) -> String {
    settings.load::<Metadata>().map_or_else(
        || "unknown".to_owned(),
        |operation| action(operation.service(), operation.name()),
    )
}

/// The IAM action of an operation: the same name but for S3 (service authorization reference).
fn action(service: &str, operation: &str) -> String {
    let operation = match (service, operation) {
        ("S3", "ListObjectsV2" | "HeadBucket") => "ListBucket",
        (_, other) => other,
    };
    let service = service.to_ascii_lowercase().replace(' ', "");
    format!("{service}:{operation}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_nobody_declares_is_refused_before_it_is_sent() {
        let gate = Arc::new(RequestLimiter::new(
            Patience::default(),
            vec!["sts:AssumeRole"],
        ));
        let settings = aws_sdk_sts::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_sts::config::Region::from_static("us-east-1"))
            // Nobody listens there: if it were sent, it would fail in another way.
            .endpoint_url("http://127.0.0.1:9")
            .interceptor(ActionGuard(Arc::clone(&gate)))
            .build();
        let client = aws_sdk_sts::Client::from_conf(settings);
        let refused = gate
            .ask("sts:GetCallerIdentity", || {
                client.get_caller_identity().send()
            })
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("declares"), "{refused}");
        assert!(gate.calls().is_empty(), "{:?}", gate.calls());
    }

    #[tokio::test]
    async fn no_request_that_forces_a_deletion_can_leave() {
        let gate = Arc::new(RequestLimiter::new(
            Patience::default(),
            vec!["secretsmanager:DeleteSecret"],
        ));
        let settings = aws_sdk_secretsmanager::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_secretsmanager::config::Region::from_static(
                "us-east-1",
            ))
            .credentials_provider(aws_sdk_secretsmanager::config::Credentials::new(
                "AKIAEXAMPLE",
                "secret",
                None,
                None,
                "test",
            ))
            .retry_config(aws_sdk_secretsmanager::config::retry::RetryConfig::disabled())
            // Nobody listens there: what is sent fails in another way.
            .endpoint_url("http://127.0.0.1:9")
            .interceptor(ActionGuard(Arc::clone(&gate)))
            .build();
        let client = aws_sdk_secretsmanager::Client::from_conf(settings);
        for (force, days, leaves) in [
            (Some(true), None, false),
            (Some(true), Some(30), false),
            (Some(false), Some(30), false),
            (None, None, false),
            (None, Some(6), false),
            (None, Some(31), false),
            (None, Some(-7), false),
            (None, Some(7), true),
            (None, Some(30), true),
        ] {
            let before: u64 = gate.calls().values().sum();
            #[expect(
                clippy::disallowed_methods,
                reason = "it is tried here, to see it refused"
            )]
            let request = client
                .delete_secret()
                .secret_id("a")
                .set_recovery_window_in_days(days)
                .set_force_delete_without_recovery(force);
            let ended = gate
                .ask("secretsmanager:DeleteSecret", || request.clone().send())
                .await
                .unwrap_err()
                .to_string();
            assert_eq!(
                ended.contains("is never sent") || ended.contains("is not sent"),
                !leaves,
                "{force:?} {days:?}: {ended}"
            );
            let sent = gate.calls().values().sum::<u64>() - before;
            assert_eq!(sent, u64::from(leaves), "{force:?} {days:?}");
        }
        // Nor can it be smuggled in behind the builder's back.
        let smuggled = client
            .delete_secret()
            .secret_id("a")
            .recovery_window_in_days(30)
            .customize()
            .mutate_request(|request| {
                let body = br#"{"SecretId":"a","ForceDeleteWithoutRecovery":true}"#;
                *request.body_mut() = aws_smithy_types::body::SdkBody::from(&body[..]);
            })
            .send()
            .await
            .unwrap_err();
        let ended = format!("{smuggled:?}");
        assert!(ended.contains("never sent"), "{ended}");
    }

    #[test]
    fn operations_are_named_as_iam_names_them() {
        for (service, operation, expect) in [
            (
                "Secrets Manager",
                "ListSecrets",
                "secretsmanager:ListSecrets",
            ),
            ("S3", "ListObjectsV2", "s3:ListBucket"),
            ("S3", "HeadBucket", "s3:ListBucket"),
            ("S3", "GetObject", "s3:GetObject"),
            ("CloudTrail", "LookupEvents", "cloudtrail:LookupEvents"),
            ("STS", "AssumeRole", "sts:AssumeRole"),
        ] {
            assert_eq!(action(service, operation), expect);
        }
    }
}
