//! The table that holds a trail: which columns it has, and how a member of a record is reached in it.
//!
//! AWS documents two definitions of such a table, older ones lack columns, and people make their own, with structs, maps or
//! JSON texts for the same member. So nothing is assumed: the columns are read first, by the names and types that Trino and
//! Hive give them, and each member of a record is looked for. A member that is in no column is NULL everywhere, and
//! [`TrailTable::missing`] says which rules are blind then.

use std::fmt::Write as _;

use crate::ports::TableColumns;

/// The type of a column, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// A text, which may hold JSON.
    Text,
    /// A moment.
    Timestamp,
    /// A structure, by the names of its fields in lower case.
    Row(Vec<(String, ColumnType)>),
    /// A map of texts.
    Map,
    /// A list.
    Array,
    /// Anything else that can be cast to a text.
    Scalar,
}

impl ColumnType {
    /// Reads a type as Trino (`row(a varchar)`) or Hive (`struct<a:string>`) writes it.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        let inside = |start: &str, end: char| {
            text.strip_prefix(start)
                .and_then(|rest| rest.strip_suffix(end))
        };
        if let Some(fields) = inside("row(", ')') {
            return Self::Row(fields_of(fields, ' '));
        }
        if let Some(fields) = inside("struct<", '>') {
            return Self::Row(fields_of(fields, ':'));
        }
        if text.starts_with("map") {
            return Self::Map;
        }
        if text.starts_with("array") {
            return Self::Array;
        }
        if text.starts_with("timestamp") {
            return Self::Timestamp;
        }
        let is_text = ["varchar", "string", "char"];
        if is_text.iter().any(|name| text.starts_with(name)) {
            return Self::Text;
        }
        Self::Scalar
    }
}

