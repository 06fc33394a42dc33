//! What makes two events alike: the strings and marks of a line, borrowed from an event.

use std::borrow::Cow;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::interner::{InternedRow, Strings};

use crate::trail::calls::{CallOutcome, CallSubject, Caller, RequestedVersion, named_in};
use crate::trail::cell::Address;
use crate::trail::dedup::CopyRank;
use crate::trail::event::{CallerHalf, RecordKind, SubjectHalf, TlsVersion, TrailEvent};
use crate::trail::sessions::SessionFamily;

/// The number of strings that say what was called: account, Region, target, API.
pub(super) const SUBJECT: usize = 4;

/// The number of strings that say who called, in the order of [`Caller`].
pub(super) const CALLER: usize = 7;

/// The strings and marks of an event that make its line.
pub(super) struct CallKey<'a> {
    /// The strings that say what was called.
    pub(super) subject: [&'a str; SUBJECT],
    /// The call names a secret. Its name may be empty.
    pub(super) subject_marks: u8,
    /// The strings that say who called.
    pub(super) caller: [&'a str; CALLER],
    /// The marks of how the caller came.
    pub(super) caller_marks: u8,
    /// The marks of the kind of call.
    pub(super) marks: u16,
    /// The outcome of the call.
    pub(super) outcome: CallOutcome,
}

/// The index of the session's name among the strings of a caller.
pub(super) const SESSION: usize = 1;

/// The index of the user agent among the strings of a caller.
const USER_AGENT: usize = 6;

const HAS_TARGET: u8 = 1;

/// The mark of a line of batches that say what they select: that stands on lines of its own.
pub(super) const SELECTS: u16 = 4;

/// The two bits of a line's marks that hold the version of TLS begin here.
const TLS: u16 = 3;

/// The bits of a line's marks that hold its kind of record begin here.
const KIND: u16 = 5;

/// The version of the secret that marks hold, in their two lowest bits.
pub(super) fn requested_version(marks: u16) -> RequestedVersion {
    RequestedVersion::ALL[usize::from(marks & 3)]
}

/// The kind of record that marks hold.
pub(super) fn kind(marks: u16) -> RecordKind {
    RecordKind::ALL[usize::from(marks >> KIND)]
}

/// The version of TLS that marks hold.
pub(super) fn tls(marks: u16) -> TlsVersion {
    TlsVersion::ALL[usize::from(marks >> TLS & 3)]
}

/// The marks of a kind of record.
fn of_kind(kind: RecordKind) -> u16 {
    u16::from(kind.number()) << KIND
}

const WEB: u8 = 1;

const EC2: u8 = 2;

const VPC: u8 = 4;

const CONSOLE: u8 = 8;

/// The bits of a caller's marks that hold what was made up of its session's name begin here; zero: the name is whole.
const FAMILY: u8 = 4;

/// Returns whether marks are those of what a batch selects.
pub(super) fn is_selection(marks: u16) -> bool {
    matches!(
        kind(marks),
        RecordKind::BatchEntry | RecordKind::BatchFilter
    )
}

/// The part of a key that what was called makes.
pub(super) struct SubjectKey<'a> {
    /// The strings that say what was called.
    pub(super) texts: [&'a str; SUBJECT],
    /// The call names a secret. Its name may be empty.
    pub(super) marks: u8,
    /// The marks of the kind of call.
    pub(super) line_marks: u16,
    /// The outcome of the call.
    pub(super) outcome: CallOutcome,
}

impl<'a> SubjectKey<'a> {
    /// The part of what was called.
    pub(super) fn of(half: &SubjectHalf<'a>) -> Self {
        let target = half
            .target
            .filter(|target| !target.is_empty())
            .or_else(|| named_in(half.error_message?));
        let version = RequestedVersion::of(half.version_stage, half.names_version);
        let selects = half
            .batch
            .is_some_and(|batch| !batch.ids.is_empty() || batch.filters.is_some());
        Self {
            texts: [
                half.account,
                half.region,
                target.unwrap_or_default(),
                half.name,
            ],
            marks: if target.is_some() { HAS_TARGET } else { 0 },
            line_marks: version as u16 | if selects { SELECTS } else { 0 } | of_kind(half.kind),
            outcome: CallOutcome::of(half),
        }
    }
}

/// The part of a key that who called makes.
pub(super) struct CallerKey<'a> {
    /// The strings that say who called.
    pub(super) texts: [&'a str; CALLER],
    /// The marks of how the caller came.
    pub(super) marks: u8,
    /// The marks of the kind of call that come from the caller.
    pub(super) line_marks: u16,
}

impl<'a> CallerKey<'a> {
    /// The part of who called.
    pub(super) fn of(caller: &CallerHalf<'a>) -> Self {
        let (role, session) = role_and_session(caller.arn.unwrap_or_default());
        let invoked_by = caller.invoked_by.unwrap_or_default();
        let principal_id = caller.principal_id.unwrap_or_default();
        // A caller of another account may be known by its principal id alone: `AROAEXAMPLE:session`.
        let (principal, id_session) = principal_id.split_once(':').unwrap_or((principal_id, ""));
        let stable = [
            caller.issuer_arn.unwrap_or_default(),
            role,
            invoked_by,
            principal,
        ];
        let index = stable.iter().position(|text| !text.is_empty());
        let mark = |on: bool, bit: u8| if on { bit } else { 0 };
        Self {
            texts: [
                index.map_or("", |index| stable[index]),
                if index == Some(3) {
                    id_session
                } else {
                    session
                },
                caller.kind.unwrap_or_default(),
                caller.account.unwrap_or_default(),
                invoked_by,
                caller.service.unwrap_or_default(),
                caller.user_agent.unwrap_or_default(),
            ],
            marks: mark(caller.web_federated, WEB)
                | mark(caller.ec2_delivered, EC2)
                | mark(caller.vpc_endpoint, VPC)
                | mark(caller.from_console, CONSOLE),
            line_marks: (caller.tls as u16) << TLS,
        }
    }

    /// The texts and marks of all sessions of a family.
    pub(super) fn of_family(&self, family: SessionFamily<'a>) -> ([&'a str; CALLER], u8) {
        let mut texts = self.texts;
        texts[SESSION] = family.start;
        (texts, with_family(self.marks, family))
    }
}

