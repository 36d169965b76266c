//! Many runs in a few numbers.

use runtree_tracing::langsmith::wire::RunStats;

use super::super::numbers::{Numbers, Percentiles, count};
use super::super::{Question, ask as questions};
use super::connections::{View, ask};
use super::failure::Result;
use crate::access::Access;
use crate::filter::{Dialect, Sql, errors_inside};

const SUMS: &str = "SELECT count(*), count(*) FILTER (WHERE r.status = 'error'), count(r.first_token), max(r.start), \
    least(coalesce(sum(r.total_tokens), 0), 9223372036854775807)::bigint, \
    least(coalesce(sum(r.prompt_tokens), 0), 9223372036854775807)::bigint, \
    least(coalesce(sum(r.completion_tokens), 0), 9223372036854775807)::bigint, \
    coalesce(sum(r.total_cost), 0), coalesce(sum(r.prompt_cost), 0), coalesce(sum(r.completion_cost), 0), \
    count(r.total_cost) > 0, count(*) FILTER (WHERE r.status <> 'error' AND ";
const LATENCIES: &str = "SELECT greatest(r.\"end\" - r.start, 0) FROM runs AS r WHERE r.\"end\" IS NOT NULL";
const FIRST_TOKENS: &str = "SELECT greatest(r.first_token - r.start, 0) FROM runs AS r WHERE r.first_token IS NOT NULL";

/// The runs of a question in numbers.
pub(super) async fn of(view: &View<'_>, access: &Access, question: &Question) -> Result<RunStats> {
    let asking = |columns: &[&'static str]| {
        let mut sql = Sql::new(Dialect::Postgres);
        columns.iter().for_each(|part| {
            sql.push(part);
        });
        questions::conditions(&mut sql, access, question);
        sql
    };
    let sums = asking(&[SUMS, errors_inside(Dialect::Postgres), " > 0) FROM runs AS r WHERE TRUE"]);
    let Some(row) = ask(view, &sums).await?.into_iter().next() else { return Ok(RunStats::default()) };
    let mut numbers = Numbers {
        runs: count(row.get(0)),
        errors: count(row.get(1)),
        streamed: count(row.get(2)),
        last: row.get(3),
        total_tokens: count(row.get(4)),
        prompt_tokens: count(row.get(5)),
        completion_tokens: count(row.get(6)),
        total_cost: row.get(7),
        prompt_cost: row.get(8),
        completion_cost: row.get(9),
        is_priced: row.get(10),
        errors_inside: Some(count(row.get(11))),
        ..Numbers::default()
    };
    if numbers.runs > 0 {
        numbers.latencies = Percentiles::of(durations(view, &asking(&[LATENCIES])).await?);
        numbers.first_tokens = Percentiles::of(durations(view, &asking(&[FIRST_TOKENS])).await?);
    }
    Ok(numbers.stats())
}

/// Durations in microseconds.
async fn durations(view: &View<'_>, sql: &Sql) -> Result<Vec<i64>> {
    Ok(ask(view, sql).await?.iter().map(|row| row.get(0)).collect())
}
