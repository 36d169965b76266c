//! Services of several languages, and the server that all send their runs to.

use std::time::Duration;

use futures::TryStreamExt;
use runtree_core::RunnableConfig;
use runtree_tracing::langsmith::LangSmith;
use runtree_tracing::langsmith::client::{RunQuery, TraceTree};
use runtree_tracing::langsmith::wire::Run;
use serde_json::json;

use crate::peer::Peer;
use crate::server::{self, Server};
use crate::service::{self, Order};

pub(crate) struct World {
    pub(crate) collector: Server,
    langsmith: LangSmith,
    peers: Vec<(&'static str, Peer)>,
    rust: String,
    http: reqwest::Client,
}

/// The languages of services that ask one another, the first of which is asked by the test, and their addresses.
#[derive(Debug)]
pub(crate) struct Journey(Vec<(&'static str, String)>);

impl Journey {
    /// The names of the runs it makes, if a service calls them `what`.
    pub(crate) fn names(&self, what: &str) -> Vec<String> {
        self.0.iter().map(|(language, _)| format!("{language} {what}")).collect()
    }

    /// The same, with a run for each request that comes to Rust.
    pub(crate) fn served(self) -> Self {
        let served = |(language, url): (_, String)| (language, if language == "rust" { url + "/served" } else { url });
        Self(self.0.into_iter().map(served).collect())
    }
}

impl World {
    /// Starts all, around a server that asks for compression as LangSmith's does; `None` where there is no Python for it.
    pub(crate) async fn start() -> Option<Self> {
        Self::around(Server::with_zstd().await).await
    }

    pub(crate) async fn around(collector: Server) -> Option<Self> {
        let python = Peer::python(&collector.url)?;
        let node = Peer::node(&collector.url).map(|node| ("node", node));
        let langsmith = LangSmith::to(&collector.url).with_project("another").start().unwrap();
        let config = RunnableConfig::root().with_handler(langsmith.handler());
        let rust = server::serve(service::app(&config)).await;
        let peers = [("python", python)].into_iter().chain(node).collect();
        Some(Self { collector, langsmith, peers, rust, http: reqwest::Client::new() })
    }

    /// Rust between two services of another language, and the other way round; and all languages at once.
    pub(crate) fn journeys(&self) -> Vec<Journey> {
        let rust = || ("rust", self.rust.clone());
        let peers = || self.peers.iter().map(|(language, peer)| (*language, peer.url.clone()));
        let mut journeys = Vec::new();
        for peer in peers() {
            journeys.push(Journey(vec![rust(), peer.clone(), rust()]));
            journeys.push(Journey(vec![peer.clone(), rust(), peer]));
        }
        if self.peers.len() > 1 {
            journeys.push(Journey(peers().flat_map(|peer| [peer, rust()]).collect()));
        }
        journeys
    }

    /// Sends an order on a journey; answers with the status and the body, unless the answer breaks off.
    pub(crate) async fn send(&self, path: &str, mut order: Order, journey: &Journey) -> reqwest::Result<(u16, String)> {
        let mut route = journey.0.iter().map(|(_, url)| url.clone());
        let first = route.next().unwrap();
        order.route = route.collect();
        let request = self.http.post(format!("{first}/{path}")).header("content-type", "application/json");
        let response = request.body(json!(order).to_string()).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    /// The traces, once the server has so many runs and all of them have ended. No run of theirs is missing.
    pub(crate) async fn traces(&self, runs: usize) -> Vec<TraceTree> {
        let client = self.collector.client();
        let mut seen: Vec<Run> = Vec::new();
        for _ in 0..200 {
            assert!(self.langsmith.flush(Duration::from_secs(20)).await.is_complete());
            for (_, peer) in &self.peers {
                self.http.post(format!("{}/flush", peer.url)).body("").send().await.unwrap();
            }
            seen = client.list_runs(RunQuery::new().oldest_first()).try_collect().await.unwrap();
            if seen.len() >= runs && seen.iter().all(|run| run.end_time.is_some()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut trees = Vec::new();
        for root in seen.iter().filter(|run| run.is_root()) {
            trees.push(client.load_trace(root.trace_id).await.unwrap());
        }
        assert_eq!(seen.len(), runs, "{trees:#?}");
        assert_eq!(trees.iter().map(TraceTree::len).sum::<usize>(), runs, "a run has lost its trace");
        for node in trees.iter().flat_map(TraceTree::iter) {
            let run = node.run();
            assert!(!node.is_orphan() && run.end_time.is_some(), "{run:?}");
            for child in node.children() {
                let below = format!("{}.", run.dotted_order);
                assert!(child.run().dotted_order.starts_with(&below), "{:?} is not below {run:?}", child.run());
            }
        }
        trees
    }
}
