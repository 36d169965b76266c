//! A graph as Mermaid.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::{Edge, Graph, Node, NodeId};

/// How Mermaid is to draw a graph.
///
/// ```
/// use runtree_runnables::graph::{Curve, Direction, Mermaid};
/// use runtree_runnables::{RunnableExt, RunnablePassthrough};
///
/// let sideways = Mermaid::new().direction(Direction::LeftToRight).curve(Curve::Basis).first_style("fill:#cfc");
/// let drawing = RunnablePassthrough::<String>::new().graph().draw_mermaid_with(&sideways);
/// assert!(drawing.contains("curve: basis") && drawing.contains("graph LR;") && drawing.contains("classDef first fill:#cfc"));
///
/// let bare = RunnablePassthrough::<String>::new().graph().draw_mermaid_with(&Mermaid::unstyled());
/// assert_eq!(bare, "graph TD;\n\tPassthroughInput --> Passthrough;\n\tPassthrough --> PassthroughOutput;\n");
/// ```
#[derive(Clone, Debug)]
pub struct Mermaid {
    styled: bool,
    direction: Direction,
    curve: Curve,
    classes: [(&'static str, Cow<'static, str>); 3],
    words_per_line: usize,
    config: Map<String, Value>,
}

/// Which way a drawing goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From the top down.
    #[default]
    TopDown,
    /// From the bottom up.
    BottomUp,
    /// From left to right.
    LeftToRight,
    /// From right to left.
    RightToLeft,
}

/// How the edges bend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "Mermaid's own names")]
pub enum Curve {
    Basis,
    BumpX,
    BumpY,
    Cardinal,
    CatmullRom,
    #[default]
    Linear,
    MonotoneX,
    MonotoneY,
    Natural,
    Step,
    StepAfter,
    StepBefore,
}

impl Mermaid {
    /// From the top down, with straight edges; the first node clear, the last one dark.
    pub fn new() -> Self {
        Self {
            styled: true,
            direction: Direction::default(),
            curve: Curve::default(),
            classes: [
                ("default", "fill:#f2f0ff,line-height:1.2".into()),
                ("first", "fill-opacity:0".into()),
                ("last", "fill:#bfb6fc".into()),
            ],
            words_per_line: 9,
            config: Map::new(),
        }
    }

    /// Edges alone, without front matter, shapes and colours.
    pub fn unstyled() -> Self {
        Self { styled: false, ..Self::new() }
    }

    /// Which way the drawing goes.
    #[must_use]
    pub fn direction(self, direction: Direction) -> Self {
        Self { direction, ..self }
    }

    /// How the edges bend.
    #[must_use]
    pub fn curve(self, curve: Curve) -> Self {
        Self { curve, ..self }
    }

    /// The style of the nodes, as in `fill:#f2f0ff,line-height:1.2`.
    #[must_use]
    pub fn node_style(self, style: impl Into<Cow<'static, str>>) -> Self {
        self.class(0, style.into())
    }

    /// The style of the first node.
    #[must_use]
    pub fn first_style(self, style: impl Into<Cow<'static, str>>) -> Self {
        self.class(1, style.into())
    }

    /// The style of the last node.
    #[must_use]
    pub fn last_style(self, style: impl Into<Cow<'static, str>>) -> Self {
        self.class(2, style.into())
    }

    /// After how many words the label of an edge goes on in a new line.
    #[must_use]
    pub fn words_per_line(self, words: usize) -> Self {
        Self { words_per_line: words.max(1), ..self }
    }

    /// Sets a key of Mermaid's own `config`, such as `theme` or `look`.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.config.insert(key.into(), value.into());
        self
    }

    fn class(mut self, place: usize, style: Cow<'static, str>) -> Self {
        self.classes[place].1 = style;
        self
    }

    /// The front matter, with its keys sorted.
    fn front_matter(&self) -> String {
        let mut config = self.config.clone();
        let flowchart = config.entry("flowchart").or_insert_with(|| json!({}));
        if !flowchart.is_object() {
            *flowchart = json!({});
        }
        flowchart["curve"] = self.curve.as_str().into();
        let mut text = String::from("---\n");
        yaml(&mut text, &Map::from_iter([("config".to_owned(), config.into())]), 0);
        text + "---\n"
    }
}

impl Default for Mermaid {
    fn default() -> Self {
        Self::new()
    }
}

impl Direction {
    fn as_str(self) -> &'static str {
        match self {
            Self::TopDown => "TD",
            Self::BottomUp => "BT",
            Self::LeftToRight => "LR",
            Self::RightToLeft => "RL",
        }
    }
}

impl Curve {
    fn as_str(self) -> &'static str {
        match self {
            Self::Basis => "basis",
            Self::BumpX => "bumpX",
            Self::BumpY => "bumpY",
            Self::Cardinal => "cardinal",
            Self::CatmullRom => "catmullRom",
            Self::Linear => "linear",
            Self::MonotoneX => "monotoneX",
            Self::MonotoneY => "monotoneY",
            Self::Natural => "natural",
            Self::Step => "step",
            Self::StepAfter => "stepAfter",
            Self::StepBefore => "stepBefore",
        }
    }
}

impl Graph {
    /// As Mermaid, to be put into Markdown between fences of `mermaid`.
    #[doc(alias = "get_graph")]
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

/// Words that Mermaid takes for its own.
const RESERVED: [&str; 11] = [
    "class", "classDef", "click", "default", "direction", "end", "flowchart", "graph", "linkStyle", "style", "subgraph",
];

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
    let special = ['(', ')', '[', ']', '{', '}', '"', '|', ';', '#', '\n', '\r'];
    match text.chars().next() {
        Some(first) if RESERVED.contains(&text) => format!("#{};{}", u32::from(first), &text[first.len_utf8()..]),
        _ if text.contains(special) => escaped(text),
        _ => text.to_owned(),
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

/// Maps as YAML in block form, all else in flow form, which is JSON.
fn yaml(text: &mut String, map: &Map<String, Value>, depth: usize) {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    for (key, value) in entries {
        let (indent, key) = ("  ".repeat(depth), scalar(key));
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                line(text, format_args!("{indent}{key}:"));
                yaml(text, inner, depth + 1);
            }
            Value::String(value) => line(text, format_args!("{indent}{key}: {}", scalar(value))),
            value => line(text, format_args!("{indent}{key}: {value}")),
        }
    }
}

fn scalar(text: &str) -> String {
    let plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && text.chars().all(is_plain);
    let lower = text.to_ascii_lowercase();
    let word = matches!(lower.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    match plain && !word {
        true => text.to_owned(),
        false if text.contains(char::is_control) => Value::from(text).to_string(),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}
