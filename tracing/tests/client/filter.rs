//! Filters are printed so that they are read as they were meant.

use proptest::prelude::*;
use runtree_core::Moment;
use runtree_tracing::langsmith::client::Filter;
use serde_json::Value;

use super::server::language::{Argument, Expr, parse};

const FIELDS: [&str; 5] = ["name", "latency", "metadata_key", "start_time", "tags"];
type Comparison = fn(&'static str, Operand) -> Filter;
const COMPARISONS: [(&str, Comparison); 7] = [
    ("eq", Filter::eq),
    ("neq", Filter::neq),
    ("gt", Filter::gt),
    ("gte", Filter::gte),
    ("lt", Filter::lt),
    ("lte", Filter::lte),
    ("has", Filter::has),
];

/// A plain value, and what the builder takes for it.
#[derive(Clone, Debug)]
enum Operand {
    Text(String),
    Integer(i64),
    Float(f64),
    Truth(bool),
    Nothing,
}

impl From<Operand> for runtree_tracing::langsmith::client::Operand {
    fn from(operand: Operand) -> Self {
        match operand {
            Operand::Text(text) => text.into(),
            Operand::Integer(number) => number.into(),
            Operand::Float(number) => number.into(),
            Operand::Truth(truth) => truth.into(),
            Operand::Nothing => None::<&str>.into(),
        }
    }
}

impl From<Operand> for Value {
    fn from(operand: Operand) -> Self {
        match operand {
            Operand::Text(text) => text.into(),
            Operand::Integer(number) => number.into(),
            Operand::Float(number) => number.into(),
            Operand::Truth(truth) => truth.into(),
            Operand::Nothing => Value::Null,
        }
    }
}

fn operand() -> impl Strategy<Value = Operand> {
    let text = prop_oneof![".{0,12}", any::<String>(), Just("\"),or(eq(name, 'x\\'".to_owned())];
    prop_oneof![
        text.prop_map(Operand::Text),
        any::<i64>().prop_map(Operand::Integer),
        any::<f64>().prop_map(Operand::Float),
        any::<bool>().prop_map(Operand::Truth),
        Just(Operand::Nothing),
    ]
}

fn call(name: &str, arguments: Vec<Argument>) -> Expr {
    Expr { name: name.to_owned(), arguments }
}

fn field(name: &str) -> Argument {
    Argument::Field(name.to_owned())
}

fn leaf() -> impl Strategy<Value = (Filter, Expr)> {
    let fields = proptest::sample::select(&FIELDS[..]);
    let comparison = (proptest::sample::select(&COMPARISONS[..]), fields.clone(), operand()).prop_map(
        |((name, comparison), on, operand)| {
            let expected = call(name, vec![field(on), Argument::Value(operand.clone().into())]);
            (comparison(on, operand), expected)
        },
    );
    let one_of = (fields.clone(), prop::collection::vec(operand(), 0..4)).prop_map(|(on, operands)| {
        let values = operands.iter().cloned().map(Value::from).collect();
        (Filter::one_of(on, operands), call("in", vec![field(on), Argument::List(values)]))
    });
    let search =
        any::<String>().prop_map(|text| (Filter::search(&*text), call("search", vec![Argument::Value(text.into())])));
    let texts = (fields.clone(), any::<String>(), any::<bool>()).prop_map(|(on, text, like)| {
        let expected = vec![field(on), Argument::Value(text.clone().into())];
        match like {
            true => (Filter::like(on, text), call("like", expected)),
            false => (Filter::search_in(on, text), call("search", expected)),
        }
    });
    let exists = fields.prop_map(|on| (Filter::exists(on), call("exists", vec![field(on)])));
    prop_oneof![4 => comparison, 1 => one_of, 1 => search, 1 => texts, 1 => exists]
}

fn tree() -> impl Strategy<Value = (Filter, Expr)> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let several = (any::<bool>(), prop::collection::vec(inner.clone(), 0..4)).prop_map(|(all, parts)| {
            let (filters, expected): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            let expected = expected.into_iter().map(Argument::Call).collect();
            match all {
                true => (Filter::and(filters), call("and", expected)),
                false => (Filter::or(filters), call("or", expected)),
            }
        });
        let not = inner.prop_map(|(filter, expected)| (!filter, call("not", vec![Argument::Call(expected)])));
        prop_oneof![3 => several, 1 => not]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_it_was_meant((filter, expected) in tree()) {
        prop_assert_eq!(parse(filter.as_str()), Ok(expected), "{}", filter);
    }
}

#[test]
fn plain_values_are_printed_as_the_language_has_them() {
    let id = uuid::Uuid::nil();
    for (filter, text) in [
        (Filter::eq("name", "a\"b\\c\nd"), r#"eq(name, "a\"b\\c\nd")"#),
        (Filter::gt("start_time", Moment::from_micros(0)), r#"gt(start_time, "1970-01-01T00:00:00.000000Z")"#),
        (Filter::eq("trace_id", id), r#"eq(trace_id, "00000000-0000-0000-0000-000000000000")"#),
        (Filter::eq("latency", f64::NAN), "eq(latency, null)"),
        (Filter::lt("total_tokens", 1_000_000_u64), "lt(total_tokens, 1000000)"),
        (Filter::tag("x"), r#"has(tags, "x")"#),
        (Filter::feedback("k", 1), r#"and(eq(feedback_key, "k"), eq(feedback_score, 1))"#),
    ] {
        assert_eq!(filter.to_string(), text);
    }
}
