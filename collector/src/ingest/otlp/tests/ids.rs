//! Ids and times.

use super::*;

const RUN: &str = "019aa000-0000-7000-8000-00f067aa0ba9";
const ROOT: &str = "019aa000-0000-7000-8000-000000000001";

fn rejected(key: &str, id: &str) -> String {
    let told = taken(json!([with(span(json!({})), key, json!(id))]));
    assert_eq!(told.operations.len(), 0);
    told.rejected[0].clone()
}

#[test]
fn ids_that_are_none_are_refused_with_the_reason() {
    assert_eq!(rejected("traceId", &"0".repeat(32)), format!("span {SPAN}: its trace id is zero"));
    assert_eq!(rejected("traceId", ""), format!("span {SPAN}: its trace id is missing"));
    assert_eq!(rejected("traceId", "0011"), format!("span {SPAN}: its trace id has 2 bytes instead of 16"));
    assert_eq!(rejected("spanId", &"0".repeat(16)), "span 0000000000000000: its span id is zero");
    assert_eq!(rejected("spanId", &"ab".repeat(500)), "span abababababababab: its span id has 500 bytes instead of 8");
    assert_eq!(rejected("spanId", ""), "span : its span id is missing");
    assert_eq!(rejected("parentSpanId", SPAN), format!("span {SPAN}: it is its own parent"));
    assert_eq!(rejected("parentSpanId", "01"), format!("span {SPAN}: its parent's span id has 1 bytes instead of 8"));
    let own = taken(json!([span(json!({"langsmith.span.id": RUN, "langsmith.span.parent_id": RUN}))]));
    assert_eq!(own.rejected, [format!("span {SPAN}: it is its own parent")]);
}

#[test]
fn one_bad_span_leaves_the_others() {
    let bad = with(span(json!({})), "spanId", json!(""));
    let told = taken(json!([span(json!({})), bad, span(json!({}))]));
    assert_eq!((told.operations.len(), told.rejected.len()), (2, 1));
    assert_eq!(told.operations[0], told.operations[1]);
}

#[test]
fn parents_are_known_by_their_span_id() {
    let run = told(with(span(json!({})), "parentSpanId", json!("00000000000000ff")));
    assert_eq!(run["parent_run_id"], "00000000-0000-0000-0000-0000000000ff");
    let root = told(with(span(json!({})), "parentSpanId", json!("0000000000000000")));
    assert_eq!(root.get("parent_run_id"), None);
}

#[test]
fn a_parent_in_the_same_request_is_known_by_the_run_that_it_says_it_is() {
    let parent = span(json!({"langsmith.span.id": RUN, "langsmith.trace.id": ROOT}));
    let child = with(with(span(json!({})), "spanId", json!("0000000000000001")), "parentSpanId", json!(SPAN));
    let told = taken(json!([child, parent]));
    let child = fields(&told.operations[0]);
    assert_eq!((&child["parent_run_id"], &child["trace_id"]), (&json!(RUN), &json!(ROOT)));
}

#[test]
fn a_dotted_order_is_told_only_if_it_says_what_the_ids_say() {
    let time = "20231114T221320000001Z";
    let good = format!("{time}{ROOT}.{time}{RUN}");
    let told = |order: &str, parent: &str| {
        told(span(json!({
            "langsmith.span.id": RUN, "langsmith.trace.id": ROOT,
            "langsmith.span.parent_id": parent, "langsmith.span.dotted_order": order,
        })))
    };
    let told_order = |order: &str, parent: &str| told(order, parent).get("dotted_order").cloned();
    assert_eq!(told_order(&good, ROOT), Some(json!(good)));
    // Who does not say the parent says it by the order.
    assert_eq!(told(&good, "")["parent_run_id"], ROOT);
    for bad in [
        format!("{time}{ROOT}"),
        format!("{time}{RUN}.{time}{ROOT}"),
        format!("{time}{ROOT}.{time}{SPAN}"),
        format!("{time}{ROOT}..{time}{RUN}"),
        format!("99999999T999999999999Z{ROOT}.{time}{RUN}"),
        format!("ä{good}"),
        "x".repeat(100),
        "ä".repeat(100),
    ] {
        assert_eq!(told_order(&bad, ROOT), None, "{bad}");
    }
    assert_eq!(told_order(&good, "11111111-1111-4111-8111-111111111111"), None);
}

#[test]
fn ids_that_attributes_tell_badly_are_not_taken() {
    for bad in ["", "x", "00000000-0000-0000-0000-000000000000"] {
        let run =
            told(span(json!({"langsmith.span.id": bad, "langsmith.trace.id": bad, "langsmith.span.parent_id": bad})));
        assert_eq!(run["id"], "00000000-0000-0000-00f0-67aa0ba902b7");
        assert_eq!(run["trace_id"], "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(run.get("parent_run_id"), None);
    }
}

#[test]
fn times_neither_overflow_nor_turn() {
    let times = |start: u64, end: u64| {
        let run =
            with(with(span(json!({})), "startTimeUnixNano", json!(start)), "endTimeUnixNano", json!(end.to_string()));
        let run = told(run);
        (run.get("start_time").cloned(), run.get("end_time").cloned())
    };
    assert_eq!(times(0, 0), (None, None));
    assert_eq!(times(2_000_000, 1_000_000), (Some(json!(2000)), Some(json!(1000))));
    assert_eq!(times(1, u64::MAX), (Some(json!(0)), Some(json!(u64::MAX / 1000))));
}

#[test]
fn a_run_that_came_by_both_protocols_is_one() {
    use crate::run::Merged;
    let told = taken(json!([span(json!({"langsmith.span.id": RUN, "langsmith.trace.name": "by span"}))]));
    let posted = Operation::new(Kind::Create, told.operations[0].id).with(Field::Name, "\"by post\"");
    let patched = Operation::new(Kind::Update, posted.id).with(Field::Outputs, "{\"a\":1}").with(Field::End, "7");
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut run = Merged::new(posted.id);
        for (now, at) in order.into_iter().enumerate() {
            let operation = [&told.operations[0], &posted, &patched][at].clone();
            run.join(operation, now as i64);
        }
        let row = run.row();
        assert_eq!((row.end, row.start), (Some(7), 1_700_000_000_000_001));
        let first = if order.iter().position(|at| *at == 0) < order.iter().position(|at| *at == 1) {
            "by span"
        } else {
            "by post"
        };
        assert_eq!(row.name, first);
    }
}
