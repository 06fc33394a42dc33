//! What each caller is, for each secret and each kind of call.
//!
//! What a caller is by itself is said in [`crate::domain::usage::classify`]. That it rotates a secret is known of a caller and a
//! secret together: the inventory names it as the function of that secret, or the calls show it. That it needs a value is
//! known of the caller and the call together: a deploy tool that reads a value uses it, unless the call is the refresh of a
//! secret that the tool manages.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::domain::base::names::{Index, Resolution, SECRETS_MANAGER};
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::policy::Policy;
use crate::domain::trail::calls::{CallOutcome, CallSeries, Caller, RequestedVersion};
use crate::domain::trail::event::RecordKind;
use crate::domain::trail::sessions::SessionFamily;
use crate::domain::usage::classify::{Class, Classifier, RotationFunctions};
use crate::domain::usage::fingerprints::{is_service_itself, service_of};

use super::reader_use::{Reader, is_regular};
use super::{SubjectMeaning, slices};

/// A reader, and what to do about it.
pub(super) type Who = (Arc<Reader>, Arc<Class>);

/// Every caller of a ledger, and what it is for each secret and call.
pub(super) struct Callers<'a, 'p> {
    /// By the address of the caller, which all its lines share: to hash its texts for each line takes longer.
    known: HashMap<*const Caller, KnownCaller, FixedState>,
    rotations: &'p RotationFunctions,
    rotated: Rotated<'a>,
    classifier: Classifier<'p>,
    /// The identities that send our application id and are not us.
    strangers: HashSet<&'a str>,
    /// The callers of batches, by (identity, session).
    batches: HashMap<(&'a str, &'a str), &'a Caller>,
}

impl<'a, 'p> Callers<'a, 'p> {
    pub(super) fn new(
        accesses: &'a [CallSeries],
        index: &Index<'_>,
        rotations: &'p RotationFunctions,
        policy: &'p Policy,
    ) -> Self {
        let batches = accesses
            .iter()
            .filter(|access| access.kind == RecordKind::Call)
            .filter(|access| &*access.subject.api == "BatchGetSecretValue");
        let mut classifier = Classifier::new(policy);
        Self {
            known: HashMap::default(),
            rotations,
            rotated: rotated(accesses, index),
            strangers: strangers(accesses, &mut classifier),
            classifier,
            batches: batches
                .map(|access| (session_key(&access.caller), &*access.caller))
                .collect(),
        }
    }

    /// Returns what the caller of a line is for what the line means.
    pub(super) fn towards(
        &mut self,
        access: &'a CallSeries,
        resolution: Option<&Resolution>,
    ) -> &Who {
        let caller = self.reader_of(access);
        let Self {
            known,
            rotations,
            rotated,
            classifier,
            strangers,
            ..
        } = self;
        let known = known.entry(std::ptr::from_ref(caller)).or_insert_with(|| {
            let is_ours = !strangers.contains(&*caller.identity);
            let usual =
                classifier.classify(caller, |kind| kind == ReaderKind::Ourselves && !is_ours);
            let mut secret_indexes = rotations.of(caller).cloned().unwrap_or_default();
            // What some of many sessions do says nothing of the others.
            if classifier.may_rotate_unnamed(caller, &usual) && !caller.is_many {
                secret_indexes.extend(rotated.get(&session_key(caller)).into_iter().flatten());
            }
            let rotation = classifier.as_rotation(caller, &usual);
            let rotation = rotation.filter(|_| !secret_indexes.is_empty());
            KnownCaller::new(caller, usual, rotation.map(|class| (class, secret_indexes)))
        });
        known.towards(access, resolution)
    }

