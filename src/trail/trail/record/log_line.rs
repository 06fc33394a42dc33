//! Lines of a log group: a time, perhaps the name of a log stream, and the record.
//!
//! An export of a log group to S3 has them (`2026-11-01T00:00:00.000Z {...}`), and so has the output of `aws logs tail`, which
//! puts the name of the stream between, and with `--format json` begins the record on a line of its own.

use super::unended::UnendedValue;

/// The longest beginning of a line: a time and the name of a log stream, which has at most 512 characters.
const LONGEST: usize = 4_096;

/// Returns whether a line begins with a date and a time, as those of a log group do.
fn begins_with_time(bytes: &[u8]) -> bool {
    const FORM: &[u8] = b"0000-00-00T";
    bytes.len() >= FORM.len()
        && FORM.iter().zip(bytes).all(|(form, byte)| match form {
            b'0' => byte.is_ascii_digit(),
            other => other == byte,
        })
}

/// The contents of a line of a log group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogLine {
    /// A JSON object, which begins here.
    Record(usize),
    /// Something else, up to here.
    Other(usize),
}

/// Reads the beginning of a line. `is_last`: nothing follows these bytes. `None`: it is no line of a log group.
pub(super) fn line(
    bytes: &[u8],
    at: usize,
    is_last: bool,
) -> Result<Option<LogLine>, UnendedValue> {
    let rest = &bytes[at..];
    if !begins_with_time(rest) {
        // So many digits may be the beginning of a time.
        let is_short = rest.len() < 11 && rest.iter().all(|byte| b"0123456789-".contains(byte));
        return if is_short && !is_last {
            Err(UnendedValue::Cut)
        } else {
            Ok(None)
        };
    }
    let start = &rest[..rest.len().min(LONGEST)];
    let is_cut = start.len() == rest.len() && !is_last;
    match memchr::memchr2(b'{', b'\n', start) {
        Some(offset) if start[offset] == b'{' => Ok(Some(LogLine::Record(at + offset))),
        Some(line_end) => {
            let blank = rest[line_end..]
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace());
            let next = line_end + blank.count();
            match rest.get(next) {
                Some(b'{') => Ok(Some(LogLine::Record(at + next))),
                None if !is_last => Err(UnendedValue::Cut),
                _ => Ok(Some(LogLine::Other(at + next))),
            }
        }
        None if is_cut => Err(UnendedValue::Cut),
        None if is_last && start.len() == rest.len() => Ok(Some(LogLine::Other(bytes.len()))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_a_line_is_found_behind_time_and_stream() {
        for (text, found) in [
            (
                "2026-11-01T00:00:00.000Z {\"a\":1}",
                Ok(Some(LogLine::Record(25))),
            ),
            (
                "2026-11-01T00:00:00+00:00 1_CloudTrail_x {",
                Ok(Some(LogLine::Record(41))),
            ),
            (
                "2026-11-01T00:00:00+00:00 stream\n  {",
                Ok(Some(LogLine::Record(35))),
            ),
            (
                "2026-11-01T00:00:00.000Z START\n2026",
                Ok(Some(LogLine::Other(31))),
            ),
            ("2026-11-01T00:00:00.000Z STA", Err(UnendedValue::Cut)),
            ("2026-11-0", Err(UnendedValue::Cut)),
            ("2026-11-01 and so on", Ok(None)),
            ("hello, world", Ok(None)),
        ] {
            assert_eq!(line(text.as_bytes(), 0, false), found, "{text}");
        }
        let end = "2026-11-01T00:00:00.000Z STA";
        assert_eq!(line(end.as_bytes(), 0, true), Ok(Some(LogLine::Other(28))));
    }
}
