//! Answers in XML as JSON.
//!
//! The Query protocol has one form for everything: an element with elements in it is an object, one whose elements are all
//! called `member` is a list, and anything else is text. What this cannot know without a model of the service is whether a
//! text is a number or a truth value, and whether an empty element is an empty list or an empty text: it is an empty text,
//! and whoever asked has to tell the two apart.
//!
//! The tokens are those of the parser under the SDK's own decoder, which takes a document that breaks off for one that
//! ends; here it is an error, because half a list of roles would look like all of them.

use serde_json::{Map, Value};
use xmlparser::{ElementEnd, Token, Tokenizer};

/// Sets how deep elements may lie in each other. The deepest answer that is read has nine levels.
const DEEPEST: usize = 32;

/// An element that is not closed yet.
#[derive(Default)]
struct Open {
    name: String,
    text: String,
    children: Vec<(String, Value)>,
}

impl Open {
    /// The element as JSON.
    fn value(self) -> Value {
        if self.children.is_empty() {
            return Value::String(self.text);
        }
        if self.children.iter().all(|(name, _)| name == "member") {
            return self.children.into_iter().map(|(_, value)| value).collect();
        }
        let mut members: Map<String, Value> = Map::new();
        for (name, value) in self.children {
            match members.entry(name) {
                serde_json::map::Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                // A list without a name of its own around it.
                serde_json::map::Entry::Occupied(mut known) => match known.get_mut() {
                    Value::Array(entries) => entries.push(value),
                    first => *first = Value::Array(vec![first.take(), value]),
                },
            }
        }
        Value::Object(members)
    }
}

/// The content of the root element.
///
/// # Errors
/// What is wrong with the document, in words that begin with a small letter.
pub(super) fn json(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut path: Vec<Open> = Vec::new();
    let mut root = None;
    for token in Tokenizer::from(text) {
        match token.map_err(|error| format!("it is not XML: {error}"))? {
            Token::ElementStart { local, .. } => {
                if path.len() == DEEPEST || root.is_some() {
                    return Err(format!("`{local}` is one element too many"));
                }
                path.push(Open {
                    name: local.to_string(),
                    ..Open::default()
                });
            }
            Token::ElementEnd { end, .. } => {
                if let ElementEnd::Close(_, name) = end
                    && path.last().is_none_or(|open| open.name != name.as_str())
                {
                    return Err(format!("`{name}` is closed and was not open"));
                }
                if end == ElementEnd::Open {
                    continue;
                }
                let Some(done) = path.pop() else {
                    return Err("an element is closed and none was open".to_owned());
                };
                let name = done.name.clone();
                match path.last_mut() {
                    Some(outer) => outer.children.push((name, done.value())),
                    None => root = Some(done.value()),
                }
            }
            Token::Text { text } => {
                if let Some(open) = path.last_mut() {
                    open.text.push_str(&plain(text.as_str())?);
                }
            }
            Token::Cdata { text, .. } => {
                if let Some(open) = path.last_mut() {
                    open.text.push_str(text.as_str());
                }
            }
            Token::EntityDeclaration { name, .. } => {
                return Err(format!(
                    "it declares the entity `{name}`, which no answer of AWS does"
                ));
            }
            _ => {}
        }
    }
    match path.last() {
        Some(open) => Err(format!("it breaks off in `{}`", open.name)),
        None => root.ok_or_else(|| "it holds no element".to_owned()),
    }
}

/// The text with its references replaced.
fn plain(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let unknown = || "a reference in it is none of XML's".to_owned();
        let (name, after) = after.split_once(';').ok_or_else(unknown)?;
        let sign = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name.strip_prefix('#').and_then(numbered),
        };
        plain.push(sign.ok_or_else(unknown)?);
        rest = after;
    }
    plain.push_str(rest);
    Ok(plain)
}

/// The sign with this number, in decimal or, after an `x`, in hexadecimal digits.
fn numbered(number: &str) -> Option<char> {
    let number = match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    number.ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_are_objects_lists_and_text() {
        let answer = br#"<?xml version="1.0"?>
            <R xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
              <Result>
                <IsTruncated>false</IsTruncated>
                <Roles>
                  <member><Name>a &amp; &lt;b&gt; &#x41;&#66;</Name><Tags/></member>
                  <member><Name><![CDATA[<raw>&amp;]]></Name></member>
                </Roles>
                <Flat>1</Flat><Flat>2</Flat><Flat>3</Flat>
              </Result>
            </R>"#;
        assert_eq!(
            json(answer),
            Ok(json!({"Result": {
                "IsTruncated": "false",
                "Roles": [{"Name": "a & <b> AB", "Tags": ""}, {"Name": "<raw>&amp;"}],
                "Flat": ["1", "2", "3"],
            }}))
        );
    }

    #[test]
    fn what_breaks_off_or_is_no_document_is_an_error() {
        let deep = "<a>".repeat(1_000_000);
        for (text, why) in [
            ("", "no element"),
            ("<a><b>1</b>", "breaks off in `a`"),
            ("<a><b>1", "it"),
            ("<a><b></a></b>", "`a` is closed"),
            ("<a/><b/>", "it"),
            ("<a>&nbsp;</a>", "a reference"),
            ("<a>&#xD800;</a>", "a reference"),
            ("<a>& b</a>", "a reference"),
            ("{}", "it is not XML"),
            (deep.as_str(), "one element too many"),
            (
                "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
                "declares the entity",
            ),
        ] {
            let found = json(text.as_bytes()).unwrap_err();
            assert!(
                found.contains(why),
                "{}: {found}",
                &text[..text.len().min(60)]
            );
        }
        assert!(json(b"<a>\xff</a>").is_err());
    }
}
