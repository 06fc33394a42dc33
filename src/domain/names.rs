//! Names as AWS gives them: accounts, Regions, secret ARNs, and what an event may call a secret.
//!
//! An event names a secret by its full ARN, by a partial ARN (without the six random characters) or by its name
//! (AWS API reference, `SecretId`). Matching these wrongly would delete the wrong secret, so the matching has one home:
//! [`Index`]. It never guesses: what could be two secrets is [`Resolution::Ambiguous`], and a name that was used before
//! its present secret was created is [`Resolution::Former`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What is wrong with a name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// An account id is twelve digits.
    #[error("`{0}` is not an AWS account id: twelve digits are expected")]
    Account(String),
    /// A Region is lower-case letters, digits and hyphens.
    #[error("`{0}` is not an AWS Region")]
    Region(String),
    /// Not `arn:partition:secretsmanager:region:account:secret:name-suffix`.
    #[error("`{0}` is not the ARN of a secret")]
    Arn(String),
}

/// A twelve-digit AWS account id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// Checks that the text is twelve digits.
    ///
    /// # Errors
    /// [`NameError::Account`] for anything else.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Account(text.to_owned());
        let digits: [u8; 12] = text.as_bytes().try_into().map_err(|_| wrong())?;
        if digits.iter().all(u8::is_ascii_digit) {
            Ok(Self(digits))
        } else {
            Err(wrong())
        }
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        // Twelve ASCII digits are always text.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl TryFrom<String> for AccountId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<AccountId> for String {
    fn from(account: AccountId) -> Self {
        account.as_str().to_owned()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for AccountId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// An AWS Region code such as `eu-central-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(Arc<str>);

impl Region {
    /// Checks the alphabet: lower-case letters, digits and hyphens, with at least one hyphen.
    ///
    /// # Errors
    /// [`NameError::Region`] for anything else.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.len() <= 64 && text.contains('-') && text.bytes().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Region(text.to_owned()))
        }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Region {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        (*region.0).to_owned()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Region {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// One account in one Region: the unit of inventory, of trail coverage and of name resolution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.account, self.region)
    }
}

/// How many characters AWS appends to a name to make an ARN: a hyphen and six of `[A-Za-z0-9]`.
const SUFFIX: usize = 7;

/// The full ARN of a secret: `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>-<6 characters>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretArn {
    /// The whole ARN. Shared by all copies: a scan keeps each ARN in many places.
    text: Arc<str>,
    scope: Scope,
    /// Where the resource begins: name, hyphen, six characters.
    resource: usize,
}

impl SecretArn {
    /// Reads a full ARN.
    ///
    /// # Errors
    /// [`NameError::Arn`] for text that is no ARN of a secret, or that lacks the suffix.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Arn(text.to_owned());
        let parts = ArnParts::split(text).ok_or_else(wrong)?;
        if split_suffix(parts.rest).is_none() {
            return Err(wrong());
        }
        let scope = Scope {
            account: AccountId::new(parts.account).map_err(|_| wrong())?,
            region: Region::new(parts.region).map_err(|_| wrong())?,
        };
        Ok(Self {
            resource: text.len() - parts.rest.len(),
            scope,
            text: text.into(),
        })
    }

    /// The ARN as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same ARN with its Region's text shared with `scope`, if that is where it stands: tens of thousands of secrets
    /// of one list then hold it once.
    #[must_use]
    pub fn sharing(mut self, scope: &Scope) -> Self {
        if self.scope == *scope {
            self.scope = scope.clone();
        }
        self
    }

    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub fn partition(&self) -> &str {
        let rest = &self.text["arn:".len()..];
        rest.split_once(':')
            .map_or(rest, |(partition, _)| partition)
    }

    /// The account and Region that the secret stands in.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The name with its suffix: equal in a primary and its replicas (AWS user guide, replicate-secrets).
    pub fn resource(&self) -> &str {
        &self.text[self.resource..]
    }

    /// The name without the suffix.
    pub fn name(&self) -> &str {
        let resource = self.resource();
        &resource[..resource.len() - SUFFIX]
    }

    /// The same secret in another Region, as its replica's ARN stands.
    ///
    /// # Errors
    /// [`NameError`] if the Region does not fit an ARN; a checked [`Region`] always does.
    pub fn in_region(&self, region: &Region) -> Result<Self, NameError> {
        Self::new(&format!(
            "arn:{}:secretsmanager:{region}:{}:secret:{}",
            self.partition(),
            self.scope.account,
            self.resource()
        ))
    }
}

