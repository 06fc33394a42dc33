//! Who used which secret: calls resolved to the inventory, and callers recognized as kinds of readers.
//!
//! Entry: `activity::attribute`. May use: `base`, `policy`, `trail`.

pub mod activity;
pub mod classify;
pub mod fingerprints;
