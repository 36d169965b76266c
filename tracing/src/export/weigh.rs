//! How much a run weighs in memory.

use runtree_core::{Record, Run};

/// What a run weighs besides its inputs and outputs.
const RUN: usize = 1 << 10;

/// About how many bytes a run with its inputs takes.
pub(crate) fn opened(run: &Run) -> usize {
    RUN + run.input().map_or(0, Record::weight)
}

/// About how many bytes the outputs add, and the files.
pub(crate) fn closed(run: &Run) -> usize {
    let files: usize = run.attachments().iter().map(|file| file.data.len()).sum();
    opened(run) + files + run.output().map_or(0, Record::weight)
}
