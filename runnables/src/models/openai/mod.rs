//! Chat models behind servers that speak OpenAI's chat API: OpenAI itself, Ollama, llama.cpp, vLLM and many more.
//!
//! ```no_run
//! use runtree_core::{Result, Runnable, RunnableConfig};
//! use runtree_runnables::models::openai::{ChatOllama, ChatOpenAI};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let config = &RunnableConfig::root();
//! let model = ChatOpenAI::new("gpt-4o-mini")?; // the key is in OPENAI_API_KEY
//! println!("{}", model.invoke("Say hello.".into(), config).await?.text());
//!
//! let local = ChatOllama::new("llama3.2")?; // at OLLAMA_HOST, or on this machine
//! println!("{}", local.invoke("Say hello.".into(), config).await?.text());
//! # Ok(()) }
//! ```
//!
//! # Errors
//!
//! | kind | when |
//! | --- | --- |
//! | [`Configuration`](runtree_core::ErrorKind::Configuration) | a setting is missing or cannot be used; told before any request |
//! | [`Authentication`](runtree_core::ErrorKind::Authentication) | HTTP 401 and 403 |
//! | [`NotFound`](runtree_core::ErrorKind::NotFound) | HTTP 404: an unknown model, or no such API at the base URL |
//! | [`RateLimited`](runtree_core::ErrorKind::RateLimited) | HTTP 429, with the wait that the server asks for |
//! | [`Timeout`](runtree_core::ErrorKind::Timeout) | HTTP 408, or nothing came for the [read timeout](Builder::read_timeout) |
//! | [`Transport`](runtree_core::ErrorKind::Transport) | no server, a lost connection, an answer cut short or unreadable, HTTP 502 to 504 |
//! | [`Provider`](runtree_core::ErrorKind::Provider) | anything else that the server says |
//!
//! Nothing is tried again here: `with_retry` does that, each try a run of its own. A key appears in no error, no
//! trace and no `Debug`.
//!
//! # Runtime
//!
//! A tokio runtime must be running. A dropped call or stream hangs up, so the server can stop its work.

mod client;
mod failure;
mod model;
mod place;
mod reply;
mod request;
mod settings;

pub use model::{ChatOllama, ChatOpenAI, OpenAiCompatible};
pub use place::{Ollama, OpenAi, Service};
pub use settings::Builder;
