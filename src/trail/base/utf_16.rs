//! Text in UTF-16, as Windows writes it: recognized and named, never converted.

/// The message for a file in UTF-16, with the way out.
pub const UTF_16: &str = "the file is UTF-16 text, as `>` of Windows PowerShell writes: save it in UTF-8 \
                          (`| Out-File -Encoding utf8 FILE`)";

/// Returns whether text begins with the byte order mark of UTF-16.
pub fn is_utf_16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF])
}
