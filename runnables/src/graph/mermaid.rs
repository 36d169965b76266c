//! A graph as Mermaid.

use std::collections::HashMap;
use std::fmt::Write;

use indexmap::IndexMap;
use serde_json::Value;

use super::{Edge, Graph, Mermaid, Node, NodeId};

impl Graph {
    /// As Mermaid, to be put into Markdown between fences of `mermaid`.
    pub fn draw_mermaid(&self) -> String {
        self.draw_mermaid_with(&Mermaid::new())
    }

    /// As Mermaid, drawn the way `options` says.
    pub fn draw_mermaid_with(&self, options: &Mermaid) -> String {
        let mut text = if options.styled { options.front_matter() } else { String::new() };
        line(&mut text, format_args!("graph {};", options.direction.as_str()));
        let mut drawing = Drawing {
            graph: self,
            options,
            keys: self.keys(),
            first: self.first_node(),
            last: self.last_node(),
            text,
            drawn: HashMap::new(),
        };
        drawing.subgraph(&self.subgraphs());
        let mut text = drawing.text;
        if options.styled {
            for (class, style) in &options.classes {
                line(&mut text, format_args!("\tclassDef {class} {style}"));
            }
        }
        text
    }

    /// The nodes and edges by the subgraph they are in.
    fn subgraphs(&self) -> Subgraph<'_> {
        let mut root = Subgraph::default();
        for edge in &self.edges {
            root.within(&common(edge)).edges.push(edge);
        }
        for id in self.nodes.keys() {
            root.within(&subgraph_of(id)).nodes.push(id);
        }
        root
    }
}

/// What is drawn inside one frame.
#[derive(Default)]
struct Subgraph<'a> {
    nodes: Vec<&'a NodeId>,
    edges: Vec<&'a Edge>,
    inner: IndexMap<&'a str, Subgraph<'a>>,
}

impl<'a> Subgraph<'a> {
    fn within(&mut self, path: &[&'a str]) -> &mut Self {
        path.iter().fold(self, |subgraph, part| subgraph.inner.entry(part).or_default())
    }

    fn has_edges(&self) -> bool {
        !self.edges.is_empty() || self.inner.values().any(Subgraph::has_edges)
    }
}

/// The parts of a name. What a runnable is called is no place, even with a `:` in it.
fn path(id: &NodeId) -> Vec<&str> {
    id.as_name().map(|name| name.split(':').collect()).unwrap_or_default()
}

fn subgraph_of(id: &NodeId) -> Vec<&str> {
    let mut path = path(id);
    path.pop();
    path
}

/// The innermost subgraph with both ends of an edge in it. A node that has the name of a subgraph counts as inside.
fn common(edge: &Edge) -> Vec<&str> {
    if edge.source == edge.target {
        return subgraph_of(&edge.source);
    }
    let ends = path(&edge.source).into_iter().zip(path(&edge.target));
    ends.take_while(|(source, target)| source == target).map(|(part, _)| part).collect()
}

struct Drawing<'a> {
    graph: &'a Graph,
    options: &'a Mermaid,
    keys: HashMap<&'a NodeId, String>,
    first: Option<&'a NodeId>,
    last: Option<&'a NodeId>,
    text: String,
    /// How often a frame of that name was drawn.
    drawn: HashMap<String, usize>,
}

