//! F24: a panic in the user's code reaches its caller as it was; runs end, handlers hear, the exporter lives.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;

use futures::{FutureExt, StreamExt, stream};
use runtree_core::{CallbackHandler, Chunks, Payload, Result, Run, Runnable, RunnableConfig};
use runtree_tracing::handlers::InMemory;
use runtree_tracing::{RunTree, trace};
use serde_json::{Value, json};

use crate::sink::Sink;
use crate::{arrives, to};

/// What user code panics with: not text, so that a copy would be found out.
#[derive(Debug, PartialEq)]
struct Boom(u32);

fn boom() -> ! {
    std::panic::panic_any(Boom(7))
}

fn fails() -> Result<()> {
    boom()
}

fn assert_boom(panic: &(dyn Any + Send)) {
    assert_eq!(panic.downcast_ref(), Some(&Boom(7)));
}

type Way = fn(&RunnableConfig) -> Box<dyn Any + Send>;

/// Runs `outer` over `inner`, which panics, by each way there is; answers with what reached the caller.
fn ways() -> Vec<(&'static str, Way)> {
    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }
    vec![
        ("sync", |config| {
            let outer = || trace("outer").run_sync(config, |outer| trace("inner").run_sync(&outer, |_| fails()));
            catch_unwind(AssertUnwindSafe(outer)).unwrap_err()
        }),
        ("async", |config| {
            let outer = trace("outer").run(config, async |outer| {
                trace("inner")
                    .run(&outer, async |_| {
                        tokio::task::yield_now().await;
                        fails()
                    })
                    .await
            });
            wait(AssertUnwindSafe(outer).catch_unwind()).unwrap_err()
        }),
        ("spawn", |config| {
            wait(async {
                let task = runtree_tracing::spawn(config, async |config: RunnableConfig| {
                    trace("outer").run(&config, async |outer| trace("inner").run(&outer, async |_| fails()).await).await
                });
                task.await.unwrap_err().into_panic()
            })
        }),
        ("thread", |config| {
            let thread = runtree_tracing::spawn_thread(config, |config| {
                trace("outer").run_sync(&config, |outer| trace("inner").run_sync(&outer, |_| fails()))
            });
            thread.join().unwrap_err()
        }),
        ("drop", |config| {
            struct Bomb(#[expect(dead_code, reason = "it is dropped")] RunTree);
            impl Drop for Bomb {
                fn drop(&mut self) {
                    boom();
                }
            }
            let body = || {
                let outer = trace("outer").enter(config);
                let _bomb = Bomb(trace("inner").enter(&outer));
            };
            catch_unwind(AssertUnwindSafe(body)).unwrap_err()
        }),
        ("stream", |config| {
            struct Inner;
            impl Runnable for Inner {
                type Input = i64;
                type Output = i64;
                fn name(&self) -> std::borrow::Cow<'static, str> {
                    "inner".into()
                }
                async fn call(&self, n: i64, _: &RunnableConfig) -> Result<i64> {
                    Ok(n)
                }
                fn call_stream<'a>(&'a self, _: Chunks<'a, i64>, _: RunnableConfig) -> Chunks<'a, i64> {
                    stream::iter(0..3).map(|n| if n == 2 { boom() } else { Ok(n) }).boxed()
                }
            }
            let outer = trace("outer").run(config, async |outer| {
                Inner.stream(1, &outer.to_config()).collect::<Vec<_>>().await;
                Ok(())
            });
            wait(AssertUnwindSafe(outer).catch_unwind()).unwrap_err()
        }),
    ]
}

#[test]
fn f24_a_panic_reaches_the_caller_unchanged_and_ends_every_open_run_with_an_error() {
    for (way, run) in ways() {
        let sink = Sink::start();
        let (langsmith, config) = to(&sink);
        let other = InMemory::new();
        let config = config.with_handler(other.handler());
        assert_boom(&*run(&config));
        arrives(&langsmith);
        sink.assert_whole(2);
        for name in ["outer", "inner"] {
            assert_ne!(sink.run(name).error(), "", "{way}: {name}");
            assert!(other.get(name).outcome().is_some(), "{way}: the other handler hears of {name}");
        }
        trace("after").enter(&config).end(());
        arrives(&langsmith);
        assert_eq!(sink.run("after").error(), "", "{way}: the exporter lives");
    }
}

