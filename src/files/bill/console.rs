//! The table that the console of Cost Explorer downloads as CSV: one row a period and one column a usage type, or the
//! other way round.
//!
//! Its first column is called after what the costs are grouped by (`Usage type`, `Service`, ...) and holds the first day of
//! each period; the other columns are called `USE1-AWSSecretsManager-Secrets($)`, and the last `Total costs($)`. The first
//! row holds sums (`Usage type total`). Totals are passed over, as they repeat what the cells say, and so are columns of
//! used amounts, whose unit is no currency. The table has no end of a period: whole months if every period begins with one,
//! else days, or hours where the clock is named.
//!
//! Grouped by service it is the whole service without parts. Grouped by anything else the costs may be any service's, and
//! the table is refused with what to choose instead.

use std::io::Read;

use jiff::{SignedDuration, Timestamp};

use super::BillFileError;
use super::columns::{moment, short, unknown};
use crate::domain::base::month::Month;
use crate::domain::base::span::Span;
use crate::domain::pricing::bill::usage_type::{CostPart, is_secrets_manager, region_of};
use crate::domain::pricing::bill::{Amount, Bill, BillLine, BillLineKind};
use crate::files::bounded::Allowance;

/// The most periods of a table: the console shows 13 months of days and two weeks of hours.
const MOST_PERIODS: usize = 10_000;

/// The dimension that the costs of a table are grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Dimension {
    UsageType,
    Service,
    /// The console's name of another one, for a message.
    Other(String),
}

impl Dimension {
    fn of(name: &str) -> Self {
        let plain: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        match plain.to_ascii_lowercase().as_str() {
            "usagetype" => Self::UsageType,
            "service" => Self::Service,
            _ => Self::Other(short(name)),
        }
    }

    /// The part that a value of this dimension is; `None`: it is about something else.
    fn part(&self, value: &str) -> Option<CostPart> {
        match self {
            Self::UsageType => CostPart::of_usage_type(value).or_else(|| {
                value
                    .contains("AWSSecretsManager")
                    .then_some(CostPart::Other)
            }),
            // The console leaves out who makes the service.
            Self::Service => {
                (is_secrets_manager(value) || value == "Secrets Manager").then_some(CostPart::Whole)
            }
            Self::Other(_) => None,
        }
    }
}

/// The meaning of the columns of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Orientation {
    /// A value of the dimension, as the console writes it: the indexes of the wanted columns.
    Values(Vec<(usize, Charged)>),
    /// A period: the indexes of the columns and what the header says there.
    Periods(Vec<(usize, String)>),
}

/// The subject of a column or row of costs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Charged {
    value: String,
    part: CostPart,
    currency: String,
}

/// A table of Cost Explorer, by its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConsoleTable {
    dimension: Dimension,
    orientation: Orientation,
}

/// A name with the unit that it ends with: `Total costs ($)` is `Total costs` and `$`.
fn split_unit(name: &str) -> Option<(&str, &str)> {
    let (value, unit) = name.trim().strip_suffix(')')?.rsplit_once('(')?;
    Some((value.trim_end(), unit))
}

/// The code of a currency that the console writes as a sign; `None`: the unit is an amount of use.
fn currency(unit: &str) -> Option<&'static str> {
    match unit {
        "$" | "USD" => Some("USD"),
        "\u{a5}" | "CNY" => Some("CNY"),
        "\u{20ac}" | "EUR" => Some("EUR"),
        _ => None,
    }
}

fn is_total(name: &str) -> bool {
    name.to_ascii_lowercase()
        .split_whitespace()
        .any(|word| word == "total")
}

impl ConsoleTable {
    /// The table that has this header; `None`: it is another file.
    pub(super) fn of(names: &[String]) -> Option<Self> {
        let (first, rest) = names.split_first()?;
        let dimension = Dimension::of(first);
        let costs = rest.iter().any(|name| {
            let unit = split_unit(name).and_then(|(_, unit)| currency(unit));
            unit.is_some()
        });
        if costs {
            let wanted = |(index, name): (usize, &String)| {
                let (value, unit) = split_unit(name)?;
                let part = dimension.part(value)?;
                let charged = Charged {
                    value: value.to_owned(),
                    part,
                    currency: currency(unit)?.to_owned(),
                };
                Some((index + 1, charged))
            };
            let columns = rest.iter().enumerate().filter_map(wanted).collect();
            return Some(Self {
                dimension,
                orientation: Orientation::Values(columns),
            });
        }
        let periods: Vec<_> = rest
            .iter()
            .enumerate()
            .filter(|(_, name)| period(name).is_some())
            .map(|(index, name)| (index + 1, name.trim().to_owned()))
            .collect();
        (!periods.is_empty()).then_some(Self {
            dimension,
            orientation: Orientation::Periods(periods),
        })
    }

