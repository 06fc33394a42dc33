//! Who may read a secret: IAM policies evaluated, and joined with who does.
//!
//! The evaluation is pure: policies, tags and ARNs in, an [`Answer`] out. What depends on the request is conditional, what
//! is not understood or not given is unknown; neither is ever taken for "yes" or "no".
//!
//! | Module | Holds |
//! |---|---|
//! | `truth` | three-valued answers |
//! | `fact`, `access` | what is known of a request |
//! | `pattern`, `condition`, `document` | policy documents |
//! | `matching` | whom a `Principal` means |
//! | `control` | which control policies apply to an account |
//! | `decide` | all of them together |
//! | `evaluator` | many requests at once |
//! | `iam_data` | what was given |
//! | `iam_reader`, `iam_answers` | how it is read from the answers of AWS |
//! | `trust` | who may assume a role, in phrases |
//! | `narrow` | statements that allow what was used |
//! | `join` | who may read, with who does |
//! | `findings` | what is worth knowing about that |
//!
//! Entry: [`IamData`]. May use: `base`, `inventory`, `policy`, `report`.

mod access;
mod condition;
mod control;
mod decide;
mod document;
mod evaluator;
mod fact;
mod findings;
mod iam_answers;
mod iam_data;
mod iam_reader;
mod join;
mod matching;
mod narrow;
mod pattern;
mod trust;
mod truth;

pub use access::AccessAction;
pub use decide::Answer;
pub use document::{PolicyDocument, PolicyStatement, StatementEffect};
pub use evaluator::{Evaluator, customer_keys};
pub use findings::{AccessScan, access_findings, unjudged};
pub use iam_data::{
    ControlKind, ControlPolicy, IamData, IamIdentity, IdentityKind, KeyGrant, NamedPolicy,
    OrganizationFacts,
};
pub use iam_reader::IamReader;

pub use join::{Joined, KeyMismatch, MissingHalf, ReachInput, join};
pub use narrow::UsedActions;

#[cfg(test)]
mod tests;
