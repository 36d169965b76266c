//! What a stranger wrote, on its way to a terminal.

use std::fmt::Write;
use std::time::Duration;

use runtree::Moment;
use runtree::tracing::langsmith::wire::Run;

/// A text on one line. What would move the cursor, change colours or turn the direction of writing is spelled out.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            '\r' => line.push_str("\\r"),
            acts if is_active(acts) => line.extend(acts.escape_unicode()),
            plain => line.push(plain),
        }
    }
    line
}

/// Whether a character does something to a terminal rather than stand in it.
pub(crate) fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The first line of a text, not longer than a line should be.
pub(crate) fn first_line(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", one_line(&line[..end])),
        None => one_line(line),
    }
}

/// `30 ms`, `1.50 s`, `4 m 05 s`
pub(crate) fn duration(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{:.2} s", time.as_secs_f64()),
        _ => format!("{} m {:02} s", time.as_secs() / 60, time.as_secs() % 60),
    }
}

/// How long a run took, if it has ended.
pub(crate) fn latency(run: &Run) -> String {
    run.latency().map(duration).unwrap_or_default()
}

/// How many tokens a run used, if it did.
pub(crate) fn tokens(run: &Run) -> String {
    run.total_tokens.filter(|tokens| *tokens > 0).map(|tokens| format!("{tokens} tokens")).unwrap_or_default()
}

/// `1 trace`, `2 traces`
pub(crate) fn count(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `2026-03-04 05:06:07`
pub(crate) fn time(moment: Moment) -> String {
    moment.to_string().replacen('T', " ", 1).chars().take(19).collect()
}

/// JSON with a value a line, its numbers and texts as they came. It must be JSON: it is not read, only spaced.
pub(crate) fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped, mut opened) = (0_usize, false, false, false);
    let newline = |out: &mut String, depth: usize| {
        let _ = write!(out, "\n{:1$}", "", 2 * depth.min(40));
    };
    for character in json.chars() {
        if in_text {
            if is_active(character) {
                out.extend(character.escape_unicode());
            } else {
                out.push(character);
            }
            in_text = escaped || character != '"';
            escaped = character == '\\' && !escaped;
            continue;
        }
        if character.is_whitespace() {
            continue;
        }
        let closes = matches!(character, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if opened != closes && (opened || closes) {
            newline(&mut out, depth);
        }
        opened = matches!(character, '{' | '[');
        depth += usize::from(opened);
        in_text = character == '"';
        out.push(character);
        match character {
            ',' => newline(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
    }
    out
}

/// Rows as lines, each column as wide as its widest cell; numbers stand to the right.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|at| width(at).min(60)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
            let is_number = cell.starts_with(|first: char| first.is_ascii_digit()) && cell.len() < 16;
            let _ = if is_number { write!(line, "{cell:>width$}  ") } else { write!(line, "{cell:<width$}  ") };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_line_acts() {
        let hostile = "a\u{1b}[2Jb\u{1b}]0;t\u{7}\n\u{9b}31m\u{202e}c";
        assert_eq!(one_line(hostile), r"a\u{1b}[2Jb\u{1b}]0;t\u{7}\n\u{9b}31m\u{202e}c");
        assert_eq!(first_line("\n one \u{1b}c \n two"), r"one \u{1b}c");
    }

    #[test]
    fn json_is_spaced_and_nothing_else() {
        let json = r#"{"a":[1.50,{}],"b\"{":"x,y\\","c":[],"d":123456789012345678901234567890}"#;
        let spaced = indented(json);
        assert_eq!(
            spaced,
            "{\n  \"a\": [\n    1.50,\n    {}\n  ],\n  \"b\\\"{\": \"x,y\\\\\",\n  \"c\": [],\n  \
             \"d\": 123456789012345678901234567890\n}"
        );
        assert_eq!(indented("{\"a\":\"\u{9b}\"}"), "{\n  \"a\": \"\\u{9b}\"\n}");
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [["a", "1 ms", ""], ["bcd", "200 ms", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "a      1 ms\nbcd  200 ms\n");
    }
}
