//! Models that answer what they were told, for tests and examples: no network, no waiting, the same every time.
//!
//! ```
//! use runtree_core::{Result, Runnable, RunnableConfig};
//! use runtree_runnables::models::fake::FakeListChatModel;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let model = FakeListChatModel::new(["yes", "no"]);
//! let config = &RunnableConfig::root();
//! assert_eq!(model.invoke("Is it so?".into(), config).await?.text(), "yes");
//! assert_eq!(model.invoke("Really?".into(), config).await?.text(), "no");
//! assert_eq!(model.invoke("Are you sure?".into(), config).await?.text(), "yes");
//! # Ok(()) }
//! ```
//!
//! Clones of a fake share the place in its list.

mod cycle;
mod generic;
mod list;
mod list_llm;
mod messages;
mod parrot;

pub use generic::{GenericFakeChatModel, GenericModel};
pub use list::{FakeListChatModel, ListModel};
pub use list_llm::{FakeListLLM, FakeStreamingListLLM, ListLlm};
pub use messages::{FakeMessagesListChatModel, MessagesListModel};
pub use parrot::{ParrotFakeChatModel, ParrotModel};
