//! Small figures, or, with `RUNTREE_CHAOS=full`, large ones.

/// One of two figures: the small one, unless tests run in full.
pub(crate) fn sized<T>(small: T, full: T) -> T {
    if std::env::var_os("RUNTREE_CHAOS").is_some_and(|size| size == "full") { full } else { small }
}
