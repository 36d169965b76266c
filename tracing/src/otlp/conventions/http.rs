//! OpenTelemetry's names for requests, which the tower layer keeps as metadata.

use super::super::attributes::Attributes;
use super::super::facts::Facts;

pub(in super::super) fn write(facts: &Facts<'_>, attributes: &mut Attributes) {
    let of_requests = |key: &str| ["http.", "url.", "rpc."].iter().any(|prefix| key.starts_with(prefix));
    for (key, value) in facts.metadata.iter().filter(|(key, _)| of_requests(key)) {
        attributes.value(key, value);
    }
}
