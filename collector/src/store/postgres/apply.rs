//! Runs take in what is told of them: many at once, in a few statements.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use indexmap::IndexSet;
use serde_json::{Map, Value, json};
use tokio_postgres::Row as Found;
use uuid::Uuid;

use super::super::decide::{self, Above, Placed};
use super::super::minutes::{COLUMNS, Counted, Minutes};
use super::super::{Refused, StoreError, packed};
use super::connections::{View, execute, rows};
use super::failure::Result;
use super::projects::Projects;
use super::queue::Write;
use super::{attachments, feedback, locks, minutes, place};
use crate::access::Access;
use crate::filter::postgres::{entries, index_of, spaced, without_nul};
use crate::filter::searchable;
use crate::run::{Attachment, Field, Half, Kind, Merged, Operation, Row, cut, flattened};

/// Characters of inputs, outputs or an error that can be found by their words; a `tsvector` has room for no more.
const LONGEST: usize = 64 << 10;

/// A run as it is stored, or will be.
#[derive(Clone)]
struct Known {
    placed: Placed,
    thread: Option<String>,
    counted: Counted,
    merged: Merged,
}

impl Known {
    /// Whether the run is where it was, as far as its place is concerned.
    fn stays(&self, row: &Row, project: i64) -> bool {
        self.placed.is_placed
            && (self.counted.project, self.counted.start) == (project, row.start)
            && self.thread == row.thread.as_deref().map(without_nul)
            && self.merged.place() == row.place
    }
}

/// Runs that are written together, and those directly above them.
#[derive(Default)]
struct Work {
    known: HashMap<Uuid, Known>,
    above: HashMap<Uuid, Above>,
    gone: HashSet<Uuid>,
    projects: Projects,
    new: IndexSet<Uuid>,
    changed: IndexSet<Uuid>,
    files: Vec<(Uuid, Kind, Attachment)>,
    minutes: Minutes,
}

/// Stores what several requests tell, one after the other. Answers what of each is refused.
pub(super) async fn all(view: &View<'_>, writes: &[Write]) -> Result<Vec<Vec<Refused>>> {
    let now = decide::now();
    let mut work = Work::of(view, writes).await?;
    let mut refused = Vec::with_capacity(writes.len());
    for write in writes {
        let mut of_write = Vec::new();
        for (id, operations) in decide::by_run(write.batch.operations.clone()) {
            of_write.extend(work.join(view, &write.access, id, operations, now).await?);
        }
        refused.push(of_write);
    }
    work.store(view).await?;
    for (write, refused) in writes.iter().zip(&mut refused) {
        for create in write.batch.feedback.clone() {
            refused.extend(feedback::put(view, &write.access, create, now).await?);
        }
    }
    minutes::put(view, work.minutes).await?;
    Ok(refused)
}

impl Work {
    /// Locks and reads what these requests tell of.
    async fn of(view: &View<'_>, writes: &[Write]) -> Result<Self> {
        let operations = || writes.iter().flat_map(|write| &write.batch.operations);
        let ids: Vec<Uuid> = operations().map(|operation| operation.id).collect::<IndexSet<_>>().into_iter().collect();
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let mut around: BTreeSet<Uuid> = ids.iter().copied().collect();
        for operation in operations() {
            let told = [Field::Trace, Field::Parent].into_iter().filter_map(|field| operation.told.get(field));
            around.extend(told.filter_map(|json| serde_json::from_slice::<Uuid>(json).ok()));
        }
        let mut locked = locks::buckets(&around);
        locks::lock(view, &locked).await?;
        loop {
            let mut work = Self::default();
            work.read(view, &ids).await?;
            // What is stored may tell of traces and parents that are not told again.
            let places = work.known.values().map(|known| known.merged.place());
            around.extend(places.flat_map(|place| [Some(place.trace), place.parent]).flatten());
            let wanted: BTreeSet<i32> = locks::buckets(&around).difference(&locked).copied().collect();
            if wanted.is_empty() {
                work.read_above(view, around).await?;
                return Ok(work);
            }
            locks::lock(view, &wanted).await?;
            locked.extend(wanted);
        }
    }

    async fn read(&mut self, view: &View<'_>, ids: &[Uuid]) -> Result<()> {
        let gone = rows(view, "SELECT id FROM gone WHERE id = ANY($1)", &[&ids]).await?;
        self.gone.extend(gone.iter().map(|row| row.get::<_, Uuid>(0)));
        for row in rows(view, &FIND, &[&ids]).await? {
            let id: Uuid = row.get(0);
            let (is_placed, is_orphan) = (row.get::<_, i16>(2) == 1, row.get::<_, i16>(3) == 1);
            let placed = Placed { dotted_order: row.get(1), is_placed, is_orphan };
            let merged = Merged::of(id, half(&row, 5)?, half(&row, 6)?);
            let known = Known { placed, thread: row.get(4), counted: minutes::counted(&row, 7), merged };
            self.known.insert(id, known);
        }
        Ok(())
    }

