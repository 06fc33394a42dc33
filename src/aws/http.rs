//! Plain requests by HTTP, with the connections, proxies and certificates that requests to AWS use.
//!
//! For services that are none of AWS's, such as Trino. Nothing is signed, and nothing is tried again: that depends on the
//! service.

use std::path::Path;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest as SdkRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::{Patience, settings};
use crate::ports::{Fault, HttpAnswer, HttpRequest, HttpSender};

/// Sends requests as they are.
#[derive(Debug)]
pub struct PlainHttp {
    connector: SharedHttpConnector,
}

impl PlainHttp {
    /// Connections with these certificates, or those of the system. An answer may take as long as `read`.
    ///
    /// # Errors
    /// [`Fault::Refused`] for certificates that cannot be used.
    pub fn new(bundle: Option<&Path>, read: Duration) -> Result<Self, Fault> {
        let patience = Patience {
            read,
            ..Patience::default()
        };
        Ok(Self {
            connector: settings::connector(patience, bundle)?,
        })
    }
}

impl HttpSender for PlainHttp {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpAnswer, String>> {
        async move {
            let mut sent = SdkRequest::new(SdkBody::from(request.body));
            let text = |error: &dyn std::fmt::Display| error.to_string();
            sent.set_method(request.method)
                .map_err(|error| text(&error))?;
            sent.set_uri(request.url).map_err(|error| text(&error))?;
            for (name, value) in request.headers {
                sent.headers_mut()
                    .try_insert(name, value)
                    .map_err(|error| text(&error))?;
            }
            let answer = self.connector.call(sent).await.map_err(|error| {
                // The outer error only says that there was one.
                let cause = std::error::Error::source(&error);
                cause.map_or_else(|| error.to_string(), root_cause)
            })?;
            let status = answer.status().as_u16();
            let body = ByteStream::new(answer.into_body()).collect().await;
            let body = body.map_err(|error| text(&error))?.to_vec();
            Ok(HttpAnswer { status, body })
        }
        .boxed()
    }
}

/// The innermost cause of an error, which says what happened.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
