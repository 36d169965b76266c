//! Every public type goes to other threads and can be looked at, and those that are handed about can be cloned. That it
//! compiles is the proof.

use std::fmt::Debug;

use runtree::graph::{Curve, Direction, Edge, Graph, Mermaid, Node, NodeId, NodeKind};
use runtree::messages::{
    AiMessage, Block, ChatMessage, Content, ImageSource, InvalidToolCall, Message, PlainMessage, PromptValue, ToolCall,
    ToolCallChunk, ToolMessage, ToolStatus, UsageMetadata,
};
use runtree::models::{CallOptions, ModelInfo, ResponseFormat, ToolChoice, ToolSpec, fake};
use runtree::parsers::{
    CommaSeparatedListOutputParser, JsonOutputParser, JsonOutputToolsParser, MarkdownListOutputParser,
    NumberedListOutputParser, OutputParserError, StrOutputParser,
};
use runtree::prelude::*;
use runtree::prompts::{
    ChatPromptTemplate, FewShotPromptTemplate, MessageTemplate, MessagesPlaceholder, PromptTemplate, SingleInput,
    Template,
};
use runtree::shape::{ConfigSpec, Parts, Shape};
use runtree::tracing::handlers::{Console, InMemory, Jsonl, Traced};
use runtree::tracing::propagation::Headers;
use runtree::{
    Accepting, CancellationToken, ConfigurableField, EventFilter, Field, Flow, Fold, Gate, Group, Interest, Listeners,
    LostContext, Merge, Moment, Next, OnError, Opaque, Opening, Origin, Outcome, Passing, Record, Routed,
    RouterRunnable, Run, RunEvent, RunGuard, RunType, RunnableAssign, RunnableBinding,
    RunnableConfigurableAlternatives, RunnableConfigurableFields, RunnableEach, RunnableJson, RunnablePick,
    RunnableRetry, RunnableSequence, RunnableTuple, RunnableWithFallbacks, Status, StreamEvent,
};

type Step = BoxRunnable<String, String>;
type Function = fn(String) -> String;

fn shared<T: Send + Sync + Debug + 'static>() {}
fn handed_about<T: Send + Sync + Debug + Clone + 'static>() {}

macro_rules! all {
    ($promise:ident: $($type:ty),+ $(,)?) => {$($promise::<$type>();)+};
}

#[test]
fn what_is_handed_about_is_send_sync_debug_and_clone() {
    // core
    all!(handed_about:
        Step, CancellationToken, ConfigPatch, ConfigSpec, Error, ErrorKind, Field, Fields, Flow, Fold<String>, Interest,
        Json<String>, LostContext, Merge, Moment, OnError, Opaque<String>, Origin, Outcome, Parts, Record, RunEvent,
        RunType, RunnableConfig, Shape, Status,
    );
    // combinators
    all!(handed_about:
        Accepting<Step, String>, ConfigurableField, EventFilter, Listeners, RetryPolicy, Routed<String>,
        RouterRunnable<String, String>, RunnableAssign, RunnableBinding<Step>, RunnableBranch<String, String>,
        RunnableConfigurableAlternatives<String, String>, RunnableConfigurableFields<Step>, RunnableEach<Step>,
        RunnableJson<Step>, RunnableParallel<String>, RunnablePassthrough<String>, RunnablePick<Fields, String>,
        RunnableRetry<Step>, RunnableSequence<Step, Step>, RunnableTuple<(Step, Step), Function, String>,
        RunnableWithFallbacks<String, String>, StreamEvent,
    );
    // components
    all!(handed_about:
        AiMessage, Block, ChatMessage, Content, ImageSource, InvalidToolCall, Message, PlainMessage, PromptValue,
        ToolCall, ToolCallChunk, ToolMessage, ToolStatus, UsageMetadata, CallOptions, ModelInfo,
        ResponseFormat, ToolChoice, ToolSpec, fake::ParrotFakeChatModel, fake::GenericFakeChatModel, fake::FakeListChatModel, fake::FakeMessagesListChatModel, fake::FakeListLLM, fake::FakeStreamingListLLM, CommaSeparatedListOutputParser,
        JsonOutputParser, JsonOutputToolsParser, MarkdownListOutputParser, NumberedListOutputParser, StrOutputParser,
        ChatPromptTemplate, FewShotPromptTemplate, MessageTemplate, MessagesPlaceholder, PromptTemplate, SingleInput<PromptTemplate, String>,
        Template, Curve, Direction, Edge, Graph, Mermaid, Node, NodeId, NodeKind,
    );
    // tracing
    all!(handed_about: Headers, InMemory, RunTree);
}

#[test]
fn what_has_one_owner_is_send_sync_and_debug() {
    all!(shared:
        Gate, Group, Next<String, String>, Opening, OutputParserError, Passing<std::future::Ready<()>>, Run, RunGuard,
        Console, Jsonl, Traced,
    );
}

#[test]
fn functions_as_runnables_are_as_shared_as_their_functions() {
    fn promised<T: Runnable + Debug + Clone + 'static>(_: T) {}
    promised(RunnableLambda::new("new", async |text: String, _| Ok(text)));
    promised(RunnableLambda::with("with", 7, async |_: &i32, text: String, _| Ok(text)));
    promised(RunnableLambda::sync("sync", |text: String, _| Ok(text)));
    promised(RunnableLambda::map("map", |text: String| text));
    promised(RunnableGenerator::per_chunk("per_chunk", |text: String| text));
    promised(RunnableGenerator::of_whole("of_whole", |text: String, _| Box::pin(futures::stream::iter([Ok(text)]))));
}

#[test]
fn calls_and_streams_go_to_other_threads() {
    fn sent<T: Send>(_: &T) {}
    fn checked<R: Runnable<Input = String, Output = String> + Clone + 'static>(step: R) {
        let config = RunnableConfig::root();
        sent(&step.invoke(String::new(), &config));
        sent(&step.batch(vec![], &config));
        sent(&step.try_batch(vec![], &config));
        sent(&step.batch_as_completed(vec![], &config));
        sent(&step.stream(String::new(), &config));
        sent(&step.stream_events(String::new(), &config, EventFilter::all()));
        sent(&step.clone().into_stream(String::new(), &config));
    }
    let step = || RunnableLambda::map("map", |text: String| text);
    checked(step());
    checked(step().pipe(step()));
    checked(step().boxed());
    checked(step().with_retry(RetryPolicy::new()).with_fallbacks([step().boxed()]));
}
