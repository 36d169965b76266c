//! The handler that sends runs to an OpenTelemetry backend.

use std::fmt;
use std::sync::Arc;

use reqwest::Url;
use reqwest::header::HeaderMap;
use runtree_core::{Result, Run};

use super::environment::{Environment, OtlpProtocol as Said, Secret, TracingMode};
use super::protocol::{OtlpProtocol, Settings};
use super::redaction::Redaction;
use super::request::Envelope;
use super::resource::{Process, scope};
use super::sampling::SamplingRate;
use super::span::Mapping;
use crate::export::{
    Exporter, Keeps, Limits, Options, Protocol, SpoolSettings, add_secret, address, shared_methods, shared_settings,
};

/// Where spans are posted to below a base address.
const PATH: &str = "/v1/traces";

/// Sends runs to an OpenTelemetry backend: each run is a span, told of when it has ended.
///
/// ```no_run
/// use std::time::Duration;
/// use runtree_core::RunnableConfig;
/// use runtree_tracing::otlp::Otlp;
///
/// # async fn example() -> runtree_core::Result<()> {
/// let otlp = Otlp::to("http://127.0.0.1:4318").with_service_name("shop").start()?;
/// let config = RunnableConfig::root().with_handler(otlp.handler());
/// // … runs under `config` …
/// let receipt = otlp.flush(Duration::from_secs(5)).await;
/// println!("{receipt}");
/// # Ok(()) }
/// ```
///
/// What a span says is listed in the [module](super). As with `LangSmith`, a run costs its caller one bounded hand-over,
/// which never waits for the network, and all else is done by two threads of the handler's own.
///
/// # Drop
///
/// Sends what it can, for 5 seconds at most; with a spool 0.8 seconds, as the rest is safe there. Keep it until the end of
/// the program: what configs hear after that is counted as dropped.
///
/// # Fork
///
/// A forked child gets threads and a spool of its own with the first run it hands over; what its parent had waiting stays
/// the parent's.
pub struct Otlp {
    exporter: Exporter,
}

impl Otlp {
    /// To the server at `endpoint`, over HTTP. An address without a path gets OTLP's, `/v1/traces`; one with a path is
    /// taken as it is.
    pub fn to(endpoint: impl Into<String>) -> OtlpBuilder {
        OtlpBuilder::new(endpoint.into())
    }

    /// As the environment says; see the [module](super) for the variables. `None` if it names no place for spans.
    ///
    /// # Errors
    /// As [`start`](OtlpBuilder::start).
    pub fn from_env() -> Result<Option<Self>> {
        Self::from_environment(&Environment::read())
    }

    /// As an environment says that was read before.
    ///
    /// # Errors
    /// As [`start`](OtlpBuilder::start).
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>> {
        OtlpBuilder::from_environment(environment).map(OtlpBuilder::start).transpose()
    }

    shared_methods!();
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp").field("stats", &self.stats()).finish()
    }
}

/// Settings of an [`Otlp`], each with a default.
#[must_use = "nothing is sent before it is started"]
pub struct OtlpBuilder {
    endpoint: String,
    grpc: bool,
    headers: Vec<(String, Secret)>,
    gzip: bool,
    project: Option<String>,
    process: Process,
    sampling: SamplingRate,
    redaction: Redaction,
    limit: usize,
    langsmith: bool,
    openinference: bool,
    options: Options,
}