impl TryFrom<String> for SecretArn {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<SecretArn> for String {
    fn from(arn: SecretArn) -> Self {
        (*arn.text).to_owned()
    }
}

impl fmt::Display for SecretArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for SecretArn {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// The parts of text that has the form of a secret's ARN, with or without the suffix.
struct ArnParts<'a> {
    region: &'a str,
    account: &'a str,
    rest: &'a str,
}

impl<'a> ArnParts<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(7, ':');
        let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account) = (parts.next()?, parts.next()?);
        let (kind, rest) = (parts.next()?, parts.next()?);
        let whole = arn == "arn" && service == "secretsmanager" && kind == "secret";
        (whole && !partition.is_empty() && !rest.is_empty()).then_some(Self {
            region,
            account,
            rest,
        })
    }
}

/// The scope that the ARN of a secret names itself, and the name in it, with or without the suffix; `None` for text that
/// is no such ARN.
pub fn split_arn(text: &str) -> Option<(Scope, &str)> {
    let parts = ArnParts::split(text)?;
    let scope = Scope {
        account: AccountId::new(parts.account).ok()?,
        region: Region::new(parts.region).ok()?,
    };
    Some((scope, parts.rest))
}

/// Splits `name-AbC123` into the name and the six characters, if the end has that form.
pub fn split_suffix(resource: &str) -> Option<(&str, &str)> {
    let cut = resource.len().checked_sub(SUFFIX).filter(|&cut| cut > 0)?;
    let (name, suffix) = (resource.get(..cut)?, resource.get(cut..)?);
    let random = suffix.strip_prefix('-')?;
    random
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric())
        .then_some((name, random))
}

/// Which secret of the inventory an event meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// This one, by its place in the inventory.
    One(usize),
    /// A predecessor: the name was used before its present secret was created, or the ARN's suffix is another one.
    Former,
    /// Any of these: nobody's, and counted.
    Ambiguous(Vec<usize>),
    /// Nothing in the inventory.
    Unknown,
}

/// When the secret at some place of the inventory came into being.
#[derive(Clone, Copy, Debug)]
struct Named {
    place: usize,
    /// Seconds since 1970, rounded down: `eventTime` has no fractions. `None` if the inventory does not say.
    created: Option<i64>,
}

/// The inventory by ARN and by name, to resolve what events call secrets.
#[derive(Debug, Default)]
pub struct Index<'a> {
    arns: HashMap<&'a str, usize>,
    /// The first secret of each name; nearly always the only one.
    names: HashMap<(&'a Scope, &'a str), Named>,
    /// The others, in the order of their places.
    namesakes: HashMap<(&'a Scope, &'a str), Vec<Named>>,
}

