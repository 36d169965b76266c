//! A JSON object that is written field by field, into which JSON that is stored goes as it is.

use runtree_core::Moment;
use serde::Serialize;

/// A JSON object on its way into `out`.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    /// Opens one.
    pub(super) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    /// Writes a field. A value that has no JSON is null.
    pub(super) fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.key(name);
        let from = self.out.len();
        if serde_json::to_writer(&mut *self.out, value).is_err() {
            self.out.truncate(from);
            self.out.extend_from_slice(b"null");
        }
    }

    /// Writes a time, in microseconds since 1970.
    pub(super) fn time(&mut self, name: &str, micros: Option<i64>) {
        let moment = |micros: i64| Moment::from_micros(u64::try_from(micros).unwrap_or(0)).to_string();
        self.put(name, &micros.map(moment));
    }

    /// Writes a field whose value is JSON already.
    pub(super) fn splice(&mut self, name: &str, json: &[u8]) {
        self.key(name);
        self.out.extend_from_slice(json);
    }

    /// Closes it.
    pub(super) fn close(self) {
        self.out.push(b'}');
    }

    fn key(&mut self, name: &str) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        // Names are the protocol's, and have nothing in them to be escaped.
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}
