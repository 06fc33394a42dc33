//! Patterns of policies: wildcards, policy variables, and ARNs by their segments.
//!
//! `*` stands for any text and `?` for one character; a variable such as `${aws:PrincipalTag/team}` stands for the value
//! of a condition key, and characters of that value are no wildcards (IAM user guide, "Policy variables" and "Resource").

use super::fact::{Fact, Facts};
use super::truth::Truth;

/// One character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glyph {
    Char(char),
    One,
    Many,
}

/// A part of a pattern that has variables.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PatternPiece {
    Text(Vec<Glyph>),
    Variable {
        key: String,
        lower_key: String,
        default: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PatternForm {
    All,
    Exact(String),
    Prefix(String),
    Glyphs(Vec<Glyph>),
    Template(Vec<PatternPiece>),
}

/// The signs of a pattern that mean more than themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signs {
    /// `*` and `?` are wildcards.
    pub wildcards: bool,
    /// `${...}` is a variable: documents of version `2012-10-17`.
    pub variables: bool,
}

/// A pattern, ready to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(PatternForm);

impl Pattern {
    /// Reads a pattern. Every text is one.
    pub(super) fn new(text: &str, signs: Signs) -> Self {
        let mut pieces = Vec::new();
        let mut glyphs = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if signs.variables
                && rest.starts_with("${")
                && let Some(end) = rest.find('}')
            {
                match &rest[2..end] {
                    "*" => glyphs.push(Glyph::Char('*')),
                    "?" => glyphs.push(Glyph::Char('?')),
                    "$" => glyphs.push(Glyph::Char('$')),
                    inside => {
                        pieces.push(PatternPiece::Text(std::mem::take(&mut glyphs)));
                        pieces.push(variable(inside));
                    }
                }
                rest = &rest[end + 1..];
                continue;
            }
            glyphs.push(match first {
                '*' if signs.wildcards => Glyph::Many,
                '?' if signs.wildcards => Glyph::One,
                plain => Glyph::Char(plain),
            });
            rest = &rest[first.len_utf8()..];
        }
        if pieces.is_empty() {
            return Self(simplest(glyphs));
        }
        pieces.push(PatternPiece::Text(glyphs));
        Self(PatternForm::Template(pieces))
    }

    /// Returns whether a text fits. `None`: a variable has no value, so nothing fits.
    pub(super) fn fits(&self, text: &str, facts: &dyn Facts) -> Option<Truth> {
        let fits = match &self.0 {
            PatternForm::All => true,
            PatternForm::Exact(exact) => exact == text,
            PatternForm::Prefix(prefix) => text.starts_with(prefix.as_str()),
            PatternForm::Glyphs(glyphs) => glyphs_fit(glyphs, text),
            PatternForm::Template(pieces) => return template_fits(pieces, text, facts),
        };
        Some(fits.into())
    }

    /// Returns whether a text fits, of a pattern without variables.
    pub(super) fn fits_plainly(&self, text: &str) -> bool {
        match &self.0 {
            PatternForm::All => true,
            PatternForm::Exact(exact) => exact == text,
            PatternForm::Prefix(prefix) => text.starts_with(prefix.as_str()),
            PatternForm::Glyphs(glyphs) => glyphs_fit(glyphs, text),
            PatternForm::Template(_) => false,
        }
    }
}

fn variable(inside: &str) -> PatternPiece {
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'');
            (key, default.and_then(|text| text.strip_suffix('\'')))
        }
        None => (inside, None),
    };
    PatternPiece::Variable {
        key: key.trim().to_owned(),
        lower_key: key.trim().to_lowercase(),
        default: default.map(str::to_owned),
    }
}

/// The cheapest form of a pattern without variables.
fn simplest(glyphs: Vec<Glyph>) -> PatternForm {
    if !glyphs.is_empty() && glyphs.iter().all(|glyph| *glyph == Glyph::Many) {
        return PatternForm::All;
    }
    let plain: String = glyphs
        .iter()
        .map_while(|glyph| match glyph {
            Glyph::Char(plain) => Some(*plain),
            _ => None,
        })
        .collect();
    let signs = &glyphs[plain.chars().count()..];
    match signs {
        [] => PatternForm::Exact(plain),
        [Glyph::Many] => PatternForm::Prefix(plain),
        _ => PatternForm::Glyphs(glyphs),
    }
}

