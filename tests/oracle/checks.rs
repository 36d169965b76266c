//! What must hold of the runs of any case, whatever it did.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use runtree::{CallbackHandler, Run};
use serde_json::{Value, json};

/// Notes where and when each run stood, and in which order runs started and ended.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Notes>);

#[derive(Default)]
struct Notes {
    places: Vec<Place>,
    timeline: Vec<String>,
}

/// A run as it would be sent: ids and times as text, nothing that knows its neighbours.
#[derive(Clone, Debug)]
struct Place {
    id: String,
    trace_id: String,
    parent_id: Option<String>,
    dotted_order: String,
    start: String,
    /// How often its start and its end were told.
    starts: usize,
    ends: Vec<String>,
}

impl CallbackHandler for Heard {
    fn on_start(&self, run: &Arc<Run>) {
        self.note("start", run, |place| place.starts += 1);
    }

    fn on_end(&self, run: &Arc<Run>) {
        let mark = if run.error().is_some() { "error" } else { "end" };
        self.note(mark, run, |place| place.ends.extend(run.end_time().map(|end| end.to_string())));
    }
}

impl Heard {
    fn note(&self, mark: &str, run: &Arc<Run>, change: impl FnOnce(&mut Place)) {
        let Notes { places, timeline } = &mut *self.0.lock().unwrap();
        timeline.push(format!("{mark} {}", run.name()));
        let id = run.id().to_string();
        let known = places.iter().position(|place| place.id == id);
        let at = known.unwrap_or_else(|| {
            places.push(Place {
                id,
                trace_id: run.trace_id().to_string(),
                parent_id: run.parent_id().map(|id| id.to_string()),
                dotted_order: run.dotted_order(),
                start: run.start_time().to_string(),
                starts: 0,
                ends: Vec::new(),
            });
            places.len() - 1
        });
        change(&mut places[at]);
    }

    /// The checks of all runs that were heard of.
    pub(crate) fn checks(&self) -> Value {
        checks(&self.0.lock().unwrap().places)
    }

    /// `start`, `end` and `error` of all runs, in the order they were told.
    pub(crate) fn timeline(&self) -> Value {
        json!(self.0.lock().unwrap().timeline)
    }
}

fn checks(places: &[Place]) -> Value {
    let known: HashMap<&str, &Place> = places.iter().map(|place| (place.id.as_str(), place)).collect();
    let parent = |place: &Place| place.parent_id.as_deref().map(|id| known.get(id).copied());
    let all = |holds: &dyn Fn(&Place) -> bool| places.iter().all(holds);
    // What holds of each run and its parent; a root has none, and an unknown parent is another check's matter.
    let below = |holds: &dyn Fn(&Place, &Place) -> bool| {
        all(&|place| parent(place).flatten().is_none_or(|parent| holds(place, parent)))
    };
    json!({
        "all_runs_started": all(&|place| place.starts == 1),
        "all_runs_ended": all(&|place| place.ends.len() == 1),
        "trace_id_is_root_id": all(&|place| place.trace_id == root_id(place, &known)),
        "dotted_order_extends_parent": all(&|place| match parent(place) {
            None => !place.dotted_order.contains('.'),
            Some(None) => false,
            Some(Some(parent)) => {
                let own = place.dotted_order.strip_prefix(&parent.dotted_order).and_then(|own| own.strip_prefix('.'));
                own.is_some_and(|own| !own.contains('.'))
            }
        }),
        "dotted_order_segment_wellformed": all(&is_wellformed),
        "parents_all_known": all(&|place| !matches!(parent(place), Some(None))),
        "child_starts_not_before_parent": below(&|place, parent| place.start >= parent.start),
        "children_end_within_parent": below(&|place, parent| place.ends.iter().max() <= parent.ends.iter().min()),
    })
}

fn root_id<'a>(place: &'a Place, known: &HashMap<&str, &'a Place>) -> &'a str {
    let above = |place: &&'a Place| known.get(place.parent_id.as_deref()?).copied();
    // No tree is deeper than it has runs: a run that is its own ancestor would go round for ever.
    let path = std::iter::successors(Some(place), above).take(known.len() + 1);
    path.last().map_or("", |root| &root.id)
}

/// Whether the last segment is `YYYYMMDDTHHMMSSffffffZ` and the run's id, and says when it started.
fn is_wellformed(place: &Place) -> bool {
    let segment = place.dotted_order.rsplit('.').next().unwrap_or_default();
    let time = segment.strip_suffix(&place.id).and_then(|time| time.strip_suffix('Z'));
    let Some((date, clock)) = time.and_then(|time| time.split_once('T')) else { return false };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    date.len() == 8 && clock.len() == 12 && [date, clock].concat() == digits(&place.start)
}

mod tests {
    use uuid::Uuid;

    use super::*;

    fn place(id: u128, parent: Option<u128>, above: &str, start: u32, end: u32) -> Place {
        let id = Uuid::from_u128(id).to_string();
        Place {
            dotted_order: format!("{above}20260304T0506{start:02}000000Z{id}"),
            id,
            trace_id: Uuid::from_u128(1).to_string(),
            parent_id: parent.map(|id| Uuid::from_u128(id).to_string()),
            start: format!("2026-03-04T05:06:{start:02}.000000Z"),
            starts: 1,
            ends: vec![format!("2026-03-04T05:06:{end:02}.000000Z")],
        }
    }

    /// The checks that do not hold of a root and its child once `spoil` has been at the child.
    fn broken(spoil: impl FnOnce(&mut Place)) -> Vec<String> {
        let root = place(1, None, "", 10, 40);
        let mut child = place(2, Some(1), &format!("{}.", root.dotted_order), 20, 30);
        spoil(&mut child);
        let checks = checks(&[root, child]);
        let broken = checks.as_object().unwrap().iter().filter(|(_, holds)| *holds == &json!(false));
        broken.map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn sound_runs_pass_every_check() {
        assert_eq!(broken(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn every_check_can_fail() {
        let other = Uuid::from_u128(9).to_string();
        let (early, late) = ("2026-03-04T05:06:05.000000Z", "2026-03-04T05:06:50.000000Z");
        assert_eq!(broken(|child| child.starts = 0), ["all_runs_started"]);
        assert_eq!(broken(|child| child.ends.clear()), ["all_runs_ended"]);
        assert_eq!(broken(|child| child.ends.push(child.ends[0].clone())), ["all_runs_ended"]);
        assert_eq!(broken(|child| child.trace_id.clone_from(&other)), ["trace_id_is_root_id"]);
        assert_eq!(broken(|child| child.dotted_order.insert(0, '1')), ["dotted_order_extends_parent"]);
        assert_eq!(broken(|child| child.id.clone_from(&other)), ["dotted_order_segment_wellformed"]);
        assert_eq!(
            broken(|child| child.start = early.into()),
            ["dotted_order_segment_wellformed", "child_starts_not_before_parent"]
        );
        assert_eq!(
            broken(|child| child.parent_id = Some(other)),
            ["trace_id_is_root_id", "dotted_order_extends_parent", "parents_all_known"]
        );
        assert_eq!(broken(|child| child.parent_id = None), ["trace_id_is_root_id", "dotted_order_extends_parent"]);
        assert_eq!(broken(|child| child.ends = vec![late.into()]), ["children_end_within_parent"]);
    }
}
