//! The checks of one line: whether the secret may be deleted now, by what AWS, the journal and the policy say.

use jiff::Timestamp;

use super::{ApplyContext, ApplyOptions, Replicas};
use crate::domain::base::money::counted;
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::base::span::DAY_S;
use crate::domain::cleanup::journal::{Phase, SecretState};
use crate::domain::cleanup::plan::{PlanEntry, end_of_window};
use crate::domain::cleanup::precondition::{OwnChanges, SKEW_SECONDS};
use crate::domain::cleanup::resource_policy::outsiders;
use crate::domain::inventory::secret::{Secret, day_of};
use crate::domain::judging::protection::protection;
use crate::ports::{Fault, RecentCall, RecentTarget};

/// For how long an intent without an outcome is taken up again although AWS does not show the deletion, in seconds.
///
/// It was most likely never made. But it may have been made and taken back by somebody since, and the longer ago, the
/// likelier that is.
const OPEN_INTENT_SECONDS: i64 = DAY_S;

/// The result of the checks.
pub(super) struct Examination {
    pub(super) check: Check,
    /// The reason why calls since the scan could not be looked up.
    pub(super) lookup_gap: Option<String>,
}

/// The decision whether to go on with a line.
pub(super) enum Check {
    /// It may be deleted; the secret as it is now.
    Go(Box<Secret>),
    /// This plan has deleted it.
    Done {
        /// The end of the recovery window.
        deletion: Timestamp,
        /// The record of the deletion in the journal.
        record: OnRecord,
    },
    /// It must not be deleted.
    Refused(String),
    /// AWS gave no answer that decides.
    Failed(String),
}

/// The record of a deletion in the journal: whether it has the outcome.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnRecord {
    /// It has.
    Yes,
    /// It only has the intent.
    No,
}

/// Asks AWS, the journal and the policy about one line. Writes nothing.
pub(super) async fn examine(
    line: &PlanEntry,
    secret_state: Option<&SecretState>,
    world: ApplyContext<'_>,
    terms: &ApplyOptions,
) -> Examination {
    let now = (world.clock)();
    let check = match examine_secret(line, secret_state, world, now).await {
        Check::Go(secret) => match terms_allow(&secret, terms) {
            Some(why) => Check::Refused(why),
            None => match shared_with_others(line, world).await {
                Some(check) => check,
                None => return called_since(line, secret, world).await,
            },
        },
        other => other,
    };
    Examination {
        check,
        lookup_gap: None,
    }
}

async fn examine_secret(
    line: &PlanEntry,
    secret_state: Option<&SecretState>,
    world: ApplyContext<'_>,
    now: Timestamp,
) -> Check {
    let phase = secret_state.map_or(Phase::Untouched, |secret_state| secret_state.phase);
    if let (Some(secret_state), Phase::Restored | Phase::Restoring) = (secret_state, phase) {
        return Check::Refused(format!(
            "this plan's deletion was cancelled by a restore on {}: scan and plan again",
            day_of(secret_state.since)
        ));
    }
    match world.vault.describe(&line.arn).await {
        Err(fault) => absent(&fault, secret_state, now),
        Ok(secret) if secret.arn != line.arn => {
            Check::Refused(format!("AWS answers with another secret, {}", secret.arn))
        }
        Ok(secret) => match secret.deleted {
            Some(deleted) => pending(line, deleted, secret_state, world),
            None => present(line, secret, secret_state, world, now),
        },
    }
}

/// `DescribeSecret` gave no secret.
fn absent(fault: &Fault, secret_state: Option<&SecretState>, now: Timestamp) -> Check {
    let Fault::Gone(_) = fault else {
        return Check::Failed(fault.to_string());
    };
    match secret_state.map(|secret_state| (secret_state.phase, secret_state.deletion)) {
        Some((Phase::Deleted, Some(deletion))) if deletion <= now => Check::Done {
            deletion,
            record: OnRecord::Yes,
        },
        Some((Phase::Deleted, _)) => Check::Refused(
            "it is not there any more, although its recovery window lasts: somebody else deleted it for good"
                .to_owned(),
        ),
        Some((Phase::Deleting, _)) => Check::Failed(
            "its deletion was begun, and now it is not there at all: see who deleted it for good".to_owned(),
        ),
        _ => Check::Refused("it is not there any more: somebody else deleted it".to_owned()),
    }
}

