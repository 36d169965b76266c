//! What a message says: text, or blocks of text, images and more.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::json_merge::{Texts, merge_maps};

/// What a message says.
///
/// ```
/// use runtree_runnables::messages::{Block, Content};
///
/// let content = Content::from(vec![
///     Block::text("What is on this picture?"),
///     Block::image_url("https://example.org/cat.png"),
/// ]);
/// assert_eq!(content.text(), "What is on this picture?");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text alone.
    Text(String),
    /// Text, images and other blocks, in order.
    Blocks(Vec<Block>),
}

/// One part of a message's content.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A piece of text.
    Text(String),
    /// A picture.
    Image(ImageSource),
    /// Anything else, as its JSON: audio, a file, reasoning, what a provider adds of its own.
    ///
    /// Chunks of such blocks that carry the same `index` become one block, their texts appended.
    Other(Value),
}

/// Where the picture of a [`Block::Image`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// At a URL.
    Url(String),
    /// In the message itself. Cloning shares the data.
    Base64 {
        /// Its media type, such as `image/png`.
        mime_type: String,
        /// Its bytes in base 64.
        data: Arc<str>,
    },
}

impl Block {
    /// A piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A picture at a URL.
    pub fn image_url(url: impl Into<String>) -> Self {
        Self::Image(ImageSource::Url(url.into()))
    }

    /// A picture as its bytes in base 64.
    pub fn image_base64(mime_type: impl Into<String>, data: impl Into<Arc<str>>) -> Self {
        Self::Image(ImageSource::Base64 { mime_type: mime_type.into(), data: data.into() })
    }

    /// Its text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(Value::Object(map)) if map.get("type")? == "text" => map.get("text")?.as_str(),
            _ => None,
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::Image(ImageSource::Url(url)) => json!({"type": "image", "url": url}),
            Self::Image(ImageSource::Base64 { mime_type, data }) => {
                json!({"type": "image", "mime_type": mime_type, "base64": data.as_ref()})
            }
            Self::Other(value) => value.clone(),
        }
    }

    /// Reads a block; what is not plainly a text or a picture is kept as it is.
    pub(crate) fn from_value(value: Value) -> Self {
        let Value::Object(map) = &value else {
            return match value {
                Value::String(text) => Self::Text(text),
                other => Self::Other(other),
            };
        };
        Self::read(map).unwrap_or(Self::Other(value))
    }

    fn read(map: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        match (text("type")?, map.len()) {
            ("text", 2) => text("text").map(Self::text),
            ("image", 2) => text("url").map(Self::image_url),
            ("image", 3) => Some(Self::image_base64(text("mime_type")?, text("base64")?)),
            ("image_url", 2) => {
                let inner = map.get("image_url")?.as_object().filter(|inner| inner.len() == 1)?;
                inner.get("url")?.as_str().map(Self::image_url)
            }
            _ => None,
        }
    }

    fn index(&self) -> Option<&Value> {
        match self {
            Self::Other(value) => value.get("index"),
            _ => None,
        }
    }
}

impl Content {
    /// All its text in one piece, without what lies between.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Blocks(blocks) => {
                let mut texts = blocks.iter().filter_map(Block::as_text);
                match (texts.next(), texts.next()) {
                    (None, _) => Cow::Borrowed(""),
                    (Some(only), None) => Cow::Borrowed(only),
                    (Some(first), Some(second)) => Cow::Owned([first, second].into_iter().chain(texts).collect()),
                }
            }
        }
    }

    /// Whether it says nothing: no text, no block.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Blocks(blocks) => blocks.is_empty(),
        }
    }

    /// As blocks, a text as one block.
    pub fn to_blocks(&self) -> Cow<'_, [Block]> {
        match self {
            Self::Text(text) if text.is_empty() => Cow::Borrowed(&[]),
            Self::Text(text) => Cow::Owned(vec![Block::text(text)]),
            Self::Blocks(blocks) => Cow::Borrowed(blocks),
        }
    }

    /// Takes in the content of the next chunk: text appends, blocks with one `index` become one.
    pub(crate) fn append(&mut self, next: Self) {
        match (&mut *self, next) {
            (Self::Text(whole), Self::Text(text)) => whole.push_str(&text),
            (_, next) if next.is_empty() => {}
            (Self::Text(_), next) => {
                let mut blocks = self.to_blocks().into_owned();
                append_blocks(&mut blocks, next.to_blocks().into_owned());
                *self = Self::Blocks(blocks);
            }
            (Self::Blocks(blocks), Self::Text(text)) => append_blocks(blocks, vec![Block::Text(text)]),
            (Self::Blocks(blocks), Self::Blocks(next)) => append_blocks(blocks, next),
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Blocks(blocks) => blocks.iter().map(Block::to_value).collect(),
        }
    }

    /// Reads text, a list of blocks, or null for nothing. `None` for anything else.
    pub(crate) fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::default()),
            Value::String(text) => Some(Self::Text(text)),
            Value::Array(blocks) => Some(Self::Blocks(blocks.into_iter().map(Block::from_value).collect())),
            _ => None,
        }
    }
}

