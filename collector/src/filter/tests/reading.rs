//! What is a filter, what is none, and where it goes wrong.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::filter::Filter;
use crate::limits;

#[track_caller]
fn prints(text: &str, expected: &str) {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(filter.to_string(), expected);
    assert_eq!(Filter::parse(expected), Ok(filter));
}

#[test]
fn one_form_for_all_ways_to_write_it() {
    prints(" and ( eq( name ,'a' ) ,\n eq(name,\"b\"))", r#"and(eq(name, "a"), eq(name, "b"))"#);
    prints("eq(tag, 'x')", r#"has(tags, "x")"#);
    prints("exists(error)", "neq(error, null)");
    prints("eq(status, 'ERROR')", r#"eq(status, "error")"#);
    prints("gt(latency, '500ms')", "gt(latency, 0.5)");
    prints("gt(latency, 2)", "gt(latency, 2.0)");
    prints("gt(latency, '1.000001 s')", "gt(latency, 1.000001)");
    prints("gt(total_tokens, '5')", "gt(total_tokens, 5)");
    prints("eq(metadata_value, -1e3)", "eq(metadata_value, -1000.0)");
    prints("gt(start_time, '2026-03-04')", r#"gt(start_time, "2026-03-04T00:00:00.000000Z")"#);
    prints("has(metadata, '{\"a\": {\"b\": 1}}')", r#"has(metadata, "{\"a.b\":1}")"#);
    prints(
        "eq(session, '00000000000000000000000000000001')",
        r#"eq(session_id, "00000000-0000-0000-0000-000000000001")"#,
    );
}

#[test]
fn quotes_and_escapes_are_those_of_json() {
    let odd = "a \"quoted\" \\ back, (paren) 'single' \u{fc} \u{540d} \u{1f600} \n\t\r\u{8}\u{c}/";
    let json = serde_json::to_string(odd).unwrap();
    let expected = format!("eq(name, {json})");
    prints(&expected, &expected);
    let ascii = "a \\\"quoted\\\" \\\\ back, (paren) 'single' \\u00fc \\u540D \\ud83d\\ude00 \\n\\t\\r\\b\\f\\/";
    prints(&format!("eq(name, \"{ascii}\")"), &expected);
    prints(&format!("eq(name, '{}')", ascii.replace('\'', "\\'")), &expected);
    prints("eq(name, '\\ud83d-\\ude00\\ud83d\\u0041')", "eq(name, \"\u{fffd}-\u{fffd}\u{fffd}A\")");
}

#[track_caller]
fn fails(text: &str, position: usize, reason: &str) {
    let error = Filter::parse(text).unwrap_err();
    assert_eq!((error.position, error.reason.as_str()), (position, reason), "{text}");
}

#[test]
fn errors_tell_where_and_why() {
    fails("", 0, "expected a value, found the end");
    fails("name", 0, "expected a condition");
    fails("'name'", 0, "expected a condition");
    fails("eq(name", 7, "expected `,` or `)`, found the end");
    fails("eq(name, 'x'", 12, "expected `,` or `)`, found the end");
    fails("eq(name, 'x') trailing", 14, "expected the end, found `trailing`");
    fails("eq(name, 'x'))", 13, "expected the end, found `)`");
    fails("eq(name 'x')", 8, "expected `,` or `)`, found a text");
    fails("eq(name, )", 9, "expected a value, found `)`");
    fails("frobnicate(name, 1)", 0, "there is no function `frobnicate`");
    fails("and(eq(name, 'x'), frob(name, 1))", 19, "there is no function `frob`");
    fails("eq(no_such_field, 1)", 3, "there is no field `no_such_field`");
    fails("eq('name', 1)", 3, "expected a field");
    fails("eq(name)", 7, "`eq` takes 2 arguments and has 1");
    fails("eq(name, 'a', 'b')", 14, "`eq` takes 2 arguments and has 3");
    fails("not()", 4, "`not` takes 1 argument and has 0");
    fails("not(name)", 4, "expected a condition");
    fails("and(1)", 4, "expected a condition");
    fails("eq(name, 5)", 9, "expected a text");
    fails("eq(name, ['a'])", 9, "expected a value");
    fails("eq(name, id)", 9, "expected a value");
    fails("eq(name, eq(name, 'a'))", 9, "expected a value");
    fails("in(name, 'a')", 9, "expected values in `[` and `]`");
    fails("in(id, ['x'])", 8, "expected a UUID");
    fails("in(name, [name])", 10, "expected a value, found `name`");
    fails("eq(id, 'not a uuid')", 7, "expected a UUID");
    fails("eq(is_root, 'true')", 12, "expected true or false");
    fails("gt(total_tokens, 'many')", 17, "expected a number");
    fails("gt(total_tokens, true)", 17, "expected a number");
    fails("gt(start_time, 'yesterday')", 15, "expected a time, as ISO 8601 or in milliseconds");
    fails("gt(latency, '5 parsecs')", 12, "expected a duration, in seconds or as in \"500ms\"");
    fails("gt(latency, 1e30)", 12, "expected a duration, in seconds or as in \"500ms\"");
    fails("gt(name, null)", 9, "expected a value that `gt` can compare");
    fails("gt(id, 'x')", 3, "`gt` does not take `id`");
    fails("like(id, '%')", 5, "`like` does not take `id`");
    fails("like(name, 5)", 11, "expected a text");
    fails("search(5)", 7, "expected a text");
    fails("search(latency, '5')", 7, "`search` does not take `latency`");
    fails("eq(inputs, 'x')", 11, "expected null");
    fails("has(name, 'x')", 4, "`has` takes `tags` or `metadata`");
    fails("has(tags, 5)", 10, "expected a text");
    fails("has(metadata, 'user')", 14, "expected a JSON object as text");
    fails("has(metadata, '[]')", 14, "expected a JSON object as text");
    fails("eq(name, 'x)", 9, "a text does not end that begins");
    fails("eq(name, 'x\\d')", 11, "there is no such escape");
    fails("eq(name, '\\u00g0')", 10, "there is no such escape");
    fails("eq(name, 'x\\", 11, "there is no such escape");
    fails("eq(name, 1-2)", 9, "`1-2` is no number");
    fails("eq(name, 1e999)", 9, "`1e999` is no number");
    fails("eq(name; 1)", 7, "`;` cannot stand here");
    fails("eq(name, '\u{fc}\u{fc}') \u{fc}", 17, "`\u{fc}` cannot stand here");
}

#[test]
fn limits_hold() {
    let nested = |levels: usize| format!("{}and(){}", "not(".repeat(levels - 1), ")".repeat(levels - 1));
    assert!(Filter::parse(&nested(limits::FILTER_DEPTH)).is_ok());
    fails(
        &nested(limits::FILTER_DEPTH + 1),
        4 * limits::FILTER_DEPTH,
        "calls may be 16 levels deep, and here is one more",
    );

    let listed = |values: usize| format!("in(total_tokens, [{}])", vec!["1"; values].join(","));
    assert!(Filter::parse(&listed(limits::FILTER_TERMS - 1)).is_ok());
    assert!(Filter::parse(&listed(limits::FILTER_TERMS)).is_err());

    let object = |keys: usize| {
        let entries: Vec<String> = (0..keys).map(|key| format!("\"{key}\":1")).collect();
        format!("has(metadata, '{{{}}}')", entries.join(","))
    };
    assert!(Filter::parse(&object(limits::FILTER_TERMS - 2)).is_ok());
    assert!(Filter::parse(&object(limits::FILTER_TERMS - 1)).is_err());

    let long = |bytes: usize| format!("eq(name, '{}')", "a".repeat(bytes - 12));
    assert!(Filter::parse(&long(limits::FILTER)).is_ok());
    assert!(Filter::parse(&long(limits::FILTER + 1)).is_err());
}

#[test]
fn what_is_too_much_is_refused_at_once() {
    let begin = Instant::now();
    for text in ["and(".repeat(20_000), "[".repeat(20_000), format!("eq(name, '{}')", "x".repeat(1 << 20))] {
        assert!(Filter::parse(&text).is_err());
    }
    for one in ["and(", "[", "\\", "\"", "'", "1", "(", "{", "not(", "\u{540d}", " "] {
        assert!(Filter::parse(&one.repeat(limits::FILTER / one.len())).is_err(), "{one}");
    }
    let deep = format!("has(metadata, '{}1{}')", "{\"a\":".repeat(700), "}".repeat(700));
    assert!(Filter::parse(&deep).is_err());
    assert!(begin.elapsed() < Duration::from_secs(10));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}") {
        let _ = Filter::parse(&text);
    }

    #[test]
    fn no_words_make_it_panic(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "and(", "eq(", "in(", "has(", "search(", "like(", "gt(", ")", ",", "[", "]", "name", "tags", "metadata",
                "metadata_value", "latency", "start_time", "id", "'x'", "\"", "1", "-", "null", "true", "'5s'", "\\",
                "'\\u", "'{}'",
            ]),
            0..20,
        ),
    ) {
        if let Err(error) = Filter::parse(&words.concat()) {
            prop_assert!(error.position <= words.concat().len());
        }
    }

    #[test]
    fn any_text_is_a_value(text in any::<String>()) {
        let filter = Filter::parse(&format!("eq(name, {})", serde_json::to_string(&text).unwrap())).unwrap();
        prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }
}
