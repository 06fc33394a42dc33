//! What happens to the everyday secrets of the example organization in its ninety days.

use super::call::{Act, CallTarget};
use super::everyday::{EVERYDAY, Life, SECRETS};
use super::organization::CAST;
use super::rotation;
use super::script::{Script, always};
use crate::domain::base::span::HOUR_S;

/// Adds the calls of the everyday secrets, and of their rotations.
pub(super) fn calls(script: &mut Script) {
    rotation::calls(&mut script.calls, CAST.len()..SECRETS.len());
    for (everyday, index) in EVERYDAY.iter().zip(CAST.len()..) {
        let caller = everyday.caller();
        match everyday.life {
            Life::Read { every } => script.reads(index, caller, always(every)),
            Life::Cached => {
                let ask = [Act::Describe(CallTarget::Arn(index))];
                script.series(everyday.row.region, caller, always(HOUR_S), &ask, None);
            }
            Life::Quiet => {}
        }
    }
}
