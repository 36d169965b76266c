//! Order and length of runs do not depend on the wall clock.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use runtree::prelude::*;
use runtree::tracing::handlers::traced;
use runtree::{Moment, Run};

use crate::steps::first;

/// The last segment of a dotted order: when, and which.
fn segment(run: &Run) -> String {
    let order = run.dotted_order();
    order.rsplit('.').next().unwrap().to_owned()
}

#[tokio::test]
async fn runs_opened_within_one_microsecond_are_in_order_and_none_is_twice() {
    let (config, trace) = traced();
    let many = first().each();
    let inputs = vec![String::new(); 2_000];
    many.invoke(inputs, &config).await.unwrap();
    let runs = trace.runs();
    let orders: Vec<String> = runs.iter().map(|run| run.dotted_order()).collect();
    assert!(orders.is_sorted_by(|earlier, later| earlier < later));
    assert_eq!(runs.iter().map(|run| run.id()).collect::<HashSet<_>>().len(), 2_001);
}

#[tokio::test]
async fn runs_of_many_threads_are_in_order() {
    let (config, trace) = traced();
    let (inside, root) = config.open(runtree::Opening::new("root"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..200).for_each(|_| drop(inside.open(runtree::Opening::new("leaf")))));
        }
    });
    root.succeed(runtree::Record::value(1));
    let mut times: Vec<Moment> = trace.find("leaf").iter().map(|run| run.start_time()).collect();
    let count = times.len();
    times.dedup();
    assert_eq!((count, times.len()), (800, 800));
}

#[tokio::test]
async fn below_a_run_of_another_process_whose_clock_is_ahead_order_holds_and_lengths_are_true() {
    let hour = Duration::from_secs(3600);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let ahead = Moment::from_micros(u64::try_from((now + hour).as_micros()).unwrap());
    let caller = format!("{}{}", ahead.to_dotted(), uuid::Uuid::now_v7());
    let (config, trace) = traced();
    let config = config.below(&caller).unwrap();
    let before = Instant::now();
    first().pipe(first()).invoke("x".into(), &config).await.unwrap();
    let most = before.elapsed();
    for run in trace.runs() {
        assert!(run.dotted_order() > caller && run.start_time() > ahead);
        assert!(run.end_time().unwrap() >= run.start_time());
        assert!(run.duration() <= most, "{:?} is longer than {most:?}", run.duration());
    }
    assert!(segment(&trace.runs()[0]) < segment(&trace.runs()[1]));
}

#[tokio::test]
async fn a_run_is_as_long_as_the_time_that_passed() {
    let (config, trace) = traced();
    let wait = Duration::from_millis(20);
    let slow = RunnableLambda::sync("slow", move |text: String, _| {
        std::thread::sleep(wait);
        Ok(text)
    });
    let before = Instant::now();
    slow.pipe(first()).invoke("x".into(), &config).await.unwrap();
    let most = before.elapsed();
    let (slow, whole) = (trace.get("slow").duration(), trace.get("RunnableSequence").duration());
    assert!(wait <= slow && slow <= whole && whole <= most);
}
