//! Draws what is known of the runs as lines: nothing here looks at a clock, a terminal or a run.

use std::time::{Duration, Instant};

use runtree_core::Status;
use uuid::Uuid;

use super::state::{Ending, Node, Tree, Usage};
use super::text::{Ink, Line};

/// How many columns the newest text of a stream gets.
const TAIL: usize = 48;

/// The moment that is drawn: the clock, and the turn of the spinner; without one, the picture stays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) now: Instant,
    pub(super) turn: Option<usize>,
}

/// How much of a tree is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// All of it.
    Whole,
    /// Nothing below runs that have ended.
    Folded,
    /// Only what is open.
    Open,
}

/// A tree as it stays in the terminal.
pub(super) fn finished(tree: &Tree, frame: Frame) -> Vec<Line> {
    rows(tree, Detail::Whole, frame)
}

/// The trees as they stand, in at most `height` lines: what has ended folds away first, then the middle.
pub(super) fn live(trees: &[Tree], height: usize, frame: Frame) -> Vec<Line> {
    let mut lines = Vec::new();
    for detail in [Detail::Whole, Detail::Folded, Detail::Open] {
        lines = trees.iter().flat_map(|tree| rows(tree, detail, frame)).collect();
        if lines.len() <= height {
            return lines;
        }
    }
    let Some(shown) = height.checked_sub(2).filter(|&shown| shown > 0) else {
        return lines.split_off(lines.len() - height);
    };
    let newest = lines.split_off(lines.len() - shown);
    let hidden = lines.len() - 1;
    lines.truncate(1);
    lines.push(Line::default().with(Ink::Dim, format!("… {hidden} more lines")));
    lines.extend(newest);
    lines
}

/// One line for a run that ended, with the names of those above it.
pub(super) fn plain(above: &[String], node: &Node, ending: &Ending) -> Line {
    let word = if ending.status == Status::Success { "ok" } else { ending.status.as_str() };
    let mut line = Line::default()
        .with(ink(ending.status), format!("{word:<9}"))
        .with(Ink::Dim, format!(" {:>7}  ", time(ending.took)));
    for name in above {
        line.push(Ink::Plain, format!("{name} > "));
    }
    line.push(Ink::Strong, &node.name);
    about(&mut line, node, Some(ending));
    if let Some(error) = &ending.error {
        line.push(Ink::Bad, format!(": {error}"));
    }
    line
}

fn rows(tree: &Tree, detail: Detail, frame: Frame) -> Vec<Line> {
    let mut rows = Vec::new();
    // What is still to draw, the next last: the run, what stands before its line, and before those below it.
    let mut waiting = vec![(tree.root, String::new(), String::new())];
    while let Some((id, before, below)) = waiting.pop() {
        let Some(node) = tree.nodes.get(&id) else { continue };
        let children = shown(tree, node, detail);
        rows.push(row(tree, node, &children, before, frame));
        if let Some(error) = own_error(tree, node) {
            let bar = if children.is_empty() { "  " } else { "│ " };
            rows.push(Line::default().with(Ink::Dim, format!("{below}{bar}")).with(Ink::Bad, error));
        }
        let last = children.len().saturating_sub(1);
        for (place, child) in children.into_iter().enumerate().rev() {
            let (branch, bar) = if place == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            waiting.push((child, format!("{below}{branch}"), format!("{below}{bar}")));
        }
    }
    if tree.left_out > 0 {
        rows.push(Line::default().with(Ink::Dim, format!("   … and {} more runs", tree.left_out)));
    }
    rows
}

fn shown(tree: &Tree, node: &Node, detail: Detail) -> Vec<Uuid> {
    let is_open = |id: &Uuid| tree.nodes.get(id).is_some_and(|child| child.ending.is_none());
    match detail {
        Detail::Whole => node.children.clone(),
        Detail::Folded if node.ending.is_some() => Vec::new(),
        Detail::Folded => node.children.clone(),
        Detail::Open => node.children.iter().filter(|id| is_open(id)).copied().collect(),
    }
}

