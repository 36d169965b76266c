//! Every exporter that the environment asks for, by one line.

use std::fmt;
use std::time::Duration;

use runtree_core::{Result, RunnableConfig};

use crate::environment::{Complaint, Environment};
use crate::export::Receipt;

/// The exporters that the environment asks for: none, one, or several.
///
/// ```
/// use runtree_core::RunnableConfig;
/// use runtree_tracing::Exporters;
///
/// # fn main() -> runtree_core::Result<()> {
/// let exporters = Exporters::from_env()?; // keep it until the end of the program
/// let config = exporters.listen(&RunnableConfig::root());
/// # assert!(!config.is_traced() || !exporters.is_empty());
/// # Ok(()) }
/// ```
///
/// | set | and runs go to |
/// | --- | --- |
/// | `RUNTREE_ENDPOINT=http://127.0.0.1:1984` | a `runtree serve` there |
/// | `LANGSMITH_TRACING=true` and `LANGSMITH_API_KEY` | LangSmith, or where `LANGSMITH_ENDPOINT` says |
/// | `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318` | an OpenTelemetry backend |
///
/// All variables are on the page of the [environment](crate::environment).
///
/// # Drop
/// Sends what it can within a bounded time, as each exporter does by itself.
#[derive(Default)]
pub struct Exporters {
    #[cfg(feature = "langsmith")]
    langsmith: Option<crate::langsmith::LangSmith>,
    #[cfg(feature = "otlp")]
    otlp: Option<crate::otlp::Otlp>,
    complaints: Vec<Complaint>,
}

impl Exporters {
    /// Starts what the environment of this process asks for. What it says that cannot be read is said on standard error, and
    /// stops nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](runtree_core::ErrorKind::Configuration) if an exporter cannot be set up as asked.
    pub fn from_env() -> Result<Self> {
        let exporters = Self::from_environment(&Environment::read())?;
        exporters.complaints.iter().for_each(|complaint| eprintln!("runtree: {complaint}"));
        Ok(exporters)
    }

    /// Starts what an environment asks for that was read before.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_environment(environment: &Environment) -> Result<Self> {
        Ok(Self {
            #[cfg(feature = "langsmith")]
            langsmith: crate::langsmith::LangSmith::from_environment(environment)?,
            #[cfg(feature = "otlp")]
            otlp: crate::otlp::Otlp::from_environment(environment)?,
            complaints: environment.complaints.clone(),
        })
    }

    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.each(|_| ()).is_empty()
    }

    /// `config` with the exporters as handlers.
    #[must_use]
    pub fn listen(&self, config: &RunnableConfig) -> RunnableConfig {
        self.each(|exporter| exporter.handler()).into_iter().fold(config.clone(), RunnableConfig::with_handler)
    }

    /// What the environment said that could not be read.
    pub fn complaints(&self) -> &[Complaint] {
        &self.complaints
    }

    /// Waits until all that was handed over before is stored, refused or given up; no longer than told.
    pub async fn flush(&self, longest: Duration) -> Receipt {
        let flushes = self.each(|exporter| exporter.flush(longest));
        futures::future::join_all(flushes).await.into_iter().fold(Receipt::default(), Receipt::plus)
    }

    /// Lets nothing in any more, sends what it can within `longest` for each exporter, and ends. It blocks this thread.
    pub fn close(self, longest: Duration) -> Receipt {
        self.each(|exporter| exporter.close(longest)).into_iter().fold(Receipt::default(), Receipt::plus)
    }

    fn each<T>(&self, visit: impl Fn(&crate::export::Exporter) -> T) -> Vec<T> {
        #[cfg_attr(
            not(any(feature = "langsmith", feature = "otlp")),
            expect(unused_mut, reason = "there is none to visit")
        )]
        let mut visited = Vec::new();
        #[cfg(feature = "langsmith")]
        visited.extend(self.langsmith.iter().map(|langsmith| visit(langsmith.exporter())));
        #[cfg(feature = "otlp")]
        visited.extend(self.otlp.iter().map(|otlp| visit(otlp.exporter())));
        _ = visit;
        visited
    }
}

impl fmt::Debug for Exporters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporters")
            .field("running", &self.each(|_| ()).len())
            .field("complaints", &self.complaints)
            .finish()
    }
}
