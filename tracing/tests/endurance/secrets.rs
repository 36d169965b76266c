//! What is to be redacted is in no byte on the wire.

use std::sync::Arc;

use runtree_core::{Attachment, Error, ErrorKind, Json, RunnableConfig};
use runtree_tracing::langsmith::LangSmith;
use runtree_tracing::redaction::{Redaction, Rule, Rules};
use runtree_tracing::trace;
use serde_json::json;

use crate::sink::Sink;
use crate::{MINUTE, arrives};

const SECRET: &str = "sk-s3cr3ts3cr3ts3cr3t";

/// A run with the secret in every field.
fn leak(config: &RunnableConfig) {
    let config = config.clone().with_tag(format!("inherited {SECRET}")).with_metadata("inherited", SECRET);
    let config = config.with_configurable("setting", SECRET);
    let run = trace(format!("name {SECRET}"))
        .inputs(json!({"nested": [{"deep": SECRET}], "text": format!("a={SECRET}&b")}))
        .tag(format!("tag {SECRET}"))
        .metadata("own", json!({"list": [SECRET]}))
        .enter(&config);
    run.add_tag(SECRET);
    run.add_metadata("added", SECRET);
    run.add_event("text", SECRET);
    run.add_event("map", json!({"key": SECRET}));
    run.add_event("list", json!([SECRET]));
    run.add_event(format!("named {SECRET}"), json!(null));
    run.run().attach(Attachment::new(format!("file {SECRET}"), "text/plain", "bytes are as they are"));
    let failed = run.child("failed");
    failed.set_outputs(Arc::<str>::from(SECRET));
    failed.fail(Error::new(ErrorKind::Other, format!("no {SECRET}")).with_source(Error::from(SECRET)));
    run.child("wrapped").end(Json(SECRET));
    run.end(json!({"answer": SECRET}));
}

fn assert_hidden(redaction: Redaction, without_compression: bool) {
    let sink = Sink::keeping_bytes();
    let builder = LangSmith::to(&sink.url).quiet().with_redaction(redaction);
    let builder = if without_compression { builder.without_compression() } else { builder };
    let langsmith = builder.start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    leak(&config);
    arrives(&langsmith);
    // Once more with starts and ends apart, as both tell of it.
    let open = trace("open").inputs(json!(SECRET)).enter(&config);
    assert!(langsmith.flush_blocking(MINUTE).is_complete());
    open.end(json!(SECRET));
    arrives(&langsmith);
    sink.assert_whole(4);
    let wire = String::from_utf8_lossy(&sink.bytes()).into_owned();
    let at = wire.find("s3cr3t");
    assert!(at.is_none(), "{}", &wire[at.unwrap().saturating_sub(300)..at.unwrap() + 30]);
}

#[test]
fn a_planted_secret_is_in_no_byte_on_the_wire() {
    assert_hidden(Redaction::new().with_rules(Rules::secrets()), true);
    let rule = || Rules::new([Rule::new("s3cr3t").unwrap().with_text("…")]);
    assert_hidden(Redaction::new().with_rules(rule()), false);
    let hidden = Redaction::new().with_inputs_hidden().with_outputs_hidden().with_metadata_hidden();
    assert_hidden(hidden.with_rules(rule()), true);
    let failing = Redaction::new().with_inputs_by(|_| panic!("redacting fails")).with_outputs_by(|_| panic!("too"));
    assert_hidden(failing.with_rules(rule()), true);
}
