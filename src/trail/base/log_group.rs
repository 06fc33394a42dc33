//! The address of a log group of CloudWatch Logs, as `logs://GROUP` or `logs://ACCOUNT:REGION:GROUP`.

use std::fmt;
use std::str::FromStr;

use super::names::{AccountId, Region};

/// A log group, and how much of it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// The account that it belongs to, and its Region; `None`: the caller's account, in the Region of the settings.
    pub scope: Option<(AccountId, Region)>,
    /// Its name.
    pub name: String,
    /// The records that are wanted.
    pub part: LogGroupPart,
}

/// The records of a log group that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogGroupPart {
    /// Those of Secrets Manager, and the uses of keys for secrets. They show who reads, never who does not.
    OurServices,
    /// All of them (`?all`), which show the time that the trail covers, too.
    Everything,
}

/// Text that is no address of a log group.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a log group such as `logs://GROUP` or `logs://111122223333:us-east-1:GROUP`, with `?all` behind it to \
     read records of every service"
)]
pub struct LogGroupError(String);

impl FromStr for LogGroup {
    type Err = LogGroupError;

    fn from_str(text: &str) -> Result<Self, LogGroupError> {
        let wrong = || LogGroupError(text.to_owned());
        let address = text.strip_prefix("logs://").ok_or_else(wrong)?;
        let (address, part) = match address.strip_suffix("?all") {
            Some(address) => (address, LogGroupPart::Everything),
            None => (address, LogGroupPart::OurServices),
        };
        let (scope, name) = match address.split(':').collect::<Vec<_>>().as_slice() {
            [name] => (None, *name),
            [account, region, name] => {
                let account = AccountId::new(account).map_err(|_| wrong())?;
                let region = Region::new(region).map_err(|_| wrong())?;
                (Some((account, region)), *name)
            }
            _ => return Err(wrong()),
        };
        // CloudWatch Logs API reference, `logGroupName`.
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte);
        if name.is_empty() || name.len() > 512 || !name.bytes().all(fits) {
            return Err(wrong());
        }
        Ok(Self {
            scope,
            name: name.to_owned(),
            part,
        })
    }
}

impl fmt::Display for LogGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "logs://")?;
        if let Some((account, region)) = &self.scope {
            write!(f, "{account}:{region}:")?;
        }
        write!(f, "{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_alone_or_with_its_scope() {
        let read = |text: &str| text.parse::<LogGroup>();
        let alone = read("logs://CloudTrail/logs").unwrap();
        assert_eq!((alone.scope, alone.part), (None, LogGroupPart::OurServices));
        let scoped = read("logs://111122223333:eu-west-1:trail?all").unwrap();
        assert_eq!(scoped.part, LogGroupPart::Everything);
        assert_eq!(scoped.to_string(), "logs://111122223333:eu-west-1:trail");
        for text in [
            "logs://",
            "trail",
            "logs://a b",
            "logs://1:eu-west-1:trail",
            "logs://eu-west-1:trail",
            "logs://trail?some",
            "arn:aws:logs:eu-west-1:111122223333:log-group:trail",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
