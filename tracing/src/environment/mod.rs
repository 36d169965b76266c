//! Settings from `LANGSMITH_*`, `LANGCHAIN_*`, `RUNTREE_*` and `OTEL_*` variables.
//!
//! ```
//! use runtree_tracing::environment::Environment;
//!
//! let variables = [("LANGSMITH_TRACING", "true"), ("LANGCHAIN_PROJECT", "shop"), ("LANGSMITH_API_KEY", "lsv2_x")];
//! let lookup = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
//!
//! let environment = Environment::from_lookup(lookup); // `Environment::read()` for the process's own
//! assert!(environment.tracing);
//! assert_eq!(environment.project, "shop");
//! assert!(!format!("{environment:?}").contains("lsv2_x"), "secrets are not shown");
//! assert!(environment.complaints.is_empty());
//! ```
//!
//! # Variables
//!
//! Where a name begins with `…`, `LANGSMITH_` is read first, then `LANGCHAIN_`. A blank value counts as none. Outer
//! blanks and quotes of addresses and keys are cut off.
//!
//! | variable | what it says | default |
//! |---|---|---|
//! | `…TRACING_V2`, then `…TRACING` | `true` sends runs, all else does not | off; on with `RUNTREE_ENDPOINT` |
//! | `RUNTREE_ENDPOINT` | the address of a `runtree serve`; counts instead of `…ENDPOINT` and `…RUNS_ENDPOINTS`, needs no key | |
//! | `RUNTREE_API_KEY` | the key for `RUNTREE_ENDPOINT`, which gets no other | |
//! | `…ENDPOINT` | the API's base address, http or https | `https://api.smith.langchain.com` |
//! | `…API_KEY` | the key: visible ASCII | |
//! | `…WORKSPACE_ID` | the workspace, for keys of an organisation | |
//! | `HOSTED_LANGSERVE_PROJECT_NAME`, then `…PROJECT`, then `…SESSION` | the project's name | `default` |
//! | `…RUNS_ENDPOINTS` | more places to send to: `[{"api_url", "api_key"?, "project_name"?, "workspace_id"?, "primary"?}]` or `{address: key}` | none |
//! | `…TRACING_SAMPLING_RATE` | share of traces kept, 0 to 1 | 1 |
//! | `…HIDE_INPUTS`, `…HIDE_OUTPUTS`, `…HIDE_METADATA` | `true` sends `{}` instead; so does what is neither `true` nor `false` | `false` |
//! | `…ALLOW_UNPROCESSED_PAYLOADS` | `true` sends the payload as it is when its redaction failed | `false` |
//! | `…TRACING_MODE` | `langsmith`, `otel`, or `hybrid`: both | `langsmith` |
//! | `…OTEL_ONLY`, `…OTEL_ENABLED` | older words: `true` is the mode `otel`, or `hybrid` | `false` |
//! | `…DISABLE_RUN_COMPRESSION` | `true` sends plain bodies | `false` |
//! | `…RUN_COMPRESSION_LEVEL` | zstd's level, 1 to 22 | 1 |
//! | `…MAX_INGEST_MEMORY_BYTES` | bytes that may wait in memory | 67,108,864 |
//! | `…BATCH_INGEST_SIZE_LIMIT` | operations in a request, instead of what the server says | |
//! | `…FAILED_TRACES_DIR` | folder for requests that failed for good | none kept |
//! | `…FAILED_TRACES_MAX_MB` | megabytes (1,048,576 bytes) that folder may hold | 100 |
//! | `…REVISION_ID` | metadata `revision_id` of each run | |
//! | `RUNTREE_SPOOL_DIR` | folder where runs wait on disk | |
//! | `RUNTREE_DURABILITY` | `memory`, `process-crash-safe` or `power-safe` | `memory`; with a spool folder `process-crash-safe` |
//! | `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` | the address for spans, as it is | |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | the address for all signals; `/v1/traces` is added | |
//! | `OTEL_EXPORTER_OTLP_TRACES_HEADERS`, then `OTEL_EXPORTER_OTLP_HEADERS` | `name=value,…`, values in percent form | none |
//! | `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, then `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf`, `http/json` or `grpc` | `http/protobuf` |
//! | `OTEL_SERVICE_NAME` | the service's name | `service.name` below |
//! | `OTEL_RESOURCE_ATTRIBUTES` | `key=value,…`, values in percent form | none |
//!
//! # What cannot be read
//!
//! A value that cannot be read stops nothing and is never shown. It is a [`Complaint`], and its default counts
//! instead, except where that would send more than was asked for: an unreadable address is no address, not
//! LangSmith's, and an unreadable switch that hides, hides.

