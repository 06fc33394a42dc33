//! Where the inventory contradicts the trail: `LastAccessedDate` says that a secret was read on a day that the trail
//! covers, and the trail shows no read of it.
//!
//! A single one may be read from another account, whose trail has the call. Where the trail misses more reads than it
//! shows, it is no whole trail, whatever its rhythm says: then nothing there is judged by the absence of events.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::money::counted;
use crate::domain::base::names::Scope;
use crate::domain::base::span::DAY_S;
use crate::domain::inventory::secret::{Secret, day_of};
use crate::domain::usage::activity::{Activity, ActivitySlice};

use super::coverage_view::CoverageView;

/// The reads that the inventory shows in covered time, by account and Region.
#[derive(Debug, Default)]
pub(super) struct Contradictions(BTreeMap<Scope, CoveredReads>);

#[derive(Debug, Default)]
struct CoveredReads {
    /// The trail shows them, too.
    confirmed: u64,
    /// The trail does not show them.
    missed: u64,
    /// The source says that it delivered every event, as the event history does.
    is_asserted: bool,
}

impl Contradictions {
    /// Compares the two.
    pub(super) fn new(
        secrets: &[Secret],
        activity: &Activity<'_>,
        cover: &CoverageView<'_>,
        now: Timestamp,
    ) -> Self {
        let mut all = Self::default();
        for (index, secret) in secrets.iter().enumerate() {
            let Some(day) = secret.last_accessed.filter(|_| secret.deleted.is_none()) else {
                continue;
            };
            let scope = secret.arn.scope();
            let days = i64::from((day - jiff::civil::date(1970, 1, 1)).get_days());
            let (from, to) = ((days - 1) * DAY_S, (days + 2) * DAY_S);
            let is_judged = day < day_of(now)
                && to <= now.as_second()
                && cover
                    .by_scope
                    .get(scope)
                    .is_some_and(|it| it.is_complete(from, to));
            if !is_judged {
                continue;
            }
            let near = |first: i64, last: i64| first < to && last >= from;
            let of_readers = activity.secrets[index].values();
            let slices =
                of_readers.flat_map(|what| what.evidence().filter(|slice| slice.asks_for_value()));
            let keys = activity.key_uses.get(&index).into_iter().flatten();
            let seen = slices
                .chain(keys.map(|key_use| &key_use.slice))
                .flat_map(ActivitySlice::cells)
                .any(|cell| near(cell.first(), cell.last()));
            let reads = all.0.entry(scope.clone()).or_default();
            reads.is_asserted = cover.is_asserted(scope);
            if seen {
                reads.confirmed += 1;
            } else {
                reads.missed += 1;
            }
        }
        all
    }

    /// Returns why nothing can be judged by the absence of events in an account and Region, if it cannot.
    pub(super) fn doubt(&self, scope: &Scope) -> Option<String> {
        let reads = self.0.get(scope)?;
        (!reads.is_asserted && reads.missed > reads.confirmed).then(|| {
            format!(
                "the trail of {} misses more reads than it shows: LastAccessedDate of {} has no read in it",
                scope.region,
                counted(reads.missed, "secret", "secrets"),
            )
        })
    }

    /// The contradictions as gaps.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        let missed = self.0.iter().filter(|(_, reads)| reads.missed > 0);
        missed
            .map(|(scope, reads)| Gap {
                account: Some(scope.account.clone()),
                region: Some(scope.region.clone()),
                source: GapSource::Trail,
                what: format!(
                    "{} read within the time that the trail covers, and the trail shows no read",
                    counted(reads.missed, "secret was", "secrets were")
                ),
                why: "LastAccessedDate shows the reads: they came from another account whose trail is not in the scan, \
                      or records are missing"
                    .to_owned(),
            })
            .collect()
    }
}
