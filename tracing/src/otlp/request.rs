//! Requests, made of spans that were encoded before.

use bytes::{Bytes, BytesMut};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::encoding::{field, head, whole};

/// Fields of `ExportTraceServiceRequest`, `ResourceSpans` and `ScopeSpans`.
const RESOURCE_SPANS: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SCOPE: u32 = 1;
const SPANS: u32 = 2;

/// Makes an `ExportTraceServiceRequest` of encoded spans. They are copied, and not looked into.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    resource: Bytes,
    scope: Bytes,
}

impl Envelope {
    pub(super) fn new(resource: &Resource, scope: &InstrumentationScope) -> Self {
        Self { resource: resource.encode_to_vec().into(), scope: scope.encode_to_vec().into() }
    }

    pub(super) fn request<'s>(&self, spans: impl Iterator<Item = &'s Bytes> + Clone) -> Bytes {
        let scope_spans: usize =
            whole(SCOPE, self.scope.len()) + spans.clone().map(|span| whole(SPANS, span.len())).sum::<usize>();
        let resource_spans = whole(RESOURCE, self.resource.len()) + whole(SCOPE_SPANS, scope_spans);
        let mut out = BytesMut::with_capacity(whole(RESOURCE_SPANS, resource_spans));
        head(&mut out, RESOURCE_SPANS, resource_spans);
        field(&mut out, RESOURCE, &self.resource);
        head(&mut out, SCOPE_SPANS, scope_spans);
        field(&mut out, SCOPE, &self.scope);
        spans.for_each(|span| field(&mut out, SPANS, span));
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use proptest::prelude::*;

    use super::super::resource::{Process, scope};
    use super::*;

    proptest! {
        #[test]
        fn a_request_is_what_the_types_would_have_written(names in prop::collection::vec(".{0,300}", 0..20)) {
            let spans: Vec<Span> = names.into_iter().map(|name| Span { name, ..Span::default() }).collect();
            let (resource, scope) = (Process::default().resource(Some("p")), scope());
            let encoded: Vec<Bytes> = spans.iter().map(|span| span.encode_to_vec().into()).collect();
            let request = Envelope::new(&resource, &scope).request(encoded.iter());
            let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
            let resource_spans =
                vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
            prop_assert_eq!(&request[..], ExportTraceServiceRequest { resource_spans }.encode_to_vec());
        }
    }
}