impl OtlpBuilder {
    fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            grpc: false,
            headers: Vec::new(),
            gzip: false,
            project: None,
            process: Process::default(),
            sampling: SamplingRate::ALL,
            redaction: Redaction::new(),
            limit: 64 << 10,
            langsmith: true,
            openinference: false,
            options: Options::default(),
        }
    }

    /// The settings that an environment says, to change and start. `None` if it names no place for spans: that is
    /// OpenTelemetry's own, else LangSmith's, if LangSmith's variables ask for OpenTelemetry.
    pub fn from_environment(environment: &Environment) -> Option<Self> {
        let said = &environment.otlp;
        let asked = environment.tracing && environment.mode != TracingMode::LangSmith;
        let mut builder = match (&said.traces_endpoint, &environment.endpoint) {
            (Some(endpoint), _) => Self::new(endpoint.as_str().to_owned()),
            (None, Some(langsmith)) if asked => {
                let mut builder = Self::new(langsmith.join("/otel/v1/traces"));
                builder.headers.push(("langsmith-project".into(), Secret::new(&*environment.project)));
                builder.headers.extend(environment.api_key.iter().map(|key| ("x-api-key".into(), key.clone())));
                builder
            }
            _ => return None,
        };
        builder.grpc = said.traces_endpoint.is_some() && said.protocol == Said::Grpc;
        builder.headers.extend(said.headers.iter().cloned());
        builder.process =
            Process { service_name: said.service_name.clone(), attributes: said.resource_attributes.clone() };
        let builder = builder
            .with_project(&environment.project)
            .with_sampling(environment.sampling_rate)
            .with_redaction(Redaction::from_environment(environment));
        let builder = match environment.queue_bytes {
            Some(bytes) => builder.with_memory(bytes.get()),
            None => builder,
        };
        Some(match &environment.spool_dir {
            Some(directory) => builder.with_durability(environment.durability, SpoolSettings::at(directory)),
            None => builder,
        })
    }

    /// Over gRPC instead of HTTP; a path `/v1/traces` of the address is left out.
    #[cfg(feature = "otlp-grpc")]
    pub fn over_grpc(self) -> Self {
        Self { grpc: true, ..self }
    }

    /// Sends this header with each request. Its value may be a key: it is shown and written nowhere.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Secret::new(value)));
        self
    }

    /// Compresses requests with gzip. Not done unless set: most servers stand near.
    pub fn with_gzip(self) -> Self {
        Self { gzip: true, ..self }
    }

    /// The project of runs whose config names none: `langsmith.trace.session_name`, and with
    /// [`with_openinference`](Self::with_openinference) the resource's `openinference.project.name`. None unless set.
    pub fn with_project(self, project: impl Into<String>) -> Self {
        Self { project: Some(project.into()), ..self }
    }

    /// The resource's `service.name`; `unknown_service:` and the program's name unless set.
    pub fn with_service_name(mut self, name: impl Into<String>) -> Self {
        self.process.service_name = Some(name.into());
        self
    }

    /// One more attribute of the resource, such as `deployment.environment.name`.
    pub fn with_resource_attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.process.attributes.push((key.into(), value.into()));
        self
    }

    /// Sends this share of all traces, whole ones; all unless set. A trace that is left out costs its caller no more than a
    /// look at its id.
    pub fn with_sampling(self, rate: SamplingRate) -> Self {
        Self { sampling: rate, ..self }
    }

    /// What does not leave the process.
    pub fn with_redaction(self, redaction: Redaction) -> Self {
        Self { redaction, ..self }
    }

    /// Writes OpenInference's names as well, which Phoenix and others read.
    pub fn with_openinference(self) -> Self {
        Self { openinference: true, ..self }
    }

    /// Writes none of LangSmith's names. Then ids of runs are known by their last eight bytes alone, and inputs and
    /// outputs of chains are in no span, unless OpenInference's names are written.
    pub fn without_langsmith(self) -> Self {
        Self { langsmith: false, ..self }
    }

    /// How many bytes a text in a span may have; 64 KiB unless set. A longer one is cut, and says how long it was.
    pub fn with_attribute_limit(self, bytes: usize) -> Self {
        Self { limit: bytes, ..self }
    }

    /// How many spans go into one request at the most; 512 unless set.
    pub fn with_batch_size(mut self, spans: usize) -> Self {
        self.options.batch = Some(spans.max(1));
        self
    }

    /// How many bytes go into one request at the most, before compression: 4 MiB unless set, and over gRPC never more than
    /// 3 MiB, as servers take 4. One span larger than this is sent alone.
    pub fn with_batch_bytes(mut self, bytes: usize) -> Self {
        self.options.batch_bytes = bytes.max(1);
        self
    }

    shared_settings!();

    /// Starts the threads that send.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](runtree_core::ErrorKind::Configuration) if the endpoint is no address, a header has
    /// characters that no header has, or gRPC is asked for without the feature `otlp-grpc`;
    /// [`ErrorKind::Other`](runtree_core::ErrorKind::Other) if the system gives no
    /// thread or runtime.
    pub fn start(self) -> Result<Otlp> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            add_secret(&mut headers, name, value.expose())?;
        }
        let process = &self.process;
        let project = self.project.as_deref().filter(|_| self.openinference);
        let settings = Settings {
            url: destination(&self.endpoint, self.grpc)?,
            headers,
            gzip: self.gzip,
            service: process.service_name(),
            envelope: Envelope::new(&process.resource(project), &scope()),
            mapping: Mapping {
                redaction: self.redaction,
                limit: self.limit,
                langsmith: self.langsmith,
                openinference: self.openinference,
                project: self.project,
            },
            limits: Limits { operations: self.options.batch.unwrap_or(512), bytes: self.options.batch_bytes },
        };
        let protocol: Arc<dyn Protocol> = if self.grpc {
            Arc::new(OtlpProtocol::over_grpc(settings)?)
        } else {
            Arc::new(OtlpProtocol::over_http(settings))
        };
        let rate = self.sampling;
        let keeps =
            (rate != SamplingRate::ALL).then(|| -> Keeps { Box::new(move |run: &Run| rate.keeps(run.trace_id())) });
        Ok(Otlp { exporter: Exporter::start(&[protocol], self.options, keeps)? })
    }
}

