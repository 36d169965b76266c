//! Where the servers are, and what their models are called in traces.

use std::fmt;

/// A kind of service that speaks OpenAI's chat API.
pub trait Service: sealed::Sealed + fmt::Debug + Send + Sync + 'static {
    /// The name of its models' runs.
    const NAME: &'static str;
    /// What the runs' metadata call it.
    const PROVIDER: &'static str;
    /// What to set so that another server is used.
    #[doc(hidden)]
    const PLACE: &'static str;
    /// What to set so that another key is used.
    #[doc(hidden)]
    const KEY: &'static str;
    /// The base URL, as far as the environment does not say otherwise.
    #[doc(hidden)]
    fn base_url(environment: &dyn Fn(&str) -> Option<String>) -> String;
    /// Whether the server at `base_url` serves nobody without a key.
    #[doc(hidden)]
    fn wants_key(base_url: &str) -> bool;
}

/// OpenAI, and servers that are used in its place.
#[derive(Debug)]
pub enum OpenAi {}

/// Ollama.
#[derive(Debug)]
pub enum Ollama {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::OpenAi {}
    impl Sealed for super::Ollama {}
}

const OPENAI: &str = "https://api.openai.com/v1";

impl Service for OpenAi {
    const NAME: &'static str = "ChatOpenAI";
    const PROVIDER: &'static str = "openai";
    const PLACE: &'static str = "OPENAI_BASE_URL";
    const KEY: &'static str = "OPENAI_API_KEY";

    fn base_url(environment: &dyn Fn(&str) -> Option<String>) -> String {
        let named = environment("OPENAI_BASE_URL").or_else(|| environment("OPENAI_API_BASE"));
        named.unwrap_or_else(|| OPENAI.to_owned())
    }

    fn wants_key(base_url: &str) -> bool {
        base_url.starts_with(OPENAI)
    }
}

impl Service for Ollama {
    const NAME: &'static str = "ChatOllama";
    const PROVIDER: &'static str = "ollama";
    const PLACE: &'static str = "OLLAMA_HOST";
    const KEY: &'static str = "OLLAMA_API_KEY";

    fn base_url(environment: &dyn Fn(&str) -> Option<String>) -> String {
        ollama_url(environment("OLLAMA_HOST").as_deref().unwrap_or_default())
    }

    fn wants_key(_: &str) -> bool {
        false
    }
}

/// The API of the Ollama at `host`, which is written as Ollama itself takes it: any part may be missing.
fn ollama_url(host: &str) -> String {
    let (scheme, rest) = host.trim().split_once("://").unwrap_or(("", host.trim()));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.chars().all(|c| c.is_ascii_digit()))
        && !authority.ends_with(']');
    let port = if scheme.is_empty() && !has_port { ":11434" } else { "" };
    // What a server listens on is not where a client finds it.
    let authority = match authority {
        "" => "127.0.0.1".to_owned(),
        "[::]" => "[::1]".to_owned(),
        other => other.strip_prefix("0.0.0.0").map_or_else(|| other.to_owned(), |port| format!("127.0.0.1{port}")),
    };
    let path = path.trim_end_matches('/');
    let path = if path.is_empty() { String::new() } else { format!("/{path}") };
    let scheme = if scheme.is_empty() { "http" } else { scheme };
    format!("{scheme}://{authority}{port}{path}/v1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openai_is_found_where_the_environment_says() {
        let url = |set: &'static [(&str, &str)]| {
            OpenAi::base_url(&|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(url(&[]), "https://api.openai.com/v1");
        assert_eq!(url(&[("OPENAI_API_BASE", "a")]), "a");
        assert_eq!(url(&[("OPENAI_API_BASE", "a"), ("OPENAI_BASE_URL", "b")]), "b");
    }

    #[test]
    fn ollama_is_found_however_its_host_is_written() {
        for (host, url) in [
            ("", "http://127.0.0.1:11434/v1"),
            ("0.0.0.0", "http://127.0.0.1:11434/v1"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080/v1"),
            ("gpu.example", "http://gpu.example:11434/v1"),
            ("gpu.example:80/", "http://gpu.example:80/v1"),
            ("https://gpu.example/ollama/", "https://gpu.example/ollama/v1"),
            ("[::1]", "http://[::1]:11434/v1"),
            ("[::1]:9", "http://[::1]:9/v1"),
        ] {
            assert_eq!(ollama_url(host), url, "{host}");
        }
    }
}