fn glyphs_fit(glyphs: &[Glyph], text: &str) -> bool {
    let mut chars = text.chars();
    let mut index = 0;
    // Where to go on if what follows the last `*` does not fit here.
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let steps = match glyphs.get(index) {
            Some(Glyph::Many) => {
                retry = Some((index + 1, chars.clone()));
                true
            }
            Some(Glyph::One) => chars.next().is_some(),
            Some(Glyph::Char(wanted)) => chars.next() == Some(*wanted),
            None if chars.as_str().is_empty() => return true,
            None => false,
        };
        if steps {
            index += 1;
            continue;
        }
        let Some((after, rest)) = &mut retry else {
            return false;
        };
        if rest.next().is_none() {
            return false;
        }
        chars = rest.clone();
        index = *after;
    }
}

fn template_fits(pieces: &[PatternPiece], text: &str, facts: &dyn Facts) -> Option<Truth> {
    let mut glyphs = Vec::new();
    let mut open = Truth::Yes;
    for piece in pieces {
        match piece {
            PatternPiece::Text(plain) => glyphs.extend_from_slice(plain),
            PatternPiece::Variable {
                key,
                lower_key,
                default,
            } => match facts.fact(lower_key) {
                Fact::One(value) => glyphs.extend(value.chars().map(Glyph::Char)),
                Fact::Absent => glyphs.extend(default.as_ref()?.chars().map(Glyph::Char)),
                Fact::Depends { .. } | Fact::Either(_) => {
                    open = open.and(|| Truth::depends_on(key));
                    glyphs.push(Glyph::Many);
                }
                Fact::Many(_) => return None,
                Fact::Unclear(why) => {
                    open = open.and(|| Truth::unclear(why));
                    glyphs.push(Glyph::Many);
                }
            },
        }
    }
    // With a wildcard instead of what is not known: what does not fit that fits nothing.
    Some(Truth::from(glyphs_fit(&glyphs, text)).and(|| open))
}

/// A pattern for ARNs. Wildcards do not reach over a colon before the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArnPattern {
    /// `*`.
    Any,
    /// Partition, service, Region, account, resource.
    Segments(Box<[Pattern; 5]>),
    /// No ARN and no `*`.
    Strange(String),
}

impl ArnPattern {
    /// Reads a pattern. An ARN that ends early with a wildcard goes on with wildcards.
    pub(super) fn new(text: &str, signs: Signs) -> Self {
        if !text.is_empty() && text.bytes().all(|byte| byte == b'*') {
            return Self::Any;
        }
        let mut parts = segments(text, signs.variables);
        let is_arn = parts.first().is_some_and(|first| *first == "arn");
        if is_arn && parts.len() < 6 && text.ends_with('*') {
            parts.resize(6, "*");
        }
        match parts.as_slice() {
            ["arn", rest @ ..] if rest.len() == 5 => {
                let pattern = |index: usize| Pattern::new(rest[index], signs);
                Self::Segments(Box::new(std::array::from_fn(pattern)))
            }
            _ => Self::Strange(text.to_owned()),
        }
    }

    /// Returns whether an ARN fits, given by its segments as [`split`] has them. `None`: a variable has no value.
    pub(super) fn fits(&self, arn: &[&str; 5], facts: &dyn Facts) -> Option<Truth> {
        match self {
            Self::Any => Some(Truth::Yes),
            Self::Strange(text) => Some(Truth::unclear(format!("the resource `{text}`"))),
            Self::Segments(patterns) => {
                let mut fits = Truth::Yes;
                // The resource differs most often.
                for index in [4, 2, 3, 1, 0] {
                    let one = patterns[index].fits(arn[index], facts)?;
                    fits = fits.and(|| one);
                    if fits.is_no() {
                        return Some(Truth::No);
                    }
                }
                Some(fits)
            }
        }
    }
}

