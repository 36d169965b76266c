//! The filter language, read and evaluated, independent of what writes it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use runtree_tracing::langsmith::wire::Run;
use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expr {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    Call(Expr),
    Field(String),
    Value(Value),
    List(Vec<Value>),
}

/// Reads an expression, or says where it is wrong.
pub(crate) fn parse(text: &str) -> Result<Expr, String> {
    let mut reader = Reader { text, at: 0 };
    let Argument::Call(expression) = reader.argument()? else { return Err(reader.wrong("a call")) };
    reader.skip_blanks();
    if reader.at < text.len() { Err(reader.wrong("the end")) } else { Ok(expression) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, expected: &str) -> String {
        format!("filter: expected {expected} at position {}", self.at)
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_blanks();
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    /// The characters up to the first that does not belong.
    fn while_in(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = &self.text[self.at..];
        let end = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    fn argument(&mut self) -> Result<Argument, String> {
        match self.peek() {
            Some('[') => Ok(Argument::List(self.separated('[', ']', Self::value)?)),
            Some(first) if first.is_ascii_alphabetic() => {
                let word = self.while_in(|character| character.is_ascii_alphanumeric() || "_.".contains(character));
                match word.as_str() {
                    "true" | "false" | "null" => Ok(Argument::Value(serde_json::from_str(&word).unwrap())),
                    _ if self.peek() == Some('(') => {
                        let arguments = self.separated('(', ')', Self::argument)?;
                        Ok(Argument::Call(Expr { name: word, arguments }))
                    }
                    _ => Ok(Argument::Field(word)),
                }
            }
            _ => self.value().map(Argument::Value),
        }
    }

    fn separated<T>(
        &mut self,
        open: char,
        close: char,
        one: impl Fn(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut all = Vec::new();
        assert!(self.take(open));
        if self.take(close) {
            return Ok(all);
        }
        loop {
            all.push(one(self)?);
            if self.take(close) {
                return Ok(all);
            }
            if !self.take(',') {
                return Err(self.wrong("a comma"));
            }
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => self.string(quote).map(Value::String),
            Some(first) if first == '-' || first.is_ascii_digit() => {
                let number = self.while_in(|character| character.is_ascii_digit() || "+-.eE".contains(character));
                match number.parse::<i64>() {
                    Ok(whole) => Ok(whole.into()),
                    Err(_) => number.parse::<f64>().map(Value::from).map_err(|_| self.wrong("a number")),
                }
            }
            _ => match self.while_in(|character| character.is_ascii_alphabetic()).as_str() {
                word @ ("true" | "false" | "null") => Ok(serde_json::from_str(word).unwrap()),
                _ => Err(self.wrong("a value")),
            },
        }
    }

    fn string(&mut self, quote: char) -> Result<String, String> {
        assert!(self.take(quote));
        let mut text = String::new();
        let mut rest = self.text[self.at..].chars();
        let mut high = None;
        loop {
            let character = rest.next().ok_or_else(|| self.wrong("the end of a string"))?;
            if character == quote {
                break;
            }
            if character != '\\' {
                text.push(character);
                continue;
            }
            match rest.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some(same @ ('"' | '\'' | '\\' | '/')) => text.push(same),
                Some('u') => {
                    let digits: String = rest.by_ref().take(4).collect();
                    let unit = u16::from_str_radix(&digits, 16).map_err(|_| self.wrong("four digits"))?;
                    let units: Vec<u16> = high.take().into_iter().chain([unit]).collect();
                    match String::from_utf16(&units) {
                        Ok(character) => text.push_str(&character),
                        Err(_) => high = Some(unit),
                    }
                }
                _ => return Err(self.wrong("an escape")),
            }
        }
        self.at = self.text.len() - rest.as_str().len();
        Ok(text)
    }
}

/// Whether the run meets the expression.
pub(crate) fn holds(expression: &Expr, run: &Run) -> Result<bool, String> {
    let whole = &serde_json::to_value(run).unwrap();
    Seen { run, whole }.holds(expression)
}

struct Seen<'a> {
    run: &'a Run,
    whole: &'a Value,
}

/// Sorts of entries whose key and value are asked for together.
const PAIRS: [&str; 3] = ["metadata", "input", "output"];

impl Seen<'_> {
    fn holds(&self, expression: &Expr) -> Result<bool, String> {
        use Argument::{Call, Field, List, Value as Just};
        let name = expression.name.as_str();
        match (name, expression.arguments.as_slice()) {
            ("and", all) => self.all(all),
            ("or", all) => {
                let each: Result<Vec<bool>, String> = all.iter().map(|one| self.holds(called(one)?)).collect();
                Ok(each?.contains(&true))
            }
            ("not", [Call(inner)]) => Ok(!self.holds(inner)?),
            ("search", [Just(Value::String(text))]) => {
                let places = [&self.whole["name"], &self.whole["inputs"], &self.whole["outputs"], &self.whole["error"]];
                Ok(places.iter().any(|place| contains(place, text)))
            }
            ("search", [Field(field), Just(Value::String(text))]) => Ok(contains(&self.field(field)?, text)),
            ("exists", [Field(field)]) => Ok(!self.field(field)?.is_null()),
            ("has", [Field(field), Just(wanted)]) if field == "metadata" => {
                let wanted: Map<String, Value> =
                    serde_json::from_str(wanted.as_str().unwrap_or_default()).map_err(|error| error.to_string())?;
                let metadata = self.run.metadata();
                Ok(wanted.iter().all(|(key, value)| metadata.and_then(|metadata| metadata.get(key)) == Some(value)))
            }
            ("has", [Field(field), Just(wanted)]) => {
                Ok(self.field(field)?.as_array().is_some_and(|list| list.contains(wanted)))
            }
            (_, [Field(field), Just(_) | List(_)]) if pair_of(field).is_some() => self.all(&[Call(expression.clone())]),
            ("in", [Field(field), List(values)]) => Ok(values.contains(&self.field(field)?)),
            (_, [Field(field), Just(wanted)]) => compare(name, &self.field(field)?, wanted),
            _ => Err(format!("filter: `{name}` does not take these arguments")),
        }
    }

    /// Conditions on one sort of entry must be met by one entry.
    fn all(&self, arguments: &[Argument]) -> Result<bool, String> {
        let mut paired: BTreeMap<&str, Vec<(&str, &Expr)>> = BTreeMap::new();
        for argument in arguments {
            let expression = called(argument)?;
            match expression.arguments.first() {
                Some(Argument::Field(field)) if pair_of(field).is_some() => {
                    let (sort, part) = pair_of(field).unwrap();
                    paired.entry(sort).or_default().push((part, expression));
                }
                _ if !self.holds(expression)? => return Ok(false),
                _ => {}
            }
        }
        for (sort, conditions) in paired {
            let whole = match sort {
                "metadata" => &self.whole["extra"]["metadata"],
                "input" => &self.whole["inputs"],
                _ => &self.whole["outputs"],
            };
            let mut entries = Vec::new();
            flatten("", whole, &mut entries);
            let one = entries.iter().any(|(key, value)| {
                conditions.iter().all(|(part, expression)| {
                    let found = if *part == "key" { Value::from(key.as_str()) } else { value.clone() };
                    match expression.arguments.get(1) {
                        Some(Argument::Value(wanted)) => compare(&expression.name, &found, wanted).unwrap_or(false),
                        Some(Argument::List(wanted)) => wanted.contains(&found),
                        _ => false,
                    }
                })
            });
            if !one {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn field(&self, field: &str) -> Result<Value, String> {
        match field {
            "latency" => Ok(self.run.latency().map(|latency| latency.as_secs_f64()).into()),
            "is_root" => Ok(self.run.is_root().into()),
            _ => self.whole.get(field).cloned().ok_or_else(|| format!("filter: no field `{field}`")),
        }
    }
}

fn called(argument: &Argument) -> Result<&Expr, String> {
    match argument {
        Argument::Call(expression) => Ok(expression),
        _ => Err("filter: expected a condition".to_owned()),
    }
}

fn pair_of(field: &str) -> Option<(&str, &str)> {
    field.split_once('_').filter(|(sort, part)| PAIRS.contains(sort) && matches!(*part, "key" | "value"))
}

/// The leaves of nested objects, their keys joined with dots.
fn flatten(before: &str, value: &Value, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
                flatten(&key, value, into);
            }
        }
        leaf => into.push((before.to_owned(), leaf.clone())),
    }
}

