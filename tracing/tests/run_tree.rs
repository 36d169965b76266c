//! Run trees, blocks and groups: opened, handed on and ended by hand.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use runtree_core::{CallbackHandler, Error, ErrorKind, Origin, Result, RunType, RunnableConfig, Status};
use runtree_tracing::handlers::{InMemory, Traced, traced};
use runtree_tracing::{RunTree, group, trace};
use serde_json::{Value, json};
use uuid::Uuid;

#[test]
fn a_run_tree_opens_children_and_ends_with_its_outputs() {
    let (config, memory) = traced();
    let id = Uuid::now_v7();
    let root = trace("root").run_type(RunType::Tool).inputs("question").id(id).project("demo").enter(&config);
    let child = root.child("child");
    child.add_outputs(json!({"a": 1, "b": 1}));
    assert!(child.end(json!({"b": 2})));
    assert!(root.end("answer"));

    assert_eq!(root.id(), id);
    assert_eq!((root.trace_id(), child.trace_id()), (id, id));
    assert_eq!(child.dotted_order().split('.').next(), Some(root.dotted_order().as_str()));
    assert_eq!(child.run().project(), Some("demo"));
    assert_eq!(root.run().run_type(), RunType::Tool);
    assert_eq!(root.run().inputs(), json!({"input": "question"}));
    assert_eq!(root.run().outputs(), Some(json!({"output": "answer"})));
    assert_eq!(child.run().outputs(), Some(json!({"a": 1, "b": 2})));
    memory.assert_tree("root\n  child");
}

#[test]
fn the_first_end_counts() {
    let (config, _memory) = traced();
    let run = RunTree::open(&config, "run");
    let handle = run.clone();
    assert!(handle.fail("broken"));
    assert!(run.is_ended());
    assert!(!run.end("fine") && !run.fail("again") && !run.finish(&Ok(1)));
    assert_eq!(run.run().error().unwrap().message(), "broken");
    assert_eq!(run.run().outcome().unwrap().output, None);
}

#[test]
fn a_run_ends_as_its_result_says() {
    let (config, _memory) = traced();
    let status = |result: Result<i64>| {
        let run = RunTree::open(&config, "run");
        assert!(run.finish(&result));
        (run.run().status(), run.run().outputs())
    };
    assert_eq!(status(Ok(1)), (Status::Success, Some(json!({"output": 1}))));
    assert_eq!(status(Err("no".into())), (Status::Error, None));
    assert_eq!(status(Err(Error::cancelled("enough"))), (Status::Cancelled, None));
}

#[test]
fn ending_with_nothing_gives_nothing() {
    let (config, _memory) = traced();
    let run = RunTree::open(&config, "run");
    run.end(());
    assert_eq!((run.run().status(), run.run().outputs()), (Status::Success, None));
}

#[test]
fn the_last_handle_to_go_closes_the_run_and_a_child_keeps_its_parent_open() {
    let (config, memory) = traced();
    let parent = RunTree::open(&config, "parent");
    let handle = parent.clone();
    drop(parent);
    let child = handle.child("child");
    drop(handle);
    assert_eq!(memory.get("parent").status(), Status::Pending);
    drop(child);
    memory.assert_tree("parent [cancelled]\n  child [cancelled]");
}

#[test]
fn a_panic_closes_what_it_unwinds() {
    let (config, memory) = traced();
    let unwound = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let _run = RunTree::open(&config, "by hand");
        let _: Result<()> = trace("closure").run_sync(&config, |_| panic!("on purpose"));
    }));
    assert!(unwound.is_err());
    memory.assert_tree("by hand [panicked]\nclosure [panicked]");
}

#[test]
fn what_is_given_to_a_tree_reaches_runs_opened_below_it_afterwards() {
    let (config, memory) = traced();
    let root = RunTree::open(&config, "root");
    root.child("before").end(());
    root.clone().add_metadata("k", 1);
    root.add_tag("t");
    root.child("after").end(());
    let (_, guard) = root.to_config().open(runtree_core::Opening::new("runnable"));
    drop(guard);
    root.end(());
    let seen = |name: &str| (memory.get(name).tags(), Value::Object(memory.get(name).metadata()));
    assert_eq!(seen("root"), (vec!["t".into()], json!({"k": 1})));
    assert_eq!(seen("before"), (vec![], json!({})));
    assert_eq!(seen("after"), (vec!["t".into()], json!({"k": 1})));
    assert_eq!(seen("runnable"), (vec!["t".into()], json!({"k": 1})));
}

