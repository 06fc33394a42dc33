//! Athena: queries that go through the states that a test says, and the rows of four calls or of an engine.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Asked, json_answer};
use super::http::Response;
use super::refusal::Refusal;
use super::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Start {
    query_string: String,
    client_request_token: String,
    query_execution_context: Value,
    work_group: Option<String>,
    result_configuration: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OfQuery {
    query_execution_id: String,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Rows on a page, whatever is asked for: of the four calls, and the most there may be.
const PAGES: [usize; 2] = [3, 1_000];

/// Answers the operations of the adapter.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let athena = &mut world.athena;
    match asked.op {
        "GetTableMetadata" => {
            let columns = athena.columns.iter();
            let columns: Vec<Value> = columns
                .map(|(name, kind)| json!({"Name": name, "Type": kind}))
                .collect();
            Ok(json_answer(&json!({"TableMetadata": {
                "Name": "trail", "TableType": "EXTERNAL_TABLE", "Columns": columns,
                "PartitionKeys": [{"Name": athena.day, "Type": "string"}],
                "Parameters": {format!("projection.{}.format", athena.day): "yyyy/MM/dd"},
            }})))
        }
        "StartQueryExecution" => {
            let start: Start = asked.params()?;
            let is_well = start.client_request_token.len() >= 32
                && start.query_execution_context["Database"] == "logs"
                && (start.result_configuration.is_some() || start.work_group.is_some());
            if !is_well {
                let message = "the token, the database or the place for results is missing";
                return Err(Refusal::new(400, "InvalidRequestException", message));
            }
            let rows = match &athena.engine {
                Some(engine) => engine(&start.query_string),
                None => rows(&start.query_string),
            };
            athena.results.push(rows);
            Ok(json_answer(
                &json!({"QueryExecutionId": athena.results.len().to_string()}),
            ))
        }
        "GetQueryExecution" => {
            let _: OfQuery = asked.params()?;
            let state = match athena.states.as_slice() {
                [] => json!({"Status": {"State": "SUCCEEDED"}, "Statistics": {}}),
                [last] => last.clone(),
                [_, ..] => athena.states.remove(0),
            };
            Ok(json_answer(&json!({"QueryExecution": state})))
        }
        "GetQueryResults" => {
            let asked: OfQuery = asked.params()?;
            let at: usize = asked.next_token.map_or(0, |token| token.parse().unwrap());
            assert!(asked.max_results.is_some_and(|most| most <= 1_000));
            let number: usize = asked.query_execution_id.parse().unwrap();
            let size = PAGES[usize::from(athena.engine.is_some())];
            let rows = &athena.results[number - 1];
            let page = rows.iter().skip(at).take(size);
            let page: Vec<Value> = page
                .map(|row| {
                    let data = row.iter().map(|value| match value {
                        Some(value) => json!({"VarCharValue": value}),
                        None => json!({}),
                    });
                    json!({"Data": data.collect::<Vec<_>>()})
                })
                .collect();
            let mut answer = json!({"ResultSet": {"Rows": page}});
            if at + size < rows.len() {
                answer["NextToken"] = (at + size).to_string().into();
            }
            Ok(json_answer(&answer))
        }
        "StopQueryExecution" => {
            let _: OfQuery = asked.params()?;
            Ok(json_answer(&json!({})))
        }
        op => {
            let message = format!("no operation {op}");
            Err(Refusal::new(400, "UnknownOperationException", message))
        }
    }
}

/// The names of the columns, four calls at the end of the time that the query is for, and the row that says which it is.
fn rows(sql: &str) -> Vec<Vec<Option<String>>> {
    let (_, end) = sql.split_once("'span'").expect("the query says its span");
    let moments: Vec<&str> = end.split('\'').filter(|part| part.ends_with('Z')).collect();
    let [from, to, .., window] = [moments[0], moments[1], moments[2], moments[3], moments[4]];
    let last: jiff::Timestamp = to.parse().unwrap();
    let hour = last.as_second() - 7_200;
    let hour = jiff::Timestamp::from_second(hour).unwrap();
    let cells = |calls: u32| format!("{}+{calls}:0000:0000", hour.strftime("%Y-%m-%dT%H"));
    let row = |values: &[(usize, &str)]| {
        let mut row = vec![None; 36];
        for (at, value) in values {
            row[*at] = Some((*value).to_owned());
        }
        row
    };
    let call = |session: &str, calls: u32| {
        let arn = format!("arn:aws:sts::111122223333:assumed-role/app/{session}");
        row(&[
            (0, "call"),
            (1, "111122223333"),
            (2, "us-east-1"),
            (5, "proof"),
            (6, "GetSecretValue"),
            (9, "used"),
            (14, "AssumedRole"),
            (17, "arn:aws:iam::111122223333:role/app"),
            (18, &arn),
            (22, "10.0.0.1"),
            (27, "1"),
            (29, &cells(calls)),
        ])
    };
    vec![
        row(&[(0, "secretsweep_1")]),
        call("a", 1),
        call("b", 2),
        call("c", 1),
        row(&[(0, "span"), (1, from), (2, to), (5, window)]),
    ]
}
