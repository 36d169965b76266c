//! A recorded tree as text, to compare two of them.

use runtree::Run;
use runtree::tracing::handlers::InMemory;
use serde_json::json;

/// All that was recorded of a run but its ids and times.
pub(crate) fn line(run: &Run) -> String {
    let error = run.error().map(|error| error.message().to_owned());
    let given = run.outcome().and_then(|outcome| outcome.output.clone()).map(|output| output.as_value().clone());
    let facts = json!([run.name(), run.tags(), run.metadata(), run.status(), run.inputs(), given, error]);
    facts.to_string()
}

/// The tree, its runs in the order in which they opened.
pub(crate) fn tree(memory: &InMemory) -> String {
    memory.picture(line)
}

/// Each trace as text, runs side by side in an order that does not depend on time, the traces as well.
pub(crate) fn forest(memory: &InMemory) -> Vec<String> {
    let mut traces: Vec<String> = memory.roots().iter().map(|root| sorted(memory, root)).collect();
    traces.sort();
    traces
}

fn sorted(memory: &InMemory, run: &Run) -> String {
    let mut below: Vec<String> = memory.children(run.id()).iter().map(|child| sorted(memory, child)).collect();
    below.sort();
    format!("{}({})", line(run), below.join(" "))
}
