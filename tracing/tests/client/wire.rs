//! What servers say is read, with less or more than was described.

use runtree_core::{Moment, RunType};
use runtree_tracing::langsmith::wire::{Feedback, Info, Order, Project, Run, RunPage, RunQueryBody, RunStatus, Share};
use serde_json::{Value, json};

fn documented() -> Value {
    serde_json::from_str(include_str!("run.json")).unwrap()
}

#[test]
fn the_documented_run_is_read_whole() {
    let run: Run = serde_json::from_value(documented()).unwrap();
    assert_eq!((run.run_type, &run.status), (RunType::Llm, &RunStatus::Success));
    assert_eq!(run.latency().unwrap().as_millis(), 1500);
    assert_eq!(run.first_token_time, Some(Moment::from_micros(1_772_600_767_320_000)));
    assert_eq!(run.metadata().unwrap()["ls_provider"], "openai");
    assert_eq!((run.total_cost, run.prompt_cost, run.completion_cost), (Some(0.000345), Some(0.0001), None));
    assert_eq!(run.attachment("a.b").unwrap().mime_type.as_deref(), Some("image/png"));
    assert_eq!(run.attachments().count(), 1);
    assert_eq!(run.events[0]["kwargs"]["token"], "h");
    assert!(!run.is_root());
}

#[test]
fn a_run_survives_the_way_out_and_back_and_all_its_fields_are_there() {
    let run: Run = serde_json::from_value(documented()).unwrap();
    let written = serde_json::to_value(&run).unwrap();
    assert_eq!(serde_json::from_value::<Run>(written.clone()).unwrap(), run);
    let unknown = ["execution_order", "inputs_s3_urls", "last_queued_at", "trace_tier", "a_field_of_tomorrow"];
    for (key, value) in documented().as_object().unwrap() {
        assert_eq!(written.get(key).is_some(), !unknown.contains(&key.as_str()), "{key}");
        let same = unknown.contains(&key.as_str()) || key.ends_with("_time") || key == "total_cost" || key == "s3_urls";
        assert!(same || &written[key] == value, "{key}: {} is not {value}", written[key]);
    }
}

#[test]
fn any_field_but_five_may_be_missing_or_null() {
    let needed = ["id", "trace_id", "name", "run_type", "start_time"];
    let whole = documented();
    for key in whole.as_object().unwrap().keys() {
        for absent in [true, false] {
            let mut run = whole.clone();
            match absent {
                true => drop(run.as_object_mut().unwrap().remove(key)),
                false => run[key] = Value::Null,
            }
            let read = serde_json::from_value::<Run>(run);
            assert_eq!(read.is_err(), needed.contains(&key.as_str()), "{key}: {read:?}");
        }
    }
}

#[test]
fn words_of_tomorrow_do_not_hide_a_run() {
    let mut run = documented();
    run["run_type"] = json!("agent");
    run["status"] = json!("sleeping");
    let run: Run = serde_json::from_value(run).unwrap();
    assert_eq!((run.run_type, run.status.as_str()), (RunType::Chain, "sleeping"));
    assert_eq!(serde_json::to_value(&run).unwrap()["status"], "sleeping");
}

#[test]
fn a_page_may_have_no_cursors() {
    for (json, next) in [
        (json!({"runs": []}), None),
        (json!({"runs": [], "cursors": null}), None),
        (json!({"runs": [], "cursors": {"next": null, "prev": "x"}}), None),
        (json!({"runs": [documented()], "cursors": {"next": "c"}, "parsed_query": "x"}), Some("c")),
    ] {
        let page: RunPage = serde_json::from_value(json).unwrap();
        assert_eq!(page.cursors.next.as_deref(), next);
    }
}

#[test]
fn a_query_is_written_without_what_was_not_said_and_read_with_what_clients_add() {
    assert_eq!(serde_json::to_value(RunQueryBody::default()).unwrap(), json!({}));
    let body: RunQueryBody = serde_json::from_value(json!({
        "session": ["11111111-2222-4333-8444-555555555555"],
        "session_id": "11111111-2222-4333-8444-555555555555",
        "run_type": null, "is_root": true, "order": "asc", "limit": 1000, "start_time": "2026-03-04T05:06:07",
        "skip_pagination": false, "use_experimental_search": true,
    }))
    .unwrap();
    assert_eq!(body.session, body.session_id);
    assert_eq!((body.order, body.limit, body.is_root), (Some(Order::Asc), Some(1000), Some(true)));
    let written = serde_json::to_value(&body).unwrap();
    assert_eq!(written["start_time"], "2026-03-04T05:06:07.000000Z");
    assert_eq!(serde_json::from_value::<RunQueryBody>(written).unwrap(), body);
}

