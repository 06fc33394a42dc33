//! The columns of the exports by their names, and a row as a line of the bill.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::base::names::{AccountId, Region, SecretArn};
use crate::domain::base::span::Span;
use crate::domain::pricing::bill::usage_type::{CostPart, is_secrets_manager, region_of};
use crate::domain::pricing::bill::{Amount, BillLine, BillLineKind};

/// The columns of a row that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BillColumn {
    Cost,
    UsageType,
    Service,
    Unit,
    Account,
    Region,
    Resource,
    Kind,
    Start,
    End,
    Quantity,
    Currency,
}

/// The names of each column, best first, as [`normal`] writes them: CUR 2.0 (and legacy CUR, which becomes the same),
/// then FOCUS with AWS's own columns, then the monthly report that the billing console downloads.
pub(super) const NAMES: [(BillColumn, &[&str]); 12] = [
    (
        BillColumn::Cost,
        &["line_item_unblended_cost", "billed_cost", "cost_before_tax"],
    ),
    (
        BillColumn::UsageType,
        &["line_item_usage_type", "x_usage_type", "usage_type"],
    ),
    (
        BillColumn::Service,
        &["service_name", "line_item_product_code", "product_code"],
    ),
    (BillColumn::Unit, &["pricing_unit", "consumed_unit"]),
    (
        BillColumn::Account,
        &[
            "line_item_usage_account_id",
            "sub_account_id",
            "linked_account_id",
        ],
    ),
    (
        BillColumn::Region,
        &["product_region_code", "product_region", "region_id"],
    ),
    (
        BillColumn::Resource,
        &["line_item_resource_id", "resource_id"],
    ),
    (
        BillColumn::Kind,
        &["line_item_line_item_type", "charge_category", "record_type"],
    ),
    (
        BillColumn::Start,
        &[
            "line_item_usage_start_date",
            "charge_period_start",
            "usage_start_date",
        ],
    ),
    (
        BillColumn::End,
        &[
            "line_item_usage_end_date",
            "charge_period_end",
            "usage_end_date",
        ],
    ),
    (
        BillColumn::Quantity,
        &[
            "line_item_usage_amount",
            "pricing_quantity",
            "consumed_quantity",
            "usage_quantity",
        ],
    ),
    (
        BillColumn::Currency,
        &[
            "line_item_currency_code",
            "billing_currency",
            "currency_code",
        ],
    ),
];

/// Columns that were looked for and not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingColumns {
    has: Vec<String>,
}

impl fmt::Display for MissingColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 6;
        let shown = self.has.len().min(SHOWN);
        let more = if self.has.len() > SHOWN { ", ..." } else { "" };
        write!(
            f,
            "it has no column for the cost (such as `line_item_unblended_cost` or `BilledCost`) or for what is paid (such as \
             `line_item_usage_type` or `x_UsageType`); its columns are {}{more}",
            self.has[..shown].join(", "),
        )
    }
}

/// The positions of the columns in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    indexes: [Option<usize>; NAMES.len()],
}

impl Header {
    /// Finds the columns by name.
    pub(super) fn of(names: &[String]) -> Result<Self, MissingColumns> {
        let normal: Vec<String> = names.iter().map(|name| self::normal(name)).collect();
        let index = |wanted: &[&str]| {
            wanted
                .iter()
                .find_map(|name| normal.iter().position(|have| have == name))
        };
        let header = Self {
            indexes: NAMES.map(|(_, names)| index(names)),
        };
        let holds = |column| header.index(column).is_some();
        let paid =
            holds(BillColumn::UsageType) || (holds(BillColumn::Service) && holds(BillColumn::Unit));
        if holds(BillColumn::Cost) && paid {
            Ok(header)
        } else {
            let has = names.iter().map(|name| short(name)).collect();
            Err(MissingColumns { has })
        }
    }

    /// Returns the index of a column in the file.
    pub(super) fn index(&self, column: BillColumn) -> Option<usize> {
        self.indexes[column as usize]
    }

    /// A row as a line; `None`: it is about something else.
    ///
    /// # Errors
    /// What cannot be read, for a line that is about this service.
    pub(super) fn line<'a>(
        &self,
        cell: impl Fn(usize) -> Option<&'a str>,
    ) -> Result<Option<BillLine>, String> {
        let text = |column| self.index(column).and_then(&cell);
        let usage_type = text(BillColumn::UsageType).unwrap_or_default();
        let service = text(BillColumn::Service).unwrap_or_default();
        let known = CostPart::of_usage_type(usage_type)
            .or_else(|| CostPart::of_service(service, text(BillColumn::Unit).unwrap_or_default()));
        // What the service charges for by another name is still part of its bill, and taxes have no usage type.
        let Some(part) = known.or(is_secrets_manager(service).then_some(CostPart::Other)) else {
            return Ok(None);
        };
        let amount = text(BillColumn::Cost).unwrap_or("0");
        let region = text(BillColumn::Region).and_then(|region| Region::new(region).ok());
        Ok(Some(BillLine {
            account: account(text(BillColumn::Account))?,
            region: region.or_else(|| region_of(usage_type)),
            part,
            kind: kind(text(BillColumn::Kind)),
            cost: Amount::parse(amount)
                .ok_or_else(|| format!("`{}` is no amount", short(amount)))?,
            quantity: text(BillColumn::Quantity).and_then(Amount::parse),
            currency: short(text(BillColumn::Currency).unwrap_or_default()),
            secret: text(BillColumn::Resource).and_then(|arn| SecretArn::new(arn).ok()),
            span: span(text(BillColumn::Start), text(BillColumn::End))?,
            estimated: false,
            usage_type: (part == CostPart::Other).then(|| unknown(usage_type)),
        }))
    }
}

