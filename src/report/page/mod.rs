//! What stands on the page: the view that the template shows, and the block of data that the script shows.

mod bill;
pub(crate) mod block;
pub(crate) mod change;
pub(crate) mod estimated;
mod nobody;
mod payers;
mod sections;
pub(crate) mod view;
