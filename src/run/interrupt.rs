//! Ctrl-C during a scan: what was stored, and how to go on.
//!
//! A scan changes nothing in AWS, so it may end at any moment. The commands that act have their own way to stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register;
use signal_hook::low_level::emulate_default_handler;

use crate::term::Term;

/// How long it takes at most to see the signal.
const GLANCE: Duration = Duration::from_millis(50);

/// Watches for signals until it is dropped.
#[derive(Debug)]
pub(super) struct InterruptWatch {
    done: Arc<AtomicBool>,
}

impl InterruptWatch {
    /// Ends the program at a signal, as the signal itself would, after saying what is left of the scan. The folder for the
    /// result is removed if nothing is in it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn start(cache: Option<&Path>, out: &Path, term: &Term) -> Result<Self> {
        let done = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            let asked = Arc::new(AtomicBool::new(false));
            register(signal, Arc::clone(&asked)).context("cannot listen for Ctrl-C")?;
            let done = Arc::clone(&done);
            let (words, out, term) = (words(cache), PathBuf::from(out), term.clone());
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    if asked.load(Ordering::Relaxed) {
                        term.interrupted(&words);
                        // It stays if there is anything in it.
                        let _ = std::fs::remove_dir(&out);
                        let _ = emulate_default_handler(signal);
                    }
                    std::thread::sleep(GLANCE);
                }
            });
        }
        Ok(Self { done })
    }
}

impl Drop for InterruptWatch {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
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
