//! Text that a spreadsheet would take for a formula.

/// Returns whether a spreadsheet that opens a CSV file would calculate this cell instead of showing it, by OWASP's list
/// of the characters that start a formula (<https://owasp.org/www-community/attacks/CSV_Injection>), with their
/// full-width forms. Such a cell gets a `'` in front.
///
/// For text that others wrote. Numbers of our own are written as they are: `-1.5` is no formula.
///
/// ```
/// use secretsweep_trail::base::formula::is_formula;
/// assert!(is_formula("=1+1") && is_formula("  @SUM(A1)") && !is_formula("a=1"));
/// ```
#[must_use]
pub fn is_formula(cell: &str) -> bool {
    let starts_formula =
        |letter: char| matches!(letter, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    cell.starts_with(['\t', '\r']) || cell.trim_start().starts_with(starts_formula)
}
