//! What an event calls a secret, and which secret of the inventory that is.
//!
//! An event names a secret by its full ARN, by a partial ARN (without the six random characters) or by its name
//! (AWS API reference, `SecretId`). Matching these wrongly would delete the wrong secret, so the matching has one home:
//! [`Index`]. It never guesses: what could be two secrets is [`Resolution::Ambiguous`], and a name that was used before
//! its present secret was created is [`Resolution::Former`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::FixedState;

use super::{AccountId, ArnParts, Region, Scope, SecretArn, split_suffix, without_json_key};

/// The answer to the question which secret of the inventory an event meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// This one, by its position in the inventory.
    One(usize),
    /// A predecessor: the name was used before its present secret was created, or the ARN's suffix is another one.
    Former,
    /// Any of these: nobody's, and counted.
    Ambiguous(Vec<usize>),
    /// Nothing in the inventory.
    Unknown,
}

/// The position of a secret in the inventory, and the moment at which the secret came into being.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    position: usize,
    /// Seconds since 1970, rounded down: `eventTime` has no fractions. `None` if the inventory does not say.
    created: Option<i64>,
}

/// The inventory by ARN and by name, to resolve what events call secrets.
#[derive(Debug, Default)]
pub struct Index<'a> {
    arns: HashMap<&'a str, usize, FixedState>,
    /// The first secret of each name; nearly always the only one.
    names: HashMap<(&'a Scope, &'a str), Named, FixedState>,
    /// The others, in the order of their positions.
    namesakes: HashMap<(&'a Scope, &'a str), Vec<Named>, FixedState>,
}

impl<'a> Index<'a> {
    /// Indexes ARNs with their creation times (seconds since 1970), in the order of the inventory.
    pub fn new(secrets: impl IntoIterator<Item = (&'a SecretArn, Option<i64>)>) -> Self {
        let mut index = Self::default();
        for (position, (arn, created)) in secrets.into_iter().enumerate() {
            index.arns.insert(arn.as_str(), position);
            let key = (arn.scope(), arn.name());
            let named = Named { position, created };
            match index.names.entry(key) {
                Entry::Vacant(free) => {
                    free.insert(named);
                }
                Entry::Occupied(_) => index.namesakes.entry(key).or_default().push(named),
            }
        }
        index
    }

    /// The secrets of a name, by position.
    fn named(&self, scope: &Scope, name: &str) -> Vec<Named> {
        let key = (scope, name);
        let others = self.namesakes.get(&key).into_iter().flatten();
        self.names
            .get(&key)
            .into_iter()
            .chain(others)
            .copied()
            .collect()
    }

    /// Finds the secret that a call at `time` (seconds since 1970) in `scope` meant by `target`.
    pub fn resolve(&self, target: &str, scope: Option<&Scope>, time: i64) -> Resolution {
        self.meaning(target, scope).at(time)
    }

    /// Returns what calls in `scope` mean by `target`, whenever they are made.
    ///
    /// The order is: exact ARN, then exact name, then a partial ARN (API reference, `GetSecretValue`, `SecretId`).
    /// A name is looked up in the scope of the event, an ARN in the scope it names itself.
    pub fn meaning(&self, target: &str, scope: Option<&Scope>) -> NameMeaning {
        let target = without_json_key(target);
        if let Some(&position) = self.arns.get(target) {
            return NameMeaning::Always(Resolution::One(position));
        }
        let Some(parts) = ArnParts::split(target) else {
            return match scope {
                Some(scope) if !target.starts_with("arn:") => NameMeaning::ByTime {
                    named: self.named(scope, target),
                    predecessors: None,
                },
                _ => NameMeaning::Always(Resolution::Unknown),
            };
        };
        let (Ok(account), Ok(region)) = (AccountId::new(parts.account), Region::new(parts.region))
        else {
            return NameMeaning::Always(Resolution::Unknown);
        };
        let scope = Scope { account, region };
        // IAM writes `-??????` for the suffix of a secret that it could not look up.
        let rest = parts.rest.strip_suffix("-??????").unwrap_or(parts.rest);
        NameMeaning::ByTime {
            named: self.named(&scope, rest),
            predecessors: split_suffix(rest).map(|(name, _)| self.named(&scope, name)),
        }
    }
}

/// The meaning of a name or an ARN. It may depend on when the name or the ARN is used.
#[derive(Clone, Debug)]
pub enum NameMeaning {
    /// The same at any time.
    Always(Resolution),
    /// One of the secrets of this name, or none.
    ByTime {
        /// The secrets that are called so.
        named: Vec<Named>,
        /// The secrets that are called so without the ending, if the text ends like an ARN's suffix.
        predecessors: Option<Vec<Named>>,
    },
}

impl NameMeaning {
    /// Finds the secret that is meant at `time` (seconds since 1970).
    pub fn at(&self, time: i64) -> Resolution {
        let (named, predecessors) = match self {
            Self::Always(resolution) => return resolution.clone(),
            Self::ByTime {
                named,
                predecessors,
            } => (named, predecessors),
        };
        let as_name = by_name(named, time);
        let as_former = predecessors.as_ref().map(|named| former(named, time));
        match (as_name, as_former) {
            (Resolution::One(position), Some(Former::Possible(older))) => {
                Resolution::Ambiguous(vec![position.min(older), position.max(older)])
            }
            (Resolution::Unknown, Some(Former::Possible(_) | Former::No)) => Resolution::Former,
            (found, _) => found,
        }
    }
}

fn by_name(named: &[Named], time: i64) -> Resolution {
    match named {
        [] => return Resolution::Unknown,
        [only] => {
            return match only.created {
                Some(created) if time < created => Resolution::Former,
                _ => Resolution::One(only.position),
            };
        }
        _ => {}
    }
    // Names are unique at any one time, so of several the youngest that was there already is meant.
    if named.iter().any(|one| one.created.is_none()) {
        return Resolution::Ambiguous(named.iter().map(|one| one.position).collect());
    }
    named
        .iter()
        .filter(|one| one.created.is_some_and(|created| created <= time))
        .max_by_key(|one| one.created)
        .map_or(Resolution::Former, |one| Resolution::One(one.position))
}

/// Returns whether text that ends like an ARN's suffix may be the ARN of a predecessor of the secrets of its name.
fn former(named: &[Named], time: i64) -> Former {
    if named.is_empty() {
        return Former::Unknown;
    }
    match named
        .iter()
        .find(|one| one.created.is_none_or(|created| time < created))
    {
        Some(one) => Former::Possible(one.position),
        None => Former::No,
    }
}

/// The possibility that a predecessor is meant.
enum Former {
    /// No secret of that name is known.
    Unknown,
    /// A secret of that name stands here, and it was created after the event.
    Possible(usize),
    /// The present secret of that name was there already, so no predecessor was.
    No,
}

#[cfg(test)]
mod tests {
    use super::super::tests::{arn, full, scope};
    use super::*;

