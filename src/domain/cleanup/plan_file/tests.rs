//! Tests of [`super`]: tables of data, and the laws.

use proptest::prelude::*;

use super::*;
use crate::domain::cleanup::plan::draft;
use crate::domain::cleanup::plan::tests::{everything, report, row};

fn plan() -> Plan {
    let mut dear = row("app/b");
    dear.replicas = vec!["eu-west-1".parse().unwrap(), "us-east-1".parse().unwrap()];
    dear.last_accessed = Some("2026-03-01".parse().unwrap());
    dear.last_consumer_read = Some("2026-03-01T10:00:00Z".parse().unwrap());
    draft(
        &report(vec![row("app/a"), dear, row("=1+1")]),
        &everything(),
    )
    .plan
}

fn file() -> String {
    String::from_utf8(write(&plan(), plan().planned_at).unwrap()).unwrap()
}

fn wrong(text: &str) -> String {
    read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_plan_is_written_with_exactly_its_columns_and_reads_back() {
    insta::assert_snapshot!(file(), @r"
    decision,arn,name,account_id,region,reasons,last_accessed_on,last_consumer_read,evidence_days,saves_usd_month,recovery_days,name_blocked_until,replicas,seal,planned_at,plan_id
    delete,arn:aws:secretsmanager:eu-central-1:111122223333:secret:=1+1-AbC123,'=1+1,111122223333,eu-central-1,never-read,,,90,0.400000,30,2026-12-01,,v2;at=2026-11-01T06:00:00Z;of=3;days=30;lc=2026-01-02T03:04:05Z;la=-;tags=e3b0c44298fc;rep=-;key=aws;rot=off;sum=75b6b565807d,2026-11-01T06:00:00Z,p20261101-72958944d98b
    delete,arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/a-AbC123,app/a,111122223333,eu-central-1,never-read,,,90,0.400000,30,2026-12-01,,v2;at=2026-11-01T06:00:00Z;of=3;days=30;lc=2026-01-02T03:04:05Z;la=-;tags=e3b0c44298fc;rep=-;key=aws;rot=off;sum=5fd1f1d0a8e8,2026-11-01T06:00:00Z,p20261101-72958944d98b
    delete,arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/b-AbC123,app/b,111122223333,eu-central-1,never-read,2026-03-01,2026-03-01T10:00:00Z,90,0.400000,30,2026-12-01,eu-west-1 us-east-1,v2;at=2026-11-01T06:00:00Z;of=3;days=30;lc=2026-01-02T03:04:05Z;la=2026-03-01;tags=e3b0c44298fc;rep=eu-west-1+us-east-1;key=aws;rot=off;sum=d64c4ec9d764,2026-11-01T06:00:00Z,p20261101-72958944d98b
    ");
    assert_eq!(read(file().as_bytes()), Ok(Some(plan())));
}

/// Each of these is the same plan as a spreadsheet or an editor may save it.
#[test]
fn what_a_spreadsheet_does_changes_nothing() {
    let rows: Vec<Vec<String>> = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(file().as_bytes())
        .into_records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let save = |rows: &[Vec<String>], delimiter: u8, quotes: csv::QuoteStyle| {
        let mut writer = WriterBuilder::new()
            .delimiter(delimiter)
            .quote_style(quotes)
            .terminator(Terminator::CRLF)
            .from_writer(Vec::new());
        for row in rows {
            writer.write_record(row).unwrap();
        }
        writer.into_inner().unwrap()
    };
    for delimiter in [b',', b';', b'\t'] {
        for quotes in [csv::QuoteStyle::Always, csv::QuoteStyle::Necessary] {
            let saved = save(&rows, delimiter, quotes);
            assert_eq!(read(&saved), Ok(Some(plan())));
            let marked = [b"\xEF\xBB\xBF", saved.as_slice()].concat();
            assert_eq!(read(&marked), Ok(Some(plan())));
            let excel = [b"sep=", &[delimiter][..], b"\r\n", &saved, b"\r\n"].concat();
            assert_eq!(read(&excel), Ok(Some(plan())));
        }
    }

    let mut mangled = rows.clone();
    for row in &mut mangled {
        row.reverse();
        row.insert(0, "a note of mine".to_owned());
    }
    mangled.push(vec![String::new(); 17]);
    assert_eq!(
        read(&save(&mangled, b',', csv::QuoteStyle::Necessary)),
        Ok(Some(plan()))
    );

    let only_needed: Vec<Vec<String>> = rows
        .iter()
        .map(|row| [15, 13, 1, 0].map(|column| row[column].clone()).to_vec())
        .collect();
    let read_back = read(&save(&only_needed, b';', csv::QuoteStyle::Necessary))
        .unwrap()
        .unwrap();
    let seals = |plan: &Plan| {
        plan.lines
            .iter()
            .map(|line| line.seal.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(seals(&read_back), seals(&plan()));

    let text = file()
        .replace(",111122223333,", ",1.11122E+11,")
        .replace("0.400000", "$0,40")
        .replace(",30,", ",30.0,")
        .replace(",app/b,", ",Jan-24,")
        .replace("2026-12-01,", "01.12.2026,");
    let text = text.replace("0,40", "\"0,40\"").replace("$\"", "\"$");
    assert_eq!(read(text.as_bytes()), Ok(Some(plan())));
}

#[test]
fn deleting_a_line_or_writing_keep_is_safe() {
    let fewer: Vec<&str> = file()
        .leak()
        .lines()
        .filter(|line| !line.contains("app/a"))
        .collect();
    let fewer = read(fewer.join("\n").as_bytes()).unwrap().unwrap();
    assert_eq!(fewer.to_delete().count(), 2);
    assert_eq!((fewer.id.as_str(), fewer.scanned), (plan().id.as_str(), 3));
    for keep in ["keep", "KEEP ", "Keep", "\" keep\""] {
        let text = file().replacen("\ndelete", &format!("\n{keep}"), 1);
        let kept = read(text.as_bytes()).unwrap().unwrap();
        assert_eq!(
            (kept.to_delete().count(), kept.lines.len()),
            (2, 3),
            "{keep}"
        );
    }
    let header = file().lines().next().unwrap().to_owned();
    assert_eq!(read(header.as_bytes()), Ok(None));
}

#[test]
fn what_cannot_be_meant_is_an_error_that_names_its_line() {
    let first = file().lines().nth(1).unwrap().to_owned();
    let id = plan().id;
    for (text, says) in [
        (
            file().replacen("\ndelete", "\nmaybe", 1),
            "line 2: the decision `maybe`",
        ),
        (
            file().replacen("\ndelete", "\n", 1),
            "line 2: the decision is empty",
        ),
        (
            file().replace(
                "lc=2026-01-02T03:04:05Z;la=2026-03-01",
                "lc=2026-01-02T03:04:05Z;la=2026-03-02",
            ),
            "line 4: the seal does not fit",
        ),
        (
            file().replacen("app/a-AbC123", "app/c-AbC123", 1),
            "line 3: the seal does not fit",
        ),
        (
            file().replacen("app/a-AbC123", "app/a", 1),
            "is not the ARN of a secret",
        ),
        (
            file().replacen(&id, "p20261101-000000000000", 1),
            "line 2: the seal does not fit",
        ),
        (
            file().replacen(",30,", ",7,", 1),
            "line 2: recovery_days is `7`",
        ),
        (
            file().replace(",eu-west-1 us-east-1,", ",eu-west-1,"),
            "line 4: the replicas are not",
        ),
        (
            file().replace(",app/b,", ",app/a,"),
            "line 4: the name `app/a` is that of another line",
        ),
        (
            format!("{}{first}\n", file()),
            "line 5: arn:aws:secretsmanager:eu-central-1:111122223333:secret:=1+1-AbC123 is already in line 2",
        ),
        (
            file().replacen("plan_id", "plan", 1),
            "no single column `plan_id`",
        ),
        (
            file().replacen("name,", "arn,", 1),
            "no single column `arn`",
        ),
        (String::new(), "no single column `decision`"),
    ] {
        let error = wrong(&text);
        assert!(error.contains(says), "{says}\n{error}");
    }
    assert_eq!(read(b"\xFF\xFEd\0"), Err(PlanFileError::Utf16));
    let all = wrong(&file().replace("\ndelete", "\ndrop"));
    assert_eq!(all.lines().count(), 3);
}

#[test]
fn a_line_of_another_plan_is_found() {
    let other = draft(&report(vec![row("other")]), &everything()).plan;
    let other = String::from_utf8(write(&other, other.planned_at).unwrap()).unwrap();
    let line = other.lines().nth(1).unwrap();
    assert!(wrong(&format!("{}{line}\n", file())).contains("line 5: it belongs to plan"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = read(&[file().as_bytes(), bytes.as_slice()].concat());
    }

    #[test]
    fn a_damaged_plan_is_an_error_or_says_no_more_than_the_plan(offset in 0_usize..1_200, byte in any::<u8>()) {
        let mut bytes = file().into_bytes();
        let offset = offset % bytes.len();
        bytes[offset] = byte;
        if let Ok(Some(read)) = read(&bytes) {
            for line in read.to_delete() {
                let planned = plan().lines.into_iter().find(|one| one.arn == line.arn);
                prop_assert_eq!(planned.map(|one| one.seal), Some(line.seal.clone()));
            }
        }
    }
}

#[test]
fn decisions_are_written_into_the_file_as_it_is() {
    let plan = plan();
    let changed = plan.lines[1].arn.clone();
    let decisions = BTreeMap::from([(changed.clone(), Decision::Keep)]);
    let file = file();
    let new = with_decisions(file.as_bytes(), &decisions).unwrap();
    let expect = file.replacen(
        &format!("delete,{changed},"),
        &format!("keep,{changed},"),
        1,
    );
    assert_eq!(String::from_utf8(new).unwrap(), expect);
    // What a spreadsheet and a reviewer left stays.
    let mut theirs = String::new();
    for (index, line) in file.lines().enumerate() {
        let remark = if index == 0 {
            "remark"
        } else {
            "ask; the team"
        };
        theirs += &line.replace("delete,", "DELETE ,");
        theirs += ",\"";
        theirs += remark;
        theirs += "\"\r\n";
    }
    let theirs = format!("\u{feff}{theirs}");
    let new = String::from_utf8(with_decisions(theirs.as_bytes(), &decisions).unwrap()).unwrap();
    assert!(
        new.starts_with('\u{feff}') && new.contains("ask; the team\r\n"),
        "{new}"
    );
    assert_eq!(new.matches("DELETE ,").count(), 2, "{new}");
    let read = read(new.as_bytes()).unwrap().unwrap();
    let kept = read
        .lines
        .iter()
        .filter(|line| line.decision == Decision::Keep);
    assert_eq!(kept.map(|line| &line.arn).collect::<Vec<_>>(), [&changed]);
    assert!(with_decisions(b"no plan", &decisions).is_err());
}
