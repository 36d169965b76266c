//! The graph of a chain: its steps and what goes from one to the next, as JSON, as Mermaid, as a drawing in text.

mod ascii;
mod build;
mod json;
mod layout;
mod mermaid;
mod mermaid_style;

use std::collections::{HashMap, HashSet};
use std::fmt;

use indexmap::IndexMap;
use runtree_core::{Error, ErrorKind, Flow, Result, RunType};
use serde_json::{Map, Value};

pub use mermaid_style::{Curve, Direction, Mermaid};

/// The graph of a chain, or of anything with nodes and edges.
///
/// ```
/// use runtree_runnables::{RunnableExt, RunnableLambda};
///
/// let chain = RunnableLambda::map("double", |x: i64| x * 2).pipe(RunnableLambda::map("show", |x: i64| x.to_string()));
/// let graph = chain.graph();
/// let names: Vec<_> = graph.nodes().map(|(_, node)| node.name.as_str()).collect();
/// assert_eq!(names, ["double_input", "double", "show", "show_output"]);
/// println!("{graph}");
/// println!("{}", graph.draw_mermaid());
/// ```
///
/// A step stands between the schemas of its input and output; within a chain, only the schemas at the ends of a fork
/// stay. Graphs can be put together by hand, too:
///
/// ```
/// use runtree_runnables::graph::{Edge, Graph, Node};
/// # fn main() -> runtree_core::Result<()> {
/// let mut graph = Graph::new();
/// graph.add_named_node("model", Node::runnable("model"))?;
/// graph.add_named_node("tools", Node::runnable("tools"))?;
/// graph.add_edge(Edge::new("model", "tools").labelled("asks for a tool").conditional())?;
/// graph.add_edge(Edge::new("tools", "model"))?;
/// assert!(graph.draw_mermaid().contains("model -. &nbsp;asks for a tool&nbsp; .-> tools;"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: IndexMap<NodeId, Node>,
    edges: Vec<Edge>,
    /// The number of the next node without a name; above all numbers in `nodes`.
    next: usize,
}

/// What tells a node from all others of its graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeId {
    /// A node that was added without a name.
    Number(usize),
    /// The name it was added under. Parts between `:` are the subgraphs it is in.
    Name(String),
}

/// A node: a step, or the schema of what goes in or comes out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// Its name, for people; several nodes may share it.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// What else there is to say of it; drawn by Mermaid below the name.
    pub metadata: Map<String, Value>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NodeKind {
    /// The JSON schema of what goes in or comes out.
    Schema(Value),
    /// A step.
    Runnable {
        /// What kind of work its runs are.
        run_type: RunType,
        /// How it meets a stream.
        flow: Flow,
    },
}