#[test]
fn a_config_and_a_run_tree_are_views_of_one_place() {
    let (config, memory) = traced();
    assert!(RunTree::from_config(&config).is_none());
    assert_eq!(RunTree::try_from(&config).unwrap_err().kind(), ErrorKind::Configuration);

    let root = RunTree::open(&config, "root");
    let inside = RunnableConfig::from(&root);
    let handle = RunTree::try_from(&inside.with_run_name("for one run only")).unwrap();
    assert_eq!(handle.id(), root.id());
    handle.add_event("seen", json!(1));
    handle.child("child").end(());
    assert!(!handle.end(json!({"added": true})), "a handle from a config does not hold the run open");
    drop(handle);
    assert_eq!(root.run().status(), Status::Pending);
    root.end(json!({"more": 1}));
    assert_eq!(root.run().outputs(), Some(json!({"added": true, "more": 1})));
    assert_eq!(root.run().events()[0].name, "seen");
    memory.assert_tree("root\n  child");
}

#[test]
fn inputs_can_come_late() {
    let (config, _memory) = traced();
    let run = RunTree::open(&config, "run");
    run.set_inputs(json!({"q": 1}));
    run.set_inputs(json!({"q": 2}));
    run.set_outputs("replaced");
    run.set_outputs("kept");
    run.end(());
    assert_eq!(run.run().inputs(), json!({"q": 1}));
    assert_eq!(run.run().outputs(), Some(json!({"output": "kept"})));
}

#[tokio::test]
async fn blocks_end_with_their_code() {
    let (config, memory) = traced();
    let sum = trace("outer").run(&config, async |outer| {
        let one = trace("inner").run(&outer, async |_| Ok(1)).await?;
        let two = trace("sync").run_sync(&outer, |run| {
            run.add_event("halfway", Value::Null);
            Ok(2)
        })?;
        Ok(one + two)
    });
    assert_eq!(sum.await, Ok(3));
    let failed: Result<()> = trace("failed").run(&config, async |_| Err("broken".into())).await;
    assert!(failed.is_err());
    let mut waiting = Box::pin(trace("dropped").run(&config, async |run| {
        let _open = run.child("below");
        std::future::pending::<Result<()>>().await
    }));
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(waiting);
    memory.assert_tree(
        "
        outer
          inner
          sync
        failed [error: broken]
        dropped [cancelled]
          below [cancelled]",
    );
    assert_eq!(memory.get("outer").outputs(), Some(json!({"output": 3})));
    assert_eq!(memory.get("outer").origin(), Origin::Block);
    assert!(memory.get("outer").events().is_empty());
}

#[tokio::test]
async fn a_block_can_run_in_a_spawned_task() {
    let (config, memory) = traced();
    let work = async move { trace("block").run(&config, async |run| Ok(run.name().len())).await };
    assert_eq!(tokio::spawn(work).await.unwrap(), Ok(5));
    memory.assert_tree("block");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_block() {
    let (config, memory) = traced();
    let config = config.with_timeout(std::time::Duration::from_secs(1));
    let waiting: Result<()> = trace("block").run(&config, async |_| std::future::pending().await).await;
    assert_eq!(waiting.unwrap_err().kind(), ErrorKind::Timeout);
    memory.assert_tree("block [error: the deadline passed]");
}

#[test]
fn a_group_is_recorded_as_a_runnable_is() {
    let (config, memory) = traced();
    group("group").run_sync(&config, |_| Ok(1)).unwrap();
    let events: Vec<_> = memory.get("group").events().into_iter().map(|event| event.name).collect();
    assert_eq!(events, ["start", "end"]);
}

#[test]
fn without_a_listener_runs_have_ids_and_record_nothing() {
    let run = trace("quiet").inputs(json!({"a": 1})).enter(&RunnableConfig::root());
    let child = run.child("child");
    child.end("x");
    assert_eq!(child.trace_id(), run.id());
    assert!(run.run().input().is_none() && child.run().outputs().is_none());
    assert!(run.to_headers().is_empty(), "a run that nobody records is nobody's parent");
}

#[test]
fn a_root_made_by_hand_inside_another_run_is_found_out() {
    let memory = InMemory::new();
    let config = RunnableConfig::root().with_handler(memory.handler());
    let elsewhere = RunnableConfig::root().with_handler(memory.handler());
    trace("outer").run_sync(&config, |_| Ok(RunTree::open(&elsewhere, "lost").end(()))).unwrap();
    assert_eq!(memory.get("lost").lost_from().map(|run| run.name().to_owned()).as_deref(), Some("outer"));
    drop(Traced::new(memory).unchecked());
}

#[test]
fn a_handler_may_come_back_to_the_tree_it_hears_the_end_of() {
    #[derive(Default)]
    struct Ender(Mutex<Option<RunTree>>, AtomicBool);
    impl CallbackHandler for Ender {
        fn on_end(&self, _: &Arc<runtree_core::Run>) {
            let tree = self.0.lock().unwrap().take();
            assert!(tree.is_some_and(|tree| tree.is_ended() && !tree.end(2)));
            self.1.store(true, Ordering::Relaxed);
        }
    }
    let ender = Arc::new(Ender::default());
    let run = RunTree::open(&RunnableConfig::root().with_handler(ender.clone()), "run");
    *ender.0.lock().unwrap() = Some(run.clone());
    assert!(run.end(1));
    assert!(ender.1.load(Ordering::Relaxed));
}
