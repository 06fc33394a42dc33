//! The verdict on each secret: delete, review or keep, with every reason that applies. The most cautious reason wins.
//!
//! [`RULES`] is the one table of rules. It drives judging, the `rules` command, the manual and the tests. A rule is a
//! function of a [`SecretFacts`]: one secret with its replicas, what was seen of them, and how much of the idle time the trail
//! covers. It tells its sentence, or `None` if it does not apply.
//!
//! What makes the difference to "last accessed more than 90 days ago":
//! - a recent `LastAccessedDate` that maintenance explains (rotation, plans, audits) is not use; one that nothing
//!   explains is;
//! - an old `LastAccessedDate` is no proof while a caching client refreshes the secret with `DescribeSecret`;
//! - absence of events is no proof outside covered time.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::base::money::{counted, thousands};
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::inventory::secret::day_of;
use crate::domain::judging::facts::{Accessed, Evidence, SecretFacts, Unused};
use crate::domain::policy::TagRule;
use crate::domain::report::verdict::{ReasonRow, Verdict};
use crate::domain::trail::calls::CallOutcome;
use crate::domain::usage::activity::{ActivitySlice, ActivityWindow, Reader, ReaderUse};

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// The code, as in reports.
    pub code: &'static str,
    /// What it speaks for.
    pub verdict: Verdict,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    /// Whether it applies, as a sentence about the secret at hand.
    apply: fn(&SecretFacts<'_>) -> Option<String>,
}

