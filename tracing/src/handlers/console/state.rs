//! What the console knows of the runs it shows. It holds no run: those hold their handlers.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use runtree_core::Status;
use uuid::Uuid;

use super::text::{self, Line, Tail};

/// How many runs of one tree are shown; the others are counted.
const SHOWN: usize = 1000;
/// How many lines may wait to be printed; what comes then is counted.
const WAITING: usize = 20_000;

/// How many tokens a model read and wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) input: u64,
    pub(super) output: u64,
}

/// How a run ended; its error is fit to be printed.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) status: Status,
    pub(super) took: Duration,
    pub(super) error: Option<String>,
    pub(super) usage: Option<Usage>,
}

/// A run as it is shown; its texts are fit to be printed.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) tags: Vec<String>,
    pub(super) began: Instant,
    pub(super) ending: Option<Ending>,
    pub(super) chunks: u64,
    pub(super) tail: Tail,
    pub(super) children: Vec<Uuid>,
}

impl Node {
    pub(super) fn new(name: String, tags: Vec<String>, began: Instant) -> Self {
        Self { name, tags, began, ending: None, chunks: 0, tail: Tail::default(), children: Vec::new() }
    }
}

/// A run without a parent here, and all below it.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) root: Uuid,
    pub(super) nodes: HashMap<Uuid, Node>,
    /// How many runs are too many to be shown.
    pub(super) left_out: usize,
}

impl Tree {
    fn is_closed(&self) -> bool {
        self.nodes.get(&self.root).is_none_or(|root| root.ending.is_some())
    }
}

/// What is to be printed for good.
#[derive(Clone, Debug)]
pub(super) enum Out {
    Tree(Tree),
    Line(Line),
    /// Line ends included.
    Text(String),
}

impl Out {
    fn lines(&self) -> usize {
        match self {
            Self::Tree(tree) => tree.nodes.len(),
            Self::Line(_) | Self::Text(_) => 1,
        }
    }
}

/// All that is shown, and all that waits to be printed.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) trees: Vec<Tree>,
    /// In which tree each open run is.
    places: HashMap<Uuid, Uuid>,
    /// The beginning of a line that the user prints.
    pub(super) partial: String,
    out: Vec<Out>,
    /// Lines of runs that ended while a line of the user's was half printed.
    held: Vec<Out>,
    waiting: usize,
    missed: usize,
    /// Whether something changed since it was last drawn.
    pub(super) changed: bool,
    /// Whether a thread is there that draws.
    pub(super) drawn_by_thread: bool,
}

impl State {
    pub(super) fn open(&mut self, id: Uuid, parent: Option<Uuid>, node: Node) {
        self.changed = true;
        let above = parent.and_then(|parent| {
            let root = *self.places.get(&parent)?;
            self.trees.iter_mut().rfind(|tree| tree.root == root).map(|tree| (parent, tree))
        });
        let Some((parent, tree)) = above else {
            self.places.insert(id, id);
            return self.trees.push(Tree { root: id, nodes: HashMap::from([(id, node)]), left_out: 0 });
        };
        self.places.insert(id, tree.root);
        let room = tree.nodes.len() < SHOWN;
        match tree.nodes.get_mut(&parent).filter(|_| room) {
            Some(parent) => {
                parent.children.push(id);
                tree.nodes.insert(id, node);
            }
            None => tree.left_out += 1,
        }
    }

    pub(super) fn chunk(&mut self, id: Uuid, text: Option<&str>) {
        self.changed = true;
        let Some(node) = self.node(id) else { return };
        node.chunks += 1;
        node.tail.push(text.unwrap_or_default());
    }

    pub(super) fn close(&mut self, id: Uuid, ending: Ending) {
        self.changed = true;
        if let Some(node) = self.node(id) {
            node.ending = Some(ending);
            node.tail = Tail::default();
        }
        self.places.remove(&id);
        self.settle();
    }

    /// Prints a line of a run for good, once no line of the user's is half printed.
    pub(super) fn say(&mut self, line: Line) {
        self.changed = true;
        self.push(Out::Line(line));
        self.settle();
    }

    /// Prints text of the user's: whole lines for good, the rest for now.
    pub(super) fn print(&mut self, text: &str) {
        self.changed = true;
        self.partial.push_str(&text::lines(text));
        if let Some(end) = self.partial.rfind('\n') {
            let rest = self.partial.split_off(end + 1);
            let whole = std::mem::replace(&mut self.partial, rest);
            self.out.push(Out::Text(whole));
        }
        self.settle();
    }

    /// Ends a line of the user's that is half printed.
    pub(super) fn end_line(&mut self) {
        if !self.partial.is_empty() {
            self.print("\n");
        }
    }

    /// Lets everything be printed for good, runs that are open as they stand.
    pub(super) fn finish(&mut self) {
        self.end_line();
        for tree in std::mem::take(&mut self.trees) {
            self.push(Out::Tree(tree));
        }
        self.settle();
        self.changed = true;
    }

    /// What is to be printed for good now, and how many lines were too many.
    pub(super) fn take(&mut self) -> (Vec<Out>, usize) {
        self.waiting = 0;
        (std::mem::take(&mut self.out), std::mem::take(&mut self.missed))
    }

    fn node(&mut self, id: Uuid) -> Option<&mut Node> {
        let root = *self.places.get(&id)?;
        self.trees.iter_mut().rfind(|tree| tree.root == root)?.nodes.get_mut(&id)
    }

    fn push(&mut self, out: Out) {
        if self.waiting + out.lines() > WAITING {
            self.missed += out.lines();
            return;
        }
        self.waiting += out.lines();
        self.held.push(out);
    }

    /// Hands on what waits for the user's line to end, if it has.
    fn settle(&mut self) {
        if !self.partial.is_empty() {
            return;
        }
        let closed: Vec<Tree> = self.trees.extract_if(.., |tree| tree.is_closed()).collect();
        closed.into_iter().for_each(|tree| self.push(Out::Tree(tree)));
        self.out.append(&mut self.held);
    }
}
