//! IAM: the identities of an account and their policies, in the XML of the Query protocol.
//!
//! The entries of a world are written as `aws` prints them; here they are turned into what the service sends: `member`
//! elements, empty elements for empty lists, and policies in percent-encoding (RFC 3986).

use serde_json::Value;

use super::call::Asked;
use super::http::{self, Response};
use super::refusal::Refusal;
use super::sts::{form, only};
use super::world::World;

/// The XML namespace of the answers.
pub const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// The lists of the answer, in its order.
const LISTS: [&str; 4] = [
    "UserDetailList",
    "GroupDetailList",
    "RoleDetailList",
    "Policies",
];

/// Answers a call.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let op = asked.op;
    if op != "GetAccountAuthorizationDetails" {
        let message = format!("Could not find operation {op} for version 2010-05-08");
        return Err(Refusal::new(400, "InvalidAction", message));
    }
    let form = form(asked.http);
    only(&form, &["MaxItems", "Marker"])?;
    let value = |name: &str| {
        let mut pairs = form.iter();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let size: usize = value("MaxItems").unwrap_or("100").parse().unwrap_or(0);
    if !(1..=1_000).contains(&size) {
        let message = "maxItems must be between 1 and 1000";
        return Err(Refusal::new(400, "ValidationError", message));
    }
    let account = asked.caller.account.clone();
    let (places, next) = asked.page(
        world,
        |runtime| &mut runtime.names,
        (value("Marker"), size),
        |world| {
            let count = world.identities.get(&account).map_or(0, Vec::len);
            (0..count).map(|place| place.to_string()).collect()
        },
    )?;
    let all = world.identities.get(&account);
    let entries: Vec<&(String, Value)> = places
        .iter()
        .filter_map(|place| all?.get(place.parse::<usize>().ok()?))
        .collect();
    let mut result = String::new();
    for list in LISTS {
        let of_list = entries.iter().filter(|(name, _)| name == list);
        let values: Vec<Value> = of_list.map(|(_, value)| value.clone()).collect();
        element(&mut result, list, &Value::Array(values));
    }
    element(&mut result, "IsTruncated", &Value::Bool(next.is_some()));
    if let Some(next) = next {
        element(&mut result, "Marker", &Value::String(next));
    }
    let body = format!(
        "<{op}Response xmlns=\"{NAMESPACE}\"><{op}Result>{result}</{op}Result><ResponseMetadata><RequestId>loopback</RequestId></ResponseMetadata></{op}Response>"
    );
    Ok(Response::new(200, "text/xml", body))
}

/// Writes a value as an element.
fn element(out: &mut String, name: &str, value: &Value) {
    let is_document = name.ends_with("Document");
    let mut inside = String::new();
    match value {
        Value::Array(entries) => {
            for entry in entries {
                element(&mut inside, "member", entry);
            }
        }
        Value::Object(members) if !is_document => {
            for (key, value) in members {
                element(&mut inside, key, value);
            }
        }
        Value::String(text) => inside = http::xml(text),
        other => inside = other.to_string(),
    }
    if is_document {
        inside = encoded(&inside);
    }
    let whole = if inside.is_empty() {
        format!("<{name}/>")
    } else {
        format!("<{name}>{inside}</{name}>\n")
    };
    out.push_str(&whole);
}

/// Percent-encoding of everything but letters, digits and `-._~`.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
