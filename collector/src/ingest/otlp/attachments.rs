//! Files that a span carries in itself.

use std::collections::HashSet;

use serde_json::Value;

use super::attributes::Attributes;
use super::json::base64;
use crate::run::Attachment;

/// Attachments of one span.
const MOST: usize = 1_000;

/// The attachments of `langsmith.attachments`: a list of objects with `name`, `mime_type`, and `content` or `data` in
/// base64, or as a `data:` URL. Nothing is ever fetched: an entry with any other address is left out.
pub(super) fn attachments(attributes: &Attributes<'_>) -> Vec<Attachment> {
    let list = attributes.array("langsmith.attachments").unwrap_or_default();
    let mut names = HashSet::new();
    let named_once = |attachment: &Attachment| names.insert(attachment.name.clone());
    list.iter().filter_map(read).filter(named_once).take(MOST).collect()
}

fn read(entry: &Value) -> Option<Attachment> {
    let text = |keys: [&str; 2]| keys.iter().find_map(|key| entry.get(*key)?.as_str());
    let name = text(["name", "filename"]).filter(|name| !name.is_empty())?;
    let content = text(["content", "data"])?;
    let (said, content) = match content.strip_prefix("data:").map(|url| url.split_once(";base64,")) {
        Some(Some((mime_type, content))) => (Some(mime_type), content),
        Some(None) => return None,
        None => (None, content),
    };
    let mime_type = text(["mime_type", "content_type"]).or(said).unwrap_or("application/octet-stream");
    Some(Attachment { name: name.to_owned(), mime_type: mime_type.to_owned(), data: base64(content)?.into() })
}
