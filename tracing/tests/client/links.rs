//! Links lead to pages, and attachments come without the key.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use runtree_core::{ErrorKind, Moment, RunType};
use runtree_tracing::langsmith::wire::{Run, StoredUrl};
use serde_json::json;
use uuid::Uuid;

use super::server::{Server, serve};
use super::{START, id, run};

#[tokio::test]
async fn a_runs_page_is_found_through_the_run_the_client_or_the_server() {
    let server = Server::start().await;
    let sent = run("answer", 0, None);
    server.batch(vec![sent.clone()], vec![]).await;
    let client = server.builder().ui("https://traces.example.com/").build().unwrap();
    let project = client.find_project("default").await.unwrap();
    let mut run = client.read_run(id(&sent)).await.unwrap();
    let page = |tenant: &str| {
        format!("https://traces.example.com/o/{tenant}/projects/p/{}/r/{}?poll=true", project.id, id(&sent))
    };
    let tenant = project.tenant_id.unwrap().to_string();

    let asked = server.asked().len();
    assert_eq!(client.url_of(&run).await.unwrap(), page(&tenant));
    assert_eq!(server.asked().len(), asked);
    run.app_path = None;
    assert_eq!(client.url_of(&run).await.unwrap(), page(&tenant));
    assert_eq!(client.url_of(&run).await.unwrap(), page(&tenant));
    assert_eq!(server.asked().len(), asked + 1);
    let elsewhere = server.builder().ui("https://traces.example.com").workspace_id("w").build().unwrap();
    assert_eq!(elsewhere.url_of(&run).await.unwrap(), page("w"));
    run.session_id = None;
    assert_eq!(client.url_of(&run).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn attachments_come_back_byte_for_byte() {
    let server = Server::start().await;
    let sent = run("answer", 0, None);
    let id = id(&sent);
    let picture: Vec<u8> = (0..=255).chain(*b"\r\n--cut\r\n--cut").collect();
    let mut inputs = sent.clone();
    let inputs = inputs.as_object_mut().unwrap().remove("inputs").unwrap();
    server
        .multipart(&[
            (format!("attachment.{id}.picture"), "image/png", picture[..256].to_vec()),
            (format!("post.{id}"), "application/json", with_no_inputs(&sent)),
            (format!("post.{id}.inputs"), "application/json; length=2", inputs.to_string().into_bytes()),
        ])
        .await;

    for base in ["", "/api/v1"] {
        let client = runtree_tracing::langsmith::client::Client::builder();
        let client = client.endpoint(format!("{}{base}", server.url)).key("secret").build().unwrap();
        let run = client.read_run(id).await.unwrap();
        assert_eq!(run.inputs["question"], "answer");
        assert_eq!(run.attachments().map(|(name, _)| name).collect::<Vec<_>>(), ["picture"]);
        let attachment = client.attachment(&run, "picture").await.unwrap();
        assert_eq!(attachment.mime_type.as_deref(), Some("image/png"));
        assert_eq!(attachment.bytes[..], picture[..256]);
        let (path, headers) = server.asked().pop().unwrap();
        assert!(path.starts_with(&format!("{base}/attachments/")) && headers.get("x-api-key").is_none());
        assert_eq!(client.attachment(&run, "no").await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

fn with_no_inputs(run: &serde_json::Value) -> Vec<u8> {
    let mut run = run.clone();
    run["inputs"] = json!(null);
    run.to_string().into_bytes()
}

#[tokio::test]
async fn neither_key_nor_workspace_goes_to_another_origin() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    let elsewhere = serve(Router::new().fallback(move |request: Request| {
        ear.lock().unwrap().push((request.uri().to_string(), request.headers().clone()));
        async { (StatusCode::OK, "bytes") }
    }))
    .await;
    let server = Server::start().await;
    let client = server.builder().key("secret").workspace_id("w").build().unwrap();
    let mut run = Run::new(Uuid::nil(), Uuid::nil(), "x", RunType::Chain, Moment::from_micros(START));
    let mut stored = StoredUrl::default();
    stored.presigned_url = Some(format!("{elsewhere}/bucket/a?signature=s"));
    run.s3_urls.insert("attachment.a".to_owned(), stored);

    let attachment = client.attachment(&run, "a").await.unwrap();
    assert_eq!(attachment.bytes, "bytes");
    assert_eq!(attachment.mime_type.as_deref(), Some("text/plain; charset=utf-8"));
    let heard = heard.lock().unwrap();
    let (path, headers) = &heard[0];
    assert_eq!(path, "/bucket/a?signature=s");
    assert!(!format!("{headers:?}").contains("secret") && headers.get("x-tenant-id").is_none());
}

#[tokio::test]
async fn an_address_that_looks_relative_stays_on_the_server() {
    let server = Server::start().await;
    let mut run = Run::new(Uuid::nil(), Uuid::nil(), "x", RunType::Chain, Moment::from_micros(START));
    let mut stored = StoredUrl::default();
    stored.presigned_url = Some("//evil.example.com/a".to_owned());
    run.s3_urls.insert("attachment.a".to_owned(), stored);
    let error = server.client().attachment(&run, "a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(server.asked()[0].0, "/evil.example.com/a");
}
