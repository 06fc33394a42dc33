//! A log group of CloudWatch Logs that a trail delivers to, as a source of events.
//!
//! [`read`] asks for the events of each day by `FilterLogEvents`, page by page; a page may be empty and not be the last.
//! Unless everything is wanted, CloudWatch Logs itself picks the records of Secrets Manager and the uses of keys for secrets:
//! that is little to send, and shows who reads, never who does not. A day that cannot be read is a gap.
//!
//! A trail sends events of up to 256 KB to a log group, and no larger ones (CloudTrail User Guide, "Sending events to
//! CloudWatch Logs").

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::AwsSession;
use super::operation::ServiceOperation;
use super::services::CLOUDWATCH_LOGS;
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::log_group::{LogGroup, LogGroupPart};
use crate::domain::base::money::{counted, thousands};
use crate::domain::base::names::{KMS, Region, SECRETS_MANAGER, Scope};
use crate::domain::base::span::DAY_S;
use crate::domain::base::span::Span;
use crate::domain::trail::coverage::SETTLING;
use crate::domain::trail::unread::Unread;
use crate::ports::{Fault, Feed, ProgressEvent, ProgressSink, RecordCompleteness};

/// The actions of AWS that this adapter calls.
pub const ACTIONS: &[&str] = &["logs:FilterLogEvents"];

/// Days that are read side by side. Accounts share a few requests a second (CloudWatch Logs quotas, `FilterLogEvents`).
const AT_ONCE: usize = 3;

/// The result of reading a log group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogGroupRead {
    /// Pages that were read.
    pub pages: u64,
    /// Records that were handed on.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The parts that were not read.
    pub gaps: Vec<Gap>,
    /// The time of which it may have held records.
    pub unread: Vec<Unread>,
}

impl LogGroupRead {
    /// Returns what was read, as a sentence.
    pub fn sentence(&self, group: &LogGroup) -> String {
        let what = match group.part {
            LogGroupPart::OurServices => {
                " of Secrets Manager and KMS, which show who reads, never who does not; `?all` behind the name reads records \
                 of every service"
            }
            LogGroupPart::Everything => "",
        };
        format!(
            "{} ({} KB, {}) were read in {group}{what}.",
            counted(self.records, "record", "records"),
            thousands(self.bytes.div_ceil(1_000)),
            counted(self.pages, "page", "pages"),
        )
    }
}

/// Returns what reading a log group will take, as a sentence. The size of a page is that of the API reference; a price
/// for these requests is not in AWS's list of prices of CloudWatch Logs as far as it is known here.
pub fn beforehand(group: &LogGroup) -> String {
    let what = match group.part {
        LogGroupPart::OurServices => "the records of Secrets Manager and KMS are asked for",
        LogGroupPart::Everything => "every record is asked for, of every service",
    };
    format!(
        "{group}: {what} by FilterLogEvents, a request for each MB or less. No price of these requests is known here; data \
         that leaves AWS may cost."
    )
}

/// The part of an answer that is read.
#[derive(Deserialize)]
struct EventPage {
    #[serde(default)]
    events: Vec<LogEvent>,
}

#[derive(Deserialize)]
struct LogEvent {
    #[serde(default)]
    message: String,
}

/// The filter pattern for the records of one service and the uses of keys for secrets of another (CloudWatch Logs User
/// Guide, "Filter pattern syntax").
fn pattern() -> String {
    format!(
        "{{ ($.eventSource = \"{SECRETS_MANAGER}\") || \
         (($.eventSource = \"{KMS}\") && ($.requestParameters.encryptionContext.SecretARN = \"arn:*\")) }}"
    )
}

/// Reads the records of a span.
pub async fn read(
    session: &AwsSession,
    group: &LogGroup,
    span: Span,
    feed: &dyn Feed,
    notes: &dyn ProgressSink,
) -> LogGroupRead {
    let mut read = LogGroupRead::default();
    let operation = scope_of(session, group)
        .and_then(|scope| session.in_scope(&scope))
        .and_then(|settings| {
            session.operation(&CLOUDWATCH_LOGS, "logs:FilterLogEvents", &settings)
        });
    let operation = match operation {
        Ok(operation) => operation,
        Err(fault) => {
            read.lost((span.from.as_second(), span.to.as_second()), group, &fault);
            return read;
        }
    };
    let days = days(span);
    let of = days.len();
    let mut parts = stream::iter(days)
        .map(|day| {
            let (operation, feed) = (&operation, feed);
            async move { (day, of_day(operation, group, day, feed).await) }
        })
        .buffered(AT_ONCE);
    let mut done = 0;
    while let Some((day, (part, fault))) = parts.next().await {
        read.pages += part.pages;
        read.records += part.records;
        read.bytes += part.bytes;
        read.gaps.extend(part.gaps);
        read.unread.extend(part.unread);
        if let Some(fault) = fault {
            read.lost(day, group, &fault);
        }
        done += 1;
        notes.note(ProgressEvent::LogGroup {
            done,
            of,
            records: read.records,
        });
    }
    read.gaps = joined(read.gaps);
    read
}