/// AWS has a deletion scheduled: ours, or somebody else's.
fn pending(
    line: &PlanEntry,
    deleted: Timestamp,
    secret_state: Option<&SecretState>,
    world: ApplyContext<'_>,
) -> Check {
    if let Some(secret_state) = secret_state {
        if let (Phase::Deleted, Some(deletion)) = (secret_state.phase, secret_state.deletion) {
            return Check::Done {
                deletion,
                record: OnRecord::Yes,
            };
        }
        if let Some(deletion) = ours(deleted, secret_state) {
            return Check::Done {
                deletion,
                record: OnRecord::No,
            };
        }
    }
    // The journal may be gone, or may not have the answer. The calls of this plan carry its mark in the event history.
    let logged = world.reads.and_then(|reads| reads.own_deletion(&line.arn));
    if let Some(made) = logged
        && (deleted.as_second() - made.as_second()).abs() <= SKEW_SECONDS
    {
        return Check::Done {
            deletion: end_of_window(deleted, line.seal.recovery_days),
            record: OnRecord::No,
        };
    }
    Check::Refused(format!(
        "its deletion is scheduled already, since {}, and not by this plan",
        day_of(deleted)
    ))
}

/// The end of the window, if a deletion that AWS dates like this is the open intent's.
///
/// `DeletedDate` is the moment of the call in recorded answers; one text of AWS calls it the scheduled date. Both fit.
pub(crate) fn ours(deleted: Timestamp, secret_state: &SecretState) -> Option<Timestamp> {
    let intent = secret_state
        .intent
        .filter(|_| secret_state.phase == Phase::Deleting)?;
    let near = |moment: Timestamp| (deleted.as_second() - moment.as_second()).abs() <= SKEW_SECONDS;
    let end = end_of_window(intent.at, intent.recovery_days);
    if near(intent.at) {
        Some(end_of_window(deleted, intent.recovery_days))
    } else {
        near(end).then_some(deleted)
    }
}

/// The secret is there and active.
fn present(
    line: &PlanEntry,
    secret: Secret,
    secret_state: Option<&SecretState>,
    world: ApplyContext<'_>,
    now: Timestamp,
) -> Check {
    if let Some(secret_state) = secret_state {
        if secret_state.phase == Phase::Deleted {
            return Check::Refused(
                "this plan deleted it, and somebody restored it since: scan and plan again"
                    .to_owned(),
            );
        }
        let open = secret_state
            .intent
            .filter(|_| secret_state.phase == Phase::Deleting);
        if let Some(intent) = open
            && now.as_second() - intent.at.as_second() > OPEN_INTENT_SECONDS
        {
            return Check::Refused(format!(
                "its deletion was begun on {} and AWS does not show it: it was never scheduled, or somebody restored the secret; scan and plan again",
                day_of(intent.at)
            ));
        }
    }
    let own = secret_state
        .map(SecretState::own_changes)
        .unwrap_or_default();
    match refusal(line, &secret, &own, world, now) {
        Some(why) => Check::Refused(why),
        None => Check::Go(Box::new(secret)),
    }
}

/// Returns why an active secret must not be deleted.
pub(super) fn refusal(
    line: &PlanEntry,
    secret: &Secret,
    own: &OwnChanges,
    world: ApplyContext<'_>,
    now: Timestamp,
) -> Option<String> {
    if let Some(why) = protection(secret, world.policy, now) {
        return Some(why);
    }
    let unplanned: Vec<&str> = current_replicas(secret)
        .filter(|region| !line.seal.replicas.contains(region))
        .map(Region::as_str)
        .collect();
    if !unplanned.is_empty() {
        return Some(format!(
            "it has replicas that the plan does not name, in {}: scan and plan again",
            unplanned.join(", ")
        ));
    }
    let breaks = line.seal.breaks(secret, own);
    if !breaks.is_empty() {
        let breaks: Vec<String> = breaks.iter().map(ToString::to_string).collect();
        return Some(format!(
            "it changed since the scan ({}): scan and plan again",
            breaks.join("; ")
        ));
    }
    let scanned = day_of(line.seal.planned_at);
    secret.replicas.iter().flatten().find_map(|replica| {
        let day = replica.last_accessed.filter(|day| *day >= scanned)?;
        Some(format!(
            "its replica in {} was read on {day}: scan and plan again",
            replica.region
        ))
    })
}

