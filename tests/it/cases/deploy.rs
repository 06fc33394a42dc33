//! Value reads by deploy tools and scanners: what was read decides, not who read it.

use serde_json::json;

use super::*;

const TOFU: &str = "APN/1.0 OpenTofu/1.0 OpenTofu/1.8.3 (+https://opentofu.org) \
     terraform-provider-aws/5.70.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.31.0";
const ANSIBLE: &str = "APN/1.0 Ansible/2.16.3 amazon.aws/7.6.0 Boto3/1.34.2 md/Botocore#1.34.2 \
     ua/2.0 os/linux#5.10 lang/python#3.11.6";
const PULUMI: &str =
    "APN/1.0 Pulumi/1.0 Pulumi/3.130.0 terraform-provider-aws/6.50.0 aws-sdk-go-v2/1.30.3";
const PROWLER: &str = "Boto3/1.34.2 md/Botocore#1.34.2 APN_1826889/prowler/4.3.0";

/// One read of `x` 21, 50 and 80 days ago, as these make it, beside the secret that nobody uses.
fn reads(call: &Call) -> Scan {
    let days = [21, 50, 80].map(|days| call.clone().days(days));
    world().secret(idle("x").accessed(21)).calls(days).scan()
}

fn by_tool(agent: &str, request: serde_json::Value) -> Call {
    get("x")
        .by(role("deploy-ci", "run"))
        .agent(agent)
        .request(request)
}

