//! Feedback is given, read, changed and taken back.

use futures::TryStreamExt;
use runtree_core::ErrorKind;
use runtree_tracing::langsmith::client::FeedbackQuery;
use runtree_tracing::langsmith::wire::{Feedback, FeedbackCreate, FeedbackUpdate};
use serde_json::json;

use super::server::Server;
use super::{id, run};

#[tokio::test]
async fn feedback_lives_from_its_giving_to_its_end() {
    let server = Server::start().await;
    let client = server.client();
    let sent = run("answer", 0, None);
    let early = client.create_feedback(&FeedbackCreate::new(id(&sent), "score")).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::NotFound);
    server.batch(vec![sent.clone()], vec![]).await;

    let given = FeedbackCreate::new(id(&sent), "score").score(0.5).value("half").comment("so so");
    let made = client.create_feedback(&given).await.unwrap();
    assert_eq!((made.id, made.run_id, made.score.clone()), (given.id, Some(id(&sent)), Some(json!(0.5))));
    assert_eq!(made.feedback_source.as_ref().unwrap().kind, "api");
    assert_eq!(client.read_feedback(made.id).await.unwrap(), made);

    let mut changes = FeedbackUpdate::default();
    changes.score = Some(json!(true));
    let changed = client.update_feedback(made.id, &changes).await.unwrap();
    assert_eq!((changed.score, changed.comment.as_deref()), (Some(json!(true)), Some("so so")));

    client.delete_feedback(made.id).await.unwrap();
    assert_eq!(client.read_feedback(made.id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn feedback_is_listed_by_what_it_is_about() {
    let server = Server::start().await;
    let client = server.client();
    let runs = [run("a", 0, None), run("b", 1, None)];
    server.batch(runs.to_vec(), vec![]).await;
    for n in 0..120 {
        let key = if n % 3 == 0 { "thirds" } else { "rest" };
        client.create_feedback(&FeedbackCreate::new(id(&runs[n % 2]), key).score(n)).await.unwrap();
    }
    let project = client.find_project("default").await.unwrap().id;
    for (query, expected) in [
        (FeedbackQuery::new(), 120),
        (FeedbackQuery::new().limit(110), 110),
        (FeedbackQuery::new().runs([id(&runs[0])]), 60),
        (FeedbackQuery::new().runs([id(&runs[0]), id(&runs[1])]).key("thirds"), 40),
        (FeedbackQuery::new().key("thirds").key("rest").project_id(project), 120),
        (FeedbackQuery::new().source("model"), 0),
        (FeedbackQuery::new().source("api").limit(1), 1),
    ] {
        let asked = format!("{query:?}");
        let found: Vec<Feedback> = client.list_feedback(query).try_collect().await.unwrap();
        assert_eq!(found.len(), expected, "{asked}");
    }
}
