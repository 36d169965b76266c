//! Trees, changes, conversations, and what happened over time.

use std::collections::BTreeMap;

use runtree_collector::access::Access;
use runtree_collector::filter::Filter;
use runtree_collector::run::{Field, Status};
use runtree_collector::store::{Question, Store, ThreadQuestion, Timeline, Trouble};
use serde_json::json;

use crate::Kept;
use crate::operations::{START, Told, json, text};

#[tokio::test]
async fn a_tree_is_in_the_order_of_its_places_and_has_no_strangers() {
    let (kept, access) = (Kept::new().await, Access::full());
    let root = Told::root(1);
    let (first, second) = (root.child(2), root.child(4));
    let below = first.child(3);
    kept.has([second.create(), below.create(), Told::root(9).create(), root.create(), first.create()]).await;
    kept.has([below.update(7).with(Field::Error, text("it broke\nand more"))]).await;
    let tree = kept.store.tree(&access, root.id).await.unwrap();
    assert_eq!(tree.iter().map(|run| run.id).collect::<Vec<_>>(), [root.id, first.id, below.id, second.id]);
    assert_eq!((tree[2].status, tree[2].error.as_deref()), (Status::Error, Some("it broke")));
}

#[tokio::test]
async fn a_line_says_the_model_the_tokens_and_how_it_ended() {
    let (kept, access) = (Kept::new().await, Access::full());
    let root = Told::root(1);
    let (asked, quiet) = (root.child(2), root.child(3));
    let usage = json!({"input_tokens": 7, "output_tokens": 2, "total_tokens": 9});
    let metadata = json!({"ls_model_name": "m", "truncated": true, "cancelled": true, "usage_metadata": usage});
    let extra = json(&json!({"metadata": metadata}));
    kept.has([root.create(), asked.create(), asked.update(5).with(Field::Extra, extra)]).await;
    let extra = json(&json!({"metadata": {"ls_model_name": 7, "truncated": "1", "cancelled": false}}));
    kept.has([quiet.create(), quiet.update(5).with(Field::Extra, extra)]).await;
    let tree = kept.store.tree(&access, root.id).await.unwrap();
    let tokens: Vec<_> =
        tree[1..].iter().map(|run| (run.prompt_tokens, run.completion_tokens, run.total_tokens)).collect();
    assert_eq!(tokens, [(Some(7), Some(2), Some(9)), (None, None, None)]);
    let told: Vec<_> = tree[1..].iter().map(|run| (run.model.as_deref(), run.is_truncated, run.is_cancelled)).collect();
    assert_eq!(told, [(Some("m"), true, true), (None, false, false)]);

    let project = kept.run(root.id).await.project;
    let until = START + 100_000_000;
    let by = |name: &str| Some(name.to_owned());
    let asked = Timeline { project, from: START, until, step: 100_000_000, by: by("model"), ..Timeline::default() };
    let below = Timeline { is_root: Some(false), ..asked.clone() };
    let groups = async |asked: &Timeline| {
        let buckets = kept.store.timeline(&access, asked).await.unwrap();
        buckets.iter().map(|bucket| (bucket.group.clone().unwrap(), bucket.runs)).collect::<Vec<_>>()
    };
    assert_eq!(groups(&below).await, [("7".to_owned(), 1), ("m".to_owned(), 1)]);
    assert_eq!(groups(&Timeline { by: by("name"), ..below }).await, [("run".to_owned(), 2)]);
    assert_eq!(groups(&asked).await, [(String::new(), 1), ("7".to_owned(), 0), ("m".to_owned(), 0)]);
    let elsewhere = Access { projects: Some([root.id].into()), ..Access::full() };
    assert!(kept.store.timeline(&elsewhere, &asked).await.unwrap().is_empty());
}

#[tokio::test]
async fn changes_are_told_in_order_and_from_where_the_reader_was() {
    let (kept, access) = (Kept::new().await, Access::full());
    let mut news = kept.store.news();
    let (one, two) = (Told::root(1), Told::root(2));
    kept.has([one.create()]).await;
    news.changed().await.unwrap();
    let seen = *news.borrow_and_update();
    kept.has([two.create().with(Field::ProjectName, text("another"))]).await;
    kept.has([one.update(5)]).await;
    let changes = kept.store.changes(&access, 0, None, None, 10).await.unwrap();
    assert_eq!(changes.iter().map(|run| run.id).collect::<Vec<_>>(), [two.id, one.id], "each run once, as it is now");
    let later = kept.store.changes(&access, seen, None, Some(one.id), 10).await.unwrap();
    assert_eq!(later.iter().map(|run| run.status).collect::<Vec<_>>(), [Status::Success]);
    let project = kept.run(two.id).await.project;
    let of_project = kept.store.changes(&access, 0, Some(project), None, 10).await.unwrap();
    assert_eq!(of_project.iter().map(|run| run.id).collect::<Vec<_>>(), [two.id]);
    let newest = later[0].version;
    assert!(kept.store.changes(&access, newest, None, None, 10).await.unwrap().is_empty());
    kept.has([one.update(5)]).await;
    assert!(kept.store.changes(&access, newest, None, None, 10).await.unwrap().is_empty(), "what is known is no news");
}

