use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn with(variables: &[(&str, &str)]) -> Environment {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    Environment::from_lookup(|name| variables.get(name).map(|value| (*value).to_owned()))
}

fn complaint(environment: &Environment) -> String {
    match environment.complaints.as_slice() {
        [one] => one.to_string(),
        all => panic!("one complaint expected: {all:?}"),
    }
}

fn text(endpoint: &Option<Endpoint>) -> Option<&str> {
    endpoint.as_ref().map(Endpoint::as_str)
}

#[test]
fn without_variables_nothing_is_sent_and_nothing_is_wrong() {
    let plain = Environment::default();
    assert!(!plain.tracing && plain.api_key.is_none() && plain.complaints.is_empty());
    assert_eq!((plain.mode, plain.durability), (TracingMode::LangSmith, Durability::Memory));
    assert_eq!((plain.compression_level, plain.queue_bytes), (Some(1), None));
    assert_eq!((plain.sampling_rate, plain.failed_traces_max_bytes), (SamplingRate::ALL, 100 << 20));
}

#[test]
fn an_endpoint_of_ours_turns_tracing_on_and_sees_no_foreign_key() {
    let variables = [
        ("RUNTREE_ENDPOINT", " http://localhost:1984/ "),
        ("LANGSMITH_ENDPOINT", "https://elsewhere"),
        ("LANGSMITH_API_KEY", "theirs"),
        ("LANGSMITH_WORKSPACE_ID", "theirs"),
        ("LANGSMITH_RUNS_ENDPOINTS", r#"[{"api_url": "https://elsewhere"}]"#),
    ];
    let ours = with(&variables);
    assert!(ours.tracing);
    assert_eq!(text(&ours.endpoint), Some("http://localhost:1984"));
    assert!(ours.api_key.is_none() && ours.workspace_id.is_none() && ours.replicas.is_empty());

    let key = with(&[&variables[..], &[("RUNTREE_API_KEY", "ours")]].concat()).api_key.unwrap();
    assert_eq!(key.expose(), "ours");
    assert!(!with(&[&variables[..], &[("LANGCHAIN_TRACING", "false")]].concat()).tracing, "who says no is heard");
}

#[test]
fn an_address_that_cannot_be_read_is_not_replaced_by_the_default() {
    for bad in [
        "nonsense",
        "localhost:1984",
        "file:///etc/passwd",
        "http://",
        "http://user:word@host",
        "http://word@host",
        "http://host/?key=word",
        "http://host/#word",
        "http://ho st",
        "http://host\nHost: other",
        "http://h\u{fffd}st",
        &format!("http://host/{}", "a".repeat(1 << 20)),
    ] {
        for variable in ["RUNTREE_ENDPOINT", "LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT"] {
            let environment = with(&[(variable, bad), ("LANGSMITH_TRACING", "true")]);
            assert!(!environment.tracing && environment.endpoint.is_none(), "{variable} {bad:?}");
            assert!(complaint(&environment).starts_with(variable));
        }
    }
    assert!(with(&[("LANGSMITH_ENDPOINT", "\"\""), ("LANGSMITH_TRACING", "true")]).tracing, "quotes around nothing");
}

#[test]
fn only_the_exact_word_turns_tracing_on_and_others_are_complained_about() {
    assert!(with(&[("LANGSMITH_TRACING", "true")]).complaints.is_empty());
    let odd = with(&[("LANGCHAIN_TRACING_V2", "1")]);
    assert!(!odd.tracing);
    assert_eq!(complaint(&odd), "LANGCHAIN_TRACING_V2 holds a number where `true` or `false` is expected");
}

#[test]
fn a_switch_that_hides_hides_when_it_cannot_be_read() {
    let odd = with(&[("LANGSMITH_HIDE_INPUTS", "yes"), ("LANGCHAIN_HIDE_OUTPUTS", "true")]);
    assert!(odd.hide_inputs && odd.hide_outputs && !odd.hide_metadata);
    assert_eq!(complaint(&odd), "LANGSMITH_HIDE_INPUTS holds text where `true` or `false` is expected");
    let odd = with(&[("LANGSMITH_ALLOW_UNPROCESSED_PAYLOADS", "yes")]);
    assert!(!odd.allow_unprocessed_payloads && odd.complaints.len() == 1);
}

#[test]
fn numbers_are_read_within_their_ranges() {
    let set = with(&[
        ("LANGSMITH_TRACING_SAMPLING_RATE", "0.25"),
        ("LANGSMITH_RUN_COMPRESSION_LEVEL", "3"),
        ("LANGCHAIN_MAX_INGEST_MEMORY_BYTES", " 1000 "),
        ("LANGSMITH_BATCH_INGEST_SIZE_LIMIT", "7"),
        ("LANGSMITH_FAILED_TRACES_MAX_MB", "2"),
    ]);
    assert_eq!((set.sampling_rate.get(), set.compression_level), (0.25, Some(3)));
    assert_eq!((set.queue_bytes.unwrap().get(), set.batch_size_limit.unwrap().get()), (1000, 7));
    assert_eq!(set.failed_traces_max_bytes, 2 << 20);
    assert!(set.complaints.is_empty());
    assert_eq!(with(&[("LANGSMITH_DISABLE_RUN_COMPRESSION", "true")]).compression_level, None);

    let odd = with(&[
        ("LANGSMITH_TRACING_SAMPLING_RATE", "1.5"),
        ("LANGSMITH_RUN_COMPRESSION_LEVEL", "99"),
        ("LANGCHAIN_MAX_INGEST_MEMORY_BYTES", "0"),
        ("LANGSMITH_BATCH_INGEST_SIZE_LIMIT", "-1"),
        ("LANGSMITH_FAILED_TRACES_MAX_MB", "18446744073709551615"),
    ]);
    assert_eq!(odd.complaints.len(), 5);
    assert!(odd.complaints.iter().all(|complaint| complaint.found == Found::Number));
    assert_eq!((odd.sampling_rate, odd.compression_level), (SamplingRate::ALL, Some(1)));
}

#[test]
fn the_mode_has_a_word_of_its_own_and_two_older_ones() {
    let mode = |variables| with(variables).mode;
    assert_eq!(mode(&[("LANGSMITH_TRACING_MODE", "otel"), ("LANGSMITH_OTEL_ENABLED", "true")]), TracingMode::Otel);
    assert_eq!(mode(&[("LANGSMITH_OTEL_ENABLED", "true")]), TracingMode::Hybrid);
    assert_eq!(mode(&[("LANGSMITH_OTEL_ENABLED", "true"), ("LANGCHAIN_OTEL_ONLY", "true")]), TracingMode::Otel);
    assert_eq!(with(&[("LANGSMITH_TRACING_MODE", "loud")]).complaints.len(), 1);
}

#[test]
fn a_folder_to_spool_to_makes_runs_outlive_the_process() {
    let durability = |variables| with(variables).durability;
    assert_eq!(durability(&[("RUNTREE_SPOOL_DIR", "/s")]), Durability::ProcessCrashSafe);
    assert_eq!(durability(&[("RUNTREE_SPOOL_DIR", "/s"), ("RUNTREE_DURABILITY", "power-safe")]), Durability::PowerSafe);
    assert_eq!(durability(&[("RUNTREE_SPOOL_DIR", "/s"), ("RUNTREE_DURABILITY", "memory")]), Durability::Memory);
    assert_eq!(with(&[("RUNTREE_SPOOL_DIR", "/s\0"), ("RUNTREE_DURABILITY", "safe")]).complaints.len(), 2);
}

#[test]
fn replicas_are_read_in_both_forms() {
    let list = r#"[{"api_url": "https://a/", "api_key": " 'k' ", "project_name": "p", "primary": true},
                   {"api_url": "http://b", "workspace_id": "w", "unknown": 1}]"#;
    let list = with(&[("LANGSMITH_RUNS_ENDPOINTS", list), ("LANGSMITH_ENDPOINT", "http://h")]);
    let [a, b] = list.replicas.as_slice() else { panic!("{list:?}") };
    assert_eq!((a.endpoint.as_str(), a.project.as_deref(), a.primary), ("https://a", Some("p"), true));
    assert_eq!(a.api_key.as_ref().unwrap().expose(), "k");
    assert_eq!((b.workspace_id.as_deref(), b.api_key.is_none(), b.primary), (Some("w"), true, false));

    let object = r#"{"https://a": "k", "https://b": "l"}"#;
    assert_eq!(with(&[("LANGCHAIN_RUNS_ENDPOINTS", object)]).replicas.len(), 2);
    let both = with(&[("LANGCHAIN_RUNS_ENDPOINTS", object), ("LANGCHAIN_ENDPOINT", "http://h")]);
    assert_eq!((both.replicas.len(), both.complaints[0].found), (0, Found::Contradiction));
}

