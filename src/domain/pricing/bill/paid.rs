//! Unit prices that were paid, by a bill: what was charged for the used amount, less discounts.
//!
//! Credits, refunds and taxes are no part of a price and stay apart. A price is an average over the bill, so amounts that were
//! free, such as the first 20,000 KMS requests of a month, lower it. Prices are kept by account and Region as far as the bill
//! tells those apart. Where it has no used amount of a part, or charges nothing for it, the list price is used, and that is
//! said; an account that the bill does not name pays what the others in its Region pay.

use std::collections::{BTreeMap, BTreeSet};

use super::usage_type::CostPart;
use super::{Amount, Bill, BillKey, Billed};
use crate::domain::base::money::{Money, Price, PriceList, PriceRow, counted};
use crate::domain::base::names::{AccountId, Region};

/// Prices by a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidPrices {
    /// The prices, first those of Regions, then those of accounts in them.
    pub rows: Vec<PriceRow>,
    /// Each price beside the list price, and what the bill does not have, as sentences.
    pub notes: Vec<String>,
}

/// The scope in which a price holds: a Region, and one account in it or all.
type PriceScope = (Option<AccountId>, Region);

/// A price with what of it is that of the list, because the bill does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct UnitPrice {
    usd: Money,
    list: Option<Money>,
    is_paid: bool,
}

/// Reads the prices of a bill.
///
/// # Errors
/// A sentence, if the bill is in another currency than US dollars, or has no used amount beside its charges.
pub fn paid_prices(bill: &Bill, list: &PriceList) -> Result<PaidPrices, String> {
    let foreign = bill
        .currencies
        .iter()
        .find(|name| !matches!(name.as_str(), "" | "USD"));
    if let Some(currency) = foreign {
        return Err(format!(
            "the bill is in {currency}, and the estimate in USD: write the prices to a file and use `--prices FILE`"
        ));
    }
    let mut scopes: BTreeMap<PriceScope, BTreeMap<CostPart, Billed>> = BTreeMap::new();
    for (key, billed) in &bill.by_key {
        let BillKey {
            account,
            region: Some(region),
            part: part @ (CostPart::Storage | CostPart::Api | CostPart::Kms),
        } = key
        else {
            continue;
        };
        for account in BTreeSet::from([None, account.clone()]) {
            let parts = scopes.entry((account, region.clone())).or_default();
            *parts.entry(*part).or_default() += *billed;
        }
    }
    let mut rows = Vec::new();
    let mut same: BTreeMap<[UnitPrice; 3], Vec<String>> = BTreeMap::new();
    let mut is_any_paid = false;
    for ((account, region), parts) in &scopes {
        let of_region = &scopes[&(None, region.clone())];
        let listed = listed(list, account.as_ref(), region);
        let unit = |part: CostPart, per: i128, list: fn(&Price) -> Money| {
            let own = [parts, of_region]
                .into_iter()
                .find_map(|parts| price(parts.get(&part)?, per));
            let list = listed.map(list);
            own.or(list).map(|usd| UnitPrice {
                usd,
                list,
                is_paid: own.is_some(),
            })
        };
        let units = [
            unit(CostPart::Storage, 1, |price| price.secret_month),
            unit(CostPart::Api, 10_000, |price| price.api_10k),
            unit(CostPart::Kms, 10_000, |price| price.kms_10k),
        ];
        let [Some(secret), Some(api), Some(kms)] = units else {
            // No list price of the partition stands in for what the bill does not have.
            continue;
        };
        is_any_paid |= [secret, api, kms].iter().any(|unit| unit.is_paid);
        rows.push(PriceRow {
            partition: region.partition().to_owned(),
            region: Some(region.clone()),
            account: account.clone(),
            price: Price {
                secret_month: secret.usd,
                api_10k: api.usd,
                kms_10k: kms.usd,
            },
        });
        let scope_name = match account {
            Some(account) => format!("{region} of account {account}"),
            None => region.to_string(),
        };
        same.entry([secret, api, kms]).or_default().push(scope_name);
    }
    if !is_any_paid {
        return Err(
            "no line of the bill in the window has a used amount with a Region beside its charge, so no price follows from \
             it: use a Cost and Usage Report or a FOCUS export of the month, and scan with `--month`"
                .to_owned(),
        );
    }
    Ok(PaidPrices {
        rows,
        notes: same
            .iter()
            .map(|(units, scope_names)| note(units, scope_names))
            .collect(),
    })
}

/// The list price of an account and Region; of an account that the list does not name, that of the Region.
fn listed<'a>(
    list: &'a PriceList,
    account: Option<&AccountId>,
    region: &Region,
) -> Option<&'a Price> {
    let partition = region.partition();
    if let Some(account) = account {
        return list.find(partition, region, account);
    }
    let fits = |row: &&PriceRow| {
        row.partition == partition
            && row.account.is_none()
            && row.region.as_ref().is_none_or(|only| only == region)
    };
    let rows = list.rows.iter().filter(fits);
    rows.max_by_key(|row| row.region.is_some())
        .map(|row| &row.price)
}

