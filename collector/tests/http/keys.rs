//! Who may do what.

use std::collections::BTreeSet;

use runtree_collector::access::Access;
use runtree_collector::http::keys::{KeyRing, Right};
use runtree_collector::http::routes::table;
use uuid::Uuid;

use crate::server::{Server, root};

fn path(route: &str) -> String {
    // A stream would go on; one of no trace is refused.
    let route = if route == "/stream" { "/stream?trace=none" } else { route };
    let id = Uuid::now_v7().to_string();
    route.replace("{id}", &id).replace("{token}", &id)
}

async fn locked() -> Server {
    let reads = Access { writes: false, manages: false, ..Access::full() };
    let writes = Access { reads: false, manages: false, ..Access::full() };
    let keys = KeyRing::default().with("all", Access::full()).with("reads", reads).with("writes", writes);
    Server::with(|collector| collector.with_keys(keys)).await
}

#[tokio::test]
async fn every_route_refuses_who_has_no_key_or_not_the_right_one() {
    let server = locked().await;
    let mut seen = BTreeSet::new();
    for route in table() {
        let (method, path) = (route.method.as_str(), path(route.path));
        assert!(seen.insert((method, route.path)), "{route:?} is there twice");
        let kind = ("Content-Type", "application/json");
        let status = async |headers: &[(&str, &str)]| {
            let headers = [&[kind], headers].concat();
            server.send(method, &path, &headers, b"{}").await.status
        };
        let keyless = [
            &[][..],
            &[("x-api-key", "")],
            &[("x-api-key", "al")],
            &[("x-api-key", "ALL")],
            &[("x-api-key", "all2")],
            &[("x-api-key", "wrong"), ("Authorization", "Bearer all")],
            &[("Authorization", "Basic all")],
            &[("Cookie", "x-api-key=all")],
        ];
        for headers in keyless {
            let status = status(headers).await;
            match route.right {
                Right::Nothing => assert!(![401, 403].contains(&status), "{route:?}"),
                _ => assert_eq!(status, 401, "{route:?} {headers:?}"),
            }
        }
        let with = |key: &'static str| vec![("x-api-key", key)];
        let (reads, writes) = (status(&with("reads")).await, status(&with("writes")).await);
        assert_eq!(reads == 403, matches!(route.right, Right::Writes | Right::Manages), "{route:?}");
        assert_eq!(writes == 403, matches!(route.right, Right::Reads | Right::Manages), "{route:?}");
        for headers in [with("all"), vec![("Authorization", "Bearer all")]] {
            assert!(![401, 403, 405].contains(&status(&headers).await), "{route:?}");
        }
    }
}

#[tokio::test]
async fn a_key_in_the_query_string_is_none_and_other_spellings_of_a_path_show_nothing() {
    let server = locked().await;
    for path in [
        "/sessions?x-api-key=all",
        "/sessions?api_key=all",
        "/Sessions",
        "//sessions",
        "/sessions.",
        "/sessions%2f",
        "/public/../sessions",
        "/info/../sessions",
        "/api/api/sessions",
        "/sessions;/info",
    ] {
        let answer = server.get(path).await;
        assert!([400, 401, 404].contains(&answer.status), "{path}: {}", answer.status);
        assert!(answer.json()["detail"].is_string());
    }
    assert_eq!(server.send("DELETE", "/info", &[], b"").await.status, 405);
}

#[tokio::test]
async fn a_key_for_some_projects_writes_there_only() {
    let key = Access { projects: Some(BTreeSet::from([Uuid::now_v7()])), ..Access::full() };
    let server = Server::with(|collector| collector.with_keys(KeyRing::default().with("k", key))).await;
    let headers = [("x-api-key", "k"), ("Content-Type", "application/json")];
    let answer = server.send("POST", "/runs", &headers, root().to_string().as_bytes()).await;
    assert_eq!(answer.status, 403, "{answer:?}");
}
