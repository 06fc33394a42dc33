//! What each caller is, for the secrets that it rotates and for the others.
//!
//! What a caller is by itself is said in [`crate::domain::classify`]. That it rotates a secret is known of a caller and a
//! secret together: the inventory names it as the function of that secret, or the calls show it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::classify::{
    Class, RotationFunctions, as_rotation, classify, may_rotate_unnamed,
};
use crate::domain::names::{Index, Resolution};
use crate::domain::policy::Policy;
use crate::domain::usage::{Access, Caller, Outcome};

use super::{Reader, slices};

/// A reader, and what to do about it.
pub(super) type Who = (Arc<Reader>, Arc<Class>);

/// What a caller is, and what it is instead for the secrets that it rotates.
pub(super) struct Known {
    usual: Who,
    /// The same as a rotation function, and the places of the secrets for which it is one.
    rotates: Option<(Who, BTreeSet<usize>)>,
}

impl Known {
    pub(super) fn new(
        caller: &Caller,
        rotations: &RotationFunctions,
        rotated: &Rotated<'_>,
        policy: &Policy,
    ) -> Self {
        let who = |class: Class| {
            let reader = Reader {
                kind: class.kind,
                identity: caller.identity.clone(),
                client: class.client.clone(),
            };
            (Arc::new(reader), Arc::new(class))
        };
        let usual = classify(caller, policy);
        let mut places = rotations.of(caller).cloned().unwrap_or_default();
        if may_rotate_unnamed(caller, &usual) {
            places.extend(rotated.get(&session_key(caller)).into_iter().flatten());
        }
        let class = as_rotation(caller, &usual, policy).filter(|_| !places.is_empty());
        Self {
            rotates: class.map(|class| (who(class), places)),
            usual: who(usual),
        }
    }

    /// What the caller is for what a call meant.
    pub(super) fn towards(&self, resolution: Option<&Resolution>) -> &Who {
        match (&self.rotates, resolution) {
            (Some((who, places)), Some(Resolution::One(place))) if places.contains(place) => who,
            _ => &self.usual,
        }
    }
}

/// The places of the secrets that sessions rotate, by (identity, session).
pub(super) type Rotated<'a> = HashMap<(&'a str, &'a str), BTreeSet<usize>>;

/// Which secrets are rotated by whom, as the calls show it, whether a secret names its function or not: the session moves
/// the staging labels of the secret (`UpdateSecretVersionStage`) and reads its version in staging. Only rotations do both.
pub(super) fn rotated<'a>(accesses: &'a [Access], index: &Index<'_>) -> Rotated<'a> {
    let mut staged = Rotated::new();
    let mut moved = Rotated::new();
    for access in accesses.iter().filter(|it| it.outcome == Outcome::Ok) {
        let kind = if access.staged {
            &mut staged
        } else if &*access.subject.api == "UpdateSecretVersionStage" {
            &mut moved
        } else {
            continue;
        };
        let places = kind.entry(session_key(&access.caller)).or_default();
        for (_, resolution) in slices(access, index) {
            if let Some(Resolution::One(place)) = resolution {
                places.insert(place);
            }
        }
    }
    moved.retain(|session, places| {
        places.retain(|place| staged.get(session).is_some_and(|read| read.contains(place)));
        !places.is_empty()
    });
    moved
}

fn session_key(caller: &Caller) -> (&str, &str) {
    (&caller.identity, &caller.session)
}
