//! `report.html`: the page for people. One file without any reference to another, so that it works as an attachment.
//!
//! The template, the style and the script stand in `page/`. A policy in the page forbids every load and every script and
//! style but these two, by their hashes; other people's text reaches the page escaped by the template, or as JSON that the
//! script shows as text only. Without the script the page is complete but for the table of all secrets.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use sha2::{Digest, Sha256};

use super::page::{block, view};
use crate::compare::Comparison;
use crate::domain::pricing::bill::Reconciliation;
use crate::domain::report::result::Report;

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The mark that the block of data replaces in the template.
const BLOCK: &str = "{{ block }}";

/// Renders the page, with a section on what changed where a comparison is given.
///
/// # Errors
/// Only if the template and the view do not fit together, which the tests rule out for every shape of a report.
pub fn html(report: &Report, previous: Option<&Comparison>) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    write(report, previous, None, &mut page)?;
    Ok(page)
}

/// Writes the page. What stands before and after the block of data is rendered; the block, which is nearly all of it, is
/// written row by row.
///
/// # Errors
/// What the writer says; else as [`html`].
pub fn write(
    report: &Report,
    previous: Option<&Comparison>,
    bill: Option<&Reconciliation>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (before, after) = TEMPLATE.split_once(BLOCK).unwrap_or((TEMPLATE, ""));
    let context = context! {
        page => Value::from(Serde(view::page(report, previous, bill))),
        policy => policy(),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
    };
    let render = |part: &str| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Its name makes the engine escape for HTML.
        environment
            .render_named_str("page.html", part, &context)
            .map_err(io::Error::other)
    };
    out.write_all(render(before)?.as_bytes())?;
    block::write(report, out)?;
    out.write_all(render(after)?.as_bytes())
}

