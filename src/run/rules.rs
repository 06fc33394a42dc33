//! `rules`: every rule and finding, or one explained.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::Exit;
use crate::cli::RulesArgs;
use crate::domain::base::finding_kinds::FINDINGS;
use crate::domain::base::nearest::nearest;
use crate::domain::judging::rules::RULES;
use crate::term::Term;

/// Runs `rules`.
pub(super) fn run(args: &RulesArgs) -> Result<Exit> {
    let text = match &args.code {
        None => list(),
        Some(code) => match explain(code) {
            Some(text) => text,
            None => bail!(
                "there is no rule or finding `{code}`{}; `secretsweep rules` lists them",
                similar(code)
                    .map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
            ),
        },
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
    let mut text =
        String::from("Rules, the most cautious first. The most cautious that applies decides.\n\n");
    for rule in RULES {
        let _ = writeln!(
            text,
            "  {:<7} {:<17} {}",
            rule.verdict.as_str(),
            rule.code,
            first_sentence(rule.meaning)
        );
    }
    text.push_str("\nFindings.\n\n");
    for finding in FINDINGS {
        let _ = writeln!(
            text,
            "  {:<25} {}",
            finding.code,
            first_sentence(finding.meaning)
        );
    }
    text.push_str("\n`secretsweep rules CODE` explains one of them.\n");
    text
}

fn explain(code: &str) -> Option<String> {
    let rule = RULES.iter().find(|rule| rule.code.as_str() == code);
    if let Some(rule) = rule {
        return Some(format!(
            "{} ({})\n\n{}\n\nWhat to do: {}\n",
            rule.code,
            rule.verdict.as_str(),
            rule.meaning,
            rule.fix
        ));
    }
    let finding = FINDINGS
        .iter()
        .find(|finding| finding.code.as_str() == code)?;
    Some(format!(
        "{} (finding)\n\n{}\n\nWhat to do: {}\n",
        finding.code, finding.meaning, finding.fix
    ))
}

/// The first clause of a meaning, for the list.
fn first_sentence(text: &str) -> &str {
    let sentence = text.split_once(". ").map_or(text, |(first, _)| first);
    let clause = sentence
        .split_once(':')
        .map_or(sentence, |(first, _)| first);
    clause.trim_end_matches('.')
}
