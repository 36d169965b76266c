//! LangSmith's two headers: a dotted order, and baggage.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use runtree_core::{Moment, Run, RunnableConfig};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::limits;

/// How the keys of our items begin.
const OURS: &[u8] = b"langsmith-";
const METADATA: &str = "langsmith-metadata";
const TAGS: &str = "langsmith-tags";
const PROJECT: &str = "langsmith-project";
const ADDRESS: &str = "langsmith-address";

/// What stands for itself; all else is written as bytes in percent form.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b'/');

/// A dotted order in the one form that goes on the wire. `None` if it is none, or has an id twice.
///
/// A child may seem to start before its parent: each service has its own clock, and that of JavaScript counts in
/// milliseconds. Such a run still has its place.
pub(super) fn canonical(text: &str) -> Option<String> {
    let mut path: Vec<(Moment, Uuid)> = Vec::new();
    for segment in text.split('.') {
        let (time, id) = segment.split_at_checked(segment.len().checked_sub(36)?)?;
        let (time, id) = (Moment::from_dotted(time)?, Uuid::try_parse(id).ok()?);
        if path.iter().any(|(_, known)| *known == id) {
            return None;
        }
        path.push((time, id));
    }
    let segments: Vec<String> = path.into_iter().map(|(time, id)| format!("{}{id}", time.to_dotted())).collect();
    Some(segments.join("."))
}

/// The baggage of `run`, in at most `room` bytes: what does not fit is left out, metadata first.
pub(super) fn write_baggage(config: &RunnableConfig, run: &Run, room: usize) -> Option<String> {
    let item = |key: &str, text: &str| format!("{key}={}", utf8_percent_encode(text, ESCAPED));
    let (metadata, tags, project) = if run.is_elsewhere() {
        (config.metadata().clone(), config.tags().to_vec(), config.project())
    } else {
        (run.metadata(), run.tags(), run.project())
    };
    let metadata = (!metadata.is_empty()).then(|| item(METADATA, &Value::Object(metadata).to_string()));
    let tags = (!tags.is_empty()).then(|| item(TAGS, &tags.join(",")));
    let project = project.filter(|project| !project.is_empty()).map(|project| item(PROJECT, project));
    for items in [vec![&metadata, &tags, &project], vec![&tags, &project], vec![&project]] {
        let items: Vec<&str> = items.into_iter().filter_map(|item| item.as_deref()).collect();
        let baggage = items.join(",");
        if !baggage.is_empty() && baggage.len() <= room {
            return Some(baggage);
        }
    }
    None
}

/// Whether a `baggage` header has an item of ours.
#[cfg(any(feature = "tower", feature = "reqwest"))]
pub(super) fn is_in(header: &[u8]) -> bool {
    header.split(|byte| *byte == b',').any(|item| item.trim_ascii_start().starts_with(OURS))
}

/// What the baggage of a request says to us.
#[derive(Debug, Default)]
pub(super) struct Baggage {
    metadata: Option<Map<String, Value>>,
    tags: Vec<String>,
    project: Option<String>,
    address: bool,
    bytes: usize,
    items: usize,
}

impl Baggage {
    /// Reads one `baggage` header, up to the limits. Items of others are skipped, and so are ours that are broken.
    pub(super) fn read(&mut self, header: &[u8]) {
        let room = limits::BYTES - self.bytes;
        let (readable, whole) = (&header[..header.len().min(room)], header.len() <= room);
        self.bytes += readable.len();
        let mut items: Vec<&[u8]> =
            readable.split(|byte| *byte == b',').take(limits::ITEMS + 1 - self.items.min(limits::ITEMS)).collect();
        if !whole || self.items + items.len() > limits::ITEMS {
            // The last one may be cut off.
            items.pop();
            super::refuse();
        }
        self.items += items.len();
        items.into_iter().for_each(|item| self.item(item));
    }

    fn item(&mut self, item: &[u8]) {
        // What follows a `;` are W3C's properties of the item.
        let item = item.split(|byte| *byte == b';').next().unwrap_or(item);
        let Some(equals) = item.iter().position(|byte| *byte == b'=') else { return };
        let (key, value) = (item[..equals].trim_ascii(), item[equals + 1..].trim_ascii());
        if !key.starts_with(OURS) {
            return;
        }
        let read = percent_decode(value).decode_utf8().ok().and_then(|value| self.set(key, &value));
        if read.is_none() {
            super::refuse();
        }
    }

    fn set(&mut self, key: &[u8], value: &str) -> Option<()> {
        match key {
            key if key == METADATA.as_bytes() => self.metadata = Some(serde_json::from_str(value).ok()?),
            key if key == TAGS.as_bytes() => {
                self.tags = value.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
            }
            key if key == PROJECT.as_bytes() => self.project = Some(value.to_owned()).filter(|name| !name.is_empty()),
            key if key == ADDRESS.as_bytes() => self.address = is_address(value).then_some(true)?,
            // `langsmith-replicas` above all: where traces go is not for a header to say.
            _ => return None,
        }
        Some(())
    }

    /// A run has a project or an address; a request that says both is not to be believed.
    pub(super) fn contradicts_itself(&self) -> bool {
        self.address && self.project.is_some()
    }

    /// `config` with what the baggage says: its tags beside the config's, its metadata under them, its project.
    pub(super) fn apply(self, mut config: RunnableConfig) -> RunnableConfig {
        if !self.tags.is_empty() {
            let mut tags: Vec<_> = config.tags().iter().cloned().chain(self.tags.into_iter().map(Into::into)).collect();
            tags.sort();
            config = config.without_tags().with_tags(tags);
        }
        for (key, value) in self.metadata.into_iter().flatten() {
            if !config.metadata().contains_key(&key) {
                config = config.with_metadata(key, value);
            }
        }
        match self.project {
            Some(project) => config.with_project(project),
            None => config,
        }
    }
}

/// `lrn:agents/<id>/environments/<env>`.
fn is_address(text: &str) -> bool {
    let mut parts = text.strip_prefix("lrn:agents/").into_iter().flat_map(|rest| rest.split('/'));
    let (id, word, environment, more) = (parts.next(), parts.next(), parts.next(), parts.next());
    let label = |id: &str| {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&id.len()) && id.bytes().all(known) && !id.starts_with('-') && !id.ends_with('-')
    };
    id.is_some_and(label)
        && word == Some("environments")
        && environment.is_some_and(|name| ["local", "development", "staging", "production"].contains(&name))
        && more.is_none()
}