/// Every rule, the most cautious first.
pub const RULES: &[Rule] = &[
    Rule {
        code: "pending-deletion",
        verdict: Verdict::Keep,
        meaning: "It is scheduled for deletion already: it costs nothing and cannot be read.",
        fix: "Nothing. `secretsweep watch` tells whether anybody still asks for it; `restore` takes it back.",
        apply: pending_deletion,
    },
    Rule {
        code: "service-managed",
        verdict: Verdict::Keep,
        meaning: "Another AWS service created it and deletes it itself.",
        fix: "Remove the resource that owns it, in the owning service.",
        apply: service_managed,
    },
    Rule {
        code: "replica",
        verdict: Verdict::Keep,
        meaning: "It is a replica and is judged with its primary: deleting the primary removes it.",
        fix: "Look at the primary. A replica that nobody reads can be removed in the primary's Region.",
        apply: replica,
    },
    Rule {
        code: "recently-read",
        verdict: Verdict::Keep,
        meaning: "A consumer read it within the idle time, or AWS saw a read that no maintenance explains.",
        fix: "Nothing.",
        apply: recently_read,
    },
    Rule {
        code: "cached-reader",
        verdict: Verdict::Keep,
        meaning: "A client describes it regularly, as caching clients do: they read the value only when it changes. It is \
                  in use, although LastAccessedDate grows old.",
        fix: "Nothing. If the client only lists what there is, say so with a `[[readers.fingerprint]]` of the kind `scanner`.",
        apply: cached_reader,
    },
    Rule {
        code: "replica-in-use",
        verdict: Verdict::Keep,
        meaning: "A replica of it is read in another Region.",
        fix: "Nothing; or promote the replica and delete the primary.",
        apply: replica_in_use,
    },
    Rule {
        code: "too-young",
        verdict: Verdict::Keep,
        meaning: "It is too young to be judged: younger than `young`, or not read yet and younger than `idle`.",
        fix: "Wait.",
        apply: too_young,
    },
    Rule {
        code: "protected-name",
        verdict: Verdict::Keep,
        meaning: "Its name is protected by the policy file.",
        fix: "Take the name out of `[protect] names`.",
        apply: protected_name,
    },
    Rule {
        code: "protected-tag",
        verdict: Verdict::Keep,
        meaning: "A tag protects it.",
        fix: "Remove the tag.",
        apply: protected_tag,
    },
    Rule {
        code: "protected-until",
        verdict: Verdict::Keep,
        meaning: "A tag protects it until a day that has not passed.",
        fix: "Wait, or change the tag.",
        apply: protected_until,
    },
    Rule {
        code: "coverage-gap",
        verdict: Verdict::Review,
        meaning: "It looks unused, but the evidence does not cover the whole idle time in every Region it stands in. \
                  Absence of events proves nothing there.",
        fix: "Give the missing trail, or ask its owner. `--trust-last-accessed` judges by LastAccessedDate alone.",
        apply: coverage_gap,
    },
    Rule {
        code: "failed-reads",
        verdict: Verdict::Review,
        meaning: "Somebody asks for it and is refused: that is not use, but it shows that the secret is wanted. A refused call \
                  whose record names no secret may have meant any secret of its account and Region.",
        fix: "Fix the reader or its permissions, or stop the reader.",
        apply: failed_reads,
    },
    Rule {
        code: "recently-written",
        verdict: Verdict::Review,
        meaning: "A person, a program or a deploy changed its value or its access within the idle time, or restored it: \
                  somebody works with it, although nobody is seen to read it.",
        fix: "Ask whoever changed it.",
        apply: recently_written,
    },
    Rule {
        code: "described",
        verdict: Verdict::Review,
        meaning: "Somebody who is not known to look after secrets asked for its description a few times: it may be a cache \
                  that refreshes seldom.",
        fix: "Ask whoever asked. A tool that only lists secrets can be named in the policy file with a \
              `[[readers.fingerprint]]` of the kind `scanner`.",
        apply: described,
    },
    Rule {
        code: "cross-account",
        verdict: Verdict::Review,
        meaning: "Another account may read it: it is replicated there, its key belongs to that account, or the key was used \
                  by somebody whose calls the trail does not show.",
        fix: "Scan the other account too, or ask there.",
        apply: cross_account,
    },
    Rule {
        code: "iac-managed",
        verdict: Verdict::Review,
        meaning: "CloudFormation created it, or an infrastructure tool such as Terraform refreshes it: if it is deleted here, \
                  the next deploy fails or brings it back.",
        fix: "Remove it from the template or the code that manages it.",
        apply: iac_managed,
    },
    Rule {
        code: "ambiguous-reads",
        verdict: Verdict::Review,
        meaning: "Calls were seen whose name may mean this secret or another one.",
        fix: "Have the callers use the full ARN. Avoid names that end in a hyphen and six characters.",
        apply: ambiguous_reads,
    },
    Rule {
        code: "sensitive-name",
        verdict: Verdict::Review,
        meaning: "Its name speaks of emergencies or backups: such secrets are read seldom, and then badly needed.",
        fix: "Ask its owner; protect it by name or tag if it stays.",
        apply: sensitive_name,
    },
    Rule {
        code: "never-read",
        verdict: Verdict::Delete,
        meaning: "Nobody has ever read it, and it is older than the idle time.",
        fix: "`secretsweep plan` puts it into a deletion plan.",
        apply: never_read,
    },
    Rule {
        code: "idle",
        verdict: Verdict::Delete,
        meaning: "Nobody has read it for the idle time, in any Region it stands in.",
        fix: "`secretsweep plan` puts it into a deletion plan.",
        apply: idle,
    },
    Rule {
        code: "maintenance-only",
        verdict: Verdict::Delete,
        meaning: "Only its rotation reads it, or readers that the policy file calls maintenance: that keeps LastAccessedDate \
                  young, and nobody uses what they maintain.",
        fix: "Turn its rotation off, then run `secretsweep plan`.",
        apply: maintenance_only,
    },
];

/// The judgement of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The most cautious of the reasons' verdicts.
    pub verdict: Verdict,
    /// Every reason, the most cautious first.
    pub reasons: Vec<ReasonRow>,
}

