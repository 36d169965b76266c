//! What is printed on standard output.

use std::fmt;
use std::io::{ErrorKind as IoKind, Write};

use runtree::prelude::*;

use crate::shown::is_active;

/// Nobody reads what is printed any more: `runtree ls | head` has seen enough.
#[derive(Debug)]
pub(crate) struct NobodyReads;

impl fmt::Display for NobodyReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output")
    }
}

impl std::error::Error for NobodyReads {}

/// Prints a text as it is.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(failed)
}

/// Prints a line.
pub(crate) fn line(text: &str) -> Result<()> {
    print(&format!("{text}\n"))
}

/// Prints JSON on a line of its own. What would act on a terminal stands there as JSON's escapes: it means the same.
pub(crate) fn json(json: &str) -> Result<()> {
    line(&quiet(&on_one_line(json)))
}

/// JSON in which nothing acts. Such characters can only stand in texts.
fn quiet(json: &str) -> String {
    let mut quiet = String::with_capacity(json.len());
    for character in json.chars() {
        match is_active(character) && character >= ' ' {
            true => {
                let escape = |unit: &mut u16| format!("\\u{unit:04x}");
                quiet.extend(character.encode_utf16(&mut [0; 2]).iter_mut().map(escape));
            }
            false => quiet.push(character),
        }
    }
    quiet
}

/// JSON without line breaks. In JSON they can only stand between values.
pub(crate) fn on_one_line(json: &str) -> std::borrow::Cow<'_, str> {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ").into() } else { json.into() }
}

/// Why nothing was printed.
pub(crate) fn failed(error: std::io::Error) -> Error {
    match error.kind() {
        IoKind::BrokenPipe => Error::other(NobodyReads),
        _ => Error::new(ErrorKind::Other, "printing").with_source(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_is_printed_means_the_same_and_does_nothing() {
        let text = "a\u{9b}\u{7f}\u{202e}\u{e0041}\u{1b}ü";
        let quiet = quiet(&serde_json::to_string(text).unwrap());
        assert!(!quiet.chars().any(is_active), "{quiet}");
        assert_eq!(serde_json::from_str::<String>(&quiet).unwrap(), text);
        assert_eq!(on_one_line("{\n}"), "{ }");
    }
}