mod complaint;
mod endpoint;
mod otlp;
mod replicas;
mod secret;
mod variables;

use std::num::NonZeroUsize;
use std::path::PathBuf;

pub use complaint::{Complaint, Found};
pub use endpoint::Endpoint;
pub use otlp::{OtlpEnvironment, OtlpProtocol};
pub use replicas::ReplicaEndpoint;
pub use secret::Secret;

use crate::export::Durability;
use crate::sampling::SamplingRate;
use variables::Variables;

/// LangSmith's cloud.
const CLOUD: &str = "https://api.smith.langchain.com";
const MEGABYTE: u64 = 1024 * 1024;

/// What the environment says about sending runs. See the [module](self) for each variable and its default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Environment {
    /// Whether runs are to be sent. Never, if they are to go nowhere.
    pub tracing: bool,
    /// The API's base address. `None` if the variable for it cannot be read; then nothing is to be sent.
    pub endpoint: Option<Endpoint>,
    /// The key for [`endpoint`](Self::endpoint), and for no other address.
    pub api_key: Option<Secret>,
    /// The workspace, for keys of an organisation.
    pub workspace_id: Option<String>,
    /// The project runs belong to, unless their config says another.
    pub project: String,
    /// More places to send to. If there are any, they count instead of [`endpoint`](Self::endpoint).
    pub replicas: Vec<ReplicaEndpoint>,
    /// The share of traces kept.
    pub sampling_rate: SamplingRate,
    /// Whether inputs are sent as `{}`.
    pub hide_inputs: bool,
    /// Whether outputs are sent as `{}`.
    pub hide_outputs: bool,
    /// Whether metadata is sent as `{}`.
    pub hide_metadata: bool,
    /// Whether a payload whose redaction failed is sent as it is.
    pub allow_unprocessed_payloads: bool,
    /// Which protocols runs are sent by.
    pub mode: TracingMode,
    /// The level of zstd, from 1 (fast) to 22 (small); `None` sends plain bodies.
    pub compression_level: Option<i32>,
    /// Bytes that may wait in memory, if not as many as usual.
    pub queue_bytes: Option<NonZeroUsize>,
    /// Operations in a request at most, whatever the server says.
    pub batch_size_limit: Option<NonZeroUsize>,
    /// The folder for requests that failed for good.
    pub failed_traces_dir: Option<PathBuf>,
    /// Bytes that folder may hold.
    pub failed_traces_max_bytes: u64,
    /// The metadata `revision_id` of each run.
    pub revision_id: Option<String>,
    /// The folder where runs wait on disk.
    pub spool_dir: Option<PathBuf>,
    /// What runs that wait are to outlive.
    pub durability: Durability,
    /// What OpenTelemetry's own variables say.
    pub otlp: OtlpEnvironment,
    /// What could not be read.
    pub complaints: Vec<Complaint>,
}

/// Which protocols runs are sent by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TracingMode {
    /// LangSmith's own.
    #[default]
    LangSmith,
    /// OpenTelemetry's.
    Otel,
    /// Both.
    Hybrid,
}

