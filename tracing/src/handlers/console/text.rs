//! Text that others wrote, made safe to print; and lines that fit the terminal.

use unicode_width::UnicodeWidthChar;

/// Text on one line, without anything that a terminal would obey: names, tags and outputs come from outside, and may
/// hold sequences that move the cursor, set the title or reverse the direction of text.
///
/// White space becomes a space, a control character its picture, another invisible command `�`.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { visible(c) }).collect()
}

/// Text of any number of lines, without anything that a terminal would obey but line ends and tabs.
pub(super) fn lines(text: &str) -> String {
    let visible = |c| if matches!(c, '\n' | '\t') { c } else { visible(c) };
    text.replace("\r\n", "\n").chars().map(visible).collect()
}

fn visible(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        // Marks, embeddings, overrides and isolates of direction; separators of lines and paragraphs; tags.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
            '\u{fffd}'
        }
        '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        c => c,
    }
}

/// The beginning of a text, `…` at its end if there was more than `most` characters.
pub(super) fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The end of a text that grows: what the newest chunks said.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail(String);

impl Tail {
    const MOST: usize = 512;

    pub(super) fn push(&mut self, text: &str) {
        self.0.push_str(&one_line(&text[end_from(text, Self::MOST)..]));
        if self.0.len() > 4 * Self::MOST {
            self.0.drain(..end_from(&self.0, Self::MOST));
        }
    }

    /// As much of the end as is `width` columns wide, `…` before it if there is more.
    pub(super) fn last(&self, width: usize) -> String {
        let text = self.0.trim_end();
        let mut left = width;
        for (at, c) in text.char_indices().rev() {
            let Some(rest) = left.checked_sub(c.width().unwrap_or(0)).filter(|_| text.len() - at <= 8 * width) else {
                let from = at + c.len_utf8();
                // Room for the mark.
                let from = text[from..].char_indices().nth(1).map_or(text.len(), |(next, _)| from + next);
                return format!("…{}", &text[from..]);
            };
            left = rest;
        }
        text.to_owned()
    }
}

/// Where the last `bytes` bytes of a text begin, or the character after that.
fn end_from(text: &str, bytes: usize) -> usize {
    let from = text.len().saturating_sub(bytes);
    (from..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len())
}

/// What a part of a line is, and so how it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Strong,
    Dim,
    Good,
    Bad,
    Warn,
    Busy,
}

impl Ink {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Dim => Some("2"),
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Warn => Some("33"),
            Self::Busy => Some("36"),
        }
    }
}

/// A line in parts, to be cut and coloured at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Vec<(Ink, String)>);

impl Line {
    #[must_use]
    pub(super) fn with(mut self, ink: Ink, text: impl Into<String>) -> Self {
        self.push(ink, text);
        self
    }

    pub(super) fn push(&mut self, ink: Ink, text: impl Into<String>) {
        self.0.push((ink, text.into()));
    }

    pub(super) fn width(&self) -> usize {
        self.0.iter().flat_map(|(_, text)| text.chars()).map(|c| c.width().unwrap_or(0)).sum()
    }

    /// The line in at most `width` columns, `…` last if it was cut; with colours, or without.
    pub(super) fn render(&self, width: Option<usize>, color: bool) -> String {
        let cut = width.filter(|&width| self.width() > width || self.chars() > 4 * width);
        // One column for the mark; and a bound on characters, since those without width could be many.
        let (mut columns, mut chars) =
            cut.map_or((usize::MAX, usize::MAX), |width| (width.saturating_sub(1), 4 * width));
        let mut text = String::new();
        for (ink, part) in &self.0 {
            let end = part.char_indices().find(|(_, c)| {
                let fits = columns.checked_sub(c.width().unwrap_or(0)).zip(chars.checked_sub(1));
                if let Some((columns_left, chars_left)) = fits {
                    (columns, chars) = (columns_left, chars_left);
                }
                fits.is_none()
            });
            let shown = end.map_or(part.as_str(), |(at, _)| &part[..at]);
            match ink.code().filter(|_| color && !shown.is_empty()) {
                Some(code) => text.push_str(&format!("\x1b[{code}m{shown}\x1b[0m")),
                None => text.push_str(shown),
            }
            if end.is_some() {
                break;
            }
        }
        if cut.is_some_and(|width| width > 0) {
            text.push('…');
        }
        text
    }

    fn chars(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }
}

/// The lines that a text takes in a terminal so many columns wide.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut columns = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if columns + wide > width.max(2) {
            rows.push(String::new());
            columns = 0;
        }
        columns += wide;
        if let Some(row) = rows.last_mut() {
            row.push(c);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_line_is_obeyed_by_a_terminal() {
        assert_eq!(one_line("a\x1b[2Jb\x07\u{9b}31m\r\n\x7f"), "a␛[2Jb␇\u{fffd}31m  ␡");
        assert_eq!(one_line("evil\u{202e}gnp.exe\u{2066}"), "evil\u{fffd}gnp.exe\u{fffd}");
        let all: String = (0..=0x10ffff).filter_map(char::from_u32).collect();
        assert!(!one_line(&all).chars().any(char::is_control));
        assert!(lines(&all).chars().filter(|c| c.is_control()).all(|c| matches!(c, '\n' | '\t')));
        assert_eq!(lines("one\r\ntwo\rthree"), "one\ntwo␍three");
        assert_eq!(one_line("Grüße, 東京 👩‍🚀"), "Grüße, 東京 👩‍🚀");
    }

    #[test]
    fn lines_are_cut_by_their_width_not_their_length() {
        let line = Line::default().with(Ink::Strong, "東京").with(Ink::Plain, "abc");
        assert_eq!(line.width(), 7);
        assert_eq!(line.render(Some(7), false), "東京abc");
        assert_eq!(line.render(Some(6), false), "東京a…");
        assert_eq!(line.render(Some(4), false), "東…");
        assert_eq!(line.render(Some(0), false), "");
        assert_eq!(line.render(Some(4), true), "\x1b[1m東\x1b[0m…");
        let marks = Line::default().with(Ink::Plain, "e\u{301}".to_owned() + &"\u{301}".repeat(10_000));
        assert!(marks.render(Some(10), false).len() < 100);
    }

    #[test]
    fn a_tail_shows_the_newest_text() {
        let mut tail = Tail::default();
        tail.push("one two");
        assert_eq!(tail.last(20), "one two");
        assert_eq!(tail.last(4), "…two");
        tail.push(" \nthree");
        assert_eq!(tail.last(7), "… three");
        tail.push(&"x".repeat(100_000));
        assert!(tail.0.len() <= 4 * Tail::MOST);
        tail.push("東京");
        assert_eq!(tail.last(4), "…京");
        assert_eq!(tail.last(5), "…東京");
    }

    #[test]
    fn wrapping_keeps_all_of_the_text() {
        assert_eq!(wrapped("abcde", 2), ["ab", "cd", "e"]);
        assert_eq!(wrapped("a東b", 2), ["a", "東", "b"]);
        assert_eq!(wrapped("", 2), [""]);
    }
}
