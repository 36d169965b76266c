//! How a document of ours is compared with an expected one: the rules of `README.md`, in the order they stand there.

use std::collections::BTreeSet;

use serde_json::Value;

/// What of a run is compared, beside the runs below it.
const FIELDS: [&str; 9] =
    ["name", "run_type", "tags", "metadata", "inputs", "outputs", "error", "events", "usage_metadata"];

/// Every difference between `got` and `expected`, one sentence each.
///
/// `got` has `result` and `traces`, and may have `checks`; `expected` is a case's document.
pub(crate) fn differences(got: &Value, expected: &Value) -> Vec<String> {
    let lenience = Lenience::of(expected);
    let skip = lenience.of_the_case();
    let mut found = Vec::new();

    let wanted = expected.get("correct_result").unwrap_or(&expected["result"]);
    if !skip.contains("result") {
        let (given, wanted) = (leave_out(&got["result"], "result", &skip), leave_out(wanted, "result", &skip));
        if !same(&given, &wanted) {
            found.push(format!("result: got {given}, expected {wanted}"));
        }
    }
    if !skip.contains("traces") {
        let order = Order::of(&expected["traces_order"]);
        found.extend(in_runs(runs(&got["traces"]), runs(&expected["traces"]), order, &lenience, "traces"));
    }
    // Python's own checks do not matter here: ours must hold always.
    for (check, holds) in got["checks"].as_object().into_iter().flatten() {
        if holds != &Value::Bool(true) {
            found.push(format!("checks.{check} is false"));
        }
    }
    found
}

/// Equality without key order. `1` is `1.0`, but `true` is not `1`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.as_f64() == b.as_f64() && (a.is_f64() || b.is_f64())),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// What a document lets a port set as it likes: for each run name, or `*` for all, the names of fields.
struct Lenience(Vec<(String, Vec<String>)>);

impl Lenience {
    fn of(expected: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rule = |rule: &Value| (text(&rule["run"]), runs(&rule["fields"]).iter().map(text).collect());
        Self(runs(&expected["lenient"]).iter().map(rule).collect())
    }

    /// The free fields of a run of that name.
    fn of_run(&self, name: &str) -> BTreeSet<&str> {
        let rules = self.0.iter().filter(|(run, _)| run == "*" || run == name);
        rules.flat_map(|(_, fields)| fields.iter().map(String::as_str)).collect()
    }

    /// The free fields of the document as a whole.
    fn of_the_case(&self) -> BTreeSet<&str> {
        self.of_run("*")
    }
}

/// Whether runs are compared in the order they started in, or as a multiset.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Start,
    Any,
}

impl Order {
    fn of(value: &Value) -> Self {
        if value == "any" { Self::Any } else { Self::Start }
    }
}

