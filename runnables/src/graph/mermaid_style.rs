//! How Mermaid is to draw a graph.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

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
    pub(super) styled: bool,
    pub(super) direction: Direction,
    curve: Curve,
    pub(super) classes: [(&'static str, Cow<'static, str>); 3],
    pub(super) words_per_line: usize,
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
    pub(super) fn front_matter(&self) -> String {
        let mut config = self.config.clone();
        let flowchart = config.entry("flowchart").or_insert_with(|| json!({}));
        if !flowchart.is_object() {
            *flowchart = json!({});
        }
        flowchart["curve"] = self.curve.as_str().into();
        format!("---\n{}---\n", yaml(&Map::from_iter([("config".to_owned(), config.into())]), 0))
    }
}

impl Default for Mermaid {
    fn default() -> Self {
        Self::new()
    }
}

impl Direction {
    pub(super) fn as_str(self) -> &'static str {
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

/// A map as YAML in block form, with sorted keys; lists in flow form, which is JSON.
fn yaml(map: &Map<String, Value>, depth: usize) -> String {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    let lines = entries.into_iter().map(|(key, value)| {
        let rest = match value {
            Value::Object(inner) if !inner.is_empty() => format!("\n{}", yaml(inner, depth + 1)),
            Value::String(text) => format!(" {}\n", scalar(text)),
            value => format!(" {value}\n"),
        };
        format!("{}{}:{rest}", "  ".repeat(depth), scalar(key))
    });
    lines.collect()
}

/// A text that YAML reads as that text.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    let lower = text.to_ascii_lowercase();
    let word = matches!(lower.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    match plain && !word {
        true => text.to_owned(),
        false if text.contains(char::is_control) => Value::from(text).to_string(),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}
