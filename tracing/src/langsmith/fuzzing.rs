//! What comes from a spool or from a server, for fuzzing.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;

use super::client;
use super::protocol::refused;
use super::{json_batch, multipart};
use crate::export::{Answer, Operation, Reaction, Writer, reaction};

fn written(operation: &Operation) -> Vec<u8> {
    let mut writer = Writer::new(operation.kind, operation.id, operation.trace);
    for (field, bytes) in &operation.parts {
        let part = writer.part(*field, usize::MAX, |out| std::io::Write::write_all(out, bytes));
        assert!(matches!(part, Ok(Ok(()))));
    }
    writer.finish().to_vec()
}

/// A record, read and written down again; `None` if it is none of ours.
pub fn rewritten(record: &[u8]) -> Option<Vec<u8>> {
    Operation::read(&Bytes::copy_from_slice(record)).as_ref().map(written)
}

/// The record of both as one, if both are ours: as if the first had come first.
pub fn merged(first: &[u8], second: &[u8]) -> Option<Vec<u8>> {
    let read = |record| Operation::read(&Bytes::copy_from_slice(record));
    Some(written(&read(first)?.merged(read(second)?)))
}

/// The bodies of requests with these records: multipart and JSON; those that are none of ours are left out.
pub fn bodies(records: &[&[u8]], boundary: &str) -> (Vec<u8>, Vec<u8>) {
    let operations: Vec<_> =
        records.iter().filter_map(|record| Operation::read(&Bytes::copy_from_slice(record))).collect();
    let operations: Vec<_> = operations.iter().collect();
    let (mut parts, mut json) = (Vec::new(), Vec::new());
    let payload = multipart::write(&operations, boundary, &mut parts);
    assert!(payload.is_ok_and(|payload| payload <= parts.len()));
    assert_eq!(json_batch::write(&operations, &mut json).ok(), Some(json.len()));
    (parts, json)
}

/// What is made of an answer.
#[derive(Debug, Default)]
pub struct Understood {
    /// What is said of it, to logs and people.
    pub said: Vec<String>,
    /// How long is waited for its sake.
    pub waits: Vec<Duration>,
}

/// What the exporter and the client make of an answer.
pub fn understood(status: u16, retry_after: &[u8], body: &[u8]) -> Understood {
    let mut understood = Understood::default();
    let now = UNIX_EPOCH + Duration::from_secs(1_772_600_767);
    let header = HeaderValue::from_bytes(retry_after).ok();
    let header = header.as_ref().and_then(|header| header.to_str().ok()).map(str::to_owned);
    let asked = header.as_deref().and_then(|header| crate::export::retry_after(header, now));
    let answer = Answer { status, content_type: None, retry_after: header, body: Bytes::copy_from_slice(body) };
    match reaction(&answer, now) {
        Reaction::Retry { reason, after } => {
            understood.said.push(reason);
            understood.waits.extend(after);
        }
        Reaction::Hold { reason }
        | Reaction::TooLarge { reason }
        | Reaction::Bad { reason }
        | Reaction::StoredBut { reason, .. } => understood.said.push(reason),
        Reaction::Stored { .. } => understood.said.extend(refused(body).into_iter().map(|(_, reason)| reason)),
        Reaction::Known => {}
    }
    if let Ok(status) = StatusCode::from_u16(status) {
        let (said, wait) = client::fuzzing::understood(status, asked, body);
        understood.said.push(said);
        understood.waits.push(wait);
    }
    understood
}