    /// Reads the rows.
    pub(super) fn read<R: Read>(
        &self,
        reader: &mut csv::Reader<R>,
        allowance: &Allowance,
        bill: &mut Bill,
    ) -> Result<(), BillFileError> {
        if let Dimension::Other(name) = &self.dimension {
            return Err(BillFileError::Form(format!(
                "it is a table of Cost Explorer by `{name}`, so its costs may be any service's; choose the service Secrets \
                 Manager as a filter, group by the dimension Usage type, and download the table again"
            )));
        }
        let mut cells = Vec::new();
        let mut periods = 0;
        let mut record = csv::StringRecord::new();
        loop {
            allowance.renew();
            if !reader.read_record(&mut record).map_err(super::trouble)? {
                break;
            }
            let first = record.get(0).unwrap_or_default().trim();
            if is_total(first) || record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            periods += 1;
            if periods > MOST_PERIODS {
                return Err(BillFileError::Form(format!(
                    "its table has more than {MOST_PERIODS} rows"
                )));
            }
            match &self.orientation {
                Orientation::Values(columns) => {
                    let of = |(index, charged): &(usize, Charged)| {
                        let cost = record.get(*index)?.trim();
                        (!cost.is_empty())
                            .then(|| (first.to_owned(), charged.clone(), cost.to_owned()))
                    };
                    cells.extend(columns.iter().filter_map(of));
                }
                Orientation::Periods(columns) => {
                    cells.extend(self.row(first, columns, &record));
                }
            }
        }
        add(cells, bill);
        Ok(())
    }

    /// The cells of a row that is one value of the dimension.
    fn row(
        &self,
        name: &str,
        columns: &[(usize, String)],
        record: &csv::StringRecord,
    ) -> Vec<ConsoleCost> {
        let (value, unit) = split_unit(name).unwrap_or((name, "$"));
        let (Some(part), Some(currency)) = (self.dimension.part(value), currency(unit)) else {
            return Vec::new();
        };
        let charged = Charged {
            value: value.to_owned(),
            part,
            currency: currency.to_owned(),
        };
        let of = |(index, period): &(usize, String)| {
            let cost = record.get(*index)?.trim();
            (!cost.is_empty()).then(|| (period.clone(), charged.clone(), cost.to_owned()))
        };
        columns.iter().filter_map(of).collect()
    }
}

/// A period, what was charged for in it, and the cost.
type ConsoleCost = (String, Charged, String);

/// Returns when a period begins; a month may stand without its day.
fn period(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() == 7 {
        return moment(&format!("{text}-01"));
    }
    moment(text)
}

/// The length of the periods of a table.
#[derive(Clone, Copy)]
enum Granularity {
    Months,
    Days,
    Hours,
}

impl Granularity {
    fn of(cells: &[ConsoleCost]) -> Self {
        let begins_month =
            |text: &str| period(text).is_none_or(|from| Month::of(from).span().from == from);
        if cells.iter().any(|(text, ..)| text.contains(':')) {
            Self::Hours
        } else if cells.iter().all(|(text, ..)| begins_month(text)) {
            Self::Months
        } else {
            Self::Days
        }
    }

    fn end(self, from: Timestamp) -> Timestamp {
        let after = |hours| {
            from.checked_add(SignedDuration::from_hours(hours))
                .unwrap_or(from)
        };
        match self {
            Self::Months => Month::of(from).span().to,
            Self::Days => after(24),
            Self::Hours => after(1),
        }
    }
}

