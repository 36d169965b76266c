//! Runs for tests.

use runtree_collector::run::{Field, Kind, Operation};
use runtree_core::Moment;
use serde_json::{Value, json};
use uuid::Uuid;

/// When the first of them begins.
pub(crate) const START: i64 = 1_772_600_767_000_000;

/// A run that is told of: its number, and what it is below.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) id: Uuid,
    pub(crate) trace: Uuid,
    pub(crate) parent: Option<Uuid>,
    pub(crate) dotted_order: String,
    pub(crate) start: i64,
}

/// The id of the run of this number. Numbers in order are ids in order.
pub(crate) fn id(number: u64) -> Uuid {
    Uuid::from_u128(0x019c_b786_1800_7000_8000_0000_0000_0000 + u128::from(number))
}

impl Told {
    pub(crate) fn root(number: u64) -> Self {
        let (id, start) = (id(number), START + number as i64);
        Self { id, trace: id, parent: None, dotted_order: segment(start, id), start }
    }

    pub(crate) fn child(&self, number: u64) -> Self {
        let (id, start) = (id(number), START + number as i64);
        let dotted_order = format!("{}.{}", self.dotted_order, segment(start, id));
        Self { id, trace: self.trace, parent: Some(self.id), dotted_order, start }
    }

    /// The same run, told to begin then.
    pub(crate) fn began(self, start: i64) -> Self {
        let above = self.dotted_order.rsplit_once('.').map(|(above, _)| format!("{above}.")).unwrap_or_default();
        Self { dotted_order: format!("{above}{}", segment(start, self.id)), start, ..self }
    }

    /// That it began, with its place.
    pub(crate) fn create(&self) -> Operation {
        self.placed(Kind::Create)
            .with(Field::Start, self.start.to_string())
            .with(Field::Name, text("run"))
            .with(Field::RunType, text("chain"))
            .with(Field::Inputs, r#"{"question": "why?"}"#)
    }

    /// That it ended, so long after its start, with its place.
    pub(crate) fn update(&self, lasted: i64) -> Operation {
        self.placed(Kind::Update)
            .with(Field::End, (self.start + lasted).to_string())
            .with(Field::Outputs, json(&json!({"lasted": lasted})))
    }

    fn placed(&self, kind: Kind) -> Operation {
        let operation = self.unplaced(Operation::new(kind, self.id));
        operation.with(Field::DottedOrder, text(&self.dotted_order))
    }

    /// That it began, with its parent only.
    pub(crate) fn create_unplaced(&self) -> Operation {
        let operation = self.unplaced(Operation::new(Kind::Create, self.id));
        operation.with(Field::Start, self.start.to_string()).with(Field::Name, text("run"))
    }

    fn unplaced(&self, operation: Operation) -> Operation {
        let operation = operation.with(Field::ProjectName, text("p")).with(Field::Trace, text(&self.trace.to_string()));
        match self.parent {
            Some(parent) => operation.with(Field::Parent, text(&parent.to_string())),
            None => operation,
        }
    }
}

fn segment(start: i64, id: Uuid) -> String {
    format!("{}{id}", Moment::from_micros(start as u64).to_dotted())
}

pub(crate) fn text(text: &str) -> String {
    Value::from(text).to_string()
}

pub(crate) fn json(value: &Value) -> String {
    value.to_string()
}