/// The fields of a structure: `name type, ...` or `name:type,...`.
fn fields_of(text: &str, separator: char) -> Vec<(String, ColumnType)> {
    let mut fields = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    let ends = text.char_indices().chain([(text.len(), ',')]);
    for (at, letter) in ends {
        match letter {
            '(' | '<' => depth += 1,
            ')' | '>' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                let field = text[start..at].trim();
                if let Some((name, kind)) = field.split_once(separator) {
                    fields.push((name.trim_matches('"').to_owned(), ColumnType::parse(kind)));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    fields
}

/// A table with the columns that were found.
#[derive(Clone, Debug)]
pub(super) struct TrailTable {
    /// Its name in SQL, quoted.
    pub(super) name: String,
    /// The columns, by their names in lower case.
    columns: Vec<(String, ColumnType)>,
    /// Each record knows the file that it lies in.
    pub(super) has_path: bool,
}

/// An identifier in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The members that rules depend on, each with what cannot be known without it.
const NEEDED: &[(&str, &str)] = &[
    (
        "eventCategory",
        "no hour counts as covered by the trail, so no secret is marked for deletion because of silence",
    ),
    (
        "readOnly",
        "no day counts as one with reads, so no secret is marked for deletion because of silence",
    ),
    (
        "sharedEventID",
        "a call that two accounts log is counted in each of them",
    ),
    (
        "vpcEndpointId",
        "calls through a VPC endpoint look like others",
    ),
    ("tlsDetails", "old versions of TLS are not found"),
    (
        "sessionCredentialFromConsole",
        "calls from the console are recognized by their user agent alone",
    ),
    (
        "serviceEventDetails",
        "events of Secrets Manager itself, such as failed rotations, are not found",
    ),
];

/// The members without which there is nothing to count.
const REQUIRED: &[&str] = &["eventTime", "eventSource", "eventName", "userIdentity"];

impl TrailTable {
    /// The table of this name with these columns.
    ///
    /// # Errors
    /// If it is plainly no table of CloudTrail records, with the members that it lacks.
    pub(super) fn new(name: String, columns: &TableColumns) -> Result<Self, String> {
        let read = columns.columns.iter().map(|column| {
            (
                column.name.to_ascii_lowercase(),
                ColumnType::parse(&column.kind),
            )
        });
        let table = Self {
            name,
            columns: read.collect(),
            has_path: columns.has_path,
        };
        let lacks: Vec<&str> = REQUIRED
            .iter()
            .copied()
            .filter(|member| table.column(member).is_none())
            .collect();
        if lacks.is_empty() {
            return Ok(table);
        }
        Err(format!(
            "the table holds no CloudTrail records: it has no column {}",
            lacks.join(", ").to_ascii_lowercase()
        ))
    }

    fn column(&self, member: &str) -> Option<&(String, ColumnType)> {
        self.columns
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(member))
    }

    /// The members that no column holds, each with what cannot be known without it.
    pub(super) fn missing(&self) -> Vec<(&'static str, &'static str)> {
        let has = |member: &str| self.column(member).is_some();
        NEEDED
            .iter()
            .filter(|(member, _)| {
                let is_known = *member == "eventCategory" && has("managementEvent");
                !(has(member) || is_known)
            })
            .copied()
            .collect()
    }

    /// A member of a record as a text; NULL if it is absent, empty or no text. The path is that of the record, such as
    /// `userIdentity`, `sessionContext`, `sessionIssuer`, `arn`.
    pub(super) fn text(&self, path: &[&str]) -> String {
        let Some((expression, kind, rest)) = self.reach(path) else {
            return "CAST(NULL AS varchar)".to_owned();
        };
        let text = match (&kind, rest) {
            (_, [_, ..]) => format!("json_extract_scalar({expression}, {})", json_path(rest)),
            (ColumnType::Text, []) => expression,
            (ColumnType::Timestamp, []) => {
                format!("date_format({expression}, '%Y-%m-%dT%H:%i:%sZ')")
            }
            (ColumnType::Scalar, []) => format!("CAST({expression} AS varchar)"),
            (ColumnType::Row(_) | ColumnType::Map | ColumnType::Array, []) => {
                format!("json_format(CAST({expression} AS json))")
            }
        };
        format!("nullif({text}, '')")
    }

    /// A member that is a list or an object, as JSON; NULL if it is absent.
    pub(super) fn json(&self, path: &[&str]) -> String {
        let Some((expression, kind, rest)) = self.reach(path) else {
            return "CAST(NULL AS varchar)".to_owned();
        };
        match (&kind, rest) {
            (_, [_, ..]) => {
                format!(
                    "json_format(json_extract({expression}, {}))",
                    json_path(rest)
                )
            }
            (ColumnType::Text, []) => expression,
            _ => format!("json_format(CAST({expression} AS json))"),
        }
    }

    /// Returns whether a member is there and not empty: CloudTrail writes `"webIdFederationData": {}` where there is
    /// none.
    pub(super) fn holds(&self, path: &[&str]) -> String {
        match self.reach(path) {
            None => "false".to_owned(),
            Some((expression, _, rest @ [_, ..])) => not_empty(&format!(
                "json_format(json_extract({expression}, {}))",
                json_path(rest)
            )),
            Some((expression, kind, [])) => holds(&expression, &kind),
        }
    }

    /// The deepest column or field on the way to a member, its type, and the rest of the way inside its JSON.
    fn reach<'p>(&self, path: &'p [&'p str]) -> Option<(String, ColumnType, &'p [&'p str])> {
        let (first, mut rest) = path.split_first()?;
        let (name, kind) = self.column(first)?;
        let (mut expression, mut kind) = (quoted(name), kind.clone());
        while let Some((next, after)) = rest.split_first() {
            match kind {
                ColumnType::Row(fields) => {
                    let found = fields
                        .into_iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(next))?;
                    let _ = write!(expression, ".{}", quoted(&found.0));
                    (kind, rest) = (found.1, after);
                }
                ColumnType::Map => {
                    expression = format!("element_at({expression}, {})", literal(next));
                    (kind, rest) = (ColumnType::Text, after);
                }
                ColumnType::Text => return Some((expression, ColumnType::Text, rest)),
                ColumnType::Timestamp | ColumnType::Array | ColumnType::Scalar => return None,
            }
        }
        Some((expression, kind, rest))
    }
}

fn json_path(members: &[&str]) -> String {
    literal(&format!("$.{}", members.join(".")))
}

fn not_empty(json: &str) -> String {
    format!("coalesce({json} NOT IN ('', '{{}}', '[]', 'null', '\"\"'), false)")
}

fn holds(expression: &str, kind: &ColumnType) -> String {
    match kind {
        ColumnType::Text => not_empty(expression),
        ColumnType::Map | ColumnType::Array => {
            format!("coalesce(cardinality({expression}) > 0, false)")
        }
        ColumnType::Scalar | ColumnType::Timestamp => format!("{expression} IS NOT NULL"),
        ColumnType::Row(fields) => {
            let each = fields
                .iter()
                .map(|(name, kind)| holds(&format!("{expression}.{}", quoted(name)), kind));
            let any: Vec<String> = each.collect();
            format!("({expression} IS NOT NULL AND ({}))", any.join(" OR "))
        }
    }
}
