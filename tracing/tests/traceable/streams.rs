//! Functions that return a stream or an iterator.

use async_stream::{stream, try_stream};
use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use runtree_core::{Chunks, Error, Result, RunnableConfig, Status};
use runtree_tracing::handlers::{InMemory, Traced, traced};
use runtree_tracing::{RunTree, traceable};
use serde_json::{Value, json};

#[traceable]
async fn shout(text: &str, config: &RunnableConfig) -> Result<String> {
    tokio::task::yield_now().await;
    Ok(text.to_uppercase())
}

#[traceable]
fn spell(text: String, run_tree: RunTree) -> impl Stream<Item = Result<String>> {
    try_stream! {
        for letter in text.chars() {
            yield shout(&letter.to_string(), &run_tree.to_config()).await?;
        }
    }
}

/// The config is borrowed by the stream, as its own run's.
#[traceable]
fn spell_borrowed<'a>(text: &'a str, config: &'a RunnableConfig) -> impl Stream<Item = Result<String>> + Send + 'a {
    try_stream! {
        for letter in text.chars() {
            yield shout(&letter.to_string(), config).await?;
        }
    }
}

#[traceable]
fn spell_boxed<'a>(text: &'a str, config: &RunnableConfig) -> BoxStream<'a, String> {
    let config = config.clone();
    stream! {
        for letter in text.chars() {
            yield shout(&letter.to_string(), &config).await.unwrap();
        }
    }
    .boxed()
}

#[traceable]
fn spell_chunks(text: String, config: &RunnableConfig) -> Chunks<'static, String> {
    let config = config.clone();
    Box::pin(try_stream! {
        if text.is_empty() {
            Err(Error::invalid_input("nothing to spell"))?;
        }
        for letter in text.chars() {
            yield shout(&letter.to_string(), &config).await?;
        }
    })
}

#[tokio::test]
async fn streams_of_every_form_hold_their_run_open_and_list_their_items() {
    let (config, trace) = traced();
    let root = RunTree::open(&config, "root");
    let owned: Vec<String> = spell("ab".into(), root.clone()).try_collect().await.unwrap();
    let config = root.to_config();
    let borrowed: Vec<String> = spell_borrowed("ab", &config).try_collect().await.unwrap();
    let boxed: Vec<String> = spell_boxed("ab", &config).collect().await;
    let chunks: Vec<String> = spell_chunks("ab".into(), &config).try_collect().await.unwrap();
    root.end(());
    assert_eq!((&owned, &borrowed, &boxed, &chunks), (&boxed, &boxed, &boxed, &boxed));
    trace.assert_tree(
        "
        root
          spell
            shout
            shout
          spell_borrowed
            shout
            shout
          spell_boxed
            shout
            shout
          spell_chunks
            shout
            shout",
    );
    for name in ["spell", "spell_borrowed", "spell_boxed", "spell_chunks"] {
        assert_eq!(trace.get(name).inputs(), json!({"text": "ab"}), "{name}");
        assert_eq!(trace.get(name).outputs(), Some(json!({"output": ["A", "B"]})), "{name}");
        assert!(trace.get(name).events().is_empty());
    }
}

#[tokio::test]
async fn untraced_streams_give_the_same_items() {
    let config = RunnableConfig::root();
    assert_eq!(spell_borrowed("ab", &config).try_collect::<Vec<_>>().await.unwrap(), ["A", "B"]);
    assert_eq!(spell_chunks("ab".into(), &config).try_collect::<Vec<_>>().await.unwrap(), ["A", "B"]);
    assert!(spell_chunks(String::new(), &config).try_collect::<Vec<_>>().await.is_err());
}

#[tokio::test]
async fn a_stream_that_nobody_polls_opens_nothing() {
    let (config, trace) = traced();
    drop(spell_borrowed("ab", &config));
    drop(spell_chunks("ab".into(), &config));
    assert!(trace.is_empty());
}

