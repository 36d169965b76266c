//! A run as a span.

use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use runtree_core::{Moment, Run, RunType};
use serde_json::Value;
use uuid::Uuid;

use super::attributes::{Attributes, cut};
use super::conventions;
use super::facts::{self, Facts};
use super::redaction::Redaction;
use crate::propagation::w3c::span_id;

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
    /// The span of a run that ended.
    pub(super) fn span(&self, run: &Run) -> Span {
        let facts = Facts::of(run, &self.redaction);
        let mut attributes = Attributes::new(self.limit);
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
        Span {
            trace_id: trace_id(run.trace_id()),
            span_id: span_id(run.id()).to_vec(),
            parent_span_id: run.parent_id().map(|parent| span_id(parent).to_vec()).unwrap_or_default(),
            flags: flags(run),
            name: cut(&facts.name, self.limit),
            kind: kind(&facts).into(),
            start_time_unix_nano: nanos(run.start_time()),
            end_time_unix_nano: nanos(run.end_time().unwrap_or_else(|| run.start_time())),
            attributes: attributes.into_list(),
            events: self.events(&facts),
            links: self.links(run),
            status: Some(self.status(&facts)),
            ..Span::default()
        }
    }

    fn status(&self, facts: &Facts<'_>) -> Status {
        match &facts.failure {
            Some(failure) => Status { code: StatusCode::Error.into(), message: cut(&failure.message, self.limit) },
            None => Status { code: StatusCode::Ok.into(), message: String::new() },
        }
    }

    fn events(&self, facts: &Facts<'_>) -> Vec<Event> {
        let event = |facts::Event { name, time, data }: &facts::Event| {
            let mut attributes = Attributes::new(self.limit);
            match data {
                Value::Object(map) => map.iter().for_each(|(key, value)| attributes.value(key, value)),
                Value::String(text) => attributes.text("message", text),
                other => attributes.value("value", other),
            }
            (*time, name.clone(), attributes)
        };
        let exception = facts.failure.as_ref().map(|failure| {
            let mut attributes = Attributes::new(self.limit);
            attributes.text("exception.type", &failure.kind);
            attributes.text("exception.message", &failure.message);
            let time = facts.run.end_time().unwrap_or_else(|| facts.run.start_time());
            (time, "exception".to_owned(), attributes)
        });
        let all = facts.events.iter().map(event).chain(exception);
        all.map(|(time, name, attributes)| Event {
            time_unix_nano: nanos(time),
            name: cut(&name, self.limit),
            attributes: attributes.into_list(),
            dropped_attributes_count: 0,
        })
        .collect()
    }

    /// A root that was not meant to be one is linked to the run that was being polled while it opened.
    fn links(&self, run: &Run) -> Vec<Link> {
        let link = run.lost_from().map(|lost_from| {
            let mut attributes = Attributes::new(self.limit);
            attributes.text("runtree.link", "lost_from");
            Link {
                trace_id: trace_id(lost_from.trace_id()),
                span_id: span_id(lost_from.id()).to_vec(),
                attributes: attributes.into_list(),
                ..Link::default()
            }
        });
        link.into_iter().collect()
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
