//! Tasks and threads below a parent.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use runtree_core::{Result, RunnableConfig, Status};
use runtree_tracing::handlers::{InMemory, Traced, traced};
use runtree_tracing::{JoinSetExt, RunTree, ScopeExt, spawn, spawn_blocking, spawn_thread, traceable};
use tokio::task::JoinSet;

#[traceable]
async fn square(n: u32, config: &RunnableConfig) -> u32 {
    square_now(n, config)
}

#[traceable]
fn square_now(n: u32, config: &RunnableConfig) -> u32 {
    n * n
}

#[tokio::test]
async fn tasks_and_threads_of_every_kind_stay_below_their_parent() {
    #[traceable]
    async fn outer(config: &RunnableConfig) -> u32 {
        let task = spawn(config, async |config| square(1, &config).await).await.unwrap();
        let closure = spawn(config, |config| async move { square(2, &config).await }).await.unwrap();
        let blocking = spawn_blocking(config, |config| square_now(3, &config)).await.unwrap();
        let thread = spawn_thread(config, |config| square_now(4, &config)).join().unwrap();
        let scoped =
            std::thread::scope(|scope| scope.spawn_under(config, |config| square_now(5, &config)).join().unwrap());
        let mut set = JoinSet::new();
        set.spawn_under(config, async |config| square(6, &config).await);
        let in_set = set.join_next().await.unwrap().unwrap();
        set.spawn_blocking_under(config, |config| square_now(7, &config));
        let blocking_in_set = set.join_next().await.unwrap().unwrap();
        task + closure + blocking + thread + scoped + in_set + blocking_in_set
    }
    let (config, trace) = traced();
    assert_eq!(outer(&config).await, 140);
    trace.assert_tree(
        "
        outer
          square
            square_now
          square
            square_now
          square_now
          square_now
          square_now
          square
            square_now
          square_now",
    );
}

#[tokio::test]
async fn a_panic_in_a_task_closes_its_run_as_panicked() {
    #[traceable]
    async fn breaks(config: &RunnableConfig) {
        panic!("on purpose")
    }
    let (config, trace) = traced();
    let root = RunTree::open(&config, "root");
    let task = spawn(&root, async |run| breaks(&run.to_config()).await);
    assert!(task.await.unwrap_err().is_panic());
    root.end(());
    trace.assert_tree("root\n  breaks [panicked]");
}

#[tokio::test]
async fn a_root_made_by_mistake_in_a_task_or_thread_is_found_out() {
    let memory = InMemory::new();
    let (config, other) = {
        let handler = memory.handler();
        (RunnableConfig::root().with_handler(handler.clone()), RunnableConfig::root().with_handler(handler))
    };
    let root = RunTree::open(&config, "root");
    let (in_task, in_thread) = (other.clone(), other);
    spawn(&root, async move |_| square(2, &in_task).await).await.unwrap();
    spawn_thread(&root, move |_| square_now(3, &in_thread)).join().unwrap();
    root.end(());
    let lost: Vec<_> =
        memory.runs().iter().filter(|run| run.lost_from().is_some()).map(|run| run.name().to_owned()).collect();
    assert_eq!(lost, ["square", "square_now"]);
    drop(Traced::new(memory).unchecked());
}

#[tokio::test]
async fn a_task_that_outlives_its_parent_marks_its_runs_as_late() {
    let memory = InMemory::new();
    let config = RunnableConfig::root().with_handler(memory.handler());
    #[traceable]
    fn starts(config: &RunnableConfig) -> tokio::task::JoinHandle<u32> {
        spawn(config, async |config| square(2, &config).await)
    }
    let task = starts(&config);
    assert_eq!(memory.get("starts").status(), Status::Success);
    task.await.unwrap();
    assert!(memory.get("square").is_late());
    drop(Traced::new(memory).unchecked());
}

#[tokio::test]
async fn a_run_tree_held_by_hand_stays_open_while_a_task_has_it() {
    let (config, trace) = traced();
    let task = {
        let root = RunTree::open(&config, "root");
        spawn(&root, async |run| -> Result<u32> {
            tokio::task::yield_now().await;
            Ok(square(2, &run.to_config()).await)
        })
    };
    assert_eq!(trace.get("root").status(), Status::Pending);
    task.await.unwrap().unwrap();
    assert!(!trace.get("square").is_late());
    assert_eq!(trace.get("root").status(), Status::Cancelled);
}

#[test]
fn untraced_work_is_only_moved() {
    let root = RunnableConfig::root();
    assert_eq!(spawn_thread(&root, |config| square_now(2, &config)).join().unwrap(), 4);
}
