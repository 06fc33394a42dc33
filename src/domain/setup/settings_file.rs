//! `secretsweep.toml` as `init` writes it: what was found as settings, and why, as comments.
//!
//! Text that other people wrote (names of trails, prefixes of buckets) stands in quotes with everything escaped that is
//! no plain letter.

use std::fmt::Write as _;

use super::{CallSource, OrganizationSeen, SetupFacts};

/// The text of the file.
pub fn settings_file(found: &SetupFacts) -> String {
    let mut text = format!(
        "# Settings of secretsweep, written by `secretsweep init` on {} for account {}.\n\
         # `secretsweep scan` reads this file in the folder where it runs. Options of the command line win.\n\n\
         [scan]\n",
        found.day, found.account
    );
    if let Some(profile) = &found.profile {
        let _ = writeln!(text, "profile = {}", quoted(profile));
    }
    accounts(&mut text, found);
    regions(&mut text, found);
    calls(&mut text, found);
    text.push_str(
        "\n# What was read is stored here, so that the next scan reads only new log files.\n\
         cache = \".secretsweep-cache\"\n\
         \n# Where each scan goes. `{date}` is the day of the scan, `{month}` its month.\n\
         out = \"reports/{date}\"\n\
         \n# Also write these: markdown, slack, sarif, focus.\n\
         # format = [\"markdown\"]\n\
         \n# In CI: end with exit code 4 for these codes or severities, or above this saving per month in US dollars.\n\
         # fail_on = [\"high\"]\n\
         # fail_above = \"50\"\n\
         \n# What is never deleted. `secretsweep rules` lists all rules.\n\
         [protect]\n\
         names = []                       # such as \"break-glass/*\"\n\
         tags = []                        # such as \"keep=true\"\n\
         \n# The tags that name the owner of a secret; the first one that is set counts.\n\
         [owner]\n\
         tags = [\"owner\", \"team\"]\n",
    );
    text
}

fn accounts(text: &mut String, found: &SetupFacts) {
    match (&found.organization, &found.role) {
        (OrganizationSeen::Members(count), Some((role, external_id))) => {
            let _ = writeln!(
                text,
                "# All {count} open accounts of the organization. The role must exist in each account but this one.\n\
                 organization = true\n\
                 role_name = {}",
                quoted(role)
            );
            if let Some(id) = external_id {
                let _ = writeln!(text, "external_id = {}", quoted(id));
            }
        }
        (OrganizationSeen::Members(count), None) => {
            let _ = writeln!(
                text,
                "# This account alone. To scan all {count} accounts of the organization, name a role that exists in each:\n\
                 # organization = true\n\
                 # role_name = \"secretsweep\""
            );
        }
        (OrganizationSeen::None, _) => {
            text.push_str("# This account alone: it belongs to no organization.\n");
        }
        (OrganizationSeen::Hidden(_), _) => text.push_str(
            "# This account alone: it may not list the accounts of an organization. To scan others, name them and a role:\n\
             # accounts = [\"111122223333\"]\n\
             # role_name = \"secretsweep\"\n",
        ),
    }
}

fn regions(text: &mut String, found: &SetupFacts) {
    let names: Vec<String> = found
        .regions()
        .into_iter()
        .map(|region| quoted(region.as_str()))
        .collect();
    if names.is_empty() {
        let _ = writeln!(
            text,
            "\n# Every enabled Region is asked each time: none of the {} had a secret.\n\
             # regions = [\"us-east-1\"]",
            found.asked.len()
        );
        return;
    }
    let _ = writeln!(
        text,
        "\n# The Regions with secrets, of {} that were asked. Without this line a scan asks every enabled Region, which also\n\
         # finds the first secret of a new one.",
        found.asked.len()
    );
    if !found.unread.is_empty() {
        let unread: Vec<&str> = found
            .unread
            .iter()
            .map(crate::domain::base::names::Region::as_str)
            .collect();
        let _ = writeln!(
            text,
            "# {} could not be read and may have some.",
            unread.join(", ")
        );
    }
    let _ = writeln!(text, "regions = [{}]", names.join(", "));
}

