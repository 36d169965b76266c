//! SQL and patterns in filters find no more than is true.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::world::{Known, World};
use crate::filter::{Dialect, Filter, Sql};

const ATTACKS: [&str; 14] = [
    "' OR 1=1 --",
    "\" OR \"\"=\"",
    "'); DROP TABLE runs; --",
    "x') OR json_extract(metadata, '$.x') IS NULL OR ('1'='1",
    "a') = 'a' OR '1' = '1",
    "?77",
    "x\0' OR 1=1",
    "\" OR name : *",
    "name : a OR inputs : b",
    "a* OR b NOT c",
    "NEAR(a b, 10)",
    "{name inputs} : \"a\" + b",
    "^a",
    "\\' OR ''='",
];

fn world() -> World {
    World::of((1..4).map(|number| Known::new(number, &format!("secret {number}"))).collect())
}

#[test]
fn sql_in_a_value_is_a_value() {
    let world = world();
    for attack in ATTACKS {
        let value = Value::from(attack).to_string();
        let object = Value::from(serde_json::json!({ attack: attack }).to_string());
        for text in [
            format!("eq(name, {value})"),
            format!("in(name, [{value}, 'x'])"),
            format!("eq(error, {value})"),
            format!("has(tags, {value})"),
            format!("like(tags, {value})"),
            format!("has(metadata, {object})"),
            format!("and(eq(metadata_key, {value}), eq(metadata_value, {value}))"),
            format!("and(eq(input_key, {value}), gt(output_value, {value}))"),
            format!("and(eq(feedback_key, {value}), eq(feedback_value, {value}))"),
            format!("search({value})"),
            format!("search(inputs, {value})"),
            format!("search(thread_id, {value})"),
        ] {
            let filter = Filter::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(world.found(&filter), Vec::<&str>::new(), "{text}");
            let mut sql = Sql::new(Dialect::Sqlite);
            filter.to_sql(&mut sql);
            assert!(!sql.text().contains(attack), "{text}");
        }
    }
}

#[test]
fn sql_in_a_name_is_no_filter() {
    for attack in ATTACKS {
        for text in [format!("eq({attack}, 'x')"), format!("{attack}(name, 'x')"), format!("eq(name, 'x') {attack}")] {
            assert!(Filter::parse(&text).is_err(), "{text}");
        }
    }
    for text in ["eq(r.name, 'x')", "eq(runs.name, 'x')", "eq(metadata.x, 'x')", "eq(rowid, 1)", "eq(key, 1)"] {
        assert!(Filter::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_found_run_may_have_sql_in_it() {
    for attack in ATTACKS {
        let mut known = Known::new(1, attack);
        known.row.tags = vec![attack.to_owned()];
        known.row.metadata.insert(attack.to_owned(), attack.into());
        let world = World::of(vec![known, Known::new(2, "other")]);
        let value = Value::from(attack).to_string();
        for text in [
            format!("eq(name, {value})"),
            format!("has(tags, {value})"),
            format!("and(eq(metadata_key, {value}), eq(metadata_value, {value}))"),
        ] {
            assert_eq!(world.found(&Filter::parse(&text).unwrap()), [attack], "{text}");
        }
    }
}

#[test]
fn patterns_take_no_long() {
    let mut known = Known::new(1, "a");
    known.row.error = Some("a".repeat(1 << 18));
    let world = World::of(vec![known]);
    let begin = Instant::now();
    for pattern in ["%a".repeat(1_900) + "b", "%".repeat(4_000) + "b", "_%".repeat(1_900) + "b", "\\\\%".repeat(900)] {
        for call in ["like", "search"] {
            let filter = Filter::parse(&format!("{call}(error, \"{pattern}\")")).unwrap();
            assert!(world.found(&filter).is_empty());
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(20));
}

/// The largest filters are still understood by the database.
#[test]
fn what_is_within_limits_runs() {
    let world = world();
    let values: Vec<String> = (0..150).map(|value| format!("'v{value}'")).collect();
    let entries: Vec<String> = (0..150).map(|key| format!("\"{key}\":1")).collect();
    let nested = format!("{}and(){}", "not(".repeat(15), ")".repeat(15));
    for text in [
        format!("in(metadata_value, [{}])", values.join(",")),
        format!("in(tags, [{}])", values.join(",")),
        format!("has(metadata, '{{{}}}')", entries.join(",")),
        format!("or({})", vec!["eq(metadata_key, 'x')"; 90].join(",")),
        format!("and({})", vec!["eq(input_value, 'x')"; 90].join(",")),
        nested,
    ] {
        world.found(&Filter::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
    }
}
