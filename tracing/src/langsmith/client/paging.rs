//! Pages as one stream.

use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use runtree_core::{Error, Result};

/// The most entries of a page.
const PAGE: usize = 100;

/// The entries of pages, one by one.
pub(super) fn one_by_one<T: Send + 'static, Pages>(pages: Pages) -> impl Stream<Item = Result<T>> + Send + Unpin
where
    Pages: Stream<Item = Result<Vec<T>>> + Send + 'static,
{
    pages.map_ok(|entries| stream::iter(entries.into_iter().map(Ok))).try_flatten().boxed()
}

/// The entries of pages that are counted by offset, up to a page that is not full. `page` is given how many entries
/// it is to fetch, and the offset.
pub(super) fn by_offset<T, F, Page>(limit: Option<usize>, page: F) -> impl Stream<Item = Result<T>> + Send + Unpin
where
    T: Send + 'static,
    F: Fn(usize, usize) -> Page + Send + 'static,
    Page: Future<Output = Result<Vec<T>>> + Send + 'static,
{
    one_by_one(stream::try_unfold(Some(0), move |offset: Option<usize>| {
        let size = |offset| limit.map_or(PAGE, |limit| PAGE.min(limit - offset));
        let wanted = offset.map(|offset| (offset, size(offset))).filter(|(_, size)| *size > 0);
        let fetched = wanted.map(|(offset, size)| (offset, size, page(size, offset)));
        async move {
            let Some((offset, size, page)) = fetched else { return Ok(None) };
            let mut entries = page.await?;
            entries.truncate(size);
            let next = (entries.len() == size).then_some(offset + size);
            Ok::<_, Error>(Some((entries, next)))
        }
    }))
}
