//! Calls of the example organization that show what is wrong beside the cost: readers that broke, copies that are old,
//! people and keys where programs should be, and reads that have left the private network.
//!
//! Together with the rotations, the inventory and the policy file, each kind of finding occurs at least once.

use super::call::{Act, CallTarget, Failure, VersionRequest};
use super::callers;
use super::locations::IRELAND;
use super::script::{CallPattern, Script, ago, always, find, prod, since};
use crate::demo::locations::{PRODUCTION, VIRGINIA};
use crate::domain::base::span::{DAY_S, HOUR_S};

/// Adds these calls.
pub(super) fn calls(script: &mut Script) {
    readers_that_fail(script);
    old_values(script);
    people_and_keys(script);
    readers_that_changed(script);

    let reports = prod("inventory/warehouse/reports");
    script.reads(reports, &callers::WAREHOUSE, always(DAY_S));
    let fedex = prod("shipping/fedex/account");
    script.reads(fedex, &callers::SHIPPING, always(DAY_S / 2));
    let europe = find(PRODUCTION, IRELAND, "catalog/opensearch/reader");
    script.reads(europe, &callers::CATALOG_EUROPE, always(DAY_S));
}

/// A reader whose policy was changed, and one of another account that the key of the secret cannot serve.
fn readers_that_fail(script: &mut Script) {
    let receipts = CallTarget::Arn(prod("pos/receipts/printer-key"));
    let act = [Act::Get(receipts, VersionRequest::Unsaid)];
    let could = CallPattern {
        until: 4,
        ..always(2 * HOUR_S)
    };
    script.series(VIRGINIA, &callers::RECEIPTS, could, &act, None);
    let policy = Act::PutPolicy(receipts);
    script.once(ago(4, -HOUR_S), VIRGINIA, &callers::PERSON, policy);
    let denied = Some(Failure::Denied);
    script.series(
        VIRGINIA,
        &callers::RECEIPTS,
        since(4, 2 * HOUR_S),
        &act,
        denied,
    );

    let bundle = CallTarget::Arn(prod("shared/internal-ca/bundle"));
    let act = [Act::Get(bundle, VersionRequest::Unsaid)];
    let first = script.calls.len();
    let daily = since(12, DAY_S);
    script.series(
        VIRGINIA,
        &callers::STAGING_GATEWAY,
        daily,
        &act,
        Some(Failure::Key),
    );
    script.log_in_both(first, PRODUCTION);
}

/// A value that a person put although the secret rotates, and a reader that asks for the version it was set up with.
fn old_values(script: &mut Script) {
    let customers = CallTarget::Arn(find(PRODUCTION, IRELAND, "eu/customers/db"));
    let put = Act::Put(customers);
    script.once(ago(5, 15 * HOUR_S), IRELAND, &callers::PERSON, put);
    let pinned = [Act::Get(customers, VersionRequest::Old)];
    let daily = always(DAY_S);
    script.series(IRELAND, &callers::CUSTOMERS_EXPORT, daily, &pinned, None);
}

fn people_and_keys(script: &mut Script) {
    let status = CallTarget::Name(prod("ops/statuspage/token"));
    let read = Act::Get(status, VersionRequest::Unsaid);
    script.series(VIRGINIA, &callers::OFFICE, always(DAY_S / 2), &[read], None);

    let totp = CallTarget::Name(prod("break-glass/root-totp"));
    let read = Act::Get(totp, VersionRequest::Unsaid);
    script.once(ago(12, 10 * HOUR_S), VIRGINIA, &callers::ROOT, read);
}

/// Pods that have left the VPC endpoint, and a program that has stopped.
fn readers_that_changed(script: &mut Script) {
    let points = prod("loyalty/points/db");
    script.reads(points, &callers::LOYALTY_OUTSIDE, since(2, 2 * HOUR_S));

    let until_stopped = CallPattern {
        until: 30,
        ..always(DAY_S)
    };
    let search = prod("catalog/opensearch/reader");
    script.reads(search, &callers::CATALOG_FEED, until_stopped);
}
