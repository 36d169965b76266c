//! `#[derive(Payload)]`.

use std::path::PathBuf;

use runtree_core::{Fields, Fold, Merge, Payload, Record};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An answer, and where it is from.
#[derive(Clone, Debug, PartialEq, Payload, Deserialize)]
#[payload(merge)]
struct Answer {
    /// What is said.
    text: String,
    tokens: u32,
    sources: Option<Vec<String>>,
    #[payload(rename = "type")]
    r#type: String,
}

fn answer(text: &str, tokens: u32, source: Option<&str>) -> Answer {
    let sources = source.map(|source| vec![source.to_owned()]);
    Answer { text: text.into(), tokens, sources, r#type: String::new() }
}

#[test]
fn a_struct_is_recorded_field_by_field_as_a_map_of_its_own() {
    let record = Record::of(&answer("a", 1, Some("x")));
    let map = json!({"text": "a", "tokens": 1, "sources": ["x"], "type": ""});
    assert_eq!(record.as_value(), &map);
    assert_eq!(record.under("output"), map);
}

#[test]
fn merging_structs_merge_field_by_field_and_others_are_replaced() {
    let chunks = [answer("Good", 1, None), answer(" day", 2, Some("a")), answer("", 0, Some("b"))];
    let whole = chunks.into_iter().collect::<Fold<_>>().into_inner().unwrap();
    let sources = Some(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(whole, Answer { text: "Good day".into(), tokens: 3, sources, r#type: String::new() });

    #[derive(Clone, Debug, PartialEq, Payload)]
    struct Newest {
        n: i64,
    }
    let mut newest = Newest { n: 1 };
    assert_eq!(newest.merge(Newest { n: 2 }), Merge::Replaced);
    assert_eq!(newest, Newest { n: 2 });
}

#[test]
fn a_schema_has_title_required_fields_and_the_words_of_the_documentation() {
    assert_eq!(
        Answer::json_schema(),
        json!({
            "title": "Answer",
            "description": "An answer, and where it is from.",
            "type": "object",
            "properties": {
                "text": {"type": "string", "description": "What is said."},
                "tokens": {"type": "integer"},
                "sources": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
                "type": {"type": "string"},
            },
            "required": ["text", "tokens", "type"],
        })
    );
}

#[test]
fn a_struct_of_payloads_becomes_fields_and_comes_back() {
    let fields = Fields::from(answer("a", 1, None));
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["text", "tokens", "sources", "type"]);
    assert_eq!(fields.get::<u32>("tokens"), Ok(1));
    assert_eq!(fields.to::<Answer>(), Ok(answer("a", 1, None)));
}

#[derive(Clone, Debug, Serialize)]
struct Foreign(i64);

#[test]
fn each_field_may_be_recorded_in_its_own_way() {
    #[derive(Clone, Payload)]
    #[payload(merge)]
    struct Mixed {
        #[payload(serde)]
        foreign: Foreign,
        #[payload(debug)]
        path: PathBuf,
        #[payload(opaque)]
        handle: std::sync::Arc<std::sync::Mutex<i64>>,
        #[payload(skip)]
        secret: &'static [u8],
        text: String,
    }
    let mixed = |n, secret, text: &str| Mixed {
        foreign: Foreign(n),
        path: "/x".into(),
        handle: Default::default(),
        secret,
        text: text.into(),
    };
    let mut whole = mixed(1, b"a", "1");
    let record = whole.record();
    assert_eq!((&record["foreign"], &record["path"], &record["text"]), (&json!(1), &json!("\"/x\""), &json!("1")));
    assert!(record["handle"].as_str().unwrap().contains("Mutex"));
    assert!(record.get("secret").is_none() && Mixed::json_schema()["properties"].get("secret").is_none());
    assert_eq!(whole.merge(mixed(2, b"b", "2")), Merge::Joined);
    assert_eq!((whole.foreign.0, whole.secret, whole.text.as_str()), (2, b"b".as_slice(), "12"));
}

#[test]
fn whole_types_may_be_recorded_by_serde_or_debug_or_not_at_all() {
    #[derive(Clone, Serialize, Payload)]
    #[serde(rename_all = "camelCase")]
    #[payload(serde)]
    struct ByFerris {
        two_words: i64,
    }
    #[derive(Clone, Debug, Payload)]
    #[payload(debug)]
    #[allow(dead_code)]
    struct ByDebug {
        n: i64,
    }
    #[derive(Clone, Payload)]
    #[payload(opaque)]
    #[allow(dead_code)]
    struct ByName(std::sync::Arc<dyn Fn() + Send + Sync>);
    assert_eq!(Record::of(&ByFerris { two_words: 2 }).under("output"), json!({"twoWords": 2}));
    assert_eq!(Record::of(&ByDebug { n: 1 }).under("output"), json!({"output": "ByDebug { n: 1 }"}));
    assert!(ByName(std::sync::Arc::new(|| {})).record().as_str().unwrap().ends_with("ByName"));
}

#[test]
fn tuples_newtypes_units_and_enums_are_payloads_too() {
    #[derive(Clone, Debug, PartialEq, Payload)]
    #[payload(merge)]
    struct Text(String);
    #[derive(Clone, Payload)]
    struct Pair(i64, String);
    #[derive(Clone, Payload)]
    struct Done;
    #[derive(Clone, Serialize, Payload)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    enum Step {
        Start,
        Say { text: String },
    }
    let mut text = Text("a".into());
    assert_eq!(text.merge(Text("b".into())), Merge::Joined);
    assert_eq!((text.record(), Text::json_schema()), (json!("ab"), String::json_schema()));
    assert_eq!(Pair(1, "a".into()).record(), json!([1, "a"]));
    assert_eq!(Pair::json_schema()["prefixItems"], json!([{"type": "integer"}, {"type": "string"}]));
    assert_eq!((Done.record(), Done::json_schema()["type"].clone()), (json!(null), json!("null")));
    assert_eq!(Record::of(&Step::Say { text: "a".into() }).under("input"), json!({"kind": "say", "text": "a"}));
    assert_eq!(Step::Start.record(), json!({"kind": "start"}));
}

#[test]
fn generic_and_recursive_types_work() {
    #[derive(Clone, Payload)]
    #[payload(merge)]
    struct Both<A, B: Clone = String>
    where
        A: Default,
    {
        a: A,
        b: B,
    }
    #[derive(Clone, Serialize, Payload)]
    #[payload(serde)]
    struct Wrapped<T>(T);
    #[derive(Clone, Payload)]
    struct Tree {
        n: i64,
        below: Vec<Tree>,
    }
    let mut both = Both { a: 1_i64, b: "x".to_owned() };
    both.merge(Both { a: 2, b: "y".into() });
    assert_eq!(both.record(), json!({"a": 3, "b": "xy"}));
    assert_eq!(Fields::from(both).len(), 2);
    assert_eq!(Wrapped(vec![1]).record(), json!([1]));
    let tree = Tree { n: 1, below: vec![Tree { n: 2, below: vec![] }] };
    assert_eq!(tree.record(), json!({"n": 1, "below": [{"n": 2, "below": []}]}));
    assert_eq!(Tree::json_schema()["properties"]["below"], json!({}));
}

#[test]
fn schemars_says_the_schema_where_asked() {
    #[derive(Clone, Serialize, schemars::JsonSchema, Payload)]
    #[payload(serde, schemars)]
    struct Query {
        /// How many.
        #[schemars(range(min = 1))]
        limit: u8,
    }
    let schema = Query::json_schema();
    assert_eq!((&schema["title"], &schema["properties"]["limit"]["minimum"]), (&json!("Query"), &json!(1)));
    assert_eq!(Query { limit: 1 }.record(), json!({"limit": 1}));
}
