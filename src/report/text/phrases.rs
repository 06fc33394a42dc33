//! The words of the summary: numbers with their nouns, spans, intervals, and what a rule's code means in plain words.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::base::money::{Money, thousands};
use crate::domain::base::span::Span;
use crate::domain::report::result::{LoopRow, PolicySummary, ReaderRow, Report, Totals};
use crate::domain::report::verdict::RuleCode;
use crate::report::estimates::{dollars, doubts, numbers};
use crate::report::format::utc_day;

/// A number with its noun: `1 secret`, `1,200 secrets`.
pub(in crate::report) fn number(count: u64, one: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {one}{s}", thousands(count))
}

/// `one` for a count of one, else `many`.
pub(in crate::report) fn agree<'a>(count: u64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// Parts as a list in words: `a`, `a and b`, `a, b and c`.
pub(in crate::report) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns what a reason's code means, as a phrase that fits any number of secrets; a code that is not known here as it
/// stands.
pub(in crate::report) fn reason(code: &RuleCode, policy: &PolicySummary) -> String {
    let phrase = match code {
        RuleCode::NeverRead => "never read since created",
        RuleCode::Idle => return format!("not read for {} or more", days(policy.idle_days)),
        RuleCode::MaintenanceOnly => "read only by its rotation",
        RuleCode::CoverageGap => "the trail does not cover enough time to judge",
        RuleCode::FailedReads => "reads fail: somebody still tries to read them",
        RuleCode::IacManaged => "managed by infrastructure code: remove it there",
        RuleCode::RecentlyWritten => "changed recently, although no reads were seen",
        RuleCode::Described => "described a few times, but never read",
        RuleCode::CrossAccount => "another account may read it",
        RuleCode::AmbiguousReads => "read under a name that could be two secrets",
        RuleCode::SensitiveName => "the name suggests rare use, such as an emergency",
        RuleCode::RecentlyRead => "read recently",
        RuleCode::CachedReader => "used through a cache",
        RuleCode::TooYoung => "too young to judge",
        RuleCode::ServiceManaged => "managed by an AWS service",
        RuleCode::ProtectedName => "protected by name",
        RuleCode::ProtectedTag => "protected by a tag",
        RuleCode::ProtectedUntil => "protected until a date",
        RuleCode::PendingDeletion => "already pending deletion",
        RuleCode::Replica => "replica, judged with its primary",
        RuleCode::ReplicaInUse => "used through a replica",
        RuleCode::Other(code) => code,
    };
    phrase.to_owned()
}

/// `1 day`, `90 days`.
pub(in crate::report) fn days(count: u32) -> String {
    number(u64::from(count), "day")
}

/// The tool with its version, and whom AWS took it for, if it was asked.
pub(in crate::report) fn maker(report: &Report) -> String {
    match &report.caller {
        Some(caller) => format!("{}, as {caller}", report.tool),
        None => report.tool.clone(),
    }
}

/// Returns how long a span is: whole days, else hours.
pub(in crate::report) fn length(span: &Span) -> String {
    let hours = span.hours();
    if hours.is_multiple_of(24) {
        days(hours / 24)
    } else if hours < 48 {
        number(u64::from(hours), "hour")
    } else {
        format!("{:.1} days", f64::from(hours) / 24.0)
    }
}

/// A span by its days, with hours if it does not begin and end at midnight.
pub(in crate::report) fn between(span: &Span) -> String {
    let (from, to) = (text(span.from), text(span.to));
    match (from.strip_suffix(" 00:00"), to.strip_suffix(" 00:00")) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        _ => format!("{from} to {to} UTC"),
    }
}

fn text(moment: Timestamp) -> String {
    let moment = moment.to_zoned(TimeZone::UTC);
    let time = moment.time();
    format!("{} {:02}:{:02}", moment.date(), time.hour(), time.minute())
}

/// An interval between two calls: `0.05 s`, `1.0 s`, `45 s`, `5 min`, `3 h`.
pub(in crate::report) fn interval(seconds: f64) -> String {
    match seconds {
        _ if !seconds.is_finite() || seconds < 0.0 => "few s".to_owned(),
        ..1.0 => format!("{seconds:.2} s"),
        ..9.95 => format!("{seconds:.1} s"),
        ..119.5 => format!("{seconds:.0} s"),
        ..7_170.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3_600.0),
    }
}

