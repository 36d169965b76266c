//! A graph as JSON.

use std::collections::HashMap;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Edge, Graph, Node, NodeId, NodeKind};

impl Graph {
    /// As JSON: `nodes` of `id`, `type` (`schema` or `runnable`) and `data` with the `name`, and `edges` from `source`
    /// to `target`. A node that was added under a name has it as its id; others have their place in the list.
    ///
    /// ```
    /// use runtree_runnables::{RunnableExt, RunnablePassthrough};
    ///
    /// let graph = RunnablePassthrough::<String>::new().graph().to_json();
    /// assert_eq!(graph["nodes"][1]["data"]["name"], "Passthrough");
    /// assert_eq!(graph["edges"][0], serde_json::json!({"source": 0, "target": 1}));
    /// ```
    pub fn to_json(&self) -> Value {
        self.json(false)
    }

    /// As [`to_json`](Self::to_json), with the JSON schemas in the `data` of schema nodes, under `schema`.
    pub fn to_json_with_schemas(&self) -> Value {
        self.json(true)
    }

    fn json(&self, with_schemas: bool) -> Value {
        let places = self.nodes.keys().enumerate().map(|(place, id)| match id {
            NodeId::Name(name) => (id, name.as_str().into()),
            NodeId::Number(_) => (id, place.into()),
        });
        let ids: HashMap<&NodeId, Value> = places.collect();
        let nodes: Vec<_> = self.nodes.iter().map(|(id, node)| node_json(&ids[id], node, with_schemas)).collect();
        let edges: Vec<_> = self.edges.iter().map(|edge| edge_json(&ids, edge)).collect();
        json!({"nodes": nodes, "edges": edges})
    }
}

/// As [`to_json`](Graph::to_json) gives it.
impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

fn node_json(id: &Value, node: &Node, with_schemas: bool) -> Value {
    let mut data = Map::from_iter([("name".to_owned(), node.name.as_str().into())]);
    let kind = match &node.kind {
        NodeKind::Schema(schema) => {
            if with_schemas {
                data.insert("schema".into(), schema.clone());
            }
            "schema"
        }
        NodeKind::Runnable { run_type, .. } => {
            data.insert("run_type".into(), run_type.as_str().into());
            "runnable"
        }
    };
    let mut json = json!({"id": id, "type": kind, "data": data});
    if !node.metadata.is_empty() {
        json["metadata"] = node.metadata.clone().into();
    }
    json
}

fn edge_json(ids: &HashMap<&NodeId, Value>, edge: &Edge) -> Value {
    let mut json = json!({"source": ids[&edge.source], "target": ids[&edge.target]});
    if let Some(label) = &edge.label {
        json["data"] = label.as_str().into();
    }
    if edge.conditional {
        json["conditional"] = true.into();
    }
    json
}
