//! What is written is read back.

use runtree_tracing::langsmith::wire::{Info, Project, Run, RunPage, Share};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Server, below, id, root};

#[tokio::test]
async fn a_run_is_read_as_the_protocols_run_under_every_prefix() {
    let server = Server::new().await;
    let run = root();
    server.has(&run).await;
    for prefix in ["", "/api", "/api/v1"] {
        let answer = server.get(&format!("{prefix}/runs/{}/", id(&run))).await;
        let read: Run = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((read.name.as_str(), read.inputs["a"].as_i64()), ("root", Some(1)));
        assert_eq!(
            (answer.header("cache-control"), answer.header("x-content-type-options")),
            (Some("no-store"), Some("nosniff"))
        );
    }
    let missing = server.get(&format!("/runs/{}", Uuid::now_v7())).await;
    assert_eq!((missing.status, missing.json()), (404, json!({"detail": "there is no such run"})));
}

#[tokio::test]
async fn what_the_collector_says_of_itself() {
    let now = || {
        let micros = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64 * 1_000;
        runtree_core::Moment::from_micros(micros).to_string()
    };
    let before = now();
    let server = Server::new().await;
    let info: Info = serde_json::from_slice(&server.get("/info").await.body).unwrap();
    assert_eq!(info.version.as_deref(), Some("0.16.0"));
    assert!(info.instance_flags.zstd_compression_enabled && info.instance_flags.ch_query_enabled);
    assert!(!info.instance_flags.sdb_query_enabled);
    assert_eq!(server.get("/ok").await.status, 200);
    let (settings, again) = (server.get("/settings").await.json(), server.get("/settings").await.json());
    assert_eq!(settings["id"], again["id"]);
    assert!(settings["id"].as_str().unwrap().parse::<Uuid>().is_ok());
    let created = settings["created_at"].as_str().unwrap().to_owned();
    assert!(before <= created && created <= now(), "{before} {created}");
}