/// The account and Region of a group.
fn scope_of(session: &AwsSession, group: &LogGroup) -> Result<Scope, Fault> {
    if let Some((account, region)) = &group.scope {
        return Ok(Scope {
            account: account.clone(),
            region: region.clone(),
        });
    }
    let region = session.base.region().map_or(super::HOME, AsRef::as_ref);
    Ok(Scope {
        account: session.caller.account.clone(),
        region: Region::new(region).map_err(|error| Fault::Refused {
            code: "Region".to_owned(),
            message: error.to_string(),
        })?,
    })
}

/// Spans of at most a day each, in seconds since 1970, ends exclusive. Events may be delivered late, under the time at which
/// they happened or a later one.
fn days(span: Span) -> Vec<(i64, i64)> {
    let (from, to) = (span.from.as_second(), span.to.as_second() + SETTLING);
    let first = from.div_euclid(DAY_S);
    let last = (to - 1).div_euclid(DAY_S);
    let days = (first..=last).map(|day| (from.max(day * DAY_S), to.min((day + 1) * DAY_S)));
    days.filter(|day| day.0 < day.1).collect()
}

/// Reads a day; gives what was read, and what ended it before its end.
async fn of_day(
    operation: &ServiceOperation,
    group: &LogGroup,
    (from, to): (i64, i64),
    feed: &dyn Feed,
) -> (LogGroupRead, Option<Fault>) {
    let mut read = LogGroupRead::default();
    let mut input = json!({
        "logGroupName": group.name,
        "startTime": from * 1_000,
        // The end is inclusive.
        "endTime": to * 1_000 - 1,
    });
    if group.part == LogGroupPart::OurServices {
        input["filterPattern"] = pattern().into();
    }
    let mut unreadable = None;
    let take = |answer: Value| match serde_json::from_value::<EventPage>(answer) {
        Ok(page) => {
            read.pages += 1;
            read.hand_on(&page.events, group, (from, to), feed);
        }
        Err(error) => {
            unreadable.get_or_insert(Fault::Unreachable(format!(
                "the answer to {} cannot be read: {error}",
                ACTIONS[0]
            )));
        }
    };
    let pages = operation.each_page(usize::MAX, input, "nextToken", take);
    let fault = pages.await.err();
    (read, fault.or(unreadable))
}

impl LogGroupRead {
    /// Hands on the records of a page as a document of them.
    fn hand_on(
        &mut self,
        events: &[LogEvent],
        group: &LogGroup,
        (from, to): (i64, i64),
        feed: &dyn Feed,
    ) {
        let is_record = |text: &&str| {
            text.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok()
        };
        let messages = events.iter().map(|event| event.message.as_str());
        let texts: Vec<&str> = messages.filter(is_record).collect();
        self.records += texts.len() as u64;
        self.bytes += texts.iter().map(|text| text.len() as u64).sum::<u64>();
        let completeness = match group.part {
            LogGroupPart::OurServices => RecordCompleteness::Selection,
            LogGroupPart::Everything => RecordCompleteness::Whole,
        };
        if !texts.is_empty() {
            let document = format!("{{\"Records\":[{}]}}", texts.join(","));
            feed.records(&group.to_string(), document.as_bytes(), completeness);
        }
        if texts.len() < events.len() {
            self.unread.push(Unread {
                scope: None,
                from,
                to,
            });
            let what = format!("messages in {group}");
            let why = "they are no records of CloudTrail: is it the log group of a trail?";
            self.gaps.push(Gap::new(GapSource::Trail, None, what, why));
        }
    }

    /// Notes a span that was not read to its end.
    fn lost(&mut self, (from, to): (i64, i64), group: &LogGroup, fault: &Fault) {
        self.unread.push(Unread {
            scope: None,
            from,
            to,
        });
        let time = |second| {
            Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| at.to_string())
        };
        let what = format!("{group} from {} to {}", time(from), time(to));
        self.gaps
            .push(Gap::new(GapSource::Trail, None, what, fault.to_string()));
    }
}

/// Gaps for one reason become one: a group that may not be read is refused day by day.
fn joined(gaps: Vec<Gap>) -> Vec<Gap> {
    let mut all: Vec<(Gap, u64)> = Vec::new();
    for gap in gaps {
        match all.iter_mut().find(|(first, _)| first.why == gap.why) {
            Some((_, more)) => *more += 1,
            None => all.push((gap, 0)),
        }
    }
    let mut joined: Vec<Gap> = all
        .into_iter()
        .map(|(mut gap, more)| {
            if more > 0 {
                gap.what = format!(
                    "{}, and {}",
                    gap.what,
                    counted(more, "more", "more like it")
                );
            }
            gap
        })
        .collect();
    joined.sort();
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_day_by_day_and_an_hour_beyond_its_end() {
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        let days = days(Span {
            from: moment("2026-10-30T12:00:00Z"),
            to: moment("2026-11-01T23:30:00Z"),
        });
        assert_eq!(days.len(), 4);
        assert_eq!(days[0].0, moment("2026-10-30T12:00:00Z").as_second());
        assert_eq!(days[3].1, moment("2026-11-02T00:30:00Z").as_second());
        assert!(days.windows(2).all(|pair| pair[0].1 == pair[1].0));
    }
}
