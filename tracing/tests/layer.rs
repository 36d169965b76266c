//! What the bridge to the `tracing` crate promises.
#![cfg(feature = "tracing-layer")]
#![allow(clippy::unwrap_used, reason = "tests may")]

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use runtree_core::{Error, Opening, Record, Result, Run, RunType, Runnable, RunnableConfig, Status};
use runtree_tracing::handlers::{InMemory, Traced, traced};
use runtree_tracing::layer::{RunLayer, SpanHandler};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Instrument, Subscriber, error, info, info_span, instrument};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

fn with_run_layer() -> DefaultGuard {
    set_default(Registry::default().with(RunLayer::new()))
}

/// Runs `body` as the code of a run.
fn inside(config: &RunnableConfig, name: &'static str, body: impl FnOnce()) {
    let (_, mut guard) = config.open(Opening::new(name));
    guard.enter(body);
    guard.succeed(Record::value(1));
}

#[instrument(ret, err)]
async fn halve(number: i64) -> Result<i64, String> {
    tokio::task::yield_now().await;
    if number % 2 == 0 { Ok(number / 2) } else { Err(format!("{number} is odd")) }
}

/// A runnable whose work is instrumented code that knows nothing of configs.
struct Halve;

impl Runnable for Halve {
    type Input = i64;
    type Output = i64;
    async fn call(&self, number: i64, _: &RunnableConfig) -> Result<i64> {
        halve(number).await.map_err(Error::from)
    }
}

#[test]
fn spans_inside_a_run_become_runs_below_it() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    inside(&config, "answer", || {
        let outer = info_span!("outer", table = "facts", limit = 3, run_type = "retriever").entered();
        info_span!("inner").in_scope(|| {});
        outer.record("limit", 4);
    });
    trace.assert_tree(
        "
        answer
          outer
            inner",
    );
    let outer = trace.get("outer");
    assert_eq!(outer.run_type(), RunType::Retriever);
    assert_eq!(outer.inputs(), json!({"table": "facts", "limit": 3}));
    assert_eq!(outer.outputs(), Some(json!({"limit": 4})));
    assert_eq!(outer.metadata()["target"], "layer");
    assert_eq!(outer.metadata()["level"], "INFO");
}

#[tokio::test]
async fn instrumented_functions_give_their_arguments_results_and_errors() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    assert_eq!(Halve.invoke(6, &config).await, Ok(3));
    assert!(Halve.invoke(7, &config).await.is_err());
    trace.assert_tree(
        "
        Halve
          halve
        Halve [error: 7 is odd]
          halve [error: 7 is odd]",
    );
    let [well, ill] = trace.find("halve").try_into().unwrap();
    assert_eq!((well.inputs(), well.outputs()), (json!({"number": 6}), Some(json!({"output": "3"}))));
    assert_eq!((ill.inputs(), ill.outputs()), (json!({"number": 7}), None));
}

#[tokio::test]
async fn interleaved_futures_keep_their_spans_apart() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    let halves = [2, 4, 6].map(|number| Halve.invoke(number, &config));
    futures::future::join_all(halves).await;
    for run in trace.find("Halve") {
        let [below] = trace.children(run.id()).try_into().expect("one span for each run");
        assert_eq!(below.inputs()["number"], run.inputs()["input"]);
    }
}

#[tokio::test]
async fn instrumented_tasks_stay_below_the_run_that_spawned_them() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    let (_, mut guard) = config.open(Opening::new("answer"));
    let task = guard.enter(|| {
        let work = async {
            tokio::task::yield_now().await;
            halve(8).await
        };
        tokio::spawn(work.instrument(info_span!("task")))
    });
    assert_eq!(task.await.unwrap(), Ok(4));
    guard.succeed(Record::value(1));
    trace.assert_tree(
        "
        answer
          task
            halve",
    );
}

#[tokio::test]
async fn a_span_around_a_run_is_not_taken_for_one_inside_it() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    let outer = info_span!("request");
    async { Halve.invoke(2, &config).await.unwrap() }.instrument(outer).await;
    trace.assert_tree(
        "
        Halve
          halve",
    );
}

