//! The mark of a plan in the user agent of the deletions that it makes, so that the event history shows whose they are.
//!
//! CloudTrail logs the user agent and nothing else of a request that could carry the plan.

use aws_sdk_sts::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;

/// Adds the mark to a request.
#[derive(Clone, Debug)]
pub(super) struct PlanMark(pub(super) Option<String>);

impl Intercept for PlanMark {
    fn name(&self) -> &'static str {
        "secretsweep-plan-mark"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let agent = headers.get("user-agent").unwrap_or_default();
        if let Some(mark) = self
            .0
            .as_ref()
            .filter(|mark| !agent.contains(mark.as_str()))
        {
            let marked = format!("{agent} {mark}");
            headers.try_insert("user-agent", marked)?;
        }
        Ok(())
    }
}
