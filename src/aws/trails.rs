//! CloudTrail's trails: which there are, where they deliver to, and whether they log reads.
//!
//! Only for people who set the tool up: a scan takes the location of a trail from them and judges what it holds by
//! itself. What may not be asked is unknown, and a gap.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::operation::get_event_selectors::GetEventSelectorsOutput;
use aws_sdk_cloudtrail::types::{AdvancedEventSelector, ReadWriteType, Trail};
use futures_util::{StreamExt, stream};

use super::gate::ActionGuard;
use super::{AwsSession, fault};
use crate::domain::base::gap::Gap;
use crate::domain::base::names::{Region, Scope};
use crate::domain::setup::DescribedTrail;
use crate::ports::Fault;

/// The actions of AWS that this adapter calls.
pub const ACTIONS: &[&str] = &[
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:GetEventSelectors",
];

/// The trails that log these accounts and Regions, each once, and what could not be asked. A trail for all Regions, or of
/// an organization, shows in each of them; another one only where it was made.
pub async fn described(session: &AwsSession, scopes: &[Scope]) -> (Vec<DescribedTrail>, Vec<Gap>) {
    let at_once = session.gate.patience().at_once.max(1);
    let answers: Vec<_> = stream::iter(scopes)
        .map(|scope| async move { (scope, in_scope(session, scope).await) })
        .buffered(at_once)
        .collect()
        .await;
    let mut trails = BTreeMap::new();
    let mut gaps = Vec::new();
    for (scope, answer) in answers {
        match answer {
            Ok(found) => trails.extend(found.into_iter().map(|trail| (trail.arn.clone(), trail))),
            Err(fault) => gaps.push(fault::gap(
                scope,
                ACTIONS[0],
                "which trails there are",
                &fault,
            )),
        }
    }
    (trails.into_values().collect(), gaps)
}

async fn in_scope(session: &AwsSession, scope: &Scope) -> Result<Vec<DescribedTrail>, Fault> {
    let settings = aws_sdk_cloudtrail::config::Builder::from(&session.in_scope(scope)?)
        .interceptor(ActionGuard(Arc::clone(&session.gate)))
        .build();
    let client = Client::from_conf(settings);
    let answer = session
        .gate
        .ask(ACTIONS[0], || client.describe_trails().send())
        .await?;
    let mut found = Vec::new();
    for trail in answer.trail_list.unwrap_or_default() {
        found.extend(facts(session, &client, trail).await);
    }
    Ok(found)
}

/// Returns what is known of a trail; `None` if it delivers to no bucket.
async fn facts(session: &AwsSession, client: &Client, trail: Trail) -> Option<DescribedTrail> {
    let (arn, bucket) = (trail.trail_arn?, trail.s3_bucket_name?);
    let status = session
        .gate
        .ask(ACTIONS[1], || client.get_trail_status().name(&arn).send());
    let selectors = session.gate.ask(ACTIONS[2], || {
        client.get_event_selectors().trail_name(&arn).send()
    });
    let (status, selectors) = tokio::join!(status, selectors);
    Some(DescribedTrail {
        home: trail
            .home_region
            .and_then(|region| Region::new(&region).ok()),
        bucket,
        prefix: trail.s3_key_prefix.unwrap_or_default(),
        all_regions: trail.is_multi_region_trail.unwrap_or(false),
        organization: trail.is_organization_trail.unwrap_or(false),
        key: trail.kms_key_id,
        logs: status.ok().and_then(|status| status.is_logging),
        logs_reads: selectors.ok().map(|answer| logs_reads(&answer)),
        arn,
    })
}

/// Returns whether management events that read are logged (CloudTrail user guide, "Logging management events").
fn logs_reads(answer: &GetEventSelectorsOutput) -> bool {
    let basic = answer.event_selectors().iter().any(|selector| {
        let kinds = selector.read_write_type.as_ref();
        let reads = kinds.is_none_or(|kind| *kind != ReadWriteType::WriteOnly);
        selector.include_management_events.unwrap_or(true) && reads
    });
    basic || answer.advanced_event_selectors().iter().any(takes_reads)
}

fn takes_reads(selector: &AdvancedEventSelector) -> bool {
    let says = |field: &str, value: &str| {
        let mut all = selector.field_selectors().iter();
        all.any(|one| one.field() == field && one.equals().iter().any(|it| it == value))
    };
    says("eventCategory", "Management") && !says("readOnly", "false")
}