impl<'a> CallKey<'a> {
    /// The key of an event.
    #[inline]
    pub(super) fn of(event: &'a TrailEvent<'_>) -> Self {
        let subject = SubjectKey::of(&SubjectHalf::of(event));
        let caller = CallerKey::of(&CallerHalf::of(event));
        Self {
            subject: subject.texts,
            subject_marks: subject.marks,
            caller: caller.texts,
            caller_marks: caller.marks,
            marks: subject.line_marks | caller.line_marks,
            outcome: subject.outcome,
        }
    }

    /// The key of all sessions of a family.
    pub(super) fn of_family(&self, family: SessionFamily<'a>) -> Self {
        let mut caller = self.caller;
        caller[SESSION] = family.start;
        Self {
            caller,
            caller_marks: with_family(self.caller_marks, family),
            ..*self
        }
    }

    /// The order of the copy of a call that two accounts log, of this time and address.
    pub(super) fn copy_rank(&self, time: i64, address: Address) -> CopyRank {
        let texts = self.subject.iter().chain(&self.caller);
        // A role or user says more than the id of a principal.
        let facts = [
            address != Address::default(),
            self.caller[0].starts_with("arn:"),
        ];
        let absent = texts.filter(|text| text.is_empty()).count();
        let marks = (self.subject_marks, self.caller_marks, self.marks);
        let of_call = (marks, self.outcome, address, time);
        CopyRank {
            unknown: absent + facts.into_iter().filter(|&fact| !fact).count(),
            hash: FixedState::default().hash_one((self.subject, self.caller, of_call)),
        }
    }

    /// The keys of what a batch selects, which the call itself does not name. They are evidence; the call is counted by
    /// its own key.
    pub(super) fn of_batch(event: &'a TrailEvent<'_>) -> Vec<Self> {
        let selection = |kind: RecordKind, target: &'a Cow<'_, str>| {
            let own = Self::of(event);
            let [account, region, _, api] = own.subject;
            Self {
                subject: [account, region, target, api],
                subject_marks: HAS_TARGET,
                marks: of_kind(kind),
                ..own
            }
        };
        let batch = event.batch.iter();
        batch
            .flat_map(|batch| {
                let ids = batch.ids.iter().map(|id| (RecordKind::BatchEntry, id));
                let filters = batch.filters.iter();
                ids.chain(filters.map(|filters| (RecordKind::BatchFilter, filters)))
            })
            .map(|(kind, target)| selection(kind, target))
            .collect()
    }
}

/// The subject of a row.
pub(super) fn subject(row: &InternedRow<SUBJECT>, strings: &Strings) -> CallSubject {
    let [account, region, target, api] = row.strings.map(|symbol| strings.shared(symbol));
    CallSubject {
        account,
        region,
        target: (row.marks & HAS_TARGET != 0).then_some(target),
        api,
    }
}

