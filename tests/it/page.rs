//! The page in a real browser. Skipped, with a word, where no Chromium is installed.

use std::path::PathBuf;

use secretsweep::compare::compare;
use secretsweep::domain::base::money::{Money, thousands};
use secretsweep::domain::report::result::{CaveatRow, CostParts, Estimate, Range, Report};
use secretsweep::domain::report::verdict::Verdict;
use secretsweep::domain::sampling::CaveatCode;
use secretsweep::report::html::html;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;

/// The report that the unit tests look at too.
#[path = "../../src/domain/fixture.rs"]
pub(crate) mod fixture;

/// A report's page on disk.
pub(crate) struct Page {
    pub(crate) file: PathBuf,
    _folder: TempDir,
}

pub(crate) fn page(report: &Report) -> Page {
    let folder = crate::scratch::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, html(report, None).unwrap()).unwrap();
    Page {
        file,
        _folder: folder,
    }
}

/// The cells of a column of the table of all secrets.
fn column(browser: &mut Browser, name: &str) -> Vec<String> {
    let cells = browser.value(&format!(
        "[...document.querySelectorAll('#rows .c-{name}')].map((cell) => cell.innerText.trim())"
    ));
    let cells = cells.as_array().unwrap().iter();
    cells
        .map(|cell| cell.as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn click(browser: &mut Browser, selector: &str) {
    browser.value(&format!(
        "document.querySelector({}).click()",
        json!(selector)
    ));
}

/// Sets a filter as a person would: the choice, and the event that tells of it.
pub(crate) fn choose(browser: &mut Browser, id: &str, value: &str) {
    browser.value(&format!(
        "(() => {{ const node = document.getElementById('{id}'); node.value = {}; \
         node.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()",
        json!(value)
    ));
}

/// Types into the search field.
pub(crate) fn search(browser: &mut Browser, text: &str) {
    browser.value("document.getElementById('search').select()");
    browser.call("Input.insertText", &json!({"text": text}));
}

fn count(browser: &mut Browser) -> String {
    browser.text("document.querySelector('#status b').innerText")
}

#[test]
fn the_table_sorts_and_says_how() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let report = fixture::report(400);
    browser.open(&page(&report).file);
    assert_eq!(count(&mut browser), "400 secrets");
    assert_eq!(column(&mut browser, "name").len(), 100);
    let number = |cell: &String| cell.replace(',', "").parse::<u64>().unwrap();
    let sorted_by = "document.querySelector('#heads [aria-sort]').dataset.sort + ' ' + \
                     document.querySelector('#heads [aria-sort]').getAttribute('aria-sort')";
    assert_eq!(browser.text(sorted_by), "cost descending");
    click(&mut browser, "#heads .c-idle button");
    assert_eq!(browser.text(sorted_by), "idle descending");
    let days: Vec<u64> = column(&mut browser, "idle").iter().map(number).collect();
    let mut expect: Vec<u64> = report
        .secrets
        .iter()
        .map(|row| u64::from(row.idle_days.unwrap()))
        .collect();
    expect.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(days, expect[..100]);
    click(&mut browser, "#heads .c-idle button");
    assert_eq!(browser.text(sorted_by), "idle ascending");
    let days: Vec<u64> = column(&mut browser, "idle").iter().map(number).collect();
    expect.reverse();
    assert_eq!(days, expect[..100]);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn the_table_filters_and_searches() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let report = fixture::report(400);
    browser.open(&page(&report).file);
    let of = |keep: &dyn Fn(&secretsweep::domain::report::result::SecretRow) -> bool| {
        report.secrets.iter().filter(|row| keep(row)).count()
    };
    choose(&mut browser, "verdict", "delete");
    let deletable = of(&|row| row.verdict == Verdict::Delete);
    assert_eq!(count(&mut browser), format!("{deletable} secrets"));
    assert!(
        column(&mut browser, "verdict")
            .iter()
            .all(|word| word == "delete")
    );
    choose(&mut browser, "account", "012345678901");
    let both = of(&|row| row.verdict == Verdict::Delete && row.account.as_str() == "012345678901");
    assert_eq!(count(&mut browser), format!("{both} secrets"));
    choose(&mut browser, "verdict", "");
    choose(&mut browser, "account", "");
    choose(&mut browser, "owner", "-");
    let orphans = of(&|row| row.owner.is_none());
    assert_eq!(count(&mut browser), format!("{orphans} secrets"));
    choose(&mut browser, "owner", "");
    search(&mut browser, "STRIPE-key prod/");
    let found = of(&|row| row.name.contains("stripe-key") && row.name.starts_with("prod/"));
    browser.until(&format!(
        "document.querySelector('#status b').innerText === '{found} secrets'"
    ));
    search(&mut browser, "no such secret");
    browser.until("document.querySelector('#status b').innerText === '0 secrets'");
    click(&mut browser, "#filters button[type=reset]");
    browser.until("document.querySelector('#status b').innerText === '400 secrets'");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_view_is_in_the_address_and_can_be_saved_as_csv() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let report = fixture::report(400);
    let page = page(&report);
    browser.open(&page.file);
    choose(&mut browser, "verdict", "delete");
    click(&mut browser, "#heads .c-name button");
    let shown = count(&mut browser);
    click(&mut browser, "#rows button");
    let address = browser.text("location.hash");
    assert!(
        address.starts_with("#view?verdict=delete&sort=name&secret=arn"),
        "{address}"
    );
    let link = browser.text("document.querySelector('#secret-body .tools a').href");
    assert!(
        link.contains(".console.aws.amazon.com/secretsmanager/secret?name="),
        "{link}"
    );
    browser.value("document.getElementById('secret').close()");
    choose(&mut browser, "verdict", "");
    assert_eq!(count(&mut browser), "400 secrets");
    browser.value(&format!("location.hash = {}", json!(address)));
    browser.until("document.getElementById('secret').open");
    assert_eq!(count(&mut browser), shown);
    browser.value("URL.createObjectURL = (blob) => { blob.text().then((text) => { window.saved = text; }); return 'data:,'; }");
    click(&mut browser, "#csv");
    browser.until("window.saved !== undefined");
    let saved = browser.text("window.saved");
    assert!(
        saved.starts_with("arn,name,account_id,region,owner,verdict,"),
        "{saved}"
    );
    let rows = saved.lines().count() - 1;
    assert_eq!(format!("{rows} secrets"), shown);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_secret_opens_by_keyboard_and_closes_again() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let report = fixture::report(200);
    let most_expensive = report
        .secrets
        .iter()
        .max_by_key(|row| row.cost.known())
        .unwrap();
    browser.open(&page(&report).file);
    browser.value("document.querySelector('#rows button').focus()");
    browser.press("Enter", 13, "\r");
    browser.until("document.getElementById('secret').open");
    let shown = browser.text("document.getElementById('secret').innerText");
    let reader = most_expensive.readers[0].reader.rsplit(':').next().unwrap();
    for evidence in [
        most_expensive.arn.as_str(),
        reader,
        &most_expensive.reasons[0].text,
        &most_expensive.cost.known().dollars(),
    ] {
        assert!(shown.contains(evidence), "{evidence} in {shown}");
    }
    browser.press("Escape", 27, "");
    browser.until("!document.getElementById('secret').open");
    let back = browser.value("document.activeElement === document.querySelector('#rows button')");
    assert_eq!(back, json!(true), "focus returns to where it was");
    // The lists above open the same evidence.
    click(&mut browser, "#most-expensive button");
    browser.until("document.getElementById('secret').open");
    let again = browser.text("document.getElementById('secret').innerText");
    assert_eq!(again, shown);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn hostile_names_are_shown_and_never_run() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let report = fixture::report(60);
    browser.open(&page(&report).file);
    for name in fixture::HOSTILE {
        let word: String = name
            .split(['<', '>', '"', ' ', '\u{202e}'])
            .max_by_key(|part| part.len())
            .unwrap()
            .to_owned();
        search(&mut browser, &word);
        browser.until(&format!(
            "((names) => names.length && names.every((name) => name.innerText.includes({})))\
             ([...document.querySelectorAll('#rows .c-name')])",
            json!(word)
        ));
        click(&mut browser, "#rows button");
        click(&mut browser, "#secret .close");
    }
    let title = browser.text("document.title");
    assert_eq!(title, "Secrets Manager: October 2026");
    assert_eq!(
        browser.value("document.images.length + document.scripts.length"),
        json!(2)
    );
    // A script that somebody got into the page would be refused.
    browser.value("(() => { const s = document.createElement('script'); s.textContent = 'document.title = 1'; document.body.append(s); })()");
    assert_eq!(browser.text("document.title"), title);
    let refused = browser.complaints();
    assert!(
        refused.len() == 1 && refused[0].contains("Content Security Policy"),
        "{refused:?}"
    );
}

#[test]
fn ten_thousand_secrets_show_a_part_and_are_all_there() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let report = fixture::report(10_000);
    browser.open(&page(&report).file);
    assert_eq!(count(&mut browser), "10,000 secrets");
    assert_eq!(column(&mut browser, "name").len(), 100);
    click(&mut browser, "#more");
    assert_eq!(column(&mut browser, "name").len(), 500);
    search(&mut browser, "database-0777");
    browser.until("document.querySelectorAll('#rows tr').length === 1 || document.querySelector('#status b').innerText === '0 secrets'");
    let expect = report
        .secrets
        .iter()
        .filter(|row| row.name.contains("database-0777"))
        .count();
    assert_eq!(column(&mut browser, "name").len(), expect);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn the_page_fits_light_dark_narrow_and_print() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (old, mut new) = fixture::two_months(300);
    let account = new.secrets[0].account.clone();
    new.account_names
        .insert(account, "production payments europe".to_owned());
    let page = page(&new);
    std::fs::write(&page.file, html(&new, Some(&compare(&old, &new))).unwrap()).unwrap();
    browser.look(1280, 900, "light");
    browser.open(&page.file);
    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = browser.text(ground);
    browser.look(1280, 900, "dark");
    assert_ne!(browser.text(ground), light);
    for width in [1_280, 768, 414, 390, 360, 320] {
        browser.look(width, 800, "light");
        let over = browser
            .value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        let wide = browser.value(
            "[...document.querySelectorAll('body *')] \
               .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth) \
               .map((element) => element.outerHTML.slice(0, 120))",
        );
        assert_eq!(over, json!(0), "at {width} these stick out: {wide:#}");
        let columns_of_letters = browser.value(
            "[...document.querySelectorAll('td, th')] \
               .filter((cell) => cell.innerText.trim().length > 3 && cell.offsetWidth > 0 && cell.offsetWidth < 30) \
               .map((cell) => cell.outerHTML.slice(0, 120))",
        );
        assert_eq!(columns_of_letters, json!([]), "at {width}");
        let broken_ids = browser.value(
            "[...document.querySelectorAll('#rows .c-account')] \
               .filter((cell) => cell.offsetWidth > 0 && cell.offsetHeight > 0) \
               .filter((cell) => { const range = document.createRange(); range.selectNodeContents(cell); \
                                   return range.getClientRects().length > 1; }) \
               .map((cell) => cell.innerText)",
        );
        assert_eq!(broken_ids, json!([]), "an account id breaks at {width}");
    }
    browser.look(1280, 900, "dark");
    browser.call("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    assert_eq!(browser.text(ground), "rgb(255, 255, 255)");
    assert_eq!(
        browser.text("getComputedStyle(document.querySelector('nav')).display"),
        "none"
    );
    let heads =
        "[...document.querySelectorAll('#heads button')].every((button) => !button.offsetHeight)";
    assert_eq!(
        browser.value(heads),
        json!(true),
        "a header with a button is not repeated on paper"
    );
    browser.call("Emulation.setEmulatedMedia", &json!({"media": ""}));
    let printed = browser.call("Page.printToPDF", &json!({"preferCSSPageSize": true}));
    assert!(
        printed["data"].as_str().unwrap().starts_with("JVBER"),
        "a PDF"
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn each_step_leads_to_its_own_secrets_and_they_save_what_it_says() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let report = fixture::report(400);
    browser.open(&page(&report).file);
    for verdict in [Verdict::Delete, Verdict::Review] {
        let word = verdict.as_str();
        click(&mut browser, &format!("[data-verdict={word}]"));
        let expect = report.totals.verdicts[&verdict];
        assert_eq!(count(&mut browser), format!("{expect} secrets"), "{word}");
    }
    click(&mut browser, "[data-verdict=delete]");
    let saves = report.totals.savings_delete_usd.dollars();
    let status = browser.text("document.getElementById('status').innerText");
    assert!(
        status.contains(&format!("of which {saves} can be saved")),
        "{status}"
    );
    assert!(browser.text("document.body.innerText").contains(&saves));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn paper_says_how_many_secrets_it_leaves_out() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&page(&fixture::report(10_000)).file);
    let note = "getComputedStyle(document.getElementById('printed')).display";
    assert_eq!(
        browser.text(note),
        "none",
        "on the screen there is a button"
    );
    browser.call("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    assert_eq!(browser.text(note), "block");
    assert_eq!(
        browser.text("document.getElementById('printed').innerText"),
        "Printed: the first 100 of 10,000 secrets. The other 9,900 are in secrets.csv."
    );
    browser.call("Emulation.setEmulatedMedia", &json!({"media": ""}));
    choose(&mut browser, "owner", "-");
    let shown = browser.value("document.querySelectorAll('#rows tr').length < 100");
    let hidden = browser.value("document.getElementById('printed').hidden");
    assert_eq!(hidden, shown, "a list that is whole needs no note");
}

#[test]
fn of_too_many_secrets_the_page_holds_those_to_look_at_and_says_where_the_rest_is() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let report = fixture::report(21_000);
    browser.open(&page(&report).file);
    let status = browser.text("document.getElementById('status').innerText");
    let words = "This page holds 20,000 of 21,000 secrets: those to delete, those to review and the most expensive. \
                 All are in secrets.csv.";
    assert!(status.contains(words), "{status}");
    for verdict in [Verdict::Delete, Verdict::Review] {
        click(
            &mut browser,
            &format!("[data-verdict={}]", verdict.as_str()),
        );
        let expect = thousands(report.totals.verdicts[&verdict]);
        assert_eq!(count(&mut browser), format!("{expect} secrets"));
    }
    // A name that stands in the text above opens its own secret.
    let wanted = browser.text("document.querySelector('[data-open] button').innerText");
    click(&mut browser, "[data-open] button");
    assert_eq!(
        browser.text("document.getElementById('secret-h').innerText"),
        wanted
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn pictures_and_fields_have_names() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&page(&fixture::report(100)).file);
    for (what, unnamed) in [
        (
            "pictures",
            "[...document.querySelectorAll('svg')].filter((svg) => svg.ariaHidden !== 'true' && !svg.getAttribute('aria-label')).length",
        ),
        (
            "fields",
            "[...document.querySelectorAll('input, select')].filter((field) => !field.labels.length).length",
        ),
        (
            "buttons",
            "[...document.querySelectorAll('button')].filter((button) => !button.hidden && !button.innerText.trim()).length",
        ),
        (
            "tables",
            "[...document.querySelectorAll('table')].filter((table) => !table.caption && !table.getAttribute('aria-labelledby')).length",
        ),
        (
            "headers",
            "document.querySelectorAll('thead th:not([scope])').length",
        ),
        (
            "sections",
            "[...document.querySelectorAll('section')].filter((part) => !part.getAttribute('aria-label') && !document.getElementById(part.getAttribute('aria-labelledby'))).length",
        ),
        (
            "links",
            "[...document.querySelectorAll('a[href^=\"#\"]')].filter((link) => !document.querySelector(link.getAttribute('href'))).length",
        ),
    ] {
        assert_eq!(browser.value(unnamed), json!(0), "{what} without a name");
    }
}

#[test]
fn without_the_script_the_figures_and_a_word_stand_there() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let report = fixture::report(100);
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": true}),
    );
    browser.open(&page(&report).file);
    let text = browser.text("document.body.innerText");
    for expect in [
        &report.totals.cost.total_usd.dollars(),
        &report.totals.savings_usd.dollars(),
        "secrets.csv",
    ] {
        assert!(text.contains(expect), "{expect}");
    }
    assert_eq!(
        browser.value("document.getElementById('filters').hidden"),
        Value::Bool(true)
    );
}