impl<'a> Index<'a> {
    /// Indexes ARNs with their creation times (seconds since 1970), in the order of the inventory.
    pub fn new(secrets: impl IntoIterator<Item = (&'a SecretArn, Option<i64>)>) -> Self {
        let mut index = Self::default();
        for (place, (arn, created)) in secrets.into_iter().enumerate() {
            index.arns.insert(arn.as_str(), place);
            let key = (arn.scope(), arn.name());
            let named = Named { place, created };
            match index.names.entry(key) {
                Entry::Vacant(free) => {
                    free.insert(named);
                }
                Entry::Occupied(_) => index.namesakes.entry(key).or_default().push(named),
            }
        }
        index
    }

    /// The secrets of a name, by place.
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
    ///
    /// The order of AWS facts 3.15 and of the design's evidence rule 7: exact ARN, then exact name, then a partial ARN.
    /// A name is looked up in the scope of the event, an ARN in the scope it names itself.
    pub fn resolve(&self, target: &str, scope: Option<&Scope>, time: i64) -> Resolution {
        if let Some(&place) = self.arns.get(target) {
            return Resolution::One(place);
        }
        let Some(parts) = ArnParts::split(target) else {
            return match scope {
                Some(scope) if !target.starts_with("arn:") => self.by_name(scope, target, time),
                _ => Resolution::Unknown,
            };
        };
        let (Ok(account), Ok(region)) = (AccountId::new(parts.account), Region::new(parts.region))
        else {
            return Resolution::Unknown;
        };
        let scope = Scope { account, region };
        // IAM writes `-??????` for the suffix of a secret that it could not look up.
        let rest = parts.rest.strip_suffix("-??????").unwrap_or(parts.rest);
        let as_name = self.by_name(&scope, rest, time);
        let as_former = split_suffix(rest).map(|(name, _)| self.former(&scope, name, time));
        match (as_name, as_former) {
            (Resolution::One(place), Some(Former::Possible(older))) => {
                Resolution::Ambiguous(vec![place.min(older), place.max(older)])
            }
            (Resolution::Unknown, Some(Former::Possible(_) | Former::No)) => Resolution::Former,
            (found, _) => found,
        }
    }

    fn by_name(&self, scope: &Scope, name: &str, time: i64) -> Resolution {
        let named = self.named(scope, name);
        match named.as_slice() {
            [] => return Resolution::Unknown,
            [only] => {
                return match only.created {
                    Some(created) if time < created => Resolution::Former,
                    _ => Resolution::One(only.place),
                };
            }
            _ => {}
        }
        // Names are unique at any one time, so of several the youngest that was there already is meant.
        if named.iter().any(|one| one.created.is_none()) {
            return Resolution::Ambiguous(named.iter().map(|one| one.place).collect());
        }
        named
            .iter()
            .filter(|one| one.created.is_some_and(|created| created <= time))
            .max_by_key(|one| one.created)
            .map_or(Resolution::Former, |one| Resolution::One(one.place))
    }

    /// Whether text that ends like an ARN's suffix may be the ARN of a predecessor of the secret called `name`.
    fn former(&self, scope: &Scope, name: &str, time: i64) -> Former {
        let named = self.named(scope, name);
        if named.is_empty() {
            return Former::Unknown;
        }
        match named
            .iter()
            .find(|one| one.created.is_none_or(|created| time < created))
        {
            Some(one) => Former::Possible(one.place),
            None => Former::No,
        }
    }
}

/// Whether a predecessor can be meant.
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
    use super::*;

    fn scope() -> Scope {
        Scope {
            account: AccountId::new("111122223333").unwrap(),
            region: Region::new("us-east-1").unwrap(),
        }
    }

    fn arn(resource: &str) -> SecretArn {
        SecretArn::new(&full(resource)).unwrap()
    }

    fn full(resource: &str) -> String {
        format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{resource}")
    }

    #[test]
    fn an_arn_gives_its_parts_back() {
        let arn = arn("team/db-AbC123");
        assert_eq!(arn.name(), "team/db");
        assert_eq!(arn.resource(), "team/db-AbC123");
        assert_eq!(arn.partition(), "aws");
        assert_eq!(arn.scope(), &scope());
        let there = arn.in_region(&Region::new("eu-west-1").unwrap()).unwrap();
        assert_eq!(
            there.as_str(),
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:team/db-AbC123"
        );
    }

    #[test]
    fn what_is_no_arn_of_a_secret_is_refused() {
        for text in [
            "",
            "team/db",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:-AbC123",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:db",
            "arn:aws:secretsmanager:us-east-1:1111:secret:db-AbC123",
            "arn:aws:s3:us-east-1:111122223333:secret:db-AbC123",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:dbä-AbC12",
        ] {
            assert!(SecretArn::new(text).is_err(), "{text}");
        }
    }

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
