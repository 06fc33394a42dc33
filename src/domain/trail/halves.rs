//! An event in two halves: what was called and how that ended, and who called. Nearly every event of a trail has both in
//! common with others, though seldom both with the same one, so each half is stored and looked up by itself
//! (`recording`, `ledger`). What is left is the event's own: its ids, its second, and the address it came from.

use std::borrow::Cow;

use crate::domain::trail::cell::Address;
use crate::domain::trail::event::{Batch, EventId, Identity, RecordKind, TlsVersion, TrailEvent};

/// What was called, and how that ended. The members are those of [`TrailEvent`].
#[derive(Clone, Copy, Debug)]
pub struct SubjectHalf<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) name: &'a str,
    pub(crate) kind: RecordKind,
    pub(crate) error_code: Option<&'a str>,
    pub(crate) error_message: Option<&'a str>,
    pub(crate) target: Option<&'a str>,
    pub(crate) version_stage: Option<&'a str>,
    pub(crate) names_version: bool,
    pub(crate) batch: Option<&'a Batch<'a>>,
}

/// Who called, and by what. The members are those of [`TrailEvent`] and [`Identity`].
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks of an event, each as the event has it"
)]
pub struct CallerHalf<'a> {
    pub(crate) kind: Option<&'a str>,
    pub(crate) arn: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
    pub(crate) principal_id: Option<&'a str>,
    pub(crate) user_name: Option<&'a str>,
    pub(crate) invoked_by: Option<&'a str>,
    pub(crate) issuer_arn: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
    /// The name of an AWS service that stands in place of an address.
    pub(crate) service: Option<&'a str>,
    pub(crate) web_federated: bool,
    pub(crate) ec2_delivered: bool,
    pub(crate) vpc_endpoint: bool,
    pub(crate) from_console: bool,
    pub(crate) tls: TlsVersion,
}

/// An event of a recording. Its halves are those of many, and known by their numbers.
#[derive(Clone, Copy, Debug)]
pub struct RecordedEvent<'a> {
    pub(crate) id: EventId,
    pub(crate) shared_id: Option<EventId>,
    /// Seconds since 1970.
    pub(crate) time: i64,
    pub(crate) subject: (u32, &'a SubjectHalf<'a>),
    pub(crate) caller: (u32, &'a CallerHalf<'a>),
    /// Where it came from, unless that is a service.
    pub(crate) address: Option<(&'a str, Address)>,
}

/// Whether what stands for an address is the name of an AWS service.
pub(crate) fn is_service(source: &str) -> bool {
    source.ends_with(".amazonaws.com")
}

impl<'a> SubjectHalf<'a> {
    /// That half of an event.
    #[inline]
    pub(crate) fn of(event: &'a TrailEvent<'_>) -> Self {
        Self {
            account: &event.account,
            region: &event.region,
            name: &event.name,
            kind: event.kind,
            error_code: event.error_code.as_deref(),
            error_message: event.error_message.as_deref(),
            target: event.target.as_deref(),
            version_stage: event.version_stage.as_deref(),
            names_version: event.names_version,
            batch: event.batch.as_ref(),
        }
    }
}

impl<'a> CallerHalf<'a> {
    /// That half of an event.
    #[inline]
    pub(crate) fn of(event: &'a TrailEvent<'_>) -> Self {
        let identity = &event.identity;
        Self {
            kind: identity.kind.as_deref(),
            arn: identity.arn.as_deref(),
            account: identity.account.as_deref(),
            principal_id: identity.principal_id.as_deref(),
            user_name: identity.user_name.as_deref(),
            invoked_by: identity.invoked_by.as_deref(),
            issuer_arn: identity.issuer_arn.as_deref(),
            user_agent: event.user_agent.as_deref(),
            service: event.source_ip.as_deref().filter(|text| is_service(text)),
            web_federated: identity.web_federated,
            ec2_delivered: identity.ec2_delivered,
            vpc_endpoint: event.vpc_endpoint,
            from_console: event.from_console,
            tls: event.tls,
        }
    }
}

impl<'a> RecordedEvent<'a> {
    /// The event in one piece.
    #[must_use]
    pub fn whole(&self) -> TrailEvent<'a> {
        let ((_, subject), (_, caller)) = (self.subject, self.caller);
        let text = |text: Option<&'a str>| text.map(Cow::Borrowed);
        TrailEvent {
            id: self.id,
            shared_id: self.shared_id,
            time: self.time,
            account: subject.account.into(),
            region: subject.region.into(),
            name: subject.name.into(),
            kind: subject.kind,
            error_code: text(subject.error_code),
            error_message: text(subject.error_message),
            target: text(subject.target),
            version_stage: text(subject.version_stage),
            names_version: subject.names_version,
            batch: subject.batch.cloned(),
            identity: Identity {
                kind: text(caller.kind),
                arn: text(caller.arn),
                account: text(caller.account),
                principal_id: text(caller.principal_id),
                user_name: text(caller.user_name),
                invoked_by: text(caller.invoked_by),
                issuer_arn: text(caller.issuer_arn),
                web_federated: caller.web_federated,
                ec2_delivered: caller.ec2_delivered,
            },
            source_ip: text(caller.service.or(self.address.map(|(text, _)| text))),
            user_agent: text(caller.user_agent),
            vpc_endpoint: caller.vpc_endpoint,
            from_console: caller.from_console,
            tls: caller.tls,
        }
    }
}
