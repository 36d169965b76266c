//! Shows a trace as a tree, or one run of it.

use clap::Args;
use runtree::prelude::*;
use runtree::tracing::langsmith::client::{RunNode, TraceTree};
use runtree::tracing::langsmith::wire::Run;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::collector::{At, Collector};
use crate::{out, shown};

/// Which trace.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The id of the trace
    #[arg(required_unless_present = "run")]
    trace: Option<Uuid>,
    /// Shows what went into this run and what came out of it
    #[arg(long, value_name = "ID")]
    run: Option<Uuid>,
    /// Prints each run as a line of JSON, for machines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Deserialize)]
struct Tree {
    runs: Vec<Box<RawValue>>,
}

/// Shows it.
pub(crate) async fn run(show: Show) -> Result<()> {
    let collector = show.at.connect().await?;
    match (show.run, show.trace) {
        (Some(run), trace) => one(&collector, run, trace, show.json).await,
        (None, Some(trace)) => tree(&collector, trace, show.json).await,
        (None, None) => Err(Error::invalid_input("which trace?")),
    }
}

/// Names what is not there.
fn missing(what: &str, id: Uuid) -> impl FnOnce(Error) -> Error {
    move |error| match error.kind() {
        ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, format!("there is no {what} {id}, or the key is not for it"))
        }
        _ => error,
    }
}

async fn tree(collector: &Collector, trace: Uuid, json: bool) -> Result<()> {
    let answer = collector.get(&format!("/traces/{trace}/tree"), &[]).await.map_err(missing("trace", trace))?;
    let Tree { runs } = serde_json::from_slice(&answer)?;
    if json {
        return runs.iter().try_for_each(|run| out::json(run.get()));
    }
    let runs: Vec<Run> = runs.iter().map(|run| serde_json::from_str(run.get())).collect::<serde_json::Result<_>>()?;
    TraceTree::new(runs).iter().try_for_each(|node| out::print(&lines(node)))
}

/// A run, and below it why it failed.
fn lines(node: RunNode<'_>) -> String {
    // Beyond this, depth is told in words: a line has an end.
    const DEEPEST: usize = 40;
    let run = node.run();
    let indent = " ".repeat(2 * node.depth().min(DEEPEST));
    let deep = if node.depth() > DEEPEST { format!("({} deep)", node.depth()) } else { String::new() };
    let orphan = if node.is_orphan() { "(orphan: its parent is missing)" } else { "" };
    let status = format!("[{}]", shown::one_line(run.status.as_str()));
    let name = shown::one_line(&run.name);
    let words = [
        name,
        run.run_type.as_str().to_owned(),
        status,
        shown::latency(run),
        shown::tokens(run),
        deep,
        orphan.to_owned(),
    ];
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let mut lines = format!("{indent}{}\n", words.join(" "));
    if let Some(error) = run.error.as_deref().filter(|error| !error.trim().is_empty()) {
        lines.push_str(&format!("{indent}  ! {}\n", shown::first_line(error)));
    }
    lines
}

/// What went in and what came out, as the collector writes it.
#[derive(Deserialize)]
struct Payloads<'a> {
    #[serde(borrow, default)]
    inputs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    outputs: Option<&'a RawValue>,
}

/// What else is shown of one run.
#[derive(Deserialize)]
struct Head {
    trace_id: Uuid,
    name: String,
    run_type: String,
    status: String,
    #[serde(default)]
    error: Option<String>,
}

async fn one(collector: &Collector, id: Uuid, trace: Option<Uuid>, json: bool) -> Result<()> {
    let answer = collector.get(&format!("/runs/{id}"), &[]).await.map_err(missing("run", id))?;
    let answer = String::from_utf8(answer).or_fail_as(ErrorKind::Parse, "reading the collector's answer")?;
    let head: Head = serde_json::from_str(&answer)?;
    if let Some(trace) = trace.filter(|trace| *trace != head.trace_id) {
        return Err(Error::new(ErrorKind::NotFound, format!("run {id} is of trace {}, not {trace}", head.trace_id)));
    }
    if json {
        return out::json(&answer);
    }
    let payloads: Payloads<'_> = serde_json::from_str(&answer)?;
    out::line(&format!(
        "{} {} [{}]",
        shown::one_line(&head.name),
        shown::one_line(&head.run_type),
        shown::one_line(&head.status)
    ))?;
    for (what, payload) in [("inputs", payloads.inputs), ("outputs", payloads.outputs)] {
        if let Some(payload) = payload.filter(|payload| payload.get() != "null") {
            out::line(&format!("{what}: {}", shown::indented(payload.get())))?;
        }
    }
    match head.error.as_deref().filter(|error| !error.is_empty()) {
        Some(error) => error.lines().try_for_each(|line| out::line(&format!("! {}", shown::one_line(line)))),
        None => Ok(()),
    }
}