fn current_replicas(secret: &Secret) -> impl Iterator<Item = &Region> {
    secret
        .replicas
        .iter()
        .flatten()
        .map(|replica| &replica.region)
}

fn terms_allow(secret: &Secret, terms: &ApplyOptions) -> Option<String> {
    let regions: Vec<&str> = current_replicas(secret).map(Region::as_str).collect();
    let refused = !regions.is_empty() && terms.replicas == Replicas::Refuse;
    refused.then(|| {
        format!(
            "its replicas in {} would be deleted at once and cannot be restored: allow it with `--remove-replicas`",
            regions.join(", ")
        )
    })
}

/// Returns why the resource policy speaks against the deletion, or could not be read; `None`: it does not, or there is
/// none.
///
/// A scan does not read resource policies. So what matters here is not whether the policy is new, but whether it lets
/// somebody in whose calls the account's own trail may not have.
async fn shared_with_others(line: &PlanEntry, world: ApplyContext<'_>) -> Option<Check> {
    let own = &line.arn.scope().account;
    match world.vault.resource_policy(&line.arn).await {
        Ok(None) => None,
        Ok(Some(policy)) => match outsiders(&policy, own) {
            Ok(found) if found.is_empty() => None,
            Ok(found) => {
                let names: Vec<String> = found.into_iter().collect();
                Some(Check::Refused(format!(
                    "its resource policy grants access from outside of the account {own}, to {}: if nobody there needs the secret, remove the grant, then scan and plan again",
                    names.join(", ")
                )))
            }
            Err(why) => Some(Check::Refused(format!(
                "its resource policy is not understood ({why}), so it may grant access to somebody"
            ))),
        },
        Err(fault) => Some(Check::Failed(format!(
            "its resource policy could not be read: {fault}"
        ))),
    }
}

/// Looks up who asked for the secret or a replica since the scan. Whoever did, refuses the line.
async fn called_since(
    line: &PlanEntry,
    secret: Box<Secret>,
    world: ApplyContext<'_>,
) -> Examination {
    let go = |secret| Examination {
        check: Check::Go(secret),
        lookup_gap: None,
    };
    let Some(reads) = world.reads else {
        return go(secret);
    };
    let mut members = vec![line.arn.clone()];
    members.extend(current_replicas(&secret).filter_map(|region| line.arn.in_region(region).ok()));
    let mut lookup_gap: Option<String> = None;
    for arn in &members {
        match reads.since(&secret, arn, line.seal.planned_at).await {
            Err(Fault::Unreachable(why)) => {
                lookup_gap.get_or_insert(why);
            }
            Err(fault) => {
                lookup_gap.get_or_insert(fault.to_string());
            }
            Ok(calls) => {
                if let Some(why) = refusal_for_calls(arn, &calls) {
                    return Examination {
                        check: Check::Refused(why),
                        lookup_gap,
                    };
                }
            }
        }
    }
    match lookup_gap {
        None => go(secret),
        // Whoever asked is not known, so nothing says that nobody did.
        Some(why) => Examination {
            check: Check::Refused(format!(
                "the calls for it since the scan could not be looked up ({why}); `--no-lookup` skips this check"
            )),
            lookup_gap: Some(why),
        },
    }
}

/// Returns why calls since the scan refuse a line; `None`: there are none. Those that name the secret say it best.
fn refusal_for_calls(arn: &SecretArn, calls: &[RecentCall]) -> Option<String> {
    let last = calls.iter().max_by_key(|one| (one.target, one.at))?;
    let alike = calls.iter().filter(|one| one.target == last.target);
    let calls = alike.map(|one| one.calls).sum();
    let is_read = last.what.starts_with("Get")
        || last.what.starts_with("BatchGet")
        || last.what.starts_with("Describe")
        || last.what.starts_with("List");
    let what = match last.target {
        RecentTarget::Unnamed => {
            "since the scan, calls were refused whose records do not name the secret, so somebody may need it"
        }
        RecentTarget::Filters => {
            "since the scan, secrets were fetched by filters that may select it, so somebody may need it"
        }
        RecentTarget::Named if is_read => "it was requested since the scan, so somebody needs it",
        RecentTarget::Named => "it was changed since the scan, so somebody works with it",
    };
    Some(format!(
        "{what}: {} in {}, the last {} by {} at {}",
        counted(calls, "call", "calls"),
        arn.scope().region,
        last.what,
        last.reader,
        last.at
    ))
}
