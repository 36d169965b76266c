//! For all runs and filters, the database finds the runs for which the filter holds.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use runtree_core::Moment;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::world::{Known, World};
use crate::filter::{Filter, Marks, Opinion};
use crate::run::{Status, flattened};

/// Texts that runs have and filters ask for. None has accents, for which the index has rules of its own.
const TEXTS: [&str; 23] = [
    "",
    "a",
    "A",
    "ab",
    "Ab c",
    "17",
    "17.0",
    "1.5",
    "true",
    "x%y",
    "x_y",
    "it's",
    "say \"hi\"",
    "number 24",
    "what is Number 241?",
    "') OR 1=1 --",
    "\u{2603}",
    "a\\b",
    "null",
    "*",
    "a\0b",
    "\u{540d}\u{524d} x",
    "\u{540d}",
];
const KEYS: [&str; 6] = ["a", "a.b", "user", "k,e(y", "it's \"k\"", "$.x"];
const WORDS: [&str; 8] = ["llm", "chain", "LLM", "success", "error", "pending", "interrupted", "tool"];
const NUMBERS: [&str; 10] = ["0", "1", "2", "17", "-3", "1.5", "2.0", "9007199254740993", "9007199254740992.0", "1e20"];
const MICROS: [i64; 6] = [0, 500_000, 1_000_000, 1_500_000, 2_850_000, 60_000_000];

fn text() -> impl Strategy<Value = String> {
    select(&TEXTS[..]).prop_map(str::to_owned)
}

fn leaf() -> impl Strategy<Value = Value> {
    let numbers =
        vec![json!(0), json!(17), json!(-3), json!(1.5), json!(2.0), json!(9007199254740993_u64), json!(1e20)];
    prop_oneof![
        4 => text().prop_map(Value::from),
        3 => select(numbers),
        1 => any::<bool>().prop_map(Value::from),
        1 => select(vec![Value::Null, json!([]), json!([1, "a"]), json!(["x", {"y": 1.5}])]),
    ]
}

fn leaves() -> impl Strategy<Value = Map<String, Value>> {
    vec((select(&KEYS[..]), leaf()), 0..4)
        .prop_map(|entries| flattened(&entries.into_iter().map(|(key, leaf)| (key.to_owned(), leaf)).collect()))
}

fn id() -> impl Strategy<Value = Uuid> {
    (1..5_u128).prop_map(Uuid::from_u128)
}

fn opinion() -> impl Strategy<Value = Opinion> {
    let score = option::of(select(vec![0.0, 1.0, 1.5, -3.0]));
    (text(), score, option::of(leaf()), option::of(text()), option::of(text()))
        .prop_map(|(key, score, value, comment, source)| Opinion { key, score, value, comment, source })
}

prop_compose! {
    fn known()(
        (name, project, feedback) in (text(), id(), vec(opinion(), 0..3)),
        (inputs, outputs, metadata) in (leaves(), leaves(), leaves()),
        (trace, parent, told, example) in (id(), option::of(id()), text(), option::of(id())),
        run_type in select(&["llm", "chain", "tool"][..]),
        status in select(vec![Status::Pending, Status::Success, Status::Error, Status::Interrupted]),
        (start, end, first) in (select(&MICROS[..]), option::of(select(&MICROS[..])), option::of(select(&MICROS[..]))),
        (error, thread, tags) in (option::of(text()), option::of(text()), vec(text(), 0..3)),
        (input_preview, output_preview) in (option::of(text()), option::of(text())),
        tokens in vec(option::of(select(vec![0_i64, 1, 2, 17])), 3),
        costs in vec(option::of(select(vec![0.0, 1.5, 2.0])), 3),
    ) -> Known {
        let mut known = Known { project, feedback, inputs, outputs, ..Known::new(0, &name) };
        let row = &mut known.row;
        row.place.trace = trace;
        row.place.parent = parent;
        row.place.told = Some(told);
        row.run_type = run_type.to_owned();
        row.status = status;
        (row.start, row.end, row.first_token) = (start, end, first);
        (row.error, row.thread, row.tags, row.example) = (error, thread, tags, example);
        (row.input_preview, row.output_preview) = (input_preview, output_preview);
        row.metadata = metadata;
        (row.usage.prompt_tokens, row.usage.completion_tokens, row.usage.total_tokens) = (tokens[0], tokens[1], tokens[2]);
        (row.usage.prompt_cost, row.usage.completion_cost, row.usage.total_cost) = (costs[0], costs[1], costs[2]);
        known
    }
}

