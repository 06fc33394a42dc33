//! Who may read, in a world: identities, keys, and the policies of the organization.

use serde_json::{Value, json};

use super::World;
use crate::aws::Fault;

/// A policy of the organization.
pub struct Control {
    /// Such as `p-aaaa1111`.
    pub id: String,
    /// Such as `DenyElsewhere`.
    pub name: String,
    /// `SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`.
    pub kind: &'static str,
    /// The document.
    pub content: Value,
    /// The ids of roots, units and accounts that it is attached to.
    pub targets: Vec<String>,
}

/// A policy document with one statement that allows this on these resources.
pub fn allows(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Only", "Effect": "Allow", "Action": action, "Resource": resource}
    ]})
}

impl World {
    /// Adds a role that a service of AWS assumes, with an inline policy.
    pub fn reader(mut self, account: &str, name: &str, policy: &Value) -> Self {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"}
        }]});
        let role = json!({
            "Path": "/", "RoleName": name, "RoleId": format!("AROA{}", name.to_uppercase()),
            "Arn": format!("arn:aws:iam::{account}:role/{name}"),
            "CreateDate": "2024-01-01T00:00:00Z",
            "AssumeRolePolicyDocument": trust,
            "InstanceProfileList": [],
            "RolePolicyList": [{"PolicyName": "inline", "PolicyDocument": policy}],
            "AttachedManagedPolicies": [],
            "Tags": [],
        });
        self.identity(account, "RoleDetailList", role);
        self
    }

    /// Adds an entry to a list of `GetAccountAuthorizationDetails`, as `aws` prints it.
    pub fn identity(&mut self, account: &str, list: &str, entry: Value) {
        let of_account = self.identities.entry(account.to_owned()).or_default();
        of_account.push((list.to_owned(), entry));
    }

    /// Adds a customer-managed key, by its ARN.
    pub fn key(mut self, arn: &str, policy: Value) -> Self {
        self.keys.insert(arn.to_owned(), policy);
        self
    }

    /// Places an account or unit below a unit or the root.
    pub fn below(mut self, child: &str, parent: &str) -> Self {
        self.parents.insert(child.to_owned(), parent.to_owned());
        self
    }

    /// Adds a policy of the organization.
    pub fn control(mut self, control: Control) -> Self {
        self.controls.push(control);
        self
    }

    /// Adds a fault, if there is one.
    pub fn faults_of(&mut self, fault: Option<Fault>) {
        self.faults.extend(fault);
    }
}
