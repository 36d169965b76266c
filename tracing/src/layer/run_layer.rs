//! Spans as runs.

use std::fmt;
use std::sync::Arc;

use runtree_core::{
    Error, ErrorKind, Opening, Origin, Record, Run, RunGuard, RunType, RunnableConfig, Status, polled_run,
};
use serde_json::{Map, Value};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::fields::FieldsOf;
use super::{RUN, SPAN, TARGET, TELLING, holding, telling};

/// A layer that turns spans inside runs into runs, so that code instrumented with [`tracing`] shows up in the tree.
///
/// A span is inside a run if it opens while the run's code is polled, or below a span that is a run; so
/// `tokio::spawn(work.instrument(span))` carries the tree along. Spans outside all runs are left alone, unless
/// [`with_root`](Self::with_root) says where they belong.
///
/// ```
/// use runtree_core::{Opening, Record, RunnableConfig};
/// use runtree_tracing::handlers::traced;
/// use runtree_tracing::layer::RunLayer;
/// use tracing_subscriber::prelude::*;
///
/// let _default = tracing_subscriber::registry().with(RunLayer::new()).set_default();
/// let (config, trace) = traced();
/// let (_, mut run) = config.open(Opening::new("answer"));
/// run.enter(|| {
///     let _span = tracing::info_span!("query", table = "facts").entered();
///     tracing::info!(rows = 3, "done");
/// });
/// run.succeed(Record::value(42));
///
/// trace.assert_tree("
///     answer
///       query");
/// assert_eq!(trace.get("query").inputs()["table"], "facts");
/// assert_eq!(trace.get("query").events()[0].data["rows"], 3);
/// ```
///
/// | of the span | on the run |
/// | --- | --- |
/// | its name | the name |
/// | its fields | the inputs; a field `run_type` is the type |
/// | fields recorded later | the outputs |
/// | its target and level | metadata |
/// | an event in it | an event named `log` |
/// | the return value, by `#[instrument(ret)]` | the output |
/// | an event of level `ERROR`, as by `#[instrument(err)]`, or a field `error` | the error |
/// | its close | the end |
///
/// A span does not tell whether its future was dropped: such a run ends as a success. Which spans become runs is
/// chosen as for any layer, by [`with_filter`](Layer::with_filter).
#[derive(Clone, Default)]
pub struct RunLayer {
    root: Option<RunnableConfig>,
}

impl RunLayer {
    /// A layer for spans inside runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens spans that are outside all runs under `config`: as traces of their own, if it is a root.
    #[must_use]
    pub fn with_root(self, config: RunnableConfig) -> Self {
        Self { root: Some(config) }
    }
}

impl fmt::Debug for RunLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunLayer").field("root", &self.root).finish()
    }
}

/// What a span is in the tree of runs.
enum Place {
    /// A run that the span holds open.
    Own(Box<Held>),
    /// The span stands for a run that others hold open.
    Theirs(Arc<Run>),
}

struct Held {
    run: Arc<Run>,
    guard: RunGuard,
    outputs: Map<String, Value>,
    error: Option<String>,
}

impl Held {
    /// Learns from an event in the span how it ends; answers whether that is all the event was for.
    fn takes(&mut self, level: Level, fields: &mut Map<String, Value>) -> bool {
        // What `#[instrument(ret)]` sends: an event with that field alone.
        if fields.len() == 1
            && let Some(returned) = fields.shift_remove("return")
        {
            self.outputs.insert("output".into(), returned);
            return true;
        }
        if level == Level::ERROR {
            let what = fields.get("error").or_else(|| fields.get("message"));
            self.error = Some(what.map_or_else(|| "an event of level error".to_owned(), text));
        }
        false
    }
}

impl Place {
    fn run(&self) -> &Arc<Run> {
        match self {
            Self::Own(held) => &held.run,
            Self::Theirs(run) => run,
        }
    }
}

/// The nearest span, from `span` upwards, that is a run.
fn place_of<'a, S: LookupSpan<'a>>(span: SpanRef<'a, S>) -> Option<(SpanRef<'a, S>, Arc<Run>)> {
    span.scope().find_map(|span| {
        let run = span.extensions().get::<Place>().map(|place| place.run().clone())?;
        Some((span, run))
    })
}

