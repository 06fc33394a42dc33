//! The message in Slack's Block Kit, to be posted to a webhook by whoever wants it.
//!
//! The limits are those of Slack's reference: 50 blocks, 150 characters in a header, 3,000 in the text of a section, 10
//! fields of 2,000 characters (<https://docs.slack.dev/reference/block-kit/blocks/>).

use serde_json::{Value, json};

use super::{Message, TopRows};
use crate::domain::report::result::Report;
use crate::report::escape::fit;

/// The most characters of a header.
const HEADER: usize = 150;
/// The most characters of a section's text.
const SECTION: usize = 3_000;
/// The most columns of a name in a line.
const NAME: usize = 80;

/// The report as the JSON that a webhook takes, with a text for notifications.
pub fn slack(report: &Report) -> Vec<u8> {
    let message = Message::new(report);
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": cut(&message.title, HEADER)}}),
        section(&[escaped(&message.counts), format!("*{}*", message.savings)]),
        json!({"type": "section", "fields": message.costs.iter().map(|(label, amount)| {
            json!({"type": "mrkdwn", "text": format!("*{label}*\n{amount} per month")})
        }).collect::<Vec<_>>()}),
    ];
    let deletions = message.delete.rows.iter();
    let deletions = deletions.map(|row| {
        format!(
            "{}  {}  unused for {}, {}",
            row.saves,
            code(&row.name),
            row.unused,
            row.scope
        )
    });
    blocks.extend(list("Delete", &message.delete, deletions, "secrets.csv"));
    let loops = message.loops.rows.iter();
    let loops =
        loops.map(|row| format!("{}  {}  {}", row.saves, code(&row.name), code(&row.caller)));
    blocks.extend(list("Fix hot loops", &message.loops, loops, "findings.csv"));
    if !message.review.is_empty() {
        let lines: Vec<String> = message.review.iter().map(|line| escaped(line)).collect();
        blocks.push(section(&lines));
    }
    blocks.push(json!({"type": "context", "elements": [
        {"type": "mrkdwn", "text": escaped(&message.coverage)}
    ]}));
    let text = format!("{} {}", message.counts, message.savings);
    let mut bytes = json!({"text": escaped(&text), "blocks": blocks})
        .to_string()
        .into_bytes();
    bytes.push(b'\n');
    bytes
}

fn list<T>(
    heading: &str,
    list: &TopRows<T>,
    lines: impl Iterator<Item = String>,
    file: &str,
) -> Option<Value> {
    let mut lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return None;
    }
    lines.insert(0, format!("*{heading}*"));
    lines.extend(list.rest(file));
    Some(section(&lines))
}

/// A section of whole lines: one that would not fit any more is left out with those after it.
fn section(lines: &[String]) -> Value {
    let mut text = String::new();
    for line in lines {
        if text.chars().count() + line.chars().count() + 1 > SECTION {
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

/// Text with Slack's three special characters as entities: nothing in it is a link or a mention.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Text of other people as code. Slack has no way to write a backtick in it.
fn code(text: &str) -> String {
    format!("`{}`", escaped(&fit(text, NAME).replace('`', "'")))
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_message_keeps_to_the_limits_of_slack() {
        for report in [
            sample::report(),
            sample::filled(&"<!channel> `&".repeat(500)),
            crate::domain::fixture::report(0),
            crate::domain::fixture::report(500),
        ] {
            let message: Value = serde_json::from_slice(&slack(&report)).unwrap();
            let blocks = message["blocks"].as_array().unwrap();
            assert!(blocks.len() <= 50);
            for block in blocks {
                let text = block["text"]["text"].as_str().unwrap_or("-");
                let most = if block["type"] == "header" {
                    HEADER
                } else {
                    SECTION
                };
                assert!((1..=most).contains(&text.chars().count()), "{block}");
                assert!(!text.contains("<!"), "{text}");
                for field in block["fields"].as_array().into_iter().flatten() {
                    assert!(field["text"].as_str().unwrap().len() <= 2_000);
                }
            }
        }
    }

    #[test]
    fn the_sample_as_a_message() {
        let message: Value = serde_json::from_slice(&slack(&sample::report())).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&message).unwrap());
    }
}
