//! What OpenTelemetry's SDK takes to send spans with its batch processor and its exporter over HTTP, measured as
//! `benches/client` measures runs: a name, an input of 200 bytes, an output.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

#[path = "../../support/cpu.rs"]
mod cpu;
#[path = "../../support/sink.rs"]
mod sink;
#[path = "../../support/words.rs"]
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::trace::{Span, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanData, SpanExporter as Exports,
};
use sink::Sink;
use words::text;

const BYTES: usize = 200;
/// A queue that nothing is dropped from; the processor itself drops what does not fit, and tells nobody.
const QUEUE: usize = 1 << 20;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("sink") => sink::serve_forever(),
        _ => {
            caller();
            throughput();
        }
    }
}

/// Counts what arrived.
#[derive(Debug)]
struct Counted {
    exporter: SpanExporter,
    exported: Arc<AtomicUsize>,
}

impl Exports for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let done = self.exporter.export(batch).await;
        assert!(done.is_ok(), "{done:?}");
        self.exported.fetch_add(spans, Ordering::Relaxed);
        done
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

fn start(url: &str) -> (SdkTracerProvider, SdkTracer, Arc<AtomicUsize>) {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{url}/v1/traces"))
        .build()
        .unwrap();
    let exported = Arc::new(AtomicUsize::new(0));
    let counted = Counted { exporter, exported: exported.clone() };
    let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
    let processor = BatchSpanProcessor::builder(counted).with_batch_config(config).build();
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    let tracer = provider.tracer("peers");
    (provider, tracer, exported)
}

fn span(tracer: &SdkTracer, name: &'static str, parent: &Context, input: String) -> impl Span + Send + Sync + use<> {
    let mut span = tracer.build_with_context(tracer.span_builder(name), parent);
    span.set_attribute(KeyValue::new("input.value", input));
    span
}

fn end(span: &mut impl Span) {
    span.set_attribute(KeyValue::new("output.value", 7));
    span.end();
}

/// CPU time of this thread for the start and the end of one span.
fn caller() {
    const SPANS: usize = 5000;
    let sink = Sink::start();
    let (provider, tracer, _) = start(&sink.url);
    let sample = || {
        let texts: Vec<String> = (0..SPANS).map(|_| text(BYTES)).collect();
        let before = cpu::of_this_thread();
        for text in texts {
            end(&mut span(&tracer, "step", &Context::new(), text));
        }
        let taken = (cpu::of_this_thread() - before).as_nanos() as f64 / SPANS as f64;
        provider.force_flush().unwrap();
        taken
    };
    cpu::report("opentelemetry/caller/200", cpu::median((0..9).map(|_| sample()).collect()), "ns");
}

/// Spans per second of CPU time of the whole process: made, in trees of five, written down, sent, answered.
fn throughput() {
    let sink = Sink::start();
    let (provider, tracer, exported) = start(&sink.url);
    let (before, begun, mut spans) = (cpu::of_this_process(), Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(4) {
        for _ in 0..500 {
            let root = Context::new().with_span(span(&tracer, "root", &Context::new(), text(BYTES)));
            for _ in 0..4 {
                end(&mut span(&tracer, "step", &root, text(BYTES)));
            }
            root.span().set_attribute(KeyValue::new("output.value", 7));
            root.span().end();
        }
        spans += 2500;
        while spans - exported.load(Ordering::Relaxed) > 100_000 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    provider.force_flush().unwrap();
    assert_eq!(exported.load(Ordering::Relaxed), spans);
    let taken = (cpu::of_this_process() - before).as_secs_f64();
    cpu::report("opentelemetry/throughput/200", spans as f64 / taken, "runs per CPU second");
}