/// Returns what a reader did with a secret: `1 read, 12 DescribeSecret calls, 0 failed; last on 2026-10-31`.
pub(in crate::report) fn seen_calls(row: &ReaderRow) -> String {
    format!(
        "{}, {}, {} failed; last on {}",
        number(row.reads, "read"),
        number(row.describes, "DescribeSecret call"),
        thousands(row.failed),
        utc_day(row.last)
    )
}

/// An amount, or that nobody knows it.
pub(in crate::report) fn usd(amount: Option<Money>) -> String {
    amount.map_or_else(|| "unknown".to_owned(), Money::dollars)
}

/// Returns how often a loop calls, after its API: ` every 1.0 s at its peak`; empty if a sample does not tell.
pub(in crate::report) fn pace(found: &LoopRow) -> String {
    let when = if found.estimate.is_some() {
        "while it calls"
    } else {
        "at its peak"
    };
    found.interval_s.map_or_else(String::new, |seconds| {
        format!(" every {} {when}", interval(seconds))
    })
}

/// Returns what fixing a loop saves per month: an amount, the most that it may be, or that nobody knows it.
pub(in crate::report) fn saving(found: &LoopRow) -> String {
    match found.avoidable_range.and_then(|range| range.usd_month) {
        Some(range) => dollars(range),
        None => usd(found.avoidable_usd_month),
    }
}

/// Returns how many calls of a loop are avoidable, as the end of a clause.
pub(in crate::report) fn needless(found: &LoopRow) -> String {
    if let Some(range) = found.avoidable_range {
        return format!("{} of them avoidable", numbers(range.calls_month));
    }
    if found.avoidable_is_unknown() {
        return "how many of them are avoidable is not known".to_owned();
    }
    format!(
        "{} of them avoidable",
        thousands(found.avoidable_calls_month)
    )
}

/// Returns what is called in a loop, as people call it, and what there is to say about the name.
pub(in crate::report) fn subject(found: &LoopRow) -> (&str, &'static str) {
    match (&found.arn, found.name.as_str()) {
        (Some(_), name) => (name, ""),
        (None, "") => ("no single secret", ""),
        (None, name) => (name, " (not in the inventory)"),
    }
}

/// Returns of how many secrets only the storage is known: their calls could not be counted. Without a price the cost of
/// calls is unknown, too, and that is said of the price.
pub(in crate::report) fn storage_alone(totals: &Totals) -> u64 {
    totals
        .uncounted_secrets
        .saturating_sub(totals.unpriced_secrets)
}

/// Returns the sentence that loops which are not listed end with their secrets, if there are any.
pub(in crate::report) fn going(report: &Report, listed: &[&LoopRow]) -> Option<String> {
    let rest = (report.loops.len() - listed.len()) as u64;
    let what = if listed.is_empty() {
        number(rest, "hot loop")
    } else {
        format!("{} more", thousands(rest))
    };
    let goes = agree(
        rest,
        "ends when its secret is deleted",
        "end when their secrets are deleted",
    );
    (rest > 0).then(|| format!("{what} {goes}"))
}

/// Returns how sure the numbers of a loop are that was seen in a sample.
pub(in crate::report) fn how_sure(found: &LoopRow) -> Option<String> {
    let estimate = found.estimate.as_ref()?;
    let usd = estimate
        .avoidable_usd_month
        .map_or_else(String::new, |range| {
            format!("; {} per month can be saved", dollars(range))
        });
    let doubts = doubts(&estimate.caveats);
    let doubts = if doubts.is_empty() {
        doubts
    } else {
        format!("; {doubts}")
    };
    Some(format!(
        "from a sample; with 95 % certainty {} calls per month, {} of them avoidable{usd}{doubts}.",
        numbers(estimate.reads_month),
        numbers(estimate.avoidable_calls_month)
    ))
}

