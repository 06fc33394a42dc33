//! Events of a recording, counted half by half, and cell by cell where they are folded.
//!
//! What was called and who called are looked up once, though each may stand in many events of many files; of an event, the
//! ledger then needs its id, its second and its address. Everything is counted as if it came one event at a time
//! from the log file itself: the same events count once, and the same lines, cells and names come of them.

use super::key::{CallerKey, SESSION, SubjectKey};
use super::{Ledger, LineKey};
use crate::trail::calls::CallOutcome;
use crate::trail::cell::{Address, Cell};
use crate::trail::event::{CallerHalf, EventSink, RecordedCalls, RecordedEvent, SubjectHalf};

/// The halves of recorded events, by their numbers, as far as an event with them was counted.
#[derive(Debug, Default)]
pub(super) struct KnownHalves {
    subjects: Vec<Option<RecordedSubject>>,
    callers: Vec<Option<RecordedCaller>>,
    /// The times of the events that are being counted, to use the memory again.
    times: Vec<i64>,
}

#[derive(Clone, Copy, Debug)]
struct RecordedSubject {
    subject: u32,
    marks: u16,
    outcome: CallOutcome,
}

#[derive(Clone, Debug)]
struct RecordedCaller {
    /// The number of the caller, or of the family of its session.
    caller: u32,
    /// The name of its session, if that is one of a family.
    name: Option<Box<str>>,
    marks: u16,
    /// The service that is given instead of an address.
    service: Address,
}

impl KnownHalves {
    /// Makes room for halves of these numbers.
    fn reach(&mut self, subject: usize, caller: usize) {
        if self.subjects.len() <= subject {
            self.subjects.resize(subject + 1, None);
        }
        if self.callers.len() <= caller {
            self.callers.resize(caller + 1, None);
        }
    }
}

impl Ledger {
    /// Counts an event of a recording.
    pub(super) fn take_recorded(&mut self, event: &RecordedEvent<'_>) {
        if event.shared_id.is_some() || event.subject.1.batch.is_some() {
            // Few are, and they make more than one line, or one later.
            EventSink::event(self, &event.whole());
            return;
        }
        if self.is_first(event.id, event.time) {
            let address = event.address.map(|(_, address)| address);
            let times = std::iter::once(event.time);
            self.count_recorded(event.subject, event.caller, address, times);
        }
    }

    /// Counts the events of a cell of a recording.
    pub(super) fn take_recorded_calls(&mut self, calls: &RecordedCalls<'_>) {
        let mut times = std::mem::take(&mut self.known.times);
        times.clear();
        for &(id, time) in calls.events {
            if self.is_first(id, time) {
                times.push(time);
            }
        }
        if !times.is_empty() {
            let address = calls.address.map(|(_, address)| address);
            self.count_recorded(calls.subject, calls.caller, address, times.iter().copied());
        }
        self.known.times = times;
    }

    /// Counts calls of a line from one address that came at these times, in their order.
    fn count_recorded(
        &mut self,
        (subject_at, subject_half): (u32, &SubjectHalf<'_>),
        (caller_at, caller_half): (u32, &CallerHalf<'_>),
        address: Option<Address>,
        times: impl Iterator<Item = i64>,
    ) {
        let (subject_at, caller_at) = (subject_at as usize, caller_at as usize);
        self.known.reach(subject_at, caller_at);
        let subject = match self.known.subjects[subject_at] {
            Some(subject) => subject,
            None => self.know_subject(subject_at, subject_half),
        };
        if self.known.callers[caller_at].is_none() {
            self.know_caller(caller_at, caller_half);
        }
        // Taken out for as long as the ledger is busy with its own.
        let Some(caller) = self.known.callers[caller_at].take() else {
            return;
        };
        let line = self.line_at(LineKey {
            subject: subject.subject,
            caller: caller.caller,
            marks: subject.marks | caller.marks,
            outcome: subject.outcome,
        });
        let address = address.unwrap_or(caller.service);
        let message = subject_half.error_message.unwrap_or_default();
        let name = caller.name.as_deref();
        let mut open: Option<Cell> = None;
        for time in times {
            let cell = self.cell_at(time, address);
            match &mut open {
                Some(known) if known.key == cell.key => known.add(cell),
                // Another hour, or the other side of the start of the window.
                _ => {
                    if let Some(known) = open.replace(cell) {
                        self.count(line, name, message, known);
                    }
                }
            }
        }
        if let Some(cell) = open {
            self.count(line, name, message, cell);
        }
        self.known.callers[caller_at] = Some(caller);
    }

    fn know_subject(&mut self, at: usize, half: &SubjectHalf<'_>) -> RecordedSubject {
        let key = SubjectKey::of(half);
        let known = RecordedSubject {
            subject: self
                .subjects
                .number(&mut self.strings, key.texts, key.marks),
            marks: key.line_marks,
            outcome: key.outcome,
        };
        self.known.subjects[at] = Some(known);
        known
    }

    fn know_caller(&mut self, at: usize, half: &CallerHalf<'_>) {
        let key = CallerKey::of(half);
        let family = self.family(key.texts, key.marks);
        let (texts, marks) = family.map_or((key.texts, key.marks), |family| key.of_family(family));
        self.known.callers[at] = Some(RecordedCaller {
            caller: self.callers.number(&mut self.strings, texts, marks),
            name: family.map(|_| key.texts[SESSION].into()),
            marks: key.line_marks,
            service: Address::of(half.service),
        });
    }
}
