//! Hands its input on.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_stream::try_stream;
use futures::TryStreamExt;
use runtree_core::{Chunks, Fields, Fold, Payload, Result, Runnable, RunnableConfig};

use crate::sequence::pipe_operator;
use crate::{IntoRunnable, RunnableAssign};

type Look<T> = Arc<dyn Fn(&T) + Send + Sync>;

/// Hands its input on, chunk by chunk.
///
/// In a [`RunnableParallel`](crate::RunnableParallel) it keeps the input beside what the other branches make of it.
pub struct RunnablePassthrough<T> {
    look: Option<Look<T>>,
    ends: PhantomData<fn(T) -> T>,
}

impl<T: Payload> RunnablePassthrough<T> {
    /// Hands everything on.
    pub fn new() -> Self {
        Self { look: None, ends: PhantomData }
    }

    /// Shows the whole input to `look`: before it is handed on, or when its last chunk has been. It is not traced, and
    /// changes nothing.
    pub fn looking(look: impl Fn(&T) + Send + Sync + 'static) -> Self {
        Self { look: Some(Arc::new(look)), ends: PhantomData }
    }
}

impl RunnablePassthrough<Fields> {
    /// Hands on a map with a computed field added: see [`RunnableAssign`].
    pub fn assign<R, Marker>(key: impl Into<String>, value: R) -> RunnableAssign<Fields>
    where
        R: IntoRunnable<Marker, Input = Fields>,
        R::Runnable: 'static,
    {
        RunnableAssign::new().with(key, value)
    }
}

impl<T: Payload> Default for RunnablePassthrough<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Payload> Runnable for RunnablePassthrough<T> {
    type Input = T;
    type Output = T;

    fn name(&self) -> Cow<'static, str> {
        "RunnablePassthrough".into()
    }

    async fn call(&self, input: T, _config: &RunnableConfig) -> Result<T> {
        if let Some(look) = &self.look {
            look(&input);
        }
        Ok(input)
    }

    fn call_stream<'a>(&'a self, mut input: Chunks<'a, T>, _config: RunnableConfig) -> Chunks<'a, T> {
        let Some(look) = &self.look else { return input };
        Box::pin(try_stream! {
            let mut seen = Fold::new();
            while let Some(chunk) = input.try_next().await? {
                seen.push(chunk.clone());
                yield chunk;
            }
            if let Some(seen) = seen.get() {
                look(seen);
            }
        })
    }
}

impl<T> Clone for RunnablePassthrough<T> {
    fn clone(&self) -> Self {
        Self { look: self.look.clone(), ends: PhantomData }
    }
}

impl<T> fmt::Debug for RunnablePassthrough<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunnablePassthrough")
    }
}

pipe_operator! {
    [T,] RunnablePassthrough<T>;
}
