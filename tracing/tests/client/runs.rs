//! Runs are read, listed and counted.

use futures::TryStreamExt;
use runtree_core::{ErrorKind, Moment, RunType};
use runtree_tracing::langsmith::client::{Client, Filter, RunQuery};
use runtree_tracing::langsmith::wire::{Run, RunStatus};
use serde_json::json;

use super::server::Server;
use super::{START, id, run, with};

async fn names(client: &Client, query: RunQuery) -> Vec<String> {
    let runs: Vec<Run> = client.list_runs(query).try_collect().await.unwrap();
    runs.into_iter().map(|run| run.name).collect()
}

#[tokio::test]
async fn a_run_comes_back_as_it_was_sent_whatever_arrives_first() {
    let server = Server::start().await;
    let mut sent =
        with(run("answer", 0, None), json!({"run_type": "llm", "tags": ["a"], "extra": {"metadata": {"k": 1}}}));
    sent["end_time"] = json!(null);
    let id = id(&sent);
    let end = json!({
        "id": id, "trace_id": sent["trace_id"], "end_time": (START + 1_500_000) / 1000, "parent_run_id": null,
        "outputs": {"text": "42", "usage_metadata": {"input_tokens": 3, "output_tokens": 4}},
    });
    server.batch(vec![], vec![end.clone()]).await;
    server.batch(vec![sent.clone()], vec![]).await;
    server.batch(vec![sent], vec![end]).await;

    let run = server.client().read_run(id).await.unwrap();
    assert_eq!((run.name.as_str(), run.run_type, &run.status), ("answer", RunType::Llm, &RunStatus::Success));
    assert_eq!(run.latency().unwrap().as_millis(), 1500);
    assert_eq!(run.outputs.as_ref().unwrap()["text"], "42");
    assert_eq!(run.metadata().unwrap()["k"], 1);
    assert_eq!((run.prompt_tokens, run.completion_tokens, run.total_tokens), (Some(3), Some(4), Some(7)));
    assert_eq!(run.tags, ["a"]);
    assert!(run.is_root());
}

