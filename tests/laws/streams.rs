//! A stream gives what a call gives.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use proptest::prelude::*;
use runtree::Fold;
use runtree::prelude::*;
use runtree::tracing::handlers::traced;

use crate::canonical::tree;
use crate::cases;
use crate::expression::{Chain, Faults, chunks, expression, text};
use crate::support::block_on;

/// The chunks up to the first error, folded.
fn folded(items: &[Result<String>]) -> Result<String> {
    let fold: Fold<String> = items.iter().cloned().collect::<Result<_>>()?;
    Ok(fold.into_inner().unwrap_or_default())
}

async fn streamed(chain: &Chain, input: &str, config: &RunnableConfig) -> Vec<Result<String>> {
    chain.stream(input.to_owned(), config).collect().await
}

async fn transformed(chain: &Chain, input: Vec<String>, config: &RunnableConfig) -> Vec<Result<String>> {
    chain.transform(stream::iter(input.into_iter().map(Ok)).boxed(), config).collect().await
}

/// As [`transformed`], with a pause before each chunk of the input.
async fn transformed_slowly(chain: &Chain, input: Vec<String>, config: &RunnableConfig) -> Vec<Result<String>> {
    let slowly = stream::iter(input).then(async |chunk| {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(chunk)
    });
    chain.transform(slowly.boxed(), config).collect().await
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_stream_folded_is_what_invoke_gives(chain in expression(Faults::Clean), input in text()) {
        let chain = chain.build();
        block_on(async {
            let (config, _trace) = traced();
            let invoked = chain.invoke(input.clone(), &config).await;
            prop_assert_eq!(folded(&streamed(&chain, &input, &config).await), invoked);
            Ok(())
        })?;
    }

    #[test]
    fn any_chunks_of_an_input_give_what_the_whole_gives(
        chain in expression(Faults::Clean),
        input in text(),
        cuts in prop::collection::vec(any::<bool>(), 0..6),
    ) {
        let chain = chain.build();
        block_on(async {
            let (config, _trace) = traced();
            let whole = chain.invoke(input.clone(), &config).await;
            prop_assert_eq!(folded(&transformed(&chain, chunks(&input, &cuts), &config).await), whole.clone());
            prop_assert_eq!(folded(&transformed_slowly(&chain, chunks(&input, &cuts), &config).await), whole);
            Ok(())
        })?;
    }

    #[test]
    fn a_transform_of_one_chunk_is_a_stream(chain in expression(Faults::Clean), input in text()) {
        let chain = chain.build();
        block_on(async {
            let ((stream_config, stream_trace), (transform_config, transform_trace)) = (traced(), traced());
            let streamed = streamed(&chain, &input, &stream_config).await;
            let transformed = transformed(&chain, vec![input], &transform_config).await;
            prop_assert_eq!(transformed, streamed);
            prop_assert_eq!(tree(&transform_trace), tree(&stream_trace));
            Ok(())
        })?;
    }

    #[test]
    fn listening_changes_nothing(chain in expression(Faults::Clean), input in text()) {
        let chain = chain.build();
        block_on(async {
            let (alone, (heard, _trace)) = (RunnableConfig::root(), traced());
            prop_assert_eq!(chain.invoke(input.clone(), &alone).await, chain.invoke(input.clone(), &heard).await);
            prop_assert_eq!(streamed(&chain, &input, &alone).await, streamed(&chain, &input, &heard).await);
            Ok(())
        })?;
    }

    #[test]
    fn the_record_of_a_run_is_what_went_in_and_came_out(chain in expression(Faults::None), input in text()) {
        let chain = RunnablePassthrough::new().pipe(chain.build());
        block_on(async {
            let (config, trace) = traced();
            let output = chain.invoke(input.clone(), &config).await?;
            let root = trace.roots().remove(0);
            prop_assert_eq!(root.inputs(), serde_json::json!({ "input": input }));
            prop_assert_eq!(root.outputs(), Some(serde_json::json!({ "output": output })));
            Ok::<_, TestCaseError>(())
        })?;
    }
}
