//! A run as a span.

use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use runtree_core::{Moment, Run, RunType};
use serde_json::Value;
use uuid::Uuid;

use super::attributes::{Attributes, cut};
use super::conventions;
use super::encoding::field;
use super::facts::{self, Facts};
use super::redaction::Redaction;
use crate::propagation::w3c::span_id;

/// Fields of `Span`, `Event` and `Link`.
const ATTRIBUTES: u32 = 9;
const EVENTS: u32 = 11;
const LINKS: u32 = 13;
const ATTRIBUTES_OF_EVENT: u32 = 3;
const ATTRIBUTES_OF_LINK: u32 = 4;

/// How runs become spans for one destination.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) redaction: Redaction,
    /// Texts of attributes are cut at this.
    pub(super) limit: usize,
    pub(super) langsmith: bool,
    pub(super) openinference: bool,
    /// The project of runs whose config names none.
    pub(super) project: Option<String>,
}

/// The id of a trace as OpenTelemetry has it.
fn trace_id(trace: Uuid) -> Vec<u8> {
    trace.as_bytes().to_vec()
}

fn nanos(moment: Moment) -> u64 {
    moment.as_micros().saturating_mul(1000)
}

impl Mapping {
    /// The span of a run that ended, encoded.
    pub(super) fn span(&self, run: &Run) -> Vec<u8> {
        let facts = Facts::of(run, &self.redaction);
        let mut attributes = Attributes::new(ATTRIBUTES, self.limit);
        conventions::gen_ai::write(&facts, &mut attributes);
        if facts.is_request() {
            conventions::http::write(&facts, &mut attributes);
        }
        if self.langsmith {
            conventions::langsmith::write(&facts, self.project.as_deref(), &mut attributes);
        }
        if self.openinference {
            conventions::openinference::write(&facts, &mut attributes);
        }
        let mut span = attributes.of(&Span {
            trace_id: trace_id(run.trace_id()),
            span_id: span_id(run.id()).to_vec(),
            parent_span_id: run.parent_id().map(|parent| span_id(parent).to_vec()).unwrap_or_default(),
            flags: flags(run),
            name: cut(&facts.name, self.limit).into(),
            kind: kind(&facts).into(),
            start_time_unix_nano: nanos(run.start_time()),
            end_time_unix_nano: nanos(run.end_time().unwrap_or_else(|| run.start_time())),
            status: Some(self.status(&facts)),
            ..Span::default()
        });
        self.events(&facts, &mut span);
        self.link(run, &mut span);
        span
    }

    fn status(&self, facts: &Facts<'_>) -> Status {
        match &facts.failure {
            Some(failure) => {
                Status { code: StatusCode::Error.into(), message: cut(&failure.message, self.limit).into() }
            }
            None => Status { code: StatusCode::Ok.into(), message: String::new() },
        }
    }

    fn events(&self, facts: &Facts<'_>, span: &mut Vec<u8>) {
        let mut write = |time: Moment, name: &str, attributes: Attributes| {
            let event = Event { time_unix_nano: nanos(time), name: cut(name, self.limit).into(), ..Event::default() };
            field(span, EVENTS, &attributes.of(&event));
        };
        for facts::Event { name, time, data } in &facts.events {
            let mut attributes = Attributes::new(ATTRIBUTES_OF_EVENT, self.limit);
            match data {
                Value::Object(map) => map.iter().for_each(|(key, value)| attributes.value(key, value)),
                Value::String(text) => attributes.text("message", text),
                other => attributes.value("value", other),
            }
            write(*time, name, attributes);
        }
        if let Some(failure) = &facts.failure {
            let mut attributes = Attributes::new(ATTRIBUTES_OF_EVENT, self.limit);
            attributes.text("exception.type", &failure.kind);
            attributes.text("exception.message", &failure.message);
            let time = facts.run.end_time().unwrap_or_else(|| facts.run.start_time());
            write(time, "exception", attributes);
        }
    }

    /// A root that was not meant to be one is linked to the run that was being polled while it opened.
    fn link(&self, run: &Run, span: &mut Vec<u8>) {
        let Some(lost_from) = run.lost_from() else { return };
        let mut attributes = Attributes::new(ATTRIBUTES_OF_LINK, self.limit);
        attributes.text("runtree.link", "lost_from");
        let link = Link {
            trace_id: trace_id(lost_from.trace_id()),
            span_id: span_id(lost_from.id()).to_vec(),
            ..Link::default()
        };
        field(span, LINKS, &attributes.of(&link));
    }
}

/// Sampled, and whether the parent lives in another process, which is known of every parent.
fn flags(run: &Run) -> u32 {
    const SAMPLED: u32 = 1;
    const IS_KNOWN: u32 = 1 << 8;
    const IS_REMOTE: u32 = 1 << 9;
    let remote = run.parent().is_some_and(|parent| parent.is_elsewhere());
    SAMPLED | IS_KNOWN | if remote { IS_REMOTE } else { 0 }
}

fn kind(facts: &Facts<'_>) -> SpanKind {
    let calls_out = matches!(facts.run.run_type(), RunType::Llm | RunType::Embedding);
    match facts.said("ls_provider") {
        Some(_) if calls_out => SpanKind::Client,
        _ if facts.is_request() => SpanKind::Server,
        _ => SpanKind::Internal,
    }
}