#[tokio::test]
async fn numbers_come_back_as_they_were_written() {
    let server = Server::new().await;
    let run = root();
    let inputs = r#"{"big":123456789012345678901234567890,"one":1.0,"small":1e-300,"zero":-0.0,"\u0000":"\u0000"}"#;
    let body = run.to_string().replace(r#"{"a":1}"#, inputs);
    assert_eq!(server.post("/runs", body).await.status, 202);
    let answer = server.get(&format!("/runs/{}", id(&run))).await;
    assert!(String::from_utf8(answer.body).unwrap().contains(inputs));
}

#[tokio::test]
async fn pages_follow_each_other_and_a_forged_cursor_is_refused() {
    let server = Server::new().await;
    let runs: Vec<Value> = (0..25).map(|_| root()).collect();
    let batch = server.post("/runs/batch", json!({"post": runs})).await;
    assert_eq!(batch.status, 202);
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let answer = server.post("/runs/query", json!({"limit": 10, "cursor": cursor, "select": ["name"]})).await;
        let page: RunPage = {
            let full = server.post("/runs/query", json!({"limit": 10, "cursor": cursor})).await;
            serde_json::from_slice(&full.body).unwrap()
        };
        let read = answer.json();
        assert_eq!(page.cursors.next.as_deref(), read["cursors"]["next"].as_str());
        seen.extend(page.runs.iter().map(|run| run.id));
        assert!(read["runs"][0].get("inputs").is_none());
        cursor = read["cursors"]["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), all), (25, 25));
    for cursor in ["x", &"x".repeat(38), &"x".repeat(1 << 20)] {
        assert_eq!(server.post("/runs/query", json!({"cursor": cursor})).await.status, 422);
    }
    for limit in [json!(0), json!(-1), json!("ten"), json!([])] {
        assert_eq!(server.post("/runs/query", json!({"limit": limit})).await.status, 422, "{limit}");
    }
    assert_eq!(server.query(json!({"limit": 1_000_000_000})).await.len(), 25);
    for select in [json!({}), json!([1]), json!("name")] {
        assert_eq!(server.post("/runs/query", json!({"select": select})).await.status, 422);
    }
    assert_eq!(server.query(json!({"select": vec!["id"; 100_000]})).await.len(), 25);
}

#[tokio::test]
async fn projects_are_made_changed_and_removed() {
    let server = Server::new().await;
    let made = server.post("/sessions", json!({"name": "p", "extra": {"metadata": {"m": 1}}})).await;
    let made: Project = serde_json::from_slice(&made.body).unwrap();
    assert_eq!(server.post("/sessions", json!({"name": "p"})).await.status, 409);
    let same = server.post("/sessions?upsert=true", json!({"name": "p"})).await.json();
    assert_eq!(same["id"], json!(made.id));
    let run = server.has(&root()).await;
    assert_eq!(run["session_id"], json!(made.id));
    let listed = server.get("/sessions?name=p&include_stats=true&limit=1").await.json();
    assert_eq!((&listed[0]["run_count"], &listed[0]["reference_dataset_id"]), (&json!(1), &Value::Null));
    assert_eq!(listed[0]["tenant_id"], server.get("/settings").await.json()["id"]);
    let path = format!("/sessions/{}", made.id);
    assert_eq!(server.patch(&path, json!({"description": "d"})).await.json()["description"], "d");
    assert_eq!(server.send("DELETE", &path, &[], b"").await.status, 200);
    assert_eq!((server.get(&path).await.status, server.get("/sessions").await.json()), (404, json!([])));
    for query in ["limit=0", "limit=-1", "limit=x", "offset=-1", "id=x", "metadata=[", "include_stats=maybe"] {
        assert_eq!(server.get(&format!("/sessions?{query}")).await.status, 422, "{query}");
    }
    for body in [json!({}), json!({"name": ""}), json!({"name": "x".repeat(5000)}), json!({"name": 1})] {
        assert_eq!(server.post("/sessions", body).await.status, 422);
    }
}

#[tokio::test]
async fn feedback_is_given_changed_and_removed() {
    let server = Server::new().await;
    let run = server.has(&root()).await;
    let given = server.post("/feedback", json!({"run_id": run["id"], "key": "k", "score": 0.5})).await.json();
    let path = format!("/feedback/{}", given["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.json()["score"], 0.5);
    assert_eq!(server.patch(&path, json!({"score": 1})).await.json()["score"], 1);
    let listed = server.get(&format!("/feedback?run={}&key=k&key=l", id(&run))).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(server.run(id(&run)).await["feedback_stats"]["k"]["n"], 1);
    assert_eq!(server.send("DELETE", &path, &[], b"").await.status, 200);
    assert_eq!(server.get(&path).await.status, 404);
    for body in [r#"{"key":"k","score":"high"}"#, r#"{"score":1}"#, r#"{"key":""}"#, r#"{"key":"k","run_id":"x"}"#] {
        assert_eq!(server.post("/feedback", body).await.status, 422, "{body}");
    }
    assert_eq!(server.post("/feedback", r#"{"key":"k","score":1e999}"#).await.status, 400);
    assert_eq!(server.post("/feedback", r#"{"key":"k","score":NaN}"#).await.status, 400);
}

#[tokio::test]
async fn a_shared_trace_is_read_by_its_token_and_no_other_is() {
    let server = Server::new().await;
    let (run, other) = (root(), root());
    let child = below(&run);
    for run in [&run, &child, &other] {
        server.has(run).await;
    }
    let path = format!("/runs/{}/share", id(&run));
    assert_eq!(server.get(&path).await.json(), Value::Null);
    let body = json!({"run_id": id(&run), "share_token": Uuid::nil()}).to_string();
    let shared = server.send("PUT", &path, &[("Content-Type", "application/json")], body.as_bytes()).await;
    let share: Share = serde_json::from_slice(&shared.body).unwrap();
    assert_ne!(share.share_token, Uuid::nil().to_string());
    let public = format!("/public/{}", share.share_token);
    assert_eq!(server.get(&format!("{public}/run")).await.json()["id"], run["id"]);
    assert_eq!(server.get(&format!("{public}/run/{}", id(&child))).await.json()["id"], child["id"]);
    assert_eq!(server.get(&format!("{public}/run/{}", id(&other))).await.status, 404);
    let listed = server.post(&format!("{public}/runs/query"), json!({})).await.json();
    assert_eq!(listed["runs"].as_array().unwrap().len(), 2);
    let asked = server.post(&format!("{public}/runs/query"), json!({"trace": other["id"]})).await;
    assert_eq!(asked.status, 404);
    assert_eq!(server.send("DELETE", &path, &[], b"").await.status, 200);
    assert_eq!(server.get(&format!("{public}/run")).await.status, 404);
    assert_eq!(server.get(&format!("/public/{}/run", "x".repeat(10_000))).await.status, 404);
}

#[tokio::test]
async fn attachments_are_downloaded_and_never_shown() {
    let server = Server::new().await;
    let run = root();
    let parts = [
        (format!("post.{}", id(&run)), run.to_string().into_bytes()),
        (format!("attachment.{}.../../x.html", id(&run)), b"<script>".to_vec()),
    ];
    assert_eq!(server.multipart(&parts).await.status, 202);
    let read = server.run(id(&run)).await;
    let url = read["s3_urls"]["attachment.../../x.html"]["presigned_url"].as_str().unwrap();
    let file = server.get(url).await;
    assert_eq!((file.status, &file.body[..]), (200, &b"<script>"[..]));
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"_.._x.html\""));
    assert_eq!(file.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(server.get("/attachments/nothing").await.status, 404);
}

#[tokio::test]
async fn the_second_version_answers_in_its_own_words() {
    let server = Server::new().await;
    let mut run = root();
    let child = below(&run);
    run["extra"] = json!({"metadata": {"m": 1}});
    let project = server.has(&run).await["session_id"].clone();
    server.has(&child).await;
    let body = json!({
        "project_ids": [project], "selects": ["NAME", "RUN_TYPE", "STATUS", "PARENT_RUN_IDS", "METADATA"],
        "min_start_time": "2026-01-01T00:00:00Z",
    });
    let page = server.post("/api/v2/runs/query", body).await.json();
    let items = page["items"].as_array().unwrap();
    assert_eq!((items.len(), &page["next_cursor"]), (2, &Value::Null));
    let of = |name: &str| items.iter().find(|item| item["name"] == name).unwrap();
    assert_eq!((&of("child")["run_type"], &of("child")["status"]), (&json!("TOOL"), &json!("PENDING")));
    assert_eq!((&of("child")["parent_run_ids"], &of("root")["metadata"]), (&json!([run["id"]]), &json!({"m": 1})));
    assert!(of("root").get("inputs").is_none());
    let one = server.get(&format!("/api/v2/runs/{}?selects=NAME&selects=IS_ROOT", id(&run))).await.json();
    assert_eq!(one, json!({"id": run["id"], "name": "root", "is_root": true}));
    let url = server.get(&format!("/api/v2/runs/{}/url", id(&run))).await.json();
    assert!(url["url"].as_str().unwrap().contains(id(&run)));
}

#[tokio::test]
async fn runs_in_numbers() {
    let server = Server::new().await;
    server.has(&root()).await;
    let stats = server.post("/runs/stats", json!({"is_root": true, "data_source_type": "historical"})).await.json();
    assert_eq!(stats["run_count"], 1);
}
