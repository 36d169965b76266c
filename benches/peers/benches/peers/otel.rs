//! One span of OpenTelemetry's SDK below another, with a text in and a text out, batched for an exporter that does
//! nothing.

use std::hint::black_box;

use opentelemetry::trace::{Span, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanData, SpanExporter};

#[derive(Debug)]
struct Noop;

impl SpanExporter for Noop {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        drop(batch);
        Ok(())
    }
}

/// A tracer, and the context of an open span.
pub fn tracer() -> (SdkTracer, Context) {
    let provider = SdkTracerProvider::builder().with_span_processor(BatchSpanProcessor::builder(Noop).build()).build();
    let tracer = provider.tracer("peers");
    let parent = Context::new().with_span(tracer.start("parent"));
    // Its processor must outlive the tracer, whose hold on it is weak.
    std::mem::forget(provider);
    (tracer, parent)
}

pub fn span(tracer: &SdkTracer, parent: &Context, text: String) -> String {
    let builder = tracer.span_builder("Echo").with_attributes([KeyValue::new("input", text.clone())]);
    let mut span = tracer.build_with_context(builder, parent);
    let text = black_box(text);
    span.set_attribute(KeyValue::new("output", text.clone()));
    span.end();
    text
}