impl Drawing<'_> {
    fn subgraph(&mut self, subgraph: &Subgraph<'_>) {
        if self.options.styled {
            subgraph.nodes.iter().for_each(|id| self.node(id));
        }
        let (loops, others): (Vec<&Edge>, _) = subgraph.edges.iter().partition(|edge| edge.source == edge.target);
        others.into_iter().chain(loops).for_each(|edge| self.edge(edge));
        for (name, inner) in &subgraph.inner {
            if self.options.styled || inner.has_edges() {
                self.frame(name, inner);
            }
        }
    }

    fn frame(&mut self, name: &str, inner: &Subgraph<'_>) {
        let times = self.drawn.entry(name.to_owned()).or_default();
        *times += 1;
        match *times {
            1 if is_safe(name) => line(&mut self.text, format_args!("\tsubgraph {name}")),
            // Mermaid takes two frames of one id for one.
            times => {
                let id = safe_id(&format!("{name}:{times}"));
                line(&mut self.text, format_args!("\tsubgraph {id} [{}]", readable(name)));
            }
        }
        self.subgraph(inner);
        self.text.push_str("\tend\n");
    }

    fn node(&mut self, id: &NodeId) {
        let Some(node) = self.graph.node(id) else { return };
        let (key, label) = (safe_id(&self.keys[id]), label(id, node));
        let shape = match Some(id) {
            end if end == self.last => format!("([{label}]):::last"),
            end if end == self.first => format!("([{label}]):::first"),
            _ => format!("({label})"),
        };
        line(&mut self.text, format_args!("\t{key}{shape}"));
    }

    fn edge(&mut self, edge: &Edge) {
        let [source, target] = [&edge.source, &edge.target].map(|id| safe_id(&self.keys[id]));
        let label = edge.label.as_ref().map(|label| wrapped(label, self.options.words_per_line));
        let arrow = match (label, edge.conditional) {
            (Some(label), true) => format!("-. &nbsp;{label}&nbsp; .->"),
            (Some(label), false) => format!("-- &nbsp;{label}&nbsp; -->"),
            (None, true) => "-.->".to_owned(),
            (None, false) => "-->".to_owned(),
        };
        line(&mut self.text, format_args!("\t{source} {arrow} {target};"));
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all text");
}

/// What is written in a node: its name, without the subgraphs it is in, and what else there is to say of it.
fn label(id: &NodeId, node: &Node) -> String {
    let mut prefix = subgraph_of(id).join(":");
    prefix.push(':');
    let name = node.name.strip_prefix(&prefix).unwrap_or(&node.name);
    let marks = ['*', '_', '`'];
    let mut label = match name {
        "" => "&nbsp;".to_owned(),
        // Else Markdown would take the name for emphasis.
        _ if name.starts_with(marks) && name.ends_with(marks) => format!("<p>{}</p>", readable(name)),
        _ => readable(name),
    };
    let lines = node.metadata.iter().filter_map(|(key, value)| Some(format!("{key} = {}", said(value)?)));
    let lines: Vec<_> = lines.map(|line| escaped(&line)).collect();
    if !lines.is_empty() {
        label = format!("{label}<hr/><small><em>{}</em></small>", lines.join("\n"));
    }
    label
}

/// A value in a few words, if it is one or a list of some.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(items) => {
            let items = items.iter().map(|item| if item.is_array() { None } else { said(item) });
            Some(items.collect::<Option<Vec<_>>>()?.join(", "))
        }
        _ => None,
    }
}

/// Words that Mermaid does not take for an id.
const RESERVED: [&str; 8] = ["class", "classDef", "end", "flowchart", "graph", "linkStyle", "style", "subgraph"];

fn is_safe(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_plain) && !RESERVED.contains(&text)
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// An id that Mermaid can read: anything but plain letters as `\` and its number in hex.
fn safe_id(key: &str) -> String {
    let mut id = String::with_capacity(key.len());
    let reserved = RESERVED.contains(&key);
    for (at, letter) in key.chars().enumerate() {
        if is_plain(letter) && !(reserved && at == 0) {
            id.push(letter);
        } else {
            write!(id, "\\{:x}", u32::from(letter)).expect("a string takes all text");
        }
    }
    id
}

/// Text as it is, or escaped if Mermaid would read something else.
fn readable(text: &str) -> String {
    match text.contains(['(', ')', '[', ']', '{', '}', '"', '|', ';', '#', '\n', '\r']) {
        true => escaped(text),
        false => text.to_owned(),
    }
}

/// Text with all that means something to Mermaid as entities.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' => escaped.push_str("#quot;"),
            '\n' | '\r' => escaped.push(' '),
            '#' | '[' | ']' | '(' | ')' | '{' | '}' | '<' | '>' | '|' | ';' => {
                write!(escaped, "#{};", u32::from(letter)).expect("a string takes all text");
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Text in lines of so many words.
fn wrapped(text: &str, words_per_line: usize) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    if words.len() <= words_per_line {
        return readable(text);
    }
    words.chunks(words_per_line).map(|words| readable(&words.join(" "))).collect::<Vec<_>>().join("&nbsp<br>&nbsp")
}
