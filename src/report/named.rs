//! A secret by what somebody types: an ARN, a name, or a part of a name that only one secret has.

use crate::domain::base::nearest::nearest;
use crate::domain::report::result::{Report, SecretRow};

/// The secrets that a name means.
#[derive(Debug)]
pub enum Match<'a> {
    /// One secret, or one with its replicas.
    One(&'a SecretRow),
    /// Several secrets.
    Several(Vec<&'a SecretRow>),
    /// None; perhaps this name was meant.
    None(Option<&'a str>),
}

/// Finds the secret that is meant. A whole ARN or name comes before a part of one, and a primary before its replicas.
pub fn named<'a>(report: &'a Report, typed: &str) -> Match<'a> {
    let fitting = |fits: &dyn Fn(&SecretRow) -> bool| -> Vec<&'a SecretRow> {
        report.secrets.iter().filter(|row| fits(row)).collect()
    };
    let tries: [&dyn Fn(&SecretRow) -> bool; 3] = [
        &|row| row.arn.as_str() == typed,
        &|row| row.name == typed,
        &|row| row.name.contains(typed) || row.arn.as_str().contains(typed),
    ];
    for fits in tries {
        let found = fitting(fits);
        let primaries: Vec<_> = found
            .iter()
            .filter(|row| {
                let primary = row.replica_of.as_deref();
                !found.iter().any(|other| Some(&other.arn) == primary)
            })
            .copied()
            .collect();
        match primaries.as_slice() {
            [] => (),
            [one] => return Match::One(one),
            _ => return Match::Several(primaries),
        }
    }
    Match::None(nearest(
        typed,
        report.secrets.iter().map(|row| row.name.as_str()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn name(typed: &str) -> String {
        match named(&sample::report(), typed) {
            Match::One(row) => row.name.clone(),
            Match::Several(rows) => format!("{} secrets", rows.len()),
            Match::None(nearest) => format!("none, {}", nearest.unwrap_or("nothing like it")),
        }
    }

    #[test]
    fn a_name_may_be_shortened_as_long_as_only_one_secret_has_it() {
        assert_eq!(name("payments/api-key"), "payments/api-key");
        assert_eq!(name("never"), "legacy/never");
        assert_eq!(name("legacy/"), "2 secrets");
        assert_eq!(name("payment/api-kye"), "none, payments/api-key");
        assert_eq!(name("zzzzzzz"), "none, nothing like it");
    }

    #[test]
    fn a_primary_stands_for_its_replicas() {
        assert_eq!(name("legacy/db"), "legacy/db");
    }
}
