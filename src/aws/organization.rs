//! The organization: its accounts, and its policies that limit what accounts may do.
//!
//! The policies are those of the two kinds that decide about access, with their targets, and the way from each account up
//! to the root. A member account may ask for none of them; that is a sentence and no gap, because the caller asked for what
//! may be read where AWS allows it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::AwsSession;
use super::operation::ServiceOperation;
use super::services::ORGANIZATIONS;
use crate::domain::base::gap::Gap;
use crate::domain::base::names::AccountId;
use crate::ports::{Fault, IamSink, ProgressEvent, ProgressSink};

/// The actions of AWS that this adapter calls.
pub const ACTIONS: &[&str] = &[
    "organizations:DescribeOrganization",
    "organizations:DescribePolicy",
    "organizations:ListAccounts",
    "organizations:ListParents",
    "organizations:ListPolicies",
    "organizations:ListTargetsForPolicy",
];

/// An account in the answer of `ListAccounts`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OrganizationAccount {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) state: Option<String>,
    pub(super) status: Option<String>,
}

/// The accounts of the caller's organization.
pub(super) async fn list_accounts(
    session: &AwsSession,
    notes: &dyn ProgressSink,
) -> Result<Vec<OrganizationAccount>, Fault> {
    let action = "organizations:ListAccounts";
    let operation = session.operation(&ORGANIZATIONS, action, &session.base)?;
    let accounts: Vec<OrganizationAccount> =
        operation.list(json!({}), "NextToken", "Accounts").await?;
    notes.note(ProgressEvent::Accounts {
        done: 0,
        of: accounts.len(),
    });
    Ok(accounts)
}

/// Returns how many open accounts the caller's organization has.
///
/// # Errors
/// [`Fault`]: a member may not list accounts, and an account without an organization has none.
pub async fn organization_size(
    session: &AwsSession,
    notes: &dyn ProgressSink,
) -> Result<usize, Fault> {
    let all = list_accounts(session, notes).await?;
    Ok(all
        .iter()
        .filter(|account| closed(account).is_none())
        .count())
}

/// Returns whether this says that the account belongs to no organization (Organizations API reference, `ListAccounts`).
pub fn is_without_organization(fault: &Fault) -> bool {
    matches!(fault, Fault::Refused { code, .. } if code == "AWSOrganizationsNotInUseException")
}

/// The state of an account in which nothing can be asked. `State` replaces `Status` (Organizations API reference); an
/// answer may have either.
pub(super) fn closed(account: &OrganizationAccount) -> Option<String> {
    let state = account.state.as_deref().or(account.status.as_deref())?;
    ["CLOSED", "PENDING_ACTIVATION", "SUSPENDED"]
        .contains(&state)
        .then(|| state.to_owned())
}

/// The parts of the policies of the organization that could not be read.
#[derive(Debug, Default)]
pub(super) struct ControlsRead {
    pub(super) gaps: Vec<Gap>,
    pub(super) notes: Vec<String>,
}

/// Reads the policies of the organization that apply to these accounts, as far as the caller may.
pub(super) async fn controls(
    session: &AwsSession,
    accounts: &BTreeSet<AccountId>,
    sink: &dyn IamSink,
) -> ControlsRead {
    let mut read = ControlsRead::default();
    let asking = OrganizationReading { session, sink };
    match asking.members().await {
        Ok(true) => {}
        Ok(false) => return read,
        Err((action, fault)) => {
            read.missing(action, &fault);
            return read;
        }
    }
    if let Err((action, fault)) = asking.all(accounts).await {
        read.missing(action, &fault);
    }
    read
}

impl ControlsRead {
    fn missing(&mut self, action: &'static str, fault: &Fault) {
        let what =
            "policies of the organization: who may read is stated without those that were not read";
        match fault {
            Fault::Denied { .. } => self.notes.push(format!(
                "The caller may not read the {what} ({action} is missing)."
            )),
            fault => self
                .gaps
                .push(Gap::new(action, None, what, fault.to_string())),
        }
    }
}

