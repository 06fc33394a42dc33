//! What axe-core says of the page: nothing, in every state that a reader can bring it into.
//!
//! axe judges what is shown, so each state is made first: an opened secret, a filtered table, a table without a row, light
//! and dark, a desk and a phone. The last test plants faults, because an axe that is not running finds nothing either.

use std::path::Path;

use secretsweep::compare::compare;
use secretsweep::report::html::html;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::demo::{HOSTILE, MADE};
use crate::node;
use crate::page::{choose, click, fixture, page, search};

/// A browser that can run axe.
struct Auditor {
    browser: Browser,
    axe: String,
}

impl Auditor {
    /// `None`, and a word of it, without Chromium or npm.
    fn start() -> Option<Self> {
        let folder = node::packages("accessibility", &[])?;
        let axe = folder.join("node_modules/axe-core/axe.min.js");
        Some(Self {
            browser: Browser::start()?,
            axe: std::fs::read_to_string(axe).unwrap(),
        })
    }

    /// Opens a page, with everything that can be unfolded unfolded: axe does not look at what is not shown.
    fn open(&mut self, file: &Path) {
        self.browser.open(file);
        self.browser
            .value("document.querySelectorAll('details').forEach((part) => { part.open = true; })");
        // As a debugger does it: the page itself lets no script in.
        let axe = format!("{}; typeof axe.run", self.axe);
        assert_eq!(self.browser.text(&axe), "function");
    }

    /// The faults, each with its rule and the elements.
    fn faults(&mut self) -> Vec<String> {
        let faults = self.browser.value(
            "axe.run(document, { resultTypes: ['violations'], runOnly: \
               ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }) \
             .then((found) => found.violations.map((one) => `${one.id}: ${one.help}: ` + \
               one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary}`).join('; ')))",
        );
        let faults = faults.as_array().unwrap().iter();
        faults
            .map(|fault| fault.as_str().unwrap().to_owned())
            .collect()
    }

    fn expect_none(&mut self, state: &str) {
        assert_eq!(self.faults(), [""; 0], "{state}");
    }

    /// Every state of a page that holds secrets of these verdicts.
    fn every_state(&mut self, file: &Path, of: &str) {
        for scheme in ["light", "dark"] {
            for width in [1_280, 390] {
                let at = format!("{of}, {scheme}, {width} px");
                self.browser.look(width, 900, scheme);
                self.open(file);
                self.expect_none(&format!("{at}, as it opens"));
                choose(&mut self.browser, "verdict", "delete");
                self.expect_none(&format!("{at}, filtered"));
                click(&mut self.browser, "#rows button");
                self.browser.until("document.getElementById('secret').open");
                self.expect_none(&format!("{at}, with an opened secret"));
                self.browser
                    .value("document.getElementById('secret').close()");
                search(&mut self.browser, "no such secret");
                self.browser
                    .until("document.querySelector('#status b').innerText === '0 secrets'");
                self.expect_none(&format!("{at}, with a search that finds nothing"));
            }
        }
    }
}

/// The page of the example organization with two secrets more, so that it has every state that the plain one has.
#[test]
fn axe_finds_no_fault_on_the_page_of_the_example_organization_where_names_attack_it() {
    let Some(mut auditor) = Auditor::start() else {
        return;
    };
    auditor.every_state(&HOSTILE.path("report/report.html"), "hostile names");
}

#[test]
fn axe_finds_no_fault_beside_the_month_before() {
    let Some(mut auditor) = Auditor::start() else {
        return;
    };
    let (old, new) = fixture::two_months(300);
    let page = page(&new);
    std::fs::write(&page.file, html(&new, Some(&compare(&old, &new))).unwrap()).unwrap();
    auditor.every_state(&page.file, "two months");
}

#[test]
fn axe_finds_a_fault_that_is_there() {
    let Some(mut auditor) = Auditor::start() else {
        return;
    };
    auditor.browser.look(1_280, 900, "light");
    auditor.open(&MADE.path("report/report.html"));
    let plants = [
        (
            "image-alt",
            "document.querySelector('main').append(new Image(20, 20))",
        ),
        (
            "color-contrast",
            "document.querySelector('h2').style.color = '#eee'",
        ),
        (
            "label",
            "(() => { const field = document.getElementById('search'); field.removeAttribute('aria-label'); \
             field.closest('label')?.replaceWith(field); document.querySelectorAll('label[for=search]') \
             .forEach((label) => label.remove()); field.placeholder = ''; })()",
        ),
    ];
    for (rule, plant) in plants {
        let found = |faults: &[String]| faults.iter().any(|fault| fault.starts_with(rule));
        assert!(!found(&auditor.faults()), "{rule} before");
        assert_eq!(
            auditor.browser.value(&format!("{plant}; 1")),
            json!(1),
            "{rule}"
        );
        let faults: Vec<String> = auditor.faults();
        assert!(found(&faults), "{rule} is not among {faults:?}");
    }
    assert_ne!(auditor.browser.value("axe.version"), Value::Null);
}
