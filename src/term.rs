//! The terminal: the only module that writes to stdout and stderr.
//!
//! Data goes to stdout, everything else to stderr. On a terminal long work shows a progress bar; in a pipe it says a
//! quiet line now and then; `--quiet` silences both. Colours obey `--color`, `NO_COLOR` and pipes. Text of other people is escaped
//! before it comes here, and errors are escaped here, because they quote file contents.

pub(crate) mod screen;

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The bar that is on the terminal now: there is one at most.
type ShownBar = Arc<Mutex<Option<ProgressBar>>>;

use crate::report::escape::one_line;

/// The terminal of one run.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    quiet: bool,
    bar: ShownBar,
}

/// The condition under which text has colours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colours {
    /// Only on a terminal, and if the environment does not forbid it.
    OnTerminals,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Term {
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            bar: ShownBar::default(),
        }
    }

    /// Returns whether progress is shown in a line that changes.
    pub(crate) fn has_live_line(&self) -> bool {
        std::io::stderr().is_terminal() && !self.quiet
    }

    /// A bar on the terminal that moves by itself, so that a wait does not look like a stop.
    fn start_bar(&self) -> Option<ProgressBar> {
        self.has_live_line().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(TICK);
            *lock(&self.bar) = Some(bar.clone());
            bar
        })
    }

    /// Writes text to stdout, without its colours where nobody would see them. An error says that it was there.
    pub(crate) fn data(text: &[u8]) -> std::io::Result<()> {
        to_stdout(&mut anstream::stdout().lock(), text)
    }

    /// Writes bytes to stdout as they are, for programs.
    pub(crate) fn bytes(bytes: &[u8]) -> std::io::Result<()> {
        to_stdout(&mut std::io::stdout().lock(), bytes)
    }

    /// Decides for all that the program writes from now on, whatever the environment says but for `OnTerminals`.
    pub(crate) fn colour(when: Colours) {
        let choice = match when {
            Colours::OnTerminals => anstream::ColorChoice::Auto,
            Colours::Always => anstream::ColorChoice::Always,
            Colours::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }

    /// Returns whether stdout shows colours.
    pub(crate) fn is_styled() -> bool {
        anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
    }

    /// Returns how many columns the terminal has that stdout is; `None`: it is a file or a pipe.
    pub(crate) fn columns() -> Option<usize> {
        let (terminal_size::Width(columns), _) =
            terminal_size::terminal_size_of(std::io::stdout())?;
        Some(usize::from(columns))
    }

    /// Says something on stderr, unless the user wants quiet.
    pub(crate) fn say(&self, text: &str) {
        if self.quiet {
            return;
        }
        // A closed stderr is no reason to stop.
        let write = || drop(writeln!(anstream::stderr(), "{text}"));
        // Written over the bar, the line would leave a piece of the bar behind.
        match &*lock(&self.bar) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar off the terminal and says why the program ends, also to those who want quiet.
    pub(crate) fn interrupted(&self, text: &str) {
        if let Some(bar) = &*lock(&self.bar) {
            bar.finish_and_clear();
        }
        let _ = writeln!(anstream::stderr(), "{}", one_line(text));
    }

    /// Asks on a terminal. `None`: nobody is there to answer.
    pub(crate) fn ask(question: &str) -> std::io::Result<Option<String>> {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Ok(None);
        }
        write!(anstream::stderr(), "{question}")?;
        anstream::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(Some(answer))
    }

    /// Says what went wrong, and why; the way out has lines of its own. A cause whose words were said already is not said again.
    pub(crate) fn error(error: &anyhow::Error, help: Option<&str>) {
        let mut said = error.to_string();
        for cause in error.chain().skip(1).map(ToString::to_string) {
            if !said.contains(&cause) {
                said.push_str(": ");
                said.push_str(&cause);
            }
        }
        let bold =
            |colour: anstyle::AnsiColor| anstyle::Style::new().bold().fg_color(Some(colour.into()));
        let red = bold(anstyle::AnsiColor::Red);
        let _ = write!(anstream::stderr(), "{red}error:{red:#} {}", lines(&said, 7));
        let cyan = bold(anstyle::AnsiColor::Cyan);
        for help in help.into_iter().flat_map(str::lines) {
            let _ = write!(
                anstream::stderr(),
                " {cyan}help:{cyan:#} {}",
                lines(help, 7)
            );
        }
    }

    /// Shows what is being done.
    pub(crate) fn status(&self) -> StatusLine {
        StatusLine {
            bar: self.start_bar(),
            shown: Arc::clone(&self.bar),
            quiet: self.quiet,
            said: Mutex::new(Instant::now()),
        }
    }

    /// Shows how far something is.
    pub(crate) fn progress(&self, what: &'static str) -> ProgressLine {
        let bar = self.start_bar();
        if let Some(bar) = &bar {
            // Until something is known of how much there is, only what is done.
            bar.set_message(what);
        }
        ProgressLine {
            what,
            bar,
            shown: Arc::clone(&self.bar),
            measured: Once::new(),
            quiet: self.quiet,
            said: Mutex::new(Instant::now()),
        }
    }
}

