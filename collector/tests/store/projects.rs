//! Projects, feedback, shares, and who may reach them.

use std::collections::BTreeSet;

use runtree_collector::access::Access;
use runtree_collector::run::{Attachment, Field};
use runtree_collector::store::{Batch, FeedbackQuestion, ProjectQuestion, Question, Store, StoreError};
use runtree_tracing::langsmith::wire::{FeedbackCreate, FeedbackUpdate, ProjectCreate, ProjectUpdate};
use serde_json::json;

use crate::operations::{Told, text};
use crate::{Kept, all};

#[tokio::test]
async fn a_project_is_made_found_changed_and_removed() {
    let (kept, access) = (Kept::new().await, Access::full());
    let made = kept.store.create_project(&access, ProjectCreate::new("p"), false).await.unwrap();
    let twice = kept.store.create_project(&access, ProjectCreate::new("p"), false).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    assert_eq!(kept.store.create_project(&access, ProjectCreate::new("p"), true).await.unwrap().id, made.id);
    let mut update = ProjectUpdate::default();
    update.description = Some("what it is for".into());
    let changed = kept.store.update_project(&access, made.id, update).await.unwrap().unwrap();
    assert_eq!(changed.description.as_deref(), Some("what it is for"));

    let run = Told::root(1);
    kept.has([run.create(), run.update(2_000_000)]).await;
    assert_eq!(kept.run(run.id).await.project, made.id, "runs of that name land in it");
    let found = kept.store.project(&access, made.id, true).await.unwrap().unwrap();
    let latency = found.stats.latency_p50.unwrap();
    assert_eq!(found.stats.run_count, Some(1));
    assert!((latency - 2.0).abs() < 0.02, "{latency}");

    assert!(kept.store.delete_project(&access, made.id).await.unwrap());
    assert!(!kept.store.delete_project(&access, made.id).await.unwrap());
    assert!(kept.runs(all()).await.is_empty());
    let late = kept.write([run.update(3)]).await;
    assert_eq!(late[0].status, 409, "what comes late does not bring it back");
    assert!(kept.runs(all()).await.is_empty());
    let question = ProjectQuestion { limit: 10, ..ProjectQuestion::default() };
    assert!(kept.store.projects(&access, &question).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_reaches_its_projects_and_no_others() {
    let kept = Kept::new().await;
    let (ours, theirs) = (Told::root(1), Told::root(2));
    kept.has([ours.create(), theirs.create().with(Field::ProjectName, text("theirs"))]).await;
    let mine = kept.run(ours.id).await.project;
    let access = Access { projects: Some(BTreeSet::from([mine])), ..Access::full() };
    let store = &kept.store;
    assert!(store.run(&access, ours.id).await.unwrap().is_some());
    assert!(store.run(&access, theirs.id).await.unwrap().is_none());
    assert_eq!(store.runs(&access, &all()).await.unwrap().runs.len(), 1);
    assert_eq!(store.stats(&access, &all()).await.unwrap().run_count, Some(1));
    assert_eq!(store.changes(&access, 0, None, None, 100).await.unwrap().len(), 1);
    let all_projects = ProjectQuestion { limit: 10, ..ProjectQuestion::default() };
    assert_eq!(store.projects(&access, &all_projects).await.unwrap().len(), 1);
    assert!(store.share(&access, theirs.id, "token").await.unwrap().is_none());

    let before = kept.run(theirs.id).await;
    for operation in [theirs.update(5), theirs.create(), Told::root(3).create().with(Field::ProjectName, text("new"))] {
        let batch = Batch { operations: vec![operation.clone()], ..Batch::default() };
        let refused = store.write(&access, batch).await.unwrap();
        assert!(matches!(refused[0].status, 403 | 409), "{operation:?} {refused:?}");
    }
    let batch = Batch { feedback: vec![FeedbackCreate::new(theirs.id, "k")], ..Batch::default() };
    assert_eq!(store.write(&access, batch).await.unwrap()[0].status, 403);
    assert_eq!(kept.run(theirs.id).await.row, before.row);
}

#[tokio::test]
async fn feedback_is_stored_changed_counted_and_removed() {
    let (kept, access) = (Kept::new().await, Access::full());
    let run = Told::root(1);
    let early = FeedbackCreate::new(run.id, "quality").score(0.5).comment("meh");
    let batch = Batch { feedback: vec![early.clone()], ..Batch::default() };
    assert_eq!(kept.store.write(&access, batch.clone()).await.unwrap(), [], "it may come before its run");
    kept.has([run.create()]).await;
    kept.store.write(&access, batch).await.unwrap();
    let more =
        vec![FeedbackCreate::new(run.id, "quality").score(1), FeedbackCreate::new(run.id, "label").value("spam")];
    kept.store.write(&access, Batch { feedback: more, ..Batch::default() }).await.unwrap();

    let stats = kept.run(run.id).await.feedback.unwrap();
    assert_eq!(stats["quality"], json!({"n": 2, "avg": 0.75, "values": {}, "comments": ["meh"]}));
    assert_eq!(stats["label"], json!({"n": 1, "avg": null, "values": {"spam": 1}, "comments": []}));
    let of_run = FeedbackQuestion { runs: Some(vec![run.id]), limit: 10, ..FeedbackQuestion::default() };
    assert_eq!(kept.store.feedback(&access, &of_run).await.unwrap().len(), 3);
    let labels = FeedbackQuestion { keys: Some(vec!["label".into()]), ..of_run.clone() };
    assert_eq!(kept.store.feedback(&access, &labels).await.unwrap().len(), 1);

    let mut update = FeedbackUpdate::default();
    update.score = Some(json!(0.75));
    let changed = kept.store.update_feedback(&access, early.id, update).await.unwrap().unwrap();
    assert_eq!((changed.score, changed.comment.as_deref()), (Some(json!(0.75)), Some("meh")));
    assert!(kept.store.delete_feedback(&access, early.id).await.unwrap());
    assert_eq!(kept.store.feedback(&access, &of_run).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_share_lasts_until_it_is_ended() {
    let (kept, access) = (Kept::new().await, Access::full());
    let run = Told::root(1);
    assert_eq!(kept.store.share(&access, run.id, "one").await.unwrap(), None, "there is no such run");
    kept.has([run.create()]).await;
    assert_eq!(kept.store.shared(&access, run.id).await.unwrap(), None);
    assert_eq!(kept.store.share(&access, run.id, "one").await.unwrap().as_deref(), Some("one"));
    assert_eq!(kept.store.share(&access, run.id, "two").await.unwrap().as_deref(), Some("one"));
    assert_eq!(kept.store.shared_run("one").await.unwrap(), Some(run.id));
    assert_eq!(kept.store.shared_run("two").await.unwrap(), None);
    assert!(kept.store.unshare(&access, run.id).await.unwrap());
    assert_eq!(kept.store.shared_run("one").await.unwrap(), None);
}

#[tokio::test]
async fn files_go_with_their_run() {
    let kept = Kept::new().await;
    let run = Told::root(1);
    let file = |data: &'static str| Attachment {
        name: "a picture".into(),
        mime_type: "image/png".into(),
        data: data.as_bytes().into(),
    };
    let with = |mut operation: runtree_collector::run::Operation, data| {
        operation.attachments.push(file(data));
        operation
    };
    kept.has([with(run.create(), "first")]).await;
    let token = kept.run(run.id).await.attachments[0].token.clone();
    assert_eq!(kept.store.attachment(&token).await.unwrap().unwrap().1, "first");
    kept.has([with(run.create(), "again")]).await;
    assert_eq!(kept.store.attachment(&token).await.unwrap().unwrap().1, "first", "a create changes none");
    kept.has([with(run.update(5), "second")]).await;
    let (stored, data) = kept.store.attachment(&token).await.unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.bytes, data), ("a picture", 6, "second".into()));
    assert!(kept.store.attachment("no token").await.unwrap().is_none());
    assert_eq!(kept.runs(Question { limit: 1, ..Question::default() }).await[0].attachments.len(), 0);
}

#[tokio::test]
async fn s08_what_is_too_old_goes_and_does_not_come_back() {
    let (kept, access) = (Kept::new().await, Access::full());
    let mut create = ProjectCreate::new("p");
    create.extra = json!({"retention": {"runs_days": 2}}).as_object().cloned();
    kept.store.create_project(&access, create, false).await.unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as i64;
    let day = 86_400_000_000;
    let old: Vec<Told> = (0..1_200).map(|number| Told { start: now - 3 * day, ..Told::root(number) }).collect();
    let young = Told { start: now - day, ..Told::root(5_000) };
    let elsewhere = Told { start: now - 300 * day, ..Told::root(6_000) };
    kept.has(old.iter().map(Told::create)).await;
    kept.has([young.create(), elsewhere.create().with(Field::ProjectName, text("another"))]).await;
    // What is no number of days keeps everything.
    let mut strange = ProjectCreate::new("another");
    strange.extra = json!({"retention": {"runs_days": "never"}}).as_object().cloned();
    kept.store.create_project(&access, strange, true).await.unwrap();
    kept.store.sweep().await.unwrap();
    let left: Vec<_> = kept.runs(all()).await.iter().map(|run| run.row.id).collect();
    assert_eq!(left, [young.id, elsewhere.id]);
    assert_eq!(kept.write([old[0].update(1)]).await[0].status, 409);
    assert_eq!(kept.runs(all()).await.len(), 2);
}
