//! Puts a client together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use runtree_core::{Error, ErrorKind, Result, ResultExt};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use super::Client;
use super::transport::Inner;

/// LangSmith's own server.
const CLOUD: &str = "https://api.smith.langchain.com";
const USER_AGENT: &str = concat!("runtree/", env!("CARGO_PKG_VERSION"));
const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");

/// Puts a [`Client`] together; see [`Client::builder`].
///
/// ```
/// use runtree_tracing::langsmith::client::Client;
///
/// # fn main() -> runtree_core::Result<()> {
/// let client = Client::builder().endpoint("http://localhost:1984/api/v1/").key("lsv2_pt_secret").build()?;
/// assert!(!format!("{client:?}").contains("secret"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    endpoint: String,
    ui: Option<String>,
    key: Option<SecretString>,
    workspace: Option<String>,
    timeout: Duration,
    retries: usize,
    answer_limit: usize,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            endpoint: CLOUD.to_owned(),
            ui: None,
            key: None,
            workspace: None,
            timeout: Duration::from_secs(60),
            retries: 3,
            answer_limit: 64 << 20,
        }
    }

    /// The base of the API, to which all paths are appended as it is: `http://localhost:1984`,
    /// `https://langsmith.example.com/api/v1`. LangSmith's own server if not given.
    pub fn endpoint(self, endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), ..self }
    }

    /// Where the web UI is, for the links of [`Client::url_of`]. Guessed from the endpoint if not given.
    pub fn ui(self, ui: impl Into<String>) -> Self {
        Self { ui: Some(ui.into()), ..self }
    }

    /// The API key. A blank one counts as none.
    pub fn key(self, key: impl Into<SecretString>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// The id of the workspace to work in, for a key that opens several. A blank one counts as none.
    pub fn workspace_id(self, workspace: impl Into<String>) -> Self {
        Self { workspace: Some(workspace.into()), ..self }
    }

    /// How long one try of a request may take, its answer included. 60 seconds if not given.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How often what only reads is tried again. Three times if not given.
    pub fn retries(self, retries: usize) -> Self {
        Self { retries, ..self }
    }

    /// The longest answer taken, in bytes. 64 MiB if not given.
    pub fn answer_limit(self, bytes: usize) -> Self {
        Self { answer_limit: bytes, ..self }
    }

    /// The client.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) if the endpoint is no `http` or `https` address, or has more than
    /// a host, a port and a path; if the key or the workspace cannot stand in a header; if TLS cannot be set up.
    pub fn build(self) -> Result<Client> {
        let base = base_of(&self.endpoint, "endpoint")?;
        let ui = self.ui.as_deref().map(|ui| base_of(ui, "address of the web UI")).transpose()?;
        let key = match self.key.as_ref().map(|key| key.expose_secret().trim()) {
            None | Some("") => None,
            Some(key) => {
                let mut key =
                    HeaderValue::from_str(key).map_err(|_| misconfigured("the api key has odd characters"))?;
                key.set_sensitive(true);
                Some(key)
            }
        };
        let workspace = self.workspace.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        if let Some(id) = &workspace {
            let id = HeaderValue::from_str(id).map_err(|_| misconfigured("the workspace id has odd characters"))?;
            headers.insert(TENANT, id);
        }
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(Duration::from_secs(10).min(self.timeout))
            .timeout(self.timeout)
            .build()
            .or_fail_as(ErrorKind::Configuration, "setting up the http client")?;
        Ok(Client(Arc::new(Inner {
            http,
            base,
            ui,
            key,
            workspace,
            headers,
            retries: self.retries,
            answer_limit: self.answer_limit,
            tenant: OnceCell::new(),
        })))
    }
}

/// An address without the slashes at its end. The address itself is not shown in an error: it may hold a password.
fn base_of(address: &str, what: &str) -> Result<String> {
    let address = address.trim().trim_end_matches('/');
    let url = Url::parse(address)
        .map_err(|error| misconfigured(format!("the {what} is not an address")).with_source(error))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(misconfigured(format!("the {what} must begin with http:// or https://, not {}:", url.scheme())));
    }
    let password = !url.username().is_empty() || url.password().is_some();
    if password || url.query().is_some() || url.fragment().is_some() {
        return Err(misconfigured(format!("the {what} may have a host, a port and a path only")));
    }
    Ok(address.to_owned())
}

fn misconfigured(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

/// Shows neither the key nor the endpoint, which may hold a password as long as nobody looked.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("key", &self.key)
            .field("workspace", &self.workspace)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
