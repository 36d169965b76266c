//! A body that brings runs to a collector. Its first byte says how it is packed and what it is, the rest is the body.
#![no_main]

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, HeaderValue};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use runtree_collector::ingest::body::{Caps, Room, collect};
use runtree_collector::ingest::{Unread, batch, multipart, single};
use runtree_collector::limits;
use runtree_collector::run::{Half, Kind, Merged};
use uuid::Uuid;

const CAPS_OF_A_TEST: usize = 1 << 20;
const BOUNDARY: &str = "multipart/form-data; boundary=b";

/// The body as a request gives it.
fn unpacked(packing: Option<&'static str>, wire: &[u8]) -> Result<Bytes, Unread> {
    let mut headers = HeaderMap::new();
    headers.extend(packing.map(|packing| (CONTENT_ENCODING, HeaderValue::from_static(packing))));
    let caps = Caps { wire: CAPS_OF_A_TEST, unpacked: CAPS_OF_A_TEST, ..Caps::default() };
    let body = Full::new(Bytes::copy_from_slice(wire));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let taken = runtime.block_on(collect(&headers, body, &caps, &Room::of(2 * CAPS_OF_A_TEST)))?;
    assert!(taken.body.len() <= CAPS_OF_A_TEST);
    Ok(taken.body)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, wire)) = bytes.split_first() else { return };
    let packing = [None, Some("zstd"), Some("gzip")][usize::from(first >> 4) % 3];
    let Ok(body) = unpacked(packing, wire) else { return };
    let parsed = match first & 15 {
        0..8 => multipart::parse(&body, BOUNDARY),
        8..12 => batch::parse(&body),
        12 | 13 => single::parse(Kind::Create, None, &body),
        _ => single::parse(Kind::Update, Some(Uuid::from_u128(1)), &body),
    };
    let Ok(parsed) = parsed else { return };
    for operation in parsed.batch.operations {
        assert!(operation.told.size() <= limits::RUN);
        for (field, entry) in operation.told.iter() {
            let again = operation.told.get(field);
            assert!(again.is_some(), "{field:?} {entry:?}");
        }
        let kept = Half::from_bytes(Bytes::from(operation.told.to_bytes()));
        assert_eq!(kept.as_ref(), Some(&operation.told), "what is kept is what was told");
        let mut run = Merged::new(operation.id);
        run.join(operation.clone(), 0);
        let (row, once) = (run.row(), run.clone());
        run.join(operation, 0);
        assert_eq!(format!("{row:?}"), format!("{:?}", run.row()), "told twice it is the same");
        let _ = (once.place(), run.place());
    }
});
