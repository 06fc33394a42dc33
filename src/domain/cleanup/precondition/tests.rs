//! A precondition reads back for its own secret and plan alone, and each change breaks its own part.

use super::*;
use crate::domain::inventory::secret::Replica;

fn arn() -> SecretArn {
    "arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-AbC123"
        .parse()
        .unwrap()
}

fn secret() -> Secret {
    Secret {
        last_changed: Some("2026-01-02T03:04:05.678Z".parse().unwrap()),
        last_accessed: Some("2026-03-01".parse().unwrap()),
        tags: Tags::from([("team".to_owned(), "a".to_owned())]),
        replicas: Some(vec![replica("eu-west-1")]),
        ..Secret::new(arn())
    }
}

fn replica(region: &str) -> Replica {
    Replica {
        region: region.parse().unwrap(),
        kms_key: None,
        status: None,
        last_accessed: None,
    }
}

fn seal() -> Precondition {
    let secret = secret();
    Precondition {
        planned_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        scanned: 250,
        recovery_days: 30,
        last_changed: secret.last_changed.map(whole_seconds),
        last_accessed: secret.last_accessed,
        tags: tags_digest(&secret.tags),
        replicas: BTreeSet::from(["eu-west-1".parse().unwrap()]),
        key: EncryptionKey::Aws,
        rotation: RotationState::Off,
    }
}

#[test]
fn the_text_reads_back_only_for_its_own_arn_and_plan() {
    let text = seal().text(&arn(), "p1");
    assert_eq!(Precondition::parse(&text, &arn(), "p1"), Ok(seal()));
    let other = arn().in_region(&"eu-west-1".parse().unwrap()).unwrap();
    assert_eq!(
        Precondition::parse(&text, &other, "p1"),
        Err(SealError::Checksum)
    );
    assert_eq!(
        Precondition::parse(&text, &arn(), "p2"),
        Err(SealError::Checksum)
    );
    for (from, to) in [
        ("2026-03-01", "2026-03-02"),
        ("days=30", "days=07"),
        ("of=250", "of=999"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        assert_eq!(
            Precondition::parse(&changed, &arn(), "p1"),
            Err(SealError::Checksum)
        );
    }
    assert_eq!(
        Precondition::parse("", &arn(), "p1"),
        Err(SealError::Part("sum"))
    );
}

#[test]
fn nothing_unknown_stands_for_something_known() {
    let bare = Precondition {
        last_changed: None,
        last_accessed: None,
        replicas: BTreeSet::new(),
        key: EncryptionKey::Customer,
        rotation: RotationState::On,
        ..seal()
    };
    let text = bare.text(&arn(), "p1");
    assert_eq!(Precondition::parse(&text, &arn(), "p1"), Ok(bare));
}

#[test]
fn each_change_breaks_its_own_part() {
    let none = OwnChanges::default();
    assert_eq!(seal().breaks(&secret(), &none), []);
    let part = |change: fn(&mut Secret)| {
        let mut changed = secret();
        change(&mut changed);
        let breaks = seal().breaks(&changed, &none);
        breaks.iter().map(|one| one.part).collect::<Vec<_>>()
    };
    assert_eq!(
        part(|s| s.last_changed = Some(Timestamp::UNIX_EPOCH)),
        ["last changed"]
    );
    assert_eq!(part(|s| s.last_changed = None), ["last changed"]);
    assert_eq!(
        part(|s| s.last_changed = Some("2026-01-02T03:04:05Z".parse().unwrap())),
        [""; 0]
    );
    assert_eq!(part(|s| s.last_accessed = None), ["last read"]);
    assert_eq!(part(|s| s.tags.clear()), ["tags"]);
    assert_eq!(part(|s| s.replicas = None), ["replicas"]);
    assert_eq!(
        part(|s| s.replicas.as_mut().unwrap().push(replica("us-east-1"))),
        ["replicas"]
    );
    assert_eq!(part(|s| s.kms_key = Some("alias/mine".to_owned())), ["key"]);
    assert_eq!(part(|s| s.rotation_enabled = Some(true)), ["rotation"]);
    assert_eq!(part(|s| s.rotation_enabled = Some(false)), [""; 0]);
}

#[test]
fn our_own_tag_and_removed_replicas_break_nothing() {
    let began: Timestamp = "2026-11-02T10:00:00Z".parse().unwrap();
    let mut changed = secret();
    changed.tags.insert("team".to_owned(), "leaving".to_owned());
    changed.replicas = Some(vec![]);
    changed.last_changed = Some("2026-11-02T10:00:01.5Z".parse().unwrap());
    let own = OwnChanges {
        tag: Some(OwnTag {
            key: "team".to_owned(),
            value: "leaving".to_owned(),
            previous: Some("a".to_owned()),
        }),
        removed: BTreeSet::from(["eu-west-1".parse().unwrap()]),
        last_changed: None,
        unsettled: Some(began),
    };
    assert_eq!(seal().breaks(&changed, &own), []);
    let settled = OwnChanges {
        last_changed: changed.last_changed.map(whole_seconds),
        unsettled: None,
        ..own.clone()
    };
    assert_eq!(seal().breaks(&changed, &settled), []);
    changed.last_changed = Some("2026-11-02T11:00:00Z".parse().unwrap());
    for own in [own, settled] {
        assert_eq!(seal().breaks(&changed, &own)[0].part, "last changed");
    }
}

#[test]
fn tags_cannot_be_shifted_between_keys_and_values() {
    let digest = |pairs: &[(&str, &str)]| {
        tags_digest(
            &pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        )
    };
    assert_ne!(digest(&[("ab", "c")]), digest(&[("a", "bc")]));
    assert_eq!(digest(&[]).len(), 12);
}
