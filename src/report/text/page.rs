//! Lines of at most so many columns, whatever is put into them, plain or in colour.
//!
//! All text enters a page through [`escape`], and every line is cut to the page's width here alone. Styles are
//! written around text that is already cut, so they never change what fits.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style as Ansi};
use textwrap::{WordSplitter, WrapAlgorithm};

use super::Style;
use crate::report::escape;

/// The columns of a page if nobody says.
pub(crate) const COLUMNS: usize = 80;

/// The narrowest page: on a narrower one no table has room for its names.
const NARROWEST: usize = 40;

/// The columns that wrapped words need beside what stands before them.
const WORDS: usize = 20;

/// The widest that a paragraph becomes; longer lines are hard to read.
const LINE: usize = 100;

/// Sets how much of a paragraph is shown: somebody's error message does not fill the screen.
const PARAGRAPH: usize = 6 * COLUMNS;

/// The look of a piece of text in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Look {
    /// As it is.
    Usual,
    /// A heading, or what matters most in a line.
    Strong,
    /// An explanation.
    Faint,
    /// Money that can be saved, and commands.
    Good,
    /// Worth a look.
    Warning,
    /// Broken.
    Bad,
}

impl Look {
    fn ansi(self) -> Ansi {
        let colour = |colour: AnsiColor| Ansi::new().fg_color(Some(colour.into()));
        match self {
            Self::Usual => Ansi::new(),
            Self::Strong => Ansi::new().bold(),
            Self::Faint => Ansi::new().dimmed(),
            Self::Good => colour(AnsiColor::Green),
            Self::Warning => colour(AnsiColor::Yellow),
            Self::Bad => colour(AnsiColor::Red).bold(),
        }
    }
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    text: String,
    look: Look,
}

/// A piece of any text.
pub(super) fn piece(look: Look, text: impl AsRef<str>) -> Piece {
    Piece {
        text: escape::one_line(text.as_ref()),
        look,
    }
}

/// A piece of at most this many columns.
pub(super) fn cut(look: Look, text: &str, columns: usize) -> Piece {
    Piece {
        text: escape::fit(text, columns),
        look,
    }
}

/// A piece of exactly this many columns, with the text at the left.
pub(super) fn left(look: Look, text: &str, columns: usize) -> Piece {
    let text = escape::fit(text, columns);
    let space = columns.saturating_sub(escape::width(&text));
    Piece {
        text: format!("{text}{}", " ".repeat(space)),
        look,
    }
}

/// A piece of at least this many columns, with the text at the right: numbers are never cut short of the page.
pub(super) fn right(look: Look, text: &str, columns: usize) -> Piece {
    let space = columns.saturating_sub(escape::width(text));
    Piece {
        text: format!("{}{text}", " ".repeat(space)),
        look,
    }
}

/// A growing page.
#[derive(Debug)]
pub(super) struct TextPage {
    text: String,
    style: Style,
    columns: usize,
}

impl TextPage {
    /// An empty page of this width, which is never less than the narrowest.
    pub(super) fn new(style: Style, columns: usize) -> Self {
        Self {
            text: String::new(),
            style,
            columns: columns.max(NARROWEST),
        }
    }

    /// Returns how many columns a line has.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Returns whether the page is narrower than the lines of a report, so that a table puts what it has into two lines.
    pub(super) fn is_narrow(&self) -> bool {
        self.columns < COLUMNS
    }

    /// The text of the page; each line ends in a line feed.
    pub(super) fn finish(self) -> String {
        self.text
    }

