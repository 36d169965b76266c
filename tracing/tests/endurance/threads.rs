//! F39: many threads, many tasks: no wake-up is lost, and all is accounted for. F35: the wall clock has no say.

use runtree_core::RunnableConfig;
use runtree_tracing::langsmith::LangSmith;
use runtree_tracing::trace;

use crate::sink::Sink;
use crate::{MINUTE, arrives, to};

fn runs() -> usize {
    crate::sized::sized(50, 1_000)
}

#[test]
fn f39_what_64_threads_hand_over_arrives() {
    let sink = Sink::start();
    // More than is ever handed over faster than it is sent.
    let langsmith = LangSmith::to(&sink.url).quiet().with_memory(1 << 30).start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    std::thread::scope(|scope| {
        for _thread in 0..64 {
            scope.spawn(|| {
                for n in 0..runs() {
                    trace("run").inputs(n as i64).enter(&config).end(());
                }
            });
        }
        // Flushes come in between, and each ends.
        for _ in 0..20 {
            let receipt = langsmith.flush_blocking(MINUTE);
            assert_eq!((receipt.refused, receipt.dropped.total()), (0, 0));
        }
    });
    assert_eq!(arrives(&langsmith) as usize, 2 * 64 * runs());
    sink.assert_whole(64 * runs());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f39_what_10_000_tasks_hand_over_arrives() {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    let root = trace("root").enter(&config);
    let tasks: Vec<_> = (0..10_000)
        .map(|_| runtree_tracing::spawn(&root, async |root| trace("task").run(&root, async |_| Ok(())).await))
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    root.end(());
    let receipt = langsmith.flush(MINUTE).await;
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    sink.assert_whole(10_001);
}

#[test]
fn f39_a_single_run_is_sent_without_a_flush() {
    let sink = Sink::start();
    let (_langsmith, config) = to(&sink);
    for n in 1..=100 {
        trace("run").enter(&config).end(());
        sink.wait_until(|sink| sink.runs().len() == n && sink.runs().values().all(crate::sink::Stored::is_ended));
    }
}

#[test]
fn f35_in_a_trace_orders_rise_and_no_child_is_older_than_its_parent() {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    // A parent from another machine, whose clock is an hour ahead.
    let ahead = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    let micros = ahead.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64;
    let parent =
        format!("{}01a20306-6200-7d6c-9944-b34d2c0333e3", runtree_core::Moment::from_micros(micros).to_dotted());
    let far: RunnableConfig = config.below(&parent).unwrap();
    let mut made = Vec::new();
    for config in [&config, &far] {
        let root = trace("root").enter(config);
        made.push(root.dotted_order());
        for _ in 0..50 {
            let child = root.child("child");
            made.push(child.dotted_order());
            made.push(child.child("grandchild").dotted_order());
        }
    }
    arrives(&langsmith);
    let (near, far) = made.split_at(made.len() / 2);
    for orders in [near, far] {
        let starts: Vec<&str> = orders.iter().map(|order| &order.rsplit('.').next().unwrap()[..22]).collect();
        assert!(starts.is_sorted_by(|a, b| a < b), "{starts:?}");
    }
    let runs = sink.runs();
    for run in runs.values() {
        let time = |run: &crate::sink::Stored, key: &str| run.fields[key].as_str().unwrap().to_owned();
        assert!(time(run, "start_time") <= time(run, "end_time"));
        let parent = run.fields.get("parent_run_id").and_then(|id| runs.get(id.as_str().unwrap()));
        assert!(parent.is_none_or(|parent| time(parent, "start_time") < time(run, "start_time")));
    }
}
