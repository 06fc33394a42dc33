//! HTTP/1.1 as far as AWS SDKs speak it, on a plain `TcpStream`, one thread a connection.
//!
//! Written by hand and not on top of an HTTP library, because the faults are the point: an answer
//! that stops half-way, a reset before or after the work was done. It reads requests with a
//! `Content-Length` and nothing else; a chunked request is refused, because no SDK sends one here.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The largest head or body that is read; an SDK request is far below it.
const LIMIT: u64 = 4 << 20;

/// A request as it came over the wire.
pub struct Request {
    /// Such as `GET` or `POST`.
    pub method: String,
    /// The path without the query, still percent-encoded.
    pub path: String,
    /// The query's pairs, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The first query parameter of that name.
    pub fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }
}

/// An answer before it goes over the wire.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers besides `Content-Length` and `x-amzn-RequestId`.
    pub headers: Vec<(&'static str, String)>,
    /// The body. A `HEAD` request gets its length only.
    pub body: Vec<u8>,
    /// The mark that the answer is under way, if somebody counts. It ends before the last byte goes, so that no client
    /// can have the whole answer and ask again while it lasts.
    pub flight: Option<Flight>,
}

/// How many answers are under way at once.
#[derive(Default)]
pub struct Flights {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Flights {
    /// The most that ever were.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Forgets what was.
    pub fn forget(&self) {
        self.most.store(0, Ordering::SeqCst);
    }

    /// One more, until what this gives goes.
    pub fn begin(self: &Arc<Self>) -> Flight {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Flight(Arc::clone(self))
    }
}

/// An answer that is under way.
pub struct Flight(Arc<Flights>);

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Response {
    /// A body of that content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type", content_type.to_owned())];
        Self {
            status,
            headers,
            body: body.into(),
            flight: None,
        }
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// How an answer reaches the client.
#[derive(Clone, Copy, PartialEq)]
pub enum Ending {
    /// As it should.
    Whole,
    /// The body in ten pieces with this pause before each.
    Slow(Duration),
    /// `Content-Length` promises all, half of the body comes, then the connection closes.
    Cut,
    /// No byte of an answer, but a TCP reset.
    Reset,
}

/// Serves the requests of one connection, in order, until the client or a fault ends it.
pub fn serve(stream: &TcpStream, mut answer: impl FnMut(&Request) -> (Response, Ending)) {
    let Ok(reading) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(reading);
    while let Ok(Some(request)) = read(&mut reader) {
        let (mut response, ending) = answer(&request);
        match write(stream, &request, &mut response, ending) {
            Ok(()) if matches!(ending, Ending::Whole | Ending::Slow(_)) => {}
            _ => return,
        }
    }
}

/// Reads one request; `None` when the client has closed the connection between two of them.
fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.by_ref().take(LIMIT).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_ascii_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    // A client that takes this for a proxy sends the whole address.
    let target = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: pairs(query, Plus::Literal),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut header = String::new();
        reader.by_ref().take(LIMIT).read_line(&mut header)?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        request
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if request.header("transfer-encoding").is_some() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let length: u64 = match request.header("content-length") {
        Some(text) => text.parse().map_err(|_| io::ErrorKind::InvalidData)?,
        None => 0,
    };
    if length > LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    reader.take(length).read_to_end(&mut request.body)?;
    Ok(Some(request))
}

/// Writes the answer, or as much of it as the ending lets through.
fn write(
    mut stream: &TcpStream,
    request: &Request,
    response: &mut Response,
    ending: Ending,
) -> io::Result<()> {
    if ending == Ending::Reset {
        // A linger of zero makes the close a reset, as when a load balancer drops a connection.
        return socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
    let mut bytes = format!(
        "HTTP/1.1 {} -\r\nContent-Length: {}\r\n",
        response.status,
        response.body.len()
    )
    .into_bytes();
    for (name, value) in &response.headers {
        write!(bytes, "{name}: {value}\r\n")?;
    }
    bytes.extend_from_slice(b"\r\n");
    let body: &[u8] = if request.method == "HEAD" {
        &[]
    } else {
        &response.body
    };
    let flight = response.flight.take();
    match ending {
        Ending::Whole | Ending::Reset => {
            bytes.extend_from_slice(body);
            let Some(flight) = flight else {
                return stream.write_all(&bytes);
            };
            let (all, last) = bytes.split_at(bytes.len() - 1);
            stream.write_all(all)?;
            drop(flight);
            stream.write_all(last)
        }
        Ending::Cut => {
            bytes.extend_from_slice(&body[..body.len() / 2]);
            stream.write_all(&bytes)
        }
        Ending::Slow(pause) => {
            stream.write_all(&bytes)?;
            let mut flight = flight;
            let mut pieces = body.chunks(body.len().div_ceil(10).max(1)).peekable();
            while let Some(piece) = pieces.next() {
                if hangs_up_within(stream, pause)? {
                    return Ok(());
                }
                if pieces.peek().is_none() {
                    drop(flight.take());
                }
                stream.write_all(piece)?;
            }
            Ok(())
        }
    }
}

/// Returns whether the client hangs up within this time; whoever waits for an answer says nothing.
fn hangs_up_within(stream: &TcpStream, pause: Duration) -> io::Result<bool> {
    let before = stream.read_timeout()?;
    stream.set_read_timeout(Some(pause))?;
    let peeked = stream.peek(&mut [0]);
    stream.set_read_timeout(before)?;
    let waits = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
    Ok(match peeked {
        Ok(bytes) => bytes == 0,
        Err(error) => !waits.contains(&error.kind()),
    })
}

/// What a plus sign in encoded text stands for.
#[derive(Clone, Copy, PartialEq)]
pub enum Plus {
    /// Itself, as in a path or an S3 query.
    Literal,
    /// A blank, as in a form.
    Blank,
}

/// The pairs of a query or a form, decoded.
pub fn pairs(text: &str, plus: Plus) -> Vec<(String, String)> {
    let decoded = |part: &str| decode(part, plus);
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// Undoes percent-encoding; a broken escape stays as it is.
pub fn decode(text: &str, plus: Plus) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        if let Some(byte) = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            let blank = bytes[at] == b'+' && plus == Plus::Blank;
            out.push(if blank { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-encodes all but the unreserved characters and the slash, as S3 does with `encoding-type=url`.
pub fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    let encoded = text.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    encoded.collect::<Vec<_>>().concat()
}

/// Text made safe between two XML tags.
pub fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}
