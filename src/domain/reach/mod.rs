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
//!
//! Entry: [`IamData`]. May use: `base`, `inventory`.

mod access;
mod condition;
mod control;
mod decide;
mod document;
mod evaluator;
mod fact;
mod iam_data;
mod matching;
mod pattern;
mod truth;

pub use access::AccessAction;
pub use decide::Answer;
pub use document::{PolicyDocument, PolicyStatement, StatementEffect};
pub use evaluator::Evaluator;
pub use iam_data::{
    ControlKind, ControlPolicy, IamData, IamIdentity, IdentityKind, KeyGrant, NamedPolicy,
    OrganizationFacts,
};

#[cfg(test)]
mod tests;
