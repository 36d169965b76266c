//! Traces are read as trees.

use runtree_core::ErrorKind;
use runtree_tracing::langsmith::client::TraceTree;
use runtree_tracing::langsmith::wire::Run;
use serde_json::{Value, json};

use super::server::Server;
use super::{id, run, with};

fn read(run: &Value) -> Run {
    serde_json::from_value(run.clone()).unwrap()
}

#[tokio::test]
async fn a_trace_is_a_tree_in_the_order_of_its_runs() {
    let server = Server::start().await;
    let root = run("root", 0, None);
    let first = run("first", 10, Some(&root));
    let second = with(run("second", 20, Some(&root)), json!({"error": "no"}));
    let below = with(run("below", 30, Some(&first)), json!({"end_time": null}));
    let lost = run("lost", 40, Some(&root));
    let orphan = run("orphan", 50, Some(&lost));
    let under_orphan = run("under orphan", 60, Some(&orphan));
    let ids = [&root, &first, &orphan].map(id);
    server.batch(vec![under_orphan, below, second, root, orphan, first], vec![]).await;

    let client = server.client();
    let tree = client.load_trace(ids[0]).await.unwrap();
    let expected = "\
root [success] 1.00 s
  first [success] 1.00 s
    below [pending]
  second [error] 1.00 s
orphan [success] 1.00 s (its parent is missing)
  under orphan [success] 1.00 s";
    assert_eq!(tree.to_string(), expected);
    assert_eq!(tree.get(ids[1]).unwrap().to_string(), "first [success] 1.00 s\n  below [pending]");
    let children: Vec<&str> = tree.root().unwrap().children().map(|child| child.run().name.as_str()).collect();
    assert_eq!(children, ["first", "second"]);
    let direct: Vec<String> = client.child_runs(ids[0]).await.unwrap().into_iter().map(|run| run.name).collect();
    assert_eq!(direct, ["first", "second"]);
    assert!(tree.get(ids[2]).unwrap().is_orphan());
    assert_eq!(tree.len(), 6);
}

#[tokio::test]
async fn a_trace_of_many_pages_is_whole() {
    let server = Server::start().await;
    let root = run("root", 0, None);
    let mut runs: Vec<Value> = (1..350).map(|n| run("child", n, Some(&root))).collect();
    runs.push(root.clone());
    server.batch(runs, vec![]).await;
    let tree = server.client().load_trace(id(&root)).await.unwrap();
    assert_eq!(tree.root().unwrap().children().count(), 349);
    assert_eq!(tree.roots().count(), 1);
}

#[tokio::test]
async fn a_trace_without_runs_is_not_found() {
    let server = Server::start().await;
    let error = server.client().load_trace(uuid::Uuid::nil()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn deep_traces_and_runs_that_are_each_others_parents_are_kept() {
    let mut runs = vec![read(&run("0", 0, None))];
    for n in 1..30_000 {
        let parent = runs[runs.len() - 1].id;
        let mut next = read(&run("n", n, None));
        next.parent_run_id = Some(parent);
        next.trace_id = runs[0].id;
        runs.push(next);
    }
    let mut a = read(&run("a", 200_000, None));
    let mut b = read(&run("b", 200_001, None));
    (a.parent_run_id, b.parent_run_id) = (Some(b.id), Some(a.id));
    let (deepest, cycle) = (runs[29_999].id, [a.id, b.id]);
    runs.extend([b.clone(), a, b]);

    let tree = TraceTree::new(runs);
    assert_eq!(tree.len(), 30_002);
    assert_eq!(tree.get(deepest).unwrap().depth(), 29_999);
    assert!(tree.get(cycle[0]).unwrap().is_orphan());
    assert_eq!(tree.get(cycle[0]).unwrap().children().map(|child| child.run().id).collect::<Vec<_>>(), [cycle[1]]);
    assert_eq!(tree.root().unwrap().run().name, "0");
    assert_eq!(tree.clone().into_runs().len(), 30_002);
}

#[test]
fn names_cannot_draw_on_the_terminal() {
    let tree = TraceTree::new([read(&run("a\u{1b}[2J\nb", 0, None))]);
    assert_eq!(tree.to_string(), "a\u{fffd}[2J\u{fffd}b [pending] 1.00 s");
}