fn contains(place: &Value, text: &str) -> bool {
    place.to_string().to_lowercase().contains(&text.to_lowercase())
}

fn compare(name: &str, found: &Value, wanted: &Value) -> Result<bool, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let order = match (found, wanted) {
        (Value::Null, _) | (_, Value::Null) => (found == wanted).then_some(Ordering::Equal),
        (Value::Number(found), Value::Number(wanted)) => found.as_f64().partial_cmp(&wanted.as_f64()),
        _ => Some(text(found).cmp(&text(wanted))),
    };
    match name {
        "eq" => Ok(order == Some(Ordering::Equal)),
        "neq" => Ok(order != Some(Ordering::Equal)),
        "gt" => Ok(order == Some(Ordering::Greater)),
        "gte" => Ok(matches!(order, Some(Ordering::Greater | Ordering::Equal)) && !found.is_null()),
        "lt" => Ok(order == Some(Ordering::Less)),
        "lte" => Ok(matches!(order, Some(Ordering::Less | Ordering::Equal)) && !found.is_null()),
        "like" => Ok(like(&text(found).to_lowercase(), &text(wanted).to_lowercase())),
        _ => Err(format!("filter: no function `{name}`")),
    }
}

fn like(text: &str, pattern: &str) -> bool {
    let mut characters = pattern.chars();
    match characters.next() {
        None => text.is_empty(),
        Some('%') => (0..=text.len()).any(|at| text.is_char_boundary(at) && like(&text[at..], characters.as_str())),
        Some(wanted) => {
            let mut rest = text.chars();
            rest.next().is_some_and(|found| wanted == '_' || wanted == found)
                && like(rest.as_str(), characters.as_str())
        }
    }
}
