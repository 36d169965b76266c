//! Parts of protobuf messages, written by their tags.

use bytes::BufMut;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

/// How many bytes a field takes whose content has `length`.
pub(super) fn whole(tag: u32, length: usize) -> usize {
    key_len(tag) + encoded_len_varint(length as u64) + length
}

/// Begins a field whose content has `length`.
pub(super) fn head(out: &mut impl BufMut, tag: u32, length: usize) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}

pub(super) fn field(out: &mut impl BufMut, tag: u32, content: &[u8]) {
    head(out, tag, content.len());
    out.put_slice(content);
}
