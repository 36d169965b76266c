//! API keys are made, listed and removed.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::extract::{Caller, Id, Sent};
use super::super::{Collector, Problem};
use crate::store::{Key, NewKey, Rights};

#[derive(Deserialize)]
pub(super) struct Wish {
    name: String,
    #[serde(default)]
    projects: Option<BTreeSet<Uuid>>,
    #[serde(default)]
    rights: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn rights(&self) -> Option<Rights> {
        let words = match self {
            Self::One(word) => return Rights::named(word),
            Self::Many(words) => words,
        };
        let known = words.iter().map(|word| Rights::named(word)).collect::<Option<Vec<_>>>()?;
        let has = |right| known.contains(&right) || known.contains(&Rights::ReadWrite);
        match (has(Rights::Read), has(Rights::Write), known.contains(&Rights::Manage)) {
            (_, _, true) => Some(Rights::Manage),
            (true, true, _) => Some(Rights::ReadWrite),
            (true, false, _) => Some(Rights::Read),
            (false, true, _) => Some(Rights::Write),
            (false, false, _) => None,
        }
    }
}

/// Makes a key. It is answered this once, and stored as a hash.
pub(super) async fn create(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Sent(wish): Sent<Wish>,
) -> Result<Json<Value>, Problem> {
    let is_first = collector.keys.is_open().await?;
    let rights = match &wish.rights {
        None if is_first => Rights::Manage,
        None => Rights::ReadWrite,
        Some(rights) => {
            rights.rights().ok_or_else(|| Problem::invalid("rights are read, write, read-write or manage"))?
        }
    };
    if is_first && (rights != Rights::Manage || wish.projects.is_some()) {
        return Err(Problem::invalid(
            "the first key has to have the rights `manage` of all projects, else nobody could make another",
        ));
    }
    // Nobody gives away more than they have.
    let projects = match (&access.projects, wish.projects) {
        (None, wished) => wished,
        (Some(own), None) => Some(own.clone()),
        (Some(own), Some(wished)) => Some(wished.intersection(own).copied().collect()),
    };
    let made = NewKey::generate(wish.name, projects, rights)?;
    let answer = made.to_json();
    collector.store.create_key(made.key, made.hash).await?;
    collector.keys.forget();
    Ok(Json(answer))
}

pub(super) async fn list(State(collector): State<Collector>, Caller(_): Caller) -> Result<Json<Vec<Value>>, Problem> {
    Ok(Json(collector.store.keys().await?.iter().map(Key::to_json).collect()))
}

pub(super) async fn delete(
    State(collector): State<Collector>,
    Caller(_): Caller,
    Id(id): Id,
) -> Result<Json<Value>, Problem> {
    let was_there = collector.store.delete_key(id).await?;
    collector.keys.forget();
    match was_there {
        true => Ok(Json(json!({"message": "the key is good for nothing any more"}))),
        false => Err(Problem::missing("key")),
    }
}