/// What leads from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edge {
    /// Where it begins.
    pub source: NodeId,
    /// Where it ends.
    pub target: NodeId,
    /// What is written on it.
    pub label: Option<String>,
    /// Whether it is taken at times only.
    pub conditional: bool,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// The nodes, in the order they were added.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (&NodeId, &Node)> {
        self.nodes.iter()
    }

    /// The edges, in the order they were added.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The node of that id.
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds a node, under a number.
    pub fn add_node(&mut self, node: Node) -> NodeId {
        let id = NodeId::Number(self.next);
        self.next += 1;
        self.nodes.insert(id.clone(), node);
        id
    }

    /// Adds a node under a name. In a name like `research:search`, `research` is a subgraph.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if a node has that name.
    pub fn add_named_node(&mut self, name: impl Into<String>, node: Node) -> Result<NodeId> {
        let id = NodeId::Name(name.into());
        if self.nodes.contains_key(&id) {
            return Err(twice(&id));
        }
        self.nodes.insert(id.clone(), node);
        Ok(id)
    }

    /// Adds an edge between two nodes of this graph.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if one of them is not there.
    pub fn add_edge(&mut self, edge: Edge) -> Result<()> {
        let ends = [&edge.source, &edge.target];
        if let Some(missing) = ends.into_iter().find(|end| !self.nodes.contains_key(*end)) {
            let message = format!("an edge needs both its nodes: add `{missing}` to the graph first");
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        self.edges.push(edge);
        Ok(())
    }

    /// Removes a node with all its edges.
    pub fn remove_node(&mut self, id: &NodeId) -> Option<Node> {
        let node = self.nodes.shift_remove(id)?;
        self.edges.retain(|edge| edge.source != *id && edge.target != *id);
        Some(node)
    }

    /// Takes in another graph, unconnected; answers its first and its last node under their ids in this one. The
    /// names of its nodes are put below `prefix`, unless that is empty; numbered nodes get new numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if both graphs have a node of one name. Then nothing is taken in.
    pub fn extend(&mut self, other: Self, prefix: &str) -> Result<(Option<NodeId>, Option<NodeId>)> {
        let prefixed = |name: String| if prefix.is_empty() { name } else { format!("{prefix}:{name}") };
        let offset = self.next;
        let moved = |id: NodeId| match id {
            NodeId::Number(number) => NodeId::Number(offset + number),
            NodeId::Name(name) => NodeId::Name(prefixed(name)),
        };
        if let Some(id) = other.nodes.keys().cloned().map(moved).find(|id| self.nodes.contains_key(id)) {
            return Err(twice(&id));
        }
        let ends = (other.first_node().cloned().map(moved), other.last_node().cloned().map(moved));
        self.next += other.next;
        self.nodes.extend(other.nodes.into_iter().map(|(id, node)| (moved(id), node)));
        self.edges.extend(other.edges.into_iter().map(|edge| Edge {
            source: moved(edge.source),
            target: moved(edge.target),
            ..edge
        }));
        Ok(ends)
    }

    /// The node that no edge leads to, if there is just one.
    pub fn first_node(&self) -> Option<&NodeId> {
        self.only_end(|edge| (&edge.source, &edge.target), None)
    }

    /// The node that no edge leads from, if there is just one.
    pub fn last_node(&self) -> Option<&NodeId> {
        self.only_end(|edge| (&edge.target, &edge.source), None)
    }

    /// Removes the first node if one edge leads from it, to what then is the first node.
    pub fn trim_first_node(&mut self) -> Option<Node> {
        self.trim(|edge| (&edge.source, &edge.target))
    }

    /// Removes the last node if one edge leads to it, from what then is the last node.
    pub fn trim_last_node(&mut self) -> Option<Node> {
        self.trim(|edge| (&edge.target, &edge.source))
    }

    /// The steps that are known to wait for the whole of their input: a stream comes to a halt there. A step that is
    /// not among them sees each chunk, and may still wait by itself, as a plain function does.
    pub fn waiting(&self) -> impl Iterator<Item = &Node> {
        let waits = |node: &&Node| matches!(node.kind, NodeKind::Runnable { flow: Flow::Whole | Flow::WholeInput, .. });
        self.nodes.values().filter(waits)
    }

    /// The only node that is at no edge's far side, without the edges that have `excluded` at their near side.
    fn only_end(&self, sides: fn(&Edge) -> (&NodeId, &NodeId), excluded: Option<&NodeId>) -> Option<&NodeId> {
        let reached = self.edges.iter().map(sides).filter(|(near, _)| Some(*near) != excluded);
        let reached: HashSet<_> = reached.map(|(_, far)| far).collect();
        let mut ends = self.nodes.keys().filter(|id| Some(*id) != excluded && !reached.contains(id));
        ends.next().filter(|_| ends.next().is_none())
    }

    fn trim(&mut self, sides: fn(&Edge) -> (&NodeId, &NodeId)) -> Option<Node> {
        let end = self.only_end(sides, None)?.clone();
        self.only_end(sides, Some(&end))?;
        let mut touching = self.edges.iter().filter(|edge| *sides(edge).0 == end);
        let edge = touching.next()?;
        if touching.any(|other| other != edge) {
            return None;
        }
        self.remove_node(&end)
    }

    /// A readable text for each node that no other has: the name it was added under, or its own name, with a number
    /// if others share it.
    fn keys(&self) -> HashMap<&NodeId, String> {
        let mut sharing: HashMap<&str, usize> = HashMap::new();
        for node in self.nodes.values() {
            *sharing.entry(&node.name).or_default() += 1;
        }
        let mut taken: HashSet<String> = self.nodes.keys().filter_map(|id| id.as_name().map(str::to_owned)).collect();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut keys = HashMap::with_capacity(self.nodes.len());
        for (id, Node { name, .. }) in &self.nodes {
            let number = seen.entry(name).or_default();
            *number += 1;
            let key = id.as_name().map(str::to_owned).unwrap_or_else(|| {
                let plain = (sharing[name.as_str()] == 1).then(|| name.clone());
                let numbered = (*number..).map(|number| format!("{name}_{number}"));
                let mut keys = plain.into_iter().chain(numbered);
                keys.find(|key| !taken.contains(key)).expect("numbers do not end")
            });
            taken.insert(key.clone());
            keys.insert(id, key);
        }
        keys
    }
}

/// Draws it, as [`draw_ascii`](Graph::draw_ascii) does.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.draw_ascii())
    }
}

impl NodeId {
    /// The name it was added under, if it was.
    pub fn as_name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Number(_) => None,
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl From<&str> for NodeId {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for NodeId {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<&NodeId> for NodeId {
    fn from(id: &NodeId) -> Self {
        id.clone()
    }
}

impl Node {
    /// A step of that name.
    pub fn runnable(name: impl Into<String>) -> Self {
        let kind = NodeKind::Runnable { run_type: RunType::Chain, flow: Flow::Chunks };
        Self { name: name.into(), kind, metadata: Map::new() }
    }

    /// A schema of that name.
    pub fn schema(name: impl Into<String>, schema: Value) -> Self {
        Self { name: name.into(), kind: NodeKind::Schema(schema), metadata: Map::new() }
    }

    /// With something else to say of it.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}

impl Edge {
    /// An edge from `source` to `target`.
    pub fn new(source: impl Into<NodeId>, target: impl Into<NodeId>) -> Self {
        Self { source: source.into(), target: target.into(), label: None, conditional: false }
    }

    /// With something written on it.
    #[must_use]
    pub fn labelled(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Taken at times only.
    #[must_use]
    pub fn conditional(self) -> Self {
        Self { conditional: true, ..self }
    }
}

fn twice(id: &NodeId) -> Error {
    Error::new(ErrorKind::Configuration, format!("the graph has a node `{id}`: choose another name"))
}
