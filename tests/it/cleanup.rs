//! Applying, restoring and re-applying plans against a vault that strikes back.

mod apply;
mod aws_errors;
mod binary_fixture;
mod bucket_journal;
mod change_table;
mod changed_since_plan;
mod kill;
mod large_plan;
#[cfg(unix)]
mod matrix;
mod output_failure;
mod permissions;
mod recent_calls;
mod restore_and_watch;
mod seal;
mod settings;
mod since;
#[cfg(target_os = "linux")]
mod terminal;
pub(crate) mod vault_fixture;
