//! Pages: nothing twice, nothing missing, whatever comes meanwhile.

use runtree_collector::access::Access;
use runtree_collector::filter::Filter;
use runtree_collector::run::Field;
use runtree_collector::store::{Batch, Question, Store};
use runtree_tracing::langsmith::wire::{FeedbackCreate, Order};

use crate::operations::{START, Told, text};
use crate::{Kept, all};

#[tokio::test]
async fn paging_survives_what_comes_meanwhile() {
    for order in [Order::Asc, Order::Desc] {
        let kept = Kept::new().await;
        kept.has((100..200).map(|number| Told::root(number).create())).await;
        let mut question = Question { limit: 7, order, payloads: false, ..Question::default() };
        let (mut seen, mut newer) = (Vec::new(), 300);
        loop {
            let page = kept.store.runs(&Access::full(), &question).await.unwrap();
            seen.extend(page.runs.iter().map(|run| run.row.id));
            kept.has([Told::root(newer).create(), Told::root(newer - 299).create()]).await;
            newer += 1;
            let Some(next) = page.next else { break };
            question.after = Some(next);
        }
        let first = seen.clone();
        let wanted = (100..200).map(|number| Told::root(number).id);
        assert!(wanted.into_iter().all(|id| seen.contains(&id)));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), first.len(), "none comes twice");
    }
}

