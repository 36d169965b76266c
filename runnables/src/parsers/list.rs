//! Lists in an answer: separated by commas, numbered, or with bullets.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use async_stream::try_stream;
use futures::TryStreamExt;
use runtree_core::{Chunks, Result, RunType, Runnable, RunnableConfig};

use crate::messages::{AiMessage, ToText};
use crate::sequence::pipe_operator;

/// How a list is written in a text.
pub trait ListStyle: Send + Sync + 'static {
    /// The name of its parser's runs.
    const NAME: &'static str;

    /// What to tell a model so that it writes such a list.
    const INSTRUCTIONS: &'static str;

    /// Takes the items that are complete off the beginning of `text`, and answers with how much of it was read.
    /// Once the text is `whole`, all that is left are items.
    fn take(text: &str, whole: bool, items: &mut Vec<String>) -> usize;
}

/// Takes a list out of an answer. Each item is streamed as a list of one as soon as it is complete.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_runnables::parsers::NumberedListOutputParser;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let answer = "Three colours:\n1. red\n2. green\n3. blue".to_owned();
/// let colours = NumberedListOutputParser::new().invoke(answer, &RunnableConfig::root()).await?;
/// assert_eq!(colours, ["red", "green", "blue"]);
/// # Ok(()) }
/// ```
pub struct ListOutputParser<S, I = AiMessage>(PhantomData<fn(S, I)>);

/// A list such as `a, "b, c", d`.
#[derive(Debug)]
pub enum Commas {}
/// A list of lines such as `1. a`.
#[derive(Debug)]
pub enum Numbers {}
/// A list of lines such as `- a` or `* a`.
#[derive(Debug)]
pub enum Bullets {}

/// Reads lists such as `a, "b, c", d`. White space around items is left out; quotes keep it, and keep commas.
pub type CommaSeparatedListOutputParser<I = AiMessage> = ListOutputParser<Commas, I>;
/// Reads lists of lines such as `1. a`; other lines are left out.
pub type NumberedListOutputParser<I = AiMessage> = ListOutputParser<Numbers, I>;
/// Reads lists of lines such as `- a` or `* a`; other lines are left out.
pub type MarkdownListOutputParser<I = AiMessage> = ListOutputParser<Bullets, I>;

impl<S: ListStyle, I: ToText> ListOutputParser<S, I> {
    /// A parser of whatever the step before it gives.
    pub fn new() -> Self {
        Self(PhantomData)
    }

    /// What to tell a model so that it writes such a list.
    pub fn format_instructions(&self) -> &'static str {
        S::INSTRUCTIONS
    }
}

impl<S: ListStyle, I: ToText> Runnable for ListOutputParser<S, I> {
    type Input = I;
    type Output = Vec<String>;

    fn name(&self) -> Cow<'static, str> {
        S::NAME.into()
    }

    fn run_type(&self) -> RunType {
        RunType::Parser
    }

    async fn call(&self, input: I, _config: &RunnableConfig) -> Result<Vec<String>> {
        let mut items = Vec::new();
        S::take(&input.to_text(), true, &mut items);
        Ok(items)
    }

    fn call_stream<'a>(&'a self, mut input: Chunks<'a, I>, _config: RunnableConfig) -> Chunks<'a, Vec<String>> {
        Box::pin(try_stream! {
            let (mut text, mut items) = (String::new(), Vec::new());
            while let Some(chunk) = input.try_next().await? {
                text.push_str(&chunk.to_text());
                let read = S::take(&text, false, &mut items);
                text.drain(..read);
                for item in items.drain(..) {
                    yield vec![item];
                }
            }
            S::take(&text, true, &mut items);
            for item in items {
                yield vec![item];
            }
        })
    }
}

impl<S, I> Clone for ListOutputParser<S, I> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<S: ListStyle, I: ToText> Default for ListOutputParser<S, I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: ListStyle, I> fmt::Debug for ListOutputParser<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::NAME)
    }
}

impl ListStyle for Commas {
    const NAME: &'static str = "CommaSeparatedListOutputParser";
    const INSTRUCTIONS: &'static str = "Answer with the items alone, commas between them, as in: red, green, blue";

    fn take(text: &str, whole: bool, items: &mut Vec<String>) -> usize {
        let (mut read, mut quoted) = (0, false);
        for (at, letter) in text.char_indices() {
            match letter {
                '"' if quoted => quoted = false,
                '"' => quoted = may_open(text[read..at].trim_start()),
                ',' | '\n' if !quoted => {
                    push_item(&text[read..at], letter == ',', items);
                    read = at + 1;
                }
                _ => {}
            }
        }
        if whole {
            push_item(&text[read..], false, items);
            read = text.len();
        }
        read
    }
}

/// Whether a quote behind `item` opens a quotation: at the beginning, and as the second of a doubled one.
fn may_open(item: &str) -> bool {
    item.is_empty() || (item.starts_with('"') && item.ends_with('"'))
}

/// Adds an item as it is written. Nothing between two commas is an item; nothing at the end of a line is none.
fn push_item(written: &str, before_comma: bool, items: &mut Vec<String>) {
    let item = written.trim();
    let inside = item.strip_prefix('"').map(|rest| rest.strip_suffix('"').unwrap_or(rest));
    match inside {
        Some(inside) => items.push(inside.replace("\"\"", "\"")),
        None if before_comma || !item.is_empty() => items.push(item.to_owned()),
        None => {}
    }
}

impl ListStyle for Numbers {
    const NAME: &'static str = "NumberedListOutputParser";
    const INSTRUCTIONS: &'static str =
        "Answer with a numbered list, one item a line, as in:\n1. red\n2. green\n3. blue";

    fn take(text: &str, whole: bool, items: &mut Vec<String>) -> usize {
        take_lines(text, whole, items, |line| {
            let behind = line.trim_start_matches(|c: char| c.is_ascii_digit());
            let item = behind.strip_prefix(['.', ')'])?;
            (behind.len() < line.len()).then_some(item)
        })
    }
}

impl ListStyle for Bullets {
    const NAME: &'static str = "MarkdownListOutputParser";
    const INSTRUCTIONS: &'static str = "Answer with a markdown list, one item a line, as in:\n- red\n- green\n- blue";

    fn take(text: &str, whole: bool, items: &mut Vec<String>) -> usize {
        take_lines(text, whole, items, |line| line.strip_prefix(['-', '*']))
    }
}

/// Takes complete lines; `item` finds what follows the mark of an item, white space between them.
fn take_lines(text: &str, whole: bool, items: &mut Vec<String>, item: impl Fn(&str) -> Option<&str>) -> usize {
    let read = if whole { text.len() } else { text.rfind('\n').map_or(0, |end| end + 1) };
    for line in text[..read].lines() {
        let marked = item(line.trim_start()).filter(|item| item.starts_with(char::is_whitespace));
        items.extend(marked.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned));
    }
    read
}

pipe_operator! {
    [S, I,] ListOutputParser<S, I>;
}
