//! Questions that want more than an answer: rows E of the list of attacks.

use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use serde_json::{Value, json};

use crate::server::{Server, id, root};

const SOON: Duration = Duration::from_secs(5);

/// What would be SQL if it were not bound.
const SQL: [&str; 12] = [
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "x') OR 1=1 --",
    "x\") OR 1=1 --",
    "'; DROP TABLE runs; --",
    "1; DELETE FROM runs",
    "' UNION SELECT * FROM keys --",
    "$.\"a\"') OR ('1'='1",
    "%' OR name LIKE '%",
    "\\' OR 1=1 --",
    "`runs`",
    "x\u{0}' OR '1'='1",
];

async fn canary() -> (Server, Value) {
    let server = Server::new().await;
    let mut run = root();
    run["extra"] = json!({"metadata": {"k": "v"}});
    server.has(&run).await;
    (server, run)
}

/// Runs that an answer has; none if it is a refusal.
fn found(asked: &Value, answer: &crate::server::Answer) -> usize {
    assert!([200, 400, 404, 422].contains(&answer.status), "{asked}: {answer:?}");
    let told = String::from_utf8_lossy(&answer.body).to_lowercase();
    assert!(!told.contains("sqlite") && !told.contains("near \""), "{asked}: {told}");
    answer.json()["runs"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn e01_sql_in_a_field_of_a_question_finds_nothing_more() {
    let (server, run) = canary().await;
    for sql in SQL {
        for field in [
            "id",
            "trace",
            "parent_run",
            "session",
            "reference_example",
            "run_type",
            "filter",
            "trace_filter",
            "tree_filter",
            "start_time",
            "end_time",
            "cursor",
            "order",
        ] {
            for value in [json!(sql), json!([sql])] {
                let asked = json!({ (field): value });
                assert_eq!(found(&asked, &server.post("/runs/query", &asked).await), 0, "{asked}");
                if ["cursor", "order"].contains(&field) {
                    continue;
                }
                let counted = server.post("/runs/stats", &asked).await;
                assert!([200, 400, 422].contains(&counted.status), "{asked}: {counted:?}");
                assert!(counted.json()["run_count"].as_u64().is_none_or(|count| count == 0), "{asked}");
            }
        }
        let selected = server.post("/runs/query", json!({"select": [sql]})).await;
        assert!([200, 422].contains(&selected.status));
        let query: String = sql.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in
            ["/sessions?name=", "/sessions?name_contains=", "/feedback?key=", "/feedback?run=", "/sessions?metadata="]
        {
            let answer = server.get(&format!("{path}{query}")).await;
            assert!([200, 400, 422].contains(&answer.status), "{path}{sql}: {answer:?}");
            assert!(answer.json().as_array().is_none_or(Vec::is_empty), "{path}{sql}");
        }
    }
    assert_eq!(server.run(id(&run)).await["inputs"], run["inputs"]);
}

#[tokio::test]
async fn e02_sql_in_a_filter_is_a_value_or_no_filter() {
    let (server, run) = canary().await;
    for sql in SQL {
        let text = json!(sql);
        let pair = json!(json!({ (sql): "x" }).to_string());
        for filter in [
            format!("eq(name, {text})"),
            format!("in(name, [{text}])"),
            format!("eq({sql}, 1)"),
            format!("{sql}(name, 1)"),
            format!("eq(metadata_key, {text})"),
            format!("and(eq(metadata_key, {text}), eq(metadata_value, {text}))"),
            format!("has(metadata, {pair})"),
            format!("has(tags, {text})"),
            format!("search({text})"),
            format!("search(name, {text})"),
            format!("eq(feedback_key, {text})"),
        ] {
            let asked = json!({ "filter": filter });
            assert_eq!(found(&asked, &server.post("/runs/query", &asked).await), 0, "{filter}");
        }
    }
    assert_eq!(server.query(json!({"filter": r#"eq(name, "root")"#})).await.len(), 1);
    assert_eq!(server.run(id(&run)).await["name"], "root");
}

#[tokio::test]
async fn e03_what_is_no_filter_is_refused_at_once() {
    let (server, _) = canary().await;
    for filter in [
        "(".to_owned(),
        ")".to_owned(),
        "eq(name, \"x\"".to_owned(),
        "eq(name, \"x\"))".to_owned(),
        "and(".repeat(20_000),
        format!("{}eq(name, 1){}", "not(".repeat(20_000), ")".repeat(20_000)),
        "x".repeat(1 << 20),
        format!("eq(name, \"{}\")", "x".repeat(1 << 20)),
        "drop(name, 1)".to_owned(),
        "eq(nothing, 1)".to_owned(),
        "gt(latency, \"long\")".to_owned(),
        "eq(name)".to_owned(),
        "eq(name, [1])".to_owned(),
    ] {
        let began = Instant::now();
        let answer = server.post("/runs/query", json!({ "filter": filter })).await;
        assert_eq!(answer.status, 400, "{filter:.60}: {answer:?}");
        assert!(answer.body.len() < 2_000 && began.elapsed() < SOON, "{filter:.60}");
    }
    for filter in [json!(1), json!([]), json!({}), json!(true)] {
        assert_eq!(server.post("/runs/query", json!({ "filter": filter })).await.status, 422, "{filter}");
    }
}

#[tokio::test]
async fn e04_patterns_take_no_long() {
    let server = Server::new().await;
    let mut run = root();
    run["name"] = json!("a".repeat(4_000));
    run["error"] = json!("a".repeat(1 << 20));
    server.has(&run).await;
    let chain = "%a".repeat(1_000);
    for filter in [
        format!("like(name, \"{chain}b\")"),
        format!("like(error, \"{chain}b\")"),
        "like(name, \"(a+)+$\")".to_owned(),
        "search(\"a* OR b NEAR c\")".to_owned(),
        "search(\"\\\"\\\"\\\"\")".to_owned(),
        "search(\"name:a* NOT ^b\")".to_owned(),
        format!("search(\"{}\")", "a ".repeat(1_500)),
        format!("search(error, \"{}b\")", "a".repeat(3_000)),
    ] {
        let began = Instant::now();
        let answer = server.post("/runs/query", json!({ "filter": filter })).await;
        assert!([200, 400, 422].contains(&answer.status), "{filter:.60}: {answer:?}");
        assert!(began.elapsed() < SOON, "{filter:.60} took {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn e07_an_id_that_is_none_finds_nothing_and_tells_nothing() {
    let (server, _) = canary().await;
    for id in ["x", "0", "-1", "null", "%27%20OR%201=1", "..", "{id}", "%F0%9F%92%A9", "%ff", &"a".repeat(8_000)] {
        for path in ["/runs", "/api/v2/runs", "/sessions", "/feedback", "/traces", "/public", "/attachments"] {
            let ending = match path {
                "/traces" => "/tree",
                "/public" => "/run",
                _ => "",
            };
            let answer = server.get(&format!("{path}/{id}{ending}")).await;
            assert!([400, 404, 422].contains(&answer.status), "{path}/{id:.40}: {answer:?}");
            let told = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(told.len() < 200 && !told.contains("src/") && !told.contains("axum"), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e08_who_writes_is_not_held_up_by_who_scans() {
    let server = Server::new().await;
    let runs: Vec<Value> = (0..300).map(|_| root()).collect();
    assert_eq!(server.post("/runs/batch", json!({ "post": runs })).await.status, 202);
    let scan = json!({"filter": format!("like(inputs, \"{}b\")", "%a".repeat(200)), "limit": 100});
    let scan = if server.post("/runs/query", &scan).await.status == 200 {
        scan
    } else {
        json!({"filter": r#"and(eq(input_key, "a"), neq(input_value, "x"), search(name, "zzz"))"#})
    };
    let scans = join_all((0..30).map(|_| server.post("/runs/query", &scan)));
    let writes = async {
        let mut longest = Duration::ZERO;
        for _ in 0..20 {
            let began = Instant::now();
            assert_eq!(server.post("/runs", root()).await.status, 202);
            longest = longest.max(began.elapsed());
        }
        longest
    };
    let (scans, longest) = join(scans, writes).await;
    assert!(scans.iter().all(|answer| [200, 422, 429].contains(&answer.status)), "{:?}", scans[0]);
    assert!(longest < SOON, "{longest:?}");
}
