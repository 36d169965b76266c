//! A few runs, in a database and as they are seen.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value as Stored, ValueRef};
use rusqlite::{Connection, params, params_from_iter};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::filter::{Dialect, Filter, Opinion, Seen, Sql, register, searchable};
use crate::run::{Merged, Row};

/// A run with all that filters ask for.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) row: Row,
    pub(super) project: Uuid,
    pub(super) feedback: Vec<Opinion>,
    pub(super) inputs: Map<String, Value>,
    pub(super) outputs: Map<String, Value>,
}

impl Known {
    /// A root of which no more is known than its name.
    pub(super) fn new(number: u128, name: &str) -> Self {
        let mut row = Merged::new(Uuid::from_u128(number)).row();
        row.name = name.to_owned();
        Self { row, project: Uuid::nil(), feedback: Vec::new(), inputs: Map::new(), outputs: Map::new() }
    }

    pub(super) fn seen(&self) -> Seen<'_> {
        Seen {
            row: &self.row,
            project: self.project,
            dotted_order: self.row.place.told.as_deref().unwrap_or_default(),
            is_orphan: false,
            errors_inside: 0,
            feedback: &self.feedback,
            inputs: &self.inputs,
            outputs: &self.outputs,
        }
    }
}

/// Runs in a database.
pub(super) struct World {
    known: Vec<Known>,
    connection: Connection,
    #[cfg(feature = "postgres")]
    id: Uuid,
}

const TABLES: &str = r#"
CREATE TABLE projects (key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE TABLE runs (key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, project INTEGER NOT NULL, trace BLOB NOT NULL,
    parent BLOB, dotted_order TEXT NOT NULL, name TEXT NOT NULL, run_type TEXT NOT NULL, status TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER, first_token INTEGER, error TEXT, input_preview TEXT, output_preview TEXT,
    tags TEXT NOT NULL, metadata TEXT NOT NULL, thread TEXT, prompt_tokens INTEGER, completion_tokens INTEGER,
    total_tokens INTEGER, prompt_cost REAL, completion_cost REAL, total_cost REAL, example BLOB, version INTEGER,
    is_orphan INTEGER NOT NULL DEFAULT 0);
CREATE INDEX by_trace ON runs (trace);
CREATE INDEX by_parent ON runs (parent);
CREATE INDEX by_start ON runs (project, start);
CREATE INDEX by_thread ON runs (thread) WHERE thread IS NOT NULL;
CREATE TABLE halves (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE feedback (run BLOB NOT NULL, key TEXT NOT NULL, score REAL, value TEXT, comment TEXT, source TEXT);
CREATE VIRTUAL TABLE words USING fts5(name, inputs, outputs, error, content='', tokenize='unicode61');
"#;

impl World {
    pub(super) fn of(known: Vec<Known>) -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLES).unwrap();
        register(&connection).unwrap();
        for name in ["inputs_of", "outputs_of"] {
            let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
            connection.create_scalar_function(name, 2, flags, move |context| leaves(context, name)).unwrap();
        }
        for (key, known) in (1..).zip(&known) {
            insert(&connection, key, known);
        }
        Self {
            #[cfg(feature = "postgres")]
            id: Uuid::new_v4(),
            known,
            connection,
        }
    }

    /// The names of the runs that the database finds, which have to be those for which it holds.
    pub(super) fn found(&self, filter: &Filter) -> Vec<&str> {
        let by_sql = self.by_sql(filter);
        let by_definition: Vec<usize> =
            (0..self.known.len()).filter(|at| filter.holds(&self.known[*at].seen())).collect();
        let told = || format!("{filter}\n{}", self.sql(filter).text());
        assert_eq!(by_sql, by_definition, "{}\n{:#?}", told(), self.known);
        #[cfg(feature = "postgres")]
        if super::postgres::is_there() {
            let by_sql = super::postgres::by_sql(self.id, &self.known, filter);
            assert_eq!(by_sql, by_definition, "in Postgres: {filter}\n{:#?}", self.known);
        }
        by_sql.into_iter().map(|at| self.known[at].row.name.as_str()).collect()
    }

    fn sql(&self, filter: &Filter) -> Sql {
        let mut sql = Sql::new(Dialect::Sqlite);
        sql.push("SELECT r.key - 1, ");
        filter.to_sql(&mut sql);
        sql.push(" FROM runs AS r ORDER BY r.key");
        sql
    }

    /// How the database would find them.
    pub(super) fn plan(&self, filter: &Filter) -> String {
        let mut sql = Sql::new(Dialect::Sqlite);
        sql.push("EXPLAIN QUERY PLAN SELECT r.key FROM runs AS r WHERE ");
        filter.to_sql(&mut sql);
        let mut statement = self.connection.prepare(sql.text()).unwrap();
        let steps = statement.query_map(params_from_iter(sql.parameters()), |row| row.get(3));
        let steps: rusqlite::Result<Vec<String>> = steps.and_then(Iterator::collect);
        steps.unwrap().join("\n")
    }

    /// The places of the runs for which the condition is true; it is never null.
    fn by_sql(&self, filter: &Filter) -> Vec<usize> {
        let sql = self.sql(filter);
        let mut statement = self.connection.prepare(sql.text()).unwrap_or_else(|error| panic!("{error}: {filter}"));
        let rows = statement.query_map(params_from_iter(sql.parameters()), |row| {
            Ok((usize::try_from(row.get::<_, i64>(0)?).unwrap(), row.get::<_, bool>(1)?))
        });
        let rows: rusqlite::Result<Vec<_>> = rows.and_then(Iterator::collect);
        let rows = rows.unwrap_or_else(|error| panic!("{error}: {filter}"));
        rows.into_iter().filter(|(_, holds)| *holds).map(|(at, _)| at).collect()
    }
}

