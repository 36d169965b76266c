//! What SQLite lacks for filters.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};

use super::number::Number;
use super::pattern::Pattern;

/// Gives a connection the function `alike(text, pattern)`, which the SQL of filters calls: SQLite's own `LIKE` ignores the
/// case of ASCII only, and takes long for some patterns.
///
/// # Errors
///
/// If the connection is busy.
pub fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("alike", 2, flags, alike)
}

fn alike(context: &mut Context<'_>) -> Result<bool> {
    let pattern = context.get_or_create_aux(1, |pattern| pattern.as_str().map(Pattern::new))?;
    Ok(match context.get_raw(0) {
        ValueRef::Null => false,
        ValueRef::Integer(whole) => pattern.matches(&Number::Whole(whole).to_string()),
        ValueRef::Real(real) => pattern.matches(&Number::Real(real).to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => pattern.matches(&String::from_utf8_lossy(text)),
    })
}
