//! Calls, whatever they are called.

use super::FilterError;
use super::lexer::{Lexer, Token};
use super::number::Number;
use crate::limits;

/// A call and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call<'a> {
    /// What is called.
    pub(super) name: &'a str,
    /// The byte at which it begins.
    pub(super) at: usize,
    /// With what.
    pub(super) arguments: Vec<Argument<'a>>,
    /// The byte of the closing bracket.
    pub(super) end: usize,
}

/// An argument of a call and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument<'a> {
    /// What another call gives.
    Call(Call<'a>),
    /// A field.
    Field(&'a str, usize),
    /// A value.
    Value(Literal),
    /// Values in square brackets.
    List(Vec<Literal>, usize),
}

impl Argument<'_> {
    /// The byte at which it begins.
    pub(super) fn at(&self) -> usize {
        match self {
            Self::Call(call) => call.at,
            Self::Value(literal) => literal.at,
            Self::Field(_, at) | Self::List(_, at) => *at,
        }
    }
}

/// A value as it was written and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Literal {
    /// What it is.
    pub(super) value: Plain,
    /// The byte at which it begins.
    pub(super) at: usize,
}

/// A value that is not of a field yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plain {
    /// `null`
    Null,
    /// `true` or `false`
    Truth(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
}

/// Reads one call, with nothing behind it, and counts the calls and values in it.
pub(super) fn parse(text: &str) -> Result<(Call<'_>, usize), FilterError> {
    if text.len() > limits::FILTER {
        let reason = format!("a filter of {} bytes is longer than one may be", text.len());
        return Err(FilterError::new(limits::FILTER, reason));
    }
    let mut lexer = Lexer::new(text);
    let next = lexer.next()?;
    let mut parser = Parser { lexer, next, terms: 0 };
    let argument = parser.argument(0)?;
    let Argument::Call(call) = argument else { return Err(FilterError::new(argument.at(), "expected a condition")) };
    match parser.next {
        (Token::End, _) => Ok((call, parser.terms)),
        (token, at) => Err(FilterError::new(at, format!("expected the end, found {}", token.told()))),
    }
}

/// There are more calls and values than may be.
pub(super) fn too_many_terms(at: usize) -> FilterError {
    FilterError::new(at, format!("a filter may have {} calls and values, and here are more", limits::FILTER_TERMS))
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The word that is looked at, and where it begins.
    next: (Token<'a>, usize),
    /// Calls and values so far.
    terms: usize,
}

impl<'a> Parser<'a> {
    fn take(&mut self) -> Result<(Token<'a>, usize), FilterError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn take_mark(&mut self, mark: char) -> Result<bool, FilterError> {
        let found = self.next.0 == Token::Mark(mark);
        if found {
            self.take()?;
        }
        Ok(found)
    }

    fn count_term(&mut self, at: usize) -> Result<(), FilterError> {
        self.terms += 1;
        if self.terms > limits::FILTER_TERMS { Err(too_many_terms(at)) } else { Ok(()) }
    }

    fn argument(&mut self, depth: usize) -> Result<Argument<'a>, FilterError> {
        match self.next {
            (Token::Mark('['), at) => {
                self.take()?;
                Ok(Argument::List(self.separated(']', Self::value)?.0, at))
            }
            (Token::Name(name), at) if !matches!(name, "true" | "false" | "null") => {
                self.take()?;
                if !self.take_mark('(')? {
                    return Ok(Argument::Field(name, at));
                }
                if depth >= limits::FILTER_DEPTH {
                    let reason = format!("calls may be {} levels deep, and here is one more", limits::FILTER_DEPTH);
                    return Err(FilterError::new(at, reason));
                }
                self.count_term(at)?;
                let (arguments, end) = self.separated(')', |parser| parser.argument(depth + 1))?;
                Ok(Argument::Call(Call { name, at, arguments, end }))
            }
            _ => self.value().map(Argument::Value),
        }
    }

    fn value(&mut self) -> Result<Literal, FilterError> {
        let (token, at) = self.take()?;
        let value = match token {
            Token::Text(text) => Plain::Text(text),
            Token::Number(number) => Plain::Number(number),
            Token::Name("true") => Plain::Truth(true),
            Token::Name("false") => Plain::Truth(false),
            Token::Name("null") => Plain::Null,
            other => return Err(FilterError::new(at, format!("expected a value, found {}", other.told()))),
        };
        self.count_term(at)?;
        Ok(Literal { value, at })
    }

    /// What stands between commas up to a closing bracket, and where that is.
    fn separated<T>(
        &mut self,
        close: char,
        one: impl Fn(&mut Self) -> Result<T, FilterError>,
    ) -> Result<(Vec<T>, usize), FilterError> {
        let mut all = Vec::new();
        let mut end = self.next.1;
        if self.take_mark(close)? {
            return Ok((all, end));
        }
        loop {
            all.push(one(self)?);
            end = self.next.1;
            if self.take_mark(close)? {
                return Ok((all, end));
            }
            if !self.take_mark(',')? {
                let reason = format!("expected `,` or `{close}`, found {}", self.next.0.told());
                return Err(FilterError::new(end, reason));
            }
        }
    }
}
