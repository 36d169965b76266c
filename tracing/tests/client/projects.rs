//! Projects are made, found, changed and deleted.

use futures::TryStreamExt;
use runtree_core::ErrorKind;
use runtree_tracing::langsmith::client::{ClientError, ProjectQuery, RunQuery};
use runtree_tracing::langsmith::wire::{Project, ProjectCreate, ProjectUpdate};

use super::run;
use super::server::Server;

#[tokio::test]
async fn a_project_lives_from_its_making_to_its_end() {
    let server = Server::start().await;
    let client = server.client();
    let made = client.create_project(&ProjectCreate::new("nightly")).await.unwrap();
    assert_eq!(client.read_project(made.id).await.unwrap(), made);
    assert_eq!(client.find_project("nightly").await.unwrap(), made);

    let taken = client.create_project(&ProjectCreate::new("nightly")).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Provider);
    assert_eq!(taken.downcast_ref::<ClientError>().unwrap().status(), Some(409));
    let mut again = ProjectCreate::new("nightly");
    again.description = Some("each night".to_owned());
    let upserted = client.upsert_project(&again).await.unwrap();
    assert_eq!((upserted.id, upserted.description.as_deref()), (made.id, Some("each night")));

    let mut changes = ProjectUpdate::default();
    changes.name = Some("weekly".to_owned());
    assert_eq!(client.update_project(made.id, &changes).await.unwrap().description.as_deref(), Some("each night"));
    assert_eq!(client.find_project("nightly").await.unwrap_err().kind(), ErrorKind::NotFound);

    client.delete_project(made.id).await.unwrap();
    assert_eq!(client.read_project(made.id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_projects_runs_are_told_in_numbers_and_go_with_it() {
    let server = Server::start().await;
    server.batch(vec![run("a", 0, None), run("b", 1, None)], vec![]).await;
    let client = server.client();
    let project = client.find_project("default").await.unwrap();
    assert_eq!(project.stats.run_count, None);
    assert_eq!(client.project_stats(project.id).await.unwrap().stats.run_count, Some(2));
    client.delete_project(project.id).await.unwrap();
    assert_eq!(client.list_runs(RunQuery::new()).try_next().await.unwrap(), None);
}

#[tokio::test]
async fn projects_are_listed_page_after_page() {
    let server = Server::start().await;
    let client = server.client();
    for n in 0..230 {
        let project = ProjectCreate::new(format!("project {n}"));
        client.create_project(&project).await.unwrap();
    }
    let list = async |query| client.list_projects(query).try_collect::<Vec<Project>>().await.unwrap();
    let all = list(ProjectQuery::new()).await;
    assert_eq!(all.len(), 230);
    assert_eq!(list(ProjectQuery::new().limit(200)).await.len(), 200);
    assert_eq!(list(ProjectQuery::new().limit(0)).await.len(), 0);
    assert_eq!(list(ProjectQuery::new().name("project 7")).await, all[7..8]);
    assert_eq!(list(ProjectQuery::new().name_contains("22")).await.len(), 12);
    assert_eq!(list(ProjectQuery::new().ids([all[1].id, all[4].id])).await.len(), 2);

    list(ProjectQuery::new().reference_free(true).metadata("a b", "c&d").include_stats().limit(5)).await;
    let (path, _) = server.asked().pop().unwrap();
    let expected =
        "/sessions?limit=5&offset=0&metadata=%7B%22a+b%22%3A%22c%26d%22%7D&include_stats=true&reference_free=true";
    assert_eq!(path, expected);
}
