use proptest::prelude::*;
use serde_json::json;

use super::*;

fn after(redaction: &Redaction, field: Field, mut value: Value) -> Value {
    redaction.value(field, &mut value);
    value
}

fn masked(text: &str) -> String {
    Redaction::new().with_rules(Rules::secrets()).text(Field::Error, text).into_owned()
}

fn digits() -> Rules {
    Rules::new([Rule::new(r"\d{4,}").unwrap()])
}

/// `value` inside of so many maps.
fn inside(depth: usize, value: Value) -> Value {
    (0..depth).fold(value, |inner, _| json!({"d": inner}))
}

#[test]
fn what_nothing_is_set_for_leaves_as_it_is() {
    for nothing in [
        Redaction::new(),
        Redaction::new().allowing_unprocessed(),
        Redaction::new().with_rules(Rules::new([])),
        Redaction::from_environment(&Environment::default()),
    ] {
        assert!(nothing.is_nothing());
        assert_eq!(after(&nothing, Field::Inputs, json!({"a": "1234"})), json!({"a": "1234"}));
        assert!(matches!(nothing.text(Field::Error, "1234"), Cow::Borrowed("1234")));
    }
}

#[test]
fn switches_hide_their_own_field_and_the_parameters_of_calls_are_metadata() {
    let variable = |name: &str| (name == "LANGSMITH_HIDE_METADATA").then(|| "true".to_owned());
    let by_environment = Redaction::from_environment(&Environment::from_lookup(variable));
    for metadata in [by_environment, Redaction::new().with_metadata_hidden()] {
        assert!(!metadata.is_nothing());
        let extra = json!({"metadata": {"k": 1}, "invocation_params": {"model": "m"}, "runtime": {"sdk": "runtree"}});
        let hidden = json!({"metadata": {}, "invocation_params": {}, "runtime": {"sdk": "runtree"}});
        assert_eq!(after(&metadata, Field::Extra, extra), hidden);
        assert_eq!(after(&metadata, Field::Metadata, json!({"k": 1})), json!({}));
        assert_eq!(after(&metadata, Field::Inputs, json!({"k": 1})), json!({"k": 1}));
    }
    let both = Redaction::new().with_inputs_hidden().with_outputs_hidden();
    assert_eq!(after(&both, Field::Inputs, json!({"k": 1})), json!({}));
    assert_eq!(after(&both, Field::Outputs, json!("text")), json!({}));
    assert_eq!(after(&both, Field::Outputs, Value::Null), Value::Null);
    assert_eq!(both.text(Field::Outputs, "a part of it"), "");
    assert_eq!(both.text(Field::Error, "an error"), "an error");
}

#[test]
fn tokens_of_hidden_outputs_keep_their_time_alone() {
    let events = json!([
        {"name": "new_token", "time": "2026-03-04T05:06:07.000089Z", "kwargs": {"token": "a"}, "message": "a"},
        {"name": "retry", "time": "2026-03-04T05:06:07.000089Z", "kwargs": {"attempt": 2}},
    ]);
    let hidden = json!([
        {"name": "new_token", "time": "2026-03-04T05:06:07.000089Z"},
        {"name": "retry", "time": "2026-03-04T05:06:07.000089Z", "kwargs": {"attempt": 2}},
    ]);
    assert_eq!(after(&Redaction::new().with_outputs_hidden(), Field::Events, events.clone()), hidden);
    assert_eq!(after(&Redaction::new().with_outputs_by(|outputs| outputs), Field::Events, events.clone()), hidden);
    assert_eq!(after(&Redaction::new().with_inputs_hidden(), Field::Events, events.clone()), events);
}

#[test]
fn rules_reach_every_field_and_spare_when_events_were() {
    let redaction = Redaction::new().with_rules(digits());
    let mut run = json!({
        "id": "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "start_time": "2026-03-04T05:06:07.000089Z",
        "name": "ask 1234", "tags": ["a", "b 1234"], "error": "no 1234", "inputs": {"k": "1234"},
        "outputs": {"k": ["1234"]}, "extra": {"metadata": {"k": "1234"}, "invocation_params": {"stop": "1234"}},
        "serialized": {"kwargs": {"key": "1234"}}, "metadata": {"k": "1234"},
        "events": [{"name": "1234", "time": "2026-03-04T05:06:07.000089Z", "kwargs": {"k": "1234"}},
                   {"name": "x", "time": "1234"}],
    });
    redaction.run(run.as_object_mut().unwrap());
    assert!(!run.to_string().contains("\"1234\"") && !run.to_string().contains(" 1234"), "{run}");
    assert_eq!(run["id"], "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b");
    assert_eq!(run["events"][0]["time"], "2026-03-04T05:06:07.000089Z");
    assert_eq!(run["events"][0]["kwargs"]["k"], "[redacted]");
    assert_eq!(run["tags"], json!(["a", "b [redacted]"]));
    assert_eq!(redaction.text(Field::AttachmentName, "scan-1234"), "scan-[redacted]");
}

