//! Tests of entries.

use serde_json::Value;

use super::super::condition::Test;
use super::super::operand::Operand;
use super::super::pair::{Entries, Pair, Part};
use super::super::sql::{Dialect, Sql};
use super::scalar::{like, scalar};

#[cfg(feature = "postgres")]
const METADATA: &str = "jsonb_to_recordset(r.entries) AS e (key text COLLATE \"C\", number numeric, \
                        value text COLLATE \"C\")";

/// There is one entry that passes all of these tests.
pub(super) fn entry(entries: Entries, tests: &[(Pair, &Test)], sql: &mut Sql) {
    sql.push("EXISTS (SELECT 1 FROM ");
    match (sql.dialect(), entries) {
        (Dialect::Sqlite, Entries::Metadata) => sql.push("json_each(r.metadata) AS e WHERE "),
        (Dialect::Sqlite, Entries::Inputs) => sql.push(
            "json_each(inputs_of((SELECT h.bytes FROM halves AS h WHERE h.key = r.key * 2), \
             (SELECT h.bytes FROM halves AS h WHERE h.key = r.key * 2 + 1))) AS e WHERE ",
        ),
        (Dialect::Sqlite, Entries::Outputs) => sql.push(
            "json_each(outputs_of((SELECT h.bytes FROM halves AS h WHERE h.key = r.key * 2), \
             (SELECT h.bytes FROM halves AS h WHERE h.key = r.key * 2 + 1))) AS e WHERE ",
        ),
        (_, Entries::Feedback) => sql.push("feedback AS e WHERE e.run = r.id AND "),
        #[cfg(feature = "postgres")]
        (Dialect::Postgres, Entries::Metadata) => sql.push(METADATA).push(" WHERE "),
        #[cfg(feature = "postgres")]
        (Dialect::Postgres, Entries::Inputs) => sql.push(
            "contents AS c, jsonb_to_recordset(c.inputs) AS e (key text COLLATE \"C\", number numeric, \
             value text COLLATE \"C\") WHERE c.run = r.id AND ",
        ),
        #[cfg(feature = "postgres")]
        (Dialect::Postgres, Entries::Outputs) => sql.push(
            "contents AS c, jsonb_to_recordset(c.outputs) AS e (key text COLLATE \"C\", number numeric, \
             value text COLLATE \"C\") WHERE c.run = r.id AND ",
        ),
    };
    sql.each(tests, " AND ", |sql, (pair, test)| match pair.part {
        Part::Key => scalar("e.key", false, test, sql),
        Part::Score => scalar("e.score", false, test, sql),
        Part::Comment => scalar("e.comment", false, test, sql),
        Part::Source => scalar("e.source", false, test, sql),
        Part::Value => Json::of(entries, sql.dialect()).passes(test, sql),
    });
    sql.push(")");
}

/// The metadata has this leaf.
pub(super) fn has_leaf(key: &str, leaf: &Value, sql: &mut Sql) {
    let json = Json::of(Entries::Metadata, sql.dialect());
    let operand = Operand::of_json(leaf);
    // What is null may be missing as well.
    let (begin, test) = match operand {
        Operand::Null => ("NOT EXISTS (SELECT 1 FROM ", Test::IsNot(operand)),
        operand => ("EXISTS (SELECT 1 FROM ", Test::Is(operand)),
    };
    match sql.dialect() {
        Dialect::Sqlite => sql.push(begin).push("json_each(r.metadata) AS e"),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => sql.push(begin).push(METADATA),
    };
    sql.push(" WHERE e.key = ").bind(key).push(" AND ");
    json.passes(&test, sql);
    sql.push(")");
}

/// Where a JSON value of an entry is.
struct Json {
    /// Whether it is a number.
    is_number: &'static str,
    /// It as SQL knows it: null, a number, a text or JSON text.
    value: &'static str,
    /// The number that it is.
    number: &'static str,
    /// The same, with words for true and false.
    text: &'static str,
}

impl Json {
    fn of(entries: Entries, dialect: Dialect) -> Self {
        match (dialect, entries) {
            (Dialect::Sqlite, Entries::Feedback) => Self {
                is_number: "json_type(e.value) IN ('integer', 'real')",
                value: "json_extract(e.value, '$')",
                number: "json_extract(e.value, '$')",
                text: "CASE json_type(e.value) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' \
                       ELSE json_extract(e.value, '$') END",
            },
            (Dialect::Sqlite, _) => Self {
                is_number: "e.type IN ('integer', 'real')",
                value: "e.value",
                number: "e.value",
                text: "CASE e.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE e.value END",
            },
            #[cfg(feature = "postgres")]
            (Dialect::Postgres, _) => {
                Self { is_number: "e.number IS NOT NULL", value: "e.value", number: "e.number", text: "e.value" }
            }
        }
    }

    fn passes(&self, test: &Test, sql: &mut Sql) {
        match test {
            Test::Is(Operand::Null) => {
                sql.push(self.value).push(" IS NULL");
            }
            Test::IsNot(Operand::Null) => {
                sql.push(self.value).push(" IS NOT NULL");
            }
            Test::Is(operand) => self.compare(" = ", operand, operand.text(), sql),
            Test::IsNot(operand) => {
                self.compare(" = ", operand, operand.text(), sql.push("NOT "));
            }
            Test::On(side, operand) => self.compare(side.sign(), operand, operand.as_text().map(str::to_owned), sql),
            Test::In(operands) => {
                sql.push("(FALSE");
                for operand in operands {
                    self.passes(&Test::Is(operand.clone()), sql.push(" OR "));
                }
                sql.push(")");
            }
            Test::Like(_) | Test::Search(_) => like(self.text, test, sql),
        }
    }

    /// Numbers compare with what reads as a number, all else as text.
    fn compare(&self, sign: &'static str, operand: &Operand, text: Option<String>, sql: &mut Sql) {
        sql.push("CASE WHEN ").push(self.is_number).push(" THEN ");
        match operand.number() {
            Some(number) => sql.push(self.number).push(sign).bind_number(number),
            None => sql.push("FALSE"),
        };
        sql.push(" ELSE ");
        match text {
            Some(text) => sql.push("COALESCE((").push(self.text).push(")").push(sign).bind(text).push(", FALSE)"),
            None => sql.push("FALSE"),
        };
        sql.push(" END");
    }
}
