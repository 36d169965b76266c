//! More places to send to.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::variables::{HEADER, Variables, header};
use super::{Endpoint, Found, Secret, endpoint};

/// A place that runs are sent to, one of several.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReplicaEndpoint {
    /// The API's base address.
    pub endpoint: Endpoint,
    /// The key for it.
    pub api_key: Option<Secret>,
    /// The project there; the run's own if it is not said.
    pub project: Option<String>,
    /// The workspace, for keys of an organisation.
    pub workspace_id: Option<String>,
    /// Whether runs keep their ids there while all others derive theirs; see
    /// [`derived_id`](crate::langsmith::derived_id). One at most.
    pub primary: bool,
}

#[derive(Deserialize)]
struct Entry {
    api_url: String,
    api_key: Option<String>,
    project_name: Option<String>,
    workspace_id: Option<String>,
    #[serde(default)]
    primary: bool,
}

const NAMES: &[&str] = &["…RUNS_ENDPOINTS"];
const SHAPE: &str = "a JSON list of objects with `api_url`, or one object of addresses and keys,";
const ENTRY: &str = "an object with `api_url`, and perhaps `api_key`, `project_name`, `workspace_id`, `primary`,";

pub(super) fn read(variables: &mut Variables<'_>) -> Vec<ReplicaEndpoint> {
    let Some((name, text)) = variables.text(NAMES) else { return Vec::new() };
    match serde_json::from_str(&text) {
        Ok(Value::Array(entries)) => list(variables, &name, entries),
        Ok(Value::Object(entries)) => object(variables, &name, entries),
        Ok(_) | Err(_) => {
            variables.complain(&name, None, Found::of(&text), SHAPE);
            Vec::new()
        }
    }
}

fn list(variables: &mut Variables<'_>, name: &str, entries: Vec<Value>) -> Vec<ReplicaEndpoint> {
    let mut replicas: Vec<ReplicaEndpoint> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let Ok(entry) = serde_json::from_value(entry) else {
            variables.complain(name, Some(at), Found::Json, ENTRY);
            continue;
        };
        match replica(entry) {
            Ok(mut replica) => {
                if replica.primary && replicas.iter().any(|other| other.primary) {
                    variables.complain(name, Some(at), Found::Contradiction, "one `primary` at most");
                    replica.primary = false;
                }
                replicas.push(replica);
            }
            Err((found, expected)) => variables.complain(name, Some(at), found, expected),
        }
    }
    replicas
}

fn object(variables: &mut Variables<'_>, name: &str, entries: Map<String, Value>) -> Vec<ReplicaEndpoint> {
    if variables.text(&["…ENDPOINT"]).is_some() {
        variables.complain(name, None, Found::Contradiction, "a list, as an ENDPOINT is set too,");
        return Vec::new();
    }
    let entries =
        entries.into_iter().map(|(api_url, api_key)| serde_json::json!({"api_url": api_url, "api_key": api_key}));
    list(variables, name, entries.collect())
}

fn replica(entry: Entry) -> Result<ReplicaEndpoint, (Found, &'static str)> {
    let in_header = |text: Option<String>| match text {
        Some(text) => header(&text).map_err(|found| (found, HEADER)),
        None => Ok(None),
    };
    Ok(ReplicaEndpoint {
        endpoint: Endpoint::parse(&entry.api_url).map_err(|found| (found, endpoint::EXPECTED))?,
        api_key: in_header(entry.api_key)?.map(Secret::new),
        project: entry.project_name.filter(|name| !name.trim().is_empty()),
        workspace_id: in_header(entry.workspace_id)?,
        primary: entry.primary,
    })
}
