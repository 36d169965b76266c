//! Conditions on runs, in the words of the filter language.

use std::fmt;
use std::ops::Not;

use runtree_core::{Moment, RunType};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A condition on runs, written in the filter language of LangSmith.
///
/// ```
/// use runtree_tracing::langsmith::client::Filter;
///
/// let filter = Filter::and([
///     Filter::eq("run_type", "llm"),
///     Filter::or([Filter::gt("latency", 2.5), !Filter::eq("error", None::<&str>)]),
///     Filter::metadata("customer", "O\"Hara"),
/// ]);
/// assert_eq!(
///     filter.to_string(),
///     r#"and(eq(run_type, "llm"), or(gt(latency, 2.5), not(eq(error, null))), and(eq(metadata_key, "customer"), eq(metadata_value, "O\"Hara")))"#
/// );
/// ```
///
/// Fields are words of the program, so they are `&'static str`; what users typed goes into values, which are escaped.
/// Fields are `id`, `name`, `run_type`, `status`, `error`, `start_time`, `end_time`, `latency` (in seconds),
/// `first_token_latency`, `total_tokens`, `total_cost`, `is_root`, `trace_id`, `parent_run_id`, `tags`, `thread_id` and
/// more; the server says if it does not know one.
///
/// # Pairs
/// Metadata, feedback, inputs and outputs are looked at as entries of a key and a value: `metadata_key` and
/// `metadata_value`, `feedback_key` and `feedback_score`, … Within one [`and`](Self::and), all conditions on one sort of
/// entry speak of the same entry. [`metadata`](Self::metadata) and its like have an `and` of their own, so that two of
/// them speak of two entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter(String);

impl Filter {
    /// All of these hold.
    pub fn and(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::call("and", filters)
    }

    /// One of these holds, or more.
    pub fn or(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::call("or", filters)
    }

    /// The field is the value.
    pub fn eq(field: &'static str, value: impl Into<Operand>) -> Self {
        Self::compare("eq", field, value)
    }

    /// The field is not the value.
    pub fn neq(field: &'static str, value: impl Into<Operand>) -> Self {
        Self::compare("neq", field, value)
    }

    /// The field is greater.
    pub fn gt(field: &'static str, value: impl Into<Operand>) -> Self {
        Self::compare("gt", field, value)
    }

    /// The field is greater, or the same.
    pub fn gte(field: &'static str, value: impl Into<Operand>) -> Self {
        Self::compare("gte", field, value)
    }

    /// The field is less.
    pub fn lt(field: &'static str, value: impl Into<Operand>) -> Self {
        Self::compare("lt", field, value)
    }

    /// The field is less, or the same.
    pub fn lte(field: &'static str, value: impl Into<Operand>) -> Self {
        Self::compare("lte", field, value)
    }

    /// The field is one of the values.
    #[doc(alias = "in")]
    pub fn one_of<V: Into<Operand>>(field: &'static str, values: impl IntoIterator<Item = V>) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.into().to_string()).collect();
        Self::call("in", [field, &format!("[{}]", values.join(", "))])
    }

    /// The field, which is a list, has the value.
    pub fn has(field: &'static str, value: impl Into<Operand>) -> Self {
        Self::compare("has", field, value)
    }

    /// The text is somewhere in the name, the inputs, the outputs or the error; case does not count.
    pub fn search(text: impl Into<String>) -> Self {
        Self::call("search", [Operand::from(text.into())])
    }

    /// The text is somewhere in the field; case does not count.
    pub fn search_in(field: &'static str, text: impl Into<String>) -> Self {
        Self::compare("search", field, text.into())
    }

    /// The field is like the pattern, in which `%` stands for any text and `_` for any character; case does not count.
    pub fn like(field: &'static str, pattern: impl Into<String>) -> Self {
        Self::compare("like", field, pattern.into())
    }

    /// The field has a value.
    pub fn exists(field: &'static str) -> Self {
        Self::call("exists", [field])
    }

    /// The run has the tag.
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::has("tags", tag.into())
    }

    /// The run's metadata has this entry. Keys inside keys are joined by dots.
    pub fn metadata(key: impl Into<String>, value: impl Into<Operand>) -> Self {
        Self::and([Self::eq("metadata_key", key.into()), Self::eq("metadata_value", value)])
    }

    /// The run's metadata has all of this in it.
    pub fn has_metadata(entries: &Map<String, Value>) -> Self {
        Self::has("metadata", Value::Object(entries.clone()).to_string())
    }

    /// The run's inputs have this entry. Keys inside keys are joined by dots.
    pub fn input(key: impl Into<String>, value: impl Into<Operand>) -> Self {
        Self::and([Self::eq("input_key", key.into()), Self::eq("input_value", value)])
    }

    /// The run's outputs have this entry. Keys inside keys are joined by dots.
    pub fn output(key: impl Into<String>, value: impl Into<Operand>) -> Self {
        Self::and([Self::eq("output_key", key.into()), Self::eq("output_value", value)])
    }

    /// The run has feedback under this key with this score.
    pub fn feedback(key: impl Into<String>, score: impl Into<Operand>) -> Self {
        Self::and([Self::eq("feedback_key", key.into()), Self::eq("feedback_score", score)])
    }

    /// The filter as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn compare(name: &'static str, field: &'static str, value: impl Into<Operand>) -> Self {
        Self::call(name, [field, &value.into().to_string()])
    }

    fn call(name: &'static str, arguments: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        let arguments: Vec<String> = arguments.into_iter().map(|argument| argument.to_string()).collect();
        Self(format!("{name}({})", arguments.join(", ")))
    }
}

/// What does not hold: `!Filter::tag("nightly")`.
impl Not for Filter {
    type Output = Self;
    fn not(self) -> Self {
        Self::call("not", [self])
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.0
    }
}

/// What a field is compared with: text, a number, true, false or null.
///
/// It is made from plain values. A [`Moment`] and an id are text; `None`, and a float that is no number, are null.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand(Value);

macro_rules! operands {
    ($($of:ty),*) => {$(
        impl From<$of> for Operand {
            fn from(value: $of) -> Self {
                Self(value.into())
            }
        }
    )*};
}
operands!(&str, String, bool, i32, i64, u32, u64, usize, f64);

impl From<&String> for Operand {
    fn from(text: &String) -> Self {
        Self(text.as_str().into())
    }
}

impl From<Uuid> for Operand {
    fn from(id: Uuid) -> Self {
        Self(id.to_string().into())
    }
}

impl From<Moment> for Operand {
    fn from(moment: Moment) -> Self {
        Self(moment.to_string().into())
    }
}

impl From<RunType> for Operand {
    fn from(run_type: RunType) -> Self {
        Self(run_type.as_str().into())
    }
}

impl<T: Into<Self>> From<Option<T>> for Operand {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(Value::Null), Into::into)
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The language's strings are those of JSON.
        fmt::Display::fmt(&self.0, f)
    }
}