/// The address that requests go to.
fn destination(endpoint: &str, grpc: bool) -> Result<Url> {
    let mut url = address(endpoint)?;
    match (grpc, url.path().trim_end_matches('/')) {
        (false, "") => url.set_path(PATH),
        (true, path) if path.ends_with(PATH) => {
            let base = path[..path.len() - PATH.len()].to_owned();
            url.set_path(&base);
        }
        _ => {}
    }
    Ok(url)
}

impl fmt::Debug for OtlpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpBuilder")
            .field("process", &self.process)
            .field("sampling", &self.sampling)
            .field("redaction", &self.redaction)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_gets_otlps() {
        let of = |endpoint: &str, grpc| destination(endpoint, grpc).unwrap().to_string();
        assert_eq!(of("http://host:4318", false), "http://host:4318/v1/traces");
        assert_eq!(of(" http://host:4318/ ", false), "http://host:4318/v1/traces");
        assert_eq!(of("https://host/otel/v1/traces", false), "https://host/otel/v1/traces");
        assert_eq!(of("http://host:4317", true), "http://host:4317/");
        assert_eq!(of("http://host:4317/v1/traces", true), "http://host:4317/");
        assert!(destination("ftp://host", false).is_err());
    }

    fn environment(variables: &[(&str, &str)]) -> Option<OtlpBuilder> {
        let lookup = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        OtlpBuilder::from_environment(&Environment::from_lookup(lookup))
    }

    #[test]
    fn spans_go_where_the_environment_says_and_nowhere_unasked() {
        assert!(environment(&[]).is_none());
        assert!(environment(&[("LANGSMITH_TRACING", "true")]).is_none());
        let own = environment(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=k"),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,team=a"),
        ])
        .unwrap();
        assert_eq!(own.endpoint, "http://a:4318/v1/traces");
        assert_eq!(own.headers[0].0, "api-key");
        assert_eq!(own.process.service_name(), "shop");
        assert_eq!(own.process.attributes, [("team".to_owned(), "a".to_owned())]);
        let langsmith = environment(&[
            ("LANGSMITH_TRACING", "true"),
            ("LANGSMITH_TRACING_MODE", "otel"),
            ("LANGSMITH_ENDPOINT", "https://b/api"),
            ("LANGSMITH_API_KEY", "k"),
            ("LANGSMITH_PROJECT", "p"),
        ])
        .unwrap();
        assert_eq!(langsmith.endpoint, "https://b/api/otel/v1/traces");
        let names: Vec<&str> = langsmith.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["langsmith-project", "x-api-key"]);
    }
}
