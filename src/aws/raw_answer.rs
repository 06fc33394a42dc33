//! The bytes of an answer beside what the SDK makes of them.
//!
//! The models of the SDK drop fields that they do not know, and AWS adds fields first: a replica in another account is in
//! the answer of `DescribeSecret` and in no model yet.

use std::sync::{Arc, Mutex};

use aws_sdk_sts::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;

use super::locked;

/// Keeps the body of the last answer to one request.
#[derive(Clone, Debug, Default)]
pub(super) struct RawAnswer(Arc<Mutex<Vec<u8>>>);

impl RawAnswer {
    /// The answer as JSON.
    ///
    /// # Errors
    /// `serde_json`'s, also where there was no answer.
    pub(super) fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&locked(&self.0))
    }
}

impl Intercept for RawAnswer {
    fn name(&self) -> &'static str {
        "secretsweep-raw-answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        body.clone_into(&mut locked(&self.0));
        Ok(())
    }
}