#[test]
fn a_detached_run_within_a_span_keeps_what_opens_inside_it() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    let apart = config.clone().detached();
    inside(&config, "answer", || {
        info_span!("outer").in_scope(|| inside(&apart, "apart", || info_span!("inner").in_scope(|| {})));
    });
    trace.assert_tree(
        "
        answer
          outer
        apart
          inner",
    );
}

#[test]
fn spans_outside_all_runs_are_left_alone_unless_they_have_a_root() {
    let (config, trace) = traced();
    {
        let _default = with_run_layer();
        info_span!("outside").in_scope(|| info!("unheard"));
    }
    assert!(trace.is_empty());
    let _default = set_default(Registry::default().with(RunLayer::new().with_root(config)));
    info_span!("outside").in_scope(|| info_span!("below").in_scope(|| {}));
    trace.assert_tree(
        "
        outside
          below",
    );
}

#[test]
fn events_are_noted_on_the_nearest_run_and_errors_mark_the_span() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    inside(&config, "answer", || {
        info!(rows = 3, "in the run");
        let span = info_span!("query").entered();
        error!(code = 7, "no such table");
        drop(span);
    });
    trace.assert_tree(
        "
        answer
          query [error: no such table]",
    );
    let log = |run: Arc<Run>| run.events().into_iter().find(|event| event.name == "log").expect("a log event").data;
    let data = json!({"level": "INFO", "target": "layer", "message": "in the run", "rows": 3});
    assert_eq!(log(trace.get("answer")), data);
    assert_eq!(log(trace.get("query"))["code"], 7);
}

#[test]
fn a_field_named_error_marks_the_run() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    inside(&config, "answer", || {
        let span = info_span!("late", error = tracing::field::Empty);
        span.record("error", "recorded later");
        info_span!("early", error = "there from the start").in_scope(|| {});
    });
    assert_eq!(trace.get("late").error().unwrap().message(), "recorded later");
    assert_eq!(trace.get("early").error().unwrap().message(), "there from the start");
}

#[test]
fn a_panic_closes_the_spans_it_passes() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        inside(&config, "answer", || info_span!("query").in_scope(|| panic!("on purpose")));
    }));
    assert!(caught.is_err());
    assert_eq!(trace.get("query").status(), Status::Panicked);
}

#[test]
fn silence_holds_for_spans_too() {
    let _default = with_run_layer();
    let (config, trace) = traced();
    inside(&config.silenced(), "answer", || info_span!("query").in_scope(|| {}));
    assert!(trace.is_empty());
}

/// A layer that keeps what it sees of spans: their fields, and who is their parent.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<HashMap<u64, SeenSpan>>>);

#[derive(Clone, Default, Debug)]
struct SeenSpan {
    parent: Option<u64>,
    fields: HashMap<&'static str, String>,
    closed: bool,
}

impl Visit for SeenSpan {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).and_then(|span| span.parent()).map(|span| span.id().into_u64());
        let mut span = SeenSpan { parent, ..SeenSpan::default() };
        span.fields.insert("span", attributes.metadata().name().to_owned());
        attributes.record(&mut span);
        self.0.lock().unwrap().insert(id.into_u64(), span);
    }
    fn on_record(&self, id: &Id, values: &tracing::span::Record<'_>, _: Context<'_, S>) {
        values.record(self.0.lock().unwrap().get_mut(&id.into_u64()).unwrap());
    }
    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.0.lock().unwrap().get_mut(&id.into_u64()).unwrap().closed = true;
    }
}

impl Seen {
    /// The span with that name, or of the run with that name.
    fn get(&self, name: &str) -> SeenSpan {
        let spans = self.0.lock().unwrap();
        let mut found = spans.values().filter(|span| span.name() == name);
        let span = found.next().unwrap_or_else(|| panic!("no span {name} in {spans:?}"));
        assert!(found.next().is_none(), "more than one span {name} in {spans:?}");
        span.clone()
    }

