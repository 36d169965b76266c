//! A condition asked of one run, by its definition.

use std::cmp::Ordering;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::Seen;
use super::condition::{Column, Condition, Grouped, Side, Test};
use super::field::Field;
use super::number::Number;
use super::operand::Operand;
use super::pair::{Entries, Pair, Part};
use super::pattern::{Pattern, folded};
use super::words::{follow, has_words, searchable};

/// Whether a run meets a condition.
pub(super) fn holds(condition: &Condition, seen: &Seen<'_>) -> bool {
    match condition {
        Condition::All(conditions) => {
            let grouped = Grouped::of(conditions);
            grouped.alone.into_iter().all(|condition| holds(condition, seen))
                && grouped.entries.iter().all(|(entries, tests)| entry(*entries, tests, seen))
        }
        Condition::Any(conditions) => conditions.iter().any(|condition| holds(condition, seen)),
        Condition::Not(condition) => !holds(condition, seen),
        Condition::Field(Field::Tags, test) => tags(&seen.row.tags, test),
        Condition::Field(field, test) => passes(&found(*field, seen), test),
        Condition::Pair(pair, test) => entry(pair.entries, &[(*pair, test)], seen),
        Condition::Metadata(leaves) => leaves.iter().all(|(key, leaf)| {
            let found = seen.row.metadata.get(key).unwrap_or(&Value::Null);
            is(found, &Operand::of_json(leaf))
        }),
        Condition::Words(column, text) => match column {
            Some(column) => reads(*column, text, seen),
            None => Column::ALL.into_iter().any(|column| reads(column, text, seen)),
        },
    }
}

/// The one value of a field.
enum Found<'a> {
    Null,
    Truth(bool),
    Number(Number),
    Text(&'a str),
    Id(Uuid),
}

impl<'a> Found<'a> {
    fn text(text: Option<&'a String>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text))
    }

    fn id(id: Option<Uuid>) -> Self {
        id.map_or(Self::Null, Self::Id)
    }

    fn whole(whole: Option<i64>) -> Self {
        whole.map_or(Self::Null, |whole| Self::Number(Number::Whole(whole)))
    }

    fn real(real: Option<f64>) -> Self {
        real.map_or(Self::Null, |real| Self::Number(Number::Real(real)))
    }

    fn object(there: bool) -> Self {
        if there { Self::Text("") } else { Self::Null }
    }
}

fn found<'a>(field: Field, seen: &Seen<'a>) -> Found<'a> {
    let row = seen.row;
    match field {
        Field::Id => Found::Id(row.id),
        Field::Name => Found::Text(&row.name),
        Field::RunType => Found::Text(&row.run_type),
        Field::Status => Found::Text(row.status.as_str()),
        Field::Error => Found::text(row.error.as_ref()),
        Field::Start => Found::whole(Some(row.start)),
        Field::End => Found::whole(row.end),
        Field::FirstToken => Found::whole(row.first_token),
        Field::Latency => Found::whole(row.end.map(|end| end.saturating_sub(row.start))),
        Field::FirstTokenLatency => Found::whole(row.first_token.map(|first| first.saturating_sub(row.start))),
        Field::PromptTokens => Found::whole(row.usage.prompt_tokens),
        Field::CompletionTokens => Found::whole(row.usage.completion_tokens),
        Field::TotalTokens => Found::whole(row.usage.total_tokens),
        Field::PromptCost => Found::real(row.usage.prompt_cost),
        Field::CompletionCost => Found::real(row.usage.completion_cost),
        Field::TotalCost => Found::real(row.usage.total_cost),
        Field::IsRoot => Found::Truth(row.place.parent.is_none()),
        Field::IsOrphan => Found::Truth(seen.is_orphan),
        Field::ErrorsInside => Found::whole(Some(seen.errors_inside)),
        Field::ExecutionOrder => Found::whole(Some(if row.place.parent.is_none() { 1 } else { 2 })),
        Field::Trace => Found::Id(row.place.trace),
        Field::Parent => Found::id(row.place.parent),
        Field::DottedOrder => Found::Text(seen.dotted_order),
        Field::Thread => Found::text(row.thread.as_ref()),
        Field::Project => Found::Id(seen.project),
        Field::Example => Found::id(row.example),
        Field::Tags => Found::object(!row.tags.is_empty()),
        Field::Metadata => Found::object(!row.metadata.is_empty()),
        Field::Inputs => Found::text(row.input_preview.as_ref()),
        Field::Outputs => Found::text(row.output_preview.as_ref()),
    }
}

fn passes(found: &Found<'_>, test: &Test) -> bool {
    match test {
        Test::Is(operand) => order(found, operand) == Some(Ordering::Equal),
        Test::IsNot(operand) => order(found, operand) != Some(Ordering::Equal),
        Test::In(operands) => operands.iter().any(|operand| order(found, operand) == Some(Ordering::Equal)),
        Test::On(side, operand) => order(found, operand).is_some_and(|order| side.has(order)),
        Test::Like(_) | Test::Search(_) => match found {
            Found::Text(text) => like(text, test),
            _ => false,
        },
    }
}

