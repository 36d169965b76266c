//! What happens inside, told as it happens.

use futures::{StreamExt, TryStreamExt};
use runtree::models::fake::FakeListChatModel;
use runtree::parsers::StrOutputParser;
use runtree::prompts::ChatPromptTemplate;
use runtree::{EventFilter, Result, Runnable, RunnableConfig, RunnableExt, RunnableLambda, StreamEvent, fields};
use serde_json::{Value, json};

use crate::case::Case;
use crate::python::{error_value, value_error};
use crate::record::{plain, users_own};

/// An event as the documents have it: runs by their names.
fn told(case: &Case, event: StreamEvent) -> Value {
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

/// All events of a call.
async fn all_told<R: Runnable>(case: &Case, runnable: &R, input: R::Input, config: &RunnableConfig) -> Result<Value> {
    let events = runnable.stream_events(input, config, EventFilter::all());
    events.map_ok(|event| told(case, event)).try_collect().await.map(|events: Vec<_>| events.into())
}

pub(crate) async fn events_lambda(case: &Case) -> Result<Value> {
    let rev = RunnableLambda::new("rev", async |s: String, _| Ok(s.chars().rev().collect::<String>()));
    let config = case.config().with_tag("e").with_metadata("m", 1);
    all_told(case, &rev, "hello".into(), &config).await
}

pub(crate) async fn events_chain(case: &Case) -> Result<Value> {
    let prompt = ChatPromptTemplate::new([("human", "Say {x}")])?;
    let chain = prompt.pipe(FakeListChatModel::new(["ab"])).pipe(StrOutputParser::new());
    all_told(case, &chain, fields! {"x" => "q"}, &case.config().with_run_name("top")).await
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
