//! One variable after the other, and what could not be read in them.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::{Complaint, Endpoint, Found, Secret, endpoint};

/// Stands in names for the two prefixes that the SDKs know.
const EITHER: char = '…';
/// Bytes of a key, or of another value that goes into a header, at most.
const LONGEST_HEADER: usize = 4096;

/// Reads variables by name. Of several names the first counts that is set and not blank.
pub(super) struct Variables<'l> {
    lookup: &'l dyn Fn(&str) -> Option<String>,
    complaints: Vec<Complaint>,
}

impl<'l> Variables<'l> {
    pub(super) fn new(lookup: &'l dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, complaints: Vec::new() }
    }

    pub(super) fn complaints(self) -> Vec<Complaint> {
        self.complaints
    }

    pub(super) fn complain(&mut self, variable: &str, entry: Option<usize>, found: Found, expected: &'static str) {
        self.complaints.push(Complaint { variable: variable.to_owned(), entry, found, expected });
    }

    /// The variable that is set, and its value as it is.
    pub(super) fn text(&self, names: &[&str]) -> Option<(String, String)> {
        let whole = names.iter().flat_map(|name| match name.strip_prefix(EITHER) {
            Some(name) => vec![format!("LANGSMITH_{name}"), format!("LANGCHAIN_{name}")],
            None => vec![(*name).to_owned()],
        });
        let set = |name: String| (self.lookup)(&name).filter(|value| !value.trim().is_empty()).map(|v| (name, v));
        whole.into_iter().find_map(set)
    }

    /// What `parse` makes of the value without outer blanks.
    pub(super) fn parsed<T>(
        &mut self,
        names: &[&str],
        parse: impl FnOnce(&str) -> Option<T>,
        expected: &'static str,
    ) -> Option<T> {
        let (name, value) = self.text(names)?;
        let parsed = parse(value.trim());
        if parsed.is_none() {
            self.complain(&name, None, Found::of(&value), expected);
        }
        parsed
    }

    /// `true` or `false`; `unreadable` for another word, false for none.
    pub(super) fn switch(&mut self, names: &[&str], unreadable: bool) -> bool {
        let Some((name, value)) = self.text(names) else { return false };
        match value.trim() {
            "true" => true,
            "false" => false,
            _ => {
                self.complain(&name, None, Found::of(&value), "`true` or `false`");
                unreadable
            }
        }
    }

    pub(super) fn number(&mut self, names: &[&str], range: RangeInclusive<u64>, expected: &'static str) -> Option<u64> {
        self.parsed(names, |text| text.parse().ok().filter(|number| range.contains(number)), expected)
    }

    pub(super) fn count(&mut self, names: &[&str]) -> Option<NonZeroUsize> {
        self.parsed(names, |text| text.parse().ok(), "a whole number above 0")
    }

    pub(super) fn folder(&mut self, names: &[&str]) -> Option<PathBuf> {
        let readable = |path: &str| (Found::of(path) != Found::Characters).then(|| PathBuf::from(path));
        self.parsed(names, readable, "the path of a folder, in UTF-8")
    }

    /// `Some(None)` if the variable is set and is no address: then the default must not count.
    pub(super) fn endpoint(&mut self, names: &[&str]) -> Option<Option<Endpoint>> {
        let (name, value) = self.text(names)?;
        if unquoted(&value).is_empty() {
            return None;
        }
        let read = Endpoint::parse(&value);
        if let Err(found) = read {
            self.complain(&name, None, found, endpoint::EXPECTED);
        }
        Some(read.ok())
    }

    pub(super) fn secret(&mut self, names: &[&str]) -> Option<Secret> {
        self.header(names).map(Secret::new)
    }

    /// Text that can be the value of a header.
    pub(super) fn header(&mut self, names: &[&str]) -> Option<String> {
        let (name, value) = self.text(names)?;
        match header(&value) {
            Ok(text) => text,
            Err(found) => {
                self.complain(&name, None, found, HEADER);
                None
            }
        }
    }
}

/// What the value of a header should be.
pub(super) const HEADER: &str = "visible ASCII of at most 4096 bytes";

/// `text` as the value of a header; `None` if nothing is left of it without blanks and quotes.
pub(super) fn header(text: &str) -> Result<Option<String>, Found> {
    let text = unquoted(text);
    match () {
        () if text.is_empty() => Ok(None),
        () if text.len() > LONGEST_HEADER => Err(Found::TooLong),
        () if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Err(Found::Characters),
        () => Ok(Some(text.to_owned())),
    }
}

/// Without the blanks and quotes that files of variables leave around a value.
pub(super) fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"').trim_matches('\'').trim()
}