#[test]
fn bad_replicas_are_left_out_one_by_one() {
    let list = r#"[1, {"api_key": "k"}, {"api_url": "ftp://a"}, {"api_url": "http://a", "api_key": "a\nb"},
                   {"api_url": "http://a", "api_key": 7}, {"api_url": "http://good", "primary": true},
                   {"api_url": "http://second", "primary": true}]"#;
    let odd = with(&[("LANGSMITH_RUNS_ENDPOINTS", list)]);
    let read: Vec<_> = odd.replicas.iter().map(|replica| (replica.endpoint.as_str(), replica.primary)).collect();
    assert_eq!(read, [("http://good", true), ("http://second", false)]);
    let entries: Vec<_> = odd.complaints.iter().map(|complaint| complaint.entry.unwrap()).collect();
    assert_eq!(entries, [0, 1, 2, 3, 4, 6]);
    for odd in ["7", "nonsense", "[", "\"http://a\""] {
        assert_eq!(with(&[("LANGSMITH_RUNS_ENDPOINTS", odd)]).complaints.len(), 1, "{odd}");
    }
}

#[test]
fn opentelemetrys_variables_are_read_as_it_says() {
    let set = with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318/"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "X-Api-Key=a%20b, Other = c "),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=inner,deployment.environment=a%2Cb"),
    ])
    .otlp;
    assert_eq!(text(&set.traces_endpoint), Some("http://h:4318/v1/traces"));
    let headers: Vec<_> = set.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(headers, [("x-api-key", "a b"), ("other", "c")]);
    assert_eq!((set.protocol, set.service_name.as_deref()), (OtlpProtocol::HttpJson, Some("inner")));
    assert_eq!(set.resource_attributes, [("deployment.environment".to_owned(), "a,b".to_owned())]);

    let set = with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t/otel"),
        ("OTEL_SERVICE_NAME", "outer"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=inner"),
    ])
    .otlp;
    assert_eq!(text(&set.traces_endpoint), Some("http://t/otel"));
    assert_eq!(set.service_name.as_deref(), Some("outer"));

    let odd = with(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "good=1,bad,b d=2,bad=%0a,bad=%ff,=3"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "h:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318"),
    ]);
    assert_eq!((odd.otlp.headers.len(), odd.complaints.len()), (1, 6));
    assert_eq!(odd.otlp.traces_endpoint, None, "and not the general one");
}

