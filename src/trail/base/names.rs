//! Names as AWS gives them: accounts, Regions and secret ARNs, checked once and for all.
//!
//! Which secret of the inventory an event means is [`Index`]'s business.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

mod resolve;

pub use resolve::{Index, NameMeaning, Resolution};

/// The name of Secrets Manager in events: where they come from, and on whose behalf AWS calls.
pub const SECRETS_MANAGER: &str = "secretsmanager.amazonaws.com";

/// The name of KMS in events. It logs uses of a key for a secret, and names the secret in the encryption context.
pub const KMS: &str = "kms.amazonaws.com";

/// A fault in a name.
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

    /// The partition that it belongs to, by its name (AWS's endpoint data).
    pub fn partition(&self) -> &'static str {
        let region = self.as_str();
        match region.split('-').next() {
            Some("cn") => "aws-cn",
            _ if region.starts_with("us-gov-") => "aws-us-gov",
            _ if region.starts_with("us-iso") || region.starts_with("eu-iso") => "aws-iso",
            Some("eusc") => "aws-eusc",
            _ => "aws",
        }
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

/// The number of characters that AWS appends to a name to make an ARN: a hyphen and six of `[A-Za-z0-9]`.
const SUFFIX: usize = 7;

/// The full ARN of a secret: `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>-<6 characters>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretArn {
    /// The whole ARN. Shared by all copies: a scan keeps each ARN many times.
    text: Arc<str>,
    scope: Scope,
    /// The offset at which the resource begins: name, hyphen, six characters.
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

/// The ARN of a secret without what ECS writes behind it in a task definition: `<ARN>:json-key:version-stage:version-id`
/// (Amazon ECS Developer Guide, "Pass Secrets Manager secrets through environment variables"). A secret's own ARN has
/// seven parts. Other text stays as it is.
pub fn without_json_key(text: &str) -> &str {
    let is_arn = text.starts_with("arn:");
    let mut colons = text.match_indices(':').map(|(offset, _)| offset);
    match colons.nth(6).filter(|_| is_arn) {
        Some(end) => &text[..end],
        None => text,
    }
}

/// The scope that the ARN of a secret names itself, and the name in it, with or without the suffix; `None` for text that
/// is no such ARN.
pub fn split_arn(text: &str) -> Option<(Scope, &str)> {
    let parts = ArnParts::split(without_json_key(text))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn scope() -> Scope {
        Scope {
            account: AccountId::new("111122223333").unwrap(),
            region: Region::new("us-east-1").unwrap(),
        }
    }

    pub(super) fn arn(resource: &str) -> SecretArn {
        SecretArn::new(&full(resource)).unwrap()
    }

    pub(super) fn full(resource: &str) -> String {
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
}
