//! The filters of the protocol's conformance suite, on its 250 roots and 50 children.

use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{Known, World};
use crate::filter::Filter;
use crate::run::{Status, flattened};

const SECOND: i64 = 1_000_000;
/// When the first root began: 2026-03-04T05:06:07Z.
const BEGIN: i64 = 1_772_600_767 * SECOND;

fn object(value: &Value) -> serde_json::Map<String, Value> {
    flattened(value.as_object().unwrap())
}

fn root(number: i64) -> Known {
    let mut known = Known::new(u128::try_from(number + 1).unwrap(), &format!("task-{}", number % 5));
    let row = &mut known.row;
    row.start = BEGIN + number * SECOND;
    row.end = Some(row.start + 100_000 * (number % 30));
    row.run_type = ["chain", "llm", "tool", "retriever", "chain"][usize::try_from(number % 5).unwrap()].to_owned();
    row.tags = vec![if number % 2 == 0 { "even" } else { "odd" }.to_owned()];
    row.status = Status::Success;
    if number % 10 == 0 {
        row.tags.push("Beta".to_owned());
    }
    if number % 25 == 0 {
        row.error = Some("Boom: it broke".to_owned());
        row.status = Status::Error;
    }
    if number % 5 == 1 {
        row.usage.total_tokens = Some(3 * number);
    }
    row.thread = Some(format!("th-{}", number % 7));
    row.metadata = object(&json!({"i": number, "user": format!("u{}", number % 3), "thread_id": row.thread}));
    known.inputs = object(&json!({"question": format!("what is number {number}?"), "lang": "de"}));
    known.outputs = object(&json!({"i": number}));
    known
}

fn child(parent: &Known, number: i64) -> Known {
    let mut known = Known::new(u128::try_from(number + 1001).unwrap(), "kid");
    known.row.place.trace = parent.row.id;
    known.row.place.parent = Some(parent.row.id);
    known.row.start = parent.row.start + 1_000;
    known.row.end = Some(parent.row.start + 5_000);
    known.row.status = Status::Success;
    known.row.metadata = object(&json!({"kid-of": number}));
    known
}

#[test]
fn each_finds_as_many_as_the_suite_expects() {
    let roots: Vec<Known> = (0..250).map(root).collect();
    let children: Vec<Known> = (0..).zip(&roots[..50]).map(|(number, root)| child(root, number)).collect();
    let world = World::of(roots.into_iter().chain(children).collect());
    let first = Uuid::from_u128(1);
    let late = "2026-03-04T05:10:06.500000+00:00";
    let several = (0..250).filter(|i| i % 5 == 1 && i % 30 > 20 && 3 * i > 100).count();
    for (expected, text) in [
        (50, "eq(name, \"task-1\")"),
        (250, "neq(name, \"kid\")"),
        (50, "eq(run_type, \"llm\")"),
        (10, "eq(status, \"error\")"),
        (10, "neq(error, null)"),
        (290, "eq(error, null)"),
        (250, "eq(is_root, true)"),
        (72, "gt(latency, 2)"),
        (8, "gte(latency, \"2.85s\")"),
        (50, "gt(total_tokens, 0)"),
        (10, &format!("gt(start_time, \"{late}\")")),
        (1, &format!("eq(id, \"{first}\")")),
        (2, &format!("eq(trace_id, \"{first}\")")),
        (50, "eq(is_root, false)"),
        (100, "in(name, [\"task-1\", \"task-2\"])"),
        (5, "and(has(tags, \"even\"), eq(status, \"error\"))"),
        (25, "has(tags, \"beta\")"),
        (100, "or(eq(name, \"task-1\"), eq(name, \"task-2\"))"),
        (200, "and(not(eq(name, \"task-1\")), eq(is_root, true))"),
        (84, "and(eq(metadata_key, \"user\"), eq(metadata_value, \"u0\"))"),
        (1, "and(eq(metadata_key,'i'),eq(metadata_value,'17'))"),
        (84, "and(eq(is_root, true), and(eq(metadata_key, \"user\"), eq(metadata_value, \"u0\")))"),
        (42, "and(and(eq(metadata_key, \"user\"), eq(metadata_value, \"u0\")), has(tags, \"even\"))"),
        (0, "and(eq(metadata_key, \"thread_id\"), eq(metadata_value, \"u0\"))"),
        (250, "eq(metadata_key, \"user\")"),
        (84, "has(metadata, '{\"user\": \"u0\"}')"),
        (36, "and(in(metadata_key, [\"session_id\",\"conversation_id\",\"thread_id\"]), eq(metadata_value, \"th-0\"))"),
        (36, "eq(thread_id, \"th-0\")"),
        (11, "search(\"number 24\")"),
        (
            several,
            "and(or(has(tags, \"even\"), has(tags, \"odd\")), gt(latency, 2), eq(run_type, \"llm\"), neq(name, \"x\"), \
             gt(total_tokens, 100))",
        ),
    ] {
        assert_eq!(world.found(&Filter::parse(text).unwrap()).len(), expected, "{text}");
    }
    for text in ["eq(name", "frobnicate(name, 1)", "eq(name, 'x') trailing", "eq(no_such_field, 1)"] {
        assert!(Filter::parse(text).is_err(), "{text}");
    }
}
