//! What happens inside a chain, as one flat stream of events.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures::stream::{BoxStream, Stream, StreamExt};
use runtree_core::{
    CallbackHandler, Chunks, Interest, Result, Run, RunEvent, RunType, Runnable, RunnableConfig, Status,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Something that happened inside a chain, in the record form of LangChain's event stream, version 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamEvent {
    /// `on_chain_start`, `on_chat_model_stream`, `on_parser_end`, `on_tool_error`, `on_custom_event`, …
    pub event: String,
    /// The run's name; for a custom event, the event's own.
    pub name: String,
    /// The run.
    pub run_id: Uuid,
    /// The runs above it, root first.
    pub parent_ids: Vec<Uuid>,
    /// The run's tags.
    pub tags: Vec<Cow<'static, str>>,
    /// The run's metadata.
    pub metadata: Map<String, Value>,
    /// `input`, `chunk`, `output` or `error`, as far as known; for a custom event, what was sent.
    pub data: Value,
}

impl StreamEvent {
    /// What kind of runnable the run is: `chain`, `chat_model`, `llm`, `prompt`, `parser`, `tool`, `retriever`; empty
    /// for a custom event.
    pub fn kind(&self) -> &str {
        let kind = self.event.strip_prefix("on_").and_then(|event| event.rsplit_once('_'));
        kind.map(|(kind, _)| kind).filter(|_| self.event != "on_custom_event").unwrap_or_default()
    }
}

/// Which events are delivered. It changes what is told, not what runs.
///
/// An event passes if one of the included names, kinds or tags fits, or nothing is included, and none of the excluded
/// ones fits.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    include: Rules,
    exclude: Rules,
}

#[derive(Clone, Debug, Default)]
struct Rules {
    names: Vec<String>,
    kinds: Vec<String>,
    tags: Vec<String>,
}

impl Rules {
    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.kinds.is_empty() && self.tags.is_empty()
    }

    fn fit(&self, event: &StreamEvent) -> bool {
        self.names.contains(&event.name)
            || self.kinds.iter().any(|kind| kind == event.kind())
            || self.tags.iter().any(|tag| event.tags.iter().any(|known| known == tag))
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $method:ident: $side:ident.$list:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $method<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
            self.$side.$list.extend(values.into_iter().map(Into::into));
            self
        }
    )*};
}

impl EventFilter {
    /// Everything passes.
    pub fn all() -> Self {
        Self::default()
    }

    rules! {
        /// Lets pass runs of these names.
        include_names: include.names;
        /// Lets pass runs of these kinds: `chain`, `chat_model`, `prompt`, …
        include_kinds: include.kinds;
        /// Lets pass runs with any of these tags.
        include_tags: include.tags;
        /// Holds back runs of these names.
        exclude_names: exclude.names;
        /// Holds back runs of these kinds.
        exclude_kinds: exclude.kinds;
        /// Holds back runs with any of these tags.
        exclude_tags: exclude.tags;
    }

    fn passes(&self, event: &StreamEvent) -> bool {
        (self.include.is_empty() || self.include.fit(event)) && !self.exclude.fit(event)
    }
}

/// Runs `runnable` on `input` as a stream, and tells what happens inside as it happens. The last item is the error, if
/// the run fails.
///
/// # Drop
/// Dropping the events stops the run.
pub(crate) fn stream_events<'a, R: Runnable>(
    runnable: &'a R,
    input: R::Input,
    config: &RunnableConfig,
    filter: EventFilter,
) -> BoxStream<'a, Result<StreamEvent>> {
    let queue = Arc::new(Queue::default());
    let given = runnable.record_input(&input).as_value().clone();
    let config = config.clone().with_handler(Arc::new(Ear(Arc::downgrade(&queue))));
    let chunks = runnable.stream(input, &config);
    Events { chunks: Some(chunks), queue, filter, given: Some(given), first: None, failed: None }.boxed()
}

/// What handlers were told and the reader has not yet seen. It holds what one poll of the chain brings forth.
#[derive(Default)]
struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    events: VecDeque<StreamEvent>,
    waker: Option<Waker>,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, run: &Run, event: String, name: String, data: Value) {
        self.deliver(StreamEvent {
            event,
            name,
            run_id: run.id(),
            parent_ids: run.parent_ids(),
            tags: run.tags(),
            metadata: run.metadata(),
            data,
        });
    }

    fn deliver(&self, event: StreamEvent) {
        let mut waiting = self.waiting();
        waiting.events.push_back(event);
        let waker = waiting.waker.take();
        drop(waiting);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// The kind of a run in events, where chat models are not text models.
fn kind(run: &Run) -> &'static str {
    match run.run_type() {
        RunType::Llm if run.inputs().get("messages").is_some() => "chat_model",
        kind => kind.as_str(),
    }
}

