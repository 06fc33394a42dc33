//! The rooms of the domain that read trails: from the bytes of a log file to a ledger of calls, and the vocabulary that
//! all rooms share.
//!
//! They are a package of their own for one reason: the tests read some thousands of trails, and a package can be optimised
//! for them while the rest of the program builds in a fraction of the time. Nothing here knows the inventory, a price or a
//! verdict. In the program the rooms are `domain::base`, `domain::sampling` and `domain::trail`, by which the rest of the code
//! calls them; the table of the rooms in `src/domain/mod.rs` says what each may use.

pub mod base;
pub mod sampling;
pub mod trail;
