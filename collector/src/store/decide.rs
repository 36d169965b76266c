//! What becomes of what is told: decisions that are the same whatever database they are made over.

use std::time::{SystemTime, UNIX_EPOCH};

use runtree_core::Moment;
use runtree_tracing::langsmith::wire::{Feedback, FeedbackCreate, FeedbackUpdate};
use serde_json::Value;
use uuid::Uuid;

use super::Refused;
use crate::access::Access;
use crate::limits;
use crate::run::{Field, Kind, Merged, Operation, Row};

/// Where runs go that name no project.
pub(super) const DEFAULT_PROJECT: &str = "default";
/// Bytes that a place grows by, from one level to the next.
pub(super) const SEGMENT: usize = 59;
/// A run that has been open for so long is taken for one that will not end: an hour, in microseconds.
pub(super) const LONG_OPEN: i64 = 60 * 60 * 1_000_000;
/// A run that begins so much later than now was told by a clock that is ahead: a minute, in microseconds.
pub(super) const AHEAD: i64 = 60 * 1_000_000;

/// Microseconds since 1970.
pub(super) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// Operations by their runs, in the order in which runs come first.
pub(super) fn by_run(operations: Vec<Operation>) -> indexmap::IndexMap<Uuid, Vec<Operation>> {
    let mut by_run: indexmap::IndexMap<Uuid, Vec<Operation>> = indexmap::IndexMap::new();
    for operation in operations {
        by_run.entry(operation.id).or_default().push(operation);
    }
    by_run
}

/// Why nothing more is stored of a run: it was removed.
pub(super) fn gone(id: Uuid) -> Refused {
    let reason = "this run was deleted; what comes late for it is not stored".to_owned();
    Refused { id, reason, status: 409 }
}

/// Why an operation cannot be of the run that is known: its place is another.
pub(super) fn contradiction(known: &Merged, operation: &Operation) -> Option<String> {
    let differs = |field: Field| {
        let told = operation.told.get(field)?;
        let before = known.get(field)?;
        (*before != *told).then_some(field)
    };
    let place = [Field::Trace, Field::Parent, Field::DottedOrder].into_iter().find_map(differs);
    // A create says all of a run's place: without a parent it is a root.
    let is_root = !known.half(Kind::Create).is_empty() && known.get(Field::Parent).is_none();
    let place = place.or_else(|| (is_root && operation.told.get(Field::Parent).is_some()).then_some(Field::Parent));
    let project = || match operation.kind {
        Kind::Create if !known.half(Kind::Create).is_empty() => {
            [Field::ProjectName, Field::ProjectId].into_iter().find_map(differs)
        }
        _ => None,
    };
    let field = place.or_else(project)?;
    Some(format!("a run of this id is stored with another {}", field.name()))
}

/// What says which project a run belongs to.
pub(super) enum Wanted<'a> {
    /// The project of this id, which has to be there.
    Id(Uuid),
    /// The project of this name, which is made if it is not there.
    Name(&'a str),
    /// The project where the run is.
    Known,
}

/// Which project a run belongs to: what it tells, where it is, or the one for runs that tell none.
pub(super) fn wanted_project(row: &Row, is_known: bool) -> Wanted<'_> {
    match (row.project_id, &row.project_name) {
        (Some(id), _) => Wanted::Id(id),
        (None, Some(name)) => Wanted::Name(name),
        (None, None) if is_known => Wanted::Known,
        (None, None) => Wanted::Name(DEFAULT_PROJECT),
    }
}

/// Why a run may not go to the project it wants, of which this is found; `None` if it may, or the project may be made.
pub(super) fn barred(access: &Access, wanted: &Wanted<'_>, found: Option<Uuid>) -> Option<String> {
    match (found, wanted) {
        (Some(id), _) if access.concerns(id) => None,
        (Some(_), _) => Some("the key is not for this project".to_owned()),
        (None, Wanted::Id(id)) => Some(format!("there is no project {id}")),
        (None, _) if access.projects.is_some() => Some("the key is not for new projects".to_owned()),
        (None, _) => None,
    }
}