#[tokio::test]
async fn a_thread_is_the_runs_that_name_it() {
    let (kept, access) = (Kept::new().await, Access::full());
    let in_thread = |run: &Told, thread: &str, tokens: i64| {
        let usage = json!({"input_tokens": tokens, "output_tokens": 1});
        let extra = json!({"metadata": {"thread_id": thread, "usage_metadata": usage}});
        [run.create(), run.update(5).with(Field::Extra, json(&extra))]
    };
    let root = Told::root(1);
    kept.has(in_thread(&root, "a", 1)).await;
    kept.has(in_thread(&root.child(2), "a", 10)).await;
    kept.has(in_thread(&Told::root(3), "b", 5)).await;
    kept.has(in_thread(&Told::root(4), "a", 2)).await;
    kept.has([Told::root(5).create()]).await;
    let project = kept.run(root.id).await.project;
    let asked = ThreadQuestion { project, limit: 10, ..ThreadQuestion::default() };
    let threads = kept.store.threads(&access, &asked).await.unwrap();
    let told: Vec<_> = threads.iter().map(|thread| (thread.name.as_str(), thread.count, thread.total_tokens)).collect();
    assert_eq!(told, [("a", 2, Some(16)), ("b", 1, Some(6))]);
    assert_eq!(threads[0].first_input.as_deref(), Some("why?"));
    let second = ThreadQuestion { limit: 1, offset: 1, ..asked.clone() };
    assert_eq!(kept.store.threads(&access, &second).await.unwrap()[0].name, "b");
    let elsewhere = Access { projects: Some([root.id].into()), ..Access::full() };
    assert!(kept.store.threads(&elsewhere, &asked).await.unwrap().is_empty());
}

#[tokio::test]
async fn threads_come_by_their_last_trace_page_by_page() {
    let (kept, access) = (Kept::new().await, Access::full());
    let name = |number: u64| format!("thread {}", number * number % 11);
    let extra = |name: String| json(&json!({"metadata": {"thread_id": name}}));
    // Four begin together each time; some name no thread, and children alone make none.
    let runs: Vec<_> = (0..60).map(|number| (number, Told::root(number).began(START + number as i64 / 4))).collect();
    let told = |(number, run): &(u64, Told)| match number % 7 {
        0 => run.create(),
        _ => run.create().with(Field::Extra, extra(name(*number))),
    };
    kept.has(runs.iter().map(told)).await;
    kept.has([Told::root(1).child(100).create().with(Field::Extra, extra("of a child".to_owned()))]).await;
    let project = kept.run(Told::root(1).id).await.project;
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for (number, run) in runs.iter().filter(|(number, _)| number % 7 > 0) {
        let known = last.entry(name(*number)).or_insert(run.start);
        *known = run.start.max(*known);
    }
    let mut wanted: Vec<(String, i64)> = last.into_iter().collect();
    wanted.sort_by_key(|(_, last)| -last);
    assert!(wanted.windows(2).any(|two| two[0].1 == two[1].1), "some were last written to at the same moment");
    for limit in [1, 2, 3, 100] {
        let mut seen = Vec::new();
        loop {
            let asked = ThreadQuestion { project, limit, offset: seen.len(), ..ThreadQuestion::default() };
            let page = kept.store.threads(&access, &asked).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= limit);
            seen.extend(page.into_iter().map(|thread| (thread.name, thread.last)));
        }
        assert_eq!(seen, wanted, "{limit}");
    }
}