#[test]
fn an_estimate_has_a_mark_and_tells_its_interval() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let mut report = fixture::report(10);
    let row = &mut report.secrets[0];
    row.name = "sampled/key".to_owned();
    assert!(
        row.readers.len() > 1,
        "one is estimated, the others are counted"
    );
    row.readers[0].estimate = Some(Box::new(Estimate {
        reads: Some(Range {
            low: 77,
            high: 8_888,
        }),
        ..Estimate::default()
    }));
    let usd = row.cost.total_usd.unwrap();
    row.estimate = Some(Box::new(Estimate {
        calls: Range {
            low: 1_000,
            high: 3_000_000,
        },
        cost: CostParts {
            total_usd: Some(Range {
                low: Money(usd.0 / 2),
                high: Money(usd.0 * 2),
            }),
            ..CostParts::default()
        },
        caveats: vec![CaveatRow {
            code: CaveatCode::Rare,
            text: "<b>seen</b> in 3 windows".to_owned(),
        }],
        ..Estimate::default()
    }));
    browser.open(&page(&report).file);
    let shown = "[...document.querySelectorAll('#rows .estimate')]";
    assert_eq!(
        browser.value(&format!("{shown}.length")),
        2,
        "calls and cost"
    );
    assert!(
        browser
            .text(&format!("{shown}[1].innerText"))
            .starts_with("~$")
    );
    let tip = browser.text(&format!("{shown}[0].title"));
    assert!(
        tip.contains("1,000 to 3,000,000") && tip.contains("<b>seen</b> in 3 windows"),
        "{tip}"
    );
    browser.value(
        "[...document.querySelectorAll('#rows .open')].find((one) => one.innerText === 'sampled/key').click()",
    );
    let evidence = browser.text("document.getElementById('secret-body').innerText");
    assert!(
        evidence.contains("1,000 to 3,000,000 calls, with 95 % certainty"),
        "{evidence}"
    );
    let shown = "[...document.querySelectorAll('#secret-body .estimate')]";
    assert_eq!(browser.value(&format!("{shown}.length")), 1, "its reads");
    let tip = browser.text(&format!("{shown}[0].title"));
    assert!(tip.contains("77 to 8,888 with 95 % certainty"), "{tip}");
    assert_eq!(browser.complaints(), [""; 0]);
}
