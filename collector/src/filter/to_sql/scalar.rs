//! Tests of one value.

use super::super::condition::Test;
use super::super::field::Field;
use super::super::operand::Operand;
use super::super::pattern::Pattern;
use super::super::sql::{Dialect, Sql};

/// How many runs of a root's trace failed, besides itself and those that were cancelled.
pub(crate) fn errors_inside(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => {
            "(CASE WHEN r.parent IS NULL THEN (SELECT count(*) FROM runs AS f \
             WHERE f.trace = r.trace AND f.status = 'error' AND f.key <> r.key \
             AND json_extract(f.metadata, '$.cancelled') IS NULL) ELSE 0 END)"
        }
        // Postgres reads no JSON with U+0000 in it, so metadata is looked at by its entries.
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            "(CASE WHEN r.parent IS NULL THEN (SELECT count(*) FROM runs AS f \
             WHERE f.trace = r.trace AND f.status = 'error' AND f.id <> r.id \
             AND NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(f.entries) AS e (key text, value text) \
             WHERE e.key = 'cancelled' AND e.value IS NOT NULL)) ELSE 0 END)"
        }
    }
}

/// Where a field's value is.
pub(super) fn column(field: Field, dialect: Dialect) -> &'static str {
    match field {
        Field::Id => "r.id",
        Field::Name => "r.name",
        Field::RunType => "r.run_type",
        Field::Status => "r.status",
        Field::Error => "r.error",
        Field::Start => "r.start",
        Field::End => "r.\"end\"",
        Field::FirstToken => "r.first_token",
        Field::Latency => "(r.\"end\" - r.start)",
        Field::FirstTokenLatency => "(r.first_token - r.start)",
        Field::PromptTokens => "r.prompt_tokens",
        Field::CompletionTokens => "r.completion_tokens",
        Field::TotalTokens => "r.total_tokens",
        Field::PromptCost => "r.prompt_cost",
        Field::CompletionCost => "r.completion_cost",
        Field::TotalCost => "r.total_cost",
        Field::IsRoot => "(r.parent IS NULL)",
        Field::IsOrphan => "(r.is_orphan = 1)",
        Field::ErrorsInside => errors_inside(dialect),
        Field::ExecutionOrder => "(CASE WHEN r.parent IS NULL THEN 1 ELSE 2 END)",
        Field::Trace => "r.trace",
        Field::Parent => "r.parent",
        Field::DottedOrder => "r.dotted_order",
        Field::Thread => "r.thread",
        Field::Project => "r.project",
        Field::Example => "r.example",
        Field::Tags => "NULLIF(r.tags, '[]')",
        Field::Metadata => "NULLIF(r.metadata, '{}')",
        Field::Inputs => "r.input_preview",
        Field::Outputs => "r.output_preview",
    }
}

/// A test of one value. Projects are stored by a key of their own, which their id is looked up for.
pub(super) fn scalar(place: &'static str, is_project: bool, test: &Test, sql: &mut Sql) {
    let bind = |sql: &mut Sql, operand: &Operand| {
        if is_project {
            // No project has this key, and it makes an unknown project differ from all there are.
            value(operand, sql.push("COALESCE((SELECT p.key FROM projects AS p WHERE p.id = "));
            sql.push("), -1)");
        } else {
            value(operand, sql);
        }
    };
    let dialect = sql.dialect();
    match test {
        Test::Is(Operand::Null) => {
            sql.push(place).push(" IS NULL");
        }
        Test::IsNot(Operand::Null) => {
            sql.push(place).push(" IS NOT NULL");
        }
        Test::Is(operand) => match dialect {
            Dialect::Sqlite if place == column(Field::Thread, dialect) => {
                // Said so that the index of those that have one can be used.
                bind(sql.push("(r.thread IS NOT NULL AND ").push(place).push(" IS "), operand);
                sql.push(")");
            }
            Dialect::Sqlite => bind(sql.push(place).push(" IS "), operand),
            // No index answers `IS NOT DISTINCT FROM`.
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                bind(sql.push("(").push(place).push(" IS NOT NULL AND ").push(place).push(" = "), operand);
                sql.push(")");
            }
        },
        Test::IsNot(operand) => match dialect {
            Dialect::Sqlite => bind(sql.push(place).push(" IS NOT "), operand),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => bind(sql.push(place).push(" IS DISTINCT FROM "), operand),
        },
        Test::On(side, operand) => {
            bind(sql.push("(").push(place).push(" IS NOT NULL AND ").push(place).push(side.sign()), operand);
            sql.push(")");
        }
        Test::In(operands) => one_of(place, operands, bind, sql),
        Test::Like(_) | Test::Search(_) => like(place, test, sql),
    }
}

/// Null is looked for apart: `IN` would answer null where it is.
fn one_of(place: &'static str, operands: &[Operand], bind: impl FnMut(&mut Sql, &Operand), sql: &mut Sql) {
    let (nulls, others): (Vec<_>, Vec<_>) = operands.iter().partition(|operand| **operand == Operand::Null);
    match (nulls.is_empty(), others.is_empty()) {
        (true, true) => sql.push("FALSE"),
        (false, true) => sql.push(place).push(" IS NULL"),
        (no_nulls, false) => {
            let else_null = if no_nulls { " IS NOT NULL AND " } else { " IS NULL OR " };
            sql.push("(").push(place).push(else_null).push(place).push(" IN (").each(others, ", ", bind).push("))")
        }
    };
}

fn value(operand: &Operand, sql: &mut Sql) {
    match operand {
        Operand::Null => sql.push("NULL"),
        Operand::Truth(true) => sql.push("TRUE"),
        Operand::Truth(false) => sql.push("FALSE"),
        Operand::Number(number) => sql.bind(*number),
        Operand::Text(text) => sql.bind(text.as_str()),
        Operand::Id(id) => sql.bind(*id),
        Operand::Time(micros) | Operand::Span(micros) => sql.bind(*micros),
    };
}

/// Whether a text has another in it, whatever the case.
pub(crate) fn contains(place: &'static str, text: &str, sql: &mut Sql) {
    alike(place, &Pattern::around(text), sql);
}

pub(super) fn alike(place: &'static str, pattern: &str, sql: &mut Sql) {
    match sql.dialect() {
        Dialect::Sqlite => sql.push("alike(").push(place).push(", ").bind(pattern).push(")"),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            sql.push("alike(").push(place).push(", ").bind(super::super::postgres::pattern(pattern)).push(")")
        }
    };
}

/// Tests of texts. Others hold of none.
pub(super) fn like(place: &'static str, test: &Test, sql: &mut Sql) {
    match test.pattern() {
        Some(pattern) => alike(place, &pattern, sql),
        None => {
            sql.push("FALSE");
        }
    }
}
