//! When secrets are rotated, and the calls that a rotation makes.
//!
//! The function of a rotation reads the secret as any client would: these reads move the date of the last access.

use std::ops::Range;

use super::call::{Act, Call, CallTarget, Failure, VersionRequest};
use super::callers;
use super::everyday::SECRETS;
use super::roles::{Cast, Rotation};
use super::{DAYS, NOW};
use crate::demo::locations::STAGING;
use crate::domain::base::span::{DAY_S, HOUR_S};

/// The rotations that succeeded, the newest first, all that are in the trail.
pub(super) fn succeeded(cast: &Cast) -> Vec<i64> {
    let (every, last) = match cast.rotation {
        Rotation::Function { every, last, .. }
        | Rotation::Failing { every, last, .. }
        | Rotation::Stuck { every, last, .. }
        | Rotation::Managed { every, last } => (every, last),
        Rotation::Off { last } => (DAYS, last),
        Rotation::Unset => return Vec::new(),
    };
    let mut days = last;
    let mut times = vec![time(days)];
    while days + every < DAYS {
        days += every;
        times.push(time(days));
    }
    times
}

/// Rotations run at twelve minutes past three.
pub(super) const fn time(days: i64) -> i64 {
    NOW - days * DAY_S + 3 * HOUR_S + 12 * 60
}

/// Adds the calls of every rotation of these secrets that happened or failed.
pub(super) fn calls(calls: &mut Vec<Call>, secrets: Range<usize>) {
    for index in secrets {
        let cast = &SECRETS[index];
        match cast.rotation {
            Rotation::Function { .. } => {
                for at in succeeded(cast) {
                    rotation(calls, index, at, RotationEnd::Success);
                }
            }
            Rotation::Stuck { begun, .. } => {
                for at in succeeded(cast) {
                    rotation(calls, index, at, RotationEnd::Success);
                }
                rotation(calls, index, time(begun), RotationEnd::Silence);
            }
            Rotation::Failing { every, last, .. } => {
                for at in succeeded(cast) {
                    rotation(calls, index, at, RotationEnd::Success);
                }
                // The service tries again every day once a rotation is overdue.
                for days in 1..=last - every {
                    rotation(calls, index, time(days), RotationEnd::Failure);
                }
            }
            Rotation::Unset | Rotation::Managed { .. } | Rotation::Off { .. } => {}
        }
    }
}

/// The way in which a rotation ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RotationEnd {
    Success,
    Failure,
    /// No event says how: the new version stays in staging.
    Silence,
}

/// The steps of one rotation, as the templates of AWS take them.
fn rotation(calls: &mut Vec<Call>, index: usize, at: i64, end: RotationEnd) {
    let cast = &SECRETS[index];
    let caller = if cast.account == STAGING {
        &callers::ROTATION_STAGING
    } else {
        &callers::ROTATION
    };
    let arn = CallTarget::Arn(index);
    let mut steps = vec![
        Act::Rotation("RotationStarted", index),
        Act::Describe(arn),
        Act::Get(arn, VersionRequest::Current),
        Act::Put(arn),
        Act::Get(arn, VersionRequest::Pending),
    ];
    match end {
        RotationEnd::Success => steps.extend([
            Act::Get(arn, VersionRequest::Current),
            Act::Get(arn, VersionRequest::Pending),
            Act::Describe(arn),
            Act::MoveStage(arn),
            Act::Rotation("RotationSucceeded", index),
        ]),
        RotationEnd::Failure => steps.push(Act::Rotation("RotationFailed", index)),
        RotationEnd::Silence => {}
    }
    for (number, act) in (0..).zip(steps) {
        let ends = matches!(act, Act::Rotation("RotationFailed", _));
        calls.push(Call {
            at: at + 2 * number,
            account: cast.account,
            region: cast.region,
            caller,
            client: u32::try_from(index).unwrap_or(0),
            act,
            failure: ends.then_some(Failure::Rotation),
            shared: None,
        });
    }
}
