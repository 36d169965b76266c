//! Runnables that compose: sequences, parallels, branches, retries, fallbacks; prompts, models and parsers.
//!
//! One file a combinator, named after the method or type that makes it.

mod accepting;
mod assign;
mod batch;
mod bind;
mod binding;
mod branch;
mod coerce;
mod configurable;
mod each;
mod erased;
mod events;
mod ext;
mod fallbacks;
mod generator;
pub mod graph;
mod json;
mod lambda;
mod listeners;
pub mod messages;
pub mod models;
mod parallel;
pub mod parsers;
mod passthrough;
mod pick;
pub mod prompts;
mod retry;
mod router;
mod schema;
mod sequence;
mod tee;
mod tuple;

pub use accepting::Accepting;
pub use assign::RunnableAssign;
pub use bind::Bind;
pub use binding::RunnableBinding;
pub use branch::{ByReference, Condition, RunnableBranch};
pub use coerce::{Branches, Function, IntoRunnable, Itself};
pub use configurable::{ConfigurableField, RunnableConfigurableAlternatives, RunnableConfigurableFields};
pub use each::RunnableEach;
pub use events::{EventFilter, StreamEvent};
pub use ext::RunnableExt;
pub use fallbacks::RunnableWithFallbacks;
pub use generator::{GeneratorFn, RunnableGenerator};
pub use json::RunnableJson;
pub use lambda::{LambdaFn, Next, RunnableChoice, RunnableLambda};
pub use listeners::Listeners;
pub use parallel::RunnableParallel;
pub use passthrough::RunnablePassthrough;
pub use pick::RunnablePick;
pub use retry::{RetryPolicy, RunnableRetry};
pub use router::{Routed, RouterRunnable};
pub use sequence::RunnableSequence;
pub use tuple::{AsItIs, Branched, RunnableTuple, parallel};