    /// The caller that reads: for the reads that the service logs for a batch, the caller of the batch.
    fn reader_of(&self, access: &'a CallSeries) -> &'a Caller {
        let caller = &*access.caller;
        let is_by_service = service_of(caller) == SECRETS_MANAGER;
        let batch = || self.batches.get(&session_key(caller)).copied();
        if is_by_service && !is_service_itself(caller) {
            batch().unwrap_or(caller)
        } else {
            caller
        }
    }
}

/// The identities that send our application id and are not us. Anybody can send it. A scan lists secrets, and `apply`
/// describes those of a plan once; whoever describes a secret regularly, and neither lists nor deletes secrets, is a
/// program with a cache.
fn strangers<'a>(accesses: &'a [CallSeries], classifier: &mut Classifier<'_>) -> HashSet<&'a str> {
    // The lines of one caller share it, and most callers have many lines.
    let mut known: HashMap<*const Caller, bool, FixedState> = HashMap::default();
    let is_marked = |access: &&CallSeries| {
        matches!(
            &*access.subject.api,
            "ListSecrets" | "DeleteSecret" | "RestoreSecret" | "DescribeSecret"
        ) && *known.entry(Arc::as_ptr(&access.caller)).or_insert_with(|| {
            classifier.classify(&access.caller, |_| false).kind == ReaderKind::Ourselves
        })
    };
    let (describes, works): (Vec<_>, Vec<_>) = accesses
        .iter()
        .filter(is_marked)
        .partition(|access| &*access.subject.api == "DescribeSecret");
    let ours: HashSet<&str> = works.iter().map(|one| &*one.caller.identity).collect();
    let identities = describes
        .into_iter()
        .filter(|access| is_regular(access.cells.iter()))
        .map(|access| &*access.caller.identity);
    identities.filter(|one| !ours.contains(one)).collect()
}

/// The reader that a caller is, and those that it is instead for the secrets that it rotates and for reads of values.
struct KnownCaller {
    usual: Who,
    /// The same as a rotation function, and the indexes of the secrets for which it is one.
    rotates: Option<(Who, BTreeSet<usize>)>,
    /// The same for reads of values: where the call names a version and no stage, and otherwise.
    reads: [Option<Who>; 2],
}

impl KnownCaller {
    /// `usual` is what the caller is by itself, `rotation` what it is for the secrets that it rotates.
    fn new(caller: &Caller, usual: Class, rotation: Option<(Class, BTreeSet<usize>)>) -> Self {
        let who = |class: Class| {
            let reader = Reader {
                kind: class.kind,
                identity: identity_of(caller),
                client: class.client.clone(),
            };
            (Arc::new(reader), Arc::new(class))
        };
        Self {
            rotates: rotation.map(|(class, secret_indexes)| (who(class), secret_indexes)),
            reads: [true, false].map(|by_version| usual.for_value_read(by_version).map(who)),
            usual: who(usual),
        }
    }

    /// Returns what the caller is for a call, and for what it meant.
    fn towards(&self, access: &CallSeries, resolution: Option<&Resolution>) -> &Who {
        if let (Some((who, secret_indexes)), Some(Resolution::One(secret_index))) =
            (&self.rotates, resolution)
            && secret_indexes.contains(secret_index)
        {
            return who;
        }
        let [by_version, other] = &self.reads;
        let read = if access.version == RequestedVersion::ById {
            by_version
        } else {
            other
        };
        read.as_ref()
            .filter(|_| access.asks_for_value())
            .unwrap_or(&self.usual)
    }
}

/// The identity of a caller in reports. A caller of another account may be known by an id alone, which says nothing
/// without its account.
fn identity_of(caller: &Caller) -> String {
    let Caller {
        identity, account, ..
    } = caller;
    let is_id = ["AROA", "AIDA", "ASIA", "AKIA"]
        .iter()
        .any(|prefix| identity.starts_with(prefix));
    if is_id && !account.is_empty() {
        format!("{account}/{identity}")
    } else {
        identity.clone()
    }
}

/// The indexes of the secrets that sessions rotate, by (identity, session).
pub(super) type Rotated<'a> = HashMap<(&'a str, &'a str), BTreeSet<usize>>;

/// Returns which secrets are rotated by whom, as the calls show it, whether a secret names its function or not: the
/// session moves the staging labels of the secret (`UpdateSecretVersionStage`) and reads its version in staging. Only
/// rotations do both.
pub(super) fn rotated<'a>(accesses: &'a [CallSeries], index: &Index<'_>) -> Rotated<'a> {
    let mut staged = Rotated::new();
    let mut moved = Rotated::new();
    let mut meanings = SubjectMeaning::new(index);
    for access in accesses.iter().filter(|it| it.outcome == CallOutcome::Ok) {
        let kind = if access.version == RequestedVersion::Pending {
            &mut staged
        } else if &*access.subject.api == "UpdateSecretVersionStage" {
            &mut moved
        } else {
            continue;
        };
        let secret_indexes = kind.entry(session_key(&access.caller)).or_default();
        for (_, resolution) in slices(access, meanings.of(access)) {
            if let Some(Resolution::One(secret_index)) = resolution {
                secret_indexes.insert(secret_index);
            }
        }
    }
    moved.retain(|session, secret_indexes| {
        secret_indexes.retain(|secret_index| {
            staged
                .get(session)
                .is_some_and(|read| read.contains(secret_index))
        });
        !secret_indexes.is_empty()
    });
    moved
}

/// The session of a caller; of many sessions, what they have in common.
fn session_key(caller: &Caller) -> (&str, &str) {
    let session = match SessionFamily::of(&caller.session) {
        Some(family) if caller.is_many => family.start,
        _ => &caller.session,
    };
    (&caller.identity, session)
}