#[tokio::test]
async fn a_thread_is_found_by_a_part_of_what_is_shown_of_it() {
    let (kept, access) = (Kept::new().await, Access::full());
    let says = |run: &Told, thread: &str, input: &str, output: &str| {
        let extra = json(&json!({"metadata": {"thread_id": thread}}));
        let asked = run.create().with(Field::Extra, extra).with(Field::Inputs, json(&json!({"q": input})));
        [asked, run.update(5).with(Field::Outputs, json(&json!({"a": output})))]
    };
    kept.has(says(&Told::root(1), "Weather-1", "Is it WÄRM?", "50 % rain")).await;
    kept.has(says(&Told::root(2), "Weather-1", "and now?", "sun")).await;
    kept.has(says(&Told::root(3), "trip", "a_b", "Köln")).await;
    // Of this one a child is open, and no root; of the next, a root.
    kept.has(says(&Told::root(4), "calm", "x", "y")).await;
    kept.has([says(&Told::root(4).child(5), "calm", "x", "y")[0].clone()]).await;
    kept.has([says(&Told::root(6), "open", "x", "y")[0].clone()]).await;
    let project = kept.run(Told::root(1).id).await.project;
    let found = async |part: &str, limit, offset| {
        let asked = ThreadQuestion { project, search: Some(part.to_owned()), limit, offset };
        let threads = kept.store.threads(&access, &asked).await.unwrap();
        threads.into_iter().map(|thread| (thread.name, thread.is_running)).collect::<Vec<_>>()
    };
    let one = |name: &str| vec![(name.to_owned(), name == "open")];
    for (part, name) in [("weather", "Weather-1"), ("wärm", "Weather-1"), ("SUN", "Weather-1"), ("kÖLN", "trip")] {
        assert_eq!(found(part, 10, 0).await, one(name), "{part}");
    }
    for part in ["rain", "and now", "%", "e_t", "' OR 1"] {
        assert_eq!(found(part, 10, 0).await, [], "{part} is in between, or nowhere");
    }
    assert_eq!(found("a_b", 10, 0).await, one("trip"));
    assert_eq!(found("x", 10, 0).await, [one("open"), one("calm")].concat());
    assert_eq!((found("x", 1, 0).await, found("x", 1, 1).await), (one("open"), one("calm")));
}

