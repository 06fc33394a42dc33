//! The rules by which a person must look: the evidence has a gap, or somebody has to do with the secret.

use crate::domain::base::money::{counted, thousands};
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::judging::facts::utc_day;
use crate::domain::judging::facts::{Evidence, SecretFacts, Unused};
use crate::domain::trail::calls::CallOutcome;
use crate::domain::usage::activity::{ActivityWindow, Reader};

pub(super) fn coverage_gap(case: &SecretFacts<'_>) -> Option<String> {
    let unused = case.unused()?;
    let undated = unused != Unused::Idle && case.secret.created.is_none();
    if undated {
        return Some("the inventory does not say when it was created".to_owned());
    }
    let judged = case.judged_unused(unused);
    if judged && !case.replicas_known {
        return Some(
            "it has replicas, and the inventory does not say where: add the output of `describe-secret`"
                .to_owned(),
        );
    }
    let trusted = case.policy.trust_last_accessed
        && case.secret.access_is_known
        && unused != Unused::MaintenanceOnly;
    match &case.evidence {
        Evidence::Partial(what) if judged && !trusted => Some(what.clone()),
        _ => None,
    }
}

pub(super) fn failed_reads(case: &SecretFacts<'_>) -> Option<String> {
    let mut calls = 0;
    let mut about = "";
    let mut last = None;
    let others = case
        .readers()
        .filter(|(reader, _)| reader.kind != ReaderKind::Ourselves);
    for (reader, what) in others {
        // Also what failed after the window: somebody asks today.
        for (outcome, failures) in what.failures(ActivityWindow::ALWAYS) {
            if failures.last.is_some_and(|at| at >= case.idle_since()) {
                calls += failures.calls;
                if failures.estimated {
                    about = "about ";
                }
                last = last.max(Some((
                    failures.last,
                    name_of(&reader.identity).to_owned(),
                    outcome,
                )));
            }
        }
    }
    let Some((at, who, outcome)) = last else {
        return refused_elsewhere(case);
    };
    let times = if calls == 1 {
        "once".to_owned()
    } else {
        format!("{about}{} times", thousands(calls))
    };
    Some(format!(
        "requested without success {times}, last by {who} on {} ({})",
        utc_day(at.unwrap_or_default()),
        outcome.in_words()
    ))
}

/// A refusal that the secret's own calls do not show: of its key, or of a call that names no secret.
fn refused_elsewhere(case: &SecretFacts<'_>) -> Option<String> {
    if let Some(refused) = case.unexplained_key_use(true) {
        return Some(format!(
            "its key was refused to {} on {}",
            name_of(&refused.reader.identity),
            utc_day(refused.slice.last())
        ));
    }
    let refusal = case.unnamed_refusal()?;
    Some(format!(
        "a call of {} on {} was {}, and its record does not name the secret: it may be this one",
        name_of(&refusal.identity),
        utc_day(refusal.last),
        refusal.outcome.in_words()
    ))
}

pub(super) fn recently_written(case: &SecretFacts<'_>) -> Option<String> {
    let by_others =
        |reader: &Reader| !matches!(reader.kind, ReaderKind::Rotation | ReaderKind::Ourselves);
    let writes = case
        .readers()
        .filter(|(reader, _)| by_others(reader))
        .flat_map(|(_, what)| &what.slices)
        .filter(|slice| slice.is_write() && slice.last() >= case.idle_since());
    let last = writes.max_by_key(|slice| (slice.last(), &slice.access.caller))?;
    let tried = if last.access.outcome == CallOutcome::Ok {
        "called"
    } else {
        "tried to call"
    };
    Some(format!(
        "{} {tried} {} on {}",
        last.caller_name(),
        last.access.subject.api,
        utc_day(last.last())
    ))
}

pub(super) fn described(case: &SecretFacts<'_>) -> Option<String> {
    let describes = case
        .readers()
        .filter(|(reader, what)| {
            case.policy.is_consumer(reader.kind) && !what.refreshes() && !what.writes()
        })
        .flat_map(|(_, what)| &what.slices)
        .filter(|slice| slice.asks_for_description() && slice.access.outcome == CallOutcome::Ok)
        .filter(|slice| slice.last() >= case.idle_since());
    let last = describes.max_by_key(|slice| (slice.last(), &slice.access.caller))?;
    Some(format!(
        "{} asked for its description on {}",
        last.caller_name(),
        utc_day(last.last())
    ))
}

pub(super) fn cross_account(case: &SecretFacts<'_>) -> Option<String> {
    let own = case.secret.arn.scope().account.as_str();
    if let Some(key_use) = case.unexplained_key_use(false) {
        return Some(format!(
            "KMS decrypted it for {} on {}, and the trail shows no call of that caller",
            key_use.reader.identity,
            utc_day(key_use.slice.last())
        ));
    }
    if !case.secret.dependents.is_empty() {
        return Some(format!(
            "others depend on it: the inventory has {}",
            case.secret.dependents.join(", ")
        ));
    }
    let key = case.secret.kms_key.as_deref()?;
    let account = key.split(':').nth(4).filter(|_| key.starts_with("arn:"))?;
    (account != own).then(|| format!("its key belongs to the account {account}"))
}

pub(super) fn iac_managed(case: &SecretFacts<'_>) -> Option<String> {
    if let Some(stack) = case.secret.stack() {
        return Some(format!("created by the CloudFormation stack `{stack}`"));
    }
    let refreshes = case
        .readers()
        .filter(|(reader, _)| reader.kind == ReaderKind::Iac)
        .flat_map(|(reader, what)| what.slices.iter().map(move |slice| (slice, reader)))
        .filter(|(slice, _)| {
            let looks = slice.asks_for_value() || slice.asks_for_description();
            looks && slice.access.outcome == CallOutcome::Ok && slice.last() >= case.idle_since()
        });
    let (slice, reader) = refreshes.max_by_key(|(slice, reader)| (slice.last(), *reader))?;
    Some(format!(
        "refreshed by {} ({}) on {}",
        name_of(&reader.identity),
        reader.client,
        utc_day(slice.last())
    ))
}

pub(super) fn ambiguous_reads(case: &SecretFacts<'_>) -> Option<String> {
    let calls = case.ambiguous;
    if calls == 0 {
        let batch = case.selecting_batch()?;
        return Some(format!(
            "{} reads secrets in batches by a filter that may select it, last on {}",
            name_of(&batch.reader.identity),
            utc_day(batch.slice.last())
        ));
    }
    Some(format!(
        "{} may have meant this secret or another",
        counted(calls, "call", "calls")
    ))
}

/// Words of names whose secrets are read seldom.
const SENSITIVE: &[&[&str]] = &[
    &["dr"],
    &["disaster"],
    &["break", "glass"],
    &["breakglass"],
    &["emergency"],
    &["backup"],
    &["backups"],
    &["recovery"],
];

pub(super) fn sensitive_name(case: &SecretFacts<'_>) -> Option<String> {
    let name = case.secret.name.to_ascii_lowercase();
    let words: Vec<&str> = name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let sign = SENSITIVE
        .iter()
        .find(|sign| words.windows(sign.len()).any(|run| run == **sign))?;
    Some(format!("its name says `{}`", sign.join("-")))
}
