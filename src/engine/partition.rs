//! The partitions of a table that a query has to read: those of the days of delivery, and no others.
//!
//! A file lies in the folder of the day on which it was delivered, which for a late event is a day after that of the event.
//! So partitions are read to one day past the span. Which columns are the day is found by the names of partition columns and
//! by how their values look; where nothing is found, the whole table is read, and the caller says so.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::table::{literal, quoted};
use crate::domain::base::span::Span;
use crate::ports::TableColumns;

/// The way in which the partitions of a table hold the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DayPartition {
    /// One column, with the day as a text that sorts by time, as `strftime` writes it.
    Text {
        /// The column.
        column: String,
        /// Such as `%Y/%m/%d`.
        format: &'static str,
    },
    /// One column of the type `date`.
    Date(String),
    /// Three columns: year, month, day.
    Parts {
        /// The columns, and whether each is a number.
        columns: [(String, bool); 3],
        /// Months and days have a leading zero.
        is_padded: bool,
    },
}

/// Sets how a day may be written, with what `strftime` calls it.
const FORMATS: [(&str, &str); 4] = [
    ("yyyy/mm/dd", "%Y/%m/%d"),
    ("yyyy-mm-dd", "%Y-%m-%d"),
    ("yyyymmdd", "%Y%m%d"),
    ("yyyy/mm/dd/hh", "%Y/%m/%d/00"),
];

/// The names that tables use for the day. The first is that of AWS's definition with partition projection.
const DAY_NAMES: [&str; 8] = [
    "timestamp",
    "date",
    "day",
    "dt",
    "eventdate",
    "event_date",
    "eventday",
    "event_day",
];

/// Returns how a value of a partition column writes the day.
fn format_of(value: &str) -> Option<&'static str> {
    let shape: String = value
        .chars()
        .map(|letter| if letter.is_ascii_digit() { '0' } else { letter })
        .collect();
    FORMATS.iter().find_map(|(pattern, format)| {
        let looks: String = pattern
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphabetic() {
                    '0'
                } else {
                    letter
                }
            })
            .collect();
        (looks == shape).then_some(*format)
    })
}

impl DayPartition {
    /// Finds it; `None`: the table has no partitions by day that are understood.
    pub(super) fn find(table: &TableColumns) -> Option<Self> {
        let partitions: Vec<_> = table
            .columns
            .iter()
            .filter(|column| column.is_partition)
            .collect();
        let named = |wanted: &str| {
            partitions
                .iter()
                .find(|column| column.name.eq_ignore_ascii_case(wanted))
        };
        if let (Some(year), Some(month), Some(day)) = (named("year"), named("month"), named("day"))
        {
            let is_number = |kind: &str| {
                let kind = kind.to_ascii_lowercase();
                ["int", "bigint", "smallint", "tinyint"]
                    .iter()
                    .any(|number| kind.starts_with(number))
            };
            let sample = month.sample.as_deref().or(day.sample.as_deref());
            return Some(Self::Parts {
                columns: [year, month, day]
                    .map(|column| (column.name.clone(), is_number(&column.kind))),
                // Without a sample, as CloudTrail's own folders have it.
                is_padded: sample.is_none_or(|value| value.len() == 2),
            });
        }
        let columns = DAY_NAMES.iter().filter_map(|name| named(name));
        columns.into_iter().find_map(|column| {
            if column.kind.eq_ignore_ascii_case("date") {
                return Some(Self::Date(column.name.clone()));
            }
            let declared = column.format.as_deref().map(str::to_ascii_lowercase);
            let declared = declared.and_then(|declared| {
                let known = FORMATS.iter().find(|(pattern, _)| *pattern == declared);
                known.map(|(_, format)| *format)
            });
            let format = declared.or_else(|| format_of(column.sample.as_deref()?))?;
            Some(Self::Text {
                column: column.name.clone(),
                format,
            })
        })
    }

    /// The condition that selects the partitions of a span, and of one day past it.
    pub(super) fn condition(&self, span: Span) -> String {
        let day = |moment: Timestamp| moment.to_zoned(TimeZone::UTC).date();
        let first = day(span.from);
        let last = day(span.to);
        let last = last.checked_add(1.day()).unwrap_or(last);
        match self {
            Self::Text { column, format } => {
                let write = |day: Date| literal(&day.strftime(format).to_string());
                // A value may go on behind the day, with the hour.
                let past = last.checked_add(1.day()).unwrap_or(last);
                format!(
                    "{column} >= {} AND {column} < {}",
                    write(first),
                    write(past),
                    column = quoted(column)
                )
            }
            Self::Date(column) => format!(
                "{column} BETWEEN DATE '{first}' AND DATE '{last}'",
                column = quoted(column)
            ),
            Self::Parts { columns, is_padded } => parts(columns, *is_padded, first, last),
        }
    }
}

