//! From what a runnable is made of to its graph.

use runtree_core::shape::{Parts, Shape, suffixed};
use serde_json::Value;

use super::{Edge, Graph, Node, NodeId, NodeKind};
use crate::schema::mapper_name;

impl Graph {
    /// The graph of what `shape` is made of.
    pub fn of(shape: &Shape) -> Self {
        match &shape.parts {
            Parts::Sequence(steps) if !steps.is_empty() => sequence(steps),
            Parts::Parallel(branches) => {
                let (input, output) = (schema_node(&shape.name, "Input", &shape.input), output_of(shape));
                parallel(input, output, branches).0
            }
            Parts::Assign(branches) => {
                let mapper = mapper_name(branches);
                let named = |suffix| Node::schema(short(&suffixed(&mapper, suffix)), Value::Null);
                let input = Node { kind: NodeKind::Schema(shape.input.clone()), ..named("Input") };
                let output = Node { kind: NodeKind::Schema(shape.output.clone()), ..named("Output") };
                let (mut graph, input, output) = parallel(input, output, branches);
                let passthrough = graph.add_node(Node::runnable("Passthrough"));
                graph.connect(&input, &passthrough);
                graph.connect(&passthrough, &output);
                graph
            }
            _ => step(shape),
        }
    }

    fn connect(&mut self, source: &NodeId, target: &NodeId) {
        self.edges.push(Edge::new(source, target));
    }

    /// Takes in a graph of numbered nodes.
    fn absorb(&mut self, other: Self) -> (Option<NodeId>, Option<NodeId>) {
        self.extend(other, "").expect("numbered nodes get new numbers")
    }
}

fn step(shape: &Shape) -> Graph {
    let mut graph = Graph::new();
    let input = graph.add_node(schema_node(&shape.name, "Input", &shape.input));
    let kind = NodeKind::Runnable { run_type: shape.run_type, flow: shape.flow };
    let step = graph.add_node(Node { kind, ..Node::runnable(short(&shape.name)) });
    let output = graph.add_node(output_of(shape));
    graph.connect(&input, &step);
    graph.connect(&step, &output);
    graph
}

fn sequence(steps: &[Shape]) -> Graph {
    let mut graph = Graph::new();
    let mut before = None;
    for (at, step) in steps.iter().enumerate() {
        let mut part = Graph::of(step);
        if at > 0 {
            part.trim_first_node();
        }
        if at + 1 < steps.len() {
            part.trim_last_node();
        }
        let (first, last) = graph.absorb(part);
        if let (Some(before), Some(first)) = (before, first) {
            graph.connect(&before, &first);
        }
        before = last;
    }
    graph
}

/// The branches between an input and an output node; answers those two as well.
fn parallel(input: Node, output: Node, branches: &[(String, Shape)]) -> (Graph, NodeId, NodeId) {
    let mut graph = Graph::new();
    let (input, output) = (graph.add_node(input), graph.add_node(output));
    for (_, branch) in branches {
        let mut part = Graph::of(branch);
        part.trim_first_node();
        part.trim_last_node();
        match graph.absorb(part) {
            (Some(first), Some(last)) => {
                graph.connect(&input, &first);
                graph.connect(&last, &output);
            }
            _ => graph.connect(&input, &output),
        }
    }
    if branches.is_empty() {
        graph.connect(&input, &output);
    }
    (graph, input, output)
}

fn output_of(shape: &Shape) -> Node {
    schema_node(&shape.name, "Output", &shape.output)
}

/// A schema under its title; without one, under the name of what it belongs to.
fn schema_node(owner: &str, suffix: &str, schema: &Value) -> Node {
    let title = schema.get("title").and_then(Value::as_str);
    let name = title.map_or_else(|| short(&suffixed(owner, suffix)), short);
    Node::schema(name, schema.clone())
}

/// A name without a leading `Runnable`.
fn short(name: &str) -> String {
    name.strip_prefix("Runnable").filter(|rest| !rest.is_empty()).unwrap_or(name).to_owned()
}
