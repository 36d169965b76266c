//! A config that was not handed on is found out.

use std::sync::{Arc, Mutex, OnceLock};

use futures::StreamExt;
use runtree::prelude::*;
use runtree::tracing::handlers::{InMemory, Traced, traced};
use runtree::{LostContext, Opening, on_lost_context};

use crate::steps::first;

/// Everything reported, in all tests of this program.
fn reports() -> &'static Mutex<Vec<LostContext>> {
    static REPORTS: OnceLock<Mutex<Vec<LostContext>>> = OnceLock::new();
    REPORTS.get_or_init(|| {
        on_lost_context(|lost| reports().lock().unwrap().push(lost.clone()));
        Mutex::default()
    })
}

/// What was reported from inside the run of that name.
fn reported_inside(name: &str) -> Vec<LostContext> {
    reports().lock().unwrap().iter().filter(|lost| lost.inside == name).cloned().collect()
}

/// A trace that is broken on purpose.
fn broken() -> (RunnableConfig, InMemory) {
    reports();
    let trace = Traced::new(InMemory::new()).unchecked();
    (RunnableConfig::root().with_handler(trace.handler()), trace)
}

#[tokio::test]
async fn a_traced_root_inside_a_run_is_marked_and_reported_once_for_its_place_with_both_names() {
    let (config, trace) = broken();
    let forgets = RunnableLambda::with("forgets", trace.handler(), async |handler, text: String, _| {
        let lost = RunnableConfig::root().with_handler(handler.clone());
        first().with_config(ConfigPatch::new().run_name("lost")).invoke(text, &lost).await
    });
    for _ in 0..3 {
        forgets.invoke("x".into(), &config).await.unwrap();
    }
    let reported = reported_inside("forgets");
    assert_eq!(reported.len(), 1);
    assert_eq!((reported[0].root.as_str(), reported[0].traced), ("lost", true));
    assert!(reported[0].made_at.file().ends_with("lost_context.rs"));
    let text = reported[0].to_string();
    assert!(text.contains("`lost` starts a trace of its own") && text.contains("`forgets`"), "{text}");

    let (lost, inside) = (trace.find("lost"), trace.find("forgets"));
    assert_eq!(lost.len(), 3);
    for (lost, inside) in lost.iter().zip(&inside) {
        assert_eq!(lost.lost_from(), Some(inside));
        assert_eq!(lost.parent_id(), None);
        assert_ne!(lost.trace_id(), inside.trace_id());
    }
    assert!(trace.check().is_err());
}

#[tokio::test]
async fn two_places_are_reported_each() {
    let (config, trace) = broken();
    let twice = RunnableLambda::with("forgets twice", trace.handler(), async |handler, text: String, _| {
        let one = RunnableConfig::root().with_handler(handler.clone());
        let other = RunnableConfig::root().with_handler(handler.clone());
        first().pipe(first()).invoke(first().invoke(text, &one).await?, &other).await
    });
    twice.invoke("x".into(), &config).await.unwrap();
    let reported = reported_inside("forgets twice");
    assert_eq!(reported.iter().map(|lost| lost.root.as_str()).collect::<Vec<_>>(), ["first", "RunnableSequence"]);
    assert_ne!(reported[0].made_at, reported[1].made_at);
}

#[tokio::test]
async fn an_untraced_root_inside_a_traced_run_is_noted_by_the_run_that_lost_it() {
    let (config, trace) = broken();
    let forgets =
        RunnableLambda::new("forgets all", async |text: String, _| first().invoke(text, &RunnableConfig::root()).await);
    forgets.invoke("x".into(), &config).await.unwrap();
    let reported = reported_inside("forgets all");
    assert_eq!(reported.len(), 1);
    assert!(!reported[0].traced && reported[0].to_string().contains("is not traced"));
    trace.assert_tree("forgets all");
    let events = trace.get("forgets all").events();
    let noted: Vec<_> = events.iter().filter(|event| event.name == "lost_context").collect();
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].data["root"], "first");
    assert_eq!(noted[0].data["made_at"], reported[0].made_at.to_string());
}

