//! A call: what is recorded of it, and what its service sees.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::http::{Request, Response};
use super::refusal::Refusal;
use super::world::{self, Cursor, Cursors, Runtime, World};

/// A call as it arrived, and how it ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// The signing name, such as `secretsmanager`, `cloudtrail` or `s3`.
    pub service: &'static str,
    /// The operation's name.
    pub op: String,
    /// The caller's account.
    pub account: String,
    /// The Region it was signed for.
    pub region: String,
    /// Its place among all calls, from 0.
    pub index: usize,
    /// The time when it arrived, since the server started.
    pub at: Duration,
    /// The time that it took to carry out, without the sending of the answer; 0 while it is under way.
    pub took: Duration,
    /// The body as text; for S3 the path and the query.
    pub body: String,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The HTTP status of the answer; 0 while there is none.
    pub status: u16,
    /// The error code of a refusal.
    pub error: Option<String>,
}

impl Call {
    /// A parameter of a JSON call; `Null` when it is not there.
    pub fn param(&self, name: &str) -> Value {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body.get(name).cloned().unwrap_or_default()
    }
}

/// The caller, as the credentials say.
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// The user's or the session's ARN.
    pub arn: String,
    /// As in `GetCallerIdentity`.
    pub user_id: String,
    /// The Region of the credential scope.
    pub region: String,
}

/// A call on its way to its service.
pub struct Asked<'a> {
    /// The operation.
    pub op: &'a str,
    /// The caller.
    pub caller: &'a Caller,
    /// The request.
    pub http: &'a Request,
    /// A fault's limit on the items of a page.
    pub page: usize,
}

impl Asked<'_> {
    /// The JSON body as the operation's parameters.
    ///
    /// # Errors
    /// `SerializationException` for a field that the operation does not have, or of another type.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let body: &[u8] = if self.http.body.is_empty() {
            b"{}"
        } else {
            &self.http.body
        };
        serde_json::from_slice(body)
            .map_err(|error| Refusal::new(400, "SerializationException", error.to_string()))
    }

    /// Returns what a token of this call is bound to: the caller and all parameters but the token.
    fn binding(&self) -> String {
        let mut body: Value = serde_json::from_slice(&self.http.body).unwrap_or_default();
        if let Some(map) = body.as_object_mut() {
            map.remove("NextToken");
            map.remove("NextPageToken");
            map.remove("nextToken");
        }
        let Caller {
            account, region, ..
        } = self.caller;
        format!("{account} {region} {} {body}", self.op)
    }

    /// The next items of a listing and the token for those after them.
    ///
    /// `table` is where the listings of this kind are kept. `items` is asked on the first page only.
    /// `size` is what the caller wants at most.
    ///
    /// # Errors
    /// `InvalidNextTokenException` for a token that is unknown or came with other parameters.
    pub fn page<T: Clone>(
        &self,
        world: &mut World,
        table: fn(&mut Runtime) -> &mut Cursors<T>,
        (token, size): (Option<&str>, usize),
        items: impl FnOnce(&World) -> Vec<T>,
    ) -> Result<(Vec<T>, Option<String>), Refusal> {
        let bound = self.binding();
        let cursor = match token {
            None => Cursor {
                bound,
                items: items(world).into(),
                offset: 0,
            },
            Some(token) => match table(&mut world.runtime).get(token) {
                Some(cursor) if cursor.bound == bound => cursor.clone(),
                _ => {
                    return Err(Refusal::new(
                        400,
                        "InvalidNextTokenException",
                        "The NextToken value is invalid.",
                    ));
                }
            },
        };
        let take = size.min(self.page);
        let page = cursor
            .items
            .iter()
            .skip(cursor.offset)
            .take(take)
            .cloned()
            .collect();
        let offset = cursor.offset + take;
        let next = (offset < cursor.items.len()).then(|| {
            let cursors = table(&mut world.runtime);
            let place = format!("{} {offset}", cursors.len());
            let token = format!(
                "AQ{:016x}{:016x}",
                world::hash(&cursor.bound),
                world::hash(&place)
            );
            cursors.insert(token.clone(), Cursor { offset, ..cursor });
            token
        });
        Ok((page, next))
    }
}

/// An answer in the JSON protocols.
pub fn json_answer(value: &Value) -> Response {
    Response::new(200, "application/x-amz-json-1.1", value.to_string())
}
