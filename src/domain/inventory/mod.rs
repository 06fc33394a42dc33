//! A secret and its tags as Secrets Manager describes them, never its value.
//!
//! Entry: `secret::Secret`. May use: `base`.

pub(crate) mod dependents;
pub(crate) mod filters;
pub mod secret;
pub mod tags;