/// A condition for each month: engines prune partitions by conditions on single columns.
fn parts(columns: &[(String, bool); 3], is_padded: bool, first: Date, last: Date) -> String {
    let [year, month, day] = columns;
    let value = |number: i16, column: &(String, bool)| match (column.1, is_padded) {
        (true, _) => number.to_string(),
        (false, true) => literal(&format!("{number:02}")),
        (false, false) => literal(&number.to_string()),
    };
    let mut months: Vec<(i16, i8, Vec<i8>)> = Vec::new();
    let mut at = first;
    while at <= last {
        match months.last_mut() {
            Some((year, month, days)) if (*year, *month) == (at.year(), at.month()) => {
                days.push(at.day());
            }
            _ => months.push((at.year(), at.month(), vec![at.day()])),
        }
        let Ok(next) = at.tomorrow() else { break };
        at = next;
    }
    let each = months.into_iter().map(|(of_year, of_month, days)| {
        let days: Vec<String> = days.iter().map(|one| value((*one).into(), day)).collect();
        format!(
            "({} = {} AND {} = {} AND {} IN ({}))",
            quoted(&year.0),
            value(of_year, year),
            quoted(&month.0),
            value(of_month.into(), month),
            quoted(&day.0),
            days.join(", ")
        )
    });
    format!("({})", each.collect::<Vec<_>>().join(" OR "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::TableColumn;

    fn span() -> Span {
        Span {
            from: "2026-10-30T05:00:00Z".parse().unwrap(),
            to: "2026-11-01T05:00:00Z".parse().unwrap(),
        }
    }

    fn column(name: &str, kind: &str, format: Option<&str>, sample: Option<&str>) -> TableColumn {
        TableColumn {
            name: name.to_owned(),
            kind: kind.to_owned(),
            is_partition: true,
            format: format.map(str::to_owned),
            sample: sample.map(str::to_owned),
        }
    }

    #[test]
    fn the_day_is_found_in_the_partitions_that_people_make() {
        let cases = [
            // AWS's own definition with partition projection.
            (
                vec![column("timestamp", "string", Some("yyyy/MM/dd"), None)],
                r#""timestamp" >= '2026/10/30' AND "timestamp" < '2026/11/03'"#,
            ),
            (
                vec![
                    column("region", "varchar", None, Some("eu-west-1")),
                    column("dt", "varchar", None, Some("2026-01-31")),
                ],
                r#""dt" >= '2026-10-30' AND "dt" < '2026-11-03'"#,
            ),
            (
                vec![column("day", "date", None, None)],
                r#""day" BETWEEN DATE '2026-10-30' AND DATE '2026-11-02'"#,
            ),
            (
                vec![
                    column("year", "varchar", None, None),
                    column("month", "varchar", None, Some("07")),
                    column("day", "varchar", None, None),
                ],
                r#"(("year" = '2026' AND "month" = '10' AND "day" IN ('30', '31')) OR ("year" = '2026' AND "month" = '11' AND "day" IN ('01', '02')))"#,
            ),
            (
                vec![
                    column("year", "int", None, None),
                    column("month", "int", None, None),
                    column("day", "int", None, None),
                ],
                r#"(("year" = 2026 AND "month" = 10 AND "day" IN (30, 31)) OR ("year" = 2026 AND "month" = 11 AND "day" IN (1, 2)))"#,
            ),
        ];
        for (columns, condition) in cases {
            let table = TableColumns {
                columns,
                has_path: true,
            };
            let found = DayPartition::find(&table).expect("a partition by day");
            assert_eq!(found.condition(span()), condition);
        }
    }

    #[test]
    fn what_is_no_day_prunes_nothing() {
        for (name, sample) in [("region", "eu-west-1"), ("day", "Monday"), ("dt", "")] {
            let table = TableColumns {
                columns: vec![column(name, "varchar", None, Some(sample))],
                has_path: true,
            };
            assert_eq!(DayPartition::find(&table), None, "{name}");
        }
    }
}
