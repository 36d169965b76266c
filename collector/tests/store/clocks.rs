//! S09: writers whose clocks are wrong.

use runtree_collector::access::Access;
use runtree_collector::run::Field;
use runtree_collector::store::{Bucket, ProjectQuestion, Question, Store, Timeline, Trouble};
use serde_json::json;

use crate::operations::{Told, json};
use crate::{Kept, all};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 60 * 60 * SECOND;

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as i64
}

#[tokio::test]
async fn s09_wrong_clocks_are_told_and_change_no_order_and_no_sum() {
    let (kept, access) = (Kept::new().await, Access::full());
    let root = Told::root(1).began(now() - 60 * SECOND);
    let behind = root.child(2).began(root.start - DAY);
    let below = behind.child(3).began(root.start + SECOND);
    let right = root.child(4).began(root.start + 2 * SECOND);
    let ahead = root.child(5).began(root.start + DAY);
    // Its clock was set back while it ran, before its first token.
    let turned = root.child(6).began(root.start + 3 * SECOND);
    for (run, lasted) in [(&ahead, SECOND), (&turned, -DAY), (&below, SECOND), (&behind, SECOND), (&right, SECOND)] {
        let usage = json!({"metadata": {"usage_metadata": {"input_tokens": 3, "output_tokens": 4, "total_cost": 0.5}}});
        let ended = run.update(lasted).with(Field::Extra, json(&usage));
        let events = json!([{"name": "new_token", "time": (run.start + lasted / 2) / 1_000}]);
        kept.has([run.create(), ended.with(Field::Events, json(&events))]).await;
    }
    kept.has([root.create(), root.update(10 * SECOND)]).await;

    let tree = kept.store.tree(&access, root.id).await.unwrap();
    let order: Vec<_> = tree.iter().map(|run| run.id).collect();
    assert_eq!(order, [&root, &behind, &below, &right, &turned, &ahead].map(|run| run.id), "by their places");
    assert!(tree.is_sorted_by_key(|run| run.dotted_order.clone()));
    assert!(tree.iter().all(|run| !run.is_orphan));

    let found = kept.store.findings(&access, Trouble::SkewedClock, 0, 10).await.unwrap();
    let told: Vec<_> = found.iter().map(|finding| (finding.run, finding.other)).collect();
    assert_eq!(told, [(ahead.id, None), (turned.id, None), (behind.id, Some(root.id))]);

    let stats = kept.store.stats(&access, &all()).await.unwrap();
    assert_eq!((stats.run_count, stats.total_tokens, stats.total_cost), (Some(6), Some(35), Some(2.5)));
    assert_eq!((stats.latency_p50, stats.error_rate), (Some(1.0), Some(0.0)));
    let turned_alone = Question { ids: Some(vec![turned.id]), ..all() };
    let stats = kept.store.stats(&access, &turned_alone).await.unwrap();
    assert_eq!((stats.latency_p50, stats.latency_p99), (Some(0.0), Some(0.0)), "no time is less than none");
    assert_eq!((stats.first_token_p50, stats.first_token_p99), (Some(0.0), Some(0.0)));

    let project = kept.run(root.id).await.project;
    let asked = ProjectQuestion { ids: Some(vec![project]), with_stats: true, limit: 1, ..ProjectQuestion::default() };
    let stats = &kept.store.projects(&access, &asked).await.unwrap()[0].stats;
    assert_eq!((stats.run_count, stats.total_tokens), (Some(1), Some(35)));
    assert!(stats.latency_p50.is_some_and(|latency| (latency - 10.0).abs() < 0.1), "as minutes tell it: {stats:?}");

    let days =
        Timeline { project, from: root.start - 3 * DAY, until: root.start + 3 * DAY, step: DAY, ..Timeline::default() };
    for is_root in [None, Some(false)] {
        let buckets = kept.store.timeline(&access, &Timeline { is_root, ..days.clone() }).await.unwrap();
        assert_eq!(buckets.iter().map(|bucket| bucket.total_tokens).sum::<u64>(), 35);
        let times = |bucket: &Bucket| {
            let Bucket { latency_p50, latency_p95, latency_p99, first_token_p50, first_token_p95, total_cost, .. } =
                *bucket;
            [latency_p50, latency_p95, latency_p99, first_token_p50, first_token_p95, Some(total_cost)]
        };
        assert!(buckets.iter().flat_map(times).flatten().all(|time| time.is_finite() && time >= 0.0), "{buckets:?}");
    }
}
