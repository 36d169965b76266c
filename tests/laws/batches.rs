//! A batch is a call for each input.

use futures::stream::StreamExt;
use proptest::prelude::*;
use runtree::prelude::*;
use runtree::tracing::handlers::traced;

use crate::canonical::forest;
use crate::cases;
use crate::expression::{Chain, Faults, expression, text};
use crate::support::block_on;

async fn one_by_one(chain: &Chain, inputs: &[String], config: &RunnableConfig) -> Vec<Result<String>> {
    let mut results = Vec::new();
    for input in inputs {
        results.push(chain.invoke(input.clone(), config).await);
    }
    results
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_batch_gives_what_each_input_gives_in_their_order_and_the_same_trees(
        chain in expression(Faults::Clean),
        inputs in prop::collection::vec(text(), 0..4),
        bound in prop::option::of(1_usize..4),
    ) {
        let chain = chain.build();
        block_on(async {
            let ((batch_config, batch_trace), (config, trace)) = (traced(), traced());
            let batch_config = bound.into_iter().fold(batch_config, RunnableConfig::with_max_concurrency);
            let batch = chain.batch(inputs.clone(), &batch_config).await;
            prop_assert_eq!(batch, one_by_one(&chain, &inputs, &config).await);
            // Under a bound, elements of a list that had to wait for a place do not start when another fails.
            if bound.is_none() || trace.runs().iter().all(|run| run.error().is_none()) {
                prop_assert_eq!(forest(&batch_trace), forest(&trace));
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_batch_as_completed_gives_each_result_once_under_its_index(
        chain in expression(Faults::Clean),
        inputs in prop::collection::vec(text(), 0..4),
        bound in prop::option::of(1_usize..4),
    ) {
        let chain = chain.build();
        block_on(async {
            let ((batch_config, batch_trace), (config, trace)) = (traced(), traced());
            let batch_config = bound.into_iter().fold(batch_config, RunnableConfig::with_max_concurrency);
            let mut results: Vec<_> = chain.batch_as_completed(inputs.clone(), &batch_config).collect().await;
            results.sort_by_key(|(index, _)| *index);
            prop_assert!(results.iter().map(|(index, _)| *index).eq(0..inputs.len()));
            let results: Vec<_> = results.into_iter().map(|(_, result)| result).collect();
            prop_assert_eq!(results, one_by_one(&chain, &inputs, &config).await);
            // Under a bound, elements of a list that had to wait for a place do not start when another fails.
            if bound.is_none() || trace.runs().iter().all(|run| run.error().is_none()) {
                prop_assert_eq!(forest(&batch_trace), forest(&trace));
            }
            Ok(())
        })?;
    }

    #[test]
    fn try_batch_gives_all_outputs_or_an_error(
        chain in expression(Faults::Clean),
        inputs in prop::collection::vec(text(), 0..4),
    ) {
        let chain = chain.build();
        block_on(async {
            let (config, _trace) = traced();
            let expected: Result<Vec<String>> = one_by_one(&chain, &inputs, &config).await.into_iter().collect();
            prop_assert_eq!(chain.try_batch(inputs, &config).await, expected);
            Ok(())
        })?;
    }
}