fn add(cells: Vec<ConsoleCost>, bill: &mut Bill) {
    let granularity = Granularity::of(&cells);
    for (text, charged, cost) in cells {
        let Some(from) = period(&text) else {
            bill.skip(format!("`{}` is no time", short(&text)));
            continue;
        };
        let Some(cost) = Amount::parse(&cost) else {
            bill.skip(format!("`{}` is no amount", short(&cost)));
            continue;
        };
        bill.add(BillLine {
            account: None,
            region: region_of(&charged.value),
            part: charged.part,
            kind: BillLineKind::Usage,
            cost,
            quantity: None,
            currency: charged.currency,
            secret: None,
            span: Some(Span {
                from,
                to: granularity.end(from),
            }),
            estimated: false,
            usage_type: (charged.part == CostPart::Other).then(|| unknown(&charged.value)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_bytes;
    use super::*;
    use crate::domain::base::money::Money;
    use crate::domain::base::names::Region;

    const BY_DAY: &str = "\
\"Usage type\",\"USE1-AWSSecretsManager-Secrets($)\",\"USE1-BoxUsage:t3.micro($)\",\"EU-AWSSecretsManager-APIRequests($)\",\"EU-AWSSecretsManager-APIRequests(API Requests)\",\"Total costs($)\"
\"Usage type total\",\"3\",\"9\",\"0.5\",\"100000\",\"12.5\"
\"2026-10-01\",\"1\",\"9\",\"0.5\",\"100000\",\"10.5\"
\"2026-10-02\",\"2\",\"\",\"\",\"\",\"2\"
";

    fn amounts(bill: &Bill) -> Vec<(Option<&str>, CostPart, i64)> {
        let rows = bill.by_key.iter();
        rows.map(|(key, billed)| {
            let region = key.region.as_ref().map(Region::as_str);
            (region, key.part, billed.usage.money().0)
        })
        .collect()
    }

    #[test]
    fn a_table_is_read_in_both_orientations() {
        let turned = "\
Usage type,2026-10-01,2026-10-02,Usage type total
USE1-AWSSecretsManager-Secrets($),1,2,3
USE1-BoxUsage:t3.micro($),9,,9
EU-AWSSecretsManager-APIRequests,0.5,,0.5
Total costs($),10.5,2,12.5
";
        for (text, form) in [
            (BY_DAY.to_owned(), "as downloaded"),
            (turned.to_owned(), "turned"),
            (BY_DAY.replace("($)", " ($)"), "with a space"),
        ] {
            let bill = read_bytes(text.as_bytes()).unwrap();
            let expect = [
                (Some("eu-west-1"), CostPart::Api, 500_000),
                (Some("us-east-1"), CostPart::Storage, 3_000_000),
            ];
            assert_eq!(amounts(&bill), expect, "{form}");
            assert_eq!((bill.lines, bill.unreadable), (3, 0), "{form}");
            assert_eq!(bill.covers.unwrap().hours(), 48, "{form}");
        }
    }

    #[test]
    fn a_month_ends_with_the_month() {
        for month in ["2026-10-01", "2026-10"] {
            let text = format!(
                "Usage type,USE1-AWSSecretsManager-Vault($),Total costs($)\nUsage type total,5,5\n{month},5,5\n"
            );
            let bill = read_bytes(text.as_bytes()).unwrap();
            assert_eq!(bill.covers, Some(bill.window), "{month}");
            assert_eq!(amounts(&bill), [(None, CostPart::Other, 5_000_000)]);
            assert!(
                bill.unknown_usage_types
                    .contains("USE1-AWSSecretsManager-Vault")
            );
        }
    }

    #[test]
    fn by_service_it_is_the_whole_service_and_by_account_it_is_refused() {
        let by_service = "Service,Secrets Manager($),S3($),Total costs($)\nService total,5,1,6\n2026-10-01,5,1,6\n";
        let bill = read_bytes(by_service.as_bytes()).unwrap();
        assert_eq!(amounts(&bill), [(None, CostPart::Whole, 5_000_000)]);
        let by_account = "Linked account,111122223333($),Total costs($)\nLinked account name,prod($),Total costs($)\n\
                          Linked account total,5,5\n2026-10-01,5,5\n";
        let refused = read_bytes(by_account.as_bytes()).unwrap_err().to_string();
        assert!(
            refused.contains("`Linked account`") && refused.contains("dimension Usage type"),
            "{refused}"
        );
    }

    #[test]
    fn a_cell_that_is_no_amount_is_counted() {
        let bill = read_bytes(BY_DAY.replace("\"1\"", "\"1,5\"").as_bytes()).unwrap();
        assert_eq!(bill.first_unreadable.as_deref(), Some("`1,5` is no amount"));
        assert_eq!(
            Money(2_500_000),
            bill.by_key.values().map(|one| one.usage.money()).sum()
        );
    }
}
