//! Tries again.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use runtree_core::shape::Shape;
use runtree_core::{Chunks, Error, Flow, Record, Result, RunType, Runnable, RunnableConfig};

use crate::sequence::pipe_operator;

/// When and how often to try again: by default three attempts in all, on any error but cancellation, after waits of
/// one second, two, four, … with jitter of up to their own length, one second at first.
///
/// ```
/// use std::time::Duration;
/// use runtree_core::{Error, ErrorKind};
/// use runtree_runnables::RetryPolicy;
///
/// let patient = RetryPolicy::new().attempts(6).first_wait(Duration::from_millis(200)).longest_wait(Duration::from_secs(20));
/// let picky = RetryPolicy::new().when(Error::is_retryable);
/// let at_once = RetryPolicy::new().without_waiting();
/// ```
#[derive(Clone)]
pub struct RetryPolicy {
    attempts: usize,
    when: Arc<dyn Fn(&Error) -> bool + Send + Sync>,
    waits: Option<ExponentialBuilder>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_factor(2.0)
            .without_max_delay()
            .without_max_times()
            .with_jitter();
        Self { attempts: 3, when: Arc::new(|error| !error.is_cancelled()), waits: Some(waits) }
    }
}

impl RetryPolicy {
    /// The default policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many attempts in all, the first included.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    pub fn attempts(self, attempts: usize) -> Self {
        assert!(attempts > 0, "there is at least one attempt");
        Self { attempts, ..self }
    }

    /// Which errors are worth another attempt, instead of all but cancellation.
    #[must_use]
    pub fn when(self, when: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        Self { when: Arc::new(when), ..self }
    }

    /// The wait after the first attempt; each next one is twice as long.
    #[must_use]
    pub fn first_wait(self, wait: Duration) -> Self {
        Self { waits: self.waits.map(|waits| waits.with_min_delay(wait)), ..self }
    }

    /// No wait is longer than this, jitter aside.
    #[must_use]
    pub fn longest_wait(self, wait: Duration) -> Self {
        Self { waits: self.waits.map(|waits| waits.with_max_delay(wait)), ..self }
    }

    /// Tries again at once.
    #[must_use]
    pub fn without_waiting(self) -> Self {
        Self { waits: None, ..self }
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("attempts", &self.attempts)
            .field("waits", &self.waits)
            .finish_non_exhaustive()
    }
}

/// Runs a runnable again when it fails: see [`with_retry`](crate::RunnableExt::with_retry).
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use runtree_runnables::{RetryPolicy, RunnableExt, RunnableLambda};
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let flaky = RunnableLambda::with("flaky", AtomicUsize::new(0), async |tries, x: i64, _| {
///     if tries.fetch_add(1, Ordering::Relaxed) < 2 { Err("busy".into()) } else { Ok(x * 10) }
/// });
/// let steady = flaky.with_retry(RetryPolicy::new().without_waiting());
/// assert_eq!(steady.invoke(2, &RunnableConfig::root()).await?, 20);
/// # Ok(()) }
/// ```
///
/// Its run has the name of what it wraps, and a child for each attempt, tagged `retry:attempt:2`, … from the second
/// on. The last error is given on. A wait that the error [asks for](Error::retry_after) counts more than the policy's.
/// In a batch each input is tried by itself. A stream is not tried again, and has no run of its own here: what was
/// said cannot be unsaid.
#[derive(Clone)]
pub struct RunnableRetry<R> {
    bound: R,
    policy: RetryPolicy,
}

impl<R: Runnable> RunnableRetry<R> {
    /// `bound`, tried as `policy` says.
    pub fn new(bound: R, policy: RetryPolicy) -> Self {
        Self { bound, policy }
    }
}

impl<R: Runnable> Runnable for RunnableRetry<R> {
    type Input = R::Input;
    type Output = R::Output;

    fn name(&self) -> Cow<'static, str> {
        self.bound.name()
    }
    fn run_type(&self) -> RunType {
        RunType::Chain
    }
    fn flow(&self) -> Flow {
        self.bound.flow()
    }
    fn record_input(&self, input: &R::Input) -> Record {
        Record::of(input)
    }
    fn shape(&self) -> Shape {
        self.bound.shape()
    }

    async fn call(&self, input: R::Input, config: &RunnableConfig) -> Result<R::Output> {
        let mut waits = self.policy.waits.map(|waits| waits.build());
        let mut attempt = 1;
        loop {
            let below = match attempt {
                1 => Cow::Borrowed(config),
                _ => config.step(|| format!("retry:attempt:{attempt}")),
            };
            let error = match self.bound.invoke(input.clone(), &below).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            if attempt >= self.policy.attempts || !(self.policy.when)(&error) {
                return Err(error);
            }
            attempt += 1;
            let wait = waits.as_mut().and_then(Iterator::next).map(|wait| error.retry_after().unwrap_or(wait));
            if let Some(wait) = wait {
                tokio::time::sleep(wait).await;
            }
        }
    }

    fn stream<'a>(&'a self, input: R::Input, config: &RunnableConfig) -> Chunks<'a, R::Output> {
        self.bound.stream(input, config)
    }

    fn transform<'a>(&'a self, input: Chunks<'a, R::Input>, config: &RunnableConfig) -> Chunks<'a, R::Output> {
        self.bound.transform(input, config)
    }
}

impl<R: Runnable> fmt::Debug for RunnableRetry<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunnableRetry").field("bound", &self.bound.name()).field("policy", &self.policy).finish()
    }
}

pipe_operator! {
    [R,] RunnableRetry<R>;
}