#[tokio::test]
async fn what_happened_is_told_by_stretches_of_time() {
    let (kept, access) = (Kept::new().await, Access::full());
    for number in 0..100 {
        let run = Told { start: START + number * 1_000_000, ..Told::root(number as u64) };
        let ended = run.update((number + 1) * 1_000_000);
        let ended = if number % 10 == 0 { ended.with(Field::Error, text("no")) } else { ended };
        kept.has([run.create(), ended]).await;
    }
    let project = kept.run(Told::root(1).id).await.project;
    let until = START + 100_000_000;
    let asked = Timeline { project, from: START, until, step: 50_000_000, ..Timeline::default() };
    let buckets = kept.store.timeline(&access, &asked).await.unwrap();
    let told: Vec<_> = buckets.iter().map(|bucket| (bucket.start, bucket.runs, bucket.errors)).collect();
    assert_eq!(told, [(START, 50, 5), (START + 50_000_000, 50, 5)]);
    assert_eq!((buckets[0].latency_p50, buckets[1].latency_p50), (Some(25.5), Some(75.5)));
    let by = Timeline { by: Some("run_type".into()), ..asked };
    assert_eq!(kept.store.timeline(&access, &by).await.unwrap()[0].group.as_deref(), Some("chain"));
    let failed = Timeline { filter: Some(Filter::parse(r#"eq(status, "error")"#).unwrap()), by: None, ..by };
    let told = kept.store.timeline(&access, &failed).await.unwrap();
    assert_eq!(told.iter().map(|bucket| bucket.runs).collect::<Vec<_>>(), [5, 5]);
    let health = kept.store.health().await.unwrap();
    assert_eq!((health.runs, health.orphans), (100, 0));
    assert!(health.bytes > 0);
}

#[tokio::test]
async fn numbers_of_a_question_tell_what_failed_and_what_failed_inside() {
    let (kept, access) = (Kept::new().await, Access::full());
    let failed = |run: &Told| [run.create(), run.update(5).with(Field::Error, text("no"))];
    let cancelled = json(&json!({"metadata": {"cancelled": true}}));
    let root = |number: u64| Told::root(number * 100);
    for number in 0..20 {
        let events = json!([{"name": "new_token", "time": (root(number).start + 1_000_000 * number as i64) / 1_000}]);
        let ended = root(number).update(1_000_000 * (number as i64 + 1)).with(Field::Events, json(&events));
        kept.has([root(number).create(), ended]).await;
    }
    kept.has(failed(&root(1))).await;
    kept.has(failed(&root(1).child(101))).await;
    kept.has(failed(&root(2).child(201))).await;
    kept.has(failed(&root(2).child(202))).await;
    kept.has([failed(&root(3).child(301))[0].clone(), root(3).child(301).update(5)]).await;
    kept.has(failed(&root(4).child(401)).map(|told| told.with(Field::Extra, cancelled.clone()))).await;
    let roots = Question { is_root: Some(true), ..Question::default() };
    let stats = kept.store.stats(&access, &roots).await.unwrap();
    assert_eq!((stats.run_count, stats.error_count, stats.errors_inside_count), (Some(20), Some(1), Some(1)));
    // The root that failed ends as late as it did, as that says more.
    assert_eq!((stats.latency_p95, stats.first_token_p95.map(f64::round)), (Some(19.05), Some(18.0)));
    let all = kept.store.stats(&access, &Question::default()).await.unwrap();
    assert_eq!((all.run_count, all.error_count, all.errors_inside_count), (Some(25), Some(5), Some(1)));
    for (filter, runs, errors) in [
        (r#"eq(status, "error")"#, 5, 5),
        (r#"and(eq(status, "error"), eq(is_root, true))"#, 1, 1),
        (r#"has(metadata, '{"cancelled": true}')"#, 1, 1),
        (r#"search("no")"#, 5, 5),
        (r#"eq(name, "nobody")"#, 0, 0),
    ] {
        let asked = Question { filter: Some(Filter::parse(filter).unwrap()), ..Question::default() };
        let stats = kept.store.stats(&access, &asked).await.unwrap();
        assert_eq!((stats.run_count, stats.error_count), (Some(runs), Some(errors)), "{filter}");
    }
    let none = Question { ids: Some(Vec::new()), ..Question::default() };
    let none = kept.store.stats(&access, &none).await.unwrap();
    assert_eq!((none.error_count, none.errors_inside_count, none.latency_p95), (Some(0), Some(0), None));
}

#[tokio::test]
async fn more_tokens_than_can_be_counted_are_the_most_that_can() {
    let (kept, access) = (Kept::new().await, Access::full());
    let root = Told::root(1);
    let usage = json!({"input_tokens": i64::MAX, "output_tokens": 0, "total_tokens": i64::MAX});
    let extra = || json(&json!({"metadata": {"usage_metadata": usage, "thread_id": "t"}}));
    for run in [&root, &root.child(2), &root.child(3)] {
        kept.has([run.create(), run.update(5).with(Field::Extra, extra())]).await;
    }
    let stats = kept.store.stats(&access, &Question::default()).await.unwrap();
    assert_eq!((stats.total_tokens, stats.prompt_tokens), (Some(i64::MAX as u64), Some(i64::MAX as u64)));
    let project = kept.run(root.id).await.project;
    let asked = ThreadQuestion { project, limit: 1, ..ThreadQuestion::default() };
    assert_eq!(kept.store.threads(&access, &asked).await.unwrap()[0].total_tokens, Some(i64::MAX));

    let kept = Kept::new().await;
    kept.has([root.create().with(Field::Extra, json(&json!({"metadata": {"thread_id": "t"}})))]).await;
    let stats = kept.store.stats(&access, &Question::default()).await.unwrap();
    assert_eq!((stats.run_count, stats.total_tokens), (Some(1), Some(0)), "nothing is told of tokens");
    let asked = ThreadQuestion { project: kept.run(root.id).await.project, ..asked };
    assert_eq!(kept.store.threads(&access, &asked).await.unwrap()[0].total_tokens, None);
}

#[tokio::test]
async fn what_is_wrong_with_runs_is_found() {
    let (kept, access) = (Kept::new().await, Access::full());
    let root = Told::root(10);
    let missing = root.child(20);
    let orphan = missing.child(30);
    let early = Told { start: root.start - 5, ..root.child(40) };
    let lost = Told::root(50);
    let metadata = json!({"metadata": {"lost_from": root.id.to_string()}});
    kept.has([
        root.create(),
        root.update(5),
        orphan.create(),
        orphan.update(5),
        early.create_unplaced(),
        early.update(5),
        lost.create().with(Field::Extra, json(&metadata)),
        Told::root(60).update(5),
    ])
    .await;
    for (trouble, run, other) in [
        (Trouble::Orphan, orphan.id, Some(missing.id)),
        (Trouble::NeverEnded, lost.id, None),
        (Trouble::LostRoot, lost.id, Some(root.id)),
        (Trouble::SkewedClock, early.id, Some(root.id)),
        (Trouble::NoBeginning, Told::root(60).id, None),
    ] {
        let found = kept.store.findings(&access, trouble, 0, 10).await.unwrap();
        let told: Vec<_> = found.iter().map(|finding| (finding.run, finding.other)).collect();
        assert_eq!(told, [(run, other)], "{}", trouble.as_str());
        assert!(kept.store.findings(&access, trouble, START + 1_000_000_000, 10).await.unwrap().is_empty());
    }
}