#[test]
fn rules_come_after_functions_and_one_after_the_other() {
    let redaction = Redaction::new()
        .with_inputs_by(|mut inputs| {
            inputs.insert("added".into(), "1234".into());
            inputs
        })
        .with_rules(digits().with_mask("mask"))
        .with_rules(Rules::new([
            Rule::new("mask").unwrap().with_text("$0 veil"),
            Rule::new(r"(v)(e)").unwrap().with_template("$2$1"),
        ]));
    assert_eq!(after(&redaction, Field::Inputs, json!({"k": 1})), json!({"k": 1, "added": "$0 evil"}));
}

#[test]
fn what_is_too_deep_is_masked_unless_it_is_to_be_left() {
    let value = |depth| inside(depth, "1234".into());
    let rules = Redaction::new().with_rules(digits());
    assert_eq!(after(&rules, Field::Inputs, value(10)), inside(10, "[redacted]".into()));
    assert_eq!(after(&rules, Field::Inputs, value(11)), inside(10, "[redacted]".into()), "a map in place of a text");
    assert_eq!(after(&rules, Field::Inputs, inside(10, json!({}))), inside(10, json!({})), "nothing is in there");

    let sdk = Redaction::new().with_rules(digits().leaving_what_is_deeper());
    assert_eq!(after(&sdk, Field::Inputs, value(10)), inside(10, "[redacted]".into()));
    assert_eq!(after(&sdk, Field::Inputs, value(11)), value(11));

    let shallow = Redaction::new().with_rules(digits().with_max_depth(0));
    assert_eq!(after(&shallow, Field::Inputs, json!({"k": [1]})), json!({"k": "[redacted]"}), "a map stays a map");
    let deep = Redaction::new().with_rules(digits().with_max_depth(usize::MAX));
    assert!(!after(&deep, Field::Inputs, value(300)).to_string().contains("1234"));
}

