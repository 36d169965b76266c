//! Parsers.
pub(crate) mod partial_json;
