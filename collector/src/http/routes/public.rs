//! Shared runs are read by whoever has their token: the run, and its trace.

use std::collections::HashSet;

use axum::extract::State;
use axum::response::Response;
use runtree_tracing::langsmith::wire::RunQueryBody;

use super::super::extract::{Segments, Sent, id};
use super::super::{Collector, Problem};
use super::{question, runs};
use crate::access::Access;
use crate::store::{Question, StoredRun};

/// Bytes of the longest token that is looked for.
const TOKEN: usize = 128;

fn reader() -> Access {
    Access { writes: false, manages: false, ..Access::full() }
}

/// The run that is shared under a token.
async fn shared(collector: &Collector, token: &str) -> Result<StoredRun, Problem> {
    let missing = || Problem::missing("shared run");
    if token.len() > TOKEN {
        return Err(missing());
    }
    let run = collector.store.shared_run(token).await?.ok_or_else(missing)?;
    collector.store.run(&reader(), run).await?.ok_or_else(missing)
}

pub(super) async fn run(
    State(collector): State<Collector>,
    Segments(token): Segments<String>,
) -> Result<Response, Problem> {
    let run = shared(&collector, &token).await?;
    Ok(runs::one(&run, collector.tenant))
}

pub(super) async fn below(
    State(collector): State<Collector>,
    Segments((token, run)): Segments<(String, String)>,
) -> Result<Response, Problem> {
    let shared = shared(&collector, &token).await?;
    let run = collector.store.run(&reader(), id(&run)?).await?;
    let run = run.filter(|run| run.row.place.trace == shared.row.place.trace && run.project == shared.project);
    Ok(runs::one(&run.ok_or_else(|| Problem::missing("shared run"))?, collector.tenant))
}

pub(super) async fn query(
    State(collector): State<Collector>,
    Segments(token): Segments<String>,
    Sent(mut body): Sent<RunQueryBody>,
) -> Result<Response, Problem> {
    let shared = shared(&collector, &token).await?;
    let select = body.select.take().map(HashSet::from_iter);
    let asked = question::of(body)?;
    if asked.traces.is_some_and(|traces| traces != [shared.row.place.trace]) {
        return Err(Problem::missing("shared run"));
    }
    // Whatever was asked, only this trace is shown.
    let question = Question {
        traces: Some(vec![shared.row.place.trace]),
        projects: Some(vec![shared.project]),
        payloads: runs::wants_payloads(&select),
        ..asked
    };
    let page = collector.store.runs(&reader(), &question).await?;
    Ok(runs::paged(page, collector.tenant, &select))
}