    async fn read_above(&mut self, view: &View<'_>, ids: BTreeSet<Uuid>) -> Result<()> {
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let sql = "SELECT id, trace, dotted_order, is_placed FROM runs WHERE id = ANY($1)";
        for row in rows(view, sql, &[&ids]).await? {
            let is_placed = row.get::<_, i16>(3) == 1;
            self.above.insert(row.get(0), Above { trace: row.get(1), dotted_order: row.get(2), is_placed });
        }
        Ok(())
    }

    /// Joins operations of one run. Answers why they are refused, if they are.
    async fn join(
        &mut self,
        view: &View<'_>,
        access: &Access,
        id: Uuid,
        operations: Vec<Operation>,
        now: i64,
    ) -> Result<Option<Refused>> {
        let refused = |status, reason: String| Ok(Some(Refused { id, reason, status }));
        if self.gone.contains(&id) {
            return Ok(Some(decide::gone(id)));
        }
        let known = self.known.get(&id);
        let mut merged = known.map_or_else(|| Merged::new(id), |known| known.merged.clone());
        let (mut files, mut is_news) = (Vec::new(), false);
        for mut operation in operations {
            if let Some(reason) = decide::contradiction(&merged, &operation) {
                return refused(409, reason);
            }
            files.extend(std::mem::take(&mut operation.attachments).into_iter().map(|file| (id, operation.kind, file)));
            is_news |= merged.join(operation, now);
        }
        let row = merged.row();
        let before = known.map(|known| known.counted);
        let project = self.projects.of(view, access, &row, before.map(|before| before.project), now).await?;
        let project = match project {
            Ok(project) => project,
            Err(reason) => return refused(403, reason),
        };
        if before.is_some_and(|before| before.project == project) && !is_news && files.is_empty() {
            return Ok(None);
        }
        let above = row.place.parent.and_then(|parent| self.above.get(&parent));
        if let Some(reason) = decide::strayed(&row, above.map(|above| above.trace)) {
            return refused(422, reason);
        }
        let placed = match known {
            Some(known) if known.stays(&row, project) => known.placed.clone(),
            _ => decide::place(&row, above),
        };
        if known.is_none() {
            self.new.insert(id);
        }
        let (dotted_order, is_placed) = (placed.dotted_order.clone(), placed.is_placed);
        self.above.insert(id, Above { trace: row.place.trace, dotted_order, is_placed });
        let thread = row.thread.as_deref().map(without_nul);
        let counted = Counted::of(project, &row);
        self.minutes.change(before.as_ref(), &counted);
        self.known.insert(id, Known { placed, thread, counted, merged });
        self.changed.insert(id);
        self.files.extend(files);
        Ok(None)
    }

    /// Writes what changed.
    async fn store(&self, view: &View<'_>) -> Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let version = locks::next_version(view).await?;
        let (mut lines, mut contents, mut traces) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (mut ids, mut begun, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        for id in &self.changed {
            let Some(known) = self.known.get(id) else { continue };
            let row = known.merged.row();
            traces.insert(row.place.trace);
            lines.push(line(&row, known.counted.project, &known.placed, version));
            let leaves = |field| flattened(&known.merged.read::<Map<String, Value>>(field).unwrap_or_default());
            contents.push(content(&row, &leaves(Field::Inputs), &leaves(Field::Outputs)));
            ids.push(*id);
            let bytes = |kind| {
                let half = known.merged.half(kind);
                (!half.is_empty()).then(|| packed::pack(&half.to_bytes()))
            };
            begun.push(bytes(Kind::Create));
            ended.push(bytes(Kind::Update));
        }
        execute(view, PUT_RUNS, &[&Value::Array(lines).to_string()]).await?;
        execute(view, PUT_HALVES, &[&ids, &begun, &ended]).await?;
        execute(view, PUT_CONTENTS, &[&Value::Array(contents).to_string()]).await?;
        // Children that came before them wait no longer.
        let new: Vec<Uuid> = self.new.iter().copied().collect();
        let adopt = "UPDATE runs SET is_orphan = 0, version = $2 WHERE parent = ANY($1) AND is_orphan = 1";
        execute(view, adopt, &[&new, &version]).await?;
        let traces: Vec<Uuid> = traces.into_iter().collect();
        place::settle(view, &traces, version).await?;
        for (id, kind, file) in &self.files {
            attachments::put(view, *id, *kind, file).await?;
        }
        execute(view, "SELECT pg_notify('runtree', '')", &[]).await?;
        Ok(())
    }
}

static FIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT id, dotted_order, is_placed, is_orphan, thread, begun, ended, {COLUMNS} \
         FROM runs LEFT JOIN halves ON run = id WHERE id = ANY($1)"
    )
});

