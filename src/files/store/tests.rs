//! Writing a scan and reading it again: what is replaced, what is refused, and who may read it.

use super::*;

fn scan(content: &str) -> Vec<(&'static str, WriteContent<'_>)> {
    vec![
        (REPORT, Box::new(move |out| write!(out, "{content}"))),
        (
            "secrets.csv",
            Box::new(move |out| write!(out, "of {content}")),
        ),
    ]
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

fn read(path: &Path) -> Result<String, StoreError> {
    read_report(path, |bytes| String::from_utf8(bytes.to_vec()))
}

#[test]
fn another_scan_is_not_replaced_unless_asked() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("reports/2026-11-01");
    write(&folder, &scan("one"), Overwrite::No).unwrap();
    write(&folder, &scan("one"), Overwrite::No).unwrap();

    let error = write(&folder, &scan("two"), Overwrite::No).unwrap_err();
    assert!(matches!(error, StoreError::Taken { .. }));
    assert!(error.to_string().contains("2026-11-01"), "{error}");
    for way_out in ["--out", "--overwrite"] {
        assert!(error.help().unwrap().contains(way_out), "{error}");
    }
    assert_eq!(text(&folder, "secrets.csv"), "of one");

    write(&folder, &scan("two"), Overwrite::Yes).unwrap();
    assert_eq!(text(&folder, REPORT), "two");
    assert_eq!(text(&folder, "secrets.csv"), "of two");
}

#[test]
fn a_bad_folder_is_refused_before_the_work() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("reports");
    prepare(&folder, Overwrite::No).unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);

    write(&folder, &scan("one"), Overwrite::No).unwrap();
    let error = prepare(&folder, Overwrite::No).unwrap_err();
    assert!(matches!(error, StoreError::Taken { .. }));
    prepare(&folder, Overwrite::Yes).unwrap();
    assert_eq!(text(&folder, REPORT), "one");

    let error = prepare(&folder.join("report.json/deeper"), Overwrite::No).unwrap_err();
    assert!(matches!(error, StoreError::Create { .. }), "{error}");
}

#[test]
fn other_files_are_left_alone_and_nothing_temporary_stays() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("notes.md"), "mine").unwrap();
    let paths = write(root.path(), &scan("one"), Overwrite::No).unwrap();
    assert_eq!(
        paths,
        [root.path().join(REPORT), root.path().join("secrets.csv")]
    );
    let entries = fs::read_dir(root.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["notes.md", REPORT, "secrets.csv"]);
    assert_eq!(text(root.path(), "notes.md"), "mine");
}

#[test]
fn further_renderings_go_beside_the_scan() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &scan("one"), Overwrite::No).unwrap();
    let page: [(_, WriteContent<'_>); 1] = [("report.html", Box::new(|out| write!(out, "page")))];
    write(root.path(), &page, Overwrite::No).unwrap();
    assert_eq!(text(root.path(), REPORT), "one");
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;

    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("reports");
    write(&folder, &scan("one"), Overwrite::No).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(REPORT)), 0o600);
    assert_eq!(mode(&folder.join("secrets.csv")), 0o600);
}

#[cfg(unix)]
#[test]
fn a_link_is_replaced_and_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("elsewhere");
    fs::write(&target, "theirs").unwrap();
    let folder = root.path().join("reports");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&target, folder.join("secrets.csv")).unwrap();
    write(&folder, &scan("one"), Overwrite::No).unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "theirs");
    assert_eq!(text(&folder, "secrets.csv"), "of one");
}

#[test]
fn a_scan_is_read_by_its_folder_or_its_file() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &scan("one"), Overwrite::No).unwrap();
    assert_eq!(read(root.path()).unwrap(), "one");
    assert_eq!(read(&root.path().join(REPORT)).unwrap(), "one");
}

#[test]
fn errors_name_the_file_and_the_way_out() {
    let root = tempfile::tempdir().unwrap();
    let message = |path: &Path| read(path).unwrap_err().to_string();
    let missing = read(&root.path().join("nowhere")).unwrap_err();
    assert!(missing.to_string().contains("nowhere"), "{missing}");
    assert!(
        missing.help().unwrap().contains("secretsweep scan"),
        "{missing}"
    );

    fs::write(root.path().join(REPORT), [0xff]).unwrap();
    let broken = message(root.path());
    assert!(
        broken.contains(REPORT) && broken.contains("utf-8"),
        "{broken}"
    );

    fs::write(root.path().join("file"), "").unwrap();
    let error = write(
        &root.path().join("file/reports"),
        &scan("one"),
        Overwrite::Yes,
    )
    .unwrap_err();
    assert!(error.to_string().contains("file/reports"), "{error}");
}
