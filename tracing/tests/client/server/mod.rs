//! A small server that keeps runs in memory and speaks the protocol, written from its description alone.

pub(crate) mod language;
mod routes;
mod store;

use std::sync::{Arc, Mutex};

use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use runtree_tracing::langsmith::client::{Client, ClientBuilder};
use runtree_tracing::langsmith::wire::Info;
use serde_json::{Value, json};

use store::Store;

/// A server on a port of its own, which ends with the test.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
    sender: reqwest::Client,
}

/// What was asked: the path with its query, and the headers.
pub(crate) type Asked = (String, HeaderMap);

struct Shared {
    /// The key asked for, if one is.
    key: Option<String>,
    /// What it says of itself.
    info: Info,
    store: Mutex<Store>,
    asked: Mutex<Vec<Asked>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with_key(None).await
    }

    pub(crate) async fn with_key(key: Option<&str>) -> Self {
        Self::with(key, false).await
    }

    /// A server that asks for bodies compressed with zstd.
    #[allow(dead_code)] // for the tests against other SDKs
    pub(crate) async fn with_zstd() -> Self {
        Self::with(None, true).await
    }

    async fn with(key: Option<&str>, zstd: bool) -> Self {
        let mut info = Info::default();
        info.version = Some("0.16.0".to_owned());
        info.instance_flags.zstd_compression_enabled = zstd;
        let store = Mutex::new(Store::new());
        let shared = Arc::new(Shared { key: key.map(str::to_owned), info, store, asked: Mutex::default() });
        let routes = routes::all();
        let app = Router::new()
            .merge(routes.clone())
            .nest("/api", routes.clone())
            .nest("/api/v1", routes)
            .layer(middleware::from_fn(unpacked))
            .layer(middleware::from_fn_with_state(shared.clone(), at_the_door))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared.clone());
        Self { url: serve(app).await, shared, sender: reqwest::Client::new() }
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder().endpoint(&self.url)
    }

    /// Sends runs as the JSON batch does.
    pub(crate) async fn batch(&self, post: Vec<Value>, patch: Vec<Value>) {
        let request = self.sender.post(format!("{}/runs/batch", self.url));
        let body = json!({"post": post, "patch": patch}).to_string();
        let answer = request.header("x-api-key", self.shared.key.clone().unwrap_or_default()).body(body).send().await;
        assert_eq!(answer.unwrap().status(), StatusCode::ACCEPTED);
    }

    /// Sends a multipart body, given as the parts' names, types and contents.
    pub(crate) async fn multipart(&self, parts: &[(String, &str, Vec<u8>)]) {
        let mut body = Vec::new();
        for (name, kind, content) in parts {
            let head =
                format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        let request = self.sender.post(format!("{}/runs/multipart", self.url)).body(body);
        let answer = request.header("content-type", "multipart/form-data; boundary=cut").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }

    /// What was asked so far, oldest first.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

/// Serves the app on a port of its own; answers with its address.
pub(crate) async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn at_the_door(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let path = request.uri().to_string();
    let key = request.headers().get("x-api-key").map(|key| key.to_str().unwrap().to_owned());
    shared.asked.lock().unwrap().push((path.clone(), request.headers().clone()));
    let open = ["/info", "/ok", "/attachments/"].iter().any(|open| path.contains(open));
    if !open && shared.key.is_some() && key != shared.key {
        return refuse(StatusCode::UNAUTHORIZED, format!("key {} is not known", key.unwrap_or_default()))
            .into_response();
    }
    next.run(request).await
}

/// Decompresses the body of a request, if it is compressed.
async fn unpacked(mut request: Request, next: Next) -> Response {
    if request.headers_mut().remove(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "zstd") {
        let (mut head, body) = request.into_parts();
        let packed = to_bytes(body, usize::MAX).await.unwrap();
        let Ok(body) = zstd::decode_all(&packed[..]) else {
            return refuse(StatusCode::BAD_REQUEST, "no zstd").into_response();
        };
        head.headers.insert(header::CONTENT_LENGTH, body.len().into());
        request = Request::from_parts(head, body.into());
    }
    next.run(request).await
}

type Refusal = (StatusCode, Json<Value>);

fn refuse(status: StatusCode, detail: impl Into<String>) -> Refusal {
    (status, Json(json!({"detail": detail.into()})))
}
