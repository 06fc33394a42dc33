//! How much work a part of an event history is, and how it is cut up. Arithmetic only.

use super::checkpoint::TimeSlice;
use super::history::{HistoryPage, PAGE};

/// Windows that are looked at to learn how busy the rest of the time is.
pub(super) const PROBES: u32 = 13;

/// Events in a slice that one query reads: ten pages.
const SLICE_EVENTS: f64 = 500.0;

/// Seconds in slices that do not overlap.
pub(super) fn length(slices: &[TimeSlice]) -> u64 {
    let sum: i64 = slices.iter().map(|(from, to)| to - from).sum();
    u64::try_from(sum).unwrap_or(0)
}

/// The parts of slices that lie in a span.
pub(super) fn within(slices: &[TimeSlice], (from, to): TimeSlice) -> Vec<TimeSlice> {
    slices
        .iter()
        .map(|slice| (slice.0.max(from), slice.1.min(to)))
        .filter(|slice| slice.0 < slice.1)
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of seconds and requests are far below 2^53"
)]
pub(super) fn float(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and the values are not negative"
)]
pub(super) fn whole(number: f64) -> u64 {
    number as u64
}

/// The rest of a span, and how busy it is.
pub(super) struct RemainingSpan {
    /// Newest first.
    pub(super) slices: Vec<TimeSlice>,
    /// Events a second.
    pub(super) rate: f64,
}

impl RemainingSpan {
    /// Requests that reading it takes: the pages, and the last page of each query.
    pub(super) fn requests(&self) -> u64 {
        let events = self.rate * float(length(&self.slices));
        whole((events / f64::from(PAGE) + events / SLICE_EVENTS).ceil())
    }

    /// Cut into slices of about ten pages, newest first.
    pub(super) fn cut(&self) -> impl Iterator<Item = TimeSlice> {
        let rate = self.rate;
        self.slices.iter().flat_map(move |&slice| cut(slice, rate))
    }
}

pub(super) fn clamped(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The slice of this probe: the slices laid end to end, the probes spread evenly and each a little off, so that they
/// do not all fall on the same time of day.
pub(super) fn probe_window(left: &[TimeSlice], number: u32, width: i64) -> TimeSlice {
    let total = i64::try_from(length(left)).unwrap_or(i64::MAX);
    let step = (total / i64::from(PROBES)).max(1);
    let mut at = step * i64::from(number) + (step / 2 + i64::from(number) * 7_919) % step;
    for &(from, to) in left {
        if at < to - from {
            let begin = from + at;
            return (begin, (begin + width).min(to));
        }
        at -= to - from;
    }
    left.first().copied().unwrap_or((0, 1))
}

/// Events a second, as the first page of a window shows it.
pub(super) fn density(page: &HistoryPage, (from, to): TimeSlice) -> f64 {
    let count = float(u64::try_from(page.records.len()).unwrap_or(0));
    let oldest = page.records.iter().map(|record| record.time).min();
    let begin = match (&page.next, oldest) {
        (Some(_), Some(oldest)) => oldest.clamp(from, to - 1),
        _ => from,
    };
    count / float(u64::try_from(to - begin).unwrap_or(1))
}

/// Cuts a slice into slices of about ten pages, newest first.
fn cut((from, to): TimeSlice, rate: f64) -> impl Iterator<Item = TimeSlice> {
    let size = i64::try_from(whole((SLICE_EVENTS / rate).clamp(1.0, 1e9))).unwrap_or(1);
    std::iter::successors(Some(to), move |&end| {
        (end - size > from).then_some(end - size)
    })
    .map(move |end| ((end - size).max(from), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_cut_without_holes_newest_first() {
        for (slice, rate) in [
            ((0, 1_000), 5.0),
            ((0, 1_001), 5.0),
            ((7, 8), 1e9),
            ((0, 99), 1e-6),
        ] {
            let parts: Vec<TimeSlice> = cut(slice, rate).collect();
            assert_eq!(parts.first().unwrap().1, slice.1);
            assert_eq!(parts.last().unwrap().0, slice.0);
            assert!(
                parts.windows(2).all(|two| two[0].0 == two[1].1),
                "{parts:?}"
            );
            assert!(parts.iter().all(|part| part.0 < part.1), "{parts:?}");
        }
    }

    #[test]
    fn probes_lie_in_what_is_left() {
        let left = [(1_000, 1_500), (100, 900), (0, 3)];
        for number in 0..PROBES {
            let (from, to) = probe_window(&left, number, 60);
            assert!(from < to);
            assert!(
                left.iter().any(|slice| slice.0 <= from && to <= slice.1),
                "{from}-{to}"
            );
        }
    }
}
