//! Applying, restoring and re-applying plans against a vault that strikes back.

mod apply;
mod kill;
mod stage;
