//! The body of a batch request, for servers without multipart: whole runs as JSON. Files do not fit into it.

use std::io::{self, Write};

use crate::export::{Field, Kind, Operation};

/// Writes `operations` as one JSON object, and answers how many bytes it has.
pub(super) fn write(operations: &[&Operation], out: &mut Vec<u8>) -> io::Result<usize> {
    let before = out.len();
    for (kind, opening) in [(Kind::Create, "{\"post\":["), (Kind::Update, "],\"patch\":[")] {
        out.write_all(opening.as_bytes())?;
        for (at, operation) in operations.iter().filter(|operation| operation.kind == kind).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            run(operation, out)?;
        }
    }
    out.write_all(b"]}")?;
    Ok(out.len() - before)
}

/// The main object with the other fields put in before its closing brace.
fn run(operation: &Operation, out: &mut Vec<u8>) -> io::Result<()> {
    let main = operation.part(Field::Main).map_or(&b"{}"[..], |main| main);
    out.write_all(main.strip_suffix(b"}").unwrap_or(main))?;
    for (field, bytes) in &operation.parts {
        let key = match field {
            Field::Main | Field::Attachment => continue,
            Field::Inputs => "inputs",
            Field::Outputs => "outputs",
            Field::Events => "events",
            Field::Extra => "extra",
            Field::Error => "error",
        };
        write!(out, ",\"{key}\":")?;
        out.write_all(bytes)?;
    }
    out.push(b'}');
    Ok(())
}
