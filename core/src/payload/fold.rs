//! Folds the chunks of a stream into one value.

use super::{Merge, Payload};

/// The chunks seen so far, as one value.
///
/// Chunks are [merged](Payload::merge) while they can be; from the first that could not be, the newest chunk
/// stands for the whole.
///
/// ```
/// use runtree_core::Fold;
/// use serde_json::json;
///
/// let fold = |chunks: [serde_json::Value; 4]| chunks.into_iter().collect::<Fold<_>>().into_inner();
/// assert_eq!(fold([json!("a"), json!("b"), json!("c"), json!("d")]), Some(json!("abcd")));
/// assert_eq!(fold([json!("a"), json!("b"), json!(5), json!(6)]), Some(json!(6)));
/// ```
#[derive(Clone, Debug)]
pub struct Fold<T> {
    whole: Option<T>,
    newest_wins: bool,
}

impl<T> Default for Fold<T> {
    fn default() -> Self {
        Self { whole: None, newest_wins: false }
    }
}

impl<T: Payload> Fold<T> {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next chunk.
    pub fn push(&mut self, chunk: T) {
        match &mut self.whole {
            Some(whole) if self.newest_wins => *whole = chunk,
            Some(whole) => self.newest_wins = whole.merge(chunk) == Merge::Replaced,
            None => self.whole = Some(chunk),
        }
    }

    /// What the chunks make so far; `None` before the first.
    pub fn get(&self) -> Option<&T> {
        self.whole.as_ref()
    }

    /// What the chunks made; `None` if there were none.
    pub fn into_inner(self) -> Option<T> {
        self.whole
    }
}

impl<T: Payload> FromIterator<T> for Fold<T> {
    fn from_iter<I: IntoIterator<Item = T>>(chunks: I) -> Self {
        let mut fold = Self::new();
        fold.extend(chunks);
        fold
    }
}

impl<T: Payload> Extend<T> for Fold<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, chunks: I) {
        chunks.into_iter().for_each(|chunk| self.push(chunk));
    }
}
