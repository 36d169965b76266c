//! The built-in answerer: quotes, and makes nothing up.

use std::borrow::Cow;
use std::sync::Arc;

use bm25::{Language, SearchEngineBuilder};
use futures::StreamExt;
use futures::stream;
use runtree::messages::{AiMessage, Message};
use runtree::models::{CallOptions, ChatModel, ModelInfo};
use runtree::{Chunks, Result, RunnableConfig};

/// What its answers begin with, so that nobody takes it for a language model.
pub(crate) const LABEL: &str = "[quoted by the built-in answerer, no language model] ";

/// The most sentences that it quotes.
const SENTENCES: usize = 4;

/// Answers the last message with sentences of the messages between it and the first that fit it best, in the order in
/// which they stand there.
pub(crate) struct ExtractiveAnswerer;

impl ExtractiveAnswerer {
    fn answer(messages: &[Message]) -> Vec<String> {
        let [_, passages @ .., question] = messages else { return vec![nothing()] };
        let sentences: Vec<String> = passages.iter().flat_map(|message| sentences(&message.text())).collect();
        let engine = SearchEngineBuilder::<u32>::with_corpus(Language::English, sentences.clone()).build();
        let mut found: Vec<u32> =
            engine.search(&question.text(), SENTENCES).into_iter().map(|result| result.document.id).collect();
        found.sort_unstable();
        if found.is_empty() {
            return vec![nothing()];
        }
        found.into_iter().filter_map(|number| sentences.get(number as usize).cloned()).collect()
    }
}

fn nothing() -> String {
    "No sentence of the text fits the question.".to_owned()
}

/// The sentences of a text in Markdown: prose only, without tables, code and headings.
fn sentences(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut in_code = false;
    for line in text.lines().map(str::trim) {
        let fence = line.starts_with("```");
        in_code ^= fence;
        if line.is_empty() || fence || in_code || line.starts_with(['#', '|']) {
            paragraphs.push(String::new());
            continue;
        }
        if let Some(paragraph) = paragraphs.last_mut() {
            paragraph.push_str(line.trim_start_matches(['-', '*', '>', ' ']));
            paragraph.push(' ');
        }
    }
    let split = |paragraph: &String| -> Vec<String> {
        let mut sentences = vec![String::new()];
        for word in paragraph.split_whitespace() {
            let ends = word.ends_with(['.', '!', '?']);
            if let Some(sentence) = sentences.last_mut() {
                sentence.push_str(if sentence.is_empty() { "" } else { " " });
                sentence.push_str(word);
            }
            if ends {
                sentences.push(String::new());
            }
        }
        sentences
    };
    let sentences = paragraphs.iter().flat_map(split);
    sentences.filter(|sentence| sentence.split_whitespace().count() > 3).collect()
}

impl ChatModel for ExtractiveAnswerer {
    fn name(&self) -> Cow<'static, str> {
        "ExtractiveAnswerer".into()
    }

    fn info(&self) -> ModelInfo {
        ModelInfo::default()
    }

    async fn generate(
        &self,
        messages: &[Message],
        _options: &CallOptions,
        _config: &RunnableConfig,
    ) -> Result<AiMessage> {
        Ok(AiMessage::new(format!("{LABEL}{}", Self::answer(messages).join(" "))))
    }

    fn stream<'a>(
        &'a self,
        messages: Arc<[Message]>,
        _options: &'a CallOptions,
        _config: RunnableConfig,
    ) -> Option<Chunks<'a, AiMessage>> {
        let sentences = Self::answer(&messages).into_iter().enumerate();
        let spaced = sentences.map(|(number, text)| if number == 0 { text } else { format!(" {text}") });
        let chunks: Vec<String> = std::iter::once(LABEL.to_owned()).chain(spaced).collect();
        Some(stream::iter(chunks.into_iter().map(|text| Ok(AiMessage::chunk(text)))).boxed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_prose() {
        let text = "# A title here is long\n\nOne sentence that is long enough. Is this another one now? Short one.\n\n\
                    | a | table | of | words |\n```\nlet code = \"is not a sentence at all\";\n```\n- a list item of five words";
        assert_eq!(
            sentences(text),
            ["One sentence that is long enough.", "Is this another one now?", "a list item of five words"]
        );
    }

    #[tokio::test]
    async fn it_quotes_what_fits_and_streams_what_it_would_have_said() {
        let messages: Arc<[Message]> = [
            Message::system("Answer from the passages, please and thank you."),
            Message::human("The river is wide and slow. Zebras cross it only at dawn. Nobody knows the name of it."),
            Message::human("When do zebras cross?"),
        ]
        .into();
        let (options, config) = (CallOptions::default(), RunnableConfig::root());
        let answer = ExtractiveAnswerer.generate(&messages, &options, &config).await.unwrap();
        assert!(answer.text().starts_with(LABEL));
        assert!(answer.text().contains("Zebras cross it only at dawn."), "{}", answer.text());
        assert!(!answer.text().contains("thank you"));
        let chunks = ExtractiveAnswerer.stream(messages, &options, config).unwrap();
        let streamed: String =
            chunks.map(|chunk| chunk.unwrap().text().into_owned()).collect::<Vec<_>>().await.concat();
        assert_eq!(streamed, answer.text());
    }

    #[test]
    fn it_says_so_when_nothing_fits() {
        let messages = [Message::system("x"), Message::human("Only this one sentence here."), Message::human("zebra?")];
        assert_eq!(ExtractiveAnswerer::answer(&messages), ["No sentence of the text fits the question."]);
    }
}