/// Returns what so many units cost, rounded half up to a micro-dollar; `None`: nothing was used, or nothing charged.
fn price(billed: &Billed, per: i128) -> Option<Money> {
    let mut net = billed.usage;
    net += billed.discounts;
    if net <= Amount::default() || billed.quantity <= Amount::default() {
        return None;
    }
    let micros = net.0.checked_mul(per * 1_000_000)?;
    let half = billed.quantity.0 / 2;
    let price = i64::try_from((micros + half) / billed.quantity.0).ok()?;
    (price > 0).then_some(Money(price))
}

/// One price in words, with the accounts and Regions where it holds.
fn note(units: &[UnitPrice; 3], scope_names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = scope_names[..scope_names.len().min(SHOWN)].join(", ");
    let more = match scope_names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {}", counted(more as u64, "more place", "more places")),
    };
    let words = |unit: &UnitPrice, what: &str, lines: &str| {
        let list = unit
            .list
            .map_or_else(|| "unknown".to_owned(), |usd| format!("${usd}"));
        if unit.is_paid {
            format!("${} {what} (list: {list})", unit.usd)
        } else {
            format!("{list} {what} (list price: the bill charges nothing for {lines})")
        }
    };
    let [secret, api, kms] = units;
    format!(
        "Paid in {shown}{more}, by the bill: {}; {}; {}.",
        words(secret, "a secret and month", "storage"),
        words(api, "per 10,000 calls", "calls"),
        words(kms, "per 10,000 KMS requests", "KMS requests")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture;
    use crate::domain::pricing::bill::{BillLine, BillLineKind};

    fn line(
        account: &str,
        part: CostPart,
        kind: BillLineKind,
        usd: &str,
        quantity: &str,
    ) -> BillLine {
        BillLine {
            account: AccountId::new(account).ok(),
            region: Region::new("us-east-1").ok(),
            part,
            kind,
            cost: Amount::parse(usd).unwrap(),
            quantity: Amount::parse(quantity),
            currency: "USD".to_owned(),
            secret: None,
            span: None,
            estimated: false,
            usage_type: None,
        }
    }

    fn bill(lines: &[BillLine]) -> Bill {
        let mut bill = Bill::new(fixture::report(0).window);
        for line in lines {
            bill.add(line.clone());
        }
        bill
    }

    #[test]
    fn discounts_are_in_a_price_and_credits_are_not() {
        let usage = BillLineKind::Usage;
        let bill = bill(&[
            line("111122223333", CostPart::Storage, usage, "20", "50"),
            line(
                "111122223333",
                CostPart::Storage,
                BillLineKind::Discount,
                "-2",
                "",
            ),
            line(
                "111122223333",
                CostPart::Storage,
                BillLineKind::Adjustment,
                "-5",
                "",
            ),
            line("111122223333", CostPart::Api, usage, "1", "250000"),
            line("444455556666", CostPart::Api, usage, "0", "10"),
        ]);
        let found = paid_prices(&bill, &PriceList::built_in()).unwrap();
        let list = PriceList {
            rows: found.rows,
            source: String::new(),
        };
        let region = Region::new("us-east-1").unwrap();
        for account in ["111122223333", "444455556666", "777788889999"] {
            let price = list
                .find("aws", &region, &AccountId::new(account).unwrap())
                .unwrap();
            assert_eq!(price.secret_month, Money(360_000), "{account}");
            let api = if account.starts_with('1') {
                40_000
            } else {
                39_998
            };
            assert_eq!(price.api_10k, Money(api), "{account}");
            assert_eq!(price.kms_10k, Money(30_000), "{account}");
        }
        let said = found.notes.join("\n");
        assert!(
            said.contains("$0.360000 a secret and month (list: $0.400000)"),
            "{said}"
        );
        assert!(
            said.contains("the bill charges nothing for KMS requests"),
            "{said}"
        );
    }

    #[test]
    fn without_used_amounts_or_in_another_currency_there_is_no_price() {
        let mut other = line(
            "111122223333",
            CostPart::Storage,
            BillLineKind::Usage,
            "20",
            "",
        );
        let list = PriceList::built_in();
        let said = paid_prices(&bill(std::slice::from_ref(&other)), &list).unwrap_err();
        assert!(said.contains("no price follows"), "{said}");
        "EUR".clone_into(&mut other.currency);
        let said = paid_prices(&bill(&[other]), &list).unwrap_err();
        assert!(said.contains("EUR"), "{said}");
    }
}
