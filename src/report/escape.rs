//! Other people's text, made safe for where it goes: a cell of a CSV file, or a terminal.
//!
//! Names, descriptions, tags, user agents and error messages are chosen by whoever calls AWS, and reports get passed on.
//! A spreadsheet runs a cell that begins with `=`; a terminal obeys escape sequences; a bidirectional override shows
//! another text than the one that stands there. Nothing here is undone later: what is hidden is shown in the form
//! `\u{1b}`, so that the reader sees that it was there.
//!
//! HTML has rules of its own and does its own escaping.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::domain::base::formula::is_formula;

/// Sets how many characters without a width may follow one with a width; more are a pile of marks that covers other
/// lines.
const MARKS: usize = 3;

/// One line: runs of line breaks and tabs become one space, what is invisible or steers the output becomes visible.
///
/// Variation selectors are dropped: they only choose between two looks of the character before them.
pub fn one_line(text: &str) -> String {
    // Nearly every text is of this kind. To look at all of it takes the compiler fewer instructions than to stop early.
    let is_plain = |plain, byte: u8| plain & matches!(byte, b' '..=b'~');
    if text.bytes().fold(true, is_plain) {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len());
    let mut in_break = false;
    for letter in text.chars() {
        let breaks = is_break(letter);
        match letter {
            _ if breaks && in_break => {}
            _ if breaks => line.push(' '),
            _ if is_selector(letter) => {}
            _ if is_hidden(letter) => line.extend(letter.escape_unicode()),
            _ => line.push(letter),
        }
        in_break = breaks;
    }
    line
}

/// A cell of a CSV file: one line that no spreadsheet takes for a formula. Quoting is the CSV writer's task.
///
/// For text that others wrote. Numbers of our own are written as they are: `-1.5` is no formula.
pub fn cell(text: &str) -> String {
    let line = one_line(text);
    // The text as it was, too: a tab that starts a formula is a space in the line.
    if is_formula(text) || is_formula(&line) {
        format!("'{line}")
    } else {
        line
    }
}

/// Returns how many columns a line takes on a terminal.
pub fn width(line: &str) -> usize {
    UnicodeWidthStr::width(line)
}

/// One line of at most `columns` columns; what is longer ends in `…`.
pub fn fit(text: &str, columns: usize) -> String {
    let line = one_line(text);
    let mut taken = 0;
    let mut marks = 0;
    let mut kept = String::new();
    // The end of what still leaves a column for the ellipsis.
    let mut room = 0;
    for letter in line.chars() {
        let wide = UnicodeWidthChar::width(letter).unwrap_or(1);
        marks = if wide == 0 { marks + 1 } else { 0 };
        if marks > MARKS {
            continue;
        }
        taken += wide;
        if taken > columns {
            kept.truncate(room);
            if columns > 0 {
                kept.push('…');
            }
            return kept;
        }
        kept.push(letter);
        if taken < columns {
            room = kept.len();
        }
    }
    kept
}

/// Ends a line, or moves within it: line feed, carriage return, tab, vertical tab, form feed, next line, and Unicode's
/// line and paragraph separators.
fn is_break(letter: char) -> bool {
    matches!(
        letter,
        '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn is_selector(letter: char) -> bool {
    matches!(letter, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Controls (C0, C1, delete) and format characters that are invisible or change the order in which text is shown.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_never_starts_a_formula() {
        for (text, shown) in [
            ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"),
            ("+1", "'+1"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "' =1"),
            ("\rx", "' x"),
            ("\n=1", "' =1"),
            ("  =1", "'  =1"),
            ("\u{fe0f}=1", "'=1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("it's", "it's"),
            ("", ""),
        ] {
            assert_eq!(cell(text), shown, "{text:?}");
        }
    }

    #[test]
    fn what_is_hidden_is_shown() {
        for (text, shown) in [
            ("a\r\nb", "a b"),
            ("a\n\n\tb", "a b"),
            ("a\u{2028}b", "a b"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{7f}\u{0}", "\\u{7f}\\u{0}"),
            ("user\u{202e}gpj.exe", "user\\u{202e}gpj.exe"),
            ("pay\u{200b}roll", "pay\\u{200b}roll"),
            ("♥\u{fe0f}", "♥"),
            ("Größe 漢字", "Größe 漢字"),
        ] {
            assert_eq!(one_line(text), shown, "{text:?}");
        }
    }

    #[test]
    fn long_text_ends_in_an_ellipsis_within_its_columns() {
        for (text, columns, shown) in [
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("漢字漢字", 8, "漢字漢字"),
            ("漢字漢字", 7, "漢字漢…"),
            ("漢字漢字", 6, "漢字…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("", 0, ""),
            (
                "e\u{301}\u{301}\u{301}\u{301}\u{301}x",
                2,
                "e\u{301}\u{301}\u{301}x",
            ),
        ] {
            assert_eq!(fit(text, columns), shown, "{text:?} in {columns}");
        }
    }

    proptest! {
        #[test]
        fn any_text_fits(text in any::<String>(), columns in 0_usize..40) {
            let shown = fit(&text, columns);
            prop_assert!(width(&shown) <= columns);
            prop_assert!(!shown.chars().any(|letter| is_hidden(letter) || is_break(letter)));
        }
    }
}
