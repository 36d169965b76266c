//! Finds the passages of a text that a question is about.

use bm25::{Language, SearchEngine, SearchEngineBuilder};
use runtree::{Payload, Record, Result, RunType, Runnable, RunnableConfig};
use serde_json::{Map, Value, json};
use text_splitter::{ChunkConfig, MarkdownSplitter};

/// The length of a passage, in characters.
const PASSAGE: std::ops::Range<usize> = 300..900;

/// A part of the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Passage {
    /// Its number in the text, from 0.
    pub(crate) number: usize,
    pub(crate) content: String,
    /// How well it fits the question; more is better.
    pub(crate) score: f32,
}

impl Payload for Passage {
    fn record(&self) -> Value {
        json!({"page_content": self.content, "metadata": {"number": self.number, "score": self.score}})
    }
}

/// Finds the passages that fit a question best, by BM25 over stemmed words.
pub(crate) struct PassageRetriever {
    passages: Vec<String>,
    engine: SearchEngine<u32>,
    most: usize,
}

impl PassageRetriever {
    /// Over `text`, answering with up to `most` passages.
    pub(crate) fn new(text: &str, most: usize) -> Self {
        let splitter = MarkdownSplitter::new(ChunkConfig::new(PASSAGE));
        let passages: Vec<String> = splitter.chunks(text).map(str::to_owned).collect();
        let engine = SearchEngineBuilder::<u32>::with_corpus(Language::English, passages.clone()).build();
        Self { passages, engine, most }
    }
}

impl Runnable for PassageRetriever {
    type Input = String;
    type Output = Vec<Passage>;

    fn run_type(&self) -> RunType {
        RunType::Retriever
    }

    fn record_input(&self, question: &String) -> Record {
        Record::map(Map::from_iter([("query".to_owned(), question.record())]))
    }

    fn record_output(&self, passages: &Vec<Passage>) -> Record {
        Record::map(Map::from_iter([("documents".to_owned(), passages.record())]))
    }

    async fn call(&self, question: String, _config: &RunnableConfig) -> Result<Vec<Passage>> {
        let found = self.engine.search(&question, self.most);
        let found: Vec<Passage> = found
            .into_iter()
            .map(|result| Passage {
                number: result.document.id as usize,
                content: result.document.contents,
                score: result.score,
            })
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        // No word of the question is in the text: its beginning says at least what it is about.
        let first = self.passages.iter().take(self.most).enumerate();
        Ok(first.map(|(number, content)| Passage { number, content: content.clone(), score: 0.0 }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_passage_with_the_rare_words_comes_first() {
        let filler = "The weather was fine and nothing happened all day long. ".repeat(12);
        let text = format!("# One\n\n{filler}\n\n# Two\n\nA zebra crossed the river at dawn.\n\n# Three\n\n{filler}");
        let retriever = PassageRetriever::new(&text, 2);
        let found = retriever.invoke("where are zebras?".into(), &RunnableConfig::root()).await.unwrap();
        assert!(found[0].content.contains("zebra"), "{found:?}");
        let lost = retriever.invoke("xylophone".into(), &RunnableConfig::root()).await.unwrap();
        assert_eq!((lost.len(), lost[0].number, lost[0].score), (2, 0, 0.0));
    }
}
