//! What stands on the page: the view that the template shows, and the block of data that the script shows.

pub mod block;
pub mod change;
pub mod sections;
pub mod view;
