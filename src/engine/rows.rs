//! The rows of an answer into a ledger, as if the records had been read here.
//!
//! A row is a line with its hours (`query::COLUMNS`), or what the records of other services say of a day of an
//! account and Region. Whatever needs a rule is left to the ledger and the coverage, which get the same calls as from log
//! files; a day of an account and Region counts as one log file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use thiserror::Error;

use super::query::COLUMNS;
use crate::domain::base::names::{KMS, SECRETS_MANAGER};
use crate::domain::base::span::HOUR_S;
use crate::domain::trail::event::{
    Batch, EventId, EventSink as _, Identity, RecordKind, TlsVersion, TrailEvent, Values, Variety,
};
use crate::domain::trail::global_events::pseudo_region_of;
use crate::domain::trail::ledger::{EventGroup, Ledger, LedgerBounds};
use crate::domain::trail::record;

/// Why rows could not be taken in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RowError {
    /// A row is not as the query makes it.
    #[error("a row of the result cannot be read: its column `{column}` holds `{value}`")]
    Damaged {
        /// The column.
        column: &'static str,
        /// The value that the cell holds. Other people's text.
        value: String,
    },
    /// The query was made for another time than the scan.
    #[error(
        "the result is of a query for the events from {from} to {to}, with a window that starts at {window_from}, and this \
         scan looks at another time"
    )]
    OtherTime {
        /// The beginning of the events.
        from: String,
        /// The end.
        to: String,
        /// The start of the window.
        window_from: String,
    },
    /// There is no row that says what the query was for, so rows may be missing.
    #[error("the result is not whole: it has no row that says which time it is for")]
    NoSpan,
}

/// The facts that the records of one account, Region and day show, but for the events of Secrets Manager.
#[derive(Debug, Default)]
struct ScopeDay {
    /// A bit for each hour of the day that has a management event.
    hours: u32,
    read_only: bool,
    variety: Variety,
}

/// Days since 1970-01-01.
type EpochDay = i32;

/// Takes rows in.
#[derive(Debug)]
pub struct RowReader {
    ledger: Ledger,
    days: BTreeMap<EpochDay, BTreeMap<(String, String), ScopeDay>>,
    unreadable: u64,
    folded: u64,
    spans: u64,
}

/// Everything that rows said.
#[derive(Debug)]
pub struct RowsRead {
    /// The events and the coverage.
    pub ledger: Ledger,
    /// Records without a readable time.
    pub unreadable: u64,
    /// Lines and hours with more clients than the query distinguishes.
    pub folded: u64,
}

/// A row, by the names of its columns.
struct AnswerRow<'r>(&'r [Option<String>]);

