//! Identity, accounts, Regions: whose credentials act where.

use super::*;

#[tokio::test]
async fn roles_are_assumed_by_those_who_may_and_act_in_their_account() {
    let world = World::new(A)
        .account(Account::new(B, "member"))
        .account(Account::new("777788889999", "closed").status(Status::Suspended))
        .role(B, "audit", Some("ext-1"))
        .role("777788889999", "audit", None)
        .secret(Secret::new(B, EAST, "theirs"));
    let aws = Aws::start(world);
    let client = aws_sdk_sts::Client::new(&config(&aws, A, EAST).await);
    let me = client.get_caller_identity().send().await.unwrap();
    assert_eq!(me.account(), Some(A));

    let assume = |account: &str, name: &str| {
        client
            .assume_role()
            .role_arn(format!("arn:aws:iam::{account}:role/path/{name}"))
            .role_session_name("it")
    };
    for (account, name) in [(B, "audit"), (B, "other"), ("777788889999", "audit")] {
        let refused = assume(account, name).send().await;
        assert_eq!(code(refused), "AccessDenied", "{account} {name}");
    }
    let granted = assume(B, "audit")
        .external_id("ext-1")
        .send()
        .await
        .unwrap()
        .credentials
        .unwrap();
    assert!(granted.expiration().secs() > jiff::Timestamp::now().as_second());
    let token = Some(granted.session_token().to_owned());
    let credentials = Credentials::new(
        granted.access_key_id(),
        granted.secret_access_key(),
        token,
        None,
        "test",
    );
    let theirs = config_with(&aws, EAST, credentials).await;
    let who = aws_sdk_sts::Client::new(&theirs)
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(
        who.arn(),
        Some(format!("arn:aws:sts::{B}:assumed-role/audit/it").as_str())
    );
    let vault = aws_sdk_secretsmanager::Client::new(&theirs);
    assert_eq!(
        vault
            .list_secrets()
            .send()
            .await
            .unwrap()
            .secret_list()
            .len(),
        1
    );
    assert_eq!(aws.calls().last().unwrap().account, B);
    aws.expire_sessions();
    assert_eq!(
        code(vault.list_secrets().send().await),
        "ExpiredTokenException"
    );
    assert_eq!(
        code(
            aws_sdk_sts::Client::new(&theirs)
                .get_caller_identity()
                .send()
                .await
        ),
        "ExpiredToken"
    );
    let stranger = Credentials::new("AKIANOBODY", "x", None, None, "test");
    let stranger = aws_sdk_sts::Client::new(&config_with(&aws, EAST, stranger).await);
    assert_eq!(
        code(stranger.get_caller_identity().send().await),
        "InvalidClientTokenId"
    );
}

#[tokio::test]
async fn accounts_are_listed_to_the_management_account_in_pages_of_twenty() {
    let mut world = World::new(A)
        .account(Account::new(B, "alone").outside())
        .organization(A);
    for number in 1..45 {
        world = world.account(
            Account::new(&format!("2000000000{number:02}"), &format!("team {number}"))
                .status(Status::Suspended),
        );
    }
    let aws = Aws::start(world);
    let client = aws_sdk_organizations::Client::new(&config(&aws, A, EAST).await);
    let mut pages = client.list_accounts().into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().accounts().len());
    }
    assert_eq!(sizes, [20, 20, 5]);
    let organization = client
        .describe_organization()
        .send()
        .await
        .unwrap()
        .organization
        .unwrap();
    assert_eq!(organization.master_account_id(), Some(A));
    let member = aws_sdk_organizations::Client::new(&config(&aws, "200000000001", EAST).await);
    assert_eq!(
        code(member.list_accounts().send().await),
        "AccessDeniedException"
    );
    aws.world()
        .organization
        .as_mut()
        .unwrap()
        .delegated
        .push("200000000001".to_owned());
    member.list_accounts().send().await.unwrap();
    let alone = aws_sdk_organizations::Client::new(&config(&aws, B, EAST).await);
    assert_eq!(
        code(alone.describe_organization().send().await),
        "AWSOrganizationsNotInUseException"
    );
    assert_eq!(
        code(client.list_accounts().max_results(21).send().await),
        "InvalidInputException"
    );
}

#[tokio::test]
async fn regions_are_listed_and_closed_ones_refuse() {
    let account = Account::new(A, "main")
        .region(WEST, Opt::Enabled)
        .region("ap-east-1", Opt::Disabled);
    let aws = Aws::start(
        World::new(A)
            .account(account)
            .account(Account::new(B, "member"))
            .organization(A),
    );
    let client = aws_sdk_account::Client::new(&config(&aws, A, EAST).await);
    let first = client.list_regions().max_results(2).send().await.unwrap();
    assert_eq!(first.regions()[0].region_name(), Some("ap-east-1"));
    assert_eq!(
        first.regions()[0].region_opt_status(),
        Some(&RegionOptStatus::Disabled)
    );
    let second = client
        .list_regions()
        .max_results(2)
        .set_next_token(first.next_token)
        .send()
        .await
        .unwrap();
    assert_eq!(
        second.regions()[0].region_opt_status(),
        Some(&RegionOptStatus::EnabledByDefault)
    );
    let enabled = client
        .list_regions()
        .region_opt_status_contains(RegionOptStatus::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(enabled.regions().len(), 1);
    assert_eq!(
        client
            .list_regions()
            .account_id(B)
            .send()
            .await
            .unwrap()
            .regions()
            .len(),
        1
    );
    assert_eq!(
        code(client.list_regions().account_id(A).send().await),
        "AccessDeniedException"
    );
    assert_eq!(
        code(client.list_regions().max_results(51).send().await),
        "ValidationException"
    );
    for closed in ["ap-east-1", "xx-none-1"] {
        let vault = vault(&aws, A, closed).await;
        assert_eq!(
            code(vault.list_secrets().send().await),
            "UnrecognizedClientException"
        );
    }
}
