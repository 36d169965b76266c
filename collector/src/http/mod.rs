//! Requests and answers.
//!
//! A request passes the [`guard`], which looks at where it comes from, then finds its place in the table of
//! [`routes`], where its key must give the right that the route needs; only then is its body read. Every answer is JSON
//! but for files, and every refusal is a [`Problem`].

mod answer;
mod cursor;
mod extract;
pub mod guard;
pub mod keys;
mod linger;
mod pages;
mod path;
mod problem;
pub mod routes;
mod serve;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

pub use problem::Problem;
pub use serve::serve;

use crate::ingest::body::{Caps, Room};
use crate::limits;
use crate::store::{Store, StoreError};
use keys::{Keys, NoKeys};
use tally::Tally;

/// What answers requests: a store, who may use it, and how.
#[derive(Clone, Debug)]
pub struct Collector {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Arc<dyn Keys>,
    pub(crate) options: Arc<Options>,
    pub(crate) tenant: Uuid,
    pub(crate) room: Room,
    pub(crate) tally: Arc<Tally>,
    /// Whether it is about to end: answers that go on for ever end then.
    pub(crate) ending: Arc<watch::Sender<bool>>,
}

impl Collector {
    /// One over a store, without keys and with the usual options.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    pub async fn over(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let tenant = store.tenant().await?;
        let (keys, options) = (Arc::new(NoKeys), Arc::<Options>::default());
        let room = Room::of(options.bodies);
        Ok(Self { store, keys, options, tenant, room, tally: Arc::default(), ending: Arc::default() })
    }

    /// The store it is over.
    pub fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// The same, for whoever has one of these keys.
    #[must_use]
    pub fn with_keys(self, keys: impl Keys + 'static) -> Self {
        Self { keys: Arc::new(keys), ..self }
    }

    /// The same, with these options.
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        Self { room: Room::of(options.bodies), options: Arc::new(options), ..self }
    }
}

/// How a collector answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The names under which it may be asked; by default those of loopback if it listens there, else any.
    pub hosts: Vec<String>,
    /// The name of the workspace, for people.
    pub tenant_name: String,
    /// How much of a body is taken, and how slowly it may come.
    pub body: Caps,
    /// Bytes of all bodies together that are being read or stored; whoever comes later is asked to come again.
    pub bodies: usize,
    /// How long a request's head may take, and how long a connection may be idle.
    pub head_time: Duration,
    /// Connections at once; more wait until one ends.
    pub connections: usize,
    /// How long open requests may take once the collector is asked to end.
    pub drain: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            tenant_name: "runtree".to_owned(),
            body: Caps::default(),
            bodies: limits::BODIES,
            head_time: limits::HEAD_TIME,
            connections: limits::CONNECTIONS,
            drain: Duration::from_secs(3),
        }
    }
}