/// Applies [`RULES`]. Without any reason a secret is kept.
pub fn judge(case: &SecretFacts<'_>) -> Judgement {
    let mut verdict = None;
    let mut reasons = Vec::new();
    let grounds = case.grounds();
    for rule in RULES {
        if let Some(mut text) = (rule.apply)(case) {
            // Without grounds for it there is no deletion, whatever the rules say.
            let spoken = match rule.verdict {
                Verdict::Delete if grounds.is_none() => Verdict::Review,
                spoken => spoken,
            };
            verdict = verdict.max(Some(spoken));
            // One or two of them are kept for every secret: they take what they need.
            text.shrink_to_fit();
            reasons.push(ReasonRow {
                code: Cow::Borrowed(rule.code),
                text,
            });
        }
    }
    reasons.shrink_to_fit();
    Judgement {
        verdict: verdict.unwrap_or(Verdict::Keep),
        reasons,
    }
}

fn pending_deletion(case: &SecretFacts<'_>) -> Option<String> {
    let deleted = case.secret.deleted?;
    Some(format!("scheduled for deletion on {}", day_of(deleted)))
}

fn service_managed(case: &SecretFacts<'_>) -> Option<String> {
    Some(format!(
        "owned by the AWS service `{}`",
        case.secret.owner_service()?
    ))
}

fn replica(case: &SecretFacts<'_>) -> Option<String> {
    let primary = case
        .secret
        .primary_region
        .as_ref()
        .filter(|_| case.secret.is_replica())?;
    Some(format!("replica of the primary in {primary}"))
}

fn recently_read(case: &SecretFacts<'_>) -> Option<String> {
    if let Some((at, reader)) = case.recent_use(&case.own) {
        return Some(format!(
            "used by {} on {}",
            name_of(&reader.identity),
            utc_day(at)
        ));
    }
    match case.accessed(&case.own) {
        Accessed::Read(day) if matches!(case.evidence, Evidence::Complete(_)) => Some(format!(
            "AWS saw a read on {day} that the trail does not show (a reader in another account?)"
        )),
        Accessed::Read(day) => Some(format!("AWS saw a read on {day}")),
        _ => None,
    }
}

fn cached_reader(case: &SecretFacts<'_>) -> Option<String> {
    let refreshed = |(reader, what): (&Arc<Reader>, &ReaderUse<'_>)| {
        let caching = what.refreshes() && case.policy.is_consumer(reader.kind);
        let describes = what
            .slices
            .iter()
            .filter(|slice| caching && slice.is_describe());
        let last = describes.map(ActivitySlice::last).max()?;
        (last >= case.idle_since()).then(|| {
            (
                last,
                name_of(&reader.identity).to_owned(),
                reader.client.clone(),
            )
        })
    };
    let (last, who, client) = case.own.readers.iter().filter_map(refreshed).max()?;
    Some(format!(
        "{who} ({client}) refreshed its cache on {}",
        utc_day(last)
    ))
}

fn replica_in_use(case: &SecretFacts<'_>) -> Option<String> {
    case.replicas.iter().find_map(|member| {
        let region = &member.region;
        if let Some((at, reader)) = case.recent_use(member) {
            return Some(format!(
                "the replica in {region} was used by {} on {}",
                name_of(&reader.identity),
                utc_day(at)
            ));
        }
        match case.accessed(member) {
            Accessed::Read(day) => Some(format!("the replica in {region} was read on {day}")),
            _ => None,
        }
    })
}

fn too_young(case: &SecretFacts<'_>) -> Option<String> {
    let age = case.age_days().filter(|_| !case.secret.is_replica())?;
    if age < i64::from(case.policy.young_days) {
        return Some(format!("created {} ago", in_days(age)));
    }
    let by_creation = matches!(
        case.unused(),
        Some(Unused::NeverRead | Unused::MaintenanceOnly)
    );
    (by_creation && age < case.idle_days()).then(|| {
        format!(
            "created {} ago and not used yet: judged after {}",
            in_days(age),
            in_days(case.idle_days())
        )
    })
}

fn protected_name(case: &SecretFacts<'_>) -> Option<String> {
    let glob = case
        .policy
        .protected_names
        .iter()
        .find(|glob| glob.fits(&case.secret.name))?;
    Some(format!("the policy protects `{}`", glob.pattern()))
}

