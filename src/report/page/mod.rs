//! What stands on the page: the view that the template shows, and the block of data that the script shows.

mod bill;
pub(crate) mod block;
pub(crate) mod change;
pub(crate) mod estimated;
mod payers;
mod reach;
mod sections;
mod shares;
mod unattributed;
pub(crate) mod view;