#[tokio::test]
async fn a_stream_dropped_early_closes_as_truncated_with_its_items() {
    let (config, trace) = traced();
    let mut spelling = spell_boxed("abc", &config);
    assert_eq!(spelling.next().await.as_deref(), Some("A"));
    drop(spelling);
    let mut spelling = Box::pin(spell_borrowed("abc", &config));
    assert_eq!(spelling.next().await, Some(Ok("A".into())));
    drop(spelling);
    let spell = trace.get("spell_boxed");
    assert_eq!((spell.status(), spell.outputs()), (Status::Truncated, Some(json!({"output": ["A"]}))));
    assert_eq!(trace.get("spell_borrowed").outputs(), Some(json!({"output": ["A"]})));
}

#[tokio::test]
async fn a_stream_dropped_while_it_works_closes_what_is_below_first() {
    let (config, trace) = traced();
    let mut spelling = Box::pin(spell_borrowed("abc", &config));
    assert!(futures::poll!(spelling.next()).is_pending());
    drop(spelling);
    trace.assert_tree("spell_borrowed [truncated]\n  shout [cancelled]");
    trace.assert_sound();
}

#[tokio::test]
async fn a_stream_dropped_after_its_end_stays_a_success() {
    let (config, trace) = traced();
    let mut spelling = Box::pin(spell_borrowed("a", &config));
    assert!(spelling.next().await.is_some());
    assert!(spelling.next().await.is_none());
    assert_eq!(trace.get("spell_borrowed").status(), Status::Success);
    assert!(spelling.next().await.is_none(), "a stream that ended may be asked again");
}

#[tokio::test]
async fn an_item_that_is_an_error_fails_the_run_and_keeps_the_items_seen() {
    #[traceable]
    fn counts(config: RunnableConfig) -> impl Stream<Item = Result<i64, String>> {
        stream::iter([Ok(1), Err("two is broken".to_owned()), Ok(3)])
    }
    let (config, trace) = traced();
    let items: Vec<_> = counts(config).collect().await;
    assert_eq!(items, [Ok(1), Err("two is broken".into()), Ok(3)], "the stream itself is left as it is");
    let run = trace.get("counts");
    assert_eq!(run.error().unwrap().message(), "two is broken");
    assert_eq!(run.outcome().unwrap().output.as_ref().unwrap().as_value(), &json!([1, 3]));
}

#[tokio::test]
async fn a_stream_that_panics_closes_as_panicked() {
    #[traceable]
    fn breaks(config: &RunnableConfig) -> impl Stream<Item = i64> {
        stream::iter([1, 0]).map(|n| 1 / n)
    }
    let (config, trace) = traced();
    let reading = tokio::spawn(async move { breaks(&config).collect::<Vec<_>>().await });
    assert!(reading.await.unwrap_err().is_panic());
    assert_eq!(trace.get("breaks").status(), Status::Panicked);
    assert_eq!(trace.get("breaks").outcome().unwrap().output.as_ref().unwrap().as_value(), &json!([1]));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_stream_of_results() {
    #[traceable]
    fn ticks(config: &RunnableConfig) -> impl Stream<Item = Result<u32>> {
        stream! {
            yield Ok(1);
            std::future::pending::<()>().await;
        }
    }
    let (config, trace) = traced();
    let config = config.with_timeout(std::time::Duration::from_secs(1));
    let items: Vec<_> = ticks(&config).collect().await;
    assert_eq!(items[0], Ok(1));
    assert_eq!(items[1].as_ref().unwrap_err().kind(), runtree_core::ErrorKind::Timeout);
    assert_eq!((items.len(), trace.get("ticks").status()), (2, Status::Error));
}

fn join(items: Vec<Value>) -> Value {
    items.iter().filter_map(Value::as_str).collect::<String>().into()
}

#[traceable(run_type = "llm", reduce = join)]
fn tokens(config: RunnableConfig) -> impl Stream<Item = &'static str> {
    stream::iter(["Good", " day"])
}

#[tokio::test]
async fn reduce_makes_one_output_of_the_items_and_a_model_notes_its_first_token() {
    let memory = InMemory::with_chunks();
    let trace = Traced::new(memory);
    tokens(RunnableConfig::root().with_handler(trace.handler())).collect::<Vec<_>>().await;
    let run = trace.get("tokens");
    assert_eq!(run.outputs(), Some(json!({"output": "Good day"})));
    let events: Vec<_> = run.events().into_iter().map(|event| (event.name, event.data)).collect();
    assert_eq!(events, [("new_token".into(), json!({"token": "Good"}))]);
    assert_eq!(trace.chunks(run.id()), ["Good", " day"]);
}