/// A handler whose code panics, and whose end does where the exporter lets go of it.
struct Panics {
    home: ThreadId,
    ended_elsewhere: Arc<AtomicBool>,
}

impl CallbackHandler for Panics {
    fn on_start(&self, _: &Arc<Run>) {
        boom()
    }
    fn on_end(&self, _: &Arc<Run>) {
        boom()
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        if std::thread::current().id() != self.home {
            self.ended_elsewhere.store(true, Ordering::SeqCst);
            boom()
        }
    }
}

#[test]
fn f24_a_handler_that_panics_silences_no_other() {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    let ended_elsewhere = Arc::new(AtomicBool::new(false));
    let mut runs = 0;
    // Until the exporter, and not this thread, was the last to hold it.
    while !ended_elsewhere.load(Ordering::SeqCst) {
        let handler = Panics { home: std::thread::current().id(), ended_elsewhere: ended_elsewhere.clone() };
        trace("watched").enter(&config.clone().with_handler(Arc::new(handler))).end(());
        arrives(&langsmith);
        runs += 1;
    }
    for n in 0..100 {
        trace("after").inputs(n).enter(&config).end(());
    }
    arrives(&langsmith);
    sink.assert_whole(runs + 100);
}

#[derive(Clone)]
struct Unwritable;
impl Payload for Unwritable {
    fn record(&self) -> Value {
        boom()
    }
    fn merge(&mut self, _: Self) -> runtree_core::Merge {
        boom()
    }
}
impl runtree_core::Shared for Unwritable {
    fn to_value(&self) -> Value {
        self.record()
    }
    fn weight(&self) -> usize {
        1
    }
}

/// One whose record is made later, by the exporter.
#[derive(Clone)]
struct LaterUnwritable;
impl Payload for LaterUnwritable {
    fn record(&self) -> Value {
        Unwritable.record()
    }
    fn share(&self) -> Option<Arc<dyn runtree_core::Shared>> {
        Some(Arc::new(Unwritable))
    }
}

#[tokio::test]
async fn f24_a_payload_whose_code_panics_is_a_placeholder_and_its_caller_never_sees_it() {
    struct Gives;
    impl Runnable for Gives {
        type Input = Unwritable;
        type Output = Unwritable;
        async fn call(&self, input: Unwritable, _: &RunnableConfig) -> Result<Unwritable> {
            Ok(input)
        }
        fn call_stream<'a>(&'a self, input: Chunks<'a, Unwritable>, _: RunnableConfig) -> Chunks<'a, Unwritable> {
            input.flat_map(|chunk| stream::iter([chunk.clone(), chunk])).boxed()
        }
    }
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    let chunks = InMemory::with_chunks();
    let config = config.with_handler(chunks.handler());
    assert!(Gives.invoke(Unwritable, &config).await.is_ok());
    assert_eq!(Gives.stream(Unwritable, &config).collect::<Vec<_>>().await.len(), 2);
    assert!(Gives.batch(vec![Unwritable, Unwritable], &config).await.iter().all(Result::is_ok));
    let block = trace("block").inputs(Unwritable).enter(&config);
    block.set_inputs(Unwritable);
    block.add_outputs(Unwritable);
    block.end(Unwritable);
    let later = trace("later").inputs(LaterUnwritable).enter(&config);
    later.end(LaterUnwritable);
    arrives(&langsmith);
    sink.assert_whole(6);
    let placeholder = json!({"input": "not recordable: recording it panicked"});
    assert_eq!(sink.run("block").fields["inputs"], placeholder);
    assert_eq!(sink.run("later").fields["inputs"], placeholder);
}
