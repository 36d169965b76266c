//! Many at once: rows H of the list of attacks.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::server::{Server, id, root};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_requests_among_bad_ones_are_stored() {
    let server = Server::new().await;
    let runs: Vec<Value> = (0..100).map(|_| root()).collect();
    let good = join_all(runs.iter().map(|run| server.post("/runs/batch", json!({"post": [run]}))));
    let broken = async |at: usize| match at % 4 {
        0 => server.post("/runs/batch", "{").await,
        1 => server.post("/runs", json!({"id": "x"})).await,
        2 => server.get("/runs/x").await,
        _ => server.post("/runs/query", json!({"limit": 0})).await,
    };
    let bad = join_all((0..100).map(broken));
    let (good, bad) = futures::future::join(good, bad).await;
    assert!(good.iter().all(|answer| answer.status == 202));
    assert!(bad.iter().all(|answer| (400..500).contains(&answer.status)));
    assert_eq!(server.query(json!({"id": runs.iter().map(id).collect::<Vec<_>>()})).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_run_many_times_is_one_run() {
    let server = Server::new().await;
    let run = root();
    let answers = join_all((0..50).map(|_| server.post("/runs", &run))).await;
    assert!(answers.iter().all(|answer| [202, 409].contains(&answer.status)));
    assert_eq!(server.query(json!({})).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_that_race_are_joined() {
    let server = Server::new().await;
    let runs: Vec<Value> = (0..50).map(|_| root()).collect();
    let halves = runs.iter().map(|run| async {
        let (mut create, update) = (run.clone(), json!({"outputs": run["outputs"], "end_time": run["end_time"]}));
        create.as_object_mut().unwrap().retain(|key, _| !["outputs", "end_time"].contains(&&key[..]));
        let path = format!("/runs/{}", id(run));
        let (one, other) = futures::future::join(server.post("/runs", create), server.patch(&path, update)).await;
        assert_eq!((one.status, other.status), (202, 202));
    });
    join_all(halves).await;
    for run in server.query(json!({})).await {
        assert_eq!(
            (&run["inputs"], &run["outputs"], &run["status"]),
            (&json!({"a": 1}), &json!({"b": 2}), &json!("success"))
        );
    }
}

#[tokio::test]
async fn a_plain_client_is_served_after_all_this() {
    let server = Server::new().await;
    for attack in ["{", "[]", "null", r#"{"post": [{}]}"#] {
        assert!((400..500).contains(&server.post("/runs/batch", attack).await.status), "{attack}");
    }
    let runs: Vec<Value> = (0..100).map(|_| root()).collect();
    let body = zstd::encode_all(json!({"post": runs}).to_string().as_bytes(), 3).unwrap();
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "zstd")];
    assert_eq!(server.send("POST", "/runs/batch", &headers, &body).await.status, 202);
    assert_eq!(server.query(json!({"id": runs.iter().map(id).collect::<Vec<_>>()})).await.len(), 100);
}
