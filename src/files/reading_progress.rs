//! How far the reading of a trail is, by what the walk over its files knows anyway: no file is looked at for it.
//!
//! In AWS's layout the walk has listed the folders of all days before it enters the first of them, so the share of them
//! that is done shows about how much there is to come. Outside the layout the share of its folders shows it.

use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::walk::{Walk, WalkItem};
use crate::domain::trail::event::Delivery;
use crate::domain::trail::layout;

/// The progress of reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadProgress {
    /// Bytes on disk of the files that are done.
    pub bytes_done: u64,
    /// About how many bytes on disk all files have that will be read, once that can be told.
    pub bytes_total: Option<u64>,
}

/// Somebody who wants to know how far the reading is.
pub struct Watcher<'a> {
    /// After this time it is told how much there is to read: before, too little is known of it.
    pub patience: Duration,
    /// Called from the workers, after each file.
    pub on_progress: &'a (dyn Fn(ReadProgress) + Sync),
}

pub(super) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A walk that knows how much of it is done.
pub(super) struct MeasuredWalk {
    walk: Walk,
    span: Range<i64>,
    /// The number of folders of days that hold files of the span, once the first of all is entered.
    days: Option<f64>,
    /// The item that was looked at and not taken.
    ahead: Option<TakenItem>,
}

/// Something that a worker has taken from the walk.
pub(super) struct TakenItem {
    pub(super) found: WalkItem,
    pub(super) delivery: Delivery,
    pub(super) share: WalkShare,
}

impl TakenItem {
    /// The folder it lies in.
    fn folder(&self) -> Option<&Path> {
        match &self.found {
            WalkItem::File(path) | WalkItem::Trouble(path, _) => path.parent(),
        }
    }
}

/// The share of the walk that is done with an item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum WalkShare {
    /// The share of what has no day, which comes first: from 0 to 1. `None`: there are days to come, nobody knows how
    /// much.
    Undated(Option<f64>),
    /// The share of the days: from 0 to 1.
    Dated(f64),
}

impl MeasuredWalk {
    pub(super) fn new(walk: Walk, span: Range<i64>) -> Self {
        Self {
            walk,
            span,
            days: None,
            ahead: None,
        }
    }

    /// Takes so many items; with `by_day`, all that a folder of a day holds, however many they are.
    pub(super) fn take_some(&mut self, count: usize, by_day: bool) -> Vec<TakenItem> {
        let mut taken: Vec<TakenItem> = Vec::new();
        while let Some(item) = self.ahead.take().or_else(|| self.next()) {
            let belongs = taken.first().is_none_or(|first| {
                if by_day && matches!(first.delivery, Delivery::On(_)) {
                    first.folder() == item.folder() && first.delivery == item.delivery
                } else {
                    taken.len() < count && !(by_day && first.delivery != item.delivery)
                }
            });
            if !belongs {
                self.ahead = Some(item);
                break;
            }
            taken.push(item);
        }
        taken
    }

    fn share(&mut self) -> WalkShare {
        let walked = self.walk.walked();
        let Some(day) = self.walk.day else {
            return WalkShare::Undated((!self.walk.has_days()).then_some(walked));
        };
        let ahead = self.walk.days_ahead(&self.span);
        // The folder that is being walked is no longer ahead.
        let is_of_span = layout::days_around(self.span.start, self.span.end).contains(&day.into());
        let here = if is_of_span { 1.0 } else { 0.0 };
        let days = *self.days.get_or_insert(real(ahead) + here);
        let done = days - real(ahead) - here * (1.0 - walked);
        WalkShare::Dated((done / days.max(1.0)).clamp(0.0, 1.0))
    }
}

impl Iterator for MeasuredWalk {
    type Item = TakenItem;

    fn next(&mut self) -> Option<TakenItem> {
        let found = self.walk.next()?;
        Some(TakenItem {
            found,
            delivery: self.walk.day.map_or(Delivery::Unknown, Delivery::On),
            share: self.share(),
        })
    }
}

/// Tells a [`Watcher`] how far the workers are.
pub(super) struct Watch<'a> {
    watcher: &'a Watcher<'a>,
    begun: Instant,
    progress: Mutex<BytesByDay>,
}

/// Bytes on disk of the files that are done.
#[derive(Clone, Copy, Debug, Default)]
struct BytesByDay {
    undated: u64,
    dated: u64,
}

impl BytesByDay {
    fn done(self) -> u64 {
        self.undated + self.dated
    }

    /// About how many bytes there are in all, if that can be told.
    fn total(self, share: WalkShare) -> Option<u64> {
        let total = match share {
            WalkShare::Undated(share) => whole(real_bytes(self.done()) / share?),
            // Nothing that counts as ahead is done yet.
            WalkShare::Dated(share) if share <= 0.0 => return None,
            WalkShare::Dated(share) => self.undated + whole(real_bytes(self.dated) / share),
        };
        Some(total.max(self.done()))
    }
}

impl<'a> Watch<'a> {
    pub(super) fn new(watcher: &'a Watcher<'a>) -> Self {
        Self {
            watcher,
            begun: Instant::now(),
            progress: Mutex::default(),
        }
    }

    /// A file of so many bytes is done, and with it so much of the walk.
    pub(super) fn done(&self, bytes: u64, share: WalkShare) {
        let mut progress = locked(&self.progress);
        match share {
            WalkShare::Undated(_) => progress.undated += bytes,
            WalkShare::Dated(_) => progress.dated += bytes,
        }
        let now = *progress;
        drop(progress);
        let is_time = self.begun.elapsed() >= self.watcher.patience;
        (self.watcher.on_progress)(ReadProgress {
            bytes_done: now.done(),
            bytes_total: now.total(share).filter(|_| is_time),
        });
    }
}

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the bytes of a trail are far below 2^52"
)]
fn real_bytes(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no share is negative, and the cast saturates"
)]
fn whole(bytes: f64) -> u64 {
    bytes.round() as u64
}
