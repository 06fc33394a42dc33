//! The text that `init` prints: what it found, what a scan takes, and the permissions that the scan needs.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::effort::IDLE_DAYS;
use crate::cli::{PolicyScanArgs, ScanDefaults};
use crate::domain::base::money::{PriceList, counted, thousands};
use crate::domain::base::names::Region;
use crate::domain::setup::{CallSource, DescribedTrail, OrganizationSeen, SetupFacts};
use crate::report::escape::one_line;
use crate::run::iam;

/// A speed at which the time for log files is stated: what a good connection outside of AWS has.
const BYTES_A_SECOND: u64 = 10_000_000;

/// Returns what was found, what a scan takes, and which permissions it needs.
pub(super) fn summary(found: &SetupFacts, file: &Path, text: &str) -> Result<String> {
    let mut out = format!("Account {}", found.account);
    if found.accounts > 1 {
        let _ = write!(out, " and {} more", thousands(found.accounts as u64 - 1));
    }
    let organization = match &found.organization {
        OrganizationSeen::Members(count) if found.role.is_some() => {
            format!(
                "{}, all of them in the scan",
                counted(*count as u64, "account", "accounts")
            )
        }
        OrganizationSeen::Members(count) => format!(
            "{}; `--role-name NAME` puts all of them in the scan",
            counted(*count as u64, "account", "accounts")
        ),
        OrganizationSeen::None => "none".to_owned(),
        OrganizationSeen::Hidden(why) => format!("unknown: {why}"),
    };
    let regions: Vec<String> = found
        .secrets
        .iter()
        .map(|(region, count)| format!("{region} ({})", thousands(*count)))
        .collect();
    let secrets = match regions.as_slice() {
        [] => format!(
            "none in {}",
            counted(found.asked.len() as u64, "Region", "Regions")
        ),
        some => format!(
            "{} in {} of {} Regions: {}",
            thousands(found.secrets.values().sum()),
            some.len(),
            found.asked.len(),
            some.join(", ")
        ),
    };
    let calls = match &found.calls {
        CallSource::Trails(trails) => {
            let locations: Vec<String> = trails.iter().map(DescribedTrail::location).collect();
            locations.join(", ")
        }
        CallSource::History(why) => format!("CloudTrail's event history: {why}"),
    };
    let _ = write!(
        out,
        "\n  Secrets       {secrets}\n  Organization  {}\n  Calls from    {}\n",
        one_line(&organization),
        one_line(&calls)
    );
    if !found.gaps.is_empty() {
        out.push_str(
            "\nCould not be read (`secretsweep iam-policy init` prints the permissions):\n",
        );
    }
    for gap in &found.gaps {
        let region = gap.region.as_ref().map_or("", Region::as_str);
        let line = format!("  - {region} {}: {}", gap.what, gap.why);
        let _ = writeln!(out, "{}", one_line(&line).replace("-  ", "- "));
    }
    let _ = writeln!(out, "\nWrote {}.", file.display());
    out.push_str(&effort(found));
    out.push_str(&permissions(text, &found.partition)?);
    out.push_str("\nNext:\n  secretsweep scan\n");
    Ok(out)
}

/// Returns what one scan takes.
fn effort(found: &SetupFacts) -> String {
    let effort = &found.effort;
    let list = PriceList::built_in();
    let price = found
        .secrets
        .keys()
        .next()
        .and_then(|region| list.find(&found.partition, region, &found.account));
    let cost = effort.cost(price);
    let mut out = format!(
        "\nOne scan reads {IDLE_DAYS} days and makes about:\n  {} to list secrets\n",
        counted(effort.lists, "request", "requests")
    );
    match (&found.calls, effort.lookups) {
        (CallSource::Trails(_), _) => {
            let _ = writeln!(
                out,
                "  {} of the bucket and {} ({} MB), which take {} at {} MB per second",
                counted(effort.bucket_lists, "listing", "listings"),
                counted(effort.files, "file", "files"),
                thousands(effort.bytes.div_ceil(1_000_000)),
                time(effort.seconds_at(BYTES_A_SECOND)),
                BYTES_A_SECOND / 1_000_000
            );
        }
        (CallSource::History(_), Some(requests)) => {
            let _ = writeln!(
                out,
                "  {} to the event history, which take {}",
                counted(requests, "request", "requests"),
                time(effort.lookup_seconds())
            );
        }
        (CallSource::History(_), None) => out.push_str(
            "  requests to the event history; how many could not be found out, but they take no longer than \
             `lookup_budget`\n",
        ),
    }
    match cost.usd {
        Some(usd) => {
            let _ = writeln!(
                out,
                "  It costs about ${usd}. Data that leaves the bucket's Region, and its decryption by KMS, cost extra. Later \
                 scans read only new files."
            );
        }
        None => {
            out.push_str("  What it costs is not known: there is no price for this partition.\n");
        }
    }
    out
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => "less than a minute".to_owned(),
        more => counted(more.div_ceil(60), "minute", "minutes"),
    }
}

/// The permissions of a scan with this file.
fn permissions(text: &str, partition: &str) -> Result<String> {
    let scan = PolicyScanArgs {
        partition: partition.to_owned(),
        ..PolicyScanArgs::default()
    };
    let scan = scan.or(ScanDefaults::parse(text)?);
    let mut actions = iam::scan_actions(&scan);
    actions.sort_unstable();
    actions.dedup();
    Ok(format!(
        "\nIt needs these permissions (`secretsweep iam-policy scan` prints the policy):\n  {}\n",
        actions.join("\n  ")
    ))
}
