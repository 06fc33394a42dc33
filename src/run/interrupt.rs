//! Ctrl-C during a scan, and while a bill is copied: what was stored, and how to go on.
//!
//! Both change nothing in AWS, so they may end at any moment. The commands that act have their own way to stop.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_default};
use signal_hook::low_level::emulate_default_handler;

use crate::term::Term;

/// Sets how long it takes at most to see the signal.
const GLANCE: Duration = Duration::from_millis(50);

/// Set while nothing watches: then a signal does what it does to any program.
static UNWATCHED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Watches for signals until it is dropped. One at a time.
#[derive(Debug)]
pub(super) struct InterruptWatch {
    done: Arc<AtomicBool>,
    ends: Ends,
}

/// The functions that are called at a signal, to end what else has to be ended.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<AtInterrupt>>>);

type AtInterrupt = Box<dyn Fn() + Send>;

impl Ends {
    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<AtInterrupt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Ends {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text.write_str("Ends")
    }
}

impl InterruptWatch {
    /// Ends the program at a signal, as the signal itself would, after saying what is left of the scan. The folder for the
    /// result is removed if nothing is in it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn start(cache: Option<&Path>, out: &Path, term: &Term) -> Result<Self> {
        let out = PathBuf::from(out);
        Self::ending(&words(cache), term, move || {
            // It stays if there is anything in it.
            let _ = std::fs::remove_dir(&out);
        })
    }

    /// The same while a bill is copied: the copy is removed.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn copying(copy: &Path, term: &Term) -> Result<Self> {
        let copy = PathBuf::from(copy);
        let words = "Interrupted; the copy of the bill was removed.";
        Self::ending(words, term, move || {
            let _ = std::fs::remove_dir_all(&copy);
        })
    }

    fn ending(words: &str, term: &Term, clean: impl Fn() + Clone + Send + 'static) -> Result<Self> {
        let done = Arc::new(AtomicBool::new(false));
        let ends = Ends::default();
        UNWATCHED.store(false, Ordering::Relaxed);
        for signal in [SIGINT, SIGTERM] {
            let asked = Arc::new(AtomicBool::new(false));
            register_conditional_default(signal, Arc::clone(&UNWATCHED))
                .context("cannot listen for Ctrl-C")?;
            register(signal, Arc::clone(&asked)).context("cannot listen for Ctrl-C")?;
            let (done, ends) = (Arc::clone(&done), ends.clone());
            let (words, clean, term) = (words.to_owned(), clean.clone(), term.clone());
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    if asked.load(Ordering::Relaxed) {
                        for end in &*ends.locked() {
                            end();
                        }
                        clean();
                        term.interrupted(&words);
                        let _ = emulate_default_handler(signal);
                    }
                    std::thread::sleep(GLANCE);
                }
            });
        }
        Ok(Self { done, ends })
    }

    /// At a signal, ends something else first, such as a query that runs elsewhere.
    pub(super) fn also(&self, end: impl Fn() + Send + 'static) {
        self.ends.locked().push(Box::new(end));
    }
}

impl Drop for InterruptWatch {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        UNWATCHED.store(true, Ordering::Relaxed);
    }
}

fn words(cache: Option<&Path>) -> String {
    match cache {
        Some(cache) => format!(
            "Interrupted; no report was written. What was read so far is in `{}`: run the same command to go on from there.",
            cache.display()
        ),
        None => "Interrupted; no report was written. With `--cache DIR`, the next run goes on where this one stopped."
            .to_owned(),
    }
}