/// Cuts a text at its first five colons, those inside of variables left alone.
fn segments(text: &str, variables: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut offset = 0;
    while offset < text.len() && parts.len() < 5 {
        let rest = &text[offset..];
        if variables
            && rest.starts_with("${")
            && let Some(end) = rest.find('}')
        {
            offset += end + 1;
        } else if rest.starts_with(':') {
            parts.push(&text[begin..offset]);
            offset += 1;
            begin = offset;
        } else {
            offset += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// The segments of an ARN behind `arn:`; `None` for other text.
pub(super) fn split(arn: &str) -> Option<[&str; 5]> {
    let mut parts = arn.splitn(6, ':');
    if parts.next() != Some("arn") {
        return None;
    }
    let mut next = || parts.next();
    Some([next()?, next()?, next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Team(Fact<'static>);

    impl Facts for Team {
        fn fact(&self, key: &str) -> Fact<'_> {
            if key == "aws:principaltag/team" {
                self.0.clone()
            } else {
                Fact::Absent
            }
        }
    }

    const SIGNS: Signs = Signs {
        wildcards: true,
        variables: true,
    };

    fn plain(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern, SIGNS).fits_plainly(text)
    }

    #[test]
    fn wildcards_stand_for_what_iam_says() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("a*", "a", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("db-??????", "db-AbC123", true),
            ("db-??????", "db-AbC12", false),
            ("db-??????", "db-prod-AbC123", false),
            ("db-*", "db-prod-AbC123", true),
            ("*-*-?", "a-b-c", true),
            ("?", "ä", true),
            ("a${*}c", "a*c", true),
            ("a${*}c", "abc", false),
            ("A", "a", false),
        ] {
            assert_eq!(plain(pattern, text), fits, "{pattern} {text}");
        }
        let literal = Signs {
            wildcards: false,
            variables: true,
        };
        assert!(!Pattern::new("a*", literal).fits_plainly("ab"));
        assert!(Pattern::new("a*", literal).fits_plainly("a*"));
    }

    #[test]
    fn a_variable_stands_for_its_value_and_never_for_a_wildcard() {
        let pattern = Pattern::new("team/${aws:PrincipalTag/team}/*", SIGNS);
        let value = |text: &'static str| Team(Fact::One(text.into()));
        let fits = |text: &str, facts: &Team| pattern.fits(text, facts);
        assert_eq!(fits("team/red/db", &value("red")), Some(Truth::Yes));
        assert_eq!(fits("team/blue/db", &value("red")), Some(Truth::No));
        assert_eq!(fits("team/red/db", &value("*")), Some(Truth::No));
        assert_eq!(fits("team/red/db", &Team(Fact::Absent)), None);
        let open = Team(Fact::Depends { always: false });
        assert_eq!(
            fits("team/red/db", &open),
            Some(Truth::depends_on("aws:PrincipalTag/team"))
        );
        assert_eq!(fits("other/red/db", &open), Some(Truth::No));
        let default = Pattern::new("team/${aws:PrincipalTag/team, 'all'}", SIGNS);
        assert_eq!(
            default.fits("team/all", &Team(Fact::Absent)),
            Some(Truth::Yes)
        );
    }

    #[test]
    fn arns_are_compared_by_segments() {
        let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-AbC123";
        let arn = split(arn).unwrap();
        for (pattern, fits) in [
            ("*", Truth::Yes),
            ("arn:aws:secretsmanager:*:*:secret:*", Truth::Yes),
            ("arn:aws:secretsmanager:*", Truth::Yes),
            (
                "arn:*:secretsmanager:us-*:111122223333:secret:app/*",
                Truth::Yes,
            ),
            (
                "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db",
                Truth::No,
            ),
            ("arn:aws:secretsmanager:*:secret:*:x", Truth::No),
            ("arn:aws:s3:::*", Truth::No),
            ("app/db", Truth::unclear("the resource `app/db`")),
        ] {
            let found = ArnPattern::new(pattern, SIGNS).fits(&arn, &Team(Fact::Absent));
            assert_eq!(found, Some(fits), "{pattern}");
        }
        let user = "arn:aws:secretsmanager:*:*:secret:${aws:PrincipalTag/team}/*";
        let user = ArnPattern::new(user, SIGNS);
        let app = Team(Fact::One("app".into()));
        assert_eq!(user.fits(&arn, &app), Some(Truth::Yes));
    }
}