impl<'r> AnswerRow<'r> {
    /// A text that is there and not empty.
    fn text(&self, column: &'static str) -> Option<&'r str> {
        let at = COLUMNS.iter().position(|name| *name == column)?;
        let text = self.0.get(at)?.as_deref()?;
        (!text.is_empty()).then_some(text)
    }

    fn is(&self, column: &'static str) -> bool {
        self.text(column) == Some("1")
    }

    fn number<N: std::str::FromStr + Default>(&self, column: &'static str) -> Result<N, RowError> {
        match self.text(column) {
            None => Ok(N::default()),
            Some(text) => text.parse().map_err(|_| damaged(column, text)),
        }
    }

    fn json(&self, column: &'static str) -> Result<Option<Value>, RowError> {
        let text = self.text(column);
        text.map(|text| serde_json::from_str(text).map_err(|_| damaged(column, text)))
            .transpose()
    }

    fn cow(&self, column: &'static str) -> Option<Cow<'r, str>> {
        self.text(column).map(Cow::Borrowed)
    }
}

fn damaged(column: &'static str, value: &str) -> RowError {
    RowError::Damaged {
        column,
        value: value.to_owned(),
    }
}

/// The name of the first column, which no other table has.
pub const FIRST_COLUMN: &str = COLUMNS[0];

/// Returns whether these are the names of the columns of an answer.
pub fn is_header<'h>(names: impl IntoIterator<Item = &'h str>) -> bool {
    names.into_iter().eq(COLUMNS)
}

impl RowReader {
    /// Fills this empty ledger.
    pub fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            days: BTreeMap::new(),
            unreadable: 0,
            folded: 0,
            spans: 0,
        }
    }

    /// Takes a row in.
    ///
    /// # Errors
    /// If it is not as the query makes it, or of a query for another time.
    pub fn take(&mut self, row: &[Option<String>]) -> Result<(), RowError> {
        let row = AnswerRow(row);
        match row.text(COLUMNS[0]) {
            Some("span") => self.span(&row),
            Some("hours") => self.hours(&row),
            Some("unreadable") => {
                self.unreadable += row.number::<u64>("copies")?;
                Ok(())
            }
            Some("call") => self.events(&row, RecordKind::Call),
            Some("service") => self.events(&row, RecordKind::ServiceEvent),
            Some("denial") => self.events(&row, RecordKind::EndpointDenial),
            Some("key") => self.events(&row, RecordKind::KeyUse),
            other => Err(damaged(COLUMNS[0], other.unwrap_or_default())),
        }
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// If it has no end.
    pub fn finish(mut self) -> Result<RowsRead, RowError> {
        if self.spans == 0 {
            return Err(RowError::NoSpan);
        }
        for (day, scopes) in std::mem::take(&mut self.days) {
            let first = u32::try_from(i64::from(day) * 24).unwrap_or(0);
            for ((account, region), facts) in &scopes {
                let hours = (0..24).filter(|hour| facts.hours >> hour & 1 == 1);
                for hour in hours {
                    self.ledger
                        .active_hour(account, region, first + hour, facts.read_only);
                }
            }
            for ((account, region), facts) in &scopes {
                self.ledger.variety(account, region, &facts.variety);
            }
        }
        Ok(RowsRead {
            ledger: self.ledger,
            unreadable: self.unreadable,
            folded: self.folded,
        })
    }

    fn span(&mut self, row: &AnswerRow<'_>) -> Result<(), RowError> {
        let LedgerBounds {
            from,
            window_from,
            to,
        } = self.ledger.bounds();
        let text = |column| row.text(column).unwrap_or_default();
        let moment = |column| text(column).parse().map(Timestamp::as_second).ok();
        let said = [moment("account"), moment("category"), moment("region")];
        if said == [Some(from), Some(window_from), Some(to)] {
            self.spans += 1;
            return Ok(());
        }
        Err(RowError::OtherTime {
            from: text("account").to_owned(),
            to: text("region").to_owned(),
            window_from: text("category").to_owned(),
        })
    }

    /// Returns what records that are no events of Secrets Manager show of a day.
    fn hours(&mut self, row: &AnswerRow<'_>) -> Result<(), RowError> {
        let day = row.text("day").unwrap_or_default();
        let date: Date = day.parse().map_err(|_| damaged("day", day))?;
        let region = row.text("region").unwrap_or_default();
        let region = match row.text("category") {
            Some("global") => pseudo_region_of(region).unwrap_or(region),
            _ => region,
        };
        let account = row.text("account").unwrap_or_default();
        let facts = self.scope_day(days_since_1970(date), account, region);
        facts.hours |= row.number::<u32>("cells")?;
        facts.read_only |= row.is("read_only");
        let values = |column| match row.text(column) {
            None => Values::None,
            Some("*") => Values::Several,
            Some(value) => Values::One(value.into()),
        };
        facts.variety.merge(&Variety {
            services: values("services"),
            names: values("names"),
            identities: values("principals"),
            any_success: !row.is("error_code"),
        });
        Ok(())
    }

    fn scope_day(&mut self, day: EpochDay, account: &str, region: &str) -> &mut ScopeDay {
        self.days
            .entry(day)
            .or_default()
            .entry((account.to_owned(), region.to_owned()))
            .or_default()
    }

    fn events(&mut self, row: &AnswerRow<'_>, kind: RecordKind) -> Result<(), RowError> {
        let mut event = event(row, kind)?;
        let is_folded = row.number::<u64>("folded")? > 0;
        self.folded += u64::from(is_folded);
        let mut copies: u64 = row.number("copies")?;
        let cells = row.text("cells").unwrap_or_default();
        for text in cells.split(' ') {
            let cell = HourCell::parse(text).ok_or_else(|| damaged("cells", text))?;
            event.time = cell.hour * HOUR_S + i64::from(cell.first);
            let group = EventGroup {
                calls: cell.calls,
                last: cell.last,
                copies: std::mem::take(&mut copies),
                is_folded,
            };
            if event.shared_id.is_some() {
                // Each copy of a shared event is settled by itself.
                for _ in 0..cell.calls {
                    self.ledger.group(&event, EventGroup { calls: 1, ..group });
                }
            } else {
                self.ledger.group(&event, group);
            }
            if row.text("category") == Some("proof") {
                self.shows(row, &event, cell.hour);
            }
        }
        Ok(())
    }

    /// An event of Secrets Manager shows as well as any other that management events are logged.
    fn shows(&mut self, row: &AnswerRow<'_>, event: &TrailEvent<'_>, hour: i64) {
        let is_key = event.kind == RecordKind::KeyUse;
        let path = |column| row.text(column).filter(|_| is_key);
        let account = path("path_account").unwrap_or(&event.account);
        let region = path("path_region").unwrap_or(&event.region);
        let principal = record::principal(event.identity.clone());
        let day = EpochDay::try_from(hour.div_euclid(24)).unwrap_or_default();
        let facts = self.scope_day(day, account, region);
        facts.hours |= 1 << hour.rem_euclid(24);
        facts.read_only |= row.is("read_only");
        let variety = &mut facts.variety;
        variety
            .services
            .add(if is_key { KMS } else { SECRETS_MANAGER });
        variety.names.add(&event.name);
        if let Some(principal) = principal {
            variety.identities.add(&principal);
        }
        variety.any_success |= event.error_code.is_none();
    }
}

