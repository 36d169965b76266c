//! Faults that were found once, each by the shortest program that showed it.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use runtree::prelude::*;
use runtree::tracing::handlers::{InMemory, traced};
use runtree::{CallbackHandler, CancellationToken, Opening, Record, Run, RunEvent, Status};
use serde_json::{Value, json};

fn add_one() -> impl Runnable<Input = i64, Output = i64> + Clone + 'static {
    RunnableLambda::map("add_one", |n: i64| n + 1)
}

#[tokio::test]
async fn adapters_keep_what_is_bound_and_open_no_run_of_their_own() {
    let chain = add_one().pipe(add_one()).with_config(ConfigPatch::new().run_name("my chain").tag("t"));
    let (config, trace) = traced();
    assert_eq!(chain.clone().json().invoke(json!(1), &config).await, Ok(json!(3)));
    assert_eq!(chain.accepting::<i32>().invoke(1, &config).await, Ok(3));
    let one = "my chain\n  add_one seq:step:1\n  add_one seq:step:2";
    assert_eq!(trace.tree(), [one, one].join("\n"));
    let router = RouterRunnable::new().with("a", add_one()).json();
    assert_eq!(router.invoke(json!({"key": "a", "input": 1}), &config).await, Ok(json!(2)));
    assert!(trace.tree().ends_with("\nadd_one"), "{}", trace.tree());
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_is_bound_holds_for_results_as_they_come() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gauge = RunnableLambda::with("gauge", (now, most.clone()), async |(now, most), n: i64, _| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
        now.fetch_sub(1, Ordering::SeqCst);
        Ok(n)
    });
    let bound = gauge.with_config(ConfigPatch::new().max_concurrency(1)).boxed();
    let outer = RunnableConfig::root().with_max_concurrency(4);
    assert_eq!(bound.batch_as_completed((0..8).collect(), &outer).count().await, 8);
    assert_eq!(most.load(Ordering::SeqCst), 1);
    let twice = bound.with_config(ConfigPatch::new().tag("again"));
    assert_eq!(twice.batch((0..8).collect(), &outer).await.len(), 8);
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn numbers_beyond_json_are_recorded_as_text() {
    let (config, trace) = traced();
    let same = RunnableLambda::map("same", |n: u128| n);
    assert_eq!(same.invoke(u128::MAX, &config).await, Ok(u128::MAX));
    assert_eq!(trace.get("same").inputs(), json!({"input": u128::MAX.to_string()}));
}

/// Runs a chain of its own, and adds an event, whenever it is told something.
struct Busy(InMemory);
impl CallbackHandler for Busy {
    fn on_event(&self, run: &Arc<Run>, event: &RunEvent) {
        run.add_event(format!("heard {}", event.name), Value::Null);
    }
    fn on_end(&self, _run: &Arc<Run>) {
        let own = RunnableConfig::root().with_handler(self.0.handler());
        drop(own.open(Opening::new("evaluator")));
    }
}

#[tokio::test]
async fn what_a_handler_does_for_itself_is_its_own_affair() {
    let own = InMemory::new();
    let (config, trace) = traced();
    let config = config.with_handler(Arc::new(Busy(own.clone())));
    let outer = RunnableLambda::new("outer", async |n: i64, config: &RunnableConfig| {
        config.emit("half", n)?;
        add_one().invoke(n, config).await
    });
    outer.invoke(1, &config).await.unwrap();
    assert_eq!(own.roots().len(), 2);
    assert!(own.roots().iter().all(|run| run.lost_from().is_none()));
    let names: Vec<String> = trace.get("outer").events().iter().map(|event| event.name.to_string()).collect();
    assert_eq!(names, ["start", "heard half", "half", "end"]);
}

#[test]
fn a_deep_run_tree_comes_down_link_by_link() {
    let mut tree = RunTree::open(&RunnableConfig::root(), "root");
    for _ in 0..100_000 {
        tree = tree.child("child");
    }
    drop(tree);
}

#[test]
fn a_timeout_longer_than_any_clock_is_none() {
    assert_eq!(RunnableConfig::root().with_timeout(Duration::MAX).deadline(), None);
}

#[traceable]
fn plain(n: i64, config: &RunnableConfig) -> i64 {
    n + 1
}

#[test]
fn a_deadline_asks_for_no_runtime_where_nothing_is_awaited() {
    let config = RunnableConfig::root().with_handler(InMemory::new().handler());
    let config = config.with_deadline(std::time::Instant::now() + Duration::from_secs(3600));
    assert_eq!(std::thread::spawn(move || plain(1, &config)).join().unwrap(), 2);
}

/// A payload whose record panics.
#[derive(Clone, Debug, PartialEq)]
struct Unrecordable;
impl Payload for Unrecordable {
    fn record(&self) -> Value {
        panic!("no record of this");
    }
}

