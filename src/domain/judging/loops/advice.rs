//! What to change about a loop, by its shape and by what is called.
//!
//! What a reader should change about its reads in general is said with its fingerprint
//! ([`crate::domain::usage::fingerprints`]). Here is what depends on the loop: names made up for each process, programs
//! that start anew, writes, lists, and programs that work under the role of a person.

use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::report::result::LoopShape;
use crate::domain::usage::activity::Reader;
use crate::domain::usage::classify::Class;

use super::Called;

const ONE_PROCESS: &str = "every new process reads the secret again: keep one process running that holds the value, or read it once and \
     pass it to the processes that you start; keep the credentials between processes (a `credential_process` that \
     caches, `~/.aws/cli/cache`), and set `AWS_ROLE_SESSION_NAME` so that the caller has one name";

const AIRFLOW: &str = "a new process reads the secret each time Airflow parses its files: set `use_cache = True` in the `[secrets]` \
     section, raise `min_file_process_interval`, and read secrets in tasks instead of at the top level of DAG files; keep \
     the credentials between processes and set `AWS_ROLE_SESSION_NAME`";

const STARTS: &str = "find out why so many processes start (a crash loop, tiny batches): each one reads the secret, and \
     its cache ends with it";

const PUSH: &str = "set `refreshInterval` of the PushSecret to 1h or more, and let a generator create its value once: each \
     push of a new value creates a version; AWS advises against writing a secret more often than once in 10 minutes";

const STAGES: &str = "move the staging labels only when a version takes over: AWS advises against changing a secret more \
     often than once in 10 minutes";

const WRITES: &str = "write only when the value changes, and compare before: AWS advises against writing a secret more \
     often than once in 10 minutes";

const LISTS: &str = "list once an hour or less and keep the list, with `MaxResults` = 100; let CloudFormation, inventory \
     and audit tools poll less often, or read the inventory of AWS Config instead";

const PROGRAM_OF_A_PERSON: &str = "a program uses the role of a person: give it a role of its own, and let it cache \
     the value";

const CONSOLE: &str =
    "AWS's console calls for a person who is signed in: close the page that refreshes itself";

/// Returns what to change about a loop.
pub(super) fn advice(
    reader: &Reader,
    class: &Class,
    called: Called<'_>,
    shape: LoopShape,
) -> String {
    let of_shape = match (called, reader.kind) {
        (Called::Write(_), ReaderKind::Sync) => PUSH,
        (Called::Write("UpdateSecretVersionStage"), _) => STAGES,
        (Called::Write(_), _) => WRITES,
        (Called::List(_), _) => LISTS,
        // A cache cannot change what AWS itself decides.
        (_, ReaderKind::Service) => &class.advice,
        (_, ReaderKind::Person) if reader.client == "AWS console" => CONSOLE,
        (_, ReaderKind::Person) => PROGRAM_OF_A_PERSON,
        (_, _) if shape == LoopShape::PerProcess && reader.client.starts_with("Airflow") => AIRFLOW,
        (_, _) if shape == LoopShape::PerProcess => ONE_PROCESS,
        (_, _) if shape == LoopShape::TaskStart => STARTS,
        _ => &class.advice,
    };
    of_shape.to_owned()
}

/// Returns what to change about a reader that describes a secret in order to write it.
pub(super) fn before_writes(reader: &Reader) -> String {
    let advice = if reader.kind == ReaderKind::Sync {
        PUSH
    } else {
        WRITES
    };
    format!("these calls belong to the writing of the secret: {advice}")
}