impl Environment {
    /// What the variables of this process say.
    pub fn read() -> Self {
        // What is no UTF-8 keeps a mark that no address, key or switch can hold, and so is complained about.
        Self::from_lookup(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// What the variables say that `lookup` knows.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let mut variables = Variables::new(&lookup);
        let (endpoint, is_own) = endpoint(&mut variables);
        let replicas = if is_own { Vec::new() } else { replicas::read(&mut variables) };
        let asked = tracing(&mut variables).unwrap_or(is_own);
        let spool_dir = variables.folder(&["RUNTREE_SPOOL_DIR"]);
        let compressed = !variables.switch(&["…DISABLE_RUN_COMPRESSION"], false);
        let level = variables.number(&["…RUN_COMPRESSION_LEVEL"], 1..=22, "zstd's level, a number from 1 to 22");
        Self {
            tracing: asked && (endpoint.is_some() || !replicas.is_empty()),
            endpoint,
            api_key: variables.secret(if is_own { &["RUNTREE_API_KEY"] } else { &["…API_KEY"] }),
            workspace_id: if is_own { None } else { variables.header(&["…WORKSPACE_ID"]) },
            project: variables
                .text(&["HOSTED_LANGSERVE_PROJECT_NAME", "…PROJECT", "…SESSION"])
                .map_or_else(|| "default".to_owned(), |(_, name)| name),
            replicas,
            sampling_rate: variables
                .parsed(&["…TRACING_SAMPLING_RATE"], |text| text.parse().ok(), "a number from 0 to 1")
                .unwrap_or_default(),
            hide_inputs: variables.switch(&["…HIDE_INPUTS"], true),
            hide_outputs: variables.switch(&["…HIDE_OUTPUTS"], true),
            hide_metadata: variables.switch(&["…HIDE_METADATA"], true),
            allow_unprocessed_payloads: variables.switch(&["…ALLOW_UNPROCESSED_PAYLOADS"], false),
            mode: mode(&mut variables),
            compression_level: compressed.then(|| level.map_or(1, |level| level as i32)),
            queue_bytes: variables.count(&["…MAX_INGEST_MEMORY_BYTES"]),
            batch_size_limit: variables.count(&["…BATCH_INGEST_SIZE_LIMIT"]),
            failed_traces_dir: variables.folder(&["…FAILED_TRACES_DIR"]),
            failed_traces_max_bytes: MEGABYTE
                * variables
                    .number(&["…FAILED_TRACES_MAX_MB"], 0..=u64::MAX / MEGABYTE, "a number of megabytes")
                    .unwrap_or(100),
            revision_id: variables.text(&["…REVISION_ID"]).map(|(_, id)| id),
            durability: durability(&mut variables, spool_dir.is_some()),
            spool_dir,
            otlp: otlp::read(&mut variables),
            complaints: variables.complaints(),
        }
    }
}

/// What an empty environment says.
impl Default for Environment {
    fn default() -> Self {
        Self::from_lookup(|_| None)
    }
}

/// The address, and whether it is one of our own: that gets no key that was meant for another.
fn endpoint(variables: &mut Variables<'_>) -> (Option<Endpoint>, bool) {
    if let Some(own) = variables.endpoint(&["RUNTREE_ENDPOINT"]) {
        return (own, true);
    }
    let endpoint = variables.endpoint(&["…ENDPOINT"]).unwrap_or_else(|| Endpoint::parse(CLOUD).ok());
    (endpoint, false)
}

/// What the switches for tracing say; `None` if none is set. As the SDKs do, only the exact word turns it on.
fn tracing(variables: &mut Variables<'_>) -> Option<bool> {
    let names = ["…TRACING_V2", "…TRACING"];
    variables.text(&names)?;
    Some(variables.switch(&names, false))
}

fn mode(variables: &mut Variables<'_>) -> TracingMode {
    let word = |text: &str| match text {
        "langsmith" => Some(TracingMode::LangSmith),
        "otel" => Some(TracingMode::Otel),
        "hybrid" => Some(TracingMode::Hybrid),
        _ => None,
    };
    if let Some(mode) = variables.parsed(&["…TRACING_MODE"], word, "`langsmith`, `otel` or `hybrid`") {
        return mode;
    }
    match (variables.switch(&["…OTEL_ONLY"], false), variables.switch(&["…OTEL_ENABLED"], false)) {
        (true, _) => TracingMode::Otel,
        (false, true) => TracingMode::Hybrid,
        (false, false) => TracingMode::LangSmith,
    }
}

fn durability(variables: &mut Variables<'_>, has_spool: bool) -> Durability {
    let word = |text: &str| match text {
        "memory" => Some(Durability::Memory),
        "process-crash-safe" => Some(Durability::ProcessCrashSafe),
        "power-safe" => Some(Durability::PowerSafe),
        _ => None,
    };
    let said = variables.parsed(&["RUNTREE_DURABILITY"], word, "`memory`, `process-crash-safe` or `power-safe`");
    said.unwrap_or(if has_spool { Durability::ProcessCrashSafe } else { Durability::Memory })
}

#[cfg(test)]
mod tests;
