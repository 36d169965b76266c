use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::{FutureExt, StreamExt};
use runtree_core::{
    Error, ErrorKind, Opening, Origin, Record, Result, Runnable, RunnableConfig, Status, on_lost_context,
};
use runtree_tracing::handlers::{InMemory, Traced, traced};

fn listened() -> (RunnableConfig, InMemory) {
    let memory = InMemory::new();
    (RunnableConfig::root().with_handler(memory.handler()), memory)
}

fn faults(memory: &InMemory) -> String {
    memory.check().expect_err("the trace should be unsound").join("\n")
}

fn panic_message(body: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(body)).expect_err("should panic");
    *panic.downcast::<String>().expect("a formatted message")
}

#[test]
fn the_tree_shows_names_own_tags_and_how_each_run_ended() {
    let (config, trace) = traced();
    let config = config.with_tag("inherited");
    let (inside, root) = config.open(Opening::new("root"));
    inside.clone().with_own_tag("a").with_own_tag("b").open(Opening::new("tagged")).1.succeed(Record::value(1));
    inside.open(Opening::new("failed")).1.fail(&Error::new(ErrorKind::Timeout, "too slow"));
    inside.open(Opening::new("cut")).1.close(Status::Truncated, None, None);
    let (below, dropped) = inside.open(Opening::new("dropped"));
    drop(below.open(Opening::new("leaf")));
    drop(dropped);
    trace.assert_tree(
        "
        root [pending]
          tagged a b
          failed [error: too slow]
          cut [truncated]
          dropped [cancelled]
            leaf [cancelled]",
    );
    root.succeed(Record::value(()));
    assert!(trace.tree().starts_with("root\n"));
}

#[test]
fn the_callers_formatter_writes_the_lines() {
    let (config, trace) = traced();
    let (inside, root) = config.open(Opening::new("root"));
    inside.open(Opening::new("child").origin(Origin::Block)).1.succeed(Record::value(2));
    root.succeed(Record::value(1));
    let picture = trace.picture(|run| format!("{:?} {}", run.origin(), run.outputs().unwrap()["output"]));
    assert_eq!(picture, "Runnable 1\n  Block 2");
}

#[test]
fn questions_find_runs_by_name_id_and_place() {
    let (config, trace) = traced();
    let (inside, root) = config.open(Opening::new("root"));
    for _ in 0..2 {
        inside.open(Opening::new("twin")).1.succeed(Record::value(1));
    }
    root.succeed(Record::value(1));
    config.open(Opening::new("second root")).1.succeed(Record::value(1));

    let root = trace.get("root");
    assert_eq!(trace.run(root.id()), Some(root.clone()));
    assert_eq!(trace.children(root.id()), trace.find("twin"));
    assert_eq!(trace.roots().iter().map(|run| run.name()).collect::<Vec<_>>(), ["root", "second root"]);
    assert_eq!(trace.len(), 4);

    assert!(panic_message(|| _ = trace.get("none")).contains("no run is named `none`; the runs are:\nroot\n  twin"));
    assert!(panic_message(|| _ = trace.get("twin")).contains("2 runs are named `twin`"));
    trace.clear();
    assert!(trace.is_empty());
}

#[test]
fn runs_come_in_the_order_they_opened_whatever_the_order_of_telling() {
    let (quiet, memory) = (InMemory::new(), InMemory::new());
    let (inside, root) = RunnableConfig::root().with_handler(quiet.handler()).open(Opening::new("root"));
    inside.open(Opening::new("first")).1.succeed(Record::value(1));
    inside.open(Opening::new("second")).1.succeed(Record::value(1));
    root.succeed(Record::value(1));
    for run in quiet.runs().iter().rev() {
        memory.handler().on_start(run);
    }
    assert_eq!(memory.runs(), quiet.runs());
    assert_eq!(memory.tree(), quiet.tree());
    assert!(faults(&memory).contains("was told to open before its parent"));
}

#[tokio::test]
async fn runs_below_a_run_of_another_process_are_roots_here() {
    let (config, trace) = traced();
    let order = "20260304T050607000089Z019cb5e0-6a3f-7000-8000-000000000001";
    config.below(order).unwrap().open(Opening::new("here")).1.succeed(Record::value(1));
    assert_eq!(trace.roots(), [trace.get("here")]);
    assert!(trace.get("here").dotted_order().starts_with(order));
}

#[test]
fn an_open_run_is_not_sound() {
    let (config, memory) = listened();
    let (_, guard) = config.open(Opening::new("open"));
    assert!(faults(&memory).contains("`open`") && faults(&memory).contains("is still open"));
    drop(guard);
    memory.assert_sound();
}

