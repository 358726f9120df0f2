//! The threads that the operations share.

/// Runs `f` on one of the threads that the operations share their work among. From any other thread each operation
/// would wake one of them and wait for it, which takes as long as a small product does.
pub(crate) fn in_pool<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| f())
}
