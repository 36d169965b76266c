//! W3C's `traceparent`: `00-<trace id>-<span id>-<flags>`.

use std::time::{SystemTime, UNIX_EPOCH};

use runtree_core::Moment;
use uuid::Uuid;

/// A header of version 00 has 55 characters; later versions may have more.
pub(super) const LONGEST: usize = 512;

/// The id of a run as a span: the last eight bytes of its id. Those of version 7 are random there, and what
/// [`read`] makes of another's span id comes out as it was.
pub(crate) fn span_id(run: Uuid) -> [u8; 8] {
    run.as_u64_pair().1.to_be_bytes()
}

/// The header of a run: the bytes of its trace's id, and its [id as a span](span_id). `None` for ids that the
/// standard forbids.
pub(super) fn write(trace: Uuid, run: Uuid) -> Option<String> {
    let span = span_id(run);
    if trace.is_nil() || span.iter().all(|byte| *byte == 0) {
        return None;
    }
    let span: String = span.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("00-{}-{span}-01", trace.simple()))
}

/// The dotted order of the span that the header names, as far as it can be known: its trace, and itself, both as of
/// now. The span's id, padded with zeros in front, is the run's.
pub(super) fn read(header: &str) -> Option<String> {
    let mut parts = header.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2)).then_some(())?;
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let trace = Uuid::try_parse(trace).ok()?;
    let span = Uuid::from_u128(u128::from(u64::from_str_radix(span, 16).ok()?));
    if trace.is_nil() || span.is_nil() || trace == span {
        return None;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let now = Moment::from_micros(u64::try_from(since.as_micros()).ok()?).to_dotted();
    Some(format!("{now}{trace}.{now}{span}"))
}