#[test]
fn a_second_end_is_not_sound() {
    let (config, memory) = listened();
    drop(config.open(Opening::new("once")));
    memory.handler().on_end(&memory.get("once"));
    assert!(faults(&memory).contains("was told 2 times"));
}

#[test]
fn a_child_that_outlives_its_parent_is_not_sound() {
    let (config, memory) = listened();
    let (inside, parent) = config.open(Opening::new("parent"));
    let (_, child) = inside.open(Opening::new("child"));
    drop(parent);
    std::thread::sleep(std::time::Duration::from_micros(5)); // so that the clock of the trace moves on
    drop(child);
    assert!(faults(&memory).contains("did not end before its parent"), "{}", faults(&memory));
}

#[test]
fn a_late_child_is_not_sound() {
    let (config, memory) = listened();
    let (inside, parent) = config.open(Opening::new("parent"));
    drop(parent);
    drop(inside.open(Opening::new("late")));
    assert!(faults(&memory).contains("opened after the end of its parent"));
}

#[test]
fn an_unknown_parent_is_not_sound() {
    let (config, memory) = listened();
    let (inside, parent) = config.open(Opening::new("parent"));
    memory.clear();
    drop(inside.open(Opening::new("child")));
    drop(parent);
    assert!(faults(&memory).contains("has a parent that was never told to open: `parent`"));
    assert!(faults(&memory).contains("`parent`") && faults(&memory).contains("was never told to open"));
}

#[test]
fn a_lost_root_is_not_sound() {
    on_lost_context(|_| {});
    let (config, memory) = listened();
    let (_, mut outer) = config.open(Opening::new("outer"));
    outer.enter(|| drop(config.open(Opening::new("lost"))));
    outer.enter(|| {
        let unheard = RunnableConfig::root();
        assert!(Noop.invoke((), &unheard).now_or_never().unwrap().is_ok());
    });
    drop(outer);
    assert!(faults(&memory).contains("`lost`") && faults(&memory).contains("lost its context"));
    assert!(faults(&memory).contains("a root opened that nobody hears"));
}

struct Noop;

impl Runnable for Noop {
    type Input = ();
    type Output = ();
    async fn call(&self, (): (), _: &RunnableConfig) -> Result<()> {
        Ok(())
    }
}

#[test]
fn the_guard_fails_the_test_whose_trace_is_unsound() {
    let message = panic_message(|| {
        let (config, _trace) = traced();
        std::mem::forget(config.open(Opening::new("forgotten")));
    });
    assert!(message.contains("the trace is not sound") && message.contains("forgotten [pending]"), "{message}");

    let first = catch_unwind(|| {
        let (config, _trace) = traced();
        std::mem::forget(config.open(Opening::new("forgotten")));
        panic!("the test's own failure");
    });
    assert_eq!(*first.unwrap_err().downcast::<&str>().unwrap(), "the test's own failure");

    let (config, trace) = traced();
    std::mem::forget(config.open(Opening::new("forgotten")));
    assert!(trace.unchecked().check().is_err());
}

#[test]
fn a_wrong_tree_is_shown_beside_the_expected_one() {
    let (config, trace) = traced();
    config.open(Opening::new("is")).1.succeed(Record::value(1));
    let message = panic_message(|| trace.assert_tree("was"));
    assert!(message.contains("── expected\nwas\n── but are\nis\n"), "{message}");
}

#[tokio::test]
async fn chunks_are_kept_when_asked_for() {
    let keeper = Traced::new(InMemory::with_chunks());
    let config = RunnableConfig::root().with_handler(keeper.handler());
    let chunks: Vec<_> = Noop.stream((), &config).collect().await;
    assert_eq!(chunks.len(), 1);
    assert_eq!(keeper.chunks(keeper.get("Noop").id()), [serde_json::Value::Null]);

    let (config, plain) = traced();
    assert!(!config.wants_chunks());
    Noop.invoke((), &config).await.unwrap();
    assert!(plain.chunks(plain.get("Noop").id()).is_empty());
}

#[test]
fn the_last_clone_lets_go_of_the_runs() {
    let (config, memory) = listened();
    drop(config.open(Opening::new("run")));
    let run = std::sync::Arc::downgrade(&memory.get("run"));
    let clone = memory.clone();
    drop(memory);
    assert!(run.upgrade().is_some());
    drop(clone);
    assert!(run.upgrade().is_none());
    drop(config.open(Opening::new("unheard")));
}