fn row(tree: &Tree, node: &Node, children: &[Uuid], before: String, frame: Frame) -> Line {
    let mut line = Line::default().with(Ink::Dim, before);
    match &node.ending {
        None => {
            const TURNS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
            line.push(Ink::Busy, frame.turn.map_or(mark(Status::Pending), |turn| TURNS[turn % TURNS.len()]));
        }
        Some(ending) => line.push(ink(ending.status), mark(ending.status)),
    }
    line.push(Ink::Strong, format!(" {}", node.name));
    let took = node.ending.as_ref().map_or_else(
        // Tenths of a second: an open run's line should not flicker.
        || Duration::from_millis(frame.now.saturating_duration_since(node.began).as_millis() as u64 / 100 * 100),
        |ending| ending.took,
    );
    about(&mut line, node, node.ending.as_ref());
    line.push(Ink::Dim, format!(" {}", time(took)));
    match node.ending.as_ref().map(|ending| ending.status) {
        None if frame.turn.is_none() => line.push(Ink::Busy, " still open"),
        Some(status @ (Status::Cancelled | Status::Truncated | Status::Panicked)) => {
            line.push(ink(status), format!(" {status}"));
        }
        _ => {}
    }
    if children.len() < node.children.len() {
        let hidden = node.children.iter().filter(|id| !children.contains(id)).map(|id| size(tree, *id)).sum::<usize>();
        line.push(Ink::Dim, format!(" (+{hidden} ended)"));
    }
    let tail = node.tail.last(TAIL);
    if !tail.is_empty() {
        line.push(Ink::Plain, format!("  {tail}"));
    }
    line
}

/// Tags, chunks and tokens.
fn about(line: &mut Line, node: &Node, ending: Option<&Ending>) {
    for tag in &node.tags {
        line.push(Ink::Dim, format!(" {tag}"));
    }
    match node.chunks {
        0 => {}
        1 => line.push(Ink::Dim, " 1 chunk"),
        chunks => line.push(Ink::Dim, format!(" {chunks} chunks")),
    }
    if let Some(Usage { input, output }) = ending.and_then(|ending| ending.usage) {
        line.push(Ink::Busy, format!(" {input}→{output} tokens"));
    }
}

/// How many runs a run and those below it are.
fn size(tree: &Tree, id: Uuid) -> usize {
    let mut count = 0;
    let mut waiting = vec![id];
    while let Some(id) = waiting.pop() {
        count += 1;
        waiting.extend(tree.nodes.get(&id).into_iter().flat_map(|node| &node.children));
    }
    count
}

/// The error of a run, unless it came from a run below, where it is shown.
fn own_error<'a>(tree: &'a Tree, node: &'a Node) -> Option<&'a str> {
    let error = |node: &'a Node| node.ending.as_ref().and_then(|ending| ending.error.as_deref());
    let own = error(node)?;
    let from_below = node.children.iter().filter_map(|id| tree.nodes.get(id)).any(|child| error(child) == Some(own));
    (!from_below).then_some(own)
}

fn mark(status: Status) -> &'static str {
    match status {
        Status::Pending => "…",
        Status::Success => "✓",
        Status::Error | Status::Panicked => "✗",
        Status::Cancelled => "⊘",
        Status::Truncated => "◐",
    }
}

fn ink(status: Status) -> Ink {
    match status {
        Status::Pending => Ink::Busy,
        Status::Success => Ink::Good,
        Status::Error | Status::Panicked => Ink::Bad,
        Status::Cancelled | Status::Truncated => Ink::Warn,
    }
}

fn time(took: Duration) -> String {
    let micros = took.as_micros();
    match micros {
        0..1_000 => format!("{micros}µs"),
        1_000..10_000 => format!("{:.1}ms", took.as_secs_f64() * 1e3),
        10_000..1_000_000 => format!("{}ms", micros / 1000),
        1_000_000..60_000_000 => format!("{}.{}s", micros / 1_000_000, micros / 100_000 % 10),
        _ => format!("{}m{:02}s", micros / 60_000_000, micros / 1_000_000 % 60),
    }
}
