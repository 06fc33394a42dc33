//! What the AWS CLI prints, whole, in pages and damaged.

use super::*;

const ARN: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbC123";

fn check(text: &str) -> InventoryFiles {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inventory.json");
    std::fs::write(&path, text).unwrap();
    read(&[path])
}

#[test]
fn every_form_that_the_cli_prints_is_read() {
    let entry = format!(
        r#"{{"ARN":"{ARN}","Name":"db","SecretVersionsToStages":{{}},"Unknown":{{"x":1}}}}"#
    );
    for text in [
        format!(r#"{{"SecretList":[{entry}]}}"#),
        format!(r#"{{"SecretList":[],"NextToken":"t"}}{{"SecretList":[{entry}]}}"#),
        format!("[{entry}]"),
        format!("[{{\"SecretList\":[{entry}]}}]"),
        entry.clone(),
        format!("\u{feff}{entry}\n{entry}"),
    ] {
        let found = check(&text);
        assert_eq!(found.secrets.len(), 1, "{text}");
        assert_eq!(found.gaps, [], "{text}");
        assert_eq!(found.secrets[0].rotation_enabled, None);
    }
}

#[test]
fn dates_come_with_any_offset_or_as_numbers() {
    for (date, day) in [
        (r#""2026-10-01T02:00:00+02:00""#, "2026-10-01"),
        (r#""2026-09-30T19:00:00.000000-05:00""#, "2026-10-01"),
        (r#""2026-10-01T00:00:00Z""#, "2026-10-01"),
        (r#""2026-10-01""#, "2026-10-01"),
        ("1790812800", "2026-10-01"),
        ("1790812800.5", "2026-10-01"),
        ("1.7908128E9", "2026-10-01"),
    ] {
        let found = check(&format!(r#"{{"ARN":"{ARN}","LastAccessedDate":{date}}}"#));
        assert_eq!(found.gaps, [], "{date}");
        assert_eq!(
            found.secrets[0].last_accessed.unwrap().to_string(),
            day,
            "{date}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let other = ARN.replace("db", "other");
    for (bad, why) in [
        (r#"{"ARN":"nonsense"}"#, "not the ARN of a secret"),
        (r#"{"Name":"db"}"#, "missing field `ARN`"),
        (
            &format!(r#"{{"ARN":"{ARN}","LastAccessedDate":"soon"}}"#),
            "`soon` is not a date",
        ),
        (&format!(r#"{{"ARN":"{ARN}","CreatedDate":1e300}}"#), ""),
        ("7", "invalid type"),
    ] {
        let found = check(&format!(
            r#"{{"SecretList":[{bad},{{"ARN":"{other}","SecretVersionsToStages":{{}}}}]}}"#
        ));
        assert_eq!(found.secrets.len(), 1, "{bad}");
        assert!(
            found.gaps[0].what.contains("entry 1"),
            "{bad}: {:?}",
            found.gaps
        );
        assert!(found.gaps[0].why.contains(why), "{bad}: {:?}", found.gaps);
    }
}

#[test]
fn a_foreign_broken_or_missing_file_is_a_gap() {
    for text in [
        "",
        "{}",
        "hello",
        r#"{"SecretList":7}"#,
        r#"{"SecretList":[{"ARN":"#,
        "\u{1f}\u{8b}",
    ] {
        let found = check(text);
        assert_eq!(found.gaps.len(), 1, "{text}");
    }
    assert_eq!(read(&[PathBuf::from("does/not/exist.json")]).gaps.len(), 1);
}

#[test]
fn a_list_that_was_cut_off_is_a_gap() {
    let found = check(&format!(
        r#"{{"SecretList":[{{"ARN":"{ARN}","SecretVersionsToStages":{{}}}}],"NextToken":"more"}}"#
    ));
    assert_eq!(found.gaps[0].what, "the list of secrets is not whole");
}

#[test]
fn a_list_that_ends_in_an_empty_page_is_whole() {
    let page = format!(
        r#"{{"SecretList":[{{"ARN":"{ARN}","SecretVersionsToStages":{{}}}}],"NextToken":"more"}}"#
    );
    let other = ARN.replace("us-east-1", "eu-west-1");
    let other = format!(r#"{{"SecretList":[{{"ARN":"{other}","SecretVersionsToStages":{{}}}}]}}"#);
    let (empty, going_on) = (
        r#"{"SecretList":[]}"#,
        r#"{"SecretList":[],"NextToken":"x"}"#,
    );
    let cases = [
        (format!("{page}{empty}"), 0),
        (format!("{page}{going_on}{empty}"), 0),
        (format!("[{page},{empty}]"), 0),
        (format!("{page}{going_on}"), 1),
        (format!("{empty}{page}"), 1),
        (format!("{page}{other}{empty}"), 1),
        (format!("[{page},{other}]"), 1),
        (format!("{page}[]"), 1),
    ];
    for (text, gaps) in cases {
        let found = check(&text);
        assert_eq!(found.gaps.len(), gaps, "{text}: {:?}", found.gaps);
    }
}

#[test]
fn an_empty_list_in_another_file_ends_no_list() {
    let folder = tempfile::tempdir().unwrap();
    let page = format!(
        r#"{{"SecretList":[{{"ARN":"{ARN}","SecretVersionsToStages":{{}}}}],"NextToken":"more"}}"#
    );
    std::fs::write(folder.path().join("a.json"), page).unwrap();
    std::fs::write(folder.path().join("b.json"), r#"{"SecretList":[]}"#).unwrap();
    let found = read(&[folder.path().to_owned()]);
    assert_eq!(found.gaps.len(), 1, "it may be that of another account");
}

#[test]
fn the_same_file_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    std::fs::write(
        &path,
        format!(r#"{{"ARN":"{ARN}","SecretVersionsToStages":{{}}}}"#),
    )
    .unwrap();
    let found = read(&[path.clone(), folder.path().to_owned(), path]);
    assert_eq!(
        (found.secrets.len(), found.files, found.gaps.len()),
        (1, 1, 0)
    );
}

#[test]
fn versions_add_the_current_one_to_their_secret() {
    let versions = format!(
        r#"{{"ARN":"{ARN}","Versions":[{{"VersionStages":["AWSPREVIOUS"],"LastAccessedDate":1790812800}},
            {{"VersionStages":["AWSCURRENT"],"CreatedDate":"2026-10-01T02:00:00Z"}},{{}}]}}"#
    );
    let list = format!(r#"{{"SecretList":[{{"ARN":"{ARN}","SecretVersionsToStages":{{}}}}]}}"#);
    let expected = CurrentVersion {
        created: Some("2026-10-01T02:00:00Z".parse().unwrap()),
        last_accessed: None,
    };
    for text in [format!("{versions}{list}"), format!("{list}{versions}")] {
        let found = check(&text);
        assert_eq!(found.gaps, []);
        assert_eq!(found.secrets[0].current.as_deref(), Some(&expected));
    }
    let rest = format!(r#"{{"ARN":"{ARN}","Versions":[{{"VersionStages":["AWSPREVIOUS"]}}]}}"#);
    for text in [
        format!("{list}{versions}{rest}"),
        format!("{list}{rest}{versions}"),
    ] {
        let found = check(&text);
        let current = found.secrets[0].current.as_deref();
        assert_eq!(current, Some(&expected), "it stands on one of two pages");
    }
    let found = check(&versions);
    assert_eq!(
        (found.secrets.len(), found.gaps.len()),
        (0, 1),
        "no secret by versions alone"
    );
    assert!(
        check(&versions.replace("02:00", "o'clock")).gaps[0]
            .why
            .contains("not a date")
    );
}

#[test]
fn a_describe_adds_the_replicas_to_a_list() {
    let found = check(&format!(
        r#"[{{"ARN":"{ARN}","SecretVersionsToStages":{{}},"PrimaryRegion":"us-east-1","Tags":[{{"Key":"a","Value":"b"}},{{"Key":"c"}}]}},
           {{"ARN":"{ARN}","ReplicationStatus":[{{"Region":"eu-west-1","LastAccessedDate":1790812800}}]}}]"#
    ));
    let secret = &found.secrets[0];
    assert_eq!(secret.tags.len(), 2);
    assert_eq!(
        secret.replicas.as_ref().unwrap()[0].region.as_str(),
        "eu-west-1"
    );
    assert!(secret.primary_region.is_some());
}
