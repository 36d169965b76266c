//! The text that a question is about.

use std::io::Read;
use std::path::Path;

use runtree::{Error, ErrorKind, Result};

/// The project's own documentation, which is asked about unless a file is given.
const OWN: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../README.md")),
    ("CONTRIBUTING.md", include_str!("../../../CONTRIBUTING.md")),
    ("the guide", include_str!("../../../src/lib.rs")),
];

/// The largest text that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A text and where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) from: String,
    pub(crate) content: String,
}

impl Text {
    /// The project's own documentation.
    pub(crate) fn own() -> Self {
        let content = OWN.iter().map(|(_, content)| documentation(content)).collect::<Vec<_>>().join("\n\n");
        let names: Vec<&str> = OWN.iter().map(|(name, _)| *name).collect();
        Self { from: format!("runtree's own documentation ({})", names.join(", ")), content }
    }

    /// The text of a file, or of standard input for `-`.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let (from, bytes) = if path == Path::new("-") {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes);
            read.map_err(|error| unreadable("standard input", &error))?;
            ("standard input".to_owned(), bytes)
        } else {
            let from = path.display().to_string();
            let metadata = std::fs::metadata(path).map_err(|error| unreadable(&from, &error))?;
            if metadata.is_dir() {
                return Err(refused(format!("{from} is a folder; give a text file")));
            }
            let mut bytes = Vec::new();
            let file = std::fs::File::open(path).map_err(|error| unreadable(&from, &error))?;
            file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&from, &error))?;
            (from, bytes)
        };
        if bytes.len() as u64 > LARGEST {
            return Err(refused(format!("{from} is larger than {} MB; give a smaller text", LARGEST / 1024 / 1024)));
        }
        if bytes.contains(&0) {
            return Err(refused(format!("{from} is a binary file; give a text file")));
        }
        let content = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            refused(format!("{from} is not UTF-8 text (byte {at}); convert it, or give another file"))
        })?;
        if content.trim().is_empty() {
            return Err(refused(format!("{from} is empty; give a text to ask about")));
        }
        Ok(Self { from, content })
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

fn unreadable(from: &str, error: &std::io::Error) -> Error {
    refused(format!("cannot read {from}: {error}"))
}

/// The documentation in a Rust source file, or the file as it is.
fn documentation(content: &str) -> String {
    let lines: Vec<&str> = content.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    if lines.is_empty() { content.to_owned() } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn reading(bytes: &[u8]) -> Result<Text> {
        let path = std::env::temp_dir().join(format!("runtree-{}-{}", std::process::id(), bytes.len()));
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        let text = Text::read(&path);
        std::fs::remove_file(path).unwrap();
        text
    }

    #[test]
    fn what_cannot_be_asked_about_is_refused_with_the_reason() {
        for (bytes, reason) in [
            (&b""[..], "is empty"),
            (b" \n\t", "is empty"),
            (b"PK\x03\x04\0\0", "is a binary file"),
            (b"caf\xe9", "is not UTF-8 text (byte 3)"),
        ] {
            let error = reading(bytes).unwrap_err();
            assert!(error.message().contains(reason), "{error}");
        }
        assert!(Text::read(Path::new("no/such/file")).unwrap_err().message().starts_with("cannot read no/such/file: "));
        assert_eq!(reading(b"plain text").unwrap().content, "plain text");
    }

    #[test]
    fn the_own_documentation_is_prose() {
        assert!(Text::own().content.contains("always land in the right place"));
        assert!(!Text::own().content.contains("pub use"));
    }
}