/// A message without anything that a terminal obeys; on a terminal wrapped at words, with its further lines indented.
fn lines(text: &str, indent: usize) -> String {
    let columns = terminal_size::terminal_size_of(std::io::stderr());
    let columns =
        columns.map(|(terminal_size::Width(columns), _)| usize::from(columns).clamp(40, 100));
    let blank = " ".repeat(indent);
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        let line = one_line(line);
        let Some(columns) = columns else {
            out.push_str(&line);
            out.push('\n');
            continue;
        };
        let own = &line[..line.len() - line.trim_start().len()];
        let options = textwrap::Options::new(columns)
            .initial_indent(if index == 0 { &blank } else { own })
            .subsequent_indent(&blank)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(false);
        let wrapped = textwrap::fill(line.trim_start(), options);
        // The first line begins behind the word that is there already.
        out.push_str(if index == 0 {
            wrapped.trim_start()
        } else {
            &wrapped
        });
        out.push('\n');
    }
    out
}

/// A piece of long work, shown while it lasts.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    what: &'static str,
    bar: Option<ProgressBar>,
    shown: ShownBar,
    measured: Once,
    quiet: bool,
    said: Mutex<Instant>,
}

/// The status of the work that is being done now: one line that changes on a terminal, a line now and then in a pipe.
#[derive(Debug)]
pub(crate) struct StatusLine {
    bar: Option<ProgressBar>,
    shown: ShownBar,
    quiet: bool,
    said: Mutex<Instant>,
}

impl StatusLine {
    /// Shows what is being done. May be called from any thread.
    pub(crate) fn show(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(one_line(text));
            return;
        }
        let Ok(mut said) = self.said.lock() else {
            return;
        };
        if self.quiet || said.elapsed() < LINE_EVERY {
            return;
        }
        *said = Instant::now();
        let _ = writeln!(anstream::stderr(), "{}", one_line(text));
    }

    /// Takes the line off the terminal: the work is over.
    pub(crate) fn finish(&self) {
        clear(self.bar.as_ref(), &self.shown);
    }
}

impl Drop for StatusLine {
    /// An error on the way must not leave the line behind.
    fn drop(&mut self) {
        self.finish();
    }
}

impl Drop for ProgressLine {
    /// An error on the way must not leave the bar behind.
    fn drop(&mut self) {
        self.finish();
    }
}

fn clear(bar: Option<&ProgressBar>, shown: &ShownBar) {
    if let Some(bar) = bar {
        bar.finish_and_clear();
        lock(shown).take_if(|shown| shown.is_finished());
    }
}

/// The bar holds no state that a panic elsewhere could break.
fn to_stdout(out: &mut dyn std::io::Write, bytes: &[u8]) -> std::io::Result<()> {
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| {
        std::io::Error::new(error.kind(), format!("cannot write to stdout: {error}"))
    })
}

fn lock(bar: &ShownBar) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
    bar.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time between two moves of a bar.
const TICK: Duration = Duration::from_millis(120);

/// Sets how often a line is said where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl ProgressLine {
    /// Notes how many bytes of about how many are done; `None`: nobody knows yet. May be called from any thread.
    pub(crate) fn bytes(&self, done: u64, total: Option<u64>) {
        if let Some(bar) = &self.bar {
            let Some(total) = total else { return };
            bar.set_length(total);
            self.measured.call_once(|| {
                let style = ProgressStyle::with_template(
                    "{msg} [{bar:24}] {bytes} of about {total_bytes}, {eta} left",
                );
                // The template is a constant that a test has rendered; the plain bar is as good.
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            });
            bar.set_position(done);
            return;
        }
        let Ok(mut said) = self.said.lock() else {
            return;
        };
        let percent = total.map(|total| (done * 100).checked_div(total).unwrap_or(100));
        let Some(percent) = percent.filter(|_| !self.quiet && said.elapsed() >= LINE_EVERY) else {
            return;
        };
        *said = Instant::now();
        let _ = writeln!(anstream::stderr(), "{}: {percent} %", self.what);
    }

    /// Takes the bar off the terminal: the work is over.
    pub(crate) fn finish(&self) {
        clear(self.bar.as_ref(), &self.shown);
    }
}

/// Returns whether an error is a reader that went away, such as `head`: no failure.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
