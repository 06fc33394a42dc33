//! Calls around the secrets whose names, tags and descriptions attack whoever reads them, for `demo --hostile`.
//!
//! A newcomer's first page must not look like an infection, and what is printed must still be tested against text that
//! other people wrote. These calls come after all others, so that they change none of them.

use super::call::{Act, CallTarget, Failure, VersionRequest};
use super::callers::HOSTILE;
use super::script::{Script, always, prod, since};
use crate::demo::locations::VIRGINIA;
use crate::domain::base::span::DAY_S;

/// Adds these calls.
pub(super) fn calls(script: &mut Script) {
    script.reads_by_name(prod("=HYPERLINK/evil"), &HOSTILE, always(DAY_S));
    for (target, failure) in [
        (CallTarget::Name(prod("-2+3")), Failure::DeniedWithMarkup),
        (
            CallTarget::Text("<script>alert(document.title)</script>"),
            Failure::Invalid,
        ),
    ] {
        let act = [Act::Get(target, VersionRequest::Unsaid)];
        script.series(VIRGINIA, &HOSTILE, since(10, DAY_S), &act, Some(failure));
    }
}