fn is_below(run: &Run, above: &Run) -> bool {
    std::iter::successors(Some(run), |run| run.parent().map(AsRef::as_ref)).any(|run| run == above)
}

/// Which is further inside: the run of the span around, or the run that is polled?
fn innermost(spanned: Option<Arc<Run>>, named: bool) -> Option<Arc<Run>> {
    match (spanned, polled_run()) {
        (Some(spanned), Some(polled)) if named || is_below(&spanned, &polled) => Some(spanned),
        (spanned, polled) => polled.or(spanned),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RunLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if attributes.metadata().target() == TARGET {
            if let Some(run) = RUN.with_borrow(Clone::clone) {
                span.extensions_mut().insert(Place::Theirs(run));
            }
            return;
        }
        if TELLING.get() {
            return;
        }
        let spanned = span.parent().and_then(place_of).map(|(_, run)| run);
        let config = match innermost(spanned, attributes.parent().is_some()) {
            Some(run) => RunnableConfig::under(&run),
            None => match &self.root {
                Some(root) => root.clone(),
                None => return,
            },
        };
        if !config.is_traced() {
            return;
        }
        let metadata = attributes.metadata();
        let mut fields = FieldsOf::visited(|visitor| attributes.record(visitor));
        let run_type = fields.get("run_type").and_then(Value::as_str).and_then(RunType::parse);
        if run_type.is_some() {
            fields.shift_remove("run_type");
        }
        let error = fields.get("error").map(text);
        let opening = Opening::new(metadata.name())
            .origin(Origin::Block)
            .run_type(run_type.unwrap_or_default())
            .input(config.wants_payloads().then(|| Record::map(fields)));
        let config =
            config.with_own_metadata("target", metadata.target()).with_own_metadata("level", metadata.level().as_str());
        // No lock is held here: handlers may look at spans.
        let (_, guard) = holding(&SPAN, id.clone(), || telling(|| config.open(opening)));
        if let Some(run) = guard.run().cloned() {
            let held = Held { run, guard, outputs: Map::new(), error };
            span.extensions_mut().insert(Place::Own(Box::new(held)));
        }
    }

    fn on_record(&self, id: &Id, values: &tracing::span::Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(Place::Own(held)) = span.extensions_mut().get_mut() {
            let fields = FieldsOf::visited(|visitor| values.record(visitor));
            if let Some(error) = fields.get("error") {
                held.error = Some(text(error));
            }
            held.outputs.extend(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if TELLING.get() || event.metadata().target() == TARGET {
            return;
        }
        let spanned = context.event_span(event).and_then(place_of);
        let named = event.parent().is_some();
        let Some(run) = innermost(spanned.as_ref().map(|(_, run)| run.clone()), named) else { return };
        if run.outcome().is_some() {
            return;
        }
        let mut fields = FieldsOf::visited(|visitor| event.record(visitor));
        if let Some((span, _)) = spanned.filter(|(_, spanned)| *spanned == run)
            && let Some(Place::Own(held)) = span.extensions_mut().get_mut()
            && held.takes(*event.metadata().level(), &mut fields)
        {
            return;
        }
        let metadata = event.metadata();
        let mut data = Map::new();
        data.insert("level".into(), metadata.level().as_str().into());
        data.insert("target".into(), metadata.target().into());
        data.extend(fields);
        telling(|| run.add_event("log", data));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(Place::Own(held)) = span.extensions_mut().remove::<Place>() else { return };
        let Held { mut guard, outputs, error, .. } = *held;
        let output = (!outputs.is_empty()).then(|| Record::map(outputs));
        let (status, error) = match error {
            // A close within a panic: the guard makes that of it.
            None if std::thread::panicking() => (Status::Cancelled, None),
            None => (Status::Success, None),
            Some(message) => (Status::Error, Some(Error::new(ErrorKind::Other, message))),
        };
        telling(|| guard.close(status, output, error));
    }
}
