//! What holds for every trace, whatever ran.

use std::collections::HashMap;
use std::sync::Arc;

use runtree_core::Run;
use uuid::Uuid;

use super::InMemory;

impl InMemory {
    /// Looks whether all that was heard makes sound traces.
    ///
    /// Every run ended, once; it opened after its parent and closed before it, and both the times and the order of
    /// hearing say so; its parent is known; its trace id is its root's; its dotted order is its parent's and a segment
    /// of its own, later than those of the runs that opened before it; no run opened late, none lost its context.
    ///
    /// # Errors
    /// One sentence for each fault.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let (arrived, ended) = {
            let kept = self.kept();
            (kept.started.clone(), kept.ended.clone())
        };
        let mut faults = Vec::new();
        let mut told = Told::default();
        for (at, run) in arrived.iter().enumerate() {
            if told.started.insert(run.id(), at).is_some() {
                faults.push(format!("{} opened twice", called(run)));
            }
        }
        for (at, run) in ended.iter().enumerate() {
            told.ended.entry(run.id()).or_default().push(at);
            if !told.started.contains_key(&run.id()) {
                faults.push(format!("{} ended but was never told to open", called(run)));
            }
        }
        let mut newest: HashMap<Uuid, Arc<Run>> = HashMap::new();
        for run in self.runs() {
            ends_once(&run, &told, &mut faults);
            is_in_its_place(&run, &mut faults);
            keeps_to_its_parent(&run, &told, &mut faults);
            if let Some(before) = newest.insert(run.trace_id(), run.clone())
                && before.start_time() >= run.start_time()
            {
                faults.push(format!("{} did not open later than {}", called(&run), called(&before)));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Checks that all that was heard makes sound traces; see [`check`](Self::check).
    ///
    /// # Panics
    /// If it does not; the message lists the faults and shows the tree.
    #[track_caller]
    pub fn assert_sound(&self) {
        if let Err(faults) = self.check() {
            panic!("the trace is not sound:\n- {}\nthe runs are:\n{}", faults.join("\n- "), self.tree());
        }
    }
}

/// When each run was told of, counted in calls.
#[derive(Default)]
struct Told {
    started: HashMap<Uuid, usize>,
    ended: HashMap<Uuid, Vec<usize>>,
}

impl Told {
    fn ends(&self, run: &Run) -> &[usize] {
        self.ended.get(&run.id()).map_or(&[], Vec::as_slice)
    }
}

fn called(run: &Run) -> String {
    format!("`{}` ({})", run.name(), run.id())
}

fn ends_once(run: &Run, told: &Told, faults: &mut Vec<String>) {
    match (told.ends(run).len(), run.outcome().is_some()) {
        (1, true) => {}
        (0, false) => faults.push(format!("{} is still open", called(run))),
        (times, _) => faults.push(format!("the end of {} was told {times} times", called(run))),
    }
}

fn is_in_its_place(run: &Run, faults: &mut Vec<String>) {
    let root = std::iter::successors(Some(run), |run| run.parent().map(AsRef::as_ref)).last().unwrap_or(run);
    let joined = root.is_elsewhere();
    if root.trace_id() != run.trace_id() || (!joined && root.id() != run.trace_id()) {
        faults.push(format!("{} has the trace id {}, its root is {}", called(run), run.trace_id(), called(root)));
    }
    let segment = format!("{}{}", run.start_time().to_dotted(), run.id());
    let expected = run.parent().map_or(segment.clone(), |parent| format!("{}.{segment}", parent.dotted_order()));
    if run.dotted_order() != expected {
        faults.push(format!("{} has the dotted order {}, not {expected}", called(run), run.dotted_order()));
    }
    if let Some(inside) = run.lost_from() {
        faults.push(format!("{} lost its context: it is a root, opened inside {}", called(run), called(inside)));
    }
    for event in run.events().iter().filter(|event| event.name == "lost_context") {
        faults.push(format!("inside {} a root opened that nobody hears: {}", called(run), event.data));
    }
}

fn keeps_to_its_parent(run: &Run, told: &Told, faults: &mut Vec<String>) {
    let Some(parent) = run.parent().filter(|parent| !parent.is_elsewhere()) else { return };
    let mut fault = |what: &str| faults.push(format!("{} {what} {}", called(run), called(parent)));
    if run.is_late() {
        return fault("opened after the end of its parent");
    }
    match told.started.get(&parent.id()) {
        None => fault("has a parent that was never told to open:"),
        Some(parent_at) if told.started.get(&run.id()).is_some_and(|at| at < parent_at) => {
            fault("was told to open before its parent");
        }
        Some(_) => {}
    }
    if run.start_time() <= parent.start_time() {
        fault("did not open later than its parent");
    }
    let Some(parent_end) = parent.end_time() else { return };
    if run.end_time().is_none_or(|end| end > parent_end) {
        fault("did not end before its parent");
    } else if told.ends(run).iter().max() > told.ends(parent).iter().min() {
        fault("was told to end after its parent");
    }
}
