//! Keys are made, listed and removed: over HTTP, or in the store itself.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Args, Subcommand};
use runtree::prelude::*;
use runtree_collector::access::Access;
use runtree_collector::store::{Key, NewKey, ProjectQuestion, Rights, Store};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::collector::{At, Collector};
use crate::{out, serve, shown};

/// What to do with keys.
///
/// The first key closes a collector that was open to all. From then on it takes a key with the right to manage to make
/// another one, or `--db`; a file is to be opened only while the collector is not running.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    what: What,
    /// Works on this file, which no collector may have open, or on this Postgres database, rather than over HTTP
    #[arg(long, value_name = "PATH|URL", global = true)]
    db: Option<String>,
    /// Prints lines of JSON, for machines
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Makes a key, and shows it this once
    Create {
        /// What it is called
        name: String,
        /// The only projects it is for, by name or id; all if none are named
        #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
        projects: Vec<String>,
        /// What it allows
        #[arg(long, default_value = "read-write", value_parser = ["read", "write", "read-write", "manage"])]
        rights: String,
    },
    /// Lists the keys
    List,
    /// Removes a key
    Remove {
        /// Its id, as `list` shows it
        id: Uuid,
    },
}

/// Does it.
pub(crate) async fn run(keys: Keys) -> Result<()> {
    let answer = match keys.db {
        Some(place) => {
            let is_missing = !serve::is_postgres(&place) && !Path::new(&place).exists();
            if is_missing && !matches!(keys.what, What::Create { .. }) {
                return Err(Error::new(ErrorKind::NotFound, format!("there is no file {place}")));
            }
            let store = serve::open(&place).await?;
            let answer = offline(&*store, &keys.what).await;
            store.close().await;
            answer?
        }
        None => online(&keys.at.connect().await?, &keys.what).await?,
    };
    if keys.json {
        return answer.iter().try_for_each(|line| out::json(&line.to_string()));
    }
    match keys.what {
        What::Create { .. } => {
            eprintln!("runtree: keep this key, it is not shown again; from now on the collector wants a key");
            answer.iter().try_for_each(|key| out::line(key["key"].as_str().unwrap_or_default()))
        }
        What::List => out::print(&shown::table(&answer.iter().map(row).collect::<Vec<_>>())),
        What::Remove { id } => out::line(&format!("removed {id}")),
    }
}

fn row(key: &Value) -> Vec<String> {
    let word = |name: &str| shown::one_line(key[name].as_str().unwrap_or_default());
    let projects = match key["projects"].as_array() {
        None => "all projects".to_owned(),
        Some(projects) => projects.iter().filter_map(Value::as_str).map(shown::one_line).collect::<Vec<_>>().join(","),
    };
    let created = word("created_at").replacen('T', " ", 1).chars().take(19).collect();
    vec![word("id"), created, format!("{}…", word("prefix")), word("rights"), word("name"), projects]
}

async fn online(collector: &Collector, what: &What) -> Result<Vec<Value>> {
    match what {
        What::Create { name, projects, rights } => {
            let mut ids = Vec::new();
            for project in projects {
                ids.push(collector.project(project).await?);
            }
            let ids = (!ids.is_empty()).then_some(ids);
            let wish = json!({"name": name, "projects": ids, "rights": rights}).to_string();
            Ok(vec![serde_json::from_slice(&collector.post("/api-keys", wish.into()).await?)?])
        }
        What::List => Ok(serde_json::from_slice(&collector.get("/api-keys", &[]).await?)?),
        What::Remove { id } => {
            collector.delete(&format!("/api-keys/{id}")).await?;
            Ok(vec![json!({"removed": id})])
        }
    }
}

async fn offline(store: &dyn Store, what: &What) -> Result<Vec<Value>> {
    match what {
        What::Create { name, projects, rights } => {
            let mut ids = BTreeSet::new();
            for project in projects {
                ids.insert(project_in(store, project).await?);
            }
            let rights = Rights::named(rights).ok_or_else(|| Error::invalid_input("no such rights"))?;
            let made = NewKey::generate(name, (!ids.is_empty()).then_some(ids), rights).map_err(Error::other)?;
            let answer = made.to_json();
            store.create_key(made.key, made.hash).await.or_fail("storing the key")?;
            Ok(vec![answer])
        }
        What::List => Ok(store.keys().await.or_fail("reading the keys")?.iter().map(Key::to_json).collect()),
        What::Remove { id } => match store.delete_key(*id).await.or_fail("removing the key")? {
            true => Ok(vec![json!({"removed": id})]),
            false => Err(Error::new(ErrorKind::NotFound, "there is no such key")),
        },
    }
}

async fn project_in(store: &dyn Store, name: &str) -> Result<Uuid> {
    let mut question = ProjectQuestion { limit: 1, ..ProjectQuestion::default() };
    match Uuid::try_parse(name) {
        Ok(id) => question.ids = Some(vec![id]),
        Err(_) => question.name = Some(name.to_owned()),
    }
    let found = store.projects(&Access::full(), &question).await.or_fail("reading the projects")?;
    let found = found.first().map(|project| project.id);
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no project is named `{name}`")))
}
