//! Applying, restoring and re-applying plans against a vault that strikes back.

mod apply;
mod back;
mod between;
mod ends;
mod ground;
mod happenings;
mod heard;
mod kill;
#[cfg(unix)]
mod matrix;
mod permissions;
mod settings;
mod since;
pub(crate) mod stage;
#[cfg(target_os = "linux")]
mod terminal;
mod thousand;
mod trouble;