/// Account ids lose their leading zeros where a spreadsheet has been.
fn account(text: Option<&str>) -> Result<Option<AccountId>, String> {
    let Some(text) = text else { return Ok(None) };
    AccountId::new(text)
        .or_else(|_| AccountId::new(&format!("{text:0>12}")))
        .map(Some)
        .map_err(|fault| short(&fault.to_string()))
}

/// Lines of usage by their type: CUR's own, those that commitments cover, FOCUS's, and those of the monthly report.
fn kind(text: Option<&str>) -> BillLineKind {
    match text {
        None
        | Some(
            "Usage"
            | "DiscountedUsage"
            | "SavingsPlanCoveredUsage"
            | "LinkedLineItem"
            | "PayerLineItem",
        ) => BillLineKind::Usage,
        Some(
            "EdpDiscount" | "PrivateRateDiscount" | "BundledDiscount" | "Discount" | "SppDiscount",
        ) => BillLineKind::Discount,
        Some(_) => BillLineKind::Adjustment,
    }
}

fn span(from: Option<&str>, to: Option<&str>) -> Result<Option<Span>, String> {
    let (Some(from), Some(to)) = (from, to) else {
        return Ok(None);
    };
    let read = |text: &str| moment(text).ok_or_else(|| format!("`{}` is no time", short(text)));
    Ok(Some(Span {
        from: read(from)?,
        to: after_last_second(to, read(to)?),
    }))
}

/// The monthly report of the console names the last second of a month (`2026/10/31 23:59:59`), and every other export the
/// first moment after it.
fn after_last_second(text: &str, end: Timestamp) -> Timestamp {
    if text.contains("23:59:59") {
        end.checked_add(SignedDuration::from_secs(1)).unwrap_or(end)
    } else {
        end
    }
}

/// A time as exports and query engines write it: RFC 3339, a date with a time, or a date; UTC where none is named.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    // The monthly report writes `2026/10/01 00:00:00`. Days before years are ambiguous, and no time.
    let year_first = text.as_bytes().get(4) == Some(&b'/');
    let dashed = year_first.then(|| text.replace('/', "-"));
    let text = dashed.as_deref().unwrap_or(text);
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

/// The spelling of CUR 2.0 for any spelling: `lineItem/UsageType` is `line_item_usage_type`, `BilledCost` is
/// `billed_cost`.
fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len() + 8);
    let mut before = '_';
    for letter in name.trim().chars() {
        if letter.is_ascii_uppercase() {
            if before.is_ascii_lowercase() || before.is_ascii_digit() {
                normal.push('_');
            }
            normal.push(letter.to_ascii_lowercase());
        } else if letter.is_ascii_alphanumeric() {
            normal.push(letter);
        } else {
            normal.push('_');
        }
        before = letter;
    }
    normal
}

/// The usage type of a line that is not understood, for a message.
pub(super) fn unknown(usage_type: &str) -> String {
    if usage_type.is_empty() {
        "none".to_owned()
    } else {
        short(usage_type)
    }
}

/// Text of a file, short and on one line, for a message.
pub(super) fn short(text: &str) -> String {
    const SHOWN: usize = 60;
    text.chars()
        .take(SHOWN)
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_the_order_of_their_numbers() {
        for (index, (column, names)) in NAMES.iter().enumerate() {
            assert_eq!(*column as usize, index);
            for name in *names {
                assert_eq!(normal(name), *name);
            }
        }
    }

    #[test]
    fn every_spelling_is_the_same_column() {
        for (name, expect) in [
            ("lineItem/UnblendedCost", "line_item_unblended_cost"),
            ("line_item_unblended_cost", "line_item_unblended_cost"),
            ("product/regionCode", "product_region_code"),
            ("SubAccountId", "sub_account_id"),
            ("x_UsageType", "x_usage_type"),
            ("lineItem/LineItemType", "line_item_line_item_type"),
            (" BilledCost ", "billed_cost"),
        ] {
            assert_eq!(normal(name), expect);
        }
    }

    #[test]
    fn times_are_read_in_the_forms_of_exports() {
        for text in [
            "2026-10-01T00:00:00Z",
            "2026-10-01T00:00:00.000Z",
            "2026-10-01 00:00:00",
            "2026-10-01 00:00:00.000",
            "2026-10-01 00:00:00 UTC",
            "2026-10-01",
            "2026-10-01T02:00:00+02:00",
            "2026/10/01 00:00:00",
        ] {
            assert_eq!(
                moment(text).unwrap().to_string(),
                "2026-10-01T00:00:00Z",
                "{text}"
            );
        }
        for text in ["", "October", "2026-13-01", "01/10/2026"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn an_account_gets_its_leading_zeros_back() {
        let read = |text| account(Some(text)).map(|account| account.unwrap().to_string());
        assert_eq!(read("12345678901").unwrap(), "012345678901");
        assert_eq!(read("012345678901").unwrap(), "012345678901");
        assert!(read("1.23E+10").is_err());
        assert_eq!(account(None), Ok(None));
    }
}