    /// An empty line, if anything stands above it.
    pub(super) fn space(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A heading with an empty line above it.
    pub(super) fn heading(&mut self, text: &str) {
        self.space();
        self.line(0, &[piece(Look::Strong, text)]);
    }

    /// One line of pieces. What does not fit the page is cut; on a narrow page it goes on below.
    pub(super) fn line(&mut self, indent: usize, pieces: &[Piece]) {
        if !self.is_narrow() {
            return self.cut_line(indent, pieces);
        }
        let mut start = indent;
        for (index, piece) in pieces.iter().enumerate() {
            let end = start + escape::width(&piece.text);
            if end > self.columns {
                return self.wrapped_from(indent, pieces, index, start);
            }
            start = end;
        }
        self.cut_line(indent, pieces);
    }

    /// A line of which the piece at an index, which starts at a column, is wrapped: it goes on where it began if there
    /// is room for words, else a little behind the start of the line. What comes after it gets lines of its own. Text of
    /// others may have no end, so it takes no more than a paragraph.
    fn wrapped_from(&mut self, indent: usize, pieces: &[Piece], index: usize, start: usize) {
        let (before, after) = pieces.split_at(index);
        let Some((long, after)) = after.split_first() else {
            return;
        };
        let hang = if start + WORDS <= self.columns {
            start
        } else {
            indent + 2
        };
        let (first, rest) = (" ".repeat(start), " ".repeat(hang));
        let options = wrapping(self.columns)
            .initial_indent(&first)
            .subsequent_indent(&rest);
        let text = escape::fit(&long.text, PARAGRAPH);
        for (number, line) in textwrap::wrap(&text, options).iter().enumerate() {
            if number == 0 {
                let text = piece(long.look, line.get(first.len()..).unwrap_or_default());
                self.cut_line(indent, &[before, &[text]].concat());
            } else {
                self.cut_line(hang, &[piece(long.look, line.trim_start())]);
            }
        }
        let after: Vec<Piece> = after
            .iter()
            .skip_while(|piece| piece.text.trim().is_empty())
            .cloned()
            .collect();
        if !after.is_empty() {
            self.line(hang, &after);
        }
    }

    fn cut_line(&mut self, indent: usize, pieces: &[Piece]) {
        let mut room = self.columns.saturating_sub(indent);
        let mut shown: Vec<(String, Look)> = Vec::new();
        for piece in pieces {
            let text = escape::fit(&piece.text, room);
            room = room.saturating_sub(escape::width(&text));
            match shown.last_mut() {
                Some((before, look)) if *look == piece.look => before.push_str(&text),
                _ => shown.push((text, piece.look)),
            }
        }
        for (text, _) in shown.iter_mut().rev() {
            text.truncate(text.trim_end().len());
            if !text.is_empty() {
                break;
            }
        }
        self.text.push_str(&" ".repeat(indent));
        for (text, look) in shown {
            self.paint(&text, look);
        }
        self.text.push('\n');
    }

    /// A paragraph, wrapped at the width of the page.
    pub(super) fn paragraph(&mut self, indent: usize, look: Look, text: &str) {
        self.wrapped(indent, "", look, text);
    }

    /// A paragraph with a mark before its first line, and the others below the text.
    pub(super) fn item(&mut self, indent: usize, mark: &str, look: Look, text: &str) {
        self.wrapped(indent, mark, look, text);
    }

    fn wrapped(&mut self, indent: usize, mark: &str, look: Look, text: &str) {
        let hang = indent + escape::width(mark);
        let options = wrapping(self.columns.min(LINE).saturating_sub(hang));
        let text = escape::fit(text, PARAGRAPH);
        for (index, line) in textwrap::wrap(&text, options).iter().enumerate() {
            let mark = if index == 0 {
                piece(Look::Usual, mark)
            } else {
                left(Look::Usual, "", escape::width(mark))
            };
            self.line(indent, &[mark, piece(look, line)]);
        }
    }

    fn paint(&mut self, text: &str, look: Look) {
        self.text.push_str(&painted(self.style, look, text));
    }
}

/// Breaks lines between words, as early as they are full.
fn wrapping<'a>(columns: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(columns)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
}

/// Text that was cut already, as it looks in this style.
pub(in crate::report) fn painted(style: Style, look: Look, text: &str) -> Cow<'_, str> {
    match style {
        Style::Colour if look != Look::Usual && !text.is_empty() => {
            let ansi = look.ansi();
            format!("{ansi}{text}{ansi:#}").into()
        }
        Style::Plain | Style::Colour => text.into(),
    }
}