#[test]
fn a_function_sees_texts_with_their_path() {
    let redaction = Redaction::new().with_rules(Rules::by(|text, path| Some(format!("{text} at {path:?}"))));
    let value = after(&redaction, Field::Inputs, json!({"a": [1, "x"]}));
    assert_eq!(value, json!({"a": [1, r#"x at [Key("inputs"), Key("a"), Index(1)]"#]}));
    assert_eq!(redaction.text(Field::Name, "x"), r#"x at [Key("name")]"#);
}

#[test]
fn a_function_that_panics_lets_nothing_through() {
    let panics = || Redaction::new().with_inputs_by(|_| panic!("no")).with_metadata_by(|_| panic!("no"));
    let failed = json!({"ls_error": failure::MESSAGE});
    assert!(failure::MESSAGE.starts_with("Processing failed; "));
    assert_eq!(after(&panics(), Field::Inputs, json!({"k": "raw"})), failed);
    assert_eq!(after(&panics(), Field::Outputs, json!({"k": "raw"})), json!({"k": "raw"}));
    let extra = json!({"metadata": {"k": "raw"}, "runtime": {}});
    assert_eq!(after(&panics(), Field::Extra, extra), json!({"metadata": failed, "runtime": {}}));
    let raw = after(&panics().allowing_unprocessed().with_rules(digits()), Field::Inputs, json!({"k": "raw 1234"}));
    assert_eq!(raw, json!({"k": "raw [redacted]"}), "what failed is skipped, and no more");
}

#[test]
fn rules_that_panic_leave_fields_of_the_right_type() {
    let rules = || Rules::by(|text, _| if text == "raw" { panic!("no") } else { Some("seen".into()) });
    let redaction = Redaction::new().with_rules(rules());
    for field in [Field::Inputs, Field::Outputs, Field::Extra, Field::Metadata, Field::Serialized, Field::Feedback] {
        let value = after(&redaction, field, json!({"a": "x", "b": "raw", "c": "x"}));
        assert_eq!(value, json!({"ls_error": failure::MESSAGE}));
    }
    assert_eq!(after(&redaction, Field::Error, json!("raw")), json!(failure::MESSAGE));
    assert_eq!(redaction.text(Field::Name, "raw"), failure::MESSAGE);
    assert_eq!(after(&redaction, Field::Tags, json!(["a", "raw"])), json!([format!("ls_error: {}", failure::MESSAGE)]));
    let time = "2026-03-04T05:06:07.000089Z";
    let events = after(&redaction, Field::Events, json!([{"name": "raw", "time": time}, {"name": "b", "time": "raw"}]));
    let (name, message) = ("ls_error", failure::MESSAGE);
    assert_eq!(events, json!([{"name": name, "time": time, "message": message}, {"name": name, "message": message}]));

    let allowed = Redaction::new().with_rules(rules()).allowing_unprocessed();
    assert_eq!(after(&allowed, Field::Inputs, json!({"a": "x", "b": "raw"})), json!({"a": "seen", "b": "raw"}));
}

#[test]
fn shapes_of_secrets_are_known() {
    let long = "0123456789abcdefABCDEF0123456789abcd";
    let hex = "0123456789abcdef0123456789abcdef";
    for (text, expected) in [
        ("password: \"correct horse battery\", user: x".into(), "password: \"*\", user: x".into()),
        ("DB_PASSWORD='a b' x".into(), "DB_PASSWORD='*' x".into()),
        ("Pwd=hunter2;Server=db".into(), "Pwd=*;Server=db".to_owned()),
        (r#"{\"password\": \"hunter2, or\"}"#.into(), r#"{\"password\": \"*"}"#.into()),
        (format!("OPENAI_API_KEY={long} next"), "OPENAI_API_KEY=* next".into()),
        (format!("aws_secret_access_key = {long}/+x"), "aws_secret_access_key = *".into()),
        (format!("AccountKey={long};EndpointSuffix=x"), "AccountKey=*;EndpointSuffix=x".into()),
        (format!("{{\"refresh_token\":\"{long}\"}}"), "{\"refresh_token\":\"*\"}".into()),
        (format!("token={long}"), "token=*".into()),
        ("Authorization: Basic am9lOmpvZQ==\r\nHost: h".into(), "Authorization: Basic *\r\nHost: h".into()),
        ("Cookie: a=b; c=d\nHost: h".into(), "Cookie: *\nHost: h".into()),
        (format!("bearer {long}."), "bearer *".into()),
        ("redis://:hun@ter2@db:6379/0".into(), "redis://:*@db:6379/0".into()),
        (format!("https://h/a?sig={long}&b=c"), "https://h/a?sig=*&b=c".into()),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-_x end".into(), "* end".into()),
        (format!("(sk-proj-{long})"), "(*)".into()),
        (format!("x_sk-ant-api03-{long}"), "x_*".into()),
        (format!("lsv2_pt_{hex}_1234567890"), "*".into()),
        (format!("rt_live_{hex}"), "*".into()),
        ("AKIAIOSFODNN7EXAMPLE".into(), "*".into()),
        (format!("ghp_{long} github_pat_{long}"), "* *".into()),
        (format!("glpat-{hex}"), "*".into()),
        ("xoxb-1234567890-abc https://hooks.slack.com/services/T0/B0/x".into(), "* https://*".into()),
        (format!("AIza{long} ya29.{long}"), "* *".into()),
        (format!("sk_live_{hex} whsec_{hex}"), "* *".into()),
        (format!("hf_{long} gsk_{long} nvapi-{long}"), "* * *".into()),
        (format!("SK{hex} SG.{hex}.{hex}"), "* *".into()),
        (format!("npm_{long} pypi-{long}"), "* *".into()),
        (format!("dapi{hex} dop_v1_{hex}{hex}"), "* *".into()),
        (format!("hvs.{long} 123456789:AA{long}"), "* *".into()),
        ("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b".into(), "a * b".into()),
        ("a -----BEGIN PRIVATE KEY-----\\nMIIE cut of".into(), "a *".into()),
    ] {
        let masked_once = masked(&text);
        assert_eq!(masked_once, expected.replace('*', "[SECRET_DETECTED]"), "{text}");
        assert_eq!(masked(&masked_once), masked_once, "a run may come by twice");
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "The secret of the token economy is basic understanding.",
        "http://localhost:8080/path?q=cat&page=2 and 10:30 at https://h:443",
        "risk-assessment-methodology-and-more, task-management",
        "{\"max_tokens\": 1024, \"total_tokens\": 17, \"token\": \"Hello\"}",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b 2026-03-04T05:06:07.000089Z",
        "The password policy; an api key; bearer of bad news",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn texts_under_keys_for_secrets_are_masked_whatever_they_are() {
    let redaction = Redaction::new().with_rules(Rules::secrets());
    let value = json!({
        "password": "x", "db_password": ["x", {"a": "x"}], "X-API-Key": "x", "apiKeys": {"a": "x"}, "openaiApiKey": "x",
        "token": "Hello", "max_tokens": 5, "secret": "", "passwords_seen": "x",
    });
    let mask = "[SECRET_DETECTED]";
    let expected = json!({
        "password": mask, "db_password": [mask, {"a": mask}], "X-API-Key": mask, "apiKeys": {"a": mask},
        "openaiApiKey": mask, "token": "Hello", "max_tokens": 5, "secret": "", "passwords_seen": "x",
    });
    assert_eq!(after(&redaction, Field::Inputs, value), expected);
}

#[test]
fn showing_a_redaction_shows_no_pattern() {
    let shown = format!("{:?}", Redaction::new().with_inputs_hidden().with_rules(digits()));
    assert!(shown.contains("hidden") && !shown.contains("d{4"), "{shown}");
}

/// A secret in a text around it, and the part that must not survive.
fn secret() -> impl Strategy<Value = (String, String)> {
    let shape = prop_oneof![
        "sk-[A-Za-z0-9]{20,48}",
        "sk-ant-api03-[A-Za-z0-9_-]{30}",
        "lsv2_(pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
        "gh[pousr]_[A-Za-z0-9]{36}",
        "AKIA[A-Z0-9]{16}",
        "AIza[A-Za-z0-9_-]{35}",
        "xoxb-[0-9]{10}-[A-Za-z0-9]{24}",
        "hf_[A-Za-z0-9]{34}",
        "eyJ[A-Za-z0-9_-]{20,60}\\.eyJ[A-Za-z0-9_-]{20,60}\\.[A-Za-z0-9_-]{43}",
        "rt_live_[A-Za-z0-9]{32}",
    ];
    let bare = (shape, "|.{0,10}[^A-Za-z]", "|[^A-Za-z0-9_-].{0,10}").prop_map(|(s, a, b)| (format!("{a}{s}{b}"), s));
    let keyed = (
        prop_oneof![Just("PASSWORD="), Just("\"client_secret\": \""), Just("api-key: "), Just("access_token='")],
        "[A-Za-z0-9+/]{12,40}",
    )
        .prop_map(|(key, word)| (format!("{key}{word}"), word));
    let address = "[A-Za-z0-9:@!]{8,20}[A-Za-z0-9]".prop_map(|word| (format!("postgres://app:{word}@db/x"), word));
    let header = "[A-Za-z0-9+/]{12,40}".prop_map(|word| (format!("authorization: Basic {word}=="), word));
    let block = "[A-Za-z0-9+/\n]{40,80}[A-Z]"
        .prop_map(|body| (format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"), body));
    prop_oneof![4 => bare, 2 => keyed, 1 => address, 1 => header, 1 => block]
}

/// `text` somewhere in a value, among other things.
fn planted(text: String) -> impl Strategy<Value = Value> {
    let around = prop::collection::vec(prop_oneof![Just(None), "[a-z]{1,6}".prop_map(Some)], 0..40);
    around.prop_map(move |around| {
        around.into_iter().fold(Value::String(text.clone()), |inner, key| match key {
            Some(key) => json!({"before": "x", key: inner, "n": 1}),
            None => json!(["x", inner, null]),
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn planted_secrets_survive_in_no_field_at_no_depth(
        (value, text, secret) in
            secret().prop_flat_map(|(text, secret)| (planted(text.clone()), Just(text), Just(secret))),
        field in 0_usize..9,
    ) {
        let mut run = json!({"name": "n", "inputs": {}, "outputs": {}, "tags": [], "events": [], "extra": {}});
        match field {
            0 => run["inputs"] = json!({"k": value}),
            1 => run["outputs"] = json!({"k": value}),
            2 => run["error"] = json!(text),
            3 => run["name"] = json!(text),
            4 => run["tags"] = json!(["a", text]),
            5 => run["events"] = json!([{"name": text, "time": text}, {"name": "new_token", "kwargs": value}]),
            6 => run["extra"] = json!({"metadata": {"k": value}, "invocation_params": {"k": value}}),
            7 => run["serialized"] = json!({"kwargs": value}),
            _ => run["metadata"] = json!({"k": value}),
        }
        let redaction = Redaction::new().with_rules(Rules::secrets());
        redaction.run(run.as_object_mut().unwrap());
        let secret = serde_json::to_string(&secret).unwrap();
        prop_assert!(!run.to_string().contains(secret.trim_matches('"')), "{run}");
        prop_assert!(!redaction.text(Field::AttachmentName, &text).contains(secret.trim_matches('"')));

        let again = run.clone();
        redaction.run(run.as_object_mut().unwrap());
        prop_assert_eq!(run, again, "a run may come by twice");
    }

    #[test]
    fn hidden_fields_hold_nothing_of_what_was_in_them(value in "[a-z]{12}".prop_flat_map(planted), keys in 1_usize..4) {
        let word = value.to_string();
        let map: Map<String, Value> = (0..keys).map(|key| (key.to_string(), value.clone())).collect();
        let redaction = Redaction::new().with_inputs_hidden().with_outputs_hidden().with_metadata_hidden();
        for field in [Field::Inputs, Field::Outputs, Field::Metadata] {
            prop_assert_eq!(after(&redaction, field, Value::Object(map.clone())), json!({}), "{}", word);
        }
    }
}
