//! The JSON schema of a prompt's input.

use runtree_core::Payload;
use serde_json::{Map, Value, json};

use crate::messages::Message;
use crate::schema::words;

/// What a variable of a prompt takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// A value that is put into a text.
    Text,
    /// A list of messages.
    Messages,
    /// A list of messages, or nothing.
    MessagesOrNothing,
}

/// The schema of a map of variables.
pub(super) fn of_variables<'a>(variables: impl IntoIterator<Item = (&'a str, Takes)>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, takes) in variables {
        let schema = match takes {
            Takes::Text => json!({"title": words(name), "type": "string"}),
            _ => json!({"title": words(name), "type": "array", "items": Message::json_schema()}),
        };
        properties.insert(name.to_owned(), schema);
        if takes != Takes::MessagesOrNothing {
            required.push(name);
        }
    }
    let mut schema = json!({"title": "PromptInput", "type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}
