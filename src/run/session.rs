//! Opening a session with AWS for a command, with errors that name the way out, and the runtime that it runs on.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::way_out::helpful;
use crate::aws::{AwsSession, Connect, Role};
use crate::ports::Fault;

/// Returns how to reach AWS with what a command line says; everything else is found the way `aws` finds it.
pub(super) fn connect(
    profile: Option<&str>,
    role_name: Option<&str>,
    external_id: Option<&str>,
) -> Connect {
    Connect {
        profile: profile.map(str::to_owned),
        role: role_name.map(|name| Role {
            name: name.to_owned(),
            external_id: external_id.map(str::to_owned),
        }),
        // An empty variable means what no variable means, as for `aws`.
        ca_bundle: std::env::var_os("AWS_CA_BUNDLE")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        max_attempts: variable("AWS_MAX_ATTEMPTS"),
        retry_mode: variable("AWS_RETRY_MODE"),
        default_profile: variable("AWS_DEFAULT_PROFILE")
            .filter(|_| variable("AWS_PROFILE").is_none()),
        ..Connect::default()
    }
}

/// A variable of the environment; an empty one is as good as none.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The service that stands in for AWS, as `AWS_ENDPOINT_URL` names it. [`Connect::endpoint`] takes it: then every request
/// goes there, whatever other endpoints are configured.
///
/// # Errors
/// If none is named, if endpoints are to be ignored, or if it is AWS itself.
pub(super) fn stand_in() -> Result<String> {
    let is_ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .is_some_and(|word| word.eq_ignore_ascii_case("true"));
    let url = variable("AWS_ENDPOINT_URL").filter(|url| !is_ignored && stands_in(url));
    url.context(
        "`--now` is for a service that simulates AWS, and `AWS_ENDPOINT_URL` names none that is used",
    )
}

/// Domains of AWS itself, in any partition.
const OF_AWS: [&str; 4] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "api.aws",
    "api.amazonwebservices.com.cn",
];

/// Returns whether this is the address of something else than AWS.
fn stands_in(url: &str) -> bool {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let address = address.split(['/', '?', '#']).next().unwrap_or_default();
    let address = address
        .rsplit_once('@')
        .map_or(address, |(_, address)| address);
    let host = match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => address,
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_of = |domain: &str| {
        let below = host.strip_suffix(domain);
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    };
    !host.is_empty() && !OF_AWS.into_iter().any(is_of)
}

/// Refuses variables that name an endpoint and hold no address: the SDK would leave out some of them and ask AWS itself,
/// and panic on others.
fn usable_endpoints() -> Result<()> {
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if !name.starts_with("AWS_ENDPOINT_URL") {
            continue;
        }
        let usable = value.to_str().is_some_and(is_address);
        if !usable {
            let value = value.to_string_lossy();
            return Err(helpful(
                format!("{name} is not an address, but `{}`", value.escape_debug()),
                "set it to an address such as `https://host:port`, or unset it",
            ));
        }
    }
    Ok(())
}

/// Returns whether this is the address of a server: a scheme, a host without blanks, perhaps a port.
fn is_address(url: &str) -> bool {
    let address = url.strip_prefix("http://").or(url.strip_prefix("https://"));
    let address = address.and_then(|address| address.split(['/', '?', '#']).next());
    let host = address.and_then(|address| address.rsplit('@').next());
    let odd = |letter: char| {
        letter.is_whitespace() || letter.is_control() || "\\<>\"`{}|^".contains(letter)
    };
    let Some(host) = host.filter(|_| !url.chars().any(odd)) else {
        return false;
    };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "443"),
    };
    !name.is_empty() && port.parse::<u16>().is_ok()
}

/// Opens the session.
///
/// # Errors
/// Why not, and what to do about it.
pub(super) async fn open(connect: Connect) -> Result<AwsSession> {
    usable_endpoints()?;
    let profile = connect
        .profile
        .clone()
        .or_else(|| variable("AWS_PROFILE"))
        .or_else(|| connect.default_profile.clone());
    AwsSession::open(connect).await.map_err(|fault| {
        let help = way_out(&fault, profile.as_deref());
        let what = format!("cannot reach AWS: {fault}");
        helpful(what, help)
    })
}

/// Returns what to do about a session that cannot be opened.
fn way_out(fault: &Fault, profile: Option<&str>) -> String {
    match (fault, profile) {
        (Fault::Credentials(_) | Fault::NoCredentials, Some(profile)) => format!(
            "log in with `aws sso login --profile {profile}`, or name another profile with `--profile NAME`"
        ),
        (Fault::Credentials(_) | Fault::NoCredentials, None) => {
            "log in (`aws sso login`, or keys in the environment), or name a profile with `--profile NAME`; \
             `aws sts get-caller-identity` must work"
                .to_owned()
        }
        (Fault::NoProfile(_), _) => "`aws configure list-profiles` lists those that are there".to_owned(),
        (Fault::Unreachable(_), _) => {
            "check the network, HTTPS_PROXY, AWS_ENDPOINT_URL, and that the Region in AWS_REGION or in the profile is \
             written right"
                .to_owned()
        }
        (Fault::Throttled(_), _) => "wait a little and run it again".to_owned(),
        (Fault::Denied { .. } | Fault::Refused { .. } | Fault::Gone(_), _) => {
            "`aws sts get-caller-identity` must work with the same settings".to_owned()
        }
    }
}

/// The runtime of a live command: few threads, for nearly all time goes into waiting.
///
/// # Errors
/// What the system says.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address() {
        for (url, is) in [
            ("http://127.0.0.1:4566", true),
            ("http://[::1]:4566/", true),
            ("http://[::1]", true),
            ("https://user@host.example/path", true),
            ("", false),
            (" ", false),
            ("x", false),
            ("http://", false),
            ("http://:80", false),
            ("http://host:port", false),
            ("http://host:99999", false),
            ("ftp://host", false),
            ("http://a b", false),
            ("http://a\u{7}b", false),
        ] {
            assert_eq!(is_address(url), is, "{url:?}");
        }
    }

    #[test]
    fn aws_itself_does_not_stand_in_for_aws() {
        for (url, stands) in [
            ("http://127.0.0.1:4566", true),
            ("http://[::1]:4566/", true),
            ("https://localstack", true),
            ("https://amazonaws.com.example:443/x?y", true),
            ("https://notamazonaws.com", true),
            ("", false),
            ("http://", false),
            ("https://sts.amazonaws.com", false),
            (
                "https://vpce-1.sts.eu-west-1.vpce.amazonaws.com:443/",
                false,
            ),
            ("https://127.0.0.1@Sts.AmazonAWS.com.#x", false),
            ("https://secretsmanager.cn-north-1.amazonaws.com.cn", false),
            ("https://secretsmanager.us-east-1.api.aws?x", false),
            ("sts.amazonaws.com:443", false),
        ] {
            assert_eq!(stands_in(url), stands, "{url}");
        }
    }

    #[test]
    fn what_can_be_done_is_said_for_each_kind_of_failure() {
        let expired = Fault::Credentials("ExpiredToken".to_owned());
        let cases = [
            (&expired, Some("audit"), "aws sso login --profile audit"),
            (&expired, None, "--profile NAME"),
            (&Fault::NoCredentials, None, "aws sso login"),
            (
                &Fault::NoProfile("audti".to_owned()),
                Some("audti"),
                "list-profiles",
            ),
            (&Fault::Unreachable("dns".to_owned()), None, "AWS_REGION"),
        ];
        for (fault, profile, words) in cases {
            let said = way_out(fault, profile);
            assert!(said.contains(words), "{fault}: {said}");
        }
    }
}
