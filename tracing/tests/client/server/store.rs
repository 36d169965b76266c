//! What the server keeps, and the rule by which operations become runs.

use std::collections::{BTreeMap, HashMap, HashSet};

use runtree_core::{Moment, RunType};
use runtree_tracing::langsmith::wire::{Feedback, Order, Project, Run, RunPage, RunQueryBody, RunStats, RunStatus};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::language::{self, Expr};

pub(crate) struct Store {
    tenant: Uuid,
    kept: BTreeMap<Uuid, Kept>,
    pub(crate) projects: Vec<Project>,
    pub(crate) feedback: Vec<Feedback>,
    pub(crate) shares: HashMap<Uuid, String>,
    /// By an unguessable token: the type and the bytes.
    pub(crate) attachments: HashMap<Uuid, (String, Vec<u8>)>,
}

#[derive(Default)]
struct Kept {
    fields: Map<String, Value>,
    /// Fields that an update has set: no create that comes later undoes them.
    updated: HashSet<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Operation {
    Post,
    Patch,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            tenant: Uuid::now_v7(),
            kept: BTreeMap::new(),
            projects: Vec::new(),
            feedback: Vec::new(),
            shares: HashMap::new(),
            attachments: HashMap::new(),
        }
    }

    /// Takes an operation in, or says what is wrong with it.
    pub(crate) fn merge(&mut self, operation: Operation, mut run: Map<String, Value>) -> Result<(), String> {
        let id = run.remove("id").ok_or("an operation without an id")?;
        let id: Uuid = serde_json::from_value(id).map_err(|error| error.to_string())?;
        if let Some(run_type) = run.get("run_type")
            && RunType::parse(run_type.as_str().unwrap_or_default()).is_none()
        {
            return Err(format!("run {id}: {run_type} is no type of run"));
        }
        if let Some(Value::String(name)) = run.remove("session_name") {
            run.insert("session_id".into(), json!(self.project(&name).id));
        }
        let kept = self.kept.entry(id).or_default();
        for (key, value) in run {
            if value.is_null() || (operation == Operation::Post && kept.updated.contains(&key)) {
                continue;
            }
            if operation == Operation::Patch {
                kept.updated.insert(key.clone());
            }
            kept.fields.insert(key, value);
        }
        Ok(())
    }

    pub(crate) fn attach(&mut self, run: Uuid, name: &str, kind: String, bytes: Vec<u8>) {
        let token = Uuid::new_v4();
        self.attachments.insert(token, (kind.clone(), bytes));
        let kept = self.kept.entry(run).or_default();
        let urls = kept.fields.entry("s3_urls").or_insert_with(|| json!({}));
        urls[format!("attachment.{name}")] =
            json!({"presigned_url": format!("/attachments/{token}"), "mime_type": kind});
    }

    /// The project of that name, made if there is none.
    pub(crate) fn project(&mut self, name: &str) -> Project {
        if let Some(project) = self.projects.iter().find(|project| project.name == name) {
            return project.clone();
        }
        let mut project = Project::new(Uuid::now_v7(), self.tenant, name);
        project.start_time = Some(Moment::from_micros(1_772_600_767_000_000));
        self.projects.push(project.clone());
        project
    }

    pub(crate) fn forget_project(&mut self, id: Uuid) {
        self.projects.retain(|project| project.id != id);
        self.kept.retain(|_, kept| kept.fields.get("session_id") != Some(&json!(id)));
    }

    pub(crate) fn run(&self, id: Uuid) -> Option<Run> {
        self.seen(id, self.kept.get(&id)?)
    }

    /// A run as it is read; none while too little of it is known.
    fn seen(&self, id: Uuid, kept: &Kept) -> Option<Run> {
        let mut fields = kept.fields.clone();
        fields.insert("id".into(), json!(id));
        let mut run: Run = serde_json::from_value(fields.into()).ok()?;
        run.status = match (&run.error, run.end_time) {
            (Some(_), _) => RunStatus::Error,
            (None, Some(_)) => RunStatus::Success,
            (None, None) => RunStatus::Pending,
        };
        let ids = run.dotted_order.split('.').filter_map(|segment| segment.get(22..)?.parse().ok());
        run.parent_run_ids = ids.filter(|above| *above != id).collect();
        let usage = |key: &str| run.outputs.as_ref()?.get("usage_metadata")?.get(key)?.as_u64();
        (run.prompt_tokens, run.completion_tokens) = (usage("input_tokens"), usage("output_tokens"));
        run.total_tokens = run.prompt_tokens.zip(run.completion_tokens).map(|(prompt, completion)| prompt + completion);
        let session = run.session_id.unwrap_or_default();
        run.app_path = Some(format!("/o/{}/projects/p/{session}/r/{id}?trace_id={}", self.tenant, run.trace_id));
        run.share_token = self.shares.get(&id).cloned();
        Some(run)
    }

    fn all(&self) -> Vec<Run> {
        self.kept.iter().filter_map(|(id, kept)| self.seen(*id, kept)).collect()
    }

    /// All runs that meet the conditions, in their order.
    fn matching(&self, query: &RunQueryBody) -> Result<Vec<Run>, String> {
        let parse = |text: &Option<String>| text.as_deref().map(language::parse).transpose();
        let (own, old) = (parse(&query.filter)?, parse(&query.query)?);
        let (trace, tree) = (parse(&query.trace_filter)?, parse(&query.tree_filter)?);
        let all = self.all();
        let meets = |run: &Run, expression: &Option<Expr>| -> Result<bool, String> {
            expression.as_ref().map_or(Ok(true), |expression| language::holds(expression, run))
        };
        let root_meets: HashSet<Uuid> = traces_where(&all, |run| Ok(run.is_root() && meets(run, &trace)?))?;
        let any_meets: HashSet<Uuid> = traces_where(&all, |run| meets(run, &tree))?;
        let among = |list: &Option<Vec<Uuid>>, id: Option<Uuid>| {
            list.as_ref().is_none_or(|list| id.is_some_and(|id| list.contains(&id)))
        };
        let mut found = Vec::new();
        for run in &all {
            let plain = among(&query.session, run.session_id)
                && among(&query.session_id, run.session_id)
                && among(&query.id, Some(run.id))
                && among(&query.reference_example, run.reference_example_id)
                && query.trace.is_none_or(|trace| trace == run.trace_id)
                && query.parent_run.is_none_or(|parent| run.parent_run_id == Some(parent))
                && query.is_root.is_none_or(|is_root| is_root == run.is_root())
                && (query.execution_order != Some(1) || run.is_root())
                && query.run_type.is_none_or(|run_type| run_type == run.run_type)
                && query.error.is_none_or(|error| error == run.error.is_some())
                && query.start_time.is_none_or(|time| run.start_time >= time)
                && query.end_time.is_none_or(|time| run.start_time <= time)
                && (trace.is_none() || root_meets.contains(&run.trace_id))
                && (tree.is_none() || any_meets.contains(&run.trace_id));
            if plain && meets(run, &own)? && meets(run, &old)? {
                found.push(run.clone());
            }
        }
        found.sort_by_key(place);
        if query.order.unwrap_or_default() == Order::Desc {
            found.reverse();
        }
        Ok(found)
    }

    /// A page; its cursor is a place among the runs, so that new ones do not disturb it.
    pub(crate) fn page(&self, query: &RunQueryBody) -> Result<RunPage, String> {
        let mut runs = self.matching(query)?;
        if let Some(cursor) = &query.cursor {
            let (time, id) = cursor.split_once(' ').ok_or("no such cursor")?;
            let time: u64 = time.parse().map_err(|_| "no such cursor")?;
            let last = (Moment::from_micros(time), id.parse().map_err(|_| "no such cursor")?);
            let forwards = query.order == Some(Order::Asc);
            runs.retain(|run| if forwards { place(run) > last } else { place(run) < last });
        }
        let size = query.limit.unwrap_or(100).min(100) as usize;
        let mut page = RunPage::default();
        if runs.len() > size {
            runs.truncate(size);
            page.cursors.next = runs.last().map(|run| format!("{} {}", run.start_time.as_micros(), run.id));
        }
        page.runs = runs;
        Ok(page)
    }

    pub(crate) fn stats(&self, query: &RunQueryBody) -> Result<RunStats, String> {
        let runs = self.matching(query)?;
        let mut stats = RunStats::default();
        stats.run_count = Some(runs.len() as u64);
        stats.total_tokens = Some(runs.iter().filter_map(|run| run.total_tokens).sum());
        stats.last_run_start_time = runs.iter().map(|run| run.start_time).max();
        let failed = runs.iter().filter(|run| run.error.is_some()).count();
        stats.error_rate = (!runs.is_empty()).then(|| failed as f64 / runs.len() as f64);
        let mut latencies: Vec<_> = runs.iter().filter_map(Run::latency).collect();
        latencies.sort();
        stats.latency_p50 = latencies.get(latencies.len() / 2).map(|latency| latency.as_secs_f64());
        Ok(stats)
    }
}

fn place(run: &Run) -> (Moment, Uuid) {
    (run.start_time, run.id)
}

fn traces_where(runs: &[Run], holds: impl Fn(&Run) -> Result<bool, String>) -> Result<HashSet<Uuid>, String> {
    let mut traces = HashSet::new();
    for run in runs {
        if holds(run)? {
            traces.insert(run.trace_id);
        }
    }
    Ok(traces)
}