fn protected_tag(case: &SecretFacts<'_>) -> Option<String> {
    let fits = |rule: &&TagRule| {
        let value = case.secret.tags.get(&rule.key);
        value.is_some_and(|value| rule.value.as_ref().is_none_or(|wanted| wanted == value))
    };
    let rule = case.policy.protected_tags.iter().find(fits)?;
    Some(format!("the tag `{}` protects it", rule.key))
}

fn protected_until(case: &SecretFacts<'_>) -> Option<String> {
    let key = &case.policy.until_tag;
    let text = case.secret.tags.get(key)?.trim();
    let day: Option<Date> = text
        .parse()
        .ok()
        .or_else(|| text.parse::<Timestamp>().ok().map(day_of));
    match day {
        Some(day) if day < day_of(case.now) => None,
        Some(day) => Some(format!("the tag `{key}` protects it until {day}")),
        None => Some(format!(
            "the tag `{key}` protects it; its value is not a date"
        )),
    }
}

fn coverage_gap(case: &SecretFacts<'_>) -> Option<String> {
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

fn failed_reads(case: &SecretFacts<'_>) -> Option<String> {
    let mut calls = 0;
    let mut about = "";
    let mut last = None;
    for member in case.members() {
        for (reader, what) in member
            .readers
            .iter()
            .filter(|(reader, _)| reader.kind != ReaderKind::Ourselves)
        {
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
        "asked for in vain {times}, last by {who} on {} ({})",
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

fn recently_written(case: &SecretFacts<'_>) -> Option<String> {
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

fn described(case: &SecretFacts<'_>) -> Option<String> {
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

fn cross_account(case: &SecretFacts<'_>) -> Option<String> {
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

fn iac_managed(case: &SecretFacts<'_>) -> Option<String> {
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

fn ambiguous_reads(case: &SecretFacts<'_>) -> Option<String> {
    let calls = case.ambiguous;
    if calls == 0 {
        let batch = case.selecting_batch()?;
        return Some(format!(
            "{} reads secrets in batches by a filter that may select it, last on {}",
            name_of(&batch.reader.identity),
            utc_day(batch.slice.last())
        ));
    }
    (calls > 0).then(|| {
        format!(
            "{} may have meant this secret or another",
            counted(calls, "call", "calls")
        )
    })
}

fn never_read(case: &SecretFacts<'_>) -> Option<String> {
    let age = case.age_days().filter(|_| case.secret.access_is_known)?;
    case.judged_unused(Unused::NeverRead).then(|| {
        format!(
            "never read since it was created {} ago, {}",
            in_days(age),
            case.basis()
        )
    })
}

fn idle(case: &SecretFacts<'_>) -> Option<String> {
    if !case.judged_unused(Unused::Idle) {
        return None;
    }
    let day = case
        .members()
        .filter_map(|member| member.last_accessed)
        .max()?;
    Some(format!("last read on {day}, {}", case.basis()))
}

fn maintenance_only(case: &SecretFacts<'_>) -> Option<String> {
    if !case.judged_unused(Unused::MaintenanceOnly) {
        return None;
    }
    let mut kinds: Vec<String> = case
        .members()
        .flat_map(|member| member.readers.iter())
        .filter(|(reader, what)| {
            !case.policy.is_consumer(reader.kind) && !what.read_days().is_empty()
        })
        .map(|(reader, _)| format!("{} ({})", name_of(&reader.identity), reader.kind.as_str()))
        .collect();
    kinds.sort();
    kinds.dedup();
    if let (Accessed::Unfetched(day), true) = (case.accessed(&case.own), kinds.is_empty()) {
        return Some(format!(
            "last read on {day}, when it was rotated; nobody has fetched the version that is current since then"
        ));
    }
    Some(format!("read only by {}", kinds.join(", ")))
}

fn utc_day(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| day_of(at).to_string())
}

fn in_days(days: i64) -> String {
    counted(u64::try_from(days).unwrap_or(0), "day", "days")
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

fn sensitive_name(case: &SecretFacts<'_>) -> Option<String> {
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