fn world() -> impl Strategy<Value = World> {
    vec(known(), 1..7).prop_map(|mut all| {
        for (number, known) in (1..).zip(&mut all) {
            known.row.id = Uuid::from_u128(number);
        }
        World::of(all)
    })
}

fn quoted(text: impl AsRef<str>) -> String {
    Value::from(text.as_ref()).to_string()
}

/// Literals, as they stand in filters.
type Literals = BoxedStrategy<String>;

fn texts() -> Literals {
    text().prop_map(quoted).boxed()
}

fn words() -> Literals {
    select(&WORDS[..]).prop_map(quoted).boxed()
}

fn keys() -> Literals {
    prop_oneof![4 => select(&KEYS[..]).prop_map(quoted), 1 => texts()].boxed()
}

fn numbers() -> Literals {
    select(&NUMBERS[..]).prop_map(str::to_owned).boxed()
}

fn ids() -> Literals {
    (1..8_u128).prop_map(|number| quoted(Uuid::from_u128(number).to_string())).boxed()
}

fn times() -> Literals {
    let text = select(&MICROS[..]).prop_map(|micros| quoted(Moment::from_micros(micros as u64).to_string()));
    prop_oneof![text, select(&["0", "1000", "1500.0"][..]).prop_map(str::to_owned)].boxed()
}

fn spans() -> Literals {
    select(&["0", "0.5", "1", "\"500ms\"", "\"2.85s\"", "-0.5", "\"1m\"", "\"1000000us\"", "\"1.35\""][..])
        .prop_map(str::to_owned)
        .boxed()
}

fn any_json() -> Literals {
    prop_oneof![3 => texts(), 2 => numbers(), 1 => any::<bool>().prop_map(|truth| truth.to_string())].boxed()
}

/// `eq`, `neq`, `in` and `exists`.
fn equal(fields: &'static [&'static str], literals: Literals) -> BoxedStrategy<String> {
    let literals = prop_oneof![8 => literals, 1 => Just("null".to_owned())];
    let list = vec(literals.clone(), 0..3).prop_map(|list| list.join(", "));
    let field = move || select(fields);
    prop_oneof![
        3 => (select(&["eq", "neq"][..]), field(), literals).prop_map(|(call, field, value)| format!("{call}({field}, {value})")),
        2 => (field(), list).prop_map(|(field, list)| format!("in({field}, [{list}])")),
        1 => field().prop_map(|field| format!("exists({field})")),
    ]
    .boxed()
}

/// These and `gt` and its like.
fn ordered(fields: &'static [&'static str], literals: Literals) -> BoxedStrategy<String> {
    let calls = select(&["gt", "gte", "lt", "lte"][..]);
    let on =
        (calls, select(fields), literals.clone()).prop_map(|(call, field, value)| format!("{call}({field}, {value})"));
    prop_oneof![equal(fields, literals), on].boxed()
}

/// `like` and `search` in a field.
fn alike(fields: &'static [&'static str]) -> BoxedStrategy<String> {
    let patterns = select(&["%", "a%", "%b", "1_", "%'%", "_%", "%u_b%2%", "x\\%y", "TRUE", "17%", "%1%"][..]);
    let like = (select(fields), patterns).prop_map(|(field, pattern)| format!("like({field}, {})", quoted(pattern)));
    let search = (select(fields), texts()).prop_map(|(field, text)| format!("search({field}, {text})"));
    prop_oneof![like, search].boxed()
}