/// The family of the session of a caller; `None`: the session has a name of its own, or one that has to stay.
///
/// A person is known by the session, and a Lambda function by its name, which is that of its session, whatever its form.
/// Only an SDK in a function that assumes another role makes names up.
pub(super) fn family_of(caller: [&str; CALLER], marks: u8) -> Option<SessionFamily<'_>> {
    let [identity, session, identity_type, ..] = caller;
    let family = SessionFamily::of(session)?;
    let is_person = identity.contains("AWSReservedSSO_") || marks & CONSOLE != 0;
    let is_named_by_session = identity_type == "FederatedUser";
    let is_function = is_in_lambda(caller[USER_AGENT]) && !family.is_of_sdk();
    (!is_person && !is_named_by_session && !is_function).then_some(family)
}

/// The marks of a caller that stands for all sessions of a family.
pub(super) fn with_family(marks: u8, family: SessionFamily<'_>) -> u8 {
    marks | (family.origin as u8) << FAMILY
}

/// The marks of a caller that is one session of its family.
pub(super) fn without_family(marks: u8) -> u8 {
    marks & ((1 << FAMILY) - 1)
}

/// Returns whether a user agent is that of a program in Lambda: every SDK puts the environment into it.
fn is_in_lambda(user_agent: &str) -> bool {
    const SIGN: &[u8] = b"exec-env/aws_lambda";
    const SLASH: usize = b"exec-env".len();
    // Asked of every call with a made-up session name: only where a slash stands can the sign be.
    let bytes = user_agent.as_bytes();
    let mut starts = memchr::memchr_iter(b'/', bytes).filter_map(|slash| slash.checked_sub(SLASH));
    starts.any(|start| {
        let part = bytes.get(start..start + SIGN.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(SIGN))
    })
}

/// The caller of a row. `example`: a name of the family of sessions that the caller stands for.
pub(super) fn caller(
    row: &InternedRow<CALLER>,
    strings: &Strings,
    example: Option<&str>,
) -> Caller {
    let [
        identity,
        session,
        identity_type,
        account,
        invoked_by,
        source_service,
        user_agent,
    ] = row.strings.map(|symbol| strings.text(symbol).to_owned());
    let has = |bit: u8| row.marks & bit != 0;
    Caller {
        identity,
        session: example.map_or(session, str::to_owned),
        is_many: example.is_some(),
        identity_type,
        account,
        invoked_by,
        source_service,
        user_agent,
        web_federated: has(WEB),
        ec2_delivered: has(EC2),
        vpc_endpoint: has(VPC),
        from_console: has(CONSOLE),
    }
}

/// The ARN without its session, so that a reader without `sessionIssuer` is still one reader, and the session's name:
/// `arn:aws:sts::<account>:assumed-role/<role>/<session>`. A federated user is its own session, and any other ARN has none.
fn role_and_session(arn: &str) -> (&str, &str) {
    let Some((before, session)) = arn.rsplit_once('/') else {
        return (arn, "");
    };
    if before.ends_with(":federated-user") {
        return (arn, session);
    }
    match before.rsplit_once('/') {
        Some((kind, _)) if kind.ends_with(":assumed-role") => (before, session),
        _ => (arn, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_taken_off_where_there_is_one() {
        for (arn, role, session) in [
            (
                "arn:aws:sts::111122223333:assumed-role/app/i-0abc",
                "arn:aws:sts::111122223333:assumed-role/app",
                "i-0abc",
            ),
            (
                "arn:aws-us-gov:sts::111122223333:assumed-role/app/",
                "arn:aws-us-gov:sts::111122223333:assumed-role/app",
                "",
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/app",
                "arn:aws:sts::111122223333:assumed-role/app",
                "",
            ),
            (
                "arn:aws:sts::111122223333:federated-user/ann",
                "arn:aws:sts::111122223333:federated-user/ann",
                "ann",
            ),
            (
                "arn:aws:iam::111122223333:user/team/ann",
                "arn:aws:iam::111122223333:user/team/ann",
                "",
            ),
            (
                "arn:aws:iam::111122223333:role/assumed-role/ann",
                "arn:aws:iam::111122223333:role/assumed-role/ann",
                "",
            ),
            ("", "", ""),
        ] {
            assert_eq!(role_and_session(arn), (role, session), "{arn}");
        }
    }
}