const NAMES: &[&str] = &[
    "LANGSMITH_TRACING",
    "LANGCHAIN_ENDPOINT",
    "LANGSMITH_API_KEY",
    "LANGSMITH_WORKSPACE_ID",
    "RUNTREE_ENDPOINT",
    "RUNTREE_API_KEY",
    "LANGSMITH_RUNS_ENDPOINTS",
    "LANGSMITH_TRACING_SAMPLING_RATE",
    "LANGSMITH_HIDE_INPUTS",
    "LANGSMITH_TRACING_MODE",
    "LANGSMITH_RUN_COMPRESSION_LEVEL",
    "LANGSMITH_MAX_INGEST_MEMORY_BYTES",
    "LANGSMITH_FAILED_TRACES_MAX_MB",
    "RUNTREE_DURABILITY",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_RESOURCE_ATTRIBUTES",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_makes_it_panic(values in prop::collection::vec(prop_oneof![
        any::<String>(),
        "[\\[{]{1,3}(\"(api_url|api_key|primary)\": ?(\"http://a\"|1|true|null),?){0,4}[}\\]]{0,3}",
        "https?://[a-z:@/?#\\[\\]%0-9]{0,20}",
        "[-+0-9.eE]{1,25}",
    ], NAMES.len())) {
        let variables: BTreeMap<_, _> = NAMES.iter().copied().zip(&values).collect();
        let _ = Environment::from_lookup(|name| variables.get(name).map(|value| (*value).clone()));
    }

    #[test]
    fn what_is_said_of_values_never_shows_a_secret(word in "[A-Za-z0-9]{12,40}", tail in "[\n\u{1}é]?") {
        let secret = format!("{word}{tail}");
        let entry = |address: &str| format!(r#"{{"api_url": "{address}", "api_key": "{word}"}}"#);
        let replicas = [entry(&format!("http://{word}@h")), entry("http://h"), format!("\"{word}\"")].join(",");
        let replicas = format!("[{replicas}]");
        let headers = format!("a={secret},{secret},b={word}");
        let address = format!("http://user:{secret}@h");
        let environment = with(&[
            ("LANGSMITH_API_KEY", &secret), ("LANGSMITH_ENDPOINT", &address), ("RUNTREE_API_KEY", &secret),
            ("LANGSMITH_RUNS_ENDPOINTS", &replicas), ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
            ("LANGSMITH_TRACING_SAMPLING_RATE", &secret), ("LANGSMITH_TRACING", &secret),
            ("LANGSMITH_TRACING_MODE", &secret), ("RUNTREE_DURABILITY", &secret),
        ]);
        let complaints: String = environment.complaints.iter().map(ToString::to_string).collect();
        let shown = format!("{environment:?}{complaints}");
        prop_assert!(!shown.contains(&word));
        prop_assert!(environment.complaints.len() >= 6);
    }
}
