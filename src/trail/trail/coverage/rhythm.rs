//! The rhythm of a trail: which silences are usual for it, and which are holes.
//!
//! CloudTrail delivers a file only when something happened, so silence is judged by how often records come otherwise. Hours
//! and days are judged alike: a unit is either.

use super::covered::Covered;

/// The longest silence in hours that can be usual: a weekend and half a day on each side.
pub(super) const LONGEST_SILENCE: i64 = 72;

/// The chance we accept that a usual silence in a whole trail is taken for a hole.
const ODDS: f64 = 1e-3;

/// Returns how many units (hours, days) may lie between two active ones without a hole being assumed.
///
/// Three rhythms, distinguished by the steps between active units:
/// - nearly every unit is active (95 % of the steps are 1): silences are chance, and `k` silent units in a row have the
///   odds `(1 - p)^k`, so the tolerance is the smallest `k` that a whole trail would not show;
/// - all steps are alike but longer (a daily job): one step and a half;
/// - mixed steps (nights, weekends): five times the 95th percentile, which takes a night to a weekend.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts of hours are far below 2^52, and the result is a small number of hours"
)]
pub(super) fn tolerance(activity: &[i64], longest: i64) -> i64 {
    let mut steps: Vec<i64> = activity.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if steps.len() < 3 {
        return 1;
    }
    steps.sort_unstable();
    let (median, high) = (steps[steps.len() / 2], steps[(steps.len() - 1) * 95 / 100]);
    let silent = if high == 1 {
        let usual = steps
            .iter()
            .filter(|&&step| step <= longest)
            .sum::<i64>()
            .max(1);
        let active_share = (steps.len() as f64 / usual as f64).min(1.0);
        let silent_share = (1.0 - active_share).max(1.0 / (usual as f64 + 1.0));
        ((ODDS / usual as f64).ln() / silent_share.ln()).ceil() as i64
    } else if median == high {
        high + high / 2
    } else {
        5 * high
    };
    silent.clamp(1, longest)
}

/// The spans of the active units, silences of at most `tolerated` units included, cut to `from..to`.
pub(super) fn bridged(activity: &[i64], unit: i64, tolerated: i64, from: i64, to: i64) -> Covered {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for &at in activity {
        let (start, end) = (at * unit, (at + 1) * unit);
        match spans.last_mut() {
            Some(last) if start - last.1 <= tolerated * unit => last.1 = end,
            _ => spans.push((start, end)),
        }
    }
    if let Some(first) = spans
        .first_mut()
        .filter(|span| span.0 - from <= tolerated * unit)
    {
        first.0 = first.0.min(from);
    }
    if let Some(last) = spans
        .last_mut()
        .filter(|span| to - span.1 <= tolerated * unit)
    {
        last.1 = last.1.max(to);
    }
    Covered::new(
        spans
            .iter()
            .map(|span| (span.0.max(from), span.1.min(to)))
            .collect(),
    )
}
