//! Which model answers.

use runtree::messages::{AiMessage, PromptValue};
use runtree::models::Chat;
use runtree::models::openai::{Builder, ChatOllama, ChatOpenAI, Service};
use runtree::prelude::*;

use super::answerer::ExtractiveAnswerer;

/// The model that is named, or the built-in answerer.
///
/// # Errors
/// [`ErrorKind::Configuration`] if a setting is missing or cannot be used.
pub(crate) fn choose(name: Option<&str>, base_url: Option<&str>) -> Result<BoxRunnable<PromptValue, AiMessage>> {
    let name = name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or("extractive");
    if name == "extractive" {
        if base_url.is_some() {
            let message = "--base-url needs a model: name one with --model, as in `--model openai:NAME`";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        return Ok(Chat::of(ExtractiveAnswerer).boxed());
    }
    match name.split_once(':') {
        Some(("ollama", model)) => served(ChatOllama::builder(model), base_url),
        Some(("openai", model)) => served(ChatOpenAI::builder(model), base_url),
        _ => served(ChatOpenAI::builder(name), base_url),
    }
}

/// A model behind a server. Its answers are as repeatable as the server lets them be.
fn served<S: Service>(builder: Builder<S>, base_url: Option<&str>) -> Result<BoxRunnable<PromptValue, AiMessage>> {
    let builder = match base_url {
        Some(url) => builder.base_url(url),
        None => builder,
    };
    Ok(builder.build()?.bind(|options| options.temperature = Some(0.0)).boxed())
}
