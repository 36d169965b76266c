//! The iterator of a function that returns one: its run opens at the first item, and closes with the iterator.

use std::iter::FusedIterator;

use runtree_core::Status;

use super::call::Entry;
use super::stream::{Item, Items};

/// An iterator whose run opens at the first item.
///
/// # Drop
/// The run closes as truncated, with the items so far.
#[must_use = "iterators do nothing unless asked"]
pub struct TracedIter<Start, I, N> {
    /// Declared first: what is below closes first.
    body: Option<I>,
    start: Option<Start>,
    entry: Option<Entry>,
    items: Items,
    note: N,
}

impl<Start, I, N> TracedIter<Start, I, N>
where
    Start: FnOnce() -> (Entry, I),
    I: Iterator,
    N: FnMut(&I::Item, bool) -> Item,
{
    /// `start` opens the run and gives the iterator; `note` says what the run is to know of an item, with its JSON if
    /// that is wanted.
    pub fn new(items: Items, start: Start, note: N) -> Self {
        Self { body: None, start: Some(start), entry: None, items, note }
    }
}

impl<Start, I, N> TracedIter<Start, I, N> {
    fn close(&mut self, status: Status) {
        self.body = None;
        if let Some(mut entry) = self.entry.take() {
            self.items.close(&mut entry, status);
        }
    }
}

impl<Start, I, N> Iterator for TracedIter<Start, I, N>
where
    Start: FnOnce() -> (Entry, I),
    I: Iterator,
    N: FnMut(&I::Item, bool) -> Item,
{
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        if let Some(start) = self.start.take() {
            let (entry, body) = start();
            (self.entry, self.body) = (Some(entry), Some(body));
        }
        let (entry, body) = (self.entry.as_mut()?, self.body.as_mut()?);
        let Some(item) = entry.enter(|| body.next()) else {
            self.close(Status::Success);
            return None;
        };
        if entry.is_heard() {
            self.items.push(entry, (self.note)(&item, entry.wants_outputs()));
        }
        Some(item)
    }
}

impl<Start, I, N> FusedIterator for TracedIter<Start, I, N>
where
    Start: FnOnce() -> (Entry, I),
    I: Iterator,
    N: FnMut(&I::Item, bool) -> Item,
{
}

impl<Start, I, N> Drop for TracedIter<Start, I, N> {
    fn drop(&mut self) {
        self.close(Status::Truncated);
    }
}

impl<Start, I, N> std::fmt::Debug for TracedIter<Start, I, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TracedIter").field("entry", &self.entry).field("items", &self.items).finish_non_exhaustive()
    }
}