/// Inputs or outputs of two halves, as stand-ins of halves have them: an object with both, by the functions' names.
fn leaves(context: &mut Context<'_>, name: &str) -> rusqlite::Result<Stored> {
    let mut all = Map::new();
    for half in 0..2 {
        if let ValueRef::Blob(bytes) = context.get_raw(half) {
            let told: Map<String, Value> = serde_json::from_slice(bytes).unwrap();
            all.extend(told[name].as_object().unwrap().clone());
        }
    }
    Ok(if all.is_empty() { Stored::Null } else { Stored::Text(Value::Object(all).to_string()) })
}

fn insert(connection: &Connection, key: i64, known: &Known) {
    let (row, seen) = (&known.row, known.seen());
    connection
        .execute("INSERT OR IGNORE INTO projects (id, name) VALUES (?1, 'p')", [known.project.as_bytes().as_slice()])
        .unwrap();
    let json = |value: &Map<String, Value>| serde_json::to_string(value).unwrap();
    connection
        .execute(
            "INSERT INTO runs (key, id, project, trace, parent, dotted_order, name, run_type, status, start, \"end\", \
             first_token, error, input_preview, output_preview, tags, metadata, thread, prompt_tokens, \
             completion_tokens, total_tokens, prompt_cost, completion_cost, total_cost, example, version) VALUES (?1, ?2, (SELECT key FROM projects WHERE id = ?3), ?4, ?5, ?6, ?7, ?8, ?9, ?10, \
             ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, 1)",
            params![
                key,
                row.id.as_bytes(),
                known.project.as_bytes(),
                row.place.trace.as_bytes(),
                row.place.parent.map(Uuid::into_bytes),
                seen.dotted_order,
                row.name,
                row.run_type,
                row.status.as_str(),
                row.start,
                row.end,
                row.first_token,
                row.error,
                row.input_preview,
                row.output_preview,
                serde_json::to_string(&row.tags).unwrap(),
                json(&row.metadata),
                row.thread,
                row.usage.prompt_tokens,
                row.usage.completion_tokens,
                row.usage.total_tokens,
                row.usage.prompt_cost,
                row.usage.completion_cost,
                row.usage.total_cost,
                row.example.map(Uuid::into_bytes),
            ],
        )
        .unwrap();
    let sides = [("inputs_of", &known.inputs), ("outputs_of", &known.outputs)];
    for half in 0..2 {
        // Every other leaf is in the same half.
        let told: Map<String, Value> = sides
            .iter()
            .map(|(name, leaves)| {
                let leaves: Map<String, Value> = (*leaves).clone().into_iter().skip(half).step_by(2).collect();
                ((*name).to_owned(), Value::Object(leaves))
            })
            .collect();
        // A half that tells nothing is not there.
        if told.values().any(|leaves| *leaves != Value::Object(Map::new())) {
            let bytes = json(&told).into_bytes();
            let key = key * 2 + i64::try_from(half).unwrap();
            connection.execute("INSERT INTO halves VALUES (?1, ?2)", params![key, bytes]).unwrap();
        }
    }
    for opinion in &known.feedback {
        let value = opinion.value.as_ref().map(Value::to_string);
        connection
            .execute(
                "INSERT INTO feedback VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![row.id.as_bytes(), opinion.key, opinion.score, value, opinion.comment, opinion.source],
            )
            .unwrap();
    }
    connection
        .execute(
            "INSERT INTO words (rowid, name, inputs, outputs, error) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![key, row.name, searchable(&known.inputs), searchable(&known.outputs), row.error],
        )
        .unwrap();
}