#[test]
fn a_project_is_read_with_and_without_its_numbers() {
    let json = json!({
        "id": "11111111-2222-4333-8444-555555555555", "tenant_id": "9f9f9f9f-0000-4000-8000-000000000000",
        "name": "default", "start_time": "2026-03-04T05:06:07.120000", "end_time": null, "extra": null,
        "reference_dataset_id": null, "trace_tier": "longlived", "run_count": 7, "latency_p50": 1.25,
        "latency_p99": "2.5", "total_tokens": 10.0, "total_cost": "0.1", "feedback_stats": {}, "run_facets": [],
        "last_run_start_time": "2026-03-04T05:06:07", "error_rate": 0.5, "streaming_rate": null,
    });
    let project: Project = serde_json::from_value(json).unwrap();
    let stats = &project.stats;
    assert_eq!((stats.run_count, stats.latency_p50, stats.latency_p99), (Some(7), Some(1.25), Some(2.5)));
    assert_eq!((stats.total_tokens, stats.total_cost, stats.streaming_rate), (Some(10), Some(0.1), None));
    let written = serde_json::to_value(&project).unwrap();
    assert_eq!(written["run_count"], 7);
    assert_eq!(serde_json::from_value::<Project>(written).unwrap(), project);

    let bare = Project::new(project.id, project.tenant_id.unwrap(), "x");
    let written = serde_json::to_value(&bare).unwrap();
    assert!(written.get("run_count").is_none());
    assert_eq!(written.get("reference_dataset_id"), Some(&Value::Null));
    assert_eq!(serde_json::from_value::<Project>(json!({"id": project.id})).unwrap().name, "");
}

#[test]
fn feedback_is_read_whatever_its_score() {
    let id = "11111111-2222-4333-8444-555555555555";
    for score in [json!(1), json!(0.5), json!(true), json!(null)] {
        let json = json!({"id": id, "key": "k", "score": score, "feedback_source": {"type": "api", "metadata": null}});
        let feedback: Feedback = serde_json::from_value(json).unwrap();
        assert_eq!(feedback.score, Some(score).filter(|score| !score.is_null()));
        assert_eq!(feedback.feedback_source.as_ref().unwrap().kind, "api");
        let written = serde_json::to_value(&feedback).unwrap();
        assert_eq!(written["feedback_source"], json!({"type": "api", "metadata": {}}));
        assert_eq!(serde_json::from_value::<Feedback>(written).unwrap(), feedback);
    }
}

#[test]
fn what_a_server_does_not_say_of_itself_takes_its_default() {
    let read = |json: Value| serde_json::from_value::<Info>(json).unwrap();
    assert_eq!(read(json!({})), Info::default());
    assert_eq!(read(json!({"batch_ingest_config": null, "instance_flags": {}})), Info::default());
    let info = read(json!({
        "version": "0.16.0", "license_expiration_time": null, "git_sha": "x",
        "batch_ingest_config": {"use_multipart_endpoint": false, "size_limit": null, "scale_up_nthreads_limit": 16},
        "instance_flags": {"zstd_compression_enabled": true, "ch_query_enabled": null, "tomorrow": "yes"},
    }));
    assert!(!info.batch_ingest_config.use_multipart_endpoint && info.instance_flags.zstd_compression_enabled);
    assert_eq!((info.batch_ingest_config.size_limit, info.batch_ingest_config.scale_up_nthreads_limit), (100, 16));
    assert!(info.instance_flags.ch_query_enabled && !info.instance_flags.sdb_query_enabled);
    assert_eq!(read(serde_json::to_value(&info).unwrap()), info);
}

#[test]
fn a_share_is_read() {
    let json = json!({"run_id": "11111111-2222-4333-8444-555555555555", "share_token": "t", "x": 1});
    assert_eq!(serde_json::from_value::<Share>(json).unwrap().share_token, "t");
    assert_eq!(serde_json::from_value::<Option<Share>>(Value::Null).unwrap(), None);
}
