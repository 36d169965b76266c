//! Work that is stopped half-way.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Polls `work` that often, and drops it if it is not done then. It must wake itself between.
pub(crate) async fn at_most<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|cx| {
        left -= 1;
        match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