fn calls(text: &mut String, found: &SetupFacts) {
    match &found.calls {
        CallSource::Trails(trails) => {
            text.push_str("\n# Who calls is read from the files of CloudTrail:\n");
            for trail in trails {
                let _ = writeln!(text, "#   {}", trail.arn.escape_default());
            }
            let locations: Vec<String> = trails
                .iter()
                .map(|trail| quoted(&trail.location()))
                .collect();
            let _ = writeln!(text, "trail = [{}]", locations.join(", "));
        }
        CallSource::History(why) => {
            let _ = writeln!(
                text,
                "\n# Who calls is read from CloudTrail's event history: {}. A trail in a bucket is read faster:\n\
                 # trail = [\"s3://BUCKET/PREFIX\"]\n\
                 lookup_budget = \"15m\"             # how long reading it may take",
                why.escape_default()
            );
        }
    }
}

/// A string of TOML. JSON's escapes are among those of TOML, which wants one more letter escaped.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::tests::trail;
    use super::super::{DescribedTrail, ScanEffort};
    use super::*;
    use crate::domain::base::names::{AccountId, Region};
    use crate::domain::policy::Policy;

    fn found() -> SetupFacts {
        let region = |name: &str| Region::new(name).unwrap();
        SetupFacts {
            partition: "aws".to_owned(),
            account: AccountId::new("111122223333").unwrap(),
            day: jiff::civil::date(2026, 11, 28),
            organization: OrganizationSeen::None,
            role: None,
            profile: None,
            accounts: 1,
            asked: BTreeSet::from([
                region("us-east-1"),
                region("eu-west-1"),
                region("us-west-2"),
            ]),
            secrets: BTreeMap::from([(region("us-east-1"), 3)]),
            unread: BTreeSet::new(),
            trails: Vec::new(),
            calls: CallSource::History("there is no trail".to_owned()),
            effort: ScanEffort::default(),
            gaps: Vec::new(),
        }
    }

    fn table(found: &SetupFacts) -> toml::Table {
        let text = settings_file(found);
        Policy::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let file: toml::Table = text.parse().unwrap();
        file["scan"].as_table().unwrap().clone()
    }

    #[test]
    fn what_was_found_is_a_setting_and_the_rest_a_comment() {
        let one = table(&found());
        assert_eq!(one["regions"].to_string(), r#"["us-east-1"]"#);
        assert!(!one.contains_key("trail") && !one.contains_key("organization"));
        let all = SetupFacts {
            organization: OrganizationSeen::Members(4),
            role: Some(("audit".to_owned(), Some("ext".to_owned()))),
            unread: BTreeSet::from([Region::new("eu-west-1").unwrap()]),
            calls: CallSource::Trails(vec![trail("org", "us-east-1")]),
            ..found()
        };
        let all = table(&all);
        assert_eq!(all["organization"].as_bool(), Some(true));
        assert_eq!(all["external_id"].as_str(), Some("ext"));
        assert_eq!(all["trail"].to_string(), r#"["s3://org-logs"]"#);
        assert_eq!(all["regions"].to_string(), r#"["eu-west-1", "us-east-1"]"#);
        let nothing = SetupFacts {
            secrets: BTreeMap::new(),
            ..found()
        };
        assert!(!table(&nothing).contains_key("regions"));
    }

    #[test]
    fn text_of_others_stays_inside_its_quotes() {
        let hostile = "a\"]\norganization = true\n# \u{7f}\u{1b}[31m";
        let facts = SetupFacts {
            profile: Some(hostile.to_owned()),
            calls: CallSource::Trails(vec![DescribedTrail {
                arn: format!("arn:{hostile}"),
                prefix: hostile.to_owned(),
                ..trail("x", "us-east-1")
            }]),
            ..found()
        };
        let read = table(&facts);
        assert!(!read.contains_key("organization"));
        assert_eq!(read["profile"].as_str(), Some(hostile));
        assert!(!settings_file(&facts).contains('\u{1b}'));
    }
}
