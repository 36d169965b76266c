//! Runs to an OpenTelemetry backend, over OTLP: protobuf over HTTP, or gRPC with the feature `otlp-grpc`.
//!
//! ```no_run
//! use std::time::Duration;
//! use runtree_core::RunnableConfig;
//! use runtree_tracing::otlp::Otlp;
//!
//! # fn main() -> runtree_core::Result<()> {
//! let otlp = Otlp::to("http://127.0.0.1:6006") // a Phoenix
//!     .with_service_name("shop")
//!     .with_openinference()
//!     .start()?;
//! let config = RunnableConfig::root().with_handler(otlp.handler());
//! // … runs under `config` …
//! let receipt = otlp.close(Duration::from_secs(5));
//! assert!(receipt.is_balanced());
//! # Ok(()) }
//! ```
//!
//! # Spans
//!
//! A run becomes a span when it has ended; that it opened is not told.
//!
//! | of a span | from |
//! |---|---|
//! | trace id | the 16 bytes of the trace's id |
//! | span id, parent's span id | the last 8 bytes of the run's id, of its parent's id: what `traceparent` says, too. A span of another service that called this one with a `traceparent` is the parent by its own id |
//! | flags | sampled; whether the parent is in another process |
//! | name, times | the run's |
//! | kind | client for a call of a model whose provider is known, server for the run of a request (`RunPerRequest`), else internal |
//! | status | error with the run's error, also if it was cancelled or panicked; else ok |
//! | events | the run's own, but for the marks of its start and end; what they say becomes attributes, `message` if it is text, `value` if it is no map. Then `exception` with `exception.type` and `exception.message`, if it failed |
//! | links | from a root that was not meant to be one to the run that it was lost from (`runtree.link` says `lost_from`) |
//! | scope | `runtree` and its version |
//!
//! Files attached to runs are not sent.
//!
//! # Attributes
//!
//! `ls_…` and `usage_metadata` are keys of a run's metadata. Texts longer than 64 KiB are
//! [cut](OtlpBuilder::with_attribute_limit), and end with `… [cut: N bytes in all]`; JSON that was cut is no JSON.
//! Metadata and what events say stay numbers, truths and texts, and are JSON text otherwise.
//!
//! Always:
//!
//! | attribute | from |
//! |---|---|
//! | `error.type` | the error's kind, as `rate_limited` |
//! | `gen_ai.conversation.id` | metadata `session_id`, `conversation_id` or `thread_id` |
//! | `gen_ai.operation.name` | `chat` or `text_completion` (by `ls_model_type`), `execute_tool`, `retrieval`, `embeddings` |
//! | `gen_ai.provider.name`, `gen_ai.system` | `ls_provider` of models |
//! | `gen_ai.request.model`, `….temperature`, `….max_tokens`, `….stop_sequences` | `ls_model_name`, `ls_temperature`, `ls_max_tokens`, `ls_stop` |
//! | `gen_ai.request.top_p`, `….top_k`, `….frequency_penalty`, `….presence_penalty`, `….seed` | `ls_invocation_params` |
//! | `gen_ai.usage.input_tokens`, `….output_tokens`, `….cache_read.input_tokens`, `….cache_creation.input_tokens` | `usage_metadata` of metadata, else of the outputs |
//! | `gen_ai.input.messages`, `gen_ai.output.messages` | a model's messages, in LangChain's form or OpenAI's |
//! | `gen_ai.response.id`, `….model`, `….finish_reasons` | the answer's message |
//! | `gen_ai.tool.name`, `….type`, `….call.id`, `….call.arguments`, `….call.result` | a tool's name, `function`, metadata `tool_call_id`, inputs, outputs |
//! | `http.*`, `url.*`, `rpc.*` | metadata of the run of a request |
//!
//! LangSmith's, unless [left out](OtlpBuilder::without_langsmith):
//!
//! | attribute | from |
//! |---|---|
//! | `langsmith.span.kind`, `langsmith.trace.name` | run type, name |
//! | `langsmith.span.id`, `langsmith.trace.id`, `langsmith.span.parent_id`, `langsmith.span.dotted_order` | whole ids |
//! | `langsmith.trace.session_name` | the project |
//! | `langsmith.span.tags` | tags, with `, ` between them |
//! | `langsmith.metadata.*` | metadata; `truncated`, `cancelled`, `late` and `lost_from` among it, where they are so |
//! | `langsmith.usage_metadata` | `usage_metadata`, whole |
//! | `gen_ai.prompt`, `gen_ai.completion` | inputs and outputs, as JSON |
//!
//! OpenInference's, [if asked for](OtlpBuilder::with_openinference):
//!
//! | attribute | from |
//! |---|---|
//! | `openinference.span.kind` | `LLM`, `TOOL`, `RETRIEVER`, `EMBEDDING`, `PROMPT`, else `CHAIN` |
//! | `input.value`, `output.value`, with `….mime_type` | inputs and outputs: as they are if they are one text, else JSON |
//! | `session.id`, `user.id` | as `gen_ai.conversation.id`; metadata `ls_user_id` or `user_id` |
//! | `tag.tags`, `metadata` | tags; metadata as JSON |
//! | `llm.model_name`, `llm.provider`, `llm.system`, `llm.invocation_parameters` | as for `gen_ai.request.*` |
//! | `llm.token_count.prompt`, `….completion`, `….total`, `….prompt_details.*`, `….completion_details.*` | `usage_metadata` |
//! | `llm.input_messages.N.message.*`, `llm.output_messages.N.message.*` | a model's messages: role, content, name, calls of tools |
//! | `embedding.model_name`, `tool.name` | `ls_model_name`, the tool's name |
//! | `retrieval.documents.N.document.*` | a retriever's documents: id, content, score, metadata |
//!
//! The resource says `service.name`, `telemetry.sdk.name` (`runtree`), `….language` (`rust`) and `….version`, then what
//! [`with_resource_attribute`](OtlpBuilder::with_resource_attribute) added; with OpenInference's names
//! `openinference.project.name`.
//!
//! # Environment
//!
//! What [`Otlp::from_env`] reads. A value that cannot be read counts as none.
//!
//! | variable | what it says | default |
//! |---|---|---|
//! | `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` | the address for spans, as it is | |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | the address for all signals; `/v1/traces` is added, not for gRPC | see below |
//! | `OTEL_EXPORTER_OTLP_TRACES_HEADERS`, then `OTEL_EXPORTER_OTLP_HEADERS` | `name=value,…`, values in percent form | none |
//! | `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, then `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf` or `grpc`; for `http/json`, protobuf is sent, which such servers take | `http/protobuf` |
//! | `OTEL_SERVICE_NAME` | `service.name` | that of the next, else `unknown_service:` and the program's name |
//! | `OTEL_RESOURCE_ATTRIBUTES` | `key=value,…`, values in percent form | none |
//! | `LANGSMITH_TRACING` and `LANGSMITH_TRACING_MODE` | `true` with `otel` or `hybrid` sends spans to LangSmith, where no address is named above: `LANGSMITH_ENDPOINT` with `/otel/v1/traces`, with the headers `x-api-key` (`LANGSMITH_API_KEY`) and `langsmith-project` | spans go nowhere |
//! | `LANGSMITH_PROJECT` | the project of runs whose config names none | `default` |
//! | `LANGSMITH_TRACING_SAMPLING_RATE` | share of traces kept, 0 to 1 | 1 |
//! | `LANGSMITH_HIDE_INPUTS`, `LANGSMITH_HIDE_OUTPUTS`, `LANGSMITH_HIDE_METADATA` | `true` leaves them out | `false` |
//! | `LANGSMITH_MAX_INGEST_MEMORY_BYTES` | bytes that may wait in memory | 1,073,741,824 |
//! | `RUNTREE_SPOOL_DIR` | folder where spans wait on disk | |
//! | `RUNTREE_DURABILITY` | `memory`, `process-crash-safe` or `power-safe` | `memory`; with a spool folder `process-crash-safe` |
//!
//! # Delivery
//!
//! As for LangSmith, nothing is lost that a [`Durability`](crate::export::Durability) covers, and a
//! [`Receipt`](crate::export::Receipt) accounts for every span. OTLP has no way to ask whether a span is there: an answer
//! that is lost or late may mean that all was stored, and the request is sent again (`retries` in the
//! [`Stats`](crate::export::Stats)). Backends tell such spans apart by their ids, or show them twice.
//!
//! | answer over HTTP | what follows |
//! |---|---|
//! | 2xx with protobuf, JSON or nothing in it | stored; as many as `rejected_spans` says are counted as refused, and are in no dead letter, as no one knows which they are |
//! | 2xx with anything else, 408, 425, 429, 5xx, none at all | again later, not before `Retry-After` |
//! | 400, 422 | one is bad: looked for by halves, and refused |
//! | 413 | in halves; one alone, with its texts cut at 1 KiB |
//! | 401, 403, 404, redirects, all other 4xx | all is kept, and tried again every 30 s |
//!
//! gRPC's codes mean the same: `INVALID_ARGUMENT` is bad; `UNAUTHENTICATED`, `PERMISSION_DENIED`, `NOT_FOUND`,
//! `UNIMPLEMENTED` and `FAILED_PRECONDITION` hold; all others are tried again later, not before the delay of a `RetryInfo`.
//! OTLP would have a client give spans up after a 500, `UNKNOWN` or `INTERNAL`; here they are kept and sent again.

mod attributes;
mod conventions;
mod encoding;
mod facts;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod handler;
mod http;
mod protocol;
mod request;
mod resource;
mod rpc;
mod span;

use crate::{environment, redaction, sampling};

pub use handler::{Otlp, OtlpBuilder};

#[cfg(test)]
mod tests;
