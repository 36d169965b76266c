//! A trace over several services is one tree.

use std::collections::HashSet;

use futures::future::join_all;
use runtree_tracing::langsmith::client::TraceTree;
use runtree_tracing::langsmith::wire::{Run, RunStatus};
use serde_json::{Map, Value, json};

use crate::server::Server;
use crate::service::{Order, Root};
use crate::world::World;

fn order(question: &str) -> Order {
    Order { question: question.to_owned(), ..Order::default() }
}

/// The runs of a trace, each of which is the only one below the one before.
fn chain(tree: &TraceTree) -> Vec<&Run> {
    assert!(tree.iter().enumerate().all(|(depth, node)| node.depth() == depth), "{tree}");
    tree.iter().map(|node| node.run()).collect()
}

fn names(runs: &[&Run]) -> Vec<String> {
    runs.iter().map(|run| run.name.clone()).collect()
}

/// What a run gave, under whichever key its SDK puts what is not a map.
fn given(run: &Run) -> &Value {
    run.outputs.as_ref().unwrap().values().next().unwrap()
}

#[tokio::test]
async fn services_that_call_each_other_land_in_one_tree() {
    for collector in [Server::start().await, Server::with_zstd().await] {
        let Some(world) = World::around(collector).await else { return };
        let mut runs = 0;
        for journey in world.journeys() {
            let (status, body) = world.send("ask", order("why?"), &journey).await.unwrap();
            assert_eq!((status, body), (200, json!({"answer": "why? 42"}).to_string()), "{journey:?}");

            runs += journey.names("ask").len();
            let traces = world.traces(runs).await;
            let chain = chain(traces.last().unwrap());
            assert_eq!(names(&chain), journey.names("ask"));
            for run in chain {
                assert_eq!((&run.status, run.run_type.as_str()), (&RunStatus::Success, "tool"), "{run:?}");
                assert_eq!(run.inputs["question"], "why?", "{run:?}");
                assert_eq!(given(run), "why? 42", "{run:?}");
            }
        }
    }
}

#[tokio::test]
async fn tags_metadata_and_the_project_go_along() {
    let Some(world) = World::start().await else { return };
    let metadata = json!({"customer": "Zoë & Söhne, 50%", "nested": {"list": [1, 2.5, null, "a=b;c"]}});
    let mut runs = 0;
    for (number, journey) in world.journeys().into_iter().enumerate() {
        let root = Root {
            tags: vec!["urgent".into(), "größe L".into()],
            metadata: metadata.as_object().unwrap().clone(),
            project_name: format!("project №{number}"),
        };
        let asked = Order { root: Some(root), ..order("whose?") };
        assert_eq!(world.send("ask", asked, &journey).await.unwrap().0, 200);

        runs += journey.names("ask").len();
        let traces = world.traces(runs).await;
        let project = world.collector.client().find_project(&format!("project №{number}")).await.unwrap();
        let chain = chain(traces.last().unwrap());
        assert_eq!(names(&chain), journey.names("ask"));
        let mut tags = HashSet::from(["urgent", "größe L"]);
        for run in chain {
            assert_eq!(run.session_id, Some(project.id), "{run:?}");
            // The JavaScript SDK gives no run the tags of the one above, and so none to what it calls.
            if run.name == "node ask" && !run.is_root() {
                tags.clear();
            }
            let found: HashSet<&str> = run.tags.iter().map(String::as_str).collect();
            assert_eq!(found, tags, "{run:?}");
            let found: Map<_, _> =
                run.metadata().unwrap().clone().into_iter().filter(|(key, _)| metadata.get(key).is_some()).collect();
            assert_eq!(Value::Object(found), metadata, "{run:?}");
        }
    }
}

#[tokio::test]
async fn an_error_in_the_inner_service_is_told_by_each() {
    let Some(world) = World::start().await else { return };
    let mut runs = 0;
    for journey in world.journeys() {
        let (status, body) = world.send("ask", Order { fails: true, ..order("why?") }, &journey).await.unwrap();
        assert_eq!(status, 500, "{journey:?}");
        assert!(body.contains("nobody knows"), "{journey:?}");

        runs += journey.names("ask").len();
        let traces = world.traces(runs).await;
        let chain = chain(traces.last().unwrap());
        assert_eq!(names(&chain), journey.names("ask"));
        for run in chain {
            assert_eq!(run.status, RunStatus::Error, "{run:?}");
            assert!(run.error.as_ref().unwrap().contains("nobody knows"), "{run:?}");
        }
    }
}

#[tokio::test]
async fn a_streamed_answer_holds_all_runs_open_until_it_ends() {
    let Some(world) = World::start().await else { return };
    let mut runs = 0;
    for journey in world.journeys() {
        let (status, body) = world.send("recite", order("to be or not"), &journey).await.unwrap();
        assert_eq!((status, body.as_str()), (200, "to\nbe\nor\nnot\n"), "{journey:?}");

        runs += journey.names("recite").len();
        let traces = world.traces(runs).await;
        let chain = chain(traces.last().unwrap());
        assert_eq!(names(&chain), journey.names("recite"));
        for run in chain {
            assert_eq!(run.status, RunStatus::Success, "{run:?}");
            assert_eq!(given(run), &json!(["to", "be", "or", "not"]), "{run:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error_in_each() {
    let Some(world) = World::start().await else { return };
    let mut runs = 0;
    for journey in world.journeys() {
        let answer = world.send("recite", Order { fails: true, ..order("to be") }, &journey).await;
        assert!(answer.is_err(), "{journey:?}: {answer:?}");

        runs += journey.names("recite").len();
        let traces = world.traces(runs).await;
        let chain = chain(traces.last().unwrap());
        assert_eq!(names(&chain), journey.names("recite"));
        assert!(chain.last().unwrap().error.as_ref().unwrap().contains("the thread is lost"));
        assert!(chain.iter().all(|run| run.status == RunStatus::Error), "{chain:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_requests_at_once_are_each_in_their_own_trace() {
    let Some(world) = World::start().await else { return };
    let mut runs = 0;
    for (number, journey) in world.journeys().into_iter().enumerate() {
        let journey = journey.served();
        let names_of_one = journey.names("ask");
        // Each service in Rust has a run for the request, too.
        let expected: Vec<String> = names_of_one
            .iter()
            .flat_map(|name| (name == "rust ask").then(|| "POST /ask".to_owned()).into_iter().chain([name.clone()]))
            .collect();
        let questions: Vec<String> = (0..20).map(|question| format!("{number}-{question}")).collect();
        let answers = join_all(questions.iter().map(|question| world.send("ask", order(question), &journey))).await;
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|(status, _)| *status == 200)), "{answers:?}");

        runs += 20 * expected.len();
        let traces = world.traces(runs).await;
        let mut seen = HashSet::new();
        for tree in &traces[traces.len() - 20..] {
            let chain = chain(tree);
            assert_eq!(names(&chain), expected);
            let asked: HashSet<String> =
                chain.iter().filter_map(|run| Some(run.inputs.get("question")?.as_str()?.to_owned())).collect();
            assert_eq!(asked.len(), 1, "{tree}");
            seen.extend(asked);
        }
        assert_eq!(seen, questions.into_iter().collect());
    }
    let packed = world.collector.asked().iter().filter(|(_, headers)| headers.contains_key("content-encoding")).count();
    assert!(packed > 1, "nothing came compressed");
}
