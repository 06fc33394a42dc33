//! What stands on the page: the view that the template shows, and the block of data that the script shows.

pub(crate) mod block;
pub(crate) mod change;
pub(crate) mod estimated;
mod payers;
mod sections;
mod unattributed;
pub(crate) mod view;
