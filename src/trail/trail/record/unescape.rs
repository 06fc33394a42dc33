//! JSON strings without their escapes.
//!
//! Lenient on purpose: CloudTrail cuts long user agents and messages off, which may leave half of a character. Such a
//! half, and bytes that are no UTF-8, become U+FFFD instead of costing the record.

use std::borrow::Cow;

/// A key, which rarely has escapes.
pub(super) fn key(text: &[u8], escaped: bool) -> Cow<'_, [u8]> {
    if escaped {
        Cow::Owned(unescaped(text).into_bytes())
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns the text between the quotes of a string, without its escapes.
pub(super) fn unescaped(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(offset) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..offset]);
        rest = escape(&rest[offset + 1..], &mut out);
    }
    out.extend_from_slice(rest);
    String::from_utf8(out)
        .unwrap_or_else(|fault| String::from_utf8_lossy(fault.as_bytes()).into_owned())
}

/// Writes what the escape stands for and gives what follows it. `rest` begins behind the backslash.
fn escape<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((&kind, rest)) = rest.split_first() else {
        return rest;
    };
    out.push(match kind {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x08,
        b'f' => 0x0c,
        b'u' => return unicode(rest, out),
        other => other,
    });
    rest
}

/// Four hex digits, or two escapes that stand for one character together. `rest` begins behind the `u`.
fn unicode<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((unit, behind)) = hex(rest) else {
        out.extend_from_slice("\u{fffd}".as_bytes());
        return rest;
    };
    let second = behind
        .strip_prefix(b"\\u")
        .and_then(hex)
        .filter(|(low, _)| (0xd800..0xdc00).contains(&unit) && (0xdc00..0xe000).contains(low));
    let (code, behind) = match second {
        Some((low, behind)) => (0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), behind),
        None => (unit, behind),
    };
    let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    behind
}

fn hex(rest: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, behind) = rest.split_first_chunk::<4>()?;
    let mut value = 0;
    for &digit in digits {
        value = (value << 4) | char::from(digit).to_digit(16)?;
    }
    Some((value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broken_escapes_cost_a_character_at_most() {
        for (text, plain) in [
            (r"\ud83d\ude00", "\u{1f600}"),
            (r"cut \ud83d", "cut \u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\ude00x", "\u{fffd}x"),
            (r"\u12", "\u{fffd}12"),
            (r"end\", "end"),
            (r"\q\/", "q/"),
        ] {
            assert_eq!(unescaped(text.as_bytes()), plain, "{text}");
        }
        assert_eq!(unescaped(b"\\n\xff"), "\n\u{fffd}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn undoes_what_the_json_library_writes(text in any::<String>()) {
            let quoted = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescaped(&quoted.as_bytes()[1..quoted.len() - 1]), text);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(prop_oneof![Just(b'\\'), Just(b'u'), any::<u8>()], 0..60)) {
            let _ = unescaped(&bytes);
        }
    }
}