fn append_blocks(whole: &mut Vec<Block>, next: Vec<Block>) {
    for block in next {
        let same = block.index().and_then(|index| whole.iter().position(|known| known.index() == Some(index)));
        let place = same.or(whole.len().checked_sub(1));
        match (place.and_then(|at| whole.get_mut(at)), block) {
            (Some(Block::Text(whole)), Block::Text(text)) => whole.push_str(&text),
            (Some(Block::Other(Value::Object(whole))), Block::Other(Value::Object(piece))) if same.is_some() => {
                merge_maps(whole, piece, Texts::Append);
            }
            (_, block) => whole.push(block),
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Cow<'_, str>> for Content {
    fn from(text: Cow<'_, str>) -> Self {
        Self::Text(text.into_owned())
    }
}

impl From<Vec<Block>> for Content {
    fn from(blocks: Vec<Block>) -> Self {
        Self::Blocks(blocks)
    }
}

impl<const COUNT: usize> From<[Block; COUNT]> for Content {
    fn from(blocks: [Block; COUNT]) -> Self {
        Self::Blocks(blocks.into())
    }
}

impl PartialEq<str> for Content {
    fn eq(&self, text: &str) -> bool {
        matches!(self, Self::Text(own) if own == text)
    }
}

impl PartialEq<&str> for Content {
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from_value)
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_value(value).ok_or_else(|| serde::de::Error::custom("content is a text or a list of blocks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_read_back_what_they_wrote() {
        for block in [
            Block::text("a"),
            Block::image_url("u"),
            Block::image_base64("image/png", "AAAA"),
            Block::Other(json!({"type": "audio", "id": 7})),
        ] {
            assert_eq!(Block::from_value(block.to_value()), block);
        }
        let openai = json!({"type": "image_url", "image_url": {"url": "u"}});
        assert_eq!(Block::from_value(openai), Block::image_url("u"));
        let with_more = json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}});
        assert_eq!(Block::from_value(with_more.clone()), Block::Other(with_more.clone()), "nothing is lost");
        assert_eq!(Block::from_value(with_more).as_text(), Some("a"));
    }

    #[test]
    fn chunks_of_blocks_come_together_by_index() {
        let piece = |index: u64, text: &str| {
            Content::from(vec![Block::Other(json!({"type": "text", "text": text, "index": index}))])
        };
        let mut whole = Content::default();
        [piece(0, "a"), piece(1, "x"), piece(0, "b"), Content::default(), piece(1, "y")]
            .into_iter()
            .for_each(|piece| whole.append(piece));
        let expected = [("ab", 0), ("xy", 1)]
            .map(|(text, index)| Block::Other(json!({"type": "text", "text": text, "index": index})));
        assert_eq!(whole, Content::from(expected));
        assert_eq!(whole.text(), "abxy");
    }

    #[test]
    fn text_and_blocks_mix() {
        let mut whole = Content::from("see ");
        whole.append(Content::from([Block::image_url("u")]));
        whole.append("here".into());
        whole.append(" now".into());
        let expected = [Block::text("see "), Block::image_url("u"), Block::text("here now")];
        assert_eq!(whole, Content::from(expected));
        assert_eq!(whole.text(), "see here now");
    }
}