/// A call that failed: the action, and the fault.
type FailedCall = (&'static str, Fault);

struct OrganizationReading<'a> {
    session: &'a AwsSession,
    sink: &'a dyn IamSink,
}

impl OrganizationReading<'_> {
    async fn call(&self, action: &'static str, input: &Value) -> Result<Value, FailedCall> {
        let answer = self.operation(action)?.call(input).await;
        answer.map_err(|fault| (action, fault))
    }

    fn operation(&self, action: &'static str) -> Result<ServiceOperation, FailedCall> {
        let base = &self.session.base;
        let operation = self.session.operation(&ORGANIZATIONS, action, base);
        operation.map_err(|fault| (action, fault))
    }

    async fn pages(&self, action: &'static str, input: Value) -> Result<Vec<Value>, FailedCall> {
        match self.operation(action)?.pages(input, "NextToken").await {
            (pages, None) => Ok(pages),
            (_, Some(fault)) => Err((action, fault)),
        }
    }

    fn give(&self, name: &str, answer: Value) {
        self.sink
            .answer(&format!("organization/{name}.json"), answer);
    }

    /// The organization and its accounts; whether there is one.
    async fn members(&self) -> Result<bool, FailedCall> {
        let described = self
            .call("organizations:DescribeOrganization", &json!({}))
            .await;
        match described {
            Ok(answer) => self.give("describe-organization", answer),
            Err((_, fault)) if is_without_organization(&fault) => {
                return Ok(false);
            }
            Err(failed) => return Err(failed),
        }
        let listed = self.pages("organizations:ListAccounts", json!({})).await;
        let accounts = match listed {
            Ok(pages) => Value::Array(pages),
            // A member may not list the others. Of itself it is known that it is one.
            Err((_, Fault::Denied { .. })) => {
                json!({ "Accounts": [{ "Id": self.session.caller.account }] })
            }
            Err(failed) => return Err(failed),
        };
        self.give("list-accounts", accounts);
        Ok(true)
    }

    async fn all(&self, accounts: &BTreeSet<AccountId>) -> Result<(), FailedCall> {
        for kind in ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"] {
            let input = json!({ "Filter": kind });
            let pages = self.pages("organizations:ListPolicies", input).await?;
            // Of one that cannot be described it is known then that it is there: who it may keep out is not known.
            self.give(
                &format!("list-policies.{kind}"),
                Value::Array(pages.clone()),
            );
            let lists = pages.iter().filter_map(|page| page["Policies"].as_array());
            let ids = lists.flatten().filter_map(|one| one["Id"].as_str());
            for id in ids {
                self.policy(id).await?;
            }
        }
        self.parents(accounts).await
    }

    async fn policy(&self, id: &str) -> Result<(), FailedCall> {
        let input = json!({ "PolicyId": id });
        let policy = self.call("organizations:DescribePolicy", &input).await?;
        let targets = self.pages("organizations:ListTargetsForPolicy", input);
        let targets = Value::Array(targets.await?);
        self.give(&format!("describe-policy.{id}"), policy);
        self.give(&format!("list-targets-for-policy.{id}"), targets);
        Ok(())
    }

    /// The way from each account to the root, each unit asked for once.
    async fn parents(&self, accounts: &BTreeSet<AccountId>) -> Result<(), FailedCall> {
        let mut asked: BTreeSet<String> = BTreeSet::new();
        for account in accounts {
            let mut child = account.to_string();
            while !child.starts_with("r-") && asked.insert(child.clone()) {
                let input = json!({ "ChildId": child });
                let answer = match self.call("organizations:ListParents", &input).await {
                    Ok(answer) => answer,
                    // An account of another organization, or of none.
                    Err((_, Fault::Refused { code, .. })) if code == "ChildNotFoundException" => {
                        break;
                    }
                    Err(failed) => return Err(failed),
                };
                let parent = answer["Parents"][0]["Id"].as_str().map(str::to_owned);
                self.give(&format!("list-parents.{child}"), answer);
                let Some(parent) = parent else { break };
                child = parent;
            }
        }
        Ok(())
    }
}
