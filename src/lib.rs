//! Compose *runnables* (prompts, models, parsers, tools, plain functions) into chains whose runs always land in the
//! right place of one trace tree.
//!
//! # A chain
//!
//! A [`Runnable`] is a unit of work with typed input and output. Two of them [`pipe`](RunnableExt::pipe) into a
//! third; that is all there is to composition.
//!
//! ```
//! use runtree::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let shout = RunnableLambda::new("shout", async |text: String, _| Ok(text.to_uppercase()));
//! let chain = shout.pipe(|text: String| format!("{text}!"));
//!
//! assert_eq!(chain.invoke("hey".into(), &RunnableConfig::root()).await?, "HEY!");
//! # Ok(()) }
//! ```
//!
//! | to | use |
//! | --- | --- |
//! | run one after another | [`pipe`](RunnableExt::pipe); or a vertical bar between runnables, the left one not boxed and not hand-written |
//! | run side by side | [`RunnableParallel`] for a map, [`parallel`] for a tuple or struct |
//! | choose | [`RunnableBranch`] by condition, [`RouterRunnable`] by key, [`RunnableChoice`] by code |
//! | carry fields along | [`RunnablePassthrough`], [`assign`](RunnableExt::assign), [`pick`](RunnableExt::pick) |
//! | run on each element of a list | [`each`](RunnableExt::each) |
//! | survive failures | [`with_retry`](RunnableExt::with_retry), [`with_fallbacks`](RunnableExt::with_fallbacks) |
//! | set things beforehand | [`with_config`](RunnableExt::with_config), [`bind`](Bind::bind) |
//! | set things per call | [`configurable_field`](RunnableExt::configurable_field), [`configurable_alternatives`](RunnableExt::configurable_alternatives) |
//! | make a runnable of a function | [`RunnableLambda`], [`RunnableGenerator`] for functions of streams |
//! | write one from scratch | `impl` [`Runnable`]: one `async fn call` |
//!
//! A step that may fail is a [`RunnableLambda::sync`], one that awaits a [`RunnableLambda::new`], one that needs
//! something besides its input a [`RunnableLambda::with`]. Where two steps' types differ by a conversion,
//! [`accepting`](RunnableExt::accepting) makes it: text for a model, JSON or a struct for a prompt.
//!
//! ```
//! use runtree::models::fake::FakeListChatModel;
//! use runtree::parsers::JsonOutputParser;
//! use runtree::prelude::*;
//! use runtree::prompts::ChatPromptTemplate;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let prompt = ChatPromptTemplate::new([("human", "The capital of {country}, as JSON.")])?;
//! let model = FakeListChatModel::new([r#"{"city": "Paris"}"#]);
//! let city = prompt.pipe(model).pipe(JsonOutputParser::new()).pick_as::<String>("city");
//! assert_eq!(city.invoke(fields! { "country" => "France" }, &RunnableConfig::root()).await?, "Paris");
//! # Ok(()) }
//! ```
//!
//! Many inputs go through [`batch`](Runnable::batch): one result for each, in order.
//! [`try_batch`](RunnableExt::try_batch) gives all outputs or the first error, [`batch_with`](Runnable::batch_with) takes
//! a config for each input, [`batch_as_completed`](Runnable::batch_as_completed) gives each result when it is there.
//!
//! Documentation of the crates that this one re-exports names them in its examples: read `runtree_core` and
//! `runtree_runnables` as `runtree`, `runtree_tracing` as `runtree::tracing`. Import from the [`prelude`] and by name;
//! `use runtree::*` would hide the `tracing` crate.
//!
//! # The config
//!
//! Every call takes a [`&RunnableConfig`](RunnableConfig). It says who listens, carries tags and metadata down, and
//! knows the run that the call is inside of. A function gets the config of its own run; what it calls, it hands that
//! config:
//!
//! ```
//! use runtree::prelude::*;
//! use runtree::tracing::handlers::traced;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let child = RunnableLambda::new("child", async |n: i64, _| Ok(n * 10));
//! let parent = RunnableLambda::with("parent", child, async |child, n: i64, config| child.invoke(n + 1, config).await);
//!
//! let (config, trace) = traced();
//! assert_eq!(parent.invoke(1, &config).await?, 20);
//! assert_eq!(trace.tree(), "parent\n  child");
//! # Ok(()) }
//! ```
//!
//! There is no ambient parent, so none can be lost: not in a task, not in a thread, not in a stream that is polled
//! elsewhere. A call without a config does not compile. A new trace begins with [`RunnableConfig::root`], and a root
//! that opens inside another run's code is [reported](on_lost_context), once per call site, and
//! [marked](Run::lost_from).
//!
//! # Streaming
//!
//! [`stream`](Runnable::stream) gives the output chunk by chunk; [`transform`](Runnable::transform) takes the input so,
//! too. A chain streams as far as its steps do: [`Flow`] says how a step meets a stream, and
//! `chain.graph()` tells it of a whole chain. Folded by [`Payload::merge`], the chunks are what
//! [`invoke`](Runnable::invoke) gives.
//!
//! ```
//! use futures::TryStreamExt;
//! use runtree::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let letters = RunnableGenerator::of_whole("letters", |text: String, _| {
//!     let letters: Vec<_> = text.chars().map(|letter| Ok(letter.to_string())).collect();
//!     Box::pin(futures::stream::iter(letters))
//! });
//! let chain = letters.pipe(RunnableGenerator::per_chunk("upper", |text: String| text.to_uppercase()));
//! let chunks: Vec<String> = chain.stream("abc".into(), &RunnableConfig::root()).try_collect().await?;
//! assert_eq!(chunks, ["A", "B", "C"]);
//! # Ok(()) }
//! ```
//!
//! [`stream_events`](RunnableExt::stream_events) tells everything that happens inside, as one flat stream.
//!
//! # Runs
//!
//! While somebody listens (see [`CallbackHandler`] and [`tracing::handlers`]), each call is a [`Run`]. It opens and
//! closes exactly once: on return, error, panic, drop of its future or stream, cancellation, or deadline; and after
//! all runs below it. While nobody listens, no run is made, and nothing is paid for it.
//!
//! Plain code takes part through [`tracing`]: [`#[traceable]`](tracing::traceable) functions, [`trace`](tracing::trace)
//! blocks, and [`RunTree`](tracing::RunTree)s, which turn into configs and back.
//!
//! # Errors
//!
//! One type, [`Error`], with a [kind](ErrorKind) for programs, a message for people, the path of runnables it passed
//! through, and its source. Foreign errors come in by [`or_fail`](ResultExt::or_fail) or [`Error::other`].
//!
//! # Stopping
//!
//! Drop the future or the stream: everything below stops with it, and its runs close as
//! [cancelled](Status::Cancelled) or [truncated](Status::Truncated), with what they had given. Or give a
//! [token](RunnableConfig::with_cancellation) or a [timeout](RunnableConfig::with_timeout):
//!
//! ```
//! use std::time::Duration;
//! use runtree::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let slow = RunnableLambda::new("slow", async |(): (), _| Ok(tokio::time::sleep(Duration::from_secs(3600)).await));
//! let config = RunnableConfig::root().with_timeout(Duration::from_millis(1));
//! assert_eq!(slow.invoke((), &config).await.unwrap_err().kind(), ErrorKind::Timeout);
//! # }
//! ```
//!
//! # Coming from Python
//!
//! | LangChain, LangSmith | here |
//! | --- | --- |
//! | `ainvoke`, `astream`, `abatch_as_completed` | `invoke`, `stream`, `batch_as_completed`: all is async |
//! | `batch(.., return_exceptions=True)` | [`batch`](Runnable::batch); without the flag [`try_batch`](RunnableExt::try_batch) |
//! | `.map()` | [`each`](RunnableExt::each) |
//! | a function that returns a runnable | [`RunnableChoice`] with [`Next`] |
//! | `{"a": x, "b": y}` in a chain | [`RunnableParallel`], or an array of names and boxed runnables |
//! | `chain.with_config(tags=..)` | `chain.with_config(ConfigPatch::new().tag(..))` |
//! | `model.bind(stop=..)` | <code>model.[bind](Bind::bind)(\|options\| options.stop = ..)</code> |
//! | `with_fallbacks(.., exception_key="error")` | [`with_error_under`](RunnableWithFallbacks::with_error_under) |
//! | `astream_events(version="v2", include_types=..)` | [`stream_events`](RunnableExt::stream_events) with [`EventFilter::include_kinds`] |
//! | `adispatch_custom_event` | [`config.emit`](RunnableConfig::emit) |
//! | `callbacks=[handler]` | [`with_handler`](RunnableConfig::with_handler) |
//! | `langsmith_extra={"parent": run_tree}` | the function's parent argument |
//! | `RunTree(..).create_child(..)` | [`RunTree::open`](tracing::RunTree::open), [`child`](tracing::RunTree::child) |
//! | `get_current_run_tree()`, a config as parent | [`RunTree::from_config`](tracing::RunTree::from_config) |
//! | `tracing_context(parent=run_tree)` | [`run_tree.to_config()`](tracing::RunTree::to_config), handed on |
//! | `trace_as_chain_group` | [`group`](tracing::group) |
//!
//! # Features
//!
//! `openai`: models behind OpenAI-compatible servers, Ollama among them. `jinja`: prompts in that language. `console` (on by default): runs shown live in
//! a terminal. `tracing-layer`: spans of the `tracing` crate as runs, and back. `full`: all of them.

pub use runtree_core::*;
#[doc(inline)]
pub use runtree_macros::{Payload, traceable};
pub use runtree_runnables::*;

/// Doors into the tree for plain code, and ways out of it.
pub mod tracing {
    #[doc(inline)]
    pub use crate::traceable;
    pub use runtree_tracing::*;
}

/// What most programs need: `use runtree::prelude::*;`.
pub mod prelude {
    pub use crate::{Payload, traceable};
    pub use runtree_core::{
        BoxRunnable, Chunks, ConfigPatch, Error, ErrorKind, Fields, Json, Result, ResultExt, Runnable, RunnableConfig,
        fields,
    };
    pub use runtree_runnables::{
        Bind, ConfigurableField, EventFilter, Listeners, Next, RetryPolicy, Routed, RouterRunnable, RunnableAssign,
        RunnableBranch, RunnableChoice, RunnableExt, RunnableGenerator, RunnableLambda, RunnableParallel,
        RunnablePassthrough, parallel,
    };
    pub use runtree_tracing::{RunTree, trace};
}

/// For the macros' expansions only.
#[doc(hidden)]
pub mod __private {
    pub use runtree_core as core;
    pub use runtree_tracing as tracing;
}
