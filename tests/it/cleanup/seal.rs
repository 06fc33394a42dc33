//! What the plan does not have of a secret refuses its line, although `LastChangedDate` and the event history show nothing.

use super::binary_fixture::{A, EAST, Ended, Ground, idle, world};
use crate::aws::world::Secret;

const GRANT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow",
    "Principal":{"AWS":"arn:aws:iam::444455556666:role/partner"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}"#;

/// Describes what somebody does to a secret.
type Change = fn(&mut Secret);

/// Applies a plan of two secrets of which one was changed since.
fn after(change: impl FnOnce(&mut Secret)) -> (Ground, Ended) {
    let ground = Ground::new(world().secret(idle("a")).secret(idle("b")), &["a", "b"]);
    change(ground.aws.world().named(A, EAST, "a"));
    let ended = ground.execute(&[]);
    (ground, ended)
}

fn deletions(ground: &Ground) -> usize {
    ground.aws.calls_of("secretsmanager", "DeleteSecret").len()
}

#[test]
fn a_grant_to_another_account_a_rotation_and_a_replica_in_another_account_refuse() {
    let changes: [(Change, &[&str]); 4] = [
        (
            |secret| secret.resource_policy = Some(GRANT.to_owned()),
            &[
                "from outside of the account 111122223333",
                "444455556666:role/partner",
            ],
        ),
        (
            |secret| secret.resource_policy = Some("{}".to_owned()),
            &["its resource policy is not understood"],
        ),
        (
            |secret| secret.rotation_enabled = Some(true),
            &["rotation: off in the plan, on now"],
        ),
        (
            |secret| secret.cross_account_replica = Some("444455556666".to_owned()),
            &["CrossAccountReplicas"],
        ),
    ];
    for (change, words) in changes {
        let (ground, ended) = after(change);
        let said = ended.expect(3).said();
        assert!(said.contains("1 deleted, 1 refused"), "{said}");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert_eq!(deletions(&ground), 1, "{said}");
    }
}

#[test]
fn a_policy_for_the_own_account_refuses_nothing() {
    let own = GRANT.replace("444455556666", A);
    let (ground, ended) = after(|secret| secret.resource_policy = Some(own));
    let said = ended.expect(0).said();
    assert_eq!(deletions(&ground), 2, "{said}");
}

#[test]
fn a_policy_that_may_not_be_read_stops_its_line() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    ground
        .aws
        .inject(crate::aws::Fault::denied().on("secretsmanager", "GetResourcePolicy"));
    let said = ground.execute(&[]).expect(1).said();
    assert!(
        said.contains("secretsmanager:GetResourcePolicy is missing"),
        "{said}"
    );
    assert_eq!(deletions(&ground), 0, "{said}");
}
