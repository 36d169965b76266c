//! A config for tests, whose runs are checked when the test ends.

use std::fmt;
use std::ops::Deref;

use runtree_core::RunnableConfig;

use super::InMemory;

/// A new root config whose runs are kept, and what keeps them.
///
/// When the second is dropped it [checks](InMemory::assert_sound) all runs, so every test that begins with it also
/// tests that each run ended once and in its place.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_tracing::handlers::traced;
///
/// struct Double;
///
/// impl Runnable for Double {
///     type Input = i64;
///     type Output = i64;
///     async fn call(&self, number: i64, _: &RunnableConfig) -> Result<i64> {
///         Ok(number * 2)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (config, trace) = traced();
/// assert_eq!(Double.invoke(3, &config).await, Ok(6));
/// trace.assert_tree("Double");
/// assert_eq!(trace.get("Double").outputs().unwrap()["output"], 6);
/// # }
/// ```
#[track_caller]
pub fn traced() -> (RunnableConfig, Traced) {
    let trace = Traced::new(InMemory::new());
    (RunnableConfig::root().with_handler(trace.handler()), trace)
}

/// What [`traced`] keeps: an [`InMemory`] that checks itself.
///
/// # Drop
/// Asserts that the trace is sound, unless the test is failing already.
#[must_use = "the trace is checked when this is dropped"]
pub struct Traced {
    memory: InMemory,
    checked: bool,
}

impl Traced {
    /// A guard that checks what `memory` keeps.
    pub fn new(memory: InMemory) -> Self {
        Self { memory, checked: true }
    }

    /// Leaves the trace unchecked, for tests of traces that are broken on purpose.
    pub fn unchecked(mut self) -> InMemory {
        self.checked = false;
        self.memory.clone()
    }
}

impl Deref for Traced {
    type Target = InMemory;
    fn deref(&self) -> &InMemory {
        &self.memory
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if self.checked && !std::thread::panicking() {
            self.memory.assert_sound();
        }
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.memory.fmt(f)
    }
}
