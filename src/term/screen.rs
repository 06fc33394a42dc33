//! The whole terminal as a screen of lines, for a command that asks with keys instead of words.
//!
//! It knows no command: it shows lines and hands on keys. Dropping it gives the terminal back as it was.

use std::io::{self, IsTerminal as _, Write as _};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use crossterm::{execute, queue};

use super::Term;

/// A terminal in the hands of one command.
#[derive(Debug)]
pub(crate) struct Screen(());

/// A key that was pressed, or another size of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScreenKey {
    /// A letter, a digit, a sign.
    Letter(char),
    /// An arrow up.
    Up,
    /// An arrow down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
    /// Ctrl-C.
    Interrupt,
    /// The terminal has another size.
    Resized,
}

/// The look of a line of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineLook {
    /// As it is.
    Usual,
    /// The line under the cursor.
    Chosen,
    /// A heading.
    Strong,
    /// An explanation.
    Faint,
}

impl Screen {
    /// Takes the terminal. `None`: stdin or stdout is none.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        enable_raw_mode()?;
        let screen = Self(());
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(Some(screen))
    }

    /// Columns and rows.
    pub(crate) fn size() -> (usize, usize) {
        let (columns, rows) = size().unwrap_or((80, 24));
        (usize::from(columns).max(20), usize::from(rows).max(8))
    }

    /// Shows these lines from the top, and nothing below them. They are cut and escaped already.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn show(&self, lines: &[(LineLook, String)]) -> io::Result<()> {
        let Self(()) = self;
        let mut out = io::stdout().lock();
        let is_styled = Term::is_styled();
        for (row, (look, line)) in (0_u16..).zip(lines) {
            let style = match look {
                _ if !is_styled => anstyle::Style::new(),
                LineLook::Usual => anstyle::Style::new(),
                LineLook::Chosen => anstyle::Style::new().invert(),
                LineLook::Strong => anstyle::Style::new().bold(),
                LineLook::Faint => anstyle::Style::new().dimmed(),
            };
            queue!(out, MoveTo(0, row))?;
            write!(out, "{style}{line}{style:#}")?;
            queue!(out, Clear(ClearType::UntilNewLine))?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        out.flush()
    }

    /// Waits for the next key.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn key(&self) -> io::Result<ScreenKey> {
        let Self(()) = self;
        loop {
            let key = match event::read()? {
                Event::Resize(..) => return Ok(ScreenKey::Resized),
                Event::Key(key) if key.kind != KeyEventKind::Release => key,
                _ => continue,
            };
            if let Some(key) = meaning(key) {
                return Ok(key);
            }
        }
    }
}

fn meaning(key: KeyEvent) -> Option<ScreenKey> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c') if control => ScreenKey::Interrupt,
        KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => return None,
        KeyCode::Char(letter) => ScreenKey::Letter(letter),
        KeyCode::Up => ScreenKey::Up,
        KeyCode::Down => ScreenKey::Down,
        KeyCode::PageUp => ScreenKey::PageUp,
        KeyCode::PageDown => ScreenKey::PageDown,
        KeyCode::Home => ScreenKey::Home,
        KeyCode::End => ScreenKey::End,
        KeyCode::Enter => ScreenKey::Enter,
        KeyCode::Esc => ScreenKey::Escape,
        KeyCode::Backspace => ScreenKey::Backspace,
        _ => return None,
    })
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nobody left to tell that the terminal is gone.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}
