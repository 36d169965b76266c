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
    about(&mut line, node, node.ending.as_ref());
    match &node.ending {
        Some(ending) => line.push(Ink::Dim, format!(" {}", time(ending.took))),
        None => {
            // Tenths of a second from the start: the line of an open run should not flicker.
            let tenths = frame.now.saturating_duration_since(node.began).as_millis() / 100;
            let took = if tenths < 600 { format!("{}.{}s", tenths / 10, tenths % 10) } else { minutes(tenths / 10) };
            line.push(Ink::Dim, format!(" {took}"));
        }
    }
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
        _ => minutes(micros / 1_000_000),
    }
}

fn minutes(seconds: u128) -> String {
    format!("{}m{:02}s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::console::state::State;
    use insta::assert_snapshot;

    /// Runs numbered from 1, that open when they are told to.
    struct Scene {
        state: State,
        began: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self { state: State::default(), began: Instant::now() }
        }

        fn open(&mut self, id: u128, parent: Option<u128>, name: &str, tags: &[&str], at_ms: u64) {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            let node = Node::new(name.to_owned(), tags, self.began + Duration::from_millis(at_ms));
            self.state.open(Uuid::from_u128(id), parent.map(Uuid::from_u128), node);
        }

        fn close(&mut self, id: u128, took_us: u64, status: Status, error: Option<&str>) {
            let (took, error) = (Duration::from_micros(took_us), error.map(str::to_owned));
            self.state.close(Uuid::from_u128(id), Ending { status, took, error, usage: None });
        }

        fn frame(&self, at_ms: u64) -> Frame {
            Frame { now: self.began + Duration::from_millis(at_ms), turn: Some(2) }
        }

        fn live(&self, at_ms: u64, height: usize) -> String {
            text(&live(&self.state.trees, height, self.frame(at_ms)))
        }

        fn finished(&mut self) -> String {
            let (out, _) = self.state.take();
            let trees = out.iter().map(|out| match out {
                crate::handlers::console::state::Out::Tree(tree) => {
                    text(&finished(tree, Frame { turn: None, ..self.frame(0) }))
                }
                other => panic!("not a tree: {other:?}"),
            });
            trees.collect::<Vec<_>>().join("\n")
        }
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.render(Some(79), false)).collect::<Vec<_>>().join("\n")
    }

    fn chain() -> Scene {
        let mut scene = Scene::new();
        scene.open(1, None, "answer", &[], 0);
        scene.open(2, Some(1), "prompt", &["seq:step:1"], 1);
        scene.close(2, 420, Status::Success, None);
        scene.open(3, Some(1), "model", &["seq:step:2"], 2);
        scene
    }

    #[test]
    fn an_open_tree_shows_what_runs_and_what_it_says() {
        let mut scene = chain();
        for word in ["Once ", "upon\na ", "time"] {
            scene.state.chunk(Uuid::from_u128(3), Some(word));
        }
        assert_snapshot!(scene.live(1_290, 10), @"
        ⠹ answer 1.2s
        ├─ ✓ prompt seq:step:1 420µs
        └─ ⠹ model seq:step:2 3 chunks 1.2s  Once upon a time
        ");
    }

    #[test]
    fn a_tree_that_ended_leaves_the_live_region_and_stays() {
        let mut scene = chain();
        scene.state.chunk(Uuid::from_u128(3), Some("Once"));
        let usage = Some(Usage { input: 120, output: 45 });
        let (status, took) = (Status::Success, Duration::from_millis(2_345));
        scene.state.close(Uuid::from_u128(3), Ending { status, took, error: None, usage });
        scene.close(1, 61_000_000, Status::Success, None);
        assert_eq!(scene.live(0, 10), "");
        assert_snapshot!(scene.finished(), @"
        ✓ answer 1m01s
        ├─ ✓ prompt seq:step:1 420µs
        └─ ✓ model seq:step:2 1 chunk 120→45 tokens 2.3s
        ");
    }

    #[test]
    fn errors_stand_where_they_arose() {
        let mut scene = Scene::new();
        scene.open(1, None, "answer", &[], 0);
        scene.open(2, Some(1), "left", &[], 0);
        scene.open(3, Some(2), "parser", &[], 0);
        scene.open(4, Some(1), "right", &[], 0);
        scene.close(3, 5_000, Status::Error, Some("expected value at line 1"));
        scene.close(2, 6_000, Status::Error, Some("expected value at line 1"));
        scene.close(4, 15_000, Status::Cancelled, None);
        scene.close(1, 700_000, Status::Error, Some("expected value at line 1"));
        assert_snapshot!(scene.finished(), @"
        ✗ answer 700ms
        ├─ ✗ left 6.0ms
        │  └─ ✗ parser 5.0ms
        │       expected value at line 1
        └─ ⊘ right 15ms cancelled
        ");
    }

    #[test]
    fn runs_still_open_at_the_end_say_so() {
        let mut scene = chain();
        scene.state.finish();
        assert_snapshot!(scene.finished(), @"
        … answer 0.0s still open
        ├─ ✓ prompt seq:step:1 420µs
        └─ … model seq:step:2 0.0s still open
        ");
        scene.close(3, 1, Status::Success, None);
        scene.close(1, 1, Status::Success, None);
        assert_eq!(scene.finished(), "");
    }

    /// Three workers under a root, each with four runs below, of which the last is open.
    fn crowd() -> Scene {
        let mut scene = Scene::new();
        scene.open(1, None, "root", &[], 0);
        for worker in [10, 20, 30] {
            scene.open(worker, Some(1), &format!("worker {worker}"), &[], 0);
            for step in worker + 1..worker + 5 {
                scene.open(step, Some(worker), &format!("step {step}"), &[], 0);
                if step < worker + 4 {
                    scene.close(step, 1_000, Status::Success, None);
                }
            }
        }
        scene.close(14, 1_000, Status::Success, None);
        scene.close(10, 4_000, Status::Success, None);
        scene
    }

    #[test]
    fn trees_too_tall_fold_what_has_ended_first() {
        assert_eq!(crowd().live(0, 16).lines().count(), 16);
        assert_snapshot!(crowd().live(0, 15), @"
        ⠹ root 0.0s
        ├─ ✓ worker 10 4.0ms (+4 ended)
        ├─ ⠹ worker 20 0.0s
        │  ├─ ✓ step 21 1.0ms
        │  ├─ ✓ step 22 1.0ms
        │  ├─ ✓ step 23 1.0ms
        │  └─ ⠹ step 24 0.0s
        └─ ⠹ worker 30 0.0s
           ├─ ✓ step 31 1.0ms
           ├─ ✓ step 32 1.0ms
           ├─ ✓ step 33 1.0ms
           └─ ⠹ step 34 0.0s
        ");
        assert_snapshot!(crowd().live(0, 11), @"
        ⠹ root 0.0s (+5 ended)
        ├─ ⠹ worker 20 0.0s (+3 ended)
        │  └─ ⠹ step 24 0.0s
        └─ ⠹ worker 30 0.0s (+3 ended)
           └─ ⠹ step 34 0.0s
        ");
    }

    #[test]
    fn trees_still_too_tall_show_their_root_and_what_is_newest() {
        assert_snapshot!(crowd().live(0, 4), @"
        ⠹ root 0.0s (+5 ended)
        … 2 more lines
        └─ ⠹ worker 30 0.0s (+3 ended)
           └─ ⠹ step 34 0.0s
        ");
        for height in 1..20 {
            assert!(crowd().live(0, height).lines().count() <= height);
        }
    }

    #[test]
    fn of_very_many_runs_the_rest_is_counted() {
        let mut scene = Scene::new();
        scene.open(1, None, "root", &[], 0);
        for id in 2..=1_500 {
            scene.open(id, Some(1), "item", &[], 0);
            scene.open(id + 10_000, Some(id), "below", &[], 0);
            scene.close(id + 10_000, 1_000, Status::Success, None);
            scene.close(id, 1_000, Status::Success, None);
        }
        scene.close(1, 1_000, Status::Success, None);
        let finished = scene.finished();
        assert_eq!(finished.lines().count(), 1_001);
        assert!(finished.ends_with("… and 1999 more runs"), "{}", finished.lines().last().unwrap());
    }

    #[test]
    fn times_are_short() {
        let shown: Vec<String> = [0, 999, 1_500, 12_345, 999_999, 1_290_000, 60_000_000, 3_661_000_000]
            .map(Duration::from_micros)
            .map(time)
            .into();
        assert_eq!(shown, ["0µs", "999µs", "1.5ms", "12ms", "999ms", "1.2s", "1m00s", "61m01s"]);
    }
}