/// A list, or what stands for none.
fn runs(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn in_runs(got: &[Value], expected: &[Value], order: Order, lenience: &Lenience, at: &str) -> Vec<String> {
    if got.len() != expected.len() {
        let names = |runs: &[Value]| runs.iter().map(|run| run["name"].to_string()).collect::<Vec<_>>().join(", ");
        return vec![format!("{at}: got runs [{}], expected [{}]", names(got), names(expected))];
    }
    if order == Order::Start {
        let pairs = got.iter().zip(expected).enumerate();
        return pairs.flat_map(|(n, (got, run))| in_run(got, run, lenience, &format!("{at}[{n}]"))).collect();
    }
    let mut left: Vec<&Value> = got.iter().collect();
    let mut found = Vec::new();
    for (n, run) in expected.iter().enumerate() {
        let at = format!("{at}[any {n}]");
        let tried = left.iter().map(|got| in_run(got, run, lenience, &at)).enumerate();
        let Some((nearest, differences)) = tried.min_by_key(|(_, differences)| differences.len()) else { break };
        left.remove(nearest);
        found.extend(differences);
    }
    found
}

fn in_run(got: &Value, expected: &Value, lenience: &Lenience, at: &str) -> Vec<String> {
    let name = expected["name"].as_str().unwrap_or_default();
    let skip = lenience.of_run(name);
    let mut found = Vec::new();
    for field in FIELDS.into_iter().filter(|field| !skip.contains(field)) {
        let read = |run: &Value| match field {
            "tags" => tag_set(&run["tags"]),
            "error" if skip.contains("error.message") => error_kind(&run["error"]),
            _ => leave_out(&run[field], field, &skip),
        };
        let (given, wanted) = (read(got), read(expected));
        if !same(&given, &wanted) {
            found.push(format!("{at}.{field}: got {given}, expected {wanted}"));
        }
    }
    let order = Order::of(&expected["children_order"]);
    let (below, expected_below) = (runs(&got["children"]), runs(&expected["children"]));
    found.extend(in_runs(below, expected_below, order, lenience, &format!("{at}.{name}")));
    found
}

/// A value without the parts that are free: those that `skip` has as `field.part`.
fn leave_out(value: &Value, field: &str, skip: &BTreeSet<&str>) -> Value {
    let mut value = value.clone();
    for path in skip.iter().filter_map(|path| path.strip_prefix(field)?.strip_prefix('.')) {
        remove(&mut value, path);
    }
    value
}

fn remove(value: &mut Value, path: &str) {
    let Some(map) = value.as_object_mut() else { return };
    match path.split_once('.') {
        None => drop(map.shift_remove(path)),
        Some((key, rest)) => map.get_mut(key).into_iter().for_each(|value| remove(value, rest)),
    }
}

fn tag_set(tags: &Value) -> Value {
    let tags: BTreeSet<&str> = runs(tags).iter().filter_map(Value::as_str).collect();
    tags.into_iter().collect()
}

/// `ValueError` of `ValueError('x')`.
fn error_kind(error: &Value) -> Value {
    let Some(text) = error.as_str() else { return error.clone() };
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
    };
    match text.split_once('(') {
        Some((name, rest)) if is_name(name) && rest.ends_with(')') => name.into(),
        _ => error.clone(),
    }
}

/// The comparer would be worth nothing if it could not find a fault: each test plants one.
mod finds {
    use serde_json::json;

    use super::*;

    fn run(name: &str, children: &[Value]) -> Value {
        json!({"name": name, "run_type": "chain", "tags": ["a", "b"], "metadata": {"k": 1}, "inputs": {"input": 1},
               "outputs": {"output": [1, 2]}, "error": null, "events": ["start", "end"], "children": children})
    }

    fn document(traces: &[Value]) -> Value {
        json!({"result": {"x": 1}, "traces": traces, "traces_order": "start", "checks": {"parents_all_known": true}})
    }

    fn chain() -> Value {
        document(&[run("chain", &[run("a", &[]), run("b", &[])])])
    }

    /// What is found when the value at `pointer` in our document is `planted`.
    fn found(pointer: &str, planted: Value) -> Vec<String> {
        let mut got = chain();
        *got.pointer_mut(pointer).unwrap() = planted;
        differences(&got, &chain())
    }

    #[test]
    fn no_difference_in_a_document_and_itself() {
        assert_eq!(differences(&chain(), &chain()), Vec::<String>::new());
    }

