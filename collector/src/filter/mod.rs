//! The filter language of LangSmith's API.
//!
//! ```text
//! expr   := call
//! call   := name "(" [ arg { "," arg } ] ")"
//! arg    := call | field | value | list
//! list   := "[" [ value { "," value } ] "]"
//! value  := string | number | true | false | null
//! string := '"' with JSON's escapes '"'  |  "'" with the same escapes "'"
//! field  := letter { letter | digit | "_" | "." }
//! ```
//!
//! A text goes three steps: `parser` reads calls, whatever they are called; `check` makes of them a condition, in which
//! every field is known and every value of the type that its field has; and that becomes [`Sql`], or is asked of one run
//! with [`Filter::holds`]. The two agree on every run, which the tests try.
//!
//! # What the words mean
//!
//! | call | holds if |
//! |---|---|
//! | `and(…)`, `or(…)`, `not(e)` | all, one, it not; `and()` holds, `or()` does not |
//! | `eq(f, v)`, `neq(f, v)`, `in(f, [v, …])` | the field is the value, is not, is one of them; null is a value |
//! | `gt`, `gte`, `lt`, `lte` | the field is there, and greater or less |
//! | `exists(f)` | the field is there: `neq(f, null)` |
//! | `like(f, "a%_")` | the text is like it: `%` is any text, `_` any character, `\` before these takes them as they are |
//! | `search(f, "text")` | the text is somewhere in it |
//! | `search("text")` | these words, the last perhaps longer, follow each other in the name, inputs, outputs or error |
//! | `has(tags, "x")` | it has the tag |
//! | `has(metadata, '{"k": "v"}')` | its metadata has all of these; what is null here has to be null or missing |
//!
//! Nothing is unknown: each of these holds of a run, or its `not` does. Case does not count for `like`, `search` and
//! tags; for other comparisons it does. Conditions on tags speak of one of them: `like(tags, "a%")` holds if there is such
//! a tag, and `neq(tags, "x")` if none is `x`.
//!
//! Durations are in seconds, or text with a unit (`"500ms"`, `"2m"`). Times are ISO 8601, a date, or milliseconds since
//! 1970. `execution_order` is 1 for a root, and 2 for all below. `run_type` and `status` may be in capitals.
//!
//! # Pairs
//!
//! Metadata, feedback, inputs and outputs are entries of a key and a value; in JSON, keys of nested objects are joined
//! with dots. A condition on `metadata_key` or `metadata_value` holds if one entry meets it, and all that are direct
//! arguments of one `and` have to be met by the same entry. `neq(metadata_value, "x")` thus holds if there is an entry
//! that is not `x`. Values compare as numbers if both sides are, or read as, numbers, and else as text.
//!
//! # Full text
//!
//! `search("text")`, and `search` in name, inputs, outputs or error, ask an index of words. A text without a letter or
//! digit has no words; it is looked for as it stands in the name, the error and the previews of inputs and outputs.

mod check;
mod condition;
mod field;
mod holds;
mod lexer;
mod marks;
mod number;
mod operand;
mod pair;
mod parser;
mod pattern;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod print;
mod seen;
mod sql;
mod sqlite;
#[cfg(test)]
mod tests;
mod to_sql;
mod wanted;
mod words;

use std::fmt;

pub(crate) use marks::Marks;
pub use seen::{Opinion, Seen};
pub use sql::{Dialect, Parameter, Sql};
pub use sqlite::register;
pub(crate) use to_sql::{contains, errors_inside};
pub(crate) use wanted::{Texts, Wanted};
pub use words::searchable;

use condition::Condition;

/// A condition on a run, read and checked. Its text is what it prints, in one form for all ways to write it.
///
/// ```
/// use runtree_collector::filter::Filter;
///
/// let filter = Filter::parse("and( eq(run_type,'LLM'), gt(latency, '500ms') )").unwrap();
/// assert_eq!(filter.to_string(), r#"and(eq(run_type, "llm"), gt(latency, 0.5))"#);
///
/// let error = Filter::parse("eq(nam, 1)").unwrap_err();
/// assert_eq!(error.to_string(), "filter: there is no field `nam` at position 3");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    condition: Condition,
}

/// Why a filter is none, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The byte at which it goes wrong.
    pub position: usize,
    /// What is wrong there.
    pub reason: String,
}

impl FilterError {
    fn new(position: usize, reason: impl Into<String>) -> Self {
        Self { position, reason: reason.into() }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter: {} at position {}", self.reason, self.position)
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// If it is none: it names what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let (call, terms) = parser::parse(text)?;
        Ok(Self { condition: check::check(&call, terms)? })
    }

    /// Writes the filter as a condition on the row `r` of `runs`. It is true or false, never null, and whatever came from
    /// the filter's text is a parameter.
    pub fn to_sql(&self, sql: &mut Sql) {
        to_sql::write(&self.condition, sql);
    }

    /// Whether a run meets it.
    ///
    /// It agrees with [`to_sql`](Self::to_sql), but for full text beyond ASCII: the index also takes accents for nothing
    /// (`cafe` finds `café`) and knows a few characters as parts of words that are none here, and the other way round.
    pub fn holds(&self, seen: &Seen<'_>) -> bool {
        holds::holds(&self.condition, seen)
    }

    /// The words that every run has to have; none if it asks for none.
    pub(crate) fn wanted(&self) -> Option<Wanted> {
        Wanted::of(&self.condition)
    }

    /// What every run is marked with that meets it.
    pub(crate) fn marks(&self) -> Marks {
        Marks::wanted(&self.condition)
    }

    /// Whether it looks into the index of words.
    pub fn searches(&self) -> bool {
        self.condition.searches()
    }
}
