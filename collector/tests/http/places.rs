//! Runs that contradict themselves or others: rows C of the list of attacks.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Server, below, id, root};

#[tokio::test]
async fn a_run_that_contradicts_itself_is_refused() {
    let server = Server::new().await;
    let canary = root();
    server.has(&canary).await;
    let with = |changes: Value| {
        let mut run = below(&canary);
        changes.as_object().unwrap().iter().for_each(|(key, value)| run[key] = value.clone());
        run
    };
    let own = with(json!({}));
    let own_id = own["id"].clone();
    let order = own["dotted_order"].as_str().unwrap();
    for run in [
        json!({"id": own_id, "parent_run_id": own_id}),
        json!({"id": own_id, "dotted_order": canary["dotted_order"]}),
        json!({"id": own_id, "dotted_order": format!("{order}.{order}")}),
        json!({"id": own_id, "trace_id": own_id, "dotted_order": order}),
        json!({"id": own_id, "parent_run_id": Uuid::now_v7(), "dotted_order": order}),
        json!({"id": own_id, "dotted_order": null, "trace_id": null}),
        json!({"id": own_id, "dotted_order": null, "parent_run_id": null}),
    ] {
        let run = with(run);
        let answer = server.post("/runs", &run).await;
        assert_eq!(answer.status, 422, "{run}");
        assert_eq!(
            server
                .patch(
                    &format!("/runs/{}", id(&own)),
                    json!({
                        "trace_id": own_id, "parent_run_id": own_id,
                    })
                )
                .await
                .status,
            422
        );
    }
    let segment = "20260304T050607000000Z0198f7a0-0000-7000-8000-000000000001";
    let long = vec![segment; 20_000].join(".");
    for order in ["", ".", "x", "Z", segment, &format!("{segment}."), &format!(".{segment}"), &segment[1..], &long] {
        if !order.is_empty() {
            let answer = server.post("/runs", with(json!({"id": own_id, "dotted_order": order}))).await;
            assert_eq!(answer.status, 422, "{order:.80}");
        }
    }
    assert_eq!(server.query(json!({"trace": canary["id"]})).await.len(), 1);
}

#[tokio::test]
async fn a_root_does_not_become_its_own_grandchild() {
    let server = Server::new().await;
    let run = root();
    let child = below(&run);
    let grandchild = below(&child);
    for run in [&run, &child, &grandchild] {
        server.has(run).await;
    }
    for patch in [
        json!({"parent_run_id": grandchild["id"]}),
        json!({"parent_run_id": grandchild["id"], "trace_id": run["id"]}),
        json!({"parent_run_id": grandchild["id"], "dotted_order": run["dotted_order"]}),
    ] {
        assert_eq!(server.patch(&format!("/runs/{}", id(&run)), patch).await.status, 422);
    }
    assert_eq!(server.run(id(&run)).await["parent_run_id"], Value::Null);
}

#[tokio::test]
async fn a_cycle_is_read_to_an_end() {
    let server = Server::new().await;
    let trace = Uuid::now_v7();
    let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
    for at in 0..3 {
        let run = json!({
            "id": ids[at], "trace_id": trace, "parent_run_id": ids[(at + 1) % 3], "name": "n", "run_type": "chain",
        });
        let status = server.post("/runs", run).await.status;
        assert!([202, 422].contains(&status));
    }
    assert!(server.query(json!({"trace": trace})).await.len() <= 3);
}

#[tokio::test]
async fn a_child_of_another_trace_is_in_its_own_only() {
    let server = Server::new().await;
    let (canary, other) = (root(), root());
    server.has(&canary).await;
    let mut stranger = below(&canary);
    stranger["trace_id"] = other["id"].clone();
    stranger["dotted_order"] = Value::Null;
    server.post("/runs", &stranger).await;
    let trace = server.query(json!({"trace": canary["id"]})).await;
    assert_eq!(trace.len(), 1);
}

#[tokio::test]
async fn odd_ids_are_refused_or_the_same_run() {
    let server = Server::new().await;
    let run = root();
    server.has(&run).await;
    let plain = id(&run);
    for same in [plain.to_uppercase(), plain.replace('-', "")] {
        assert_eq!(server.run(&same).await["id"], run["id"]);
        let mut again = run.clone();
        again["id"] = json!(same);
        assert!([202, 409].contains(&server.post("/runs", again).await.status));
    }
    let fullwidth = plain.replace('0', "０");
    for odd in
        [format!("{{{plain}}}"), format!("urn:uuid:{plain}"), format!("{plain}0"), Uuid::nil().to_string(), fullwidth]
    {
        let mut again = run.clone();
        again["id"] = json!(odd);
        assert_eq!(server.post("/runs", again).await.status, 422, "{odd}");
    }
    for odd in ["x", "%7B%7D", "'", "1%20OR%201", &"9".repeat(5000), "00000000-0000-0000-0000-000000000000"] {
        let answer = server.get(&format!("/runs/{odd}")).await;
        assert_eq!((answer.status, answer.body.len() < 1024), (422, true), "{odd:.50}");
    }
    assert_eq!(server.query(json!({})).await.len(), 1);
}

#[tokio::test]
async fn times_that_cannot_be_are_refused() {
    let server = Server::new().await;
    for (time, status) in [
        (json!("0001-01-01T00:00:00Z"), 422),
        (json!("2026-02-30T00:00:00Z"), 422),
        (json!("yesterday"), 422),
        (json!(-1), 422),
        (json!(1e18), 422),
        (json!("9999-12-31T23:59:59.999999Z"), 202),
        (json!("2026-03-04T05:06:06Z"), 202),
        (json!("2026-03-04 05:06:09"), 202),
        (json!(1_772_600_768_000_i64), 202),
    ] {
        let mut run = root();
        run["end_time"] = time.clone();
        assert_eq!(server.post("/runs", run).await.status, status, "{time}");
    }
}

#[tokio::test]
async fn a_patch_may_come_first_and_nothing_undoes_what_it_said() {
    let server = Server::new().await;
    let mut run = root();
    let outputs = run.as_object_mut().unwrap().remove("outputs").unwrap();
    let end = run.as_object_mut().unwrap().remove("end_time").unwrap();
    let path = format!("/runs/{}", id(&run));
    let patch =
        json!({"outputs": outputs, "end_time": end, "trace_id": run["trace_id"], "dotted_order": run["dotted_order"]});
    assert_eq!(server.patch(&path, &patch).await.status, 202);
    assert_eq!(server.run(id(&run)).await["is_incomplete"], true);
    for _ in 0..2 {
        let read = server.has(&run).await;
        assert_eq!((&read["outputs"], &read["status"]), (&outputs, &json!("success")));
    }
    let nothing = json!({"outputs": {}, "inputs": null, "name": null, "parent_run_id": null, "tags": []});
    assert_eq!(server.patch(&path, nothing).await.status, 202);
    let read = server.run(id(&run)).await;
    assert_eq!((&read["outputs"], &read["inputs"], &read["name"]), (&outputs, &json!({"a": 1}), &json!("root")));
}
