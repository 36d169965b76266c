//! What has a text that can be parsed.

use std::borrow::Cow;

use runtree_core::Payload;

use super::{AiMessage, Message, PromptValue};

/// A payload whose text parsers read: a text, a message, a prompt value.
#[diagnostic::on_unimplemented(
    message = "a parser cannot read the text of `{Self}`",
    label = "has no text to parse",
    note = "parsers read `String`, `AiMessage`, `Message` and `PromptValue`; implement `ToText` for a type of your own"
)]
pub trait ToText: Payload {
    /// Its text. The texts of a stream's chunks make the text of the whole.
    fn to_text(&self) -> Cow<'_, str>;
}

impl ToText for String {
    fn to_text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl ToText for &'static str {
    fn to_text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl ToText for Cow<'static, str> {
    fn to_text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl ToText for std::sync::Arc<str> {
    fn to_text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl ToText for AiMessage {
    fn to_text(&self) -> Cow<'_, str> {
        self.text()
    }
}

impl ToText for Message {
    fn to_text(&self) -> Cow<'_, str> {
        self.text()
    }
}

impl ToText for PromptValue {
    fn to_text(&self) -> Cow<'_, str> {
        self.to_text()
    }
}