#[tokio::test]
async fn all_pages_come_once_each_while_runs_come_in() {
    let server = Server::start().await;
    let client = server.client();
    let old: Vec<_> = (0..250).map(|n| run(&format!("old {n}"), n, None)).collect();
    server.batch(old, vec![]).await;

    for (query, newest_first) in [(RunQuery::new(), true), (RunQuery::new().oldest_first(), false)] {
        let query = query.project("default").filter(Filter::like("name", "old %"));
        let mut seen = Vec::new();
        let mut runs = client.list_runs(query);
        while let Some(found) = runs.try_next().await.unwrap() {
            if seen.len().is_multiple_of(60) {
                let at = START + 1000 + seen.len() as u64;
                let newer = with(run("newer", 0, None), json!({"start_time": Moment::from_micros(at).to_string()}));
                let older = with(run("older", 0, None), json!({"start_time": "2020-01-01T00:00:00"}));
                server.batch(vec![newer, older], vec![]).await;
            }
            seen.push(found.name);
        }
        let mut expected: Vec<String> = (0..250).map(|n| format!("old {n}")).collect();
        if newest_first {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
    let pages = server.asked().iter().filter(|(path, _)| path == "/runs/query").count();
    assert_eq!(pages, 6);
}

#[tokio::test]
async fn no_more_than_the_limit_is_asked_for_and_given() {
    let server = Server::start().await;
    server.batch((0..150).map(|n| run(&n.to_string(), n, None)).collect(), vec![]).await;
    let client = server.client();
    for (limit, pages) in [(0, 0), (1, 1), (100, 1), (101, 2), (150, 2), (1000, 2)] {
        let before = server.asked().len();
        assert_eq!(names(&client, RunQuery::new().limit(limit)).await.len(), 150.min(limit as usize), "{limit}");
        assert_eq!(server.asked().len() - before, pages, "{limit}");
    }
    let page = client.page_of_runs(RunQuery::new()).await.unwrap();
    let rest = client.page_of_runs(RunQuery::new().cursor(page.cursors.next.unwrap())).await.unwrap();
    assert_eq!((page.runs.len(), rest.runs.len(), rest.cursors.next), (100, 50, None));
}

#[tokio::test]
async fn runs_too_long_for_one_page_come_in_smaller_ones() {
    let server = Server::start().await;
    let long = "x".repeat(10_000);
    let runs = (0..50).map(|n| with(run(&n.to_string(), n, None), json!({"inputs": {"text": long}})));
    server.batch(runs.collect(), vec![]).await;
    let limited = |bytes| server.builder().answer_limit(bytes).build().unwrap();
    assert_eq!(names(&limited(100_000), RunQuery::new()).await.len(), 50);
    let error = limited(5000).list_runs(RunQuery::new()).try_next().await.unwrap_err();
    assert_eq!(error.message(), "POST /runs/query answered with more than 5000 bytes");
}

#[tokio::test]
async fn every_condition_narrows_the_answer() {
    let server = Server::start().await;
    let example = uuid::Uuid::now_v7();
    let root =
        with(run("root", 0, None), json!({"tags": ["nightly"], "extra": {"metadata": {"a": "1", "b": {"c": 2}}}}));
    let model = with(
        run("model", 10, Some(&root)),
        json!({"run_type": "llm", "error": "Boom: it \"broke\"", "outputs": {"text": "Fish"}}),
    );
    let tool = with(run("tool", 20, Some(&root)), json!({"run_type": "tool", "end_time": null}));
    let other = with(run("other", 30, None), json!({"session_name": "second", "reference_example_id": example}));
    let ids = [&root, &model, &tool, &other].map(id);
    server.batch(vec![root, model, tool, other], vec![]).await;
    let client = server.client();
    let second = client.find_project("second").await.unwrap().id;
    let at = |micros| Moment::from_micros(START + micros);

    let query = RunQuery::new;
    for (query, expected) in [
        (query(), "root model tool other"),
        (query().project("default"), "root model tool"),
        (query().project_id(second), "other"),
        (query().project("default").project_id(second), "root model tool other"),
        (query().ids([ids[1], ids[3]]), "model other"),
        (query().ids([]), ""),
        (query().trace(ids[0]), "root model tool"),
        (query().parent_run(ids[0]), "model tool"),
        (query().is_root(true), "root other"),
        (query().is_root(false), "model tool"),
        (query().execution_order(1), "root other"),
        (query().run_type(RunType::Tool), "tool"),
        (query().error(true), "model"),
        (query().error(false), "root tool other"),
        (query().started_since(at(20)), "tool other"),
        (query().started_until(at(10)), "root model"),
        (query().reference_examples([example]), "other"),
        (query().filter(Filter::eq("name", "tool")), "tool"),
        (query().filter(Filter::neq("run_type", RunType::Chain)), "model tool"),
        (query().filter(Filter::one_of("name", ["tool", "other", "none"])), "tool other"),
        (query().filter(Filter::one_of("name", [""; 0])), ""),
        (query().filter(Filter::tag("nightly")), "root"),
        (query().filter(Filter::search("fish")), "model"),
        (query().filter(Filter::search_in("error", "it \\\"broke")), "model"),
        (query().filter(Filter::eq("error", "Boom: it \"broke\"")), "model"),
        (query().filter(!Filter::eq("error", None::<&str>)), "model"),
        (query().filter(Filter::like("name", "%O%")), "root model tool other"),
        (query().filter(Filter::like("name", "_oo_")), "root tool"),
        (query().filter(Filter::exists("outputs")), "model"),
        (query().filter(Filter::gte("latency", 1)), "root model other"),
        (query().filter(Filter::gt("start_time", at(10))), "tool other"),
        (query().filter(Filter::lt("start_time", at(10))), "root"),
        (query().filter(Filter::lte("start_time", at(10))), "root model"),
        (query().filter(Filter::eq("is_root", true)), "root other"),
        (query().filter(Filter::metadata("a", "1")), "root"),
        (query().filter(Filter::metadata("a", 2)), ""),
        (query().filter(Filter::and([Filter::metadata("a", "1"), Filter::metadata("b.c", 2)])), "root"),
        (query().filter(Filter::has_metadata(json!({"a": "1"}).as_object().unwrap())), "root"),
        (query().filter(Filter::input("question", "tool")), "tool"),
        (query().filter(Filter::output("text", "Fish")), "model"),
        (query().filter(Filter::or([Filter::eq("name", "root"), Filter::eq("name", "tool")])), "root tool"),
        (query().query(Filter::eq("name", "tool")), "tool"),
        (query().trace_filter(Filter::tag("nightly")).is_root(false), "model tool"),
        (query().tree_filter(Filter::eq("name", "model")).is_root(true), "root"),
        (query().error(true).is_root(true), ""),
    ] {
        let asked = format!("{query:?}");
        assert_eq!(names(&client, query.oldest_first()).await.join(" "), expected, "{asked}");
    }
}

#[tokio::test]
async fn what_is_selected_comes_with_what_a_run_cannot_do_without() {
    let server = Server::start().await;
    server.batch(vec![with(run("answer", 0, None), json!({"tags": ["a"]}))], vec![]).await;
    let run = server.client().list_runs(RunQuery::new().select(["inputs", "name"])).try_next().await.unwrap().unwrap();
    assert_eq!((run.name.as_str(), &run.status), ("answer", &RunStatus::Success));
    assert_eq!(run.inputs["question"], "answer");
    assert_eq!((run.tags.len(), run.dotted_order.as_str()), (0, ""));
}

#[tokio::test]
async fn a_project_that_is_not_known_is_not_taken_for_all_projects() {
    let server = Server::start().await;
    server.batch(vec![run("answer", 0, None)], vec![]).await;
    let mut runs = server.client().list_runs(RunQuery::new().project("defaul"));
    let error = runs.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("`defaul`"), "{error}");
    assert_eq!(runs.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_bad_filter_is_refused_with_its_position() {
    let server = Server::start().await;
    let mut runs = server.client().list_runs(RunQuery::new().filter("eq(name, "));
    let error = runs.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.message(), "POST /runs/query answered 400: filter: expected a value at position 9");
}

#[tokio::test]
async fn runs_are_counted() {
    let server = Server::start().await;
    let failed = with(run("b", 1, None), json!({"error": "no"}));
    server.batch(vec![run("a", 0, None), failed], vec![]).await;
    let stats = server.client().run_stats(RunQuery::new().project("default")).await.unwrap();
    assert_eq!((stats.run_count, stats.error_rate, stats.latency_p50), (Some(2), Some(0.5), Some(1.0)));
    assert_eq!(stats.last_run_start_time, Some(Moment::from_micros(START + 1)));
}

#[tokio::test]
async fn runs_are_shared_and_taken_back() {
    let server = Server::start().await;
    let sent = run("answer", 0, None);
    let id = id(&sent);
    server.batch(vec![sent], vec![]).await;
    let client = server.client();
    assert_eq!(client.shared_url(id).await.unwrap(), None);
    let share = client.share_run(id).await.unwrap();
    assert_eq!(client.share_run(id).await.unwrap(), share);
    assert_eq!(
        client.shared_url(id).await.unwrap().unwrap(),
        format!("http://localhost/public/{}/r", share.share_token)
    );
    let token = share.share_token.parse().unwrap();
    assert_eq!(client.read_shared_run(token).await.unwrap().id, id);
    client.unshare_run(id).await.unwrap();
    assert_eq!(client.read_share(id).await.unwrap(), None);
    assert_eq!(client.read_shared_run(token).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn every_base_is_served() {
    let server = Server::start().await;
    for base in ["", "/", "/api", "/api/", "/api/v1", "/api/v1//"] {
        let client = Client::builder().endpoint(format!("{}{base}", server.url)).build().unwrap();
        client.ok().await.unwrap();
        assert_eq!(client.info().await.unwrap().version.as_deref(), Some("0.16.0"));
    }
    let paths: Vec<String> = server.asked().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths[..6], ["/ok", "/info", "/ok", "/info", "/api/ok", "/api/info"]);
}

#[tokio::test]
async fn requests_say_who_asks_and_for_which_workspace() {
    let server = Server::with_key(Some("secret")).await;
    let client = server.builder().key("secret\n").workspace_id("w-1").build().unwrap();
    assert_eq!(names(&client, RunQuery::new()).await, [""; 0]);
    let (_, headers) = server.asked().pop().unwrap();
    assert_eq!(headers["x-api-key"], "secret");
    assert_eq!(headers["x-tenant-id"], "w-1");
    assert_eq!(headers["accept"], "application/json");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["user-agent"], concat!("runtree/", env!("CARGO_PKG_VERSION")));

    server.builder().key(" ").workspace_id("").build().unwrap().ok().await.unwrap();
    let (_, headers) = server.asked().pop().unwrap();
    assert!(headers.get("x-api-key").is_none() && headers.get("x-tenant-id").is_none());
}