#[tokio::test]
async fn streams_and_batches_and_blocks_are_watched_too() {
    let (config, trace) = broken();
    let handler = trace.handler();
    let streams = RunnableLambda::with("streams", handler.clone(), async |handler, text: String, _| {
        let root = RunnableConfig::root().with_handler(handler.clone());
        first().stream(text, &root).next().await.unwrap()
    });
    let streams_alone = RunnableLambda::new("streams alone", async |text: String, _| {
        first().stream(text, &RunnableConfig::root()).next().await.unwrap()
    });
    let batches = RunnableLambda::with("batches", handler.clone(), async |handler, text: String, _| {
        let root = RunnableConfig::root().with_handler(handler.clone());
        first().batch(vec![text], &root).await.remove(0)
    });
    let opens = RunnableLambda::with("opens", handler, async |handler, text: String, _| {
        let root = RunnableConfig::root().with_handler(handler.clone());
        drop(root.open(Opening::new("block")));
        Ok(text)
    });
    let gives =
        RunnableGenerator::of_whole("gives", |text: String, _| first().into_stream(text, &RunnableConfig::root()));
    let chain = streams.pipe(streams_alone).pipe(batches).pipe(opens);
    chain.invoke("x".into(), &config).await.unwrap();
    gives.stream("x".into(), &config).next().await.unwrap().unwrap();
    for (inside, root) in
        [("streams", "first"), ("streams alone", "first"), ("batches", "first"), ("opens", "block"), ("gives", "first")]
    {
        let roots: Vec<_> = reported_inside(inside).into_iter().map(|lost| lost.root).collect();
        assert_eq!(roots, [root], "inside {inside}");
    }
}

#[tokio::test]
async fn a_root_that_is_meant_is_quiet() {
    reports();
    let (config, trace) = traced();
    let audit = RunnableLambda::with("audits", trace.handler(), async |handler, text: String, config| {
        let meant = RunnableConfig::root().with_handler(handler.clone()).detached();
        first().invoke(text.clone(), &meant).await?;
        first().invoke(text.clone(), &RunnableConfig::root().detached()).await?;
        first().invoke(text, &config.clone().detached()).await
    });
    audit.invoke("x".into(), &config).await.unwrap();
    assert!(reported_inside("audits").is_empty());
    trace.assert_tree("audits\nfirst\nfirst");
    assert!(trace.roots().iter().all(|root| root.lost_from().is_none()));
}

#[tokio::test]
async fn silence_is_quiet_and_opens_nothing() {
    reports();
    let (config, trace) = traced();
    let hush = RunnableLambda::new("hushes", async |text: String, config: &RunnableConfig| {
        let silent = config.clone().silenced();
        let both = first().pipe(first());
        both.stream(text.clone(), &silent).next().await.unwrap()?;
        both.invoke(text, &silent).await
    });
    hush.invoke("x".into(), &config).await.unwrap();
    assert!(reported_inside("hushes").is_empty());
    trace.assert_tree("hushes");
}

#[tokio::test]
async fn a_root_beside_runs_is_no_loss() {
    reports();
    let (config, trace) = traced();
    let mut chunks = crate::steps::abc().into_stream("x".into(), &config);
    chunks.next().await.unwrap().unwrap();
    // The stream's run is open, but its code is not being polled.
    first().invoke("x".into(), &RunnableConfig::root().with_handler(trace.handler())).await.unwrap();
    drop(chunks);
    assert!(reported_inside("abc").is_empty());
}

#[tokio::test]
async fn the_watch_is_taken_back_when_a_run_panics() {
    reports();
    let (config, trace) = traced();
    let panics = std::panic::AssertUnwindSafe(crate::steps::panics());
    let call = std::panic::AssertUnwindSafe(panics.invoke("x".into(), &config));
    assert!(futures::FutureExt::catch_unwind(call).await.is_err());
    first().invoke("x".into(), &RunnableConfig::root().with_handler(trace.handler())).await.unwrap();
    assert!(reported_inside("panics").is_empty());
}

#[tokio::test]
async fn a_child_that_opens_after_its_parent_closed_is_marked_late() {
    let (config, trace) = broken();
    let (send, receive) = tokio::sync::oneshot::channel();
    let keeps = RunnableLambda::with("keeps", Mutex::new(Some(send)), async |send, text: String, config| {
        let send = send.lock().unwrap().take();
        send.unwrap().send(config.clone()).ok().unwrap();
        Ok(text)
    });
    keeps.invoke("x".into(), &config).await.unwrap();
    first().pipe(first()).invoke("x".into(), &receive.await.unwrap()).await.unwrap();
    trace.assert_tree(
        "
        keeps
          RunnableSequence
            first seq:step:1
            first seq:step:2",
    );
    assert!(trace.get("RunnableSequence").is_late());
    assert!(!trace.get("keeps").is_late());
    assert!(trace.find("first").iter().all(|run| !run.is_late()));
    assert_eq!(serde_json::to_value(&*trace.get("RunnableSequence")).unwrap()["late"], true);
    assert!(trace.check().is_err());
}

#[tokio::test]
async fn configs_are_told_apart_by_their_place_even_through_clones() {
    let (config, trace) = broken();
    let shared = Arc::new(RunnableConfig::root().with_handler(trace.handler()));
    let uses = RunnableLambda::with("uses a clone", shared, async |shared, text: String, _| {
        first().invoke(text.clone(), &(**shared).clone().with_tag("one")).await?;
        first().invoke(text, &(**shared).clone().with_tag("other")).await
    });
    uses.invoke("x".into(), &config).await.unwrap();
    assert_eq!(reported_inside("uses a clone").len(), 1);
}
