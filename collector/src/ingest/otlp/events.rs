//! Events of a span: why it failed, what was said, and what else happened.

use std::borrow::Cow;

use opentelemetry_proto::tonic::trace::v1::span::Event as Told;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use runtree_core::Moment;
use serde_json::{Map, Value};

use super::attributes::Attributes;

/// An event, and what it says.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) name: &'a str,
    nanos: u64,
    pub(super) attributes: Attributes<'a>,
}

impl<'a> Event<'a> {
    /// Those of a span.
    pub(super) fn all(span: &'a Span) -> Vec<Self> {
        let read = |Told { time_unix_nano, name, attributes, .. }: &'a Told| Self {
            name,
            nanos: *time_unix_nano,
            attributes: Attributes::new(attributes),
        };
        span.events.iter().map(read).collect()
    }

    fn is_exception(&self) -> bool {
        self.name == "exception"
    }

    /// Whether it tells what a model was told, or said.
    fn is_message(&self) -> bool {
        matches!(
            self.name,
            "gen_ai.system.message"
                | "gen_ai.user.message"
                | "gen_ai.assistant.message"
                | "gen_ai.tool.message"
                | "gen_ai.choice"
                | "gen_ai.content.prompt"
                | "gen_ai.content.completion"
                | "gen_ai.client.inference.operation.details"
        )
    }

    /// As a run has it: name, time, and what it says as `kwargs`.
    fn as_json(&self) -> Value {
        let mut event = Map::from_iter([("name".to_owned(), self.name.into())]);
        if self.nanos > 0 {
            event.insert("time".into(), Moment::from_micros(self.nanos / 1000).to_string().into());
        }
        let said: Map<String, Value> =
            self.attributes.iter().map(|(key, value)| (key.to_owned(), self.attributes.read(value))).collect();
        if !said.is_empty() {
            event.insert("kwargs".into(), said.into());
        }
        event.into()
    }
}

/// Why a span failed: as its exception tells, else as its status does. An exception does not count if all was well in the
/// end; of several exceptions the last one counts.
pub(super) fn error(span: &Span, events: &[Event<'_>], attributes: &Attributes<'_>) -> Option<String> {
    let status = span.status.as_ref();
    let code = status.map_or(StatusCode::Unset, Status::code);
    let exception = events.iter().rfind(|event| event.is_exception()).filter(|_| code != StatusCode::Ok);
    let message = status.map(|status| status.message.trim()).filter(|message| !message.is_empty());
    if exception.is_none() && code != StatusCode::Error {
        return None;
    }
    // Of a run that became a span, the message alone is the run's error; what type it is, the exporter made up.
    let is_made_of_run = attributes.text("langsmith.trace.name").is_some();
    let told = exception.and_then(|event| {
        let said = |key: &str| event.attributes.text(key);
        if is_made_of_run { said("exception.message") } else { described(said) }
    });
    let status_message = message.filter(|_| code == StatusCode::Error).map(str::to_owned);
    let told = told.map(Cow::into_owned);
    let error = if is_made_of_run { status_message.or(told) } else { told.or(status_message) };
    let type_alone = || attributes.text("error.type").map(Cow::into_owned);
    error.or_else(type_alone).or_else(|| Some("error".to_owned()))
}

/// `Type: message`, and below it where it was.
fn described<'a>(said: impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<Cow<'a, str>> {
    let headline = match (said("exception.type"), said("exception.message")) {
        (Some(of_type), Some(message)) => Some(format!("{of_type}: {message}").into()),
        (one, other) => one.or(other),
    };
    match (headline, said("exception.stacktrace")) {
        (Some(headline), Some(stack)) => Some(format!("{headline}\n\n{stack}").into()),
        (one, other) => one.or(other),
    }
}

/// The events that a run keeps: all but those that became its error, its inputs or its outputs.
pub(super) fn kept(events: &[Event<'_>], failed: bool) -> Vec<Value> {
    let is_told = |event: &Event<'_>| event.is_message() || (failed && event.is_exception());
    events.iter().filter(|event| !is_told(event)).map(Event::as_json).collect()
}
