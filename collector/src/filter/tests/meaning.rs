//! What filters mean, by example.

use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{Known, World};
use crate::filter::{Filter, Opinion};
use crate::run::{Status, flattened};

fn object(value: Value) -> serde_json::Map<String, Value> {
    flattened(value.as_object().unwrap())
}

/// A root that failed, a model's run below it, and a run still open that is not of their trace.
fn world() -> World {
    let mut root = Known::new(1, "root");
    root.row.status = Status::Error;
    root.row.error = Some("Boom: it broke".to_owned());
    (root.row.start, root.row.end) = (1_700_000_000_000_000, Some(1_700_000_002_850_000));
    root.row.tags = vec!["even".to_owned(), "Beta".to_owned()];
    root.row.metadata = object(json!({"user": "u0", "i": 17, "deep": {"k": true}, "none": null, "list": [1, "a"]}));
    root.row.thread = Some("th-0".to_owned());
    root.inputs = object(json!({"question": "what is number 24?", "lang": "de"}));
    root.row.input_preview = Some("what is number 24?".to_owned());
    root.feedback = vec![
        Opinion { key: "correct".to_owned(), score: Some(1.0), ..Opinion::default() },
        Opinion { key: "tone".to_owned(), score: Some(0.25), value: Some(json!("rude")), ..Opinion::default() },
        Opinion {
            key: "label".to_owned(),
            value: Some(json!({"a": 1})),
            comment: Some("Hm".to_owned()),
            ..Opinion::default()
        },
    ];

    let mut model = Known::new(2, "model");
    model.row.place.trace = Uuid::from_u128(1);
    model.row.place.parent = Some(Uuid::from_u128(1));
    model.row.run_type = "llm".to_owned();
    model.row.status = Status::Success;
    (model.row.start, model.row.end) = (1_700_000_001_000_000, Some(1_700_000_001_500_000));
    model.row.first_token = Some(1_700_000_001_250_000);
    model.row.usage.total_tokens = Some(30);
    model.row.usage.total_cost = Some(3e-6);
    model.row.metadata = object(json!({"user": "17", "ratio": 1.5}));
    model.outputs = object(json!({"answer": {"text": "Number 241"}}));

    let mut open = Known::new(3, "open");
    open.project = Uuid::from_u128(9);
    open.row.start = 1_700_000_100_000_000;
    open.row.example = Some(Uuid::from_u128(7));
    World::of(vec![root, model, open])
}

#[track_caller]
fn finds(cases: &[(&str, &[&str])]) {
    let world = world();
    for (text, expected) in cases {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(world.found(&filter), *expected, "{text}");
    }
}

#[test]
fn fields_compare() {
    finds(&[
        ("eq(name, 'root')", &["root"]),
        ("neq(name, 'root')", &["model", "open"]),
        ("eq(run_type, 'LLM')", &["model"]),
        ("eq(status, \"error\")", &["root"]),
        ("in(status, ['error', 'pending'])", &["root", "open"]),
        ("neq(error, null)", &["root"]),
        ("eq(error, null)", &["model", "open"]),
        ("exists(error)", &["root"]),
        ("eq(error, 'Boom: it broke')", &["root"]),
        ("not(eq(error, 'Boom: it broke'))", &["model", "open"]),
        ("neq(thread_id, 'th-0')", &["model", "open"]),
        ("in(thread_id, ['th-0', null])", &["root", "model", "open"]),
        ("in(name, [])", &[]),
        ("gt(name, 'n')", &["root", "open"]),
        ("eq(is_root, true)", &["root", "open"]),
        ("eq(is_root, false)", &["model"]),
        ("eq(execution_order, 1)", &["root", "open"]),
        ("gt(execution_order, 1)", &["model"]),
        ("gt(total_tokens, 0)", &["model"]),
        ("not(gt(total_tokens, 0))", &["root", "open"]),
        ("eq(total_tokens, 30.0)", &["model"]),
        ("lt(total_cost, 0.000004)", &["model"]),
        ("like(name, 'M_D%')", &["model"]),
        ("like(error, '%IT BROKE')", &["root"]),
    ]);
}

#[test]
fn times_and_durations_compare() {
    finds(&[
        ("gt(latency, 2)", &["root"]),
        ("gte(latency, '2.85s')", &["root"]),
        ("gt(latency, 2.85)", &[]),
        ("lte(latency, '500ms')", &["model"]),
        ("lt(latency, '2m')", &["root", "model"]),
        ("eq(latency, null)", &["open"]),
        ("eq(first_token_latency, 0.25)", &["model"]),
        ("gt(start_time, '2023-11-14T22:13:20Z')", &["model", "open"]),
        ("gte(start_time, '2023-11-14T23:13:20+01:00')", &["root", "model", "open"]),
        ("lt(start_time, 1700000001000)", &["root"]),
        ("gt(start_time, '2023-11-14')", &["root", "model", "open"]),
        ("eq(end_time, null)", &["open"]),
    ]);
}

