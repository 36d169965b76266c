//! Whatever a chain is made of, and however it ends, its runs are in their places and closed once.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use proptest::prelude::*;
use runtree::prelude::*;
use runtree::tracing::handlers::InMemory;
use runtree::{EventFilter, Fold, Status};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::cases;
use crate::expression::{Chain, Faults, chunks, expression, text};
use crate::support::block_on;

/// How a chain is called.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    Invoke,
    Stream,
    Transform,
    SlowTransform,
    BrokenTransform,
    Batch,
    TryBatch,
    BatchAsCompleted,
    Events,
}

/// When it is stopped from outside.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Never,
    /// Dropped before it is polled once more than that.
    AfterPolls(u8),
    /// Dropped when it gave that many items.
    AfterItems(u8),
    /// Cancelled by its token before that poll.
    Token(u8),
    /// Its deadline, in milliseconds of time that only sleeping chains see.
    Deadline(u8),
}

fn door() -> impl Strategy<Value = Door> {
    prop_oneof![
        3 => Just(Door::Invoke),
        4 => Just(Door::Stream),
        2 => Just(Door::Transform),
        2 => Just(Door::SlowTransform),
        1 => Just(Door::BrokenTransform),
        1 => Just(Door::Batch),
        1 => Just(Door::TryBatch),
        1 => Just(Door::BatchAsCompleted),
        1 => Just(Door::Events),
    ]
}

fn stop() -> impl Strategy<Value = Stop> {
    prop_oneof![
        2 => Just(Stop::Never),
        3 => (0_u8..12).prop_map(Stop::AfterPolls),
        3 => (0_u8..6).prop_map(Stop::AfterItems),
        1 => (0_u8..6).prop_map(Stop::Token),
        1 => (0_u8..8).prop_map(Stop::Deadline),
    ]
}

/// What a door gives, as texts: outputs and chunks, errors, or events.
fn open<'a>(
    door: Door,
    chain: &'a Chain,
    input: String,
    cuts: &[bool],
    config: &'a RunnableConfig,
) -> BoxStream<'a, Result<String>> {
    let inputs = vec![input.clone(), format!("{input}b"), "a".into()];
    let chunks = chunks(&input, cuts).into_iter().map(Ok);
    match door {
        Door::Invoke => stream::once(chain.invoke(input, config)).boxed(),
        Door::Stream => chain.stream(input, config),
        Door::Transform => chain.transform(stream::iter(chunks).boxed(), config),
        Door::SlowTransform => chain.transform(slowly(stream::iter(chunks).boxed()), config),
        Door::BrokenTransform => {
            let broken = chunks.chain([Err("the input broke".into())]);
            chain.transform(slowly(stream::iter(broken).boxed()), config)
        }
        Door::Batch => stream::once(chain.batch(inputs, config)).flat_map(stream::iter).boxed(),
        Door::TryBatch => {
            let batch = async move { chain.try_batch(inputs, config).await.map(|outputs| outputs.concat()) };
            stream::once(batch).boxed()
        }
        Door::BatchAsCompleted => chain.batch_as_completed(inputs, config).map(|(_, result)| result).boxed(),
        Door::Events => {
            chain.stream_events(input, config, EventFilter::all()).map(|event| event.map(|event| event.event)).boxed()
        }
    }
}

fn slowly(chunks: BoxStream<'_, Result<String>>) -> BoxStream<'_, Result<String>> {
    chunks
        .then(|chunk| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            chunk
        })
        .boxed()
}

/// Polls to the end, or till it is to be stopped; gives the items that came, and whether it had to be stopped because
/// nothing went on. A panic ends it too.
async fn watch(
    mut items: BoxStream<'_, Result<String>>,
    stop: Stop,
    token: CancellationToken,
) -> (Vec<Result<String>>, bool) {
    let (mut polls, mut came) = (0, Vec::new());
    let watching = poll_fn(|cx| {
        loop {
            match stop {
                Stop::AfterPolls(most) if polls >= most => return Poll::Ready(()),
                Stop::AfterItems(most) if came.len() >= most.into() => return Poll::Ready(()),
                Stop::Token(at) if polls >= at => token.cancel(),
                _ => {}
            }
            polls = polls.saturating_add(1);
            match catch_unwind(AssertUnwindSafe(|| items.poll_next_unpin(cx))) {
                Ok(Poll::Ready(Some(item))) => came.push(item),
                Ok(Poll::Ready(None)) | Err(_) => return Poll::Ready(()),
                Ok(Poll::Pending) => return Poll::Pending,
            }
        }
    });
    let stood_still = tokio::time::timeout(Duration::from_secs(60), watching).await.is_err();
    drop(items);
    (came, stood_still)
}

/// What the root of a stream keeps is what its reader got.
fn keeps_what_came(memory: &InMemory, came: &[Result<String>]) -> Result<(), TestCaseError> {
    let [root] = &memory.roots()[..] else { return Ok(()) };
    let Some(outcome) = root.outcome() else { return Ok(()) };
    let fold: Fold<String> = came.iter().flatten().cloned().collect();
    let kept = outcome.output.as_ref().map(|output| output.as_value().clone());
    match fold.into_inner() {
        Some(seen) => prop_assert_eq!(kept, Some(Value::from(seen))),
        None => prop_assert!(kept.is_none_or(|kept| kept.is_null())),
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn every_run_has_one_end_in_its_place_however_the_chain_ends(
        chain in expression(Faults::Any),
        input in text(),
        cuts in prop::collection::vec(any::<bool>(), 0..6),
        door in door(),
        stop in stop(),
        bound in prop::option::of(1_usize..4),
        with_chunks in any::<bool>(),
    ) {
        let may_stand_still = format!("{chain:?}").contains("Hang");
        // One run at the root, so that what it keeps can be told.
        let chain = RunnablePassthrough::new().pipe(chain.build()).boxed();
        block_on(async {
            let memory = if with_chunks { InMemory::with_chunks() } else { InMemory::new() };
            let token = CancellationToken::new();
            let config = RunnableConfig::root().with_handler(memory.handler()).with_cancellation(token.clone());
            let config = bound.into_iter().fold(config, RunnableConfig::with_max_concurrency);
            let config = match stop {
                Stop::Deadline(millis) => config.with_timeout(Duration::from_millis(millis.into())),
                _ => config,
            };
            let (came, stood_still) = watch(open(door, &chain, input, &cuts, &config), stop, token).await;
            prop_assert!(may_stand_still || !stood_still, "nothing goes on");
            if let Err(faults) = memory.check() {
                prop_assert!(false, "{}\n{}", faults.join("\n"), memory.tree());
            }
            if matches!(door, Door::Stream | Door::Transform | Door::SlowTransform | Door::BrokenTransform) {
                keeps_what_came(&memory, &came)?;
            }
            for run in memory.runs() {
                let outcome = run.outcome().expect("it was checked");
                let whole = matches!(outcome.status, Status::Success | Status::Truncated);
                prop_assert_eq!(outcome.error.is_none(), whole, "{}", memory.tree());
            }
            Ok(())
        })?;
    }
}
