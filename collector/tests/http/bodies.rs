//! Bodies that are not what they say: rows A and B of the list of attacks.

use std::io::Write;

use serde_json::{Value, json};

use crate::server::{Server, id, multipart, root};

const FORM: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=bound");
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn parts(run: &Value) -> Vec<(String, Vec<u8>)> {
    vec![(format!("post.{}", id(run)), run.to_string().into_bytes())]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn packed_multipart_is_stored() {
    let server = Server::new().await;
    for packing in ["gzip", "zstd", "identity"] {
        let run = root();
        let body = multipart(&parts(&run));
        let body = match packing {
            "gzip" => gzip(&body),
            "zstd" => zstd::encode_all(&body[..], 1).unwrap(),
            _ => body,
        };
        let lies =
            [FORM, ("Content-Encoding", packing), ("X-Pre-Compressed-Size", "1"), ("X-Post-Compressed-Size", "x")];
        let answer = server.send("POST", "/runs/multipart", &lies, &body).await;
        assert_eq!(answer.status, 202, "{packing} {answer:?}");
        assert_eq!(server.run(id(&run)).await["name"], "root");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_stores_nothing() {
    let server = Server::new().await;
    let runs = [root(), root()];
    let whole = multipart(&runs.iter().flat_map(parts).collect::<Vec<_>>());
    for end in (0..20).map(|twentieth| whole.len() * twentieth / 20) {
        let answer = server.send("POST", "/runs/multipart", &[FORM], &whole[..end]).await;
        assert_eq!(answer.status, 400, "{end}");
    }
    assert!(server.query(json!({})).await.is_empty());
}

#[tokio::test]
async fn multipart_that_is_none_is_refused() {
    let server = Server::new().await;
    for (content_type, body, status) in [
        ("multipart/form-data", &b"--bound--\r\n"[..], 400),
        ("multipart/form-data; boundary=other", b"--bound--\r\n", 400),
        ("multipart/form-data; boundary=bound", b"", 400),
        ("multipart/form-data; boundary=bound", b"\r\n\r\n", 400),
        ("multipart/form-data; boundary=bound", b"--bound--\r\n", 400),
        ("multipart/form-data; boundary=bound", b"--bound\r\n\r\n\r\nx\r\n--bound--\r\n", 400),
        ("multipart/form-data; boundary=bound", b"{}", 400),
        ("multipart/form-data; boundary=\"\"", b"", 400),
        ("application/json", b"--bound--\r\n", 415),
        ("text/plain", b"--bound--\r\n", 415),
    ] {
        let answer = server.send("POST", "/runs/multipart", &[("Content-Type", content_type)], body).await;
        assert_eq!(answer.status, status, "{content_type}");
        assert!(answer.json()["detail"].is_string());
    }
    assert_eq!(server.send("POST", "/runs/multipart", &[], b"x").await.status, 415);
}

#[tokio::test]
async fn json_must_say_that_it_is() {
    let server = Server::new().await;
    for path in ["/runs", "/runs/batch", "/runs/query", "/sessions", "/feedback"] {
        for headers in [&[][..], &[("Content-Type", "text/plain")], &[FORM], &[JSON, JSON]] {
            assert_eq!(server.send("POST", path, headers, b"{}").await.status, 415, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_part_that_speaks_of_another_run_touches_neither() {
    let server = Server::new().await;
    let (canary, mut run) = (root(), root());
    server.has(&canary).await;
    let part = format!("post.{}", id(&run));
    run["id"] = canary["id"].clone();
    run["name"] = json!("changed");
    let answer = server.multipart(&[(part, run.to_string().into_bytes())]).await;
    assert_eq!(answer.status, 422);
    assert_eq!(server.run(id(&canary)).await["name"], "root");
    assert_eq!(server.query(json!({})).await.len(), 1);
}

#[tokio::test]
async fn one_bad_run_is_named_and_its_siblings_are_stored() {
    let server = Server::new().await;
    let (good, mut bad) = (root(), root());
    bad["run_type"] = json!("agent");
    let answer = server.multipart(&[parts(&bad), parts(&good)].concat()).await;
    assert_eq!(answer.status, 202);
    let told = answer.json();
    assert_eq!((&told["refused"][0]["id"], &told["refused"][0]["status"]), (&bad["id"], &json!(422)));
    assert_eq!(server.query(json!({})).await.len(), 1);
    let alone = server.multipart(&parts(&bad)).await;
    assert_eq!((alone.status, &alone.json()["errors"][0]["id"]), (422, &bad["id"]));
}

#[tokio::test]
async fn names_outside_the_protocol_are_refused() {
    let server = Server::new().await;
    let run = root();
    for name in ["", "x", "post", "post.", "post.x", "post..", "drop.x.y", "feedback.x"] {
        let answer = server.multipart(&[(name.to_owned(), run.to_string().into_bytes())]).await;
        assert_eq!(answer.status, 422, "{name}");
    }
}

#[tokio::test]
async fn many_parts_are_counted() {
    let server = Server::new().await;
    let tiny: Vec<(String, Vec<u8>)> = (0..20_001).map(|_| ("x".to_owned(), b"{}".to_vec())).collect();
    assert_eq!(server.multipart(&tiny).await.status, 413);
    let flood = "\r\n--boun".repeat(500_000);
    let answer = server.send("POST", "/runs/multipart", &[FORM], flood.as_bytes()).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn what_is_packed_wrongly_or_too_tightly_is_refused() {
    let server = Server::new().await;
    let bomb = zstd::encode_all(&vec![0; 65 << 20][..], 1).unwrap();
    for (packing, body, status) in [
        ("zstd", b"nonsense".to_vec(), 400),
        ("zstd", vec![], 400),
        ("gzip", vec![], 400),
        ("zstd", bomb, 413),
        ("gzip", gzip(&vec![0; 65 << 20]), 413),
        ("br", vec![], 415),
        ("gzip, zstd", vec![], 415),
    ] {
        for (path, kind) in [("/runs/multipart", FORM), ("/runs/batch", JSON)] {
            let answer = server.send("POST", path, &[kind, ("Content-Encoding", packing)], &body).await;
            assert_eq!(answer.status, status, "{packing} {path}");
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = Server::new().await;
    let big = vec![b'x'; 26 << 20];
    assert_eq!(server.send("POST", "/runs/batch", &[JSON], &big).await.status, 413);
    let head = format!("POST /runs/batch HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n", server.address);
    let declared = server.raw(format!("{head}Content-Length: 10000000000\r\n\r\nx")).await;
    assert_eq!(declared[0].status, 413);
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, "x".repeat(1 << 20)).repeat(26);
    let chunked =
        server.raw(format!("{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunk}0\r\n\r\n")).await;
    assert_eq!(chunked[0].status, 413);
    assert_eq!(server.post("/runs/query", format!("{{\"filter\":\"{}\"}}", "x".repeat(5 << 20))).await.status, 413);
}

#[tokio::test]
async fn json_that_is_none_is_refused() {
    let server = Server::new().await;
    let id = uuid::Uuid::now_v7();
    let nested = "[".repeat(1_000_000);
    let open = format!(r#"{{"post":[{{"id":"{id}","inputs":{nested}"#);
    for body in [
        "",
        " ",
        "null",
        "[]",
        "1",
        "true",
        "\"x\"",
        "{} {}",
        "{,}",
        "{\"post\":[],}",
        "// x\n{}",
        &open,
        "{\"post\":[{\"x\":NaN}]}",
        "{\"post\":[{\"x\":+1}]}",
        "{\"post\":[{\"x\":01}]}",
        "{\"post\":[{\"x\":.5}]}",
    ] {
        assert_eq!(server.post("/runs/batch", body).await.status, 400, "{body:.60}");
    }
    for body in [&b"{\"post\":[\"\xff\"]}"[..], b"{\"post\":[\"\xc0\xaf\"]}", b"\xff\xfe{\0}\0"] {
        let answer = server.send("POST", "/runs/batch", &[JSON], body).await;
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    for body in [json!({"post": {}}), json!({"post": 1}), json!({"post": [[]]}), json!({"post": [1, "x"]})] {
        assert_eq!(server.post("/runs/batch", body).await.status, 422);
    }
}

#[tokio::test]
async fn a_deep_run_does_not_take_its_siblings_along() {
    let server = Server::new().await;
    for levels in [127, 128, 129, 200, 1000, 100_000] {
        let (good, deep) = (root(), root());
        let nested = format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let body = json!({"post": [deep, good]}).to_string().replacen(r#"{"a":1}"#, &nested, 1);
        assert_eq!(server.post("/runs/batch", body).await.status, 202);
        assert_eq!(server.run(id(&good)).await["name"], "root");
        let answer = server.get(&format!("/runs/{}", id(&deep))).await;
        match answer.status {
            200 => assert!(String::from_utf8(answer.body).unwrap().contains(&nested), "{levels}"),
            status => assert_eq!((status, levels >= 512), (404, true), "{levels}"),
        }
    }
}

#[tokio::test]
async fn keys_that_come_twice_or_look_alike_change_nothing_else() {
    let server = Server::new().await;
    let canary = root();
    server.has(&canary).await;
    let run = root();
    let twice = run.to_string().replacen('{', &format!("{{\"id\":\"{}\",", id(&canary)), 1);
    assert_eq!(server.post("/runs", twice).await.status, 422);
    let mut alike = root();
    for key in ["Id", "id\u{0}", "ID", "ｉd", "tenant_id"] {
        alike[key] = canary["id"].clone();
    }
    alike["inputs"] = json!({"__proto__": {"x": 1}, "constructor": 1, "$ref": "#", "lc": 1, "a\u{0}b": "c\u{1}"});
    let read = server.has(&alike).await;
    assert_eq!((&read["id"], &read["inputs"]), (&alike["id"], &alike["inputs"]));
    assert_eq!(server.run(id(&canary)).await["name"], "root");
}

#[tokio::test]
async fn every_field_of_a_wrong_type_is_refused_or_read_as_what_it_is() {
    let server = Server::new().await;
    let fields = [
        "id",
        "trace_id",
        "parent_run_id",
        "dotted_order",
        "session_name",
        "session_id",
        "name",
        "run_type",
        "start_time",
        "end_time",
        "tags",
        "inputs",
        "outputs",
        "events",
        "extra",
        "error",
        "serialized",
        "reference_example_id",
        "status",
    ];
    for field in fields {
        for value in [json!(1), json!(-1.5), json!(true), json!("x"), json!([]), json!({}), json!([{}])] {
            let mut run = root();
            run[field] = value.clone();
            let status = server.post("/runs", &run).await.status;
            assert!([202, 422].contains(&status), "{field} {value}: {status}");
        }
    }
    let page = server.post("/runs/query", json!({})).await;
    serde_json::from_slice::<runtree_tracing::langsmith::wire::RunPage>(&page.body).unwrap();
}

#[tokio::test]
async fn large_things_are_stored_or_refused() {
    let server = Server::new().await;
    let mut run = root();
    run["inputs"] = json!({"x": "x".repeat(15 << 20)});
    let read = server.has(&run).await;
    assert_eq!(read["inputs"], run["inputs"]);
    for (field, value) in [
        ("name", json!("x".repeat(1 << 20))),
        ("session_name", json!("x".repeat(1 << 20))),
        ("tags", json!(vec!["t"; 100_000])),
        ("inputs", json!({"x": "x".repeat(22 << 20)})),
    ] {
        let mut run = root();
        run[field] = value;
        assert_eq!(server.post("/runs", &run).await.status, 422, "{field}");
    }
    let many = json!({"post": vec![json!({}); 20_000]});
    assert_eq!(server.post("/runs/batch", many).await.status, 413);
}
