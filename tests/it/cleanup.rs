//! Applying, restoring and re-applying plans against a vault that strikes back.

mod apply;
mod ground;
mod kill;
mod matrix;
mod stage;
