//! Operations in any order, any number of times, in any batches.

use proptest::prelude::*;
use runtree_collector::access::Access;
use runtree_collector::run::{Field, Operation};
use runtree_collector::store::{Batch, Store};
use runtree_tracing::langsmith::wire::FeedbackCreate;
use serde_json::json;

use crate::operations::{Told, id, json};
use crate::{Kept, all};

/// A root, two children and a grandchild, each with a start and two different ends; and a run whose start never comes.
fn story() -> Vec<Operation> {
    let root = Told::root(1);
    let child = root.child(2);
    let runs = [root.clone(), child.clone(), child.child(3), root.child(4)];
    let mut operations: Vec<Operation> = runs.iter().map(Told::create).collect();
    for (number, run) in runs.iter().enumerate() {
        let extra = json(&json!({"metadata": {"end": number}, "runtime": {"sdk": "test"}}));
        operations.push(run.update(100).with(Field::Extra, extra));
        operations.push(run.update(200 + number as i64).with(Field::Error, "\"late\""));
    }
    operations.push(root.child(5).update(50));
    operations
}

/// All that is stored, as far as it does not tell when it came.
async fn told(kept: &Kept) -> Vec<String> {
    let mut lines = Vec::new();
    for mut run in kept.runs(all()).await {
        run.row.project_id = None;
        let merged = run.merged.unwrap();
        let fields =
            Field::ALL.map(|field| merged.get(field).map(|json| String::from_utf8(json.into_owned()).unwrap()));
        lines.push(format!("{:?} {fields:?} {} {:?}", run.row, run.dotted_order, run.is_orphan));
        lines.push(format!("{:?}", run.feedback));
    }
    lines
}

fn feedback() -> FeedbackCreate {
    let mut feedback = FeedbackCreate::new(id(2), "quality").score(0.5);
    feedback.id = id(900);
    feedback
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn s02_any_order_and_any_repetition_store_the_same(
        order in Just((0..story().len()).chain(0..story().len()).collect::<Vec<_>>()).prop_shuffle(),
        cuts in prop::collection::vec(1..7usize, 30),
        said_at in 0..5usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (straight, shuffled) = (Kept::new().await, Kept::new().await);
            straight.has(story()).await;
            let batch = Batch { feedback: vec![feedback()], ..Batch::default() };
            straight.store.write(&Access::full(), batch).await.unwrap();

            let story = story();
            let mut left = order.as_slice();
            for (number, cut) in cuts.iter().enumerate() {
                let (now, later) = left.split_at((*cut).min(left.len()));
                left = later;
                let feedback = if number % 5 == said_at { vec![feedback()] } else { Vec::new() };
                let operations = now.iter().map(|at| story[*at].clone()).collect();
                let refused = shuffled.store.write(&Access::full(), Batch { operations, feedback }).await.unwrap();
                assert_eq!(refused, []);
            }
            shuffled.has(left.iter().map(|at| story[*at].clone())).await;
            assert_eq!(told(&straight).await, told(&shuffled).await);
        });
    }
}

#[tokio::test]
async fn an_end_before_its_start_makes_a_whole_run() {
    let kept = Kept::new().await;
    let run = Told::root(1);
    kept.has([run.update(1_000_000)]).await;
    let half = kept.run(run.id).await;
    assert!(!half.row.is_created);
    assert_eq!((half.row.start, half.row.end), (run.start, Some(run.start + 1_000_000)), "its place tells its start");
    kept.has([run.create()]).await;
    let whole = kept.run(run.id).await;
    assert!(whole.row.is_created);
    let merged = whole.merged.unwrap();
    assert_eq!(merged.get(Field::Inputs).unwrap().as_ref(), br#"{"question": "why?"}"#);
    assert_eq!(merged.get(Field::Outputs).unwrap().as_ref(), br#"{"lasted":1000000}"#);
}

#[tokio::test]
async fn a_run_of_the_same_id_elsewhere_is_refused_and_changes_nothing() {
    let kept = Kept::new().await;
    let run = Told::root(1);
    kept.has([run.create(), run.update(5)]).await;
    let before = told(&kept).await;
    let other = Told::root(2);
    let stranger = Told { id: run.id, ..other.child(1) };
    let below = Told { parent: Some(other.id), ..run.clone() };
    for operation in [
        stranger.create(),
        stranger.update(9),
        below.create(),
        below.update(9),
        run.create().with(Field::ProjectName, "\"another\""),
    ] {
        let refused = kept.write([operation.clone()]).await;
        assert_eq!(refused.iter().map(|refused| refused.status).collect::<Vec<_>>(), [409], "{operation:?}");
        assert_eq!(told(&kept).await, before, "{operation:?}");
    }
    kept.has([run.update(5).with(Field::Error, "null").with(Field::Outputs, "{}")]).await;
    assert_eq!(told(&kept).await, before, "nulls and empty objects say nothing");
}

#[tokio::test]
async fn a_bad_run_does_not_spoil_the_others() {
    let kept = Kept::new().await;
    let (one, two) = (Told::root(1), Told::root(2));
    kept.has([one.create()]).await;
    let stranger = Told { id: one.id, ..two.child(1) };
    let refused = kept.write([stranger.create(), two.create()]).await;
    assert_eq!(refused.iter().map(|refused| refused.id).collect::<Vec<_>>(), [one.id]);
    assert_eq!(kept.runs(all()).await.len(), 2);
}
