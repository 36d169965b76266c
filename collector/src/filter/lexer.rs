//! The words of a filter.

use super::FilterError;
use super::number::Number;

/// A word of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A name: of a call, of a field, or `true`, `false`, `null`.
    Name(&'a str),
    /// What stood in quotes, without its escapes.
    Text(String),
    /// A number.
    Number(Number),
    /// One of `( ) [ ] ,`.
    Mark(char),
    /// There is no more.
    End,
}

impl Token<'_> {
    /// What it is, for a message.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::Text(_) => "a text".to_owned(),
            Self::Number(_) => "a number".to_owned(),
            Self::Mark(mark) => format!("`{mark}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Reads words, one after the other.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// At the first word of a text.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next word and the byte at which it begins.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, usize), FilterError> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        let at = self.at;
        let Some(first) = self.text[at..].chars().next() else { return Ok((Token::End, at)) };
        let token = match first {
            '(' | ')' | '[' | ']' | ',' => {
                self.at += 1;
                Token::Mark(first)
            }
            '"' | '\'' => Token::Text(self.quoted(first)?),
            '-' | '0'..='9' => {
                let digits = self.while_in(|character| character.is_ascii_digit() || "+-.eE".contains(character));
                let number = Number::read(digits);
                Token::Number(number.ok_or_else(|| FilterError::new(at, format!("`{digits}` is no number")))?)
            }
            'a'..='z' | 'A'..='Z' => {
                Token::Name(self.while_in(|character| character.is_ascii_alphanumeric() || "_.".contains(character)))
            }
            other => return Err(FilterError::new(at, format!("`{}` cannot stand here", other.escape_debug()))),
        };
        Ok((token, at))
    }

    /// The characters up to the first that does not belong.
    fn while_in(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn quoted(&mut self, quote: char) -> Result<String, FilterError> {
        let begin = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let at = self.at;
            match self.character() {
                None => return Err(FilterError::new(begin, "a text does not end that begins")),
                Some('\\') => {
                    let escaped = self.escaped();
                    text.push(escaped.ok_or_else(|| FilterError::new(at, "there is no such escape"))?);
                }
                Some(character) if character == quote => return Ok(text),
                Some(character) => text.push(character),
            }
        }
    }

    /// What an escape stands for, its backslash read.
    fn escaped(&mut self) -> Option<char> {
        match self.character()? {
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            same @ ('"' | '\'' | '\\' | '/') => Some(same),
            'u' => self.unit().map(|unit| self.paired(unit)),
            _ => None,
        }
    }

    /// The character that one or two UTF-16 units stand for. Half a pair is no character, as it is in names and payloads.
    fn paired(&mut self, first: u16) -> char {
        if let Ok(character) = char::try_from(u32::from(first)) {
            return character;
        }
        let before = self.at;
        if self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let second = self.unit();
            let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
            if let Some(character) = pair {
                return character;
            }
        }
        self.at = before;
        char::REPLACEMENT_CHARACTER
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let unit = u16::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)?;
        self.at += 4;
        Some(unit)
    }

    fn character(&mut self) -> Option<char> {
        let character = self.text[self.at..].chars().next()?;
        self.at += character.len_utf8();
        Some(character)
    }
}
