//! The name that somebody may have meant who mistyped one.

/// The most similar of these names; `None` if none is similar enough to be a typing error.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = typed.chars().count().max(3) / 3;
    names
        .map(|name| (distance(typed, name), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

/// Returns how many letters have to be inserted, left out or replaced to get from one name to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_name_and_another_word_finds_none() {
        let names = ["hot-loop", "idle", "payments/stripe/api-key"];
        let of = |typed| nearest(typed, names.into_iter());
        assert_eq!(of("hot-loops"), Some("hot-loop"));
        assert_eq!(of("hto-loop"), Some("hot-loop"));
        assert_eq!(of("payment/stripe/apikey"), Some("payments/stripe/api-key"));
        assert_eq!(of("idel"), None);
        assert_eq!(of("idl"), Some("idle"));
        assert_eq!(of("xyz"), None);
        assert_eq!(of(""), None);
    }
}