#[traceable]
fn squares(upto: i64, config: RunnableConfig) -> impl Iterator<Item = i64> {
    (1..=upto).map(move |n| square(n, &config))
}

#[traceable]
fn square(n: i64, config: &RunnableConfig) -> i64 {
    n * n
}

#[traceable]
fn squares_boxed<'a>(numbers: &'a [i64], config: RunnableConfig) -> Box<dyn Iterator<Item = i64> + 'a> {
    Box::new(numbers.iter().map(move |n| square(*n, &config)))
}

#[test]
fn iterators_hold_their_run_open() {
    let (config, trace) = traced();
    assert_eq!(squares(2, config.clone()).sum::<i64>(), 5);
    assert_eq!(squares_boxed(&[3, 4], config.clone()).next(), Some(9));
    drop(squares(9, config.clone()));
    trace.assert_tree(
        "
        squares
          square
          square
        squares_boxed [truncated]
          square",
    );
    assert_eq!(trace.get("squares").outputs(), Some(json!({"output": [1, 4]})));
    assert_eq!(trace.get("squares_boxed").inputs(), json!({"numbers": [3, 4]}));
    assert_eq!(trace.get("squares_boxed").outputs(), Some(json!({"output": [9]})));
}

#[tokio::test]
async fn an_owned_run_tree_stays_open_while_the_stream_below_it_does() {
    let (config, trace) = traced();
    let mut spelling = Box::pin(spell("ab".into(), RunTree::open(&config, "parent")));
    assert_eq!(spelling.next().await, Some(Ok("A".into())));
    assert_eq!(trace.get("parent").status(), Status::Pending);
    drop(spelling);
    trace.assert_tree("parent [cancelled]\n  spell [truncated]\n    shout");
    trace.assert_sound();
}

#[traceable]
async fn connect(text: String, config: RunnableConfig) -> Result<impl Stream<Item = Result<String>> + Send> {
    if text.is_empty() {
        return Err(Error::invalid_input("nothing to spell"));
    }
    shout("hello", &config).await?;
    Ok(try_stream! {
        for letter in text.chars() {
            yield shout(&letter.to_string(), &config).await?;
        }
    })
}

#[traceable]
async fn connect_boxed(text: &str, config: &RunnableConfig) -> BoxStream<'static, usize> {
    shout(text, config).await.unwrap();
    stream::iter([text.len()]).boxed()
}

#[tokio::test]
async fn the_run_of_an_async_function_that_gives_a_stream_ends_with_the_stream() {
    let (config, trace) = traced();
    let spelling = connect("ab".into(), config.clone()).await.unwrap();
    assert_eq!(trace.get("connect").status(), Status::Pending);
    assert_eq!(spelling.try_collect::<Vec<_>>().await.unwrap(), ["A", "B"]);
    assert_eq!(connect_boxed("abc", &config).await.collect::<Vec<_>>().await, [3]);
    drop(connect_boxed("abc", &config).await);
    drop(connect_boxed("abc", &config));
    assert!(connect(String::new(), config.clone()).await.is_err());
    trace.assert_tree(
        "
        connect
          shout
          shout
          shout
        connect_boxed
          shout
        connect_boxed [truncated]
          shout
        connect [error: nothing to spell]",
    );
    assert_eq!(trace.find("connect")[0].outputs(), Some(json!({"output": ["A", "B"]})));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_an_async_function_before_it_gives_its_stream() {
    #[traceable]
    async fn hangs(config: RunnableConfig) -> Result<BoxStream<'static, i64>> {
        std::future::pending().await
    }
    let (config, trace) = traced();
    let result = hangs(config.with_timeout(std::time::Duration::from_secs(1))).await;
    assert_eq!(result.err().map(|error| error.kind()), Some(runtree_core::ErrorKind::Timeout));
    assert_eq!(trace.get("hangs").status(), Status::Error);
}