/// The run directly above another, as far as its place is concerned.
#[derive(Clone, Debug)]
pub(super) struct Above {
    /// Its trace.
    pub(super) trace: Uuid,
    /// Its place.
    pub(super) dotted_order: String,
    /// Whether that is more than the run alone.
    pub(super) is_placed: bool,
}

/// The place of a run as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// As a writer told it, as it follows from the parent, or of the run alone until that is known.
    pub(crate) dotted_order: String,
    /// Whether it is more than the run alone.
    pub(crate) is_placed: bool,
    /// Whether the parent is not known.
    pub(crate) is_orphan: bool,
}

/// The part of a dotted order that is the run's own.
fn segment(row: &Row) -> String {
    let moment = Moment::from_micros(u64::try_from(row.start).unwrap_or(0));
    format!("{}{}", moment.to_dotted(), row.id)
}

/// Where a run is to be stored, below a run that may not be known.
pub(super) fn place(row: &Row, above: Option<&Above>) -> Placed {
    let is_orphan = row.place.parent.is_some() && above.is_none();
    if let Some(told) = &row.place.told {
        return Placed { dotted_order: told.clone(), is_placed: true, is_orphan };
    }
    match above {
        None if row.place.parent.is_none() => Placed { dotted_order: segment(row), is_placed: true, is_orphan },
        Some(Above { dotted_order, is_placed: true, .. }) if dotted_order.len() + SEGMENT <= limits::DOTTED_ORDER => {
            Placed { dotted_order: format!("{dotted_order}.{}", segment(row)), is_placed: true, is_orphan }
        }
        _ => Placed { dotted_order: segment(row), is_placed: false, is_orphan },
    }
}

/// Why a run cannot be where it says: its parent is in another trace.
pub(super) fn strayed(row: &Row, above: Option<Uuid>) -> Option<String> {
    let elsewhere = above.is_some_and(|trace| trace != row.place.trace);
    elsewhere.then(|| "its parent is a run of another trace".to_owned())
}

/// Feedback as it is stored: of a run in this project, if the run is known. Or why it is refused.
pub(super) fn said(
    access: &Access,
    create: FeedbackCreate,
    project: Option<Uuid>,
    now: i64,
) -> Result<Feedback, Refused> {
    let project = project.or(create.session_id);
    let may = project.map_or(access.projects.is_none(), |project| access.concerns(project));
    if !may {
        let reason = "the key is not for the project of this run".to_owned();
        return Err(Refused { id: create.id, reason, status: 403 });
    }
    let moment = Moment::from_micros(u64::try_from(now).unwrap_or(0));
    let mut feedback = Feedback::new(create.id, create.key);
    feedback.created_at = Some(moment);
    feedback.modified_at = Some(moment);
    feedback.run_id = create.run_id;
    feedback.trace_id = create.trace_id;
    feedback.session_id = project;
    feedback.score = create.score;
    feedback.value = create.value;
    feedback.comment = create.comment;
    feedback.correction = create.correction;
    feedback.feedback_source = create.feedback_source;
    feedback.feedback_group_id = create.feedback_group_id;
    feedback.extra = create.extra;
    Ok(feedback)
}

/// Feedback after a change.
pub(super) fn said_otherwise(mut feedback: Feedback, update: FeedbackUpdate, now: i64) -> Feedback {
    feedback.modified_at = Some(Moment::from_micros(u64::try_from(now).unwrap_or(0)));
    feedback.score = update.score.or(feedback.score);
    feedback.value = update.value.or(feedback.value);
    feedback.comment = update.comment.or(feedback.comment);
    feedback.correction = update.correction.or(feedback.correction);
    feedback
}

/// The number that feedback gives; true and false are one and zero.
pub(super) fn score(feedback: &Feedback) -> Option<f64> {
    match &feedback.score {
        Some(Value::Bool(yes)) => Some(f64::from(u8::from(*yes))),
        Some(score) => score.as_f64(),
        None => None,
    }
}