fn pair() -> BoxedStrategy<String> {
    const KEYS: &[&str] = &["metadata_key", "input_key", "output_key"];
    const VALUES: &[&str] = &["metadata_value", "input_value", "output_value", "feedback_value"];
    const FEEDBACK: &[&str] = &["feedback_key", "feedback_comment", "feedback_source"];
    prop_oneof![
        3 => ordered(KEYS, keys()),
        3 => ordered(VALUES, any_json().prop_filter("no order", |value| value != "true" && value != "false").boxed()),
        1 => equal(VALUES, any_json()),
        1 => equal(&["feedback_value"], any::<bool>().prop_map(|truth| truth.to_string()).boxed()),
        1 => ordered(FEEDBACK, texts()),
        1 => ordered(&["feedback_score"], numbers()),
        1 => alike(KEYS),
        1 => alike(VALUES),
        1 => alike(FEEDBACK),
    ]
    .boxed()
}

fn atom() -> BoxedStrategy<String> {
    const IDS: &[&str] = &["id", "trace_id", "parent_run_id", "session_id", "reference_example"];
    const NUMERIC: &[&str] =
        &["prompt_tokens", "completion_tokens", "total_tokens", "total_cost", "prompt_cost", "execution_order"];
    const TEXTUAL: &[&str] = &["name", "error", "thread_id", "dotted_order"];
    let columns = select(&["name", "inputs", "outputs", "error"][..]);
    prop_oneof![
        2 => ordered(TEXTUAL, texts()),
        1 => alike(&["thread_id", "dotted_order", "run_type", "status", "tags", "name", "error"]),
        1 => ordered(&["run_type", "status"], words()),
        1 => equal(IDS, ids()),
        1 => ordered(&["start_time", "end_time", "first_token_time"], times()),
        1 => ordered(&["latency", "first_token_latency"], spans()),
        1 => ordered(NUMERIC, numbers()),
        1 => equal(&["is_root"], any::<bool>().prop_map(|truth| truth.to_string()).boxed()),
        1 => equal(&["tags", "tag"], texts()),
        1 => texts().prop_map(|tag| format!("has(tags, {tag})")),
        1 => select(&["inputs", "outputs", "metadata"][..]).prop_map(|field| format!("exists({field})")),
        1 => leaves().prop_map(|leaves| format!("has(metadata, {})", quoted(Value::Object(leaves).to_string()))),
        2 => (select(&KEYS[..]), leaf())
            .prop_map(|(key, leaf)| format!("has(metadata, {})", quoted(json!({ key: leaf }).to_string()))),
        2 => texts().prop_map(|text| format!("search({text})")),
        1 => (columns, texts()).prop_map(|(column, text)| format!("search({column}, {text})")),
        5 => pair(),
    ]
    .boxed()
}

fn filter() -> impl Strategy<Value = Filter> {
    let text = atom().prop_recursive(3, 12, 4, |inner| {
        let all = vec(prop_oneof![1 => inner.clone(), 2 => pair()], 0..4);
        prop_oneof![
            3 => all.prop_map(|all| format!("and({})", all.join(", "))),
            1 => vec(inner.clone(), 0..4).prop_map(|all| format!("or({})", all.join(", "))),
            1 => inner.prop_map(|inner| format!("not({inner})")),
        ]
    });
    text.prop_map(|text| Filter::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

proptest! {
    #[test]
    fn the_database_finds_what_holds(world in world(), filters in vec(filter(), 1..30)) {
        for filter in filters {
            world.found(&filter);
        }
    }

    #[test]
    fn whatever_it_holds_of_is_found_by_its_marks(runs in vec(known(), 1..7), filters in vec(filter(), 1..30)) {
        for (run, filter) in runs.iter().flat_map(|run| filters.iter().map(move |filter| (run, filter))) {
            let row = &run.row;
            let marks = Marks::of(&row.name, &row.run_type, row.status.as_str(), &row.tags, &row.metadata);
            prop_assert!(!filter.holds(&run.seen()) || filter.marks().find(&marks), "{}\n{:#?}", filter, run);
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(filter in filter()) {
        let printed = filter.to_string();
        prop_assert_eq!(Filter::parse(&printed), Ok(filter), "{}", printed);
    }
}
