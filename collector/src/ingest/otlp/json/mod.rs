//! OTLP/JSON: protobuf's JSON, but with ids in hexadecimal.
//!
//! It is read in all the forms in which it is written: ids of either case, whole numbers as numbers or text, bytes in any
//! base64, enumerations by number or name, names in `lowerCamelCase` or `snake_case`, nulls for what is absent. Unknown
//! fields are passed over.

mod message;
mod plain;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde::de::{DeserializeSeed, MapAccess};

use super::Malformed;
use super::size::{Message as Counted, Room};
use message::{From, Message, One};
use plain::Plain;

pub(super) use plain::base64;

/// Reads a request.
pub(super) fn read(bytes: &[u8]) -> Result<ExportTraceServiceRequest, Malformed> {
    let room = Room::default();
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let request = One::new(&room).deserialize(&mut text).and_then(|request| text.end().map(|()| request));
    let why = |error| format!("no trace export: {error}");
    let kind = if room.is_full() { Malformed::TooLarge } else { Malformed::Body };
    Ok(request.map_err(|error| kind(why(error)))?.unwrap_or_default())
}

impl Message for ExportTraceServiceRequest {
    const COUNTED: Counted = Counted::Request;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "resourceSpans" | "resource_spans" => self.resource_spans = from.many()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for ResourceSpans {
    const COUNTED: Counted = Counted::ResourceSpans;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "resource" => self.resource = from.one()?,
            "scopeSpans" | "scope_spans" => self.scope_spans = from.many()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for Resource {
    const COUNTED: Counted = Counted::Resource;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "attributes" => self.attributes = from.many()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for ScopeSpans {
    const COUNTED: Counted = Counted::ScopeSpans;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "scope" => self.scope = from.one()?,
            "spans" => self.spans = from.many()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for InstrumentationScope {
    const COUNTED: Counted = Counted::Scope;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "name" => self.name = from.text()?,
            "version" => self.version = from.text()?,
            "attributes" => self.attributes = from.many()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for Span {
    const COUNTED: Counted = Counted::Span;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "traceId" | "trace_id" => self.trace_id = from.id()?,
            "spanId" | "span_id" => self.span_id = from.id()?,
            "parentSpanId" | "parent_span_id" => self.parent_span_id = from.id()?,
            "traceState" | "trace_state" => self.trace_state = from.text()?,
            "flags" => self.flags = from.whole()?,
            "name" => self.name = from.text()?,
            "kind" => self.kind = from.named(|name| SpanKind::from_str_name(name).map(Into::into))?,
            "startTimeUnixNano" | "start_time_unix_nano" => self.start_time_unix_nano = from.whole()?,
            "endTimeUnixNano" | "end_time_unix_nano" => self.end_time_unix_nano = from.whole()?,
            "attributes" => self.attributes = from.many()?,
            "events" => self.events = from.many()?,
            "links" => self.links = from.many()?,
            "status" => self.status = from.one()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for Event {
    const COUNTED: Counted = Counted::Event;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "timeUnixNano" | "time_unix_nano" => self.time_unix_nano = from.whole()?,
            "name" => self.name = from.text()?,
            "attributes" => self.attributes = from.many()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for Link {
    const COUNTED: Counted = Counted::Link;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "traceId" | "trace_id" => self.trace_id = from.id()?,
            "spanId" | "span_id" => self.span_id = from.id()?,
            "attributes" => self.attributes = from.many()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for Status {
    const COUNTED: Counted = Counted::Leaf;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "message" => self.message = from.text()?,
            "code" => self.code = from.named(|name| StatusCode::from_str_name(name).map(Into::into))?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for KeyValue {
    const COUNTED: Counted = Counted::KeyValue;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "key" => self.key = from.text()?,
            "value" => self.value = from.one()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for AnyValue {
    const COUNTED: Counted = Counted::AnyValue;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        let value = match name {
            "stringValue" | "string_value" => from.plain()?.map(Plain::text).transpose()?.map(Any::StringValue),
            "boolValue" | "bool_value" => from.plain()?.map(Plain::truth).transpose()?.map(Any::BoolValue),
            "intValue" | "int_value" => from.plain()?.map(Plain::whole).transpose()?.map(Any::IntValue),
            "doubleValue" | "double_value" => from.plain()?.map(Plain::float).transpose()?.map(Any::DoubleValue),
            "bytesValue" | "bytes_value" => from.plain()?.map(Plain::bytes).transpose()?.map(Any::BytesValue),
            "arrayValue" | "array_value" => from.one()?.map(Any::ArrayValue),
            "kvlistValue" | "kvlist_value" => from.one()?.map(Any::KvlistValue),
            _ => return from.skip(),
        };
        self.value = value.or(self.value.take());
        Ok(())
    }
}

impl Message for ArrayValue {
    const COUNTED: Counted = Counted::Values;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "values" => self.values = from.many()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}

impl Message for KeyValueList {
    const COUNTED: Counted = Counted::KeyValues;

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error> {
        match name {
            "values" => self.values = from.many()?,
            _ => from.skip()?,
        }
        Ok(())
    }
}
