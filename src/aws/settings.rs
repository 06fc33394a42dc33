//! What `aws` would load: profile, Region, endpoints, credentials, proxy, certificates, attempts.
//!
//! Nearly all of it is the SDK's own work. Here is what the SDK leaves to its caller although `aws` honours it: the
//! certificates, the attempts and their mode (the SDK's own reading of these ends in a panic on a wrong word),
//! `AWS_DEFAULT_PROFILE`, and that a profile of the command line goes before keys in variables. A variable wins over what
//! a profile says, as for `aws`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig, profile};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_sts::config::retry::{RetryConfig, RetryMode};
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{AsyncSleep, HttpClient, SharedAsyncSleep, SharedHttpClient, Sleep};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region as SdkRegion;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::{APP, Connect, HOME, Patience};
use crate::ports::Fault;

/// The settings in the profile in force that the SDK leaves to its caller.
#[derive(Debug, Default)]
struct FromProfile {
    ca_bundle: Option<PathBuf>,
    max_attempts: Option<String>,
    retry_mode: Option<String>,
}

/// The name of the profile, unless the SDK finds it by itself.
fn profile_name(connect: &Connect) -> Option<&String> {
    connect
        .profile
        .as_ref()
        .or(connect.default_profile.as_ref())
}

/// Reads the profile. A file that cannot be read says nothing here: the SDK refuses it when it looks for credentials.
///
/// # Errors
/// [`Fault::NoProfile`] if the profile that was named is not there.
async fn from_profile(connect: &Connect) -> Result<FromProfile, Fault> {
    let name = profile_name(connect);
    let files = EnvConfigFiles::default();
    let chosen = name.cloned().map(Cow::Owned);
    let Ok(profiles) = profile::load(&Fs::real(), &Env::real(), &files, chosen).await else {
        return Ok(FromProfile::default());
    };
    // Nobody has to have a profile of the usual name, and an empty name is none; whoever names another means it.
    let name = profiles.selected_profile();
    if !["", "default"].contains(&name) && profiles.get_profile(name).is_none() {
        return Err(Fault::NoProfile(name.to_owned()));
    }
    let word = |key: &str| {
        let text = profiles.get(key)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Ok(FromProfile {
        ca_bundle: word("ca_bundle").map(PathBuf::from),
        max_attempts: word("max_attempts"),
        retry_mode: word("retry_mode"),
    })
}

/// Returns how attempts are spread. `legacy` is how botocore did it once; here it is `standard`.
fn retry_mode(text: Option<&str>) -> Result<RetryMode, Fault> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("standard" | "legacy") => Ok(RetryMode::Standard),
        Some("adaptive") => Ok(RetryMode::Adaptive),
        Some(_) => Err(Fault::Refused {
            code: "RetryMode".to_owned(),
            message: format!(
                "AWS_RETRY_MODE, or `retry_mode` in the profile, says `{}`, which is none of `standard`, `adaptive` and `legacy`",
                text.unwrap_or_default()
            ),
        }),
    }
}

/// The credentials of a profile that the command line names: of the profile alone, or, if it holds none, of the container
/// or instance. Keys in variables are somebody else's then, as for `aws`.
fn of_profile(name: &str, settings: &SdkConfig) -> CredentialsProviderChain {
    let mut config = ProviderConfig::default()
        .with_region(settings.region().cloned())
        .with_sleep_impl(TokioSleep);
    if let Some(client) = settings.http_client() {
        config = config.with_http_client(client);
    }
    if let Some(retry) = settings.retry_config() {
        config = config.with_retry_config(retry.clone());
    }
    if let Some(timeout) = settings.timeout_config() {
        config = config.with_timeout_config(timeout.clone());
    }
    let config = &config;
    let profile = ProfileFileCredentialsProvider::builder()
        .configure(config)
        .profile_name(name)
        .build();
    let container = EcsCredentialsProvider::builder().configure(config).build();
    let instance = ImdsCredentialsProvider::builder().configure(config).build();
    CredentialsProviderChain::first_try("Profile", profile)
        .or_else("EcsContainer", container)
        .or_else("Ec2InstanceMetadata", instance)
}

/// Limits throttled requests, too, where the number of attempts is set: they are not tried beyond it. But look-ups in
/// the event history are: everybody in the account shares their two requests a second, so being throttled is their
/// usual state, and their bound is the budget.
fn bounded(patience: Patience, attempts: Option<&str>) -> Result<Patience, Fault> {
    let Some(text) = attempts else {
        return Ok(patience);
    };
    let attempts = text.parse().ok().filter(|attempts| *attempts > 0);
    let attempts = attempts.ok_or_else(|| Fault::Refused {
        code: "MaxAttempts".to_owned(),
        message: format!(
            "AWS_MAX_ATTEMPTS, or `max_attempts` in the profile, says `{text}`, which is no number of attempts"
        ),
    })?;
    Ok(Patience {
        attempts,
        throttled: Duration::ZERO,
        ..patience
    })
}