#[test]
fn ids_compare() {
    finds(&[
        ("eq(id, '00000000-0000-0000-0000-000000000002')", &["model"]),
        ("eq(trace_id, '00000000-0000-0000-0000-000000000001')", &["root", "model"]),
        ("eq(parent_run_id, '00000000-0000-0000-0000-000000000001')", &["model"]),
        ("neq(parent_run_id, '00000000-0000-0000-0000-000000000001')", &["root", "open"]),
        ("eq(parent_run_id, null)", &["root", "open"]),
        ("eq(reference_example, '00000000000000000000000000000007')", &["open"]),
        ("eq(session_id, '00000000-0000-0000-0000-000000000009')", &["open"]),
        ("eq(session_id, '00000000-0000-0000-0000-000000000008')", &[]),
        ("neq(session_id, '00000000-0000-0000-0000-000000000008')", &["root", "model", "open"]),
        (
            "in(session_id, ['00000000-0000-0000-0000-000000000008', '00000000-0000-0000-0000-000000000000'])",
            &["root", "model"],
        ),
        ("not(in(session_id, ['00000000-0000-0000-0000-000000000008']))", &["root", "model", "open"]),
    ]);
}

#[test]
fn tags_ignore_case() {
    finds(&[
        ("has(tags, 'beta')", &["root"]),
        ("has(tags, 'bet')", &[]),
        ("eq(tag, 'EVEN')", &["root"]),
        ("neq(tags, 'even')", &["model", "open"]),
        ("in(tags, ['x', 'BETA'])", &["root"]),
        ("like(tags, 'b%')", &["root"]),
        ("search(tags, 'VE')", &["root"]),
        ("eq(tags, null)", &["model", "open"]),
        ("exists(tags)", &["root"]),
    ]);
}

#[test]
fn conditions_on_entries_speak_of_the_same_one() {
    finds(&[
        ("and(eq(metadata_key, 'user'), eq(metadata_value, 'u0'))", &["root"]),
        ("and(eq(metadata_key,'i'),eq(metadata_value,'17'))", &["root"]),
        ("and(eq(metadata_key,'i'),eq(metadata_value,17.0))", &["root"]),
        ("and(eq(metadata_key,'user'),eq(metadata_value,17))", &["model"]),
        ("and(eq(metadata_key,'i'),gt(metadata_value,'2'))", &["root"]),
        ("and(eq(metadata_key, 'i'), eq(metadata_value, 'u0'))", &[]),
        ("and(eq(metadata_key, 'i'), and(eq(metadata_value, 'u0')))", &["root"]),
        ("and(eq(metadata_key, 'user'), eq(is_root, true), eq(metadata_value, 'u0'))", &["root"]),
        ("and(in(metadata_key, ['x', 'user']), eq(metadata_value, 'u0'))", &["root"]),
        ("and(eq(metadata_key, 'deep.k'), eq(metadata_value, true))", &["root"]),
        ("and(eq(metadata_key, 'deep.k'), eq(metadata_value, 'true'))", &["root"]),
        ("and(eq(metadata_key, 'list'), eq(metadata_value, '[1,\"a\"]'))", &["root"]),
        ("and(eq(metadata_key, 'none'), eq(metadata_value, null))", &["root"]),
        ("and(eq(metadata_key, 'none'), exists(metadata_value))", &[]),
        ("and(eq(metadata_key, 'ratio'), gte(metadata_value, 1.5))", &["model"]),
        ("eq(metadata_key, 'user')", &["root", "model"]),
        ("not(eq(metadata_key, 'i'))", &["model", "open"]),
        ("exists(metadata_key)", &["root", "model"]),
        ("exists(metadata)", &["root", "model"]),
        ("and(eq(input_key, 'lang'), eq(input_value, 'de'))", &["root"]),
        ("and(eq(output_key, 'answer.text'), like(output_value, 'NUM%'))", &["model"]),
        ("and(eq(feedback_key, 'tone'), gt(feedback_score, 0.2))", &["root"]),
        ("and(eq(feedback_key, 'tone'), gt(feedback_score, 0.5))", &[]),
        ("and(eq(feedback_key, 'correct'), eq(feedback_score, true))", &["root"]),
        ("eq(feedback_value, 'rude')", &["root"]),
        ("and(eq(feedback_key, 'label'), eq(feedback_value, '{\"a\":1}'), search(feedback_comment, 'h'))", &["root"]),
        ("eq(feedback_source, null)", &["root"]),
    ]);
}

#[test]
fn metadata_has_objects() {
    finds(&[
        ("has(metadata, '{\"user\": \"u0\"}')", &["root"]),
        ("has(metadata, '{\"user\": \"u0\", \"i\": 17}')", &["root"]),
        ("has(metadata, '{\"user\": \"u0\", \"i\": 18}')", &[]),
        ("has(metadata, '{\"deep\": {\"k\": true}}')", &["root"]),
        ("has(metadata, '{\"list\": [1, \"a\"]}')", &["root"]),
        ("has(metadata, '{\"i\": null}')", &["model", "open"]),
        ("has(metadata, '{}')", &["root", "model", "open"]),
    ]);
}

#[test]
fn words_are_found_by_their_beginning() {
    finds(&[
        ("search('number 24')", &["root", "model"]),
        ("search('number 24?')", &["root", "model"]),
        ("search('NUMBER 241')", &["model"]),
        ("search('24 number')", &[]),
        ("search('umber')", &[]),
        ("search('boom it')", &["root"]),
        ("search(error, 'broke')", &["root"]),
        ("search(name, 'broke')", &[]),
        ("search(inputs, 'what is')", &["root"]),
        ("search(outputs, 'number')", &["model"]),
        ("not(search('number'))", &["open"]),
        ("search('?')", &["root"]),
        ("search(inputs, '?')", &["root"]),
        ("search(thread_id, 'TH')", &["root"]),
    ]);
}

#[test]
fn nothing_is_asked_of_nothing() {
    finds(&[("and()", &["root", "model", "open"]), ("or()", &[]), ("not(or())", &["root", "model", "open"])]);
}
