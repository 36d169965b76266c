//! SQL that is put together from parts, with what users typed beside it.

use super::number::Number;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use uuid::Uuid;

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite's.
    #[default]
    Sqlite,
    /// That of Postgres.
    #[cfg(feature = "postgres")]
    Postgres,
}

/// SQL with its parameters. What comes from outside is only ever bound: the text grows by words of the program alone,
/// which is why [`push`](Self::push) takes nothing else.
///
/// ```
/// use runtree_collector::filter::{Dialect, Sql};
///
/// let mut sql = Sql::new(Dialect::Sqlite);
/// sql.push("SELECT name FROM runs AS r WHERE r.run_type = ").bind("llm");
/// assert_eq!(sql.text(), "SELECT name FROM runs AS r WHERE r.run_type = ?1");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sql {
    dialect: Dialect,
    text: String,
    parameters: Vec<Parameter>,
}

impl Sql {
    /// None yet.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, ..Self::default() }
    }

    /// Whose SQL it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Goes on with these words.
    pub fn push(&mut self, words: &'static str) -> &mut Self {
        self.text.push_str(words);
        self
    }

    /// Goes on with a parameter.
    pub fn bind(&mut self, parameter: impl Into<Parameter>) -> &mut Self {
        let parameter = parameter.into();
        let number = self.parameters.len() + 1;
        self.text.push_str(&match self.dialect {
            Dialect::Sqlite => format!("?{number}"),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => format!("${number}::{}", super::postgres::type_of(&parameter)),
        });
        self.parameters.push(parameter);
        self
    }

    /// Goes on with a parameter that is a number among numbers of JSON, which are exact.
    pub(super) fn bind_number(&mut self, number: Number) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => self.bind(number),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => self.bind(number.to_string()).push("::numeric"),
        }
    }

    /// Goes on with each of these, and with words between them.
    pub fn each<T>(
        &mut self,
        all: impl IntoIterator<Item = T>,
        between: &'static str,
        mut one: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (at, each) in all.into_iter().enumerate() {
            if at > 0 {
                self.push(between);
            }
            one(self, each);
        }
        self
    }

    /// The text, in which parameters stand by their numbers.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parameters in the order of their numbers, to be bound: `rusqlite::params_from_iter(sql.parameters())`.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }
}

/// A value beside SQL.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// A whole number; a time or a duration is one, in microseconds.
    Whole(i64),
    /// Any other number.
    Real(f64),
    /// A text.
    Text(String),
    /// A UUID, as its sixteen bytes.
    Id(Uuid),
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Whole(whole) => ValueRef::Integer(*whole),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Id(id) => ValueRef::Blob(id.as_bytes()),
        }))
    }
}

impl From<i64> for Parameter {
    fn from(whole: i64) -> Self {
        Self::Whole(whole)
    }
}

impl From<f64> for Parameter {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl From<Number> for Parameter {
    fn from(number: Number) -> Self {
        match number {
            Number::Whole(whole) => Self::Whole(whole),
            Number::Real(real) => Self::Real(real),
        }
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Parameter {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Uuid> for Parameter {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}
