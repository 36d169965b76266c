//! A trace as a tree: all its runs, without payloads.

use axum::extract::State;
use axum::response::Response;

use super::super::answer::{self, summary};
use super::super::extract::{Caller, Id};
use super::super::{Collector, Problem};

/// How many bytes a run takes in an answer, about.
const LINE: usize = 512;

pub(super) async fn tree(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(trace): Id,
) -> Result<Response, Problem> {
    // The version is read first: what changes meanwhile is then told again, and not missed.
    let version = *collector.store.news().borrow();
    let runs = collector.store.tree(&access, trace).await?;
    if runs.is_empty() {
        return Err(Problem::missing("trace"));
    }
    let mut out = Vec::with_capacity(64 + LINE * runs.len());
    out.extend_from_slice(format!("{{\"version\":{version},\"runs\":").as_bytes());
    summary::list(&runs, &mut out);
    out.push(b'}');
    Ok(answer::json(out))
}
