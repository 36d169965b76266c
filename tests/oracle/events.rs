//! What happens inside, told as it happens.

use futures::StreamExt;
use runtree::{EventFilter, Result, Runnable, RunnableExt, RunnableLambda, StreamEvent};
use serde_json::{Value, json};

use crate::case::Case;
use crate::python::{error_value, value_error};
use crate::record::{plain, users_own};

/// An event as the documents have it: runs by their names.
pub(crate) fn told(case: &Case, event: StreamEvent) -> Value {
    let name = |id| case.memory().run(id).unwrap().name().to_owned();
    json!({
        "event": event.event,
        "name": event.name,
        "run": name(event.run_id),
        "tags": event.tags,
        "metadata": users_own(event.metadata),
        "parents": event.parent_ids.into_iter().map(name).collect::<Vec<_>>(),
        "data": plain(event.data),
    })
}

pub(crate) async fn events_lambda(case: &Case) -> Result<Value> {
    let rev = RunnableLambda::new("rev", async |s: String, _| Ok(s.chars().rev().collect::<String>()));
    let config = case.config().with_tag("e").with_metadata("m", 1);
    let mut events = rev.stream_events("hello".into(), &config, EventFilter::all());
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        seen.push(told(case, event?));
    }
    Ok(seen.into())
}

pub(crate) async fn events_error(case: &Case) -> Result<Value> {
    let a = RunnableLambda::map("a", |x: i64| x + 1);
    let bad = RunnableLambda::sync("bad", |_: i64, _| Err::<i64, _>(value_error("bad")));
    let chain = a.pipe(bad);
    let mut events = chain.stream_events(1, &case.config(), EventFilter::all());
    let (mut seen, mut raised) = (Vec::new(), Value::Null);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => seen.push(json!([event.event, event.name])),
            Err(error) => raised = error_value(&error),
        }
    }
    Ok(json!({"events": seen, "raised": raised}))
}