/// The calls of one hour, as a row has them: `2026-11-01T05+12:0130:5959`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HourCell {
    /// Hours since 1970-01-01T00:00:00Z.
    hour: i64,
    calls: u32,
    /// Seconds after the full hour.
    first: u16,
    last: u16,
}

impl HourCell {
    fn parse(text: &str) -> Option<Self> {
        let (hour, rest) = text.split_at_checked(13)?;
        let (date, hour) = hour.split_once('T')?;
        let date: Date = date.parse().ok()?;
        let hour: i64 = hour.parse().ok().filter(|hour| (0..24).contains(hour))?;
        let rest = rest.strip_prefix(['+', '-'])?;
        let mut parts = rest.split(':');
        let calls = parts.next()?.parse().ok()?;
        let mut second = || {
            let (minutes, seconds) = parts.next()?.split_at_checked(2)?;
            let minutes: u16 = minutes.parse().ok().filter(|minutes| *minutes < 60)?;
            let seconds: u16 = seconds.parse().ok().filter(|seconds| *seconds < 60)?;
            Some(minutes * 60 + seconds)
        };
        let (first, last) = (second()?, second()?);
        parts.next().is_none().then_some(Self {
            hour: i64::from(days_since_1970(date)) * 24 + hour,
            calls,
            first,
            last,
        })
    }
}

fn days_since_1970(date: Date) -> EpochDay {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until(date).map_or(0, |span| span.get_days())
}

/// The events of a row, at no time yet.
fn event<'r>(row: &AnswerRow<'r>, kind: RecordKind) -> Result<TrailEvent<'r>, RowError> {
    let first = |columns: [&'static str; 3]| {
        let found = columns.iter().find_map(|column| row.cow(column));
        found.unwrap_or_default()
    };
    let name = row.text("event_name").unwrap_or_default();
    Ok(TrailEvent {
        // The engine counted each event once.
        id: EventId(0),
        shared_id: row.text("shared_id").map(EventId::new),
        time: 0,
        account: first(["account", "path_account", "identity_account"]),
        region: first(["region", "path_region", "path_region"]),
        name: Cow::Borrowed(name),
        kind,
        error_code: row.cow("error_code"),
        error_message: row.cow("error_message"),
        target: row.cow("target"),
        version_stage: row.cow("version_stage"),
        names_version: row.is("names_version"),
        batch: if name == record::BATCH {
            Some(batch(row)?)
        } else {
            None
        },
        identity: Identity {
            kind: row.cow("identity_type"),
            arn: row.cow("arn"),
            account: row.cow("identity_account"),
            principal_id: row.cow("principal_id"),
            user_name: None,
            invoked_by: row.cow("invoked_by"),
            issuer_arn: row.cow("issuer_arn"),
            web_federated: row.is("web_federated"),
            ec2_delivered: row.is("ec2_delivered"),
        },
        source_ip: row.cow("source_ip"),
        user_agent: row.cow("user_agent"),
        vpc_endpoint: row.is("vpc_endpoint"),
        from_console: row.is("from_console"),
        tls: row.text("tls").map_or(TlsVersion::Unknown, TlsVersion::of),
    })
}

fn batch(row: &AnswerRow<'_>) -> Result<Batch<'static>, RowError> {
    let mut request = serde_json::Map::new();
    for (column, member) in [("batch_ids", "secretIdList"), ("batch_filters", "filters")] {
        if let Some(value) = row.json(column)? {
            request.insert(member.to_owned(), value);
        }
    }
    Ok(record::batch(&request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_read_as_the_query_writes_it() {
        assert_eq!(
            HourCell::parse("1970-01-02T05+12:0130:5959"),
            Some(HourCell {
                hour: 29,
                calls: 12,
                first: 90,
                last: 3_599,
            })
        );
        for text in [
            "",
            "1970-01-02T05",
            "1970-01-02T25+1:0000:0000",
            "1970-01-02T05+x:0000:0000",
            "1970-01-02T05+1:0060:0000",
            "1970-01-02T05+1:0000",
            "1970-01-02T05+1:0000:0000:1",
            "1970-01-02T05 1:0000:0000",
            "1970-13-02T05+1:0000:0000",
            "äääääääääääää",
        ] {
            assert_eq!(HourCell::parse(text), None, "{text}");
        }
    }
}
