//! However pipes are nested, they make one sequence.

use futures::stream::StreamExt;
use proptest::prelude::*;
use runtree::prelude::*;
use runtree::tracing::handlers::traced;

use crate::canonical::tree;
use crate::cases;
use crate::expression::{Chain, Expression, Faults, expression, text};
use crate::support::block_on;

/// Pipes `steps` in their order, parted where `parts` says, with or without a box around each part.
fn nested(steps: &[Chain], parts: &mut impl Iterator<Item = usize>) -> Chain {
    let [first, .., last] = steps else { return steps[0].clone() };
    let at = 1 + parts.next().unwrap_or(0) % (steps.len() - 1);
    let boxed = parts.next().unwrap_or(0) % 2;
    match (at, steps.len(), boxed) {
        // Parts of one step need no box, so that the static form is tried as well.
        (1, 2, _) => first.clone().pipe(last.clone()).boxed(),
        (1, 3, 0) => first.clone().pipe(steps[1].clone().pipe(last.clone())).boxed(),
        (2, 3, 0) => first.clone().pipe(steps[1].clone()).pipe(last.clone()).boxed(),
        _ => nested(&steps[..at], parts).pipe(nested(&steps[at..], parts)).boxed(),
    }
}

/// Results and tree of every way to run it.
async fn observed(chain: &Chain, input: &str) -> (Vec<Vec<Result<String>>>, String) {
    let (config, trace) = traced();
    let results = vec![
        vec![chain.invoke(input.to_owned(), &config).await],
        chain.stream(input.to_owned(), &config).collect().await,
        chain.batch(vec![input.to_owned(), "cab".into()], &config).await,
    ];
    (results, tree(&trace))
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn pipe_is_associative_in_results_and_in_the_tree(
        steps in prop::collection::vec(expression(Faults::Clean), 3..6),
        one in prop::collection::vec(0_usize..12, 12),
        other in prop::collection::vec(0_usize..12, 12),
        input in text(),
    ) {
        let steps: Vec<Chain> = steps.iter().map(Expression::build).collect();
        block_on(async {
            let left = steps[1..].iter().fold(steps[0].clone(), |chain, next| chain.pipe(next.clone()).boxed());
            let (results, expected) = observed(&left, &input).await;
            for parts in [one, other] {
                let (other_results, tree) = observed(&nested(&steps, &mut parts.into_iter()), &input).await;
                prop_assert_eq!(other_results, results.clone());
                prop_assert_eq!(tree, expected.clone());
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn every_nesting_of_a_static_sequence_is_one_run() {
    let step = |name| RunnableLambda::map(name, |text: String| text + ".");
    let expected = "
        RunnableSequence
          a seq:step:1
          b seq:step:2
          c seq:step:3
          d seq:step:4";
    macro_rules! same {
        ($($chain:expr),* $(,)?) => {$({
            let (config, trace) = traced();
            assert_eq!($chain.invoke("x".into(), &config).await, Ok("x....".into()));
            trace.assert_tree(expected);
        })*};
    }
    let (a, b, c, d) = (step("a"), step("b"), step("c"), step("d"));
    same![
        a.clone().pipe(b.clone()).pipe(c.clone()).pipe(d.clone()),
        a.clone().pipe(b.clone().pipe(c.clone().pipe(d.clone()))),
        a.clone().pipe(b.clone()).pipe(c.clone().pipe(d.clone())),
        a.clone().pipe(b.clone().pipe(c.clone()).boxed()).boxed().pipe(d.clone()),
        a.clone() | (b.clone() | c.clone()) | d.clone(),
        (&a).pipe(&b).pipe(std::sync::Arc::new((&c).pipe(&d))),
    ];
}