#[tokio::test]
async fn a_record_that_panics_is_not_the_runs_failure() {
    let (config, trace) = traced();
    let make = RunnableLambda::map("make", |(): ()| Unrecordable);
    assert_eq!(make.invoke((), &config).await, Ok(Unrecordable));
    assert_eq!(make.stream((), &config).try_collect::<Vec<_>>().await, Ok(vec![Unrecordable]));
    assert!(trace.runs().iter().all(|run| run.status() == Status::Success));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_while_input_is_awaited() {
    let config = || RunnableConfig::root().with_timeout(Duration::from_millis(50));
    let each = RunnableLambda::map("whole", |n: i64| vec![n]).pipe(add_one().each());
    for chain in [add_one().boxed(), add_one().pipe(add_one()).boxed()] {
        let first = chain.transform(stream::pending().boxed(), &config()).next().await;
        assert_eq!(first.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    }
    let first = each.transform(stream::pending().boxed(), &config()).next().await;
    assert_eq!(first.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn of_two_tokens_either_ends_the_run() {
    let forever = RunnableLambda::new("forever", async |(): (), _| std::future::pending::<Result<i64>>().await);
    for first in [true, false] {
        let (a, b) = (CancellationToken::new(), CancellationToken::new());
        let config = RunnableConfig::root().with_cancellation(a.clone()).with_cancellation(b.clone());
        if first {
            a.cancel()
        } else {
            b.cancel()
        }
        assert!(config.is_cancelled());
        assert!(forever.invoke((), &config).await.unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn a_listener_alone_hears_custom_events() {
    let heard = InMemory::new();
    let emits =
        RunnableLambda::new("emits", async |n: i64, config: &RunnableConfig| config.emit("half", n).map(|()| n));
    emits.invoke(7, &RunnableConfig::root().with_listener(heard.handler())).await.unwrap();
    assert!(heard.get("emits").events().iter().any(|event| event.name == "half" && event.data == 7));
}

#[tokio::test]
async fn a_handler_that_listens_as_well_is_told_once() {
    let memory = InMemory::new();
    let config = RunnableConfig::root().with_handler(memory.handler()).with_listener(memory.handler());
    add_one().invoke(1, &config).await.unwrap();
    memory.assert_sound();
    assert_eq!(memory.len(), 1);
}

#[tokio::test]
async fn one_inputs_panic_is_not_the_others() {
    let picky = RunnableLambda::map("picky", |n: i64| if n == 2 { panic!("two") } else { n });
    let memory = InMemory::new();
    let config = RunnableConfig::root().with_handler(memory.handler());
    let chain = add_one().pipe(picky);
    let batch = tokio::spawn(async move { chain.batch(vec![0, 1, 2], &config).await });
    assert!(batch.await.unwrap_err().is_panic());
    let panicked: Vec<_> = memory.runs().into_iter().filter(|run| run.status() == Status::Panicked).collect();
    assert_eq!(panicked.iter().map(|run| run.name()).collect::<Vec<_>>(), ["picky"]);
    assert!(memory.runs().iter().all(|run| run.status() != Status::Pending));
}

#[tokio::test]
async fn a_parallel_without_branches_streams_what_it_gives() {
    let empty = RunnableParallel::<i64>::new();
    let config = RunnableConfig::root();
    let chunks: Vec<Fields> = empty.stream(1, &config).try_collect().await.unwrap();
    assert_eq!(chunks, [empty.invoke(1, &config).await.unwrap()]);
}

#[test]
fn a_parent_from_far_in_the_future_is_no_parent() {
    let id = "01a20306-6200-7d6c-9944-b34d2c0333e3";
    assert!(RunnableConfig::root().below(&format!("99991231T235959999999Z{id}")).is_err());
    let upper = RunnableConfig::root().below(&format!("20260304T050607000089Z{}", id.to_uppercase())).unwrap();
    assert_eq!(upper.parent().unwrap().dotted_order(), format!("20260304T050607000089Z{id}"));
}

#[test]
fn a_closed_run_is_never_pending() {
    let memory = InMemory::new();
    let (_below, mut guard) = RunnableConfig::root().with_handler(memory.handler()).open(Opening::new("run"));
    guard.close(Status::Pending, Some(Record::value(1)), None);
    assert_eq!(memory.get("run").status(), Status::Cancelled);
}

#[test]
fn a_limit_that_a_call_sets_counts_more_than_a_bound_one() {
    let bound = ConfigPatch::new().recursion_limit(3);
    assert_eq!(RunnableConfig::root().patched(&bound).recursion_limit(), 3);
    assert_eq!(RunnableConfig::root().with_recursion_limit(25).patched(&bound).recursion_limit(), 25);
}

#[tokio::test]
async fn an_error_handed_to_a_fallback_reads_as_text_and_as_itself() {
    let fails = RunnableLambda::new("fails", async |_: Fields, _| Err::<String, _>("no luck".into()));
    let told = RunnableLambda::sync("told", |fields: Fields, _: &RunnableConfig| {
        let error = fields.field("error").and_then(|field| field.downcast_ref::<Error>()).unwrap();
        Ok(format!("{} ({})", fields.get::<String>("error")?, error.kind()))
    });
    let chain = fails.with_fallbacks([told.boxed()]).with_error_under("error");
    assert_eq!(chain.invoke(Fields::new(), &RunnableConfig::root()).await.unwrap(), "no luck (other)");
}
