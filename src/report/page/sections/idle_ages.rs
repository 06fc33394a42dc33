//! The section of secrets by the time since their last use.

use serde::Serialize;

use crate::domain::base::money::thousands;
use crate::domain::report::result::{Report, SecretRow};
use crate::domain::report::sums;
use crate::domain::report::verdict::Verdict;
use crate::report::format::money_or_unknown;
use crate::report::format::percent;
use crate::report::text::phrases::number;

/// Secrets by the days since their last use.
#[derive(Serialize)]
pub(crate) struct Idle {
    rows: Vec<Age>,
    limit: u32,
}

#[derive(Default, Serialize)]
struct Age {
    label: &'static str,
    #[serde(serialize_with = "with_separators")]
    secrets: u64,
    #[serde(serialize_with = "with_separators")]
    delete: u64,
    #[serde(serialize_with = "with_separators")]
    review: u64,
    #[serde(serialize_with = "with_separators")]
    keep: u64,
    cost: String,
    alt: String,
    delete_width: String,
    review_x: String,
    review_width: String,
    keep_x: String,
    keep_width: String,
}

/// Ages in days: from the first, up to and without the second.
const AGES: &[(&str, u32, u32)] = &[
    ("under 30 days", 0, 30),
    ("30 to 89 days", 30, 90),
    ("90 to 179 days", 90, 180),
    ("180 to 364 days", 180, 365),
    ("1 to 2 years", 365, 731),
    ("over 2 years", 731, u32::MAX),
];

/// All secrets that are not pending deletion, by the days since their last use.
pub(crate) fn idle(report: &Report) -> Idle {
    let live = || report.secrets.iter().filter(|row| row.deleted.is_none());
    let mut rows: Vec<Age> = AGES
        .iter()
        .map(|&(label, from, to)| {
            age(
                label,
                live().filter(|row| row.idle_days.is_some_and(|days| days >= from && days < to)),
            )
        })
        .collect();
    let unknown = age("no use seen", live().filter(|row| row.idle_days.is_none()));
    if unknown.secrets > 0 {
        rows.push(unknown);
    }
    let most =
        i64::try_from(rows.iter().map(|row| row.secrets).max().unwrap_or(0)).unwrap_or(i64::MAX);
    for row in &mut rows {
        let width = |count: u64| percent(i64::try_from(count).unwrap_or(i64::MAX), most);
        row.delete_width = width(row.delete);
        row.review_x = width(row.delete);
        row.review_width = width(row.review);
        row.keep_x = width(row.delete + row.review);
        row.keep_width = width(row.keep);
    }
    Idle {
        rows,
        limit: report.policy.idle_days,
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn with_separators<S: serde::Serializer>(count: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&thousands(*count))
}

fn age<'a>(label: &'static str, rows: impl Iterator<Item = &'a SecretRow> + Clone) -> Age {
    let mut age = Age {
        label,
        ..Age::default()
    };
    age.cost = money_or_unknown(sums::sum(rows.clone().map(|row| row.cost.total_usd)));
    for row in rows {
        age.secrets += 1;
        match row.verdict {
            Verdict::Delete => age.delete += 1,
            Verdict::Review => age.review += 1,
            Verdict::Keep => age.keep += 1,
        }
    }
    age.alt = format!(
        "{label}: {}, {} to delete, {} to review, {} to keep",
        number(age.secrets, "secret"),
        age.delete,
        age.review,
        age.keep
    );
    age
}