    /// `db` (created at 100), `db-abc123` (created at 50), `old` (creation unknown).
    fn arns() -> [SecretArn; 3] {
        [arn("db-NEW111"), arn("db-abc123-QQQQQQ"), arn("old-OOOOOO")]
    }

    fn index(arns: &[SecretArn; 3]) -> Index<'_> {
        Index::new(arns.iter().zip([Some(100), Some(50), None]))
    }

    #[test]
    fn events_resolve_by_arn_then_name_then_partial_arn() {
        use Resolution::{Ambiguous, Former, One, Unknown};
        let arns = arns();
        let index = index(&arns);
        let cases = [
            (
                full("db-NEW111"),
                1,
                One(0),
                "an exact ARN, whatever the time",
            ),
            (
                "db".to_owned(),
                100,
                One(0),
                "a name, in the second of its creation",
            ),
            (
                "db".to_owned(),
                99,
                Former,
                "a name, before its secret was created",
            ),
            (full("db"), 150, One(0), "a partial ARN"),
            (full("db"), 99, Former, "a partial ARN, before creation"),
            (
                "db-abc123".to_owned(),
                60,
                One(1),
                "a name that ends like a suffix",
            ),
            (
                full("db-abc123"),
                150,
                One(1),
                "a partial ARN that ends like a suffix; db was there",
            ),
            (
                full("db-abc123"),
                60,
                Ambiguous(vec![0, 1]),
                "or the predecessor of db",
            ),
            (full("db-OLD000"), 60, Former, "the ARN of a predecessor"),
            (
                format!("{}:password::", full("db-NEW111")),
                150,
                One(0),
                "as ECS writes it, with a key of the JSON",
            ),
            (
                full("db-??????"),
                150,
                One(0),
                "as IAM writes an unknown suffix",
            ),
            (
                "old".to_owned(),
                1,
                One(2),
                "creation unknown: nothing speaks against it",
            ),
            ("nothing".to_owned(), 1, Unknown, "a name that is not there"),
            (
                full("nothing-AbC123"),
                1,
                Unknown,
                "an ARN that is not there",
            ),
            ("DB".to_owned(), 150, Unknown, "names are case-sensitive"),
            (
                "arn:aws:kms:us-east-1:111122223333:key/1".to_owned(),
                1,
                Unknown,
                "another service",
            ),
            ("arn:".to_owned(), 1, Unknown, "not an ARN at all"),
        ];
        for (target, time, expect, why) in cases {
            assert_eq!(
                index.resolve(&target, Some(&scope()), time),
                expect,
                "{target}: {why}"
            );
        }
    }

    #[test]
    fn a_name_is_looked_up_in_the_scope_of_the_event_only() {
        let arns = arns();
        let index = index(&arns);
        let elsewhere = Scope {
            account: AccountId::new("111122223333").unwrap(),
            region: Region::new("eu-west-1").unwrap(),
        };
        assert_eq!(
            index.resolve("db", Some(&elsewhere), 150),
            Resolution::Unknown
        );
        assert_eq!(index.resolve("db", None, 150), Resolution::Unknown);
        assert_eq!(
            index.resolve(&full("db"), Some(&elsewhere), 150),
            Resolution::One(0)
        );
    }

    #[test]
    fn of_two_secrets_with_one_name_the_youngest_already_there_is_meant() {
        let arns = [arn("db-OLD000"), arn("db-NEW111")];
        let index = Index::new(arns.iter().zip([Some(10), Some(100)]));
        assert_eq!(index.resolve("db", Some(&scope()), 50), Resolution::One(0));
        assert_eq!(index.resolve("db", Some(&scope()), 150), Resolution::One(1));
        assert_eq!(index.resolve("db", Some(&scope()), 5), Resolution::Former);
        let index = Index::new(arns.iter().zip([Some(10), None]));
        assert_eq!(
            index.resolve("db", Some(&scope()), 50),
            Resolution::Ambiguous(vec![0, 1])
        );
    }
}
