//! The body of a multipart request: operations as parts, in the form that LangSmith takes.
//!
//! Each part has a `Content-Length`, on which the server insists. Lines end with CRLF.

use std::io::{self, Write};

use crate::export::{Field, Kind, Operation};

/// Writes `operations` as one body, and answers how many bytes the parts had without their headers.
pub(super) fn write(operations: &[&Operation], boundary: &str, out: &mut impl Write) -> io::Result<usize> {
    let mut payload = 0;
    for operation in operations {
        let kind = match operation.kind {
            Kind::Create => "post",
            Kind::Update => "patch",
        };
        let mut id = uuid::Uuid::encode_buffer();
        let id: &str = operation.id.hyphenated().encode_lower(&mut id);
        for (field, bytes) in &operation.parts {
            let Some(field) = name(*field) else { continue };
            payload += bytes.len();
            part(out, boundary, &[kind, ".", id, field], "application/json", bytes)?;
        }
        for (name, mime_type, bytes) in operation.attachments() {
            payload += bytes.len();
            let (name, mime_type) = (quoted(name), one_line(mime_type));
            part(out, boundary, &["attachment.", id, ".", &name], &mime_type, &bytes)?;
        }
    }
    write!(out, "--{boundary}--\r\n")?;
    Ok(payload)
}

/// Writes a part, piece by piece: there are several for each run.
fn part(out: &mut impl Write, boundary: &str, name: &[&str], mime_type: &str, bytes: &[u8]) -> io::Result<()> {
    let before = ["--", boundary, "\r\nContent-Disposition: form-data; name=\""];
    let after = ["\"\r\nContent-Type: ", mime_type, "\r\nContent-Length: "];
    for piece in before.iter().chain(name).chain(&after) {
        out.write_all(piece.as_bytes())?;
    }
    write!(out, "{}\r\n\r\n", bytes.len())?;
    out.write_all(bytes)?;
    out.write_all(b"\r\n")
}

/// What a field adds to the name of its part; `None` if it has a form of its own.
fn name(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::Main => "",
        Field::Inputs => ".inputs",
        Field::Outputs => ".outputs",
        Field::Events => ".events",
        Field::Extra => ".extra",
        Field::Error => ".error",
        Field::Attachment => return None,
    })
}

/// A name that may stand between quotes in a header: as browsers write those of files (WHATWG, multipart/form-data).
pub(super) fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A media type that stays on its line.
fn one_line(mime_type: &str) -> String {
    let clean: String = mime_type.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    if clean.contains('/') { clean } else { "application/octet-stream".into() }
}
