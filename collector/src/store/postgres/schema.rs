//! The tables, and how a database gets from one version of them to the next.
//!
//! Texts of any length have no place in a B-tree, whose keys are short: names are found by their hash, threads by a hash
//! index. Texts compare byte by byte, as they do in the other stores.

use deadpool_postgres::{Client, GenericClient};

use super::super::StoreError;
use super::failure::Result;
use super::{connections, locks, minutes};

/// What leads from each version to the next. What is here was released; it is never changed, only followed.
const STEPS: &[&str] = &[FIRST, MINUTES, FAILURES];

pub(crate) const FIRST: &str = r#"
CREATE TABLE projects (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL,
    hash bytea NOT NULL UNIQUE,
    start bigint NOT NULL,
    ended bigint,
    description text,
    extra text,
    dataset uuid
);

CREATE TABLE runs (
    id uuid PRIMARY KEY,
    project bigint NOT NULL REFERENCES projects (key),
    trace uuid NOT NULL,
    parent uuid,
    dotted_order text COLLATE "C" NOT NULL,
    is_placed smallint NOT NULL,
    is_orphan smallint NOT NULL,
    is_created smallint NOT NULL,
    name text COLLATE "C" NOT NULL,
    run_type text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    start bigint NOT NULL,
    "end" bigint,
    first_token bigint,
    error text COLLATE "C",
    input_preview text COLLATE "C",
    output_preview text COLLATE "C",
    tags text NOT NULL,
    metadata text NOT NULL,
    entries jsonb NOT NULL,
    thread text COLLATE "C",
    prompt_tokens bigint,
    completion_tokens bigint,
    total_tokens bigint,
    prompt_cost float8,
    completion_cost float8,
    total_cost float8,
    example uuid,
    version bigint NOT NULL
);
CREATE INDEX runs_of_trace ON runs (trace);
CREATE INDEX runs_of_project ON runs (project, start, id);
CREATE INDEX roots_of_project ON runs (project, start, id) WHERE parent IS NULL;
CREATE INDEX runs_by_start ON runs (start, id);
CREATE INDEX runs_of_thread ON runs USING hash (thread);
CREATE INDEX runs_in_threads ON runs (project) WHERE thread IS NOT NULL;
CREATE INDEX runs_failed ON runs (trace) WHERE status = 'error';
CREATE INDEX runs_unplaced ON runs (trace) WHERE is_placed = 0;
CREATE INDEX runs_orphaned ON runs (parent) WHERE is_orphan = 1;
CREATE INDEX runs_changed ON runs (version);

CREATE TABLE halves (
    run uuid PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    begun bytea,
    ended bytea
);
ALTER TABLE halves ALTER begun SET STORAGE EXTERNAL, ALTER ended SET STORAGE EXTERNAL;

CREATE TABLE contents (
    run uuid PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    inputs jsonb NOT NULL,
    outputs jsonb NOT NULL,
    words tsvector NOT NULL,
    name_words text COLLATE "C" NOT NULL,
    input_words text COLLATE "C" NOT NULL,
    output_words text COLLATE "C" NOT NULL,
    error_words text COLLATE "C" NOT NULL
);
CREATE INDEX contents_by_word ON contents USING gin (words);

CREATE TABLE attachments (
    run uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    mime_type text NOT NULL,
    token text NOT NULL UNIQUE,
    bytes bytea NOT NULL,
    PRIMARY KEY (run, hash)
);
ALTER TABLE attachments ALTER bytes SET STORAGE EXTERNAL;

CREATE TABLE feedback (
    id uuid PRIMARY KEY,
    run uuid,
    project bigint,
    key text COLLATE "C" NOT NULL,
    score float8,
    number numeric,
    value text COLLATE "C",
    comment text COLLATE "C",
    source text COLLATE "C",
    created bigint NOT NULL,
    modified bigint NOT NULL,
    body text NOT NULL
);
CREATE INDEX feedback_of_run ON feedback (run);

CREATE TABLE shares (
    run uuid PRIMARY KEY,
    token text NOT NULL UNIQUE
);

CREATE TABLE keys (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    created bigint NOT NULL,
    projects text,
    rights text NOT NULL
);

CREATE TABLE gone (
    id uuid PRIMARY KEY,
    at bigint NOT NULL
);

CREATE TABLE facts (
    name text PRIMARY KEY,
    value text NOT NULL
);
-- An id of version 7: the milliseconds since 1970, and what is random.
INSERT INTO facts (name, value) VALUES ('tenant', encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid::text);
"#;

const MINUTES: &str = r#"
CREATE TABLE minutes (
    project bigint NOT NULL REFERENCES projects (key) ON DELETE CASCADE,
    minute bigint NOT NULL,
    is_root boolean NOT NULL,
    sums bytea,
    PRIMARY KEY (project, minute, is_root)
);
"#;

/// Runs that failed are few, and asked for most.
const FAILURES: &str = r#"
CREATE INDEX failures_of_project ON runs (project, start, id) WHERE status = 'error';
CREATE INDEX errors_of_project ON runs (project, start, id) WHERE error IS NOT NULL;
"#;

/// The functions that SQL of this version calls. They are made anew at every start, as they hold nothing.
pub(crate) fn functions(collation: &str) -> String {
    let alike = format!(
        "CREATE OR REPLACE FUNCTION alike(told text, pattern text) RETURNS boolean \
         LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ \
         SELECT coalesce(lower(told COLLATE \"{collation}\") COLLATE \"C\" LIKE pattern, false) $$;"
    );
    format!("{alike}\n{}", locks::FUNCTIONS)
}

/// Brings the database to this version. Several collectors may do so at once; one does it and the others find it done.
pub(super) async fn migrate(client: &mut Client) -> Result<()> {
    let view = connections::begin(client).await?;
    locks::alone(&view).await?;
    let found = view.query_one("SELECT to_regclass('runtree_version') IS NOT NULL", &[]).await?;
    let version: i32 = if found.get(0) {
        view.query_one("SELECT version FROM runtree_version", &[]).await?.get(0)
    } else {
        let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'";
        if view.query_one(sql, &[]).await?.get::<_, i64>(0) > 0 {
            let reason = "this is a database of something else; name another one, or another schema";
            return Err(StoreError::Invalid(reason.to_owned()).into());
        }
        view.batch_execute(
            "CREATE TABLE runtree_version (version integer NOT NULL); INSERT INTO runtree_version VALUES (0); \
             CREATE SEQUENCE versions",
        )
        .await?;
        0
    };
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > STEPS.len() {
        return Err(StoreError::Invalid(format!(
            "the database was written by a newer version (its tables are version {version}, this one knows {}); upgrade",
            STEPS.len()
        ))
        .into());
    }
    for step in &STEPS[version..] {
        view.batch_execute(step).await?;
        if *step == MINUTES {
            minutes::fill(&view).await?;
        }
    }
    let now = i32::try_from(STEPS.len()).unwrap_or(i32::MAX);
    view.execute("UPDATE runtree_version SET version = $1 WHERE version < $1", &[&now]).await?;
    let sql =
        "SELECT coalesce((SELECT collname::text FROM pg_collation WHERE collname = 'und-x-icu' LIMIT 1), 'default')";
    let collation: String = view.query_one(sql, &[]).await?.get(0);
    view.batch_execute(&functions(&collation)).await?;
    view.commit().await?;
    Ok(())
}