#[track_caller]
fn is_use(call: &Call) {
    let scan = reads(call);
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[test]
fn a_cloudformation_dynamic_reference_is_use() {
    is_use(
        &get("x")
            .by(role("github-deploy", "GitHubActions"))
            .invoked_by("cloudformation.amazonaws.com"),
    );
}

#[test]
fn a_dynamic_reference_that_names_the_version_is_use() {
    let request = json!({"secretId": "x", "versionId": "e75a49b6-e07a-4bd9-acd7-510557dfc9b1"});
    is_use(&by_tool(GO, request).invoked_by("cloudformation.amazonaws.com"));
}

#[test]
fn a_terraform_data_source_is_use() {
    is_use(&by_tool(
        TERRAFORM,
        json!({"secretId": "x", "versionStage": "AWSCURRENT"}),
    ));
}

#[test]
fn an_opentofu_data_source_is_use() {
    is_use(&by_tool(
        TOFU,
        json!({"secretId": "x", "versionStage": "AWSCURRENT"}),
    ));
}

#[test]
fn a_terraform_data_source_by_arn_with_a_describe_beside_it_is_use() {
    let read = by_tool(
        TERRAFORM,
        json!({"secretId": idle("x").arn(), "versionStage": "AWSCURRENT"}),
    );
    let describe = describe("x").by(role("deploy-ci", "run")).agent(TERRAFORM);
    let scan = world()
        .secret(idle("x").accessed(21))
        .calls([read.days(21), describe.days(21)])
        .scan();
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[test]
fn a_data_source_beside_the_refresh_of_the_same_role_is_use() {
    let refresh = by_tool(TERRAFORM, json!({"secretId": "x", "versionId": "e75a49b6"}));
    let read = by_tool(
        TERRAFORM,
        json!({"secretId": "x", "versionStage": "AWSCURRENT"}),
    );
    let scan = world()
        .secret(idle("x").accessed(2))
        .calls([refresh.days(2), read.days(60)])
        .scan();
    stays(&scan, "x");
    assert!(!scan.has_reason("x", "maintenance-only"));
}

#[test]
fn an_ansible_lookup_is_use() {
    is_use(&by_tool(ANSIBLE, json!({"secretId": "x"})));
}

#[test]
fn a_pulumi_get_secret_version_is_use() {
    is_use(&by_tool(
        PULUMI,
        json!({"secretId": "x", "versionStage": "AWSCURRENT"}),
    ));
}

#[test]
fn a_custom_resource_of_cdk_is_use() {
    let agent = "aws-sdk-js/3.600.0 ua/2.0 os/linux lang/js md/nodejs#20.12.2 exec-env/AWS_Lambda_nodejs20.x";
    let role = role(
        "ShopStack-AWS679f53fac002430cb0da5b7982bd2287-1ABC",
        "ShopStack-AWS679f53fac002430cb0da",
    );
    is_use(&get("x").by(role).agent(agent));
}

#[test]
fn what_terraform_alone_refreshes_is_managed_by_it() {
    let scan = reads(&by_tool(
        TERRAFORM,
        json!({"secretId": "x", "versionId": "e75a49b6"}),
    ));
    stays_because(&scan, "x", &["iac-managed"]);
    is_judged(&scan, "x", "review");
    goes(&scan, IDLE);
}

#[test]
fn what_opentofu_alone_refreshes_is_managed_by_it() {
    let scan = reads(&by_tool(
        TOFU,
        json!({"secretId": "x", "versionId": "e75a49b6"}),
    ));
    stays_because(&scan, "x", &["iac-managed"]);
    goes(&scan, IDLE);
}

#[test]
fn an_audit_tool_that_reads_a_value_reads_its_own_credential() {
    let agent = "Amazon ECS Agent - v1.88.0 (1a2b3c4d) (linux) (+http://aws.amazon.com/ecs/)";
    is_use(
        &get("x")
            .by(role(
                "cloudquery-task-execution",
                "0123456789abcdef0123456789abcdef",
            ))
            .agent(agent),
    );
}

#[test]
fn a_scanner_by_its_user_agent_that_reads_a_value_uses_it() {
    is_use(&get("x").by(role("audit", "scan")).agent(PROWLER));
}

#[test]
fn a_scanner_by_its_role_that_reads_a_value_uses_it() {
    is_use(&get("x").by(role("prowler-scan", "scan")));
}

#[test]
fn a_scanner_that_only_describes_is_maintenance() {
    let calls = describe("x")
        .by(role("audit", "scan"))
        .agent(PROWLER)
        .days(80)
        .every(DAY, 80);
    let scan = world().secret(idle("x")).calls(calls).scan();
    goes(&scan, "x");
    goes(&scan, IDLE);
}

/// Returns what a rotation function calls for its secret, as AWS's templates do.
fn steps_of_a_rotation(secret: &str) -> [Call; 4] {
    [
        describe(secret),
        get(secret),
        call("PutSecretValue", secret),
        call("UpdateSecretVersionStage", secret),
    ]
}

#[test]
fn a_rotation_function_alone_is_maintenance() {
    let rotator = |call: Call| {
        let lambda = "Boto3/1.34.2 lang/python#3.11 exec-env/AWS_Lambda_python3.11";
        call.by(role("rotation", "rotate-db"))
            .agent(lambda)
            .days(12)
    };
    let scan = world()
        .secret(never("x").accessed(12).rotated_by("rotate-db"))
        .calls(steps_of_a_rotation("x").map(rotator))
        .scan();
    assert_eq!(scan.verdict("x"), "delete: maintenance-only");
}

#[test]
fn a_rotation_function_of_a_central_account_is_maintenance() {
    let central = "999988887777";
    let function = "arn:aws:lambda:us-east-1:999988887777:function:rotate-rds";
    let rotator = |call: Call| {
        call.by(role_of(central, "central-rotation", "rotate-rds"))
            .days(12)
    };
    let scan = world()
        .secret(
            never("x")
                .accessed(12)
                .set("RotationEnabled", json!(true))
                .set("RotationLambdaARN", json!(function)),
        )
        .calls(steps_of_a_rotation("x").map(rotator))
        .scan();
    goes(&scan, "x");
}

/// An application whose own name holds the name of a tool.
#[track_caller]
fn is_an_application(agent: &str, role_name: &str) {
    let own = |call: Call| call.by(role(role_name, "i-0123456789abcdef0")).agent(agent);
    is_use(&own(get("x")));
    let refreshes = own(describe("x")).days(80).every(HOUR * 6, 320);
    let scan = world().secret(idle("x")).calls(refreshes).scan();
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[test]
fn a_module_registry_is_no_terraform() {
    is_an_application(&format!("{GO} app/terraform-registry"), "registry-task");
}

#[test]
fn a_map_service_is_no_cartography() {
    is_an_application(&format!("{GO} app/cartography-maps"), "maps");
}

#[test]
fn an_order_service_called_redlock_is_no_scanner() {
    is_an_application(&format!("{GO} app/redlock-orders"), "orders");
}

#[test]
fn the_backend_of_a_dashboard_is_no_steampipe() {
    is_an_application(GO, "steampipe-dashboard-backend");
}

#[test]
fn a_program_in_an_agent_of_terraform_cloud_is_no_terraform() {
    is_an_application(&format!("{GO} exec-env/terraform-cloud-agent"), "build");
}

#[test]
fn a_hash_that_holds_c7n_is_no_custodian() {
    is_an_application(&format!("{GO} app/img-9ac7n41"), "images");
}
