//! Values that a shell completes for options whose words are checked by a function: the codes of rules, the names of
//! commands. The check decides what is right; a word that is not suggested may be right, too.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};

/// A check of a word, with the words that a shell suggests.
#[derive(Clone)]
pub(super) struct Suggested<T: Clone + Send + Sync + 'static> {
    check: fn(&str) -> Result<T, String>,
    words: fn() -> Vec<&'static str>,
}

/// A parser that checks a word and suggests these.
pub(super) fn suggested<T: Clone + Send + Sync + 'static>(
    check: fn(&str) -> Result<T, String>,
    words: fn() -> Vec<&'static str>,
) -> Suggested<T> {
    Suggested { check, words }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Suggested<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let text = value.to_string_lossy();
        (self.check)(&text).map_err(|why| {
            let option = arg.map(ToString::to_string).unwrap_or_default();
            let message = format!("invalid value '{text}' for '{option}': {why}\n");
            Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.words)().into_iter().map(PossibleValue::new)))
    }
}
