//! Where runs land that do not tell their place.

use runtree_collector::access::Access;
use runtree_collector::store::{Question, Store};

use crate::operations::{Told, id};
use crate::{Kept, all};

#[tokio::test]
async fn a_run_that_tells_only_its_parent_is_placed_below_it() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let kept = Kept::new().await;
        let root = Told::root(1);
        let child = root.child(2);
        let runs = [root.clone(), child.clone(), child.child(3)];
        for at in order {
            kept.has([runs[at].create_unplaced()]).await;
        }
        for run in &runs {
            let stored = kept.run(run.id).await;
            assert_eq!(stored.dotted_order, run.dotted_order, "{order:?}");
            assert!(!stored.is_orphan);
        }
    }
}

#[tokio::test]
async fn a_run_is_an_orphan_until_its_parent_comes() {
    let kept = Kept::new().await;
    let root = Told::root(1);
    let child = root.child(2);
    let grandchild = child.child(3);
    kept.has([root.create(), grandchild.create()]).await;
    assert!(kept.run(grandchild.id).await.is_orphan);
    let below = Question { parent: Some(child.id), ..all() };
    assert_eq!(kept.runs(below.clone()).await.len(), 1, "orphans are found below the parent that is missing");
    let before = kept.run(grandchild.id).await.version;
    kept.has([child.create()]).await;
    let found = kept.run(grandchild.id).await;
    assert!(!found.is_orphan);
    assert!(found.version > before, "whoever looks on is told");
    assert_eq!(kept.runs(below).await.len(), 1);
}

#[tokio::test]
async fn a_parent_of_another_trace_is_refused() {
    let kept = Kept::new().await;
    let (one, two) = (Told::root(1), Told::root(2));
    kept.has([one.create(), two.create()]).await;
    let stray = Told { trace: two.id, ..one.child(3) };
    let refused = kept.write([stray.create_unplaced()]).await;
    assert_eq!(refused.iter().map(|refused| refused.status).collect::<Vec<_>>(), [422]);
}

#[tokio::test]
async fn cycles_end() {
    let kept = Kept::new().await;
    let root = Told::root(1);
    let ring: Vec<Told> =
        (0..50).map(|number| Told { parent: Some(id(100 + (number + 1) % 50)), ..root.child(100 + number) }).collect();
    kept.write(ring.iter().map(Told::create_unplaced)).await;
    kept.write([root.create()]).await;
    let trace = Question { traces: Some(vec![root.id]), ..all() };
    assert_eq!(kept.runs(trace).await.len(), 51);
}

#[tokio::test]
async fn a_chain_of_2000_levels_is_kept() {
    let kept = Kept::new().await;
    let mut runs = vec![Told::root(0)];
    for number in 1..2_000 {
        // Its place would be longer than one may be; the parent is enough.
        let above = Told { dotted_order: String::new(), ..runs[number - 1].clone() };
        runs.push(above.child(number as u64));
    }
    kept.has(runs.iter().rev().map(Told::create_unplaced)).await;
    let stats = kept.store.stats(&Access::full(), &all()).await.unwrap();
    assert_eq!(stats.run_count, Some(2_000));
    assert_eq!(kept.runs(Question { limit: 50, ..all() }).await.len(), 50);
}
