//! What goes wrong is said in the right kind, with the server's words and never with the key.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures::TryStreamExt;
use runtree_core::ErrorKind;
use runtree_tracing::langsmith::client::{Client, ClientError, RunQuery};
use runtree_tracing::langsmith::wire::{FeedbackCreate, ProjectCreate};
use uuid::Uuid;

use super::server::{Asked, Server, serve};

/// A server that says what it was told to say, one answer after the other, the last for ever.
struct Script {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

type Line = (u16, &'static [(&'static str, &'static str)], &'static str);

impl Script {
    async fn new(lines: &[Line]) -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let lines = Mutex::new(VecDeque::from(lines.to_vec()));
        let ear = asked.clone();
        let answer = move |request: Request| {
            ear.lock().unwrap().push((request.uri().to_string(), request.headers().clone()));
            let mut lines = lines.lock().unwrap();
            let (status, headers, body) = if lines.len() > 1 { lines.pop_front().unwrap() } else { lines[0] };
            let mut answer = Response::builder().status(status);
            for (name, value) in headers {
                answer = answer.header(*name, *value);
            }
            let answer = answer.body(Body::from(body)).unwrap();
            async { answer }
        };
        let answer = Arc::new(answer);
        let app = Router::new().fallback(move |request: Request| answer(request));
        Self { url: serve(app).await, asked }
    }

    fn client(&self) -> Client {
        Client::builder().endpoint(&self.url).key("lsv2_secret").build().unwrap()
    }