    #[test]
    fn another_result() {
        assert_eq!(found("/result", json!({"x": 2})), [r#"result: got {"x":2}, expected {"x":1}"#]);
        assert_eq!(found("/result/x", json!(1.0)), Vec::<String>::new());
        assert_eq!(found("/result/x", json!(true)).len(), 1);
        assert_eq!(found("/result/x", json!(null)).len(), 1);
        assert_eq!(found("/result", json!({"x": 1, "y": null})).len(), 1);
    }

    #[test]
    fn anything_else_in_any_field_of_any_run() {
        for run in ["/traces/0", "/traces/0/children/1"] {
            for (field, planted) in [
                ("name", json!("other")),
                ("run_type", json!("llm")),
                ("tags", json!(["a"])),
                ("metadata", json!({})),
                ("inputs", json!({"input": "1"})),
                ("outputs", json!({"output": [2, 1]})),
                ("error", json!("ValueError('x')")),
                ("events", json!(["start", "error"])),
            ] {
                let found = found(&format!("{run}/{field}"), planted);
                assert!(found.len() == 1 && found[0].contains(field), "{run} {field}: {found:?}");
            }
        }
    }

    #[test]
    fn usage_that_is_missing_or_too_much() {
        let mut with_usage = chain();
        with_usage["traces"][0]["usage_metadata"] = json!({"total_tokens": 3});
        assert_eq!(differences(&chain(), &with_usage).len(), 1);
        assert_eq!(differences(&with_usage, &chain()).len(), 1);
    }

    #[test]
    fn runs_that_are_missing_too_many_or_in_another_order() {
        assert_eq!(found("/traces", json!([])), [r#"traces: got runs [], expected ["chain"]"#]);
        assert_eq!(found("/traces/0/children", json!([run("a", &[])])).len(), 1);
        let swapped = json!([run("b", &[]), run("a", &[])]);
        assert_eq!(found("/traces/0/children", swapped.clone()).len(), 2);

        let mut any = chain();
        any["traces"][0]["children_order"] = json!("any");
        let mut got = chain();
        got["traces"][0]["children"] = swapped;
        assert_eq!(differences(&got, &any), Vec::<String>::new());
        got["traces"][0]["children"] = json!([run("b", &[]), run("b", &[])]);
        assert_eq!(differences(&got, &any).len(), 1);
    }

    #[test]
    fn a_check_that_does_not_hold_whatever_python_says() {
        let found = found("/checks/parents_all_known", json!(false));
        assert_eq!(found, ["checks.parents_all_known is false"]);
        let (mut got, mut expected) = (chain(), chain());
        for document in [&mut got, &mut expected] {
            document["checks"]["parents_all_known"] = json!(false);
        }
        expected["lenient"] = json!([{"run": "*", "fields": ["checks.parents_all_known"]}]);
        assert_eq!(differences(&got, &expected).len(), 1);
    }

    #[test]
    fn nothing_in_what_the_document_leaves_free_and_all_of_the_rest() {
        let free = |run: &str, field: &str| {
            let mut expected = chain();
            expected["lenient"] = json!([{"run": run, "fields": [field]}]);
            expected
        };
        let mut got = chain();
        got["traces"][0]["children"][0]["tags"] = json!(["z"]);
        assert_eq!(differences(&got, &free("a", "tags")), Vec::<String>::new());
        assert_eq!(differences(&got, &free("*", "tags")), Vec::<String>::new());
        assert_eq!(differences(&got, &free("*", "traces")), Vec::<String>::new());
        assert_eq!(differences(&got, &free("b", "tags")).len(), 1);
        assert_eq!(differences(&got, &free("a", "outputs")).len(), 1);

        let mut got = chain();
        got["traces"][0]["children"][0]["inputs"] = json!({"input": 1, "time": 7});
        assert_eq!(differences(&got, &free("a", "inputs.time")), Vec::<String>::new());
        assert_eq!(differences(&got, &free("a", "inputs.input")).len(), 1);

        let mut got = chain();
        got["result"] = json!({"x": 2});
        assert_eq!(differences(&got, &free("*", "result.x")), Vec::<String>::new());
        assert_eq!(differences(&got, &free("*", "result")), Vec::<String>::new());
        assert_eq!(differences(&got, &free("*", "result.y")).len(), 1);
    }

    #[test]
    fn the_kind_of_an_error_where_its_message_is_free() {
        let failed = |error: &str| {
            let mut document = chain();
            document["traces"][0]["error"] = json!(error);
            document["lenient"] = json!([{"run": "chain", "fields": ["error.message"]}]);
            document
        };
        let expected = failed("ValueError('no')");
        assert_eq!(differences(&failed("ValueError('never (ever)')"), &expected), Vec::<String>::new());
        assert_eq!(differences(&failed("KeyError('no')"), &expected).len(), 1);
        assert_eq!(differences(&chain(), &expected).len(), 1);
    }

    #[test]
    fn the_result_that_is_right_where_pythons_is_wrong() {
        let mut expected = chain();
        expected["correct_result"] = json!({"x": 9});
        assert_eq!(differences(&chain(), &expected).len(), 1);
        let mut got = chain();
        got["result"] = json!({"x": 9});
        assert_eq!(differences(&got, &expected), Vec::<String>::new());
    }

    #[test]
    fn what_is_nearest_among_runs_in_any_order() {
        let mut expected = document(&[run("a", &[]), run("b", &[])]);
        expected["traces_order"] = json!("any");
        let mut changed = run("a", &[]);
        changed["inputs"] = json!({"input": 5});
        let found = differences(&document(&[changed, run("b", &[])]), &expected);
        assert_eq!(found, [r#"traces[any 0].inputs: got {"input":5}, expected {"input":1}"#]);
    }
}