/// One half of a run as it is stored; empty if there is none.
pub(super) fn half(row: &Found, at: usize) -> Result<Half> {
    let Some(bytes) = row.get::<_, Option<&[u8]>>(at) else { return Ok(Half::default()) };
    let half = packed::unpack(bytes).and_then(|bytes| Half::from_bytes(bytes.into()));
    let damaged = || StoreError::Damaged(format!("the payloads of run {}", row.get::<_, Uuid>(0)));
    Ok(half.ok_or_else(damaged)?)
}

pub(crate) const PUT_RUNS: &str = r#"INSERT INTO runs SELECT * FROM json_populate_recordset(NULL::runs, $1::text::json)
ON CONFLICT (id) DO UPDATE SET project = excluded.project, trace = excluded.trace, parent = excluded.parent,
    dotted_order = excluded.dotted_order, is_placed = excluded.is_placed, is_orphan = excluded.is_orphan,
    is_created = excluded.is_created, name = excluded.name, run_type = excluded.run_type, status = excluded.status,
    start = excluded.start, "end" = excluded."end", first_token = excluded.first_token, error = excluded.error,
    input_preview = excluded.input_preview, output_preview = excluded.output_preview, tags = excluded.tags,
    metadata = excluded.metadata, entries = excluded.entries, thread = excluded.thread,
    prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,
    total_tokens = excluded.total_tokens, prompt_cost = excluded.prompt_cost, completion_cost = excluded.completion_cost,
    total_cost = excluded.total_cost, example = excluded.example, version = excluded.version"#;

const PUT_HALVES: &str =
    "INSERT INTO halves (run, begun, ended) SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bytea[])
ON CONFLICT (run) DO UPDATE SET begun = excluded.begun, ended = excluded.ended";

pub(crate) const PUT_CONTENTS: &str =
    "INSERT INTO contents SELECT * FROM json_populate_recordset(NULL::contents, $1::text::json)
ON CONFLICT (run) DO UPDATE SET inputs = excluded.inputs, outputs = excluded.outputs, words = excluded.words,
    name_words = excluded.name_words, input_words = excluded.input_words, output_words = excluded.output_words,
    error_words = excluded.error_words";

/// The row of a run.
pub(crate) fn line(row: &Row, project: i64, placed: &Placed, version: i64) -> Value {
    let text = |text: &Option<String>| text.as_deref().map(without_nul);
    let usage = &row.usage;
    let tags: Vec<String> = row.tags.iter().map(|tag| without_nul(tag)).collect();
    json!({
        "id": row.id,
        "project": project,
        "trace": row.place.trace,
        "parent": row.place.parent,
        "dotted_order": without_nul(&placed.dotted_order),
        "is_placed": i16::from(placed.is_placed),
        "is_orphan": i16::from(placed.is_orphan),
        "is_created": i16::from(row.is_created),
        "name": without_nul(&row.name),
        "run_type": without_nul(&row.run_type),
        "status": row.status.as_str(),
        "start": row.start,
        "end": row.end,
        "first_token": row.first_token,
        "error": row.error.as_deref().map(|error| without_nul(cut(error, 1_000))),
        "input_preview": text(&row.input_preview),
        "output_preview": text(&row.output_preview),
        "tags": serde_json::to_string(&tags).unwrap_or_default(),
        "metadata": serde_json::to_string(&row.metadata).unwrap_or_default(),
        "entries": entries(&row.metadata),
        "thread": text(&row.thread),
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_cost": usage.prompt_cost,
        "completion_cost": usage.completion_cost,
        "total_cost": usage.total_cost,
        "example": row.example,
        "version": version,
    })
}

/// What filters find a run by, beside its row.
pub(crate) fn content(row: &Row, inputs: &Map<String, Value>, outputs: &Map<String, Value>) -> Value {
    let found = |leaves: &Map<String, Value>| spaced(cut(&searchable(leaves), LONGEST));
    let (name, error) = (spaced(&row.name), spaced(cut(row.error.as_deref().unwrap_or_default(), LONGEST)));
    let (input_words, output_words) = (found(inputs), found(outputs));
    json!({
        "run": row.id,
        "inputs": entries(inputs),
        "outputs": entries(outputs),
        "words": index_of([&*name, &*error, &*input_words, &*output_words]),
        "name_words": name,
        "input_words": input_words,
        "output_words": output_words,
        "error_words": error,
    })
}
