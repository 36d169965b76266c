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
pub struct TracedIter<Start, I> {
    /// Declared first: what is below closes first.
    body: Option<I>,
    start: Option<Start>,
    entry: Option<Entry>,
    items: Items,
}

impl<Start, I> TracedIter<Start, I> {
    /// `start` opens the run and gives the iterator.
    pub fn new<T>(items: Items, start: Start) -> Self
    where
        Start: FnOnce() -> (Entry, I),
        I: Iterator<Item = (T, Option<Item>)>,
    {
        Self { body: None, start: Some(start), entry: None, items }
    }

    fn close(&mut self, status: Status) {
        self.body = None;
        if let Some(mut entry) = self.entry.take() {
            self.items.close(&mut entry, status);
        }
    }
}

impl<Start, I, T> Iterator for TracedIter<Start, I>
where
    Start: FnOnce() -> (Entry, I),
    I: Iterator<Item = (T, Option<Item>)>,
{
    type Item = T;
    fn next(&mut self) -> Option<T> {
        if let Some(start) = self.start.take() {
            let (entry, body) = start();
            (self.entry, self.body) = (Some(entry), Some(body));
        }
        let (entry, body) = (self.entry.as_mut()?, self.body.as_mut()?);
        let Some((item, noted)) = entry.enter(|| body.next()) else {
            self.close(Status::Success);
            return None;
        };
        if let Some(noted) = noted {
            self.items.push(entry, noted);
        }
        Some(item)
    }
}

impl<Start, I, T> FusedIterator for TracedIter<Start, I>
where
    Start: FnOnce() -> (Entry, I),
    I: Iterator<Item = (T, Option<Item>)>,
{
}

impl<Start, I> Drop for TracedIter<Start, I> {
    fn drop(&mut self) {
        self.close(Status::Truncated);
    }
}

impl<Start, I> std::fmt::Debug for TracedIter<Start, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TracedIter").field("entry", &self.entry).field("items", &self.items).finish_non_exhaustive()
    }
}

/// An iterator with what the run is to know of each item beside it.
pub fn noted_iter<I: Iterator>(
    items: I,
    mut note: impl FnMut(&I::Item) -> Option<Item>,
) -> impl Iterator<Item = (I::Item, Option<Item>)> {
    items.map(move |item| {
        let noted = note(&item);
        (item, noted)
    })
}
