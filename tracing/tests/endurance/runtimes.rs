//! F27: whatever runtime there is, or none: no panic, no standstill, nothing lost.

use runtree_core::RunnableConfig;
use runtree_tracing::langsmith::LangSmith;
use runtree_tracing::trace;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::sink::Sink;
use crate::{MINUTE, arrives, to};

/// Starts an exporter, has two runs, and flushes it.
async fn whole_life(url: String) {
    let langsmith = LangSmith::to(url).quiet().start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    trace("outer").run(&config, async |outer| trace("inner").run(&outer, async |_| Ok(1)).await).await.unwrap();
    let receipt = langsmith.flush(MINUTE).await;
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    // Blocks whatever it is on, and the drop as well: the exporter needs nothing of this runtime.
    assert!(langsmith.flush_blocking(MINUTE).is_complete());
}

type Way = (&'static str, Box<dyn FnOnce()>);

fn each_way(url: &str) -> Vec<Way> {
    let life = || whole_life(url.to_owned());
    let (none, current, multi, blocking, local, smol) = (life(), life(), life(), life(), life(), life());
    let current_thread = || Builder::new_current_thread().enable_all().build().unwrap();
    let multi_thread = || Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    vec![
        ("no runtime", Box::new(move || smol::future::block_on(none))),
        ("another runtime", Box::new(move || smol::block_on(smol))),
        ("current thread", Box::new(move || current_thread().block_on(current))),
        ("many threads", Box::new(move || multi_thread().block_on(async { tokio::spawn(multi).await.unwrap() }))),
        (
            "blocking within spawn_blocking",
            Box::new(move || {
                let runtime = multi_thread();
                let handle = runtime.handle().clone();
                runtime.block_on(runtime.spawn_blocking(move || handle.block_on(blocking))).unwrap();
            }),
        ),
        ("local set", Box::new(move || LocalSet::new().block_on(&current_thread(), local))),
    ]
}

#[test]
fn f27_an_exporter_lives_in_any_runtime() {
    let sink = Sink::start();
    for (at, (way, run)) in each_way(&sink.url).into_iter().enumerate() {
        run();
        assert_eq!(sink.runs().len(), 2 * (at + 1), "{way}");
    }
}

#[test]
fn f27_a_runtime_may_end_with_runs_open_and_a_second_one_go_on() {
    let sink = Sink::start();
    let first = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (langsmith, config) = first.block_on(async { to(&sink) });
    let outer = trace("outer").enter(&config);
    let task = outer.clone();
    first.spawn(async move {
        trace("cut").run(&task, async |_| std::future::pending::<runtree_core::Result<()>>().await).await
    });
    first.block_on(async {
        while config.handlers().is_empty() || langsmith.stats().receipt.handed_over < 2 {
            tokio::task::yield_now().await;
        }
    });
    drop(first);
    let second = Builder::new_current_thread().build().unwrap(); // without timers
    second.block_on(async {
        trace("after").run(&outer, async |_| Ok(())).await.unwrap();
        outer.end(());
        assert!(langsmith.flush(MINUTE).await.is_complete());
    });
    drop(second);
    arrives(&langsmith);
    sink.assert_whole(3);
    assert!(sink.run("cut").error().starts_with("Cancelled"));
}

#[test]
fn f27_a_flush_that_is_given_up_harms_no_other() {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    for _ in 0..10 {
        trace("run").enter(&config).end(());
        drop(langsmith.flush(MINUTE));
        let mut flush = Box::pin(langsmith.flush(MINUTE));
        let _ = futures::FutureExt::now_or_never(&mut flush);
    }
    arrives(&langsmith);
    sink.assert_whole(10);
}
