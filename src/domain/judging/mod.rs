//! The facts of a secret, the table of rules, findings and hot loops.
//!
//! Entry: `rules::judge`. May use: `base`, `inventory`, `policy`, `pricing`, `report`, `sampling`, `trail`, `usage`.

pub mod facts;
pub mod findings;
pub mod loops;
pub mod protection;
pub mod rules;
