//! The runs of a trace, each below its parent.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::langsmith::wire::Run;

/// The runs of a trace, each below its parent, in the order in which they began.
///
/// A run whose parent is missing is kept: it stands beside the root, marked as an [orphan](RunNode::is_orphan).
///
/// ```
/// use runtree_core::{Moment, RunType};
/// use runtree_tracing::langsmith::client::TraceTree;
/// use runtree_tracing::langsmith::wire::{Run, RunStatus};
/// use uuid::Uuid;
///
/// let id = Uuid::now_v7();
/// let mut root = Run::new(id, id, "answer", RunType::Chain, Moment::from_micros(1_000_000));
/// root.end_time = Some(Moment::from_micros(2_500_000));
/// root.status = RunStatus::Success;
/// let mut child = Run::new(Uuid::now_v7(), id, "lookup", RunType::Tool, Moment::from_micros(1_200_000));
/// child.parent_run_id = Some(id);
///
/// let tree = TraceTree::new([child, root]);
/// assert_eq!(tree.to_string(), "answer [success] 1.50 s\n  lookup [pending]");
/// assert_eq!(tree.root().unwrap().children().next().unwrap().run().name, "lookup");
/// ```
#[derive(Clone, PartialEq)]
pub struct TraceTree {
    /// Each before the runs below it: deep trees need no deep stack.
    nodes: Vec<Node>,
}

#[derive(Clone, PartialEq)]
struct Node {
    run: Run,
    depth: usize,
    orphan: bool,
    /// Behind the last run below it.
    end: usize,
}

impl TraceTree {
    /// Puts runs below their parents. Of two with the same id the later one counts.
    pub fn new(runs: impl IntoIterator<Item = Run>) -> Self {
        let runs: HashMap<Uuid, Run> = runs.into_iter().map(|run| (run.id, run)).collect();
        let mut runs: Vec<Run> = runs.into_values().collect();
        runs.sort_by(|a, b| place(a).cmp(&place(b)));
        let known: HashSet<Uuid> = runs.iter().map(|run| run.id).collect();
        let mut below: HashMap<Uuid, Vec<usize>> = HashMap::new();
        let mut tops = Vec::new();
        for (at, run) in runs.iter().enumerate() {
            match run.parent_run_id.filter(|parent| known.contains(parent)) {
                Some(parent) => below.entry(parent).or_default().push(at),
                None => tops.push(at),
            }
        }
        // Runs that are each other's parents are below nobody: once the others are placed, the first of them is a top.
        let tops = tops.into_iter().chain(0..runs.len());
        let mut runs: Vec<Option<Run>> = runs.into_iter().map(Some).collect();
        let mut tree = Self { nodes: Vec::with_capacity(runs.len()) };
        let mut waiting = Vec::new();
        for top in tops {
            waiting.push((0, top));
            while let Some((depth, at)) = waiting.pop() {
                let Some(run) = runs[at].take() else { continue };
                let children = below.remove(&run.id).unwrap_or_default();
                waiting.extend(children.into_iter().rev().map(|child| (depth + 1, child)));
                let orphan = depth == 0 && !run.is_root();
                tree.nodes.push(Node { run, depth, orphan, end: 0 });
            }
        }
        tree.close();
        tree
    }

    /// Finds where each run's descendants end.
    fn close(&mut self) {
        let mut open: Vec<usize> = Vec::new();
        for at in 0..self.nodes.len() {
            while let Some(before) = open.pop_if(|before| self.nodes[*before].depth >= self.nodes[at].depth) {
                self.nodes[before].end = at;
            }
            open.push(at);
        }
        for before in open {
            self.nodes[before].end = self.nodes.len();
        }
    }

    /// The root; `None` if it is missing.
    pub fn root(&self) -> Option<RunNode<'_>> {
        self.roots().find(|node| !node.is_orphan())
    }

    /// The runs that stand below none: the root, and orphans.
    pub fn roots(&self) -> impl Iterator<Item = RunNode<'_>> {
        self.between(0, self.nodes.len())
    }

    /// All runs, each before the runs below it.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RunNode<'_>> {
        (0..self.nodes.len()).map(|at| RunNode { tree: self, at })
    }

    /// The run of that id.
    pub fn get(&self, id: Uuid) -> Option<RunNode<'_>> {
        self.iter().find(|node| node.run().id == id)
    }

    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All runs, each before the runs below it.
    pub fn into_runs(self) -> Vec<Run> {
        self.nodes.into_iter().map(|node| node.run).collect()
    }

    /// The runs from `start` to `end` that are below none of them.
    fn between(&self, start: usize, end: usize) -> impl Iterator<Item = RunNode<'_>> {
        let next = move |at: usize| (at < end).then_some(at);
        std::iter::successors(next(start), move |at| next(self.nodes[*at].end)).map(|at| RunNode { tree: self, at })
    }
}

/// Where a run belongs. Runs of servers that tell no dotted order are sorted by their start.
fn place(run: &Run) -> (&str, u64, Uuid) {
    (&run.dotted_order, run.start_time.as_micros(), run.id)
}

/// A run in its tree.
#[derive(Clone, Copy)]
pub struct RunNode<'a> {
    tree: &'a TraceTree,
    at: usize,
}

impl<'a> RunNode<'a> {
    /// The run.
    pub fn run(self) -> &'a Run {
        &self.node().run
    }

    /// The runs directly below it.
    pub fn children(self) -> impl Iterator<Item = RunNode<'a>> {
        self.tree.between(self.at + 1, self.node().end)
    }

    /// How many runs it is below.
    pub fn depth(self) -> usize {
        self.node().depth
    }

    /// Whether it says that it has a parent, and that parent is missing.
    pub fn is_orphan(self) -> bool {
        self.node().orphan
    }

    fn node(self) -> &'a Node {
        &self.tree.nodes[self.at]
    }

    fn line(self) -> String {
        let run = self.run();
        let name = run.name.replace(|character: char| character.is_control(), "\u{fffd}");
        let status = run.status.as_str().replace(|character: char| character.is_control(), "\u{fffd}");
        let latency = run.latency().map(|latency| format!(" {}", short(latency))).unwrap_or_default();
        let orphan = if self.is_orphan() { " (its parent is missing)" } else { "" };
        format!("{name} [{status}]{latency}{orphan}")
    }
}

/// `30 ms`, `1.50 s`
fn short(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// The run and those below it, one a line: its name, how it stands, how long it took.
impl fmt::Display for RunNode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (line, at) in (self.at..self.node().end).enumerate() {
            let node = RunNode { tree: self.tree, at };
            let (start, indent) = (if line == 0 { "" } else { "\n" }, (node.depth() - self.depth()) * 2);
            write!(f, "{start}{:indent$}{}", "", node.line())?;
        }
        Ok(())
    }
}

/// All runs, one a line, each two spaces deeper than its parent: its name, how it stands, how long it took.
impl fmt::Display for TraceTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (line, root) in self.roots().enumerate() {
            write!(f, "{}{root}", if line == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for RunNode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "RunNode")?;
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for TraceTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "TraceTree")?;
        fmt::Display::fmt(self, f)
    }
}
