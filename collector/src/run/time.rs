//! Times as writers send them.

use runtree_core::Moment;
use serde::Deserializer;

/// Microseconds since 1970 of an ISO 8601 text (UTC unless it says otherwise) or a number of milliseconds.
pub(crate) fn micros<'de>(value: impl Deserializer<'de>) -> Option<i64> {
    let moment: Moment = runtree_tracing::langsmith::wire::moment(value).ok()?;
    i64::try_from(moment.as_micros()).ok()
}
