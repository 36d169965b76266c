//! Addresses of pages in the web UI.

use reqwest::Url;
use runtree_core::{Error, Result};

use super::Client;
use crate::langsmith::wire::{Run, Share};

const CLOUD: &str = "https://smith.langchain.com";

impl Client {
    /// The address of a run's page in the web UI.
    ///
    /// The workspace in it is the one that the run tells, else that of the client, which may ask the server once.
    ///
    /// # Errors
    /// [`InvalidInput`](runtree_core::ErrorKind::InvalidInput) if the run does not tell its project; else as
    /// [above](Self#errors).
    pub async fn url_of(&self, run: &Run) -> Result<String> {
        let (host, id) = (self.ui(), run.id);
        let project =
            run.session_id.ok_or_else(|| Error::invalid_input(format!("run {id} does not tell its project")))?;
        let tenant = match tenant_in(run) {
            Some(tenant) => tenant.to_owned(),
            None => self.tenant().await?,
        };
        Ok(format!("{host}/o/{tenant}/projects/p/{project}/r/{id}?poll=true"))
    }

    /// The address of the public page of a shared run.
    pub fn public_url(&self, share: &Share) -> String {
        format!("{}/public/{}/r", self.ui(), share.share_token)
    }

    fn ui(&self) -> String {
        self.0.ui.clone().unwrap_or_else(|| ui_of(&self.0.base))
    }
}

/// `/o/{tenant}/projects/…`
fn tenant_in(run: &Run) -> Option<&str> {
    let (tenant, _) = run.app_path.as_deref()?.strip_prefix("/o/")?.split_once('/')?;
    uuid::Uuid::try_parse(tenant).is_ok().then_some(tenant)
}

/// Where the web UI of an API is, as LangSmith's own clients guess it.
fn ui_of(base: &str) -> String {
    let Ok(url) = Url::parse(base) else { return CLOUD.to_owned() };
    let host = url.host_str().unwrap_or_default();
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return "http://localhost".to_owned();
    }
    for path in ["/api/v1", "/api"] {
        if let Some(before) = base.strip_suffix(path) {
            return before.to_owned();
        }
    }
    let region = host.split('.').next().unwrap_or_default();
    match region {
        "eu" | "aws" | "apac" | "dev" | "beta" => format!("https://{region}.smith.langchain.com"),
        _ => CLOUD.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ui_is_found_from_the_base() {
        for (base, ui) in [
            ("http://localhost:1984", "http://localhost"),
            ("http://127.0.0.1:1984/api", "http://localhost"),
            ("https://traces.example.com/api/v1", "https://traces.example.com"),
            ("https://traces.example.com:8443/ls/api", "https://traces.example.com:8443/ls"),
            ("https://eu.api.smith.langchain.com", "https://eu.smith.langchain.com"),
            ("https://apac.api.smith.langchain.com", "https://apac.smith.langchain.com"),
            ("https://api.smith.langchain.com", CLOUD),
            ("https://traces.example.com", CLOUD),
        ] {
            assert_eq!(ui_of(base), ui, "{base}");
        }
    }
}
