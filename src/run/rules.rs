//! `rules`: every rule and finding, or one explained.

use std::fmt::Write as _;

use anyhow::Result;

use super::way_out::helpful;
use crate::Exit;
use crate::cli::{RulesArgs, RulesFormat};
use crate::domain::base::finding_kinds::{FINDINGS, FindingKind, Reported};
use crate::domain::base::nearest::nearest;
use crate::domain::judging::rules::{RULES, Rule};
use crate::domain::policy::Policy;
use crate::domain::report::verdict::Verdict;
use crate::term::Term;

/// Runs `rules`.
pub(super) fn run(args: &RulesArgs) -> Result<Exit> {
    let known = |code: &str| args.code.as_deref().is_none_or(|asked| asked == code);
    let rules: Vec<_> = RULES.iter().filter(|it| known(it.code.as_str())).collect();
    let findings: Vec<_> = FINDINGS
        .iter()
        .filter(|it| known(it.code.as_str()))
        .collect();
    let text = match (args.format, &args.code) {
        (_, Some(code)) if rules.is_empty() && findings.is_empty() => {
            return Err(helpful(
                format!("there is no rule or finding `{code}`"),
                similar(code).map_or_else(
                    || "`secretsweep rules` lists them".to_owned(),
                    |known| {
                        format!("did you mean `{known}`? `secretsweep rules` lists all of them")
                    },
                ),
            ));
        }
        (RulesFormat::Markdown, _) => markdown(&rules, &findings),
        (RulesFormat::Text, None) => list(),
        (RulesFormat::Text, Some(_)) => {
            let rules = rules.into_iter().map(explain_rule);
            rules.chain(findings.into_iter().map(explain)).collect()
        }
    };
    Term::data(text.as_bytes())?;
    Ok(Exit::Done)
}

/// The code that is most like this one, if any is.
fn similar(code: &str) -> Option<String> {
    let rules = RULES.iter().map(|rule| rule.code.as_str().to_owned());
    let findings = FINDINGS.iter().map(|found| found.code.as_str().to_owned());
    let codes: Vec<String> = rules.chain(findings).collect();
    nearest(code, codes.iter().map(String::as_str)).map(str::to_owned)
}

fn list() -> String {
    let mut text = String::from(
        "Rules, most cautious first. If several apply to a secret, the most cautious one decides.\n\n",
    );
    for rule in RULES {
        let _ = writeln!(
            text,
            "  {:<7} {:<17} {}",
            rule.verdict.as_str(),
            rule.code,
            first_sentence(rule.meaning)
        );
    }
    text.push_str("\nFindings, by topic.\n\n");
    for finding in FINDINGS {
        let _ = writeln!(
            text,
            "  {:<7} {:<21} {}{}",
            finding.severity.as_str(),
            finding.code,
            first_sentence(finding.meaning),
            match finding.reported {
                Reported::ByDefault => "",
                Reported::OnRequest => " (off by default)",
            }
        );
    }
    text.push_str("\n`secretsweep rules CODE` explains one of them.\n");
    text
}

fn explain_rule(rule: &Rule) -> String {
    format!(
        "{} ({})\n\n{}\n\nWhat to do: {}\n\nIn the policy file:\n\n{}",
        rule.code,
        rule.verdict.as_str(),
        rule.meaning,
        rule.fix,
        settings(rule)
    )
}

/// Returns what of the policy file bears on a rule: its thresholds, and how to keep a secret that it would let go.
fn settings(rule: &Rule) -> String {
    let policy = Policy::default();
    let mut text = String::new();
    let code = rule.code.as_str();
    if code == "too-young" {
        let _ = writeln!(text, "  young = \"{}d\"", policy.young_days);
    }
    if !matches!(
        code,
        "pending-deletion" | "service-managed" | "protected-name" | "protected-tag"
    ) {
        let _ = writeln!(text, "  idle = \"{}d\"", policy.idle_days);
    }
    if code == "maintenance-only" {
        text.push_str("\n  [readers]\n  maintenance = [\"rotation\", \"iac\", \"scanner\"]\n");
    }
    match (code, rule.verdict) {
        ("protected-tag", _) => text.push_str("  [protect]\n  tags = [\"keep=true\"]\n"),
        ("protected-until", _) => {
            let _ = writeln!(
                text,
                "\n  [protect]\n  until_tag = \"{}\"",
                policy.until_tag
            );
        }
        ("protected-name", _) => text.push_str("  [protect]\n  names = [\"break-glass/*\"]\n"),
        (_, Verdict::Delete | Verdict::Review) => {
            text.push_str(
                "\n  [protect]                     # never delete these\n  names = [\"NAME\"]\n",
            );
        }
        (_, Verdict::Keep) => {}
    }
    if text.is_empty() {
        text.push_str("  Nothing changes it.\n");
    }
    text
}

fn explain(kind: &FindingKind) -> String {
    let mut text = format!(
        "{} (finding, {})\n\n{}\n\nRule: {}\n\nWhat to do: {}\n\nAWS documentation: {}\n",
        kind.code,
        kind.severity.as_str(),
        kind.meaning,
        kind.rule(),
        kind.fix,
        kind.page
    );
    if !kind.settings.is_empty() || kind.reported == Reported::OnRequest {
        text.push_str("\nIn the policy file:\n\n  [findings]\n");
    }
    if kind.reported == Reported::OnRequest {
        let _ = writeln!(text, "  on = [\"{}\"]", kind.code);
    }
    for setting in kind.settings {
        let _ = writeln!(text, "  {}", setting.line());
    }
    let _ = write!(
        text,
        "\nTo mute one that you accept, until a date that you choose:\n\n  [[mute]]\n  code = \"{0}\"\n  name = \"NAME\"\n  \
         reason = \"WHY\"\n  until = \"2027-03-31\"\n\nTo fail in CI: `secretsweep scan --fail-on {0}`.\n",
        kind.code
    );
    text
}

/// The tables of the README.
fn markdown(rules: &[&Rule], findings: &[&FindingKind]) -> String {
    let mut text = String::new();
    if !rules.is_empty() {
        text.push_str("| Code | Verdict | Meaning |\n|---|---|---|\n");
    }
    for rule in rules {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            rule.code,
            rule.verdict.as_str(),
            rule.meaning
        );
    }
    if !rules.is_empty() && !findings.is_empty() {
        text.push('\n');
    }
    if !findings.is_empty() {
        text.push_str("| Code | Severity | Meaning | Rule | What to do |\n|---|---|---|---|---|\n");
    }
    for kind in findings {
        let _ = writeln!(
            text,
            "| `{}` | {}{} | {} | {} | {} ([AWS]({})) |",
            kind.code,
            kind.severity.as_str(),
            match kind.reported {
                Reported::ByDefault => "",
                Reported::OnRequest => ", off by default",
            },
            kind.meaning,
            kind.rule(),
            kind.fix,
            kind.page
        );
    }
    text
}

/// The first clause of a meaning, for the list.
fn first_sentence(text: &str) -> &str {
    let sentence = text.split_once(". ").map_or(text, |(first, _)| first);
    let clause = sentence
        .split_once(':')
        .map_or(sentence, |(first, _)| first);
    clause.trim_end_matches('.')
}