/// What a run gave, as its reader knows it: a chat model's message instead of the generations that are recorded.
fn output(run: &Run) -> Value {
    let output = run.outcome().and_then(|outcome| outcome.output.as_ref()).map(|output| output.as_value().clone());
    let output = output.unwrap_or_default();
    match kind(run) {
        "chat_model" => output.pointer("/generations/0/0/message").cloned().unwrap_or(output),
        _ => output,
    }
}

/// Tells the queue while it has a reader; a config that outlives the reader fills none.
struct Ear(Weak<Queue>);

impl CallbackHandler for Ear {
    fn interest(&self) -> Interest {
        Interest::CHUNKS
    }

    fn on_start(&self, run: &Arc<Run>) {
        let Some(queue) = self.0.upgrade() else { return };
        let data = run.input().map_or_else(|| json!({}), |input| json!({"input": input.as_value()}));
        queue.push(run, format!("on_{}_start", kind(run)), run.name().to_owned(), data);
    }

    fn on_chunk(&self, run: &Arc<Run>, chunk: &Value) {
        let Some(queue) = self.0.upgrade() else { return };
        queue.push(run, format!("on_{}_stream", kind(run)), run.name().to_owned(), json!({"chunk": chunk}));
    }

    fn on_event(&self, run: &Arc<Run>, event: &RunEvent) {
        let Some(queue) = self.0.upgrade() else { return };
        if event.custom {
            // It happened below the run: it carries what the run hands on, not the tags of the run's own place.
            let below = RunnableConfig::under(run);
            queue.deliver(StreamEvent {
                event: "on_custom_event".into(),
                name: event.name.to_string(),
                run_id: run.id(),
                parent_ids: run.parent_ids(),
                tags: below.tags().to_vec(),
                metadata: below.metadata().clone(),
                data: event.data.clone(),
            });
        }
    }

    fn on_end(&self, run: &Arc<Run>) {
        let Some(queue) = self.0.upgrade() else { return };
        let input = run.input().map(|input| input.as_value().clone());
        match run.status() {
            Status::Success => {
                let mut data = json!({"output": output(run)});
                if let Some(input) = input {
                    data["input"] = input;
                }
                queue.push(run, format!("on_{}_end", kind(run)), run.name().to_owned(), data);
            }
            Status::Error if run.run_type() == RunType::Tool => {
                let error = run.error().map(ToString::to_string);
                let data = json!({"error": error, "input": input});
                queue.push(run, "on_tool_error".into(), run.name().to_owned(), data);
            }
            _ => {}
        }
    }
}

struct Events<'a, O> {
    chunks: Option<Chunks<'a, O>>,
    queue: Arc<Queue>,
    filter: EventFilter,
    /// What the call was given, until the first event has told it.
    given: Option<Value>,
    /// The run of the first event.
    first: Option<Uuid>,
    failed: Option<runtree_core::Error>,
}

impl<O> Unpin for Events<'_, O> {}

impl<O> Events<'_, O> {
    /// The first event that is delivered tells what the call was given, whatever run it is of; the end of that run does
    /// not tell it again.
    fn tell_input(&mut self, event: &mut StreamEvent) {
        let Some(data) = event.data.as_object_mut() else { return };
        if let Some(given) = self.given.take() {
            data.insert("input".into(), given);
            self.first = Some(event.run_id);
        } else if self.first == Some(event.run_id) && event.event.ends_with("_end") {
            data.remove("input");
        }
    }
}

impl<O> Stream for Events<'_, O> {
    type Item = Result<StreamEvent>;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let next = this.queue.waiting().events.pop_front();
            if let Some(mut event) = next {
                if !this.filter.passes(&event) {
                    continue;
                }
                this.tell_input(&mut event);
                return Poll::Ready(Some(Ok(event)));
            }
            let Some(chunks) = &mut this.chunks else {
                return Poll::Ready(this.failed.take().map(Err));
            };
            match chunks.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => (this.chunks, this.failed) = (None, Some(error)),
                Poll::Ready(None) => this.chunks = None,
                Poll::Pending => {
                    let mut waiting = this.queue.waiting();
                    if waiting.events.is_empty() {
                        waiting.waker = Some(cx.waker().clone());
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}
