//! What a model behind a server is set up with.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use runtree_core::Result;
use secrecy::SecretString;

use super::client::Client;
use super::model::OpenAiCompatible;
use super::place::Service;
use crate::models::Chat;

/// Sets up a model behind a server. Made by `ChatOpenAI::builder` and `ChatOllama::builder`.
///
/// ```
/// use runtree_runnables::models::openai::ChatOpenAI;
///
/// let model = ChatOpenAI::builder("qwen3").base_url("http://127.0.0.1:8080/v1").api_key("sk-local").build()?;
/// assert!(!format!("{model:?}").contains("sk-local"));
/// # Ok::<(), runtree_core::Error>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<S> {
    model: String,
    base_url: Option<String>,
    api_key: Option<SecretString>,
    connect_timeout: Duration,
    read_timeout: Duration,
    service: PhantomData<fn() -> S>,
}

impl<S: Service> Builder<S> {
    pub(super) fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            base_url: None,
            api_key: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(120),
            service: PhantomData,
        }
    }

    /// Where the API is, most often with `/v1` at the end. Unless given, the environment says: `OPENAI_BASE_URL` or
    /// `OPENAI_API_BASE`, else OpenAI itself; for Ollama `OLLAMA_HOST`, else this machine.
    pub fn base_url(self, url: impl Into<String>) -> Self {
        Self { base_url: Some(url.into()), ..self }
    }

    /// The key. Unless given, the environment's `OPENAI_API_KEY`, or `OLLAMA_API_KEY`, goes to whatever server is
    /// used; an empty key is none.
    pub fn api_key(self, key: impl Into<String>) -> Self {
        Self { api_key: Some(SecretString::from(key.into())), ..self }
    }

    /// How long a connection may take; 10 seconds unless set.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }

    /// How long nothing at all may come from the server; two minutes unless set. A stream that goes on is not cut.
    pub fn read_timeout(self, timeout: Duration) -> Self {
        Self { read_timeout: timeout, ..self }
    }

    /// The model as a runnable. No request is made yet.
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration) if the base URL is none, or the key is missing where
    /// it is needed or cannot be sent.
    pub fn build(self) -> Result<Chat<OpenAiCompatible<S>>> {
        self.build_in(&|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    fn build_in(self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Chat<OpenAiCompatible<S>>> {
        let base_url = self.base_url.unwrap_or_else(|| S::base_url(environment));
        let api_key = self.api_key.or_else(|| environment(S::KEY).map(SecretString::from));
        let client = Client::new::<S>(&base_url, api_key, self.connect_timeout, self.read_timeout)?;
        Ok(Chat::of(OpenAiCompatible::new(self.model, client)))
    }
}

impl<S: Service> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("service", &S::NAME).field("model", &self.model).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use runtree_core::ErrorKind;

    use super::super::{Ollama, OpenAi};
    use super::*;

    fn built(builder: Builder<OpenAi>, environment: &[(&str, &str)]) -> Result<Chat<OpenAiCompatible<OpenAi>>> {
        builder.build_in(&|name| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn what_is_given_counts_more_than_the_environment() {
        let environment = &[("OPENAI_BASE_URL", "http://a/v1"), ("OPENAI_API_KEY", "env")];
        let model = built(Builder::new("m"), environment).unwrap();
        assert_eq!(model.model().base_url(), "http://a/v1");
        let model = built(Builder::new("m").base_url("http://b/v1/"), environment).unwrap();
        assert_eq!(model.model().base_url(), "http://b/v1");
        let model = Builder::<Ollama>::new("m").build_in(&|_| None).unwrap();
        assert_eq!(model.model().base_url(), "http://127.0.0.1:11434/v1");
    }

    #[test]
    fn settings_that_cannot_work_are_told_before_any_request() {
        let local = || Builder::new("m").base_url("http://127.0.0.1:1/v1");
        for (builder, complaint) in [
            (Builder::new("m"), "OPENAI_API_KEY"),
            (Builder::new("m").api_key(" "), "OPENAI_API_KEY"),
            (Builder::new("m").base_url("localhost:8080"), "`localhost:8080` is no base URL"),
            (Builder::new("m").base_url("nonsense"), "`nonsense` is no base URL"),
            (local().api_key("sk-secret\nx"), "characters that cannot be sent"),
        ] {
            let error = built(builder, &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.message().contains(complaint), "{error}");
            assert!(!format!("{error:?}").contains("sk-secret"));
        }
        assert!(built(local(), &[]).is_ok(), "a local server may do without a key");
    }
}
