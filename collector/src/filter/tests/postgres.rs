//! The same runs in Postgres, on the server that `RUNTREE_POSTGRES` names; without it nothing is tried here.

use std::cell::RefCell;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::world::Known;
use crate::filter::postgres::{number_and_text, without_nul};
use crate::filter::{Dialect, Filter, Sql};
use crate::store::decide::Placed;
use crate::store::postgres::{apply, schema};

/// A connection of a thread, with tables of its own, and whose runs are in them.
struct Tables {
    runtime: Runtime,
    client: Client,
    of: Uuid,
}

thread_local! {
    static TABLES: RefCell<Option<Tables>> = const { RefCell::new(None) };
}

/// Whether there is a server to try it on.
pub(super) fn is_there() -> bool {
    std::env::var_os("RUNTREE_POSTGRES").is_some()
}

/// The places of the runs of a world for which the condition is true; it is never null.
pub(super) fn by_sql(world: Uuid, known: &[Known], filter: &Filter) -> Vec<usize> {
    TABLES.with_borrow_mut(|tables| {
        let tables = tables.get_or_insert_with(made);
        if tables.of != world {
            tables.runtime.block_on(fill(&tables.client, known));
            tables.of = world;
        }
        let mut sql = Sql::new(Dialect::Postgres);
        sql.push("SELECT r.version - 1, ");
        filter.to_sql(&mut sql);
        sql.push(" FROM runs AS r ORDER BY r.version");
        let values: Vec<&(dyn ToSql + Sync)> = sql.parameters().iter().map(|value| value as _).collect();
        let rows = tables.runtime.block_on(tables.client.query(sql.text(), &values));
        let rows = rows.unwrap_or_else(|error| panic!("{error:?}: {filter}\n{}", sql.text()));
        let found = rows.iter().filter(|row| row.get::<_, bool>(1));
        found.map(|row| usize::try_from(row.get::<_, i64>(0)).unwrap()).collect()
    })
}

fn made() -> Tables {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let url = std::env::var("RUNTREE_POSTGRES").unwrap();
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let name = format!("filters_{}", Uuid::new_v4().simple());
        let tables = format!("CREATE SCHEMA {name}; SET search_path = {name}; CREATE SEQUENCE versions;");
        client.batch_execute(&tables).await.unwrap();
        client.batch_execute(schema::FIRST).await.unwrap();
        client.batch_execute(&schema::functions("und-x-icu")).await.unwrap();
        client
    });
    Tables { runtime, client, of: Uuid::nil() }
}

async fn fill(client: &Client, known: &[Known]) {
    client.batch_execute("DELETE FROM runs; DELETE FROM projects; DELETE FROM feedback").await.unwrap();
    let (mut lines, mut contents) = (Vec::new(), Vec::new());
    for (number, known) in (1..).zip(known) {
        let project = "INSERT INTO projects (id, name, hash, start) VALUES ($1, 'p', $2, 0) \
                       ON CONFLICT (id) DO UPDATE SET name = 'p' RETURNING key";
        let hash = known.project.as_bytes().to_vec();
        let project: i64 = client.query_one(project, &[&known.project, &hash]).await.unwrap().get(0);
        let placed = Placed { dotted_order: known.seen().dotted_order.to_owned(), is_placed: true, is_orphan: false };
        lines.push(apply::line(&known.row, project, &placed, number));
        contents.push(apply::content(&known.row, &known.inputs, &known.outputs));
        for opinion in &known.feedback {
            let (number, value) = opinion.value.as_ref().map(number_and_text).unwrap_or_default();
            let text = |text: &String| without_nul(text);
            let feedback = "INSERT INTO feedback (id, run, key, score, number, value, comment, source, created, modified, \
                            body) VALUES ($1, $2, $3, $4, $5::text::numeric, $6, $7, $8, 0, 0, '')";
            let (number, key) = (number.map(|number| number.to_string()), text(&opinion.key));
            let (comment, source) = (opinion.comment.as_ref().map(text), opinion.source.as_ref().map(text));
            let id = Uuid::new_v4();
            let values: [&(dyn ToSql + Sync); 8] =
                [&id, &known.row.id, &key, &opinion.score, &number, &value, &comment, &source];
            client.execute(feedback, &values).await.unwrap();
        }
    }
    client.execute(apply::PUT_RUNS, &[&Value::Array(lines).to_string()]).await.unwrap();
    client.execute(apply::PUT_CONTENTS, &[&Value::Array(contents).to_string()]).await.unwrap();
}
