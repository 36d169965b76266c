//! Many runs in a few numbers.

use runtree_tracing::langsmith::wire::RunStats;
use rusqlite::{Connection, params_from_iter};

use super::super::numbers::{Numbers, Percentiles, count};
use super::super::{Question, Result, ask};
use super::failure::failed;
use super::few;
use crate::access::Access;
use crate::filter::{Dialect, Sql, errors_inside};

// A sum of whole numbers may be too large for one, and then is an error; a total is not, and ends at the largest.
const SUMS: &str = "SELECT count(*), sum(r.status = 'error'), sum(r.first_token IS NOT NULL), max(r.start), \
    CAST(total(r.total_tokens) AS INTEGER), CAST(total(r.prompt_tokens) AS INTEGER), \
    CAST(total(r.completion_tokens) AS INTEGER), total(r.total_cost), total(r.prompt_cost), total(r.completion_cost), \
    count(r.total_cost) > 0, sum(r.status <> 'error' AND ";
const LATENCIES: &str = "SELECT max(r.\"end\" - r.start, 0) FROM runs AS r WHERE r.\"end\" IS NOT NULL";
const FIRST_TOKENS: &str = "SELECT max(r.first_token - r.start, 0) FROM runs AS r WHERE r.first_token IS NOT NULL";

/// The runs of a question in numbers.
pub(super) fn of(connection: &Connection, access: &Access, question: &Question) -> Result<RunStats> {
    let few = few::narrowed(connection, question, true)?;
    let question = few.as_ref().unwrap_or(question);
    let asking = |columns: &[&'static str]| {
        let mut sql = Sql::new(Dialect::Sqlite);
        columns.iter().for_each(|part| {
            sql.push(part);
        });
        ask::conditions(&mut sql, access, question);
        sql
    };
    let sums = asking(&[SUMS, errors_inside(Dialect::Sqlite), " > 0) FROM runs AS r WHERE TRUE"]);
    let mut statement = connection.prepare(sums.text()).map_err(failed)?;
    let numbers = statement.query_row(params_from_iter(sums.parameters()), |row| {
        Ok(Numbers {
            runs: count(row.get(0)?),
            errors: count(row.get(1)?),
            streamed: count(row.get(2)?),
            last: row.get(3)?,
            total_tokens: count(row.get(4)?),
            prompt_tokens: count(row.get(5)?),
            completion_tokens: count(row.get(6)?),
            total_cost: row.get(7)?,
            prompt_cost: row.get(8)?,
            completion_cost: row.get(9)?,
            is_priced: row.get(10)?,
            errors_inside: Some(count(row.get(11)?)),
            ..Numbers::default()
        })
    });
    let mut numbers = numbers.map_err(failed)?;
    if numbers.runs > 0 {
        numbers.latencies = Percentiles::of(durations(connection, &asking(&[LATENCIES]))?);
        numbers.first_tokens = Percentiles::of(durations(connection, &asking(&[FIRST_TOKENS]))?);
    }
    Ok(numbers.stats())
}

/// Durations in microseconds.
fn durations(connection: &Connection, sql: &Sql) -> Result<Vec<i64>> {
    let mut statement = connection.prepare(sql.text()).map_err(failed)?;
    let rows = statement.query_map(params_from_iter(sql.parameters()), |row| row.get(0)).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}