/// Loads the settings, and the bounds and waits that they ask for.
///
/// # Errors
/// [`Fault::Refused`] for certificates, a number of attempts or a mode that cannot be used, [`Fault::NoProfile`] for a
/// profile that is not there.
pub(super) async fn load(connect: &Connect) -> Result<(SdkConfig, Patience), Fault> {
    let said = from_profile(connect).await?;
    let attempts = connect
        .max_attempts
        .as_deref()
        .or(said.max_attempts.as_deref());
    let patience = bounded(connect.patience, attempts)?;
    let bundle = connect.ca_bundle.clone().or(said.ca_bundle);
    let mode = connect.retry_mode.as_deref().or(said.retry_mode.as_deref());
    let retry = RetryConfig::standard()
        .with_retry_mode(retry_mode(mode)?)
        .with_max_attempts(patience.attempts)
        .with_initial_backoff(patience.first_wait);
    let timeout = TimeoutConfig::builder()
        .connect_timeout(patience.connect)
        .read_timeout(patience.read)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .app_name(AppName::new(APP).expect("the application id has only allowed characters"))
        .http_client(http(patience, bundle.as_deref())?)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep))
        .retry_config(retry)
        .timeout_config(timeout);
    if let Some(profile) = profile_name(connect) {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &connect.region {
        loader = loader.region(SdkRegion::new(region.as_str().to_owned()));
    }
    if let Some(endpoint) = &connect.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(keys) = &connect.keys {
        let (id, secret, token) = (&keys.id, &keys.secret, keys.token.clone());
        loader =
            loader.credentials_provider(Credentials::new(id, secret, token, None, "fixed keys"));
    }
    let config = loader.load().await;
    let mut config = match config.region() {
        Some(_) => config,
        None => config
            .into_builder()
            .region(SdkRegion::from_static(HOME))
            .build(),
    };
    if let (Some(profile), None) = (&connect.profile, &connect.keys) {
        let provider = SharedCredentialsProvider::new(of_profile(profile, &config));
        config = config.into_builder().credentials_provider(provider).build();
    }
    Ok((config, patience))
}

/// Refuses certificates that the TLS library would stop the program for, or that would make every connection fail in a way
/// that names no cause.
fn check_bundle(pem: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate in PEM form".to_owned());
    }
    Ok(())
}

/// One pool of connections for everything, credentials included: each client of its own would load the system's
/// certificates again.
fn http(patience: Patience, bundle: Option<&Path>) -> Result<SharedHttpClient, Fault> {
    let connector = connector(patience, bundle)?;
    Ok(shared(http_client_fn(move |_, _| connector.clone())))
}

/// Connections with the proxy of the environment and these certificates, or those of the system.
///
/// # Errors
/// [`Fault::Refused`] for certificates that cannot be used.
pub(super) fn connector(
    patience: Patience,
    bundle: Option<&Path>,
) -> Result<SharedHttpConnector, Fault> {
    let mut trust = tls::TrustStore::default();
    if let Some(path) = bundle {
        let unusable = |why: String| Fault::Refused {
            code: "CaBundle".to_owned(),
            message: format!(
                "the certificates in `{}` cannot be used: {why}",
                path.display()
            ),
        };
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        check_bundle(&pem).map_err(unusable)?;
        trust = tls::TrustStore::empty().with_pem_certificate(pem);
    }
    let context = tls::TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| Fault::Unreachable(error.to_string()))?;
    let connector = Connector::builder()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .tls_context(context)
        .proxy_config(ProxyConfig::from_env())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep))
        .connector_settings(
            HttpConnectorSettings::builder()
                .connect_timeout(patience.connect)
                .read_timeout(patience.read)
                .build(),
        )
        .build();
    Ok(SharedHttpConnector::new(connector))
}

fn shared(client: impl HttpClient + 'static) -> SharedHttpClient {
    SharedHttpClient::new(client)
}

/// The runtime's timer, for the SDK's waits.
#[derive(Clone, Copy, Debug)]
struct TokioSleep;

impl AsyncSleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_of_retries_is_read_as_aws_writes_it() {
        for (text, mode) in [
            (None, RetryMode::Standard),
            (Some("standard"), RetryMode::Standard),
            (Some("legacy"), RetryMode::Standard),
            (Some("Adaptive"), RetryMode::Adaptive),
        ] {
            assert_eq!(retry_mode(text), Ok(mode), "{text:?}");
        }
        assert!(retry_mode(Some("eager")).is_err());
    }

    #[test]
    fn a_damaged_bundle_of_certificates_is_refused() {
        let (begin, end) = (
            "-----BEGIN CERTIFICATE-----\n",
            "-----END CERTIFICATE-----\n",
        );
        for pem in [
            String::new(),
            "no certificate".to_owned(),
            format!("{begin}MIIB!!!!\n{end}"),
            format!("{begin}AAAA\n{end}"),
            format!("{begin}AAAA\n"),
        ] {
            assert!(check_bundle(pem.as_bytes()).is_err(), "{pem}");
        }
    }
}
