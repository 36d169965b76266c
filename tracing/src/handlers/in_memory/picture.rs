//! Runs drawn as a tree of text: the oracle of tests.

use std::collections::HashMap;
use std::sync::Arc;

use runtree_core::{Run, Status};
use uuid::Uuid;

use super::InMemory;

impl InMemory {
    /// A picture of all runs: one line for each, two spaces deeper than its parent's.
    ///
    /// A line is the run's name, its [own tags](Run::own_tags), and how it stands if that is not success: `[pending]`,
    /// `[cancelled]`, `[truncated]`, `[panicked]`, or `[error: …]` with the error's message.
    pub fn tree(&self) -> String {
        self.picture(line)
    }

    /// A picture of all runs, each line written by `line`.
    pub fn picture(&self, line: impl Fn(&Run) -> String) -> String {
        let mut below: HashMap<Uuid, Vec<Arc<Run>>> = HashMap::new();
        for run in self.runs() {
            if let Some(parent) = run.parent_id() {
                below.entry(parent).or_default().push(run);
            }
        }
        let mut lines = Vec::new();
        // The runs still to draw, the next one last: deep trees need no deep stack.
        let mut waiting: Vec<(usize, Arc<Run>)> = self.roots().into_iter().rev().map(|root| (0, root)).collect();
        while let Some((depth, run)) = waiting.pop() {
            lines.push(format!("{:1$}{2}", "", depth * 2, line(&run)));
            let children = below.remove(&run.id()).unwrap_or_default();
            waiting.extend(children.into_iter().rev().map(|child| (depth + 1, child)));
        }
        lines.join("\n")
    }

    /// Compares the [`tree`](Self::tree) with `expected`, whose common indentation and blank first and last lines do
    /// not count.
    ///
    /// # Panics
    /// If they differ; the message shows both.
    #[track_caller]
    pub fn assert_tree(&self, expected: &str) {
        let (tree, expected) = (self.tree(), dedent(expected));
        assert!(tree == expected, "the runs are not as expected\n── expected\n{expected}\n── but are\n{tree}\n──");
    }
}

fn line(run: &Run) -> String {
    let mut line = run.name().to_owned();
    for tag in run.own_tags() {
        line.push(' ');
        line.push_str(&tag);
    }
    match (run.status(), run.error()) {
        (Status::Success, _) => {}
        (Status::Error, Some(error)) => line.push_str(&format!(" [error: {}]", error.message())),
        (status, _) => line.push_str(&format!(" [{status}]")),
    }
    line
}

fn dedent(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let margin = lines.iter().filter(|line| !line.is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    let lines: Vec<&str> = lines.iter().map(|line| line.get(margin..).unwrap_or("")).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}
