//! Applying, restoring and re-applying plans against a vault that strikes back.

mod apply;
mod between;
mod ground;
mod kill;
mod matrix;
mod stage;
