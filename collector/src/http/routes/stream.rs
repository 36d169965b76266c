//! What changes, as it changes: server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures::stream::unfold;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::super::answer::summary;
use super::super::extract::{Caller, Pairs, id};
use super::super::{Collector, Problem};
use crate::access::Access;

/// The shortest time between two events.
const PAUSE: Duration = Duration::from_millis(100);
/// How long it may be quiet before a sign of life.
const QUIET: Duration = Duration::from_secs(15);
/// Runs of one event, and about how many a reader may be behind before it is told to read anew.
const TOGETHER: usize = 1_000;

/// Where a reader is.
struct Reader {
    collector: Collector,
    access: Access,
    news: watch::Receiver<i64>,
    ending: watch::Receiver<bool>,
    project: Option<Uuid>,
    trace: Option<Uuid>,
    seen: i64,
    told: Instant,
    ready: VecDeque<Bytes>,
}

pub(super) async fn stream(
    State(collector): State<Collector>,
    Caller(access): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let project = pairs.get("project").map(id).transpose()?;
    let trace = pairs.get("trace").map(id).transpose()?;
    if project.is_some() && trace.is_some() {
        return Err(Problem::invalid("a stream is of a project, of a trace, or of all that the key may see"));
    }
    let mut news = collector.store.news();
    let newest = *news.borrow_and_update();
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.trim().parse().ok());
    let seen = last.filter(|last| (0..=newest).contains(last)).unwrap_or(newest);
    let ready = VecDeque::from([Bytes::from(format!("retry: 1000\nid: {seen}\n: hello\n\n"))]);
    let ending = collector.ending.subscribe();
    let reader = Reader { collector, access, news, ending, project, trace, seen, told: Instant::now(), ready };
    let events = unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    let mut response = Response::new(Body::from_stream(events));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

impl Reader {
    /// The next event, or a sign of life. `None` once the collector ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if *self.ending.borrow() {
                return None;
            }
            if *self.news.borrow_and_update() <= self.seen {
                tokio::select! {
                    _ = self.ending.changed() => return None,
                    changed = timeout(QUIET, self.news.changed()) => match changed {
                        Ok(changed) => changed.ok()?,
                        Err(_) => return Some(Bytes::from_static(b": still here\n\n")),
                    },
                }
            }
            sleep(PAUSE.saturating_sub(self.told.elapsed())).await;
            self.look().await?;
        }
    }

    async fn look(&mut self) -> Option<()> {
        let newest = *self.news.borrow_and_update();
        let store = &self.collector.store;
        let changed = store.changes(&self.access, self.seen, self.project, self.trace, TOGETHER + 1).await;
        self.told = Instant::now();
        let Ok(runs) = changed else {
            // The store does not answer now; whoever listens comes again and reads what it missed.
            return None;
        };
        // What came after `newest` was read may be among them, and is told once more with its own number.
        self.seen = newest;
        if runs.len() > TOGETHER {
            self.ready.push_back(Bytes::from(format!("event: resync\nid: {newest}\ndata: {{}}\n\n")));
        } else if !runs.is_empty() {
            let mut event = format!("event: runs\nid: {newest}\ndata: {{\"runs\":").into_bytes();
            summary::list(&runs, &mut event);
            event.extend_from_slice(b"}\n\n");
            self.ready.push_back(event.into());
        }
        Some(())
    }
}