/// The Content-Security-Policy: nothing but this style and this script, and the icon that the page holds itself.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'",
        STANDARD.encode(Sha256::digest(STYLE)),
        STANDARD.encode(Sha256::digest(SCRIPT)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::compare;
    use crate::domain::base::allocation_rule::AllocationRule;
    use crate::domain::base::money::Money;
    use crate::domain::report::result::{AllocationReport, OwnerShare};
    use crate::{domain::fixture, report::sample};

    fn page(report: &Report) -> String {
        String::from_utf8(html(report, None).unwrap()).unwrap()
    }

    #[test]
    fn every_shape_of_a_report_renders() {
        for secrets in [0, 1, 10, 400] {
            let old = fixture::report(secrets);
            let new = fixture::report(secrets + 10);
            let text = String::from_utf8(html(&new, Some(&compare(&old, &new))).unwrap()).unwrap();
            assert!(text.contains("id=\"changes\""), "{secrets}");
        }
        assert!(!page(&sample::report()).contains("id=\"changes\""));
    }

    #[test]
    fn shares_of_owners_add_up_and_stand_there_only_where_calls_are_shared_out() {
        let mut report = sample::report();
        assert!(!page(&report).contains("id=\"shares\""));
        let owner = |name: String, own: i64, share: i64| OwnerShare {
            owner: Some(name),
            own_usd: Money(own),
            share_usd: Money(share),
            total_usd: Money(own + share),
            window_own_usd: Money::ZERO,
            window_share_usd: Money::ZERO,
            window_total_usd: Money::ZERO,
        };
        let mut owners = vec![owner("<b>evil</b>".to_owned(), 5_000_000, 1_500_000)];
        owners.extend((0..13).map(|number| owner(format!("team-{number}"), 1_000_000, 100_000)));
        report.allocation = Some(AllocationReport {
            rule: AllocationRule::ByShare,
            owners,
            apart_usd: Money(250_000),
            window_apart_usd: Money::ZERO,
        });
        let page = page(&report);
        let (_, section) = page.split_once("<section id=\"shares\"").unwrap();
        let (section, _) = section.split_once("</section>").unwrap();
        assert!(
            section.contains("&lt;b&gt;evil&lt;&#x2f;b&gt;"),
            "{section}"
        );
        assert!(
            section.contains("<td>$5.00</td><td>$1.50</td><td>$6.50</td>"),
            "{section}"
        );
        // 5 and 13 times 1; 1.50, 13 times 0.10 and the 0.25 that stand apart.
        let total = "Total</th><td>$18.00</td><td>$3.05</td><td>$21.05</td>";
        assert!(section.contains(total), "{section}");
        assert!(section.contains("Show the other 2"), "{section}");
    }

    #[test]
    fn no_loop_is_known_where_no_trail_was_read() {
        let mut report = sample::report();
        report.loops.clear();
        assert!(page(&report).contains("No caller exceeds the thresholds"));
        for scope in &mut report.scopes {
            scope.trail.covered_hours = 0;
        }
        assert!(page(&report).contains("Not known: no trail covers the window"));
    }

    #[test]
    fn the_page_says_who_made_it() {
        let footer = |report: &Report| {
            let page = page(report);
            let (_, footer) = page.split_once("<footer>").unwrap();
            footer.split_once("</footer>").unwrap().0.to_owned()
        };
        let mut report = sample::report();
        let caller = footer(&report);
        assert!(
            caller.contains("secretsweep 0.1.0, as arn:aws:sts:") && caller.contains("audit"),
            "{caller}"
        );
        report.caller = None;
        assert!(footer(&report).contains("secretsweep 0.1.0. No secret"));
    }

    #[test]
    fn the_page_and_the_summary_count_the_same_accounts_and_regions() {
        use crate::report::text::{Options, summary};
        let report = sample::report();
        assert!(report.scopes.iter().any(|scope| scope.secrets == 0));
        let counts = "8 secrets in 2 accounts and 2 Regions";
        for text in [page(&report), summary(&report, &Options::default())] {
            assert!(text.contains(counts), "{text:.2000}");
        }
        assert!(page(&fixture::report(0)).contains("No secrets"));
    }

    #[test]
    fn other_peoples_text_stays_text() {
        let text = page(&fixture::report(10));
        for hostile in [
            "<img src=x",
            "</script><script>d",
            "<!-- ",
            "\u{202e}",
            "\u{2028}",
        ] {
            assert!(!text.contains(hostile), "{hostile:?}");
        }
        assert!(text.contains("&lt;img src=x onerror="));
        // One icon, one style, the block, the script; nothing else is loaded or run.
        assert_eq!(text.matches("<script").count(), 2);
        assert_eq!(text.matches("<style").count(), 1);
    }

    #[test]
    fn the_page_names_no_other_file() {
        let text = page(&fixture::report(10));
        for reference in [
            "src=\"", "url(h", "@import", "<iframe", "style=\"", "onclick=",
        ] {
            assert!(!text.contains(reference), "{reference}");
        }
        let icons = text.matches("href=\"data:").count();
        let anchors = text.matches("href=\"#").count();
        assert_eq!(text.matches("href=").count(), icons + anchors);
    }

    #[test]
    fn the_key_figures_stand_in_the_page_without_the_script() {
        let report = fixture::report(200);
        let text = page(&report);
        for amount in [report.totals.cost.total_usd, report.totals.savings_usd] {
            assert!(text.contains(&format!("<p class=\"value\">{}</p>", amount.dollars())));
        }
    }

    /// The relative luminance of a colour, by WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let part = |offset: usize| {
            let value = u8::from_str_radix(&colour[offset..offset + 2], 16).unwrap();
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn text_stands_out_from_its_ground_in_light_and_dark() {
        // The variables of a block of the style, from the first that defines the paper.
        let schemes = STYLE
            .split("--paper:")
            .skip(1)
            .filter(|block| block.contains("--high:"));
        let mut seen = 0;
        for scheme in schemes.take(2) {
            seen += 1;
            let scheme = format!("--paper:{}", scheme.split('}').next().unwrap());
            let colour = |name: &str| {
                let (_, rest) = scheme.split_once(&format!("--{name}: ")).unwrap();
                rest.split(';').next().unwrap().to_owned()
            };
            for ground in ["paper", "raised", "mark"] {
                for text in ["ink", "soft", "save", "link", "high", "cost"] {
                    let (a, b) = (luminance(&colour(ground)), luminance(&colour(text)));
                    let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                    assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2} in {scheme}");
                }
            }
        }
        assert_eq!(seen, 2, "a light and a dark scheme");
    }
}
