//! Many inputs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use runtree::{OnError, Result, Runnable, RunnableExt, RunnableLambda};
use serde_json::{Value, json};
use tokio::sync::{Barrier, Semaphore};

use crate::case::Case;
use crate::python::value_error;

fn inc(x: i64) -> i64 {
    x + 1
}

fn dbl(x: i64) -> i64 {
    x * 2
}

pub(crate) async fn batch_lambda(case: &Case) -> Result<Value> {
    let inputs = [(10, "i0"), (20, "i1"), (30, "i2")].into_iter().zip(0..);
    let inputs = inputs.map(|((x, tag), i)| (x, case.config().with_tag(tag).with_metadata("i", i)));
    let outputs = RunnableLambda::of(inc).batch_with(inputs.collect(), OnError::Continue).await;
    Ok(json!(outputs.into_iter().collect::<Result<Vec<_>>>()?))
}

pub(crate) async fn batch_sequence(case: &Case) -> Result<Value> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let a = RunnableLambda::with("a", log.clone(), async |log, x: i64, _| {
        log.lock().unwrap().push(format!("a{x}"));
        Ok(x + 1)
    });
    let b = RunnableLambda::with("b", log.clone(), async |log, x: i64, _| {
        log.lock().unwrap().push(format!("b{x}"));
        Ok(x * 2)
    });
    let outputs = a.pipe(b).try_batch(vec![1, 2, 3], &case.config().with_tag("bt")).await?;
    let mut log = log.lock().unwrap().clone();
    log[..3].sort();
    log[3..].sort();
    Ok(json!({"outputs": outputs, "step1": log[..3], "step2": log[3..]}))
}

pub(crate) async fn batch_raises_first(case: &Case) -> Result<Value> {
    // Nobody goes on before all are there, so the others are done or past stopping when the odd one fails.
    let check = RunnableLambda::with("check", Barrier::new(3), async |all, x: i64, _| {
        all.wait().await;
        if x % 2 == 1 {
            tokio::task::yield_now().await;
            return Err(value_error(format!("odd {x}")));
        }
        Ok(x)
    });
    let result = check.pipe(dbl).try_batch(vec![2, 3, 4], &case.config()).await;
    for root in case.memory().roots() {
        let failed = root.inputs()["input"] == json!(3);
        let error = root.error().map(|error| error.is_cancelled());
        assert_eq!(error, Some(!failed), "only the input that failed has failed, the others were stopped");
    }
    result.map(|outputs| json!(outputs))
}

pub(crate) async fn batch_as_completed(case: &Case) -> Result<Value> {
    let gates: Arc<[Semaphore; 4]> = Arc::new([0, 1, 0, 0].map(Semaphore::new));
    let wait_then = RunnableLambda::with("wait_then", gates.clone(), async |gates, x: i64, _| {
        let _open = gates[x as usize].acquire().await.unwrap();
        Ok(x)
    });
    let mut done = wait_then.batch_as_completed(vec![3, 1, 2], &case.config());
    let mut pairs = Vec::new();
    while let Some((index, output)) = done.next().await {
        pairs.push(json!([index, output?]));
        if let Some(gate) = gates.get(pairs.len() + 1) {
            gate.add_permits(1);
        }
    }
    Ok(pairs.into())
}

pub(crate) async fn batch_empty(case: &Case) -> Result<Value> {
    let inc = RunnableLambda::of(inc);
    Ok(json!([
        inc.try_batch(vec![], &case.config()).await?,
        inc.clone().pipe(dbl).try_batch(vec![], &case.config()).await?,
    ]))
}

#[derive(Default)]
struct AtOnce {
    now: AtomicUsize,
    peak: AtomicUsize,
}

pub(crate) async fn batch_max_concurrency(case: &Case) -> Result<Value> {
    let counted = Arc::new(AtOnce::default());
    let track = RunnableLambda::with("track", counted.clone(), async |counted, x: i64, _| {
        let now = counted.now.fetch_add(1, Ordering::SeqCst) + 1;
        counted.peak.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        counted.now.fetch_sub(1, Ordering::SeqCst);
        Ok(x)
    });
    let outputs = track.try_batch((0..6).collect(), &case.config().with_max_concurrency(2)).await?;
    Ok(json!({"outputs": outputs, "peak": counted.peak.load(Ordering::SeqCst)}))
}

pub(crate) async fn abatch_sequence(case: &Case) -> Result<Value> {
    let chain = RunnableLambda::of(inc).pipe(dbl);
    Ok(json!(chain.try_batch(vec![1, 2], &case.config().with_tag("ab")).await?))
}