    fn times(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

const NOW: &[(&str, &str)] = &[("retry-after", "0")];

#[tokio::test]
async fn statuses_become_kinds_with_the_servers_words() {
    for (status, body, kind, message) in [
        (400, r#"{"detail": "bad filter"}"#, ErrorKind::InvalidInput, "answered 400: bad filter"),
        (422, r#"{"detail": [{"loc": ["x"]}]}"#, ErrorKind::InvalidInput, r#"answered 422: [{"loc":["x"]}]"#),
        (401, r#"{"error": "who are you"}"#, ErrorKind::Authentication, "answered 401: who are you"),
        (403, "key lsv2_secret is no good", ErrorKind::Authentication, "answered 403: key [api key] is no good"),
        (
            403,
            r#"{"error": "org_scoped_key_requires_workspace"}"#,
            ErrorKind::Authentication,
            "answered 403: this key opens several workspaces, give the workspace id to say which one",
        ),
        (404, "", ErrorKind::NotFound, "answered 404"),
        (409, r#"{"message": "exists"}"#, ErrorKind::Provider, "answered 409: exists"),
        (429, "slow\u{7}down", ErrorKind::RateLimited, "answered 429: slow down"),
        (500, r#""oh""#, ErrorKind::Provider, "answered 500: oh"),
        (503, "<html>", ErrorKind::Provider, "answered 503: <html>"),
        (
            307,
            "",
            ErrorKind::Provider,
            "answered 307: redirects are not followed, give the final address as the endpoint",
        ),
    ] {
        let script = Script::new(&[(status, &[], body)]).await;
        let client = Client::builder().endpoint(&script.url).key("lsv2_secret").retries(0).build().unwrap();
        let error = client.read_run(Uuid::nil()).await.unwrap_err();
        let path = "/runs/00000000-0000-0000-0000-000000000000";
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(error.message(), format!("GET {path} {message}"));
        let source = error.downcast_ref::<ClientError>().unwrap();
        assert_eq!((source.method(), source.path(), source.status()), ("GET", path, Some(status)));
        assert!(!format!("{error:?} {source:?}").contains("lsv2_secret"));
    }
}

#[tokio::test]
async fn reads_are_tried_again_and_wait_as_they_are_told() {
    for status in [429, 502, 503, 504] {
        let script = Script::new(&[(status, NOW, ""), (status, NOW, ""), (200, &[], r#"{"runs": []}"#)]).await;
        assert_eq!(script.client().list_runs(RunQuery::new()).try_next().await.unwrap(), None);
        assert_eq!(script.times(), 3, "{status}");
    }
    let script = Script::new(&[(503, NOW, ""), (200, &[], "{}")]).await;
    script.client().info().await.unwrap();
    assert_eq!(script.times(), 2);
}

#[tokio::test]
async fn tries_come_to_an_end() {
    let script = Script::new(&[(429, NOW, "")]).await;
    let error = script.client().info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::ZERO));
    assert_eq!(script.times(), 4);
    let script = Script::new(&[(500, NOW, "")]).await;
    script.client().info().await.unwrap_err();
    assert_eq!(script.times(), 1);
}

#[tokio::test]
async fn what_writes_is_tried_once() {
    let script = Script::new(&[(503, NOW, "")]).await;
    let client = script.client();
    client.create_project(&ProjectCreate::new("x")).await.unwrap_err();
    client.create_feedback(&FeedbackCreate::new(Uuid::nil(), "x")).await.unwrap_err();
    client.delete_project(Uuid::nil()).await.unwrap_err();
    client.share_run(Uuid::nil()).await.unwrap_err();
    assert_eq!(script.times(), 4);
}

#[tokio::test]
async fn a_redirect_does_not_take_the_key_along() {
    let elsewhere = Server::start().await;
    for status in [301, 302, 307, 308] {
        let target = format!("{}/info", elsewhere.url);
        let location: &'static str = Box::leak(target.into_boxed_str());
        let headers: &'static [(&str, &str)] = Box::leak(Box::new([("location", location)]));
        let script = Script::new(&[(status, headers, "")]).await;
        let error = script.client().info().await.unwrap_err();
        assert!(error.message().contains("redirects are not followed"), "{error}");
        assert_eq!(script.times(), 1);
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn answers_that_are_too_long_are_refused() {
    const LONG: &str = r#"{"version": "0123456789012345678901234567890123456789"}"#;
    let script = Script::new(&[(200, &[], LONG)]).await;
    let limited = |bytes| Client::builder().endpoint(&script.url).answer_limit(bytes).build().unwrap();
    limited(LONG.len()).info().await.unwrap();
    let error = limited(LONG.len() - 1).info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Provider);
    assert_eq!(error.message(), format!("GET /info answered with more than {} bytes", LONG.len() - 1));
}

#[tokio::test]
async fn answers_without_an_end_are_refused() {
    let endless = || async {
        let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1000]));
        Response::new(Body::from_stream(chunks))
    };
    let failing = || async {
        let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 1000]));
        Response::builder().status(400).body(Body::from_stream(chunks)).unwrap()
    };
    let app = Router::new().route("/info", axum::routing::get(endless)).route("/ok", axum::routing::get(failing));
    let client = Client::builder().endpoint(serve(app).await).answer_limit(100_000).build().unwrap();
    assert_eq!(client.info().await.unwrap_err().message(), "GET /info answered with more than 100000 bytes");
    let error = client.ok().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().len() < 2000);
}

#[tokio::test]
async fn an_answer_that_is_not_what_it_should_be_says_where() {
    for (body, words) in [
        ("<html>", "GET /info gave an answer that cannot be read: expected value at line 1 column 1"),
        ("", "GET /info gave an answer that cannot be read: EOF while parsing a value at line 1 column 0"),
        (
            r#"{"version": 7}"#,
            "GET /info gave an answer that cannot be read: version: invalid type: integer `7`, expected a string at line 1 column 13",
        ),
        (r#"{} {}"#, "GET /info gave an answer that cannot be read: trailing characters at line 1 column 4"),
    ] {
        let script = Script::new(&[(200, &[], body)]).await;
        let error = script.client().info().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parse);
        assert_eq!(error.to_string(), words);
        assert_eq!(script.times(), 1);
    }
    let run = r#"{"runs": [{"id": "00000000-0000-0000-0000-000000000000", "name": "x", "start_time": "noon"}]}"#;
    let script = Script::new(&[(200, &[], run)]).await;
    let error = script.client().list_runs(RunQuery::new()).try_next().await.unwrap_err();
    assert!(
        error.to_string().contains("runs[0].start_time: invalid value: string \"noon\", expected a time"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_goes_in_circles_is_left() {
    let script = Script::new(&[(200, &[], r#"{"runs": [], "cursors": {"next": "again"}}"#)]).await;
    let error = script.client().list_runs(RunQuery::new()).try_next().await.unwrap_err();
    assert_eq!(error.message(), "POST /runs/query gave the same cursor twice");
    assert_eq!(script.times(), 2);
}

#[tokio::test]
async fn nobody_at_home_is_a_failure_of_transport() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = Client::builder().endpoint(format!("http://{address}")).key("lsv2_secret").retries(1).build().unwrap();
    let error = client.info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().starts_with("GET /info got no answer: "), "{error}");
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_is_a_timeout() {
    let app = Router::new().fallback(std::future::pending::<()>);
    let client = Client::builder().endpoint(serve(app).await).timeout(Duration::from_millis(50)).build().unwrap();
    let error = client.info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.is_retryable());
}

#[test]
fn a_client_that_cannot_work_is_not_built() {
    let build = |endpoint: &str| Client::builder().endpoint(endpoint).build();
    for endpoint in
        ["", "localhost:1984", "ftp://h", "http://", "http://u:hunter2@h", "http://h?key=hunter2", "https://h/#x"]
    {
        let error = build(endpoint).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{endpoint}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let builder = Client::builder().endpoint("http://u:hunter2@h").key("hunter2\u{1}x");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let error = Client::builder().key("hunter2\u{1}x").build().unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"));
    assert!(!format!("{:?}", Client::builder().key("hunter2").build().unwrap()).contains("hunter2"));
}