/// A reader as people call it: what follows the account in an ARN, and the account if it is not the secret's own.
pub(in crate::report) fn reader(reader: &str, home: Option<&str>) -> String {
    let mut parts = reader.splitn(6, ':');
    let (arn, account, resource) = (parts.next(), parts.nth(3), parts.next());
    match (arn, account, resource) {
        (Some("arn"), Some(account), Some(resource)) => match home {
            Some(home) if home != account && !account.is_empty() => {
                format!("{resource} of account {account}")
            }
            _ => resource.to_owned(),
        },
        _ => reader.to_owned(),
    }
}

/// A word of a command line, quoted for a POSIX shell if it has to be.
pub(crate) fn shell(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@%+,=~".contains(letter);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Returns what one of the files holds.
pub(in crate::report) fn file(name: &str) -> &'static str {
    match name {
        "report.html" => "the page to read and share",
        "secrets.csv" => "each secret: cost, use, verdict and why",
        "readers.csv" => "who reads which secret, and how often",
        "findings.csv" => "hot loops and everything else worth fixing",
        "summary.csv" => "costs by account, Region and owner",
        "estimates.csv" => "how sure the estimates from a sample are",
        "focus.csv" => "costs in the FOCUS format",
        "summary.md" => "a short message as Markdown",
        "slack.json" => "a short message for Slack",
        "summary.txt" => "this summary",
        "report.json" => "everything, for programs and for later commands",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(number(0, "secret"), "0 secrets");
        assert_eq!(number(1, "secret"), "1 secret");
        assert_eq!(number(1_200, "secret"), "1,200 secrets");
        let parts = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(listed(&parts[..1]), "a");
        assert_eq!(listed(&parts[..2]), "a and b");
        assert_eq!(listed(&parts), "a, b and c");
    }

    #[test]
    fn spans_name_hours_only_where_they_matter() {
        let span = |from: &str, to: &str| Span {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        for (from, to, shown, long) in [
            (
                "2026-10-01T00:00:00Z",
                "2026-11-01T00:00:00Z",
                "2026-10-01 to 2026-11-01",
                "31 days",
            ),
            (
                "2026-10-01T06:00:00Z",
                "2026-10-02T06:00:00Z",
                "2026-10-01 06:00 to 2026-10-02 06:00 UTC",
                "1 day",
            ),
            (
                "2026-10-01T00:00:00Z",
                "2026-10-02T12:00:00Z",
                "2026-10-01 00:00 to 2026-10-02 12:00 UTC",
                "36 hours",
            ),
            (
                "2026-10-01T00:00:00Z",
                "2026-10-04T12:00:00Z",
                "2026-10-01 00:00 to 2026-10-04 12:00 UTC",
                "3.5 days",
            ),
        ] {
            assert_eq!(between(&span(from, to)), shown);
            assert_eq!(length(&span(from, to)), long);
        }
    }

    #[test]
    fn intervals_have_the_unit_that_fits() {
        for (seconds, shown) in [
            (0.05, "0.05 s"),
            (1.0, "1.0 s"),
            (9.97, "10 s"),
            (45.2, "45 s"),
            (300.0, "5 min"),
            (10_800.0, "3 h"),
            (f64::NAN, "few s"),
            (f64::INFINITY, "few s"),
        ] {
            assert_eq!(interval(seconds), shown);
        }
    }

    #[test]
    fn a_reader_is_named_with_its_account_only_if_it_is_foreign() {
        let role = "arn:aws:iam::111122223333:role/app/checkout";
        assert_eq!(reader(role, Some("111122223333")), "role/app/checkout");
        assert_eq!(reader(role, None), "role/app/checkout");
        assert_eq!(
            reader(role, Some("444455556666")),
            "role/app/checkout of account 111122223333"
        );
        assert_eq!(
            reader("rotation.amazonaws.com", None),
            "rotation.amazonaws.com"
        );
        assert_eq!(reader("arn:short", None), "arn:short");
    }

    #[test]
    fn a_path_is_quoted_only_if_a_shell_would_split_it() {
        assert_eq!(shell("reports/2026-11-01"), "reports/2026-11-01");
        assert_eq!(shell("my reports"), "'my reports'");
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(shell(""), "''");
    }
}
