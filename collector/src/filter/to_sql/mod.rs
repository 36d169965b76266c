//! A condition as SQL over the row `r` of `runs`.
//!
//! Each part of it is true or false and never null, so that `NOT` and `OR` around it are right.

mod entry;
mod scalar;

pub(crate) use self::scalar::{contains, errors_inside};

use self::entry::{entry, has_leaf};
use self::scalar::{alike, column, scalar};
use super::condition::{Column, Condition, Grouped, Test};
use super::field::Field;
use super::operand::Operand;
use super::pattern::Pattern;
use super::sql::{Dialect, Sql};
use super::words;
use crate::run::Status;

/// Writes a condition.
pub(super) fn write(condition: &Condition, sql: &mut Sql) {
    match condition {
        Condition::All(conditions) => {
            let grouped = Grouped::of(conditions);
            sql.push("(TRUE");
            for condition in grouped.alone {
                write(condition, sql.push(" AND "));
            }
            for (entries, tests) in grouped.entries {
                entry(entries, &tests, sql.push(" AND "));
            }
            sql.push(")");
        }
        Condition::Any(conditions) if conditions.is_empty() => {
            sql.push("FALSE");
        }
        Condition::Any(conditions) => {
            sql.push("(").each(conditions, " OR ", |sql, one| write(one, sql)).push(")");
        }
        Condition::Not(condition) => {
            write(condition, sql.push("NOT ("));
            sql.push(")");
        }
        Condition::Field(Field::Tags, test) => tags(test, sql),
        Condition::Field(Field::IsRoot, test) => root(test, sql),
        // Said so that the index of those that failed can be used: a word that is bound might be another one.
        Condition::Field(Field::Status, Test::Is(Operand::Text(word))) if word == Status::Error.as_str() => {
            sql.push("r.status = 'error'");
        }
        Condition::Field(field, test) => scalar(column(*field, sql.dialect()), *field == Field::Project, test, sql),
        Condition::Pair(pair, test) => entry(pair.entries, &[(*pair, test)], sql),
        Condition::Metadata(leaves) => {
            sql.push("(TRUE");
            for (key, leaf) in leaves {
                has_leaf(key, leaf, sql.push(" AND "));
            }
            sql.push(")");
        }
        Condition::Words(column, text) => full_text(*column, text, sql),
    }
}

/// One of the columns has these words; what has none is looked for in what is shown of the columns.
fn full_text(column: Option<Column>, text: &str, sql: &mut Sql) {
    if words::has_words(text) {
        match sql.dialect() {
            Dialect::Sqlite => {
                let phrase = words::phrase(column.map(Column::name), text);
                sql.push("r.key IN (SELECT rowid FROM words WHERE words MATCH ").bind(phrase).push(")");
            }
            #[cfg(feature = "postgres")]
            Dialect::Postgres => in_contents(column, text, sql),
        }
        return;
    }
    let columns: Vec<Column> = column.map_or(Column::ALL.into(), |column| vec![column]);
    let pattern = Pattern::around(text);
    sql.push("(").each(columns, " OR ", |sql, column| alike(shown(column, sql.dialect()), &pattern, sql)).push(")");
}

/// The index finds runs that have the words, and their texts tell whether these follow each other.
#[cfg(feature = "postgres")]
fn in_contents(column: Option<Column>, text: &str, sql: &mut Sql) {
    let (words, pattern) = super::postgres::phrase(text);
    sql.push("r.id IN (SELECT c.run FROM contents AS c WHERE c.words @@ ").bind(words).push("::tsquery AND (");
    let columns: Vec<Column> = column.map_or(Column::ALL.into(), |column| vec![column]);
    sql.each(columns, " OR ", |sql, column| {
        let spaced = match column {
            Column::Name => "c.name_words",
            Column::Inputs => "c.input_words",
            Column::Outputs => "c.output_words",
            Column::Error => "c.error_words",
        };
        sql.push(spaced).push(" LIKE ").bind(pattern.as_str());
    });
    sql.push("))");
}

/// What is shown of a column of the index.
fn shown(shown: Column, dialect: Dialect) -> &'static str {
    column(shown.field(), dialect)
}

fn root(test: &Test, sql: &mut Sql) {
    match test {
        Test::Is(Operand::Truth(true)) => {
            sql.push("r.parent IS NULL");
        }
        Test::Is(Operand::Truth(false)) => {
            sql.push("r.parent IS NOT NULL");
        }
        _ => scalar(column(Field::IsRoot, sql.dialect()), false, test, sql),
    }
}

fn tags(test: &Test, sql: &mut Sql) {
    let any = |pattern: &str, sql: &mut Sql| {
        match sql.dialect() {
            Dialect::Sqlite => sql.push("EXISTS (SELECT 1 FROM json_each(r.tags) AS e WHERE "),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                sql.push("EXISTS (SELECT 1 FROM json_array_elements_text(r.tags::json) AS e (value) WHERE ")
            }
        };
        alike("e.value", pattern, sql);
        sql.push(")");
    };
    match test {
        Test::Is(Operand::Text(tag)) => any(&Pattern::exactly(tag), sql),
        Test::IsNot(Operand::Text(tag)) => any(&Pattern::exactly(tag), sql.push("NOT ")),
        Test::In(operands) => {
            sql.push("(FALSE");
            for operand in operands {
                tags(&Test::Is(operand.clone()), sql.push(" OR "));
            }
            sql.push(")");
        }
        _ => match test.pattern() {
            Some(pattern) => any(&pattern, sql),
            None => scalar(column(Field::Tags, sql.dialect()), false, test, sql),
        },
    }
}
