//! Sentences on who still calls a secret, which `apply` and `watch` share.

use std::collections::BTreeSet;

use super::show::command;
use super::{journal, login_words};
use crate::cleanup::watch::Requester;
use crate::cli::AwsArgs;
use crate::domain::base::names::SecretArn;
use crate::domain::cleanup::journal_location::JournalLocation;

/// Returns who asks for what, as a sentence.
pub(super) fn caller_sentence(requester: &Requester) -> String {
    let client = match requester.client.as_str() {
        "" => String::new(),
        client => format!(", {client}"),
    };
    format!(
        "{}: {} by {} ({}{client}), {}; {} at {}",
        requester.arn.name(),
        requester.what,
        requester.reader,
        requester.kind.as_str(),
        requester.how.in_words(),
        match requester.calls {
            1 => "once,".to_owned(),
            calls => format!("{calls} times, the last"),
        },
        requester.last,
    )
}

/// Returns how to take back what is asked for.
pub(super) fn restore_command(
    requesters: &[Requester],
    journal: &JournalLocation,
    login: &AwsArgs,
) -> String {
    let secrets: BTreeSet<&SecretArn> = requesters.iter().map(|requester| &requester.arn).collect();
    let arns: Vec<&str> = secrets.iter().map(|arn| arn.as_str()).collect();
    let mut text = "\nTo restore what somebody still needs:\n".to_owned();
    text.push_str(&command(&format!(
        "secretsweep restore --journal {}{} {}",
        journal::word(journal),
        login_words(login),
        arns.join(" ")
    )));
    text
}
