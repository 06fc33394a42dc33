//! Sentences on who still calls a secret, which `apply` and `watch` share.

use std::collections::BTreeSet;

use super::show::command;
use super::{journal, login_words};
use crate::cleanup::watch::Asker;
use crate::cli::AwsArgs;
use crate::domain::base::names::SecretArn;
use crate::domain::cleanup::journal_place::JournalPlace;

/// Who asks for what, as a sentence.
pub(super) fn caller_sentence(asker: &Asker) -> String {
    let client = match asker.client.as_str() {
        "" => String::new(),
        client => format!(", {client}"),
    };
    format!(
        "{}: {} by {} ({}{client}), {}; {} at {}",
        asker.arn.name(),
        asker.what,
        asker.reader,
        asker.kind.as_str(),
        asker.how.in_words(),
        match asker.calls {
            1 => "once,".to_owned(),
            calls => format!("{calls} times, the last"),
        },
        asker.last,
    )
}

/// How to take back what is asked for.
pub(super) fn way_out(askers: &[Asker], journal: &JournalPlace, login: &AwsArgs) -> String {
    let secrets: BTreeSet<&SecretArn> = askers.iter().map(|asker| &asker.arn).collect();
    let arns: Vec<&str> = secrets.iter().map(|arn| arn.as_str()).collect();
    let mut text = "\nTo take back what is asked for:\n".to_owned();
    text.push_str(&command(&format!(
        "secretsweep restore --journal {}{} {}",
        journal::word(journal),
        login_words(login),
        arns.join(" ")
    )));
    text
}