fn order(found: &Found<'_>, operand: &Operand) -> Option<Ordering> {
    match (found, operand) {
        (Found::Null, Operand::Null) => Some(Ordering::Equal),
        (Found::Truth(found), Operand::Truth(wanted)) => Some(found.cmp(wanted)),
        (Found::Number(found), Operand::Number(wanted)) => found.order(*wanted),
        (Found::Number(found), Operand::Time(micros) | Operand::Span(micros)) => found.order(Number::Whole(*micros)),
        (Found::Text(found), Operand::Text(wanted)) => Some((*found).cmp(wanted.as_str())),
        (Found::Id(found), Operand::Id(wanted)) => Some(found.cmp(wanted)),
        _ => None,
    }
}

impl Side {
    fn has(self, order: Ordering) -> bool {
        match self {
            Self::Greater => order.is_gt(),
            Self::GreaterOrSame => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrSame => order.is_le(),
        }
    }
}

fn like(text: &str, test: &Test) -> bool {
    test.pattern().is_some_and(|pattern| Pattern::new(&pattern).matches(text))
}

fn tags(tags: &[String], test: &Test) -> bool {
    let is = |operand: &Operand| match operand.as_text() {
        Some(wanted) => tags.iter().any(|tag| folded(tag) == folded(wanted)),
        None => tags.is_empty(),
    };
    match test {
        Test::Is(operand) => is(operand),
        Test::IsNot(operand) => !is(operand),
        Test::In(operands) => operands.iter().any(is),
        Test::Like(_) | Test::Search(_) => tags.iter().any(|tag| like(tag, test)),
        Test::On(..) => false,
    }
}

fn reads(column: Column, text: &str, seen: &Seen<'_>) -> bool {
    if !has_words(text) {
        return passes(&found(column.field(), seen), &Test::Search(text.to_owned()));
    }
    match column {
        Column::Name => follow(&seen.row.name, text),
        Column::Error => seen.row.error.as_ref().is_some_and(|error| follow(error, text)),
        Column::Inputs => follow(&searchable(seen.inputs), text),
        Column::Outputs => follow(&searchable(seen.outputs), text),
    }
}

/// Whether one entry passes all of these.
fn entry(entries: Entries, tests: &[(Pair, &Test)], seen: &Seen<'_>) -> bool {
    let in_object = |object: &Map<String, Value>| {
        object.iter().any(|(key, value)| {
            tests.iter().all(|(pair, test)| match pair.part {
                Part::Key => passes(&Found::Text(key), test),
                _ => json(value, test),
            })
        })
    };
    match entries {
        Entries::Metadata => in_object(&seen.row.metadata),
        Entries::Inputs => in_object(seen.inputs),
        Entries::Outputs => in_object(seen.outputs),
        Entries::Feedback => seen.feedback.iter().any(|opinion| {
            tests.iter().all(|(pair, test)| match pair.part {
                Part::Key => passes(&Found::Text(&opinion.key), test),
                Part::Score => passes(&Found::real(opinion.score), test),
                Part::Comment => passes(&Found::text(opinion.comment.as_ref()), test),
                Part::Source => passes(&Found::text(opinion.source.as_ref()), test),
                Part::Value => json(opinion.value.as_ref().unwrap_or(&Value::Null), test),
            })
        }),
    }
}

fn json(found: &Value, test: &Test) -> bool {
    match test {
        Test::Is(operand) => is(found, operand),
        Test::IsNot(operand) => !is(found, operand),
        Test::In(operands) => operands.iter().any(|operand| is(found, operand)),
        Test::On(side, operand) => {
            let order = match (Number::of(found), text_of(found)) {
                (Some(found), _) => operand.number().and_then(|wanted| found.order(wanted)),
                (None, Some(found)) => operand.as_text().map(|wanted| found.as_str().cmp(wanted)),
                (None, None) => None,
            };
            order.is_some_and(|order| side.has(order))
        }
        Test::Like(_) | Test::Search(_) => text_of(found).is_some_and(|found| like(&found, test)),
    }
}

/// Numbers are compared with what reads as a number, all else as text.
fn is(found: &Value, operand: &Operand) -> bool {
    match (Number::of(found), text_of(found)) {
        (Some(found), _) => operand.number().is_some_and(|wanted| found.order(wanted) == Some(Ordering::Equal)),
        (None, Some(found)) => operand.text().is_some_and(|wanted| found == wanted),
        (None, None) => *operand == Operand::Null,
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(Number::of(other).map_or_else(|| other.to_string(), |number| number.to_string())),
    }
}
