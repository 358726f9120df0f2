//! The thread pool that the operations share.

/// Runs `f` on a thread of the shared pool. Called from any other thread, each operation would wake a pool thread and
/// wait for it, which takes as long as a small product.
pub(crate) fn in_pool<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| f())
}