    fn parent_of(&self, name: &str) -> Option<String> {
        let parent = self.get(name).parent?;
        Some(self.0.lock().unwrap()[&parent].name().to_owned())
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl SeenSpan {
    fn name(&self) -> &str {
        self.fields.get("name").unwrap_or(&self.fields["span"])
    }
}

#[test]
fn runs_appear_as_spans_in_their_place() {
    let seen = Seen::default();
    let _default = set_default(Registry::default().with(seen.clone()));
    let (config, trace) = traced();
    let config = config.with_handler(Arc::new(SpanHandler::new())).with_tag("t");
    let (inside, root) = info_span!("request").in_scope(|| config.open(Opening::new("answer")));
    let (_, model) = inside.clone().with_own_tag("u").open(Opening::new("model").run_type(RunType::Llm));
    let (_, other) = info_span!("elsewhere").in_scope(|| inside.open(Opening::new("other")));
    model.fail(&"no answer".into());
    other.succeed(Record::value(1));
    assert!(!seen.get("answer").closed);
    root.succeed(Record::value(1));

    assert_eq!(seen.parent_of("answer").as_deref(), Some("request"));
    assert_eq!(seen.parent_of("model").as_deref(), Some("answer"));
    assert_eq!(seen.parent_of("other").as_deref(), Some("answer"));
    let model = seen.get("model");
    assert!(model.closed && seen.get("answer").closed);
    assert_eq!(model.fields["span"], "run");
    assert_eq!(model.fields["run_type"], "llm");
    assert_eq!(model.fields["id"], trace.get("model").id().to_string());
    assert_eq!(model.fields["trace_id"], trace.get("answer").id().to_string());
    assert_eq!(model.fields["tags"], "t,u");
    assert_eq!((&*model.fields["status"], &*model.fields["error"]), ("error", "no answer"));
    assert_eq!(seen.get("answer").fields["status"], "success");
}

#[test]
fn runs_cost_no_span_while_nobody_subscribes() {
    let handler = Arc::new(SpanHandler::new());
    let (config, _trace) = traced();
    let (_, guard) = config.with_handler(handler.clone()).open(Opening::new("answer"));
    assert!(handler.span(guard.run().unwrap()).is_disabled());
    assert_eq!(format!("{handler:?}"), "SpanHandler { open: 0 }");
    drop(guard);
}

#[tokio::test]
async fn both_ways_together_make_one_run_and_one_span_of_each() {
    let seen = Seen::default();
    let _default = set_default(Registry::default().with(RunLayer::new()).with(seen.clone()));
    let trace = Traced::new(InMemory::new());
    let spans = Arc::new(SpanHandler::new());
    let config = RunnableConfig::root().with_handler(trace.handler()).with_handler(spans.clone());

    let (below, mut answer) = config.open(Opening::new("answer"));
    answer.enter(|| {
        info_span!("query").in_scope(|| info_span!("row").in_scope(|| {}));
    });
    Halve.invoke(6, &below).await.unwrap();
    let task = tokio::spawn(async { halve(4).await }.instrument(spans.span(answer.run().unwrap())));
    task.await.unwrap().unwrap();
    answer.succeed(Record::value(1));

    trace.assert_tree(
        "
        answer
          query
            row
          Halve
            halve
          halve",
    );
    assert_eq!(seen.len(), trace.len());
    assert_eq!(seen.parent_of("row").as_deref(), Some("query"));
    assert_eq!(seen.parent_of("Halve").as_deref(), Some("answer"));
    assert!(seen.0.lock().unwrap().values().all(|span| span.closed));
    assert_eq!(format!("{spans:?}"), "SpanHandler { open: 0 }");
}

#[test]
fn runs_below_a_span_that_became_a_run_have_its_span_as_parent() {
    let seen = Seen::default();
    let _default = set_default(Registry::default().with(RunLayer::new()).with(seen.clone()));
    let (config, trace) = traced();
    let config = config.with_handler(Arc::new(SpanHandler::new()));
    inside(&config, "answer", || {
        info_span!("query").in_scope(|| {
            let below = RunnableConfig::under(&trace.get("query"));
            inside(&below, "step", || {});
        });
    });
    assert_eq!(seen.parent_of("step").as_deref(), Some("query"));
    trace.assert_tree(
        "
        answer
          query
            step",
    );
}
