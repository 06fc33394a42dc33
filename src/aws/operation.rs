//! An operation of a service whose SDK would cost more than it brings: one call of IAM, one of KMS, and a client crate of
//! thousands of files for each.
//!
//! Such a call goes the way of every other one: the credentials, connections, retries, time-outs and user agent of the
//! session, endpoint overrides (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`, the profile), a Signature Version 4, and
//! the gate, which bounds, counts and refuses what no adapter declares. What the SDK would add stands in
//! `services` (the hosts) and `protocol` (how requests are written, and where an error stands in an answer).
//!
//! An answer is handed over as JSON; [`xml`] makes it of the answers of the Query protocol. In a partition for
//! which no host is known the call is refused.

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
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::gate::{ActionGuard, RequestLimiter};
use super::protocol::{self, Protocol, ServiceError};
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
    /// The protocol in which a request is written.
    pub(super) protocol: Protocol,
    /// The endpoint that is asked; `None`: none is known.
    pub(super) endpoint: fn(&EndpointParams<'_>) -> Option<Endpoint>,
}

/// The parameters that decide which endpoint of a service is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndpointParams<'a> {
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
    /// The Region of the signature.
    pub(super) region: String,
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
        let params = EndpointParams {
            partition,
            region,
            fips: settings.use_fips().unwrap_or_default(),
            dual_stack: settings.use_dual_stack().unwrap_or_default(),
        };
        let (url, signing_region) = url(service, &params, settings)?;
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
            .serializer(move |input: Value| protocol::request(protocol, name, &input))
            .deserializer(move |answer| protocol::read(protocol, answer))
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
        self.pages_up_to(usize::MAX, input, token).await
    }

    /// The same, for a list of at most so many pages: a longer one is an error.
    pub(super) async fn pages_up_to(
        &self,
        most: usize,
        input: Value,
        token: &str,
    ) -> (Vec<Value>, Option<Fault>) {
        let mut pages = Vec::new();
        let fault = self.each_page(most, input, token, |page| pages.push(page));
        let fault = fault.await.err();
        (pages, fault)
    }

    /// The same, each page handed over as it comes, for lists that are not held.
    ///
    /// # Errors
    /// What ended the list before its end.
    pub(super) async fn each_page(
        &self,
        most: usize,
        mut input: Value,
        token: &str,
        mut take: impl FnMut(Value),
    ) -> Result<(), Fault> {
        let mut count = 0;
        loop {
            let page = self.call(&input).await?;
            let is_there = |next: &&Value| !next.is_null() && **next != "";
            let next = page.get(token).filter(is_there).cloned();
            take(page);
            count += 1;
            let Some(next) = next else {
                return Ok(());
            };
            if input.get(token) == Some(&next) {
                return Err(same_token());
            }
            if count >= most {
                let message = format!("the answer has more pages than the {most} that are allowed");
                let code = "TooManyPages".to_owned();
                return Err(Fault::Refused { code, message });
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
    params: &EndpointParams<'_>,
    settings: &SdkConfig,
) -> Result<(String, String), Fault> {
    let known = (service.endpoint)(params);
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
        (Some(url), None) => Ok((url, params.region.to_owned())),
        (None, Some(known)) => Ok((format!("https://{}", known.host), known.region)),
        (None, None) => Err(Fault::Refused {
            code: "NoEndpoint".to_owned(),
            message: format!(
                "no {}endpoint of {} is known for the partition `{}`: name one in AWS_ENDPOINT_URL_{}",
                if params.fips { "FIPS " } else { "" },
                service.id,
                params.partition,
                service.id.to_uppercase().replace(' ', "_"),
            ),
        }),
    }
}

/// Returns what signs requests and names the program in them.
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

#[cfg(test)]
mod tests;