#[tokio::test]
async fn runs_that_began_together_are_in_one_order() {
    let kept = Kept::new().await;
    let runs: Vec<Told> = (0..20).map(|number| Told { start: 5, ..Told::root(number) }).collect();
    kept.has(runs.iter().map(Told::create)).await;
    let mut question = Question { limit: 3, ..all() };
    let mut seen = Vec::new();
    loop {
        let page = kept.store.runs(&Access::full(), &question).await.unwrap();
        seen.extend(page.runs.iter().map(|run| run.row.id));
        let Some(next) = page.next else { break };
        question.after = Some(next);
    }
    assert_eq!(seen, runs.iter().rev().map(|run| run.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn words_are_found_in_order_however_many_runs_have_them() {
    let kept = Kept::new().await;
    let runs: Vec<Told> = (1..=300).map(Told::root).collect();
    let words = |number: usize| {
        let mut words = format!("number {number}");
        for (word, each) in [(" purring", 1), (" often", 3), (" seldom", 20), (" café", 25), (" once", 290)] {
            // Those that have a word often have it long after the newest.
            if number.is_multiple_of(each) && (word != " often" || number < 200) {
                words += word;
            }
        }
        words
    };
    let told = |(number, run): (usize, &Told)| {
        let name = if number == 5 { "odd one" } else { "run" };
        let inputs = format!(r#"{{"say": {}}}"#, text(&words(number)));
        run.create().with(Field::Name, text(name)).with(Field::Inputs, inputs)
    };
    kept.has(runs.iter().enumerate().map(told)).await;
    let project = kept.run(runs[0].id).await.project;
    for (filter, wanted) in [
        (r#"search("purr")"#, Box::new(|_| true) as Box<dyn Fn(usize) -> bool>),
        (r#"search("often")"#, Box::new(|number| number % 3 == 0 && number < 200)),
        (r#"search(inputs, "seldom")"#, Box::new(|number| number % 20 == 0)),
        (r#"search("café")"#, Box::new(|number| number % 25 == 0)),
        (r#"search("once")"#, Box::new(|number| number % 290 == 0)),
        (r#"search("never")"#, Box::new(|_| false)),
        (r#"search(outputs, "purr")"#, Box::new(|_| false)),
        (r#"not(search("often"))"#, Box::new(|number| number % 3 != 0 || number >= 200)),
        (r#"and(search("purr"), search("often"))"#, Box::new(|number| number % 3 == 0 && number < 200)),
        (r#"and(search("purring"), and(search("number"), eq(name, "run")))"#, Box::new(|number| number != 5)),
        (r#"and(search("once"), eq(name, "run"))"#, Box::new(|number| number % 290 == 0)),
        (r#"and(search("once"), eq(name, "odd one"))"#, Box::new(|_| false)),
        (r#"and(search("purr"), eq(name, "odd one"))"#, Box::new(|number| number == 5)),
        (r#"eq(name, "odd one")"#, Box::new(|number| number == 5)),
        (r#"eq(name, "odd")"#, Box::new(|_| false)),
        (r#"and(eq(name, "run"), eq(run_type, "chain"))"#, Box::new(|number| number != 5)),
        (r#"or(search("seldom"), search("café"))"#, Box::new(|number| number % 20 == 0 || number % 25 == 0)),
    ] {
        let ways = [(7, Order::Desc, None), (100, Order::Asc, None), (7, Order::Asc, Some(vec![project]))];
        for (limit, order, projects) in ways {
            let filter = Some(Filter::parse(filter).unwrap());
            let mut question =
                Question { limit, order, projects, filter: filter.clone(), payloads: false, ..Question::default() };
            let mut seen = Vec::new();
            loop {
                let page = kept.store.runs(&Access::full(), &question).await.unwrap();
                assert!(page.runs.len() == limit || page.next.is_none());
                seen.extend(page.runs.iter().map(|run| run.row.id));
                let Some(next) = page.next else { break };
                question.after = Some(next);
            }
            let mut all: Vec<_> = (0..300).filter(|number| wanted(*number)).map(|number| runs[number].id).collect();
            if order == Order::Desc {
                all.reverse();
            }
            assert_eq!(seen, all, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn what_few_and_what_many_runs_have_is_found() {
    let kept = Kept::new().await;
    let runs: Vec<Told> = (0..1_300).map(Told::root).collect();
    let told = |(number, run): (usize, &Told)| {
        let metadata = format!(r#"{{"metadata": {{"user": {}, "even": {}}}}}"#, number / 100, number % 2 == 0);
        let tags = if number % 500 == 3 { r#"["Rare", "x"]"# } else { r#"["x"]"# };
        run.create().with(Field::Extra, metadata).with(Field::Tags, tags)
    };
    kept.has(runs.iter().enumerate().map(told)).await;
    // Some are what they were no longer.
    let changed = |number: usize| runs[number].update(5).with(Field::Tags, r#"["y"]"#).with(Field::Error, text("no"));
    kept.has([changed(503), changed(504)]).await;
    let project = kept.run(runs[0].id).await.project;
    for (filter, wanted) in [
        ("has(tags, 'x')", Box::new(|number: usize| !matches!(number, 503 | 504)) as Box<dyn Fn(usize) -> bool>),
        ("has(tags, 'rare')", Box::new(|number| matches!(number, 3 | 1_003))),
        ("has(tags, 'y')", Box::new(|number| matches!(number, 503 | 504))),
        ("and(has(tags, 'y'), has(tags, 'x'))", Box::new(|_| false)),
        ("and(eq(metadata_key, 'user'), eq(metadata_value, '12'))", Box::new(|number| number >= 1_200)),
        ("and(eq(metadata_key, 'user'), eq(metadata_value, 99))", Box::new(|_| false)),
        (r#"has(metadata, '{"even": true}')"#, Box::new(|number| number % 2 == 0)),
        ("eq(metadata_key, 'user')", Box::new(|_| true)),
        ("eq(metadata_key, 'nobody')", Box::new(|_| false)),
        ("eq(name, 'run')", Box::new(|_| true)),
        ("eq(name, 'nobody')", Box::new(|_| false)),
        ("eq(status, 'pending')", Box::new(|number| !matches!(number, 503 | 504))),
        ("eq(status, 'error')", Box::new(|number| matches!(number, 503 | 504))),
        ("and(eq(status, 'error'), search('why'))", Box::new(|number| matches!(number, 503 | 504))),
        ("eq(run_type, 'tool')", Box::new(|_| false)),
    ] {
        for projects in [None, Some(vec![project])] {
            let filter = Some(Filter::parse(filter).unwrap());
            let mut question = Question { filter: filter.clone(), projects, limit: 100, ..Question::default() };
            let mut seen = Vec::new();
            loop {
                let page = kept.store.runs(&Access::full(), &question).await.unwrap();
                seen.extend(page.runs.iter().map(|run| run.row.id));
                let Some(next) = page.next else { break };
                question.after = Some(next);
            }
            let told = (0..runs.len()).rev().filter(|number| wanted(*number)).map(|number| runs[number].id);
            assert_eq!(seen, told.collect::<Vec<_>>(), "{filter:?}");
        }
    }
    let typed = |run_type: &str| Question { run_type: Some(run_type.to_owned()), limit: 5, ..Question::default() };
    assert_eq!((kept.runs(typed("tool")).await.len(), kept.runs(typed("chain")).await.len()), (0, 5));
}

#[tokio::test]
async fn runs_of_several_projects_come_in_one_order() {
    let kept = Kept::new().await;
    // Some begin together with some of other projects; a project has runs that others have long before and after.
    let runs: Vec<Told> = (0..90).map(|number| Told::root(number).began(START + number as i64 / 4)).collect();
    let name = |at: usize| ["first", "second", "third"][if at < 70 { at % 3 } else { 1 }];
    let run_type = |at: usize| if at.is_multiple_of(5) { "tool" } else { "chain" };
    let told = |(at, run): (usize, &Told)| {
        run.create().with(Field::ProjectName, text(name(at))).with(Field::RunType, text(run_type(at)))
    };
    kept.has(runs.iter().enumerate().map(told)).await;
    let mut projects = Vec::new();
    for run in &runs[..3] {
        projects.push(kept.run(run.id).await.project);
    }
    let some = Access { projects: Some(projects[1..].iter().copied().collect()), ..Access::full() };
    let all_names: &[&str] = &["first", "second", "third"];
    for (access, asked, names) in [
        (Access::full(), None, all_names),
        (Access::full(), Some(vec![projects[2], projects[0], projects[2]]), &["first", "third"]),
        (some.clone(), None, &["second", "third"]),
        (some, Some(projects[..2].to_vec()), &["second"]),
        (Access::full(), Some(Vec::new()), &[]),
    ] {
        for (order, wanted) in [(Order::Asc, None), (Order::Desc, Some("tool"))] {
            let filter = wanted.map(|word| Filter::parse(&format!("eq(run_type, {})", text(word))).unwrap());
            let mut question = Question { projects: asked.clone(), filter, order, limit: 4, ..Question::default() };
            let mut seen = Vec::new();
            loop {
                let page = kept.store.runs(&access, &question).await.unwrap();
                seen.extend(page.runs.iter().map(|run| run.row.id));
                let Some(next) = page.next else { break };
                assert_eq!(page.runs.len(), 4);
                question.after = Some(next);
            }
            let is_asked = |at: &usize| names.contains(&name(*at)) && wanted.is_none_or(|word| word == run_type(*at));
            let mut told: Vec<_> = (0..runs.len()).filter(is_asked).map(|at| runs[at].id).collect();
            if order == Order::Desc {
                told.reverse();
            }
            assert_eq!(seen, told, "{names:?} {order:?}");
        }
    }
}

#[tokio::test]
async fn names_are_found_at_once_and_as_they_are_now() {
    let kept = Kept::new().await;
    let named = async |name: &str| {
        let filter = Some(Filter::parse(&format!("eq(name, {})", text(name))).unwrap());
        kept.runs(Question { filter, ..all() }).await.into_iter().map(|run| run.row.id).collect::<Vec<_>>()
    };
    // Which full text was fed so far is not waited for.
    for number in 1..40 {
        let run = Told::root(number);
        kept.has([run.create().with(Field::Name, text(&format!("step {number}")))]).await;
        assert_eq!(named(&format!("step {number}")).await, [run.id]);
        kept.has([run.update(1).with(Field::Name, text(&format!("done {number}")))]).await;
        assert_eq!(named(&format!("done {number}")).await, [run.id]);
        assert!(named(&format!("step {number}")).await.is_empty());
    }
}

#[tokio::test]
async fn words_are_found_whatever_changed_last() {
    let (mut kept, access) = (Kept::new().await, Access::full());
    let found = async |kept: &Kept| {
        let filter = Some(Filter::parse(r#"search("quokka")"#).unwrap());
        kept.runs(Question { filter, ..all() }).await.into_iter().map(|run| run.row.id).collect::<Vec<_>>()
    };
    let told = |number| Told::root(number).create().with(Field::Inputs, r#"{"animal": "quokka"}"#);
    kept.has([told(1)]).await;
    // What is known already, an opinion and a project are no runs that change.
    kept.has([told(1)]).await;
    assert_eq!(found(&kept).await, [Told::root(1).id]);
    let feedback = vec![FeedbackCreate::new(Told::root(1).id, "quality")];
    kept.store.write(&access, Batch { feedback, ..Batch::default() }).await.unwrap();
    assert_eq!(found(&kept).await, [Told::root(1).id]);
    // The newest runs go; those that come after the next start are found as well.
    kept.has((2..9).map(|number| told(number).with(Field::ProjectName, text("other")))).await;
    assert_eq!(found(&kept).await.len(), 8);
    let project = kept.run(Told::root(2).id).await.project;
    assert!(kept.store.delete_project(&access, project).await.unwrap());
    assert_eq!(found(&kept).await, [Told::root(1).id]);
    kept = kept.reopened().await;
    kept.has([told(20)]).await;
    assert_eq!(found(&kept).await, [Told::root(20).id, Told::root(1).id]);
}

#[tokio::test]
async fn a_page_of_large_runs_has_fewer_of_them() {
    let kept = Kept::new().await;
    let large = text(&"x".repeat(10 << 20));
    for number in 0..6 {
        kept.has([Told::root(number).create().with(Field::Inputs, large.clone())]).await;
    }
    let mut question = Question { limit: 6, ..all() };
    let mut pages = Vec::new();
    loop {
        let page = kept.store.runs(&Access::full(), &question).await.unwrap();
        pages.push(page.runs.len());
        let Some(next) = page.next else { break };
        question.after = Some(next);
    }
    assert_eq!(pages, [4, 2], "of 32 MiB, and what the last one has beyond");
    assert_eq!(kept.runs(Question { payloads: false, ..all() }).await.len(), 6);
}

#[tokio::test]
async fn questions_are_conditions_that_hold_together() {
    let kept = Kept::new().await;
    let root = Told::root(1);
    let child = root.child(2);
    kept.has([
        root.create(),
        root.update(5),
        child.create().with(Field::RunType, text("llm")),
        child.update(3).with(Field::Error, text("it broke")),
        Told::root(3).create().with(Field::ProjectName, text("another")),
    ])
    .await;
    let count = async |question: Question| kept.runs(question).await.len();
    assert_eq!(count(all()).await, 3);
    assert_eq!(count(Question { is_root: Some(true), ..all() }).await, 2);
    assert_eq!(count(Question { is_root: Some(false), ..all() }).await, 1);
    assert_eq!(count(Question { traces: Some(vec![root.id]), ..all() }).await, 2);
    assert_eq!(count(Question { parent: Some(root.id), ..all() }).await, 1);
    assert_eq!(count(Question { run_type: Some("llm".into()), ..all() }).await, 1);
    assert_eq!(count(Question { error: Some(true), ..all() }).await, 1);
    assert_eq!(count(Question { error: Some(true), is_root: Some(true), ..all() }).await, 0);
    assert_eq!(count(Question { ids: Some(vec![child.id]), ..all() }).await, 1);
    assert_eq!(count(Question { ids: Some(Vec::new()), ..all() }).await, 0);
    assert_eq!(count(Question { from: Some(child.start), ..all() }).await, 2);
    assert_eq!(count(Question { until: Some(child.start), ..all() }).await, 2);
    let stored = kept.run(root.id).await;
    assert_eq!(stored.errors_inside, 1);
    let cancelled = root.child(4);
    let metadata = r#"{"metadata": {"cancelled": true}}"#;
    kept.has([
        cancelled.create(),
        cancelled.update(3).with(Field::Error, text("Cancelled")).with(Field::Extra, metadata),
    ])
    .await;
    assert_eq!(kept.run(root.id).await.errors_inside, 1, "what was cancelled did not fail");
    let filter = |text: &str| Question { filter: Some(Filter::parse(text).unwrap()), ..all() };
    assert_eq!(count(filter("gt(errors_inside, 0)")).await, 1);
    assert_eq!(count(filter("eq(is_orphan, true)")).await, 0);
    let orphan = Told::root(70).child(71).child(72);
    kept.has([orphan.create().with(Field::ProjectName, text("another"))]).await;
    assert_eq!(count(filter("eq(is_orphan, true)")).await, 1);
    assert_eq!(count(Question { projects: Some(vec![stored.project]), ..all() }).await, 3);
    assert_eq!(count(Question { projects: Some(Vec::new()), ..all() }).await, 0);
}

#[tokio::test]
async fn filters_and_words_find_what_was_just_stored() {
    let kept = Kept::new().await;
    let root = Told::root(1);
    kept.has([
        root.create(),
        root.child(2).create().with(Field::Name, text("lookup")).with(Field::Inputs, r#"{"q": "Quokka facts"}"#),
        Told::root(3).create().with(Field::Name, text("other")),
    ])
    .await;
    let filter = |text: &str| Some(Filter::parse(text).unwrap());
    let count = async |question: Question| kept.runs(question).await.len();
    assert_eq!(count(Question { filter: filter(r#"search("quokka")"#), ..all() }).await, 1);
    assert_eq!(count(Question { filter: filter(r#"search("nowhere")"#), ..all() }).await, 0);
    assert_eq!(count(Question { filter: filter(r#"eq(name, "run")"#), ..all() }).await, 1);
    assert_eq!(
        count(Question { filter: filter(r#"and(eq(input_key, "q"), like(input_value, "%facts"))"#), ..all() }).await,
        1
    );
    // A trace may have runs in several projects.
    let elsewhere = root.child(7).create().with(Field::ProjectName, text("elsewhere"));
    kept.has([elsewhere]).await;
    let (of_root, of_any) = (filter(r#"eq(name, "run")"#), filter(r#"eq(name, "lookup")"#));
    for (condition, runs) in [
        (Question { trace_filter: of_root.clone(), ..all() }, 3),
        (Question { trace_filter: of_any.clone(), ..all() }, 0),
        (Question { tree_filter: of_any.clone(), ..all() }, 3),
        (Question { tree_filter: filter(r#"neq(name, "other")"#), ..all() }, 3),
        (Question { tree_filter: filter(r#"search("quokka")"#), ..all() }, 3),
        (Question { trace_filter: of_root.clone(), tree_filter: of_any.clone(), ..all() }, 3),
        (Question { filter: of_any.clone(), trace_filter: of_root.clone(), ..all() }, 1),
        (Question { filter: filter(r#"eq(name, "other")"#), trace_filter: of_root, ..all() }, 0),
        (Question { filter: filter(r#"neq(name, "lookup")"#), tree_filter: of_any, ..all() }, 2),
    ] {
        assert_eq!(count(Question { limit: 50, ..condition.clone() }).await, runs, "{condition:?}");
        assert_eq!(kept.store.stats(&Access::full(), &condition).await.unwrap().run_count, Some(runs as u64));
    }
    let both = Question { is_root: Some(true), tree_filter: filter(r#"search("quokka")"#), ..all() };
    assert_eq!(count(both).await, 1);
    kept.has([root.child(2).update(5).with(Field::Outputs, r#"{"a": "a wombat"}"#)]).await;
    assert_eq!(count(Question { filter: filter(r#"search("wombat")"#), ..all() }).await, 1);
    assert_eq!(count(Question { filter: filter(r#"search("quokka")"#), ..all() }).await, 1);
}
