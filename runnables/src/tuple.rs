//! Side by side, with typed outputs.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use futures::future::join;
use runtree_core::shape::Shape;
use runtree_core::{Error, Group, Payload, Result, Runnable, RunnableConfig};

use crate::parallel::key_tag;
use crate::sequence::pipe_operator;

/// Several runnables on the same input, side by side: a tuple of what each gives.
///
/// ```
/// use runtree_runnables::{RunnableLambda, parallel};
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let length = RunnableLambda::map("length", |text: String| text.len());
/// let shout = RunnableLambda::map("shout", |text: String| text.to_uppercase());
/// let both = parallel((length, shout)).named(["length", "shout"]);
/// assert_eq!(both.invoke("hey".into(), &RunnableConfig::root()).await?, (3, "HEY".to_string()));
/// # Ok(()) }
/// ```
///
/// Two to eight runnables. Its run is that of a [`RunnableParallel`](crate::RunnableParallel), its branches tagged
/// `map:key:0`, `map:key:1`, … unless [`named`](RunnableTuple::named). All branches come to their end even if one
/// fails; the error is that of the first. Streamed, it gives one chunk: a tuple has no partial value.
pub fn parallel<T: Branched>(branches: T) -> RunnableTuple<T, AsItIs<T::Outputs>, T::Outputs> {
    let keys = (0..T::COUNT).map(|index| index.to_string()).collect();
    RunnableTuple { branches, keys, map: std::convert::identity, output: PhantomData }
}

/// Leaves the tuple of outputs as it is.
pub type AsItIs<O> = fn(O) -> O;

/// A tuple of runnables that take the same input.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of runnables that take the same input",
    note = "`parallel` takes a tuple of two to eight runnables with equal `Input`"
)]
pub trait Branched: Send + Sync {
    /// How many there are.
    const COUNT: usize;
    /// What each takes.
    type Input: Payload;
    /// What they give.
    type Outputs: Payload;
    /// The shape of each.
    #[doc(hidden)]
    fn shapes(&self) -> Vec<Shape>;
    /// Runs them all.
    #[doc(hidden)]
    fn run(
        &self,
        input: Self::Input,
        config: &RunnableConfig,
        keys: &[String],
    ) -> impl Future<Output = Result<Self::Outputs>> + Send;
}

macro_rules! join_nested {
    ($only:expr) => { $only };
    ($first:expr, $($rest:expr),+) => { join($first, join_nested!($($rest),+)) };
}
macro_rules! nested_pattern {
    ($only:ident) => { $only };
    ($first:ident, $($rest:ident),+) => { ($first, nested_pattern!($($rest),+)) };
}

macro_rules! branched {
    ($($count:literal: $(($branch:ident $value:ident $at:tt))+;)*) => {$(
        impl<In: Payload, $($branch: Runnable<Input = In>),+> Branched for ($($branch,)+) {
            const COUNT: usize = $count;
            type Input = In;
            type Outputs = ($($branch::Output,)+);
            fn shapes(&self) -> Vec<Shape> {
                vec![$(self.$at.shape()),+]
            }
            async fn run(&self, input: In, config: &RunnableConfig, keys: &[String]) -> Result<Self::Outputs> {
                let mut group = Group::new();
                $(let $value = {
                    let (below, gate) = group.item(&config.step(|| key_tag(&keys[$at])));
                    let (input, branch) = (input.clone(), &self.$at);
                    gate.pass(async move { branch.invoke(input, &below).await })
                };)+
                let nested_pattern!($($value),+) = join_nested!($($value),+).await;
                group.done().await;
                Ok(($($value?,)+))
            }
        }
    )*};
}
branched! {
    2: (A a 0) (B b 1);
    3: (A a 0) (B b 1) (C c 2);
    4: (A a 0) (B b 1) (C c 2) (D d 3);
    5: (A a 0) (B b 1) (C c 2) (D d 3) (E e 4);
    6: (A a 0) (B b 1) (C c 2) (D d 3) (E e 4) (F f 5);
    7: (A a 0) (B b 1) (C c 2) (D d 3) (E e 4) (F f 5) (G g 6);
    8: (A a 0) (B b 1) (C c 2) (D d 3) (E e 4) (F f 5) (G g 6) (H h 7);
}

/// Several runnables side by side, their outputs typed: see [`parallel`].
pub struct RunnableTuple<T, M, O> {
    branches: T,
    keys: Vec<String>,
    map: M,
    output: PhantomData<fn() -> O>,
}

impl<T: Branched, M, O> RunnableTuple<T, M, O> {
    /// Names the branches, in their order.
    ///
    /// # Panics
    /// If there are not as many names as branches.
    #[must_use]
    pub fn named<N: Into<String>>(mut self, keys: impl IntoIterator<Item = N>) -> Self {
        self.keys = keys.into_iter().map(Into::into).collect();
        assert_eq!(self.keys.len(), T::COUNT, "a name for each branch");
        self
    }

    /// Gives a struct, or anything else, made of the outputs.
    ///
    /// ```
    /// use runtree_runnables::{RunnableLambda, parallel};
    /// use runtree_core::Json;
    ///
    /// #[derive(Clone, serde::Serialize)]
    /// struct Facts { length: usize, shout: String }
    ///
    /// let facts = parallel((
    ///     RunnableLambda::map("length", |text: String| text.len()),
    ///     RunnableLambda::map("shout", |text: String| text.to_uppercase()),
    /// ))
    /// .named(["length", "shout"])
    /// .into_struct(|(length, shout)| Json(Facts { length, shout }));
    /// ```
    pub fn into_struct<S: Payload, F>(self, make: F) -> RunnableTuple<T, F, S>
    where
        F: Fn(T::Outputs) -> S + Send + Sync,
    {
        RunnableTuple { branches: self.branches, keys: self.keys, map: make, output: PhantomData }
    }
}

impl<T: Branched, M: Fn(T::Outputs) -> O + Send + Sync, O: Payload> Runnable for RunnableTuple<T, M, O> {
    type Input = T::Input;
    type Output = O;

    fn name(&self) -> Cow<'static, str> {
        format!("RunnableParallel<{}>", self.keys.join(",")).into()
    }

    fn shape(&self) -> Shape {
        let branches = self.keys.iter().cloned().zip(self.branches.shapes()).collect();
        let own = Shape::step(self);
        let output = own.output.clone();
        crate::schema::parallel(own, branches).output(output)
    }

    async fn call(&self, input: T::Input, config: &RunnableConfig) -> Result<O, Error> {
        self.branches.run(input, config, &self.keys).await.map(&self.map)
    }
}

impl<T: Clone, M: Clone, O> Clone for RunnableTuple<T, M, O> {
    fn clone(&self) -> Self {
        let Self { branches, keys, map, output } = self;
        Self { branches: branches.clone(), keys: keys.clone(), map: map.clone(), output: *output }
    }
}

impl<T, M, O> fmt::Debug for RunnableTuple<T, M, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunnableTuple").field(&self.keys).finish()
    }
}

pipe_operator! {
    [T, M, O,] RunnableTuple<T, M, O>;
}
