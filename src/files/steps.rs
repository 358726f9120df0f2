//! The steps between which a writer may be stopped. They do nothing except in this crate's own tests.

use std::io;

/// Marks the point between two steps that change the disk.
#[cfg(not(test))]
pub(super) fn step() -> io::Result<()> {
    Ok(())
}

/// Whether the writer counts as killed and so must not clean up.
#[cfg(not(test))]
pub(super) fn killed() -> bool {
    false
}

#[cfg(test)]
pub(super) use in_tests::*;

#[cfg(test)]
mod in_tests {
    use super::io;
    use std::cell::Cell;

    /// How a writer ends early.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub(in crate::files) enum End {
        /// An operation fails, and the writer reports it.
        Fail,
        /// The process is killed.
        Kill,
    }

    thread_local! {
        static LEFT: Cell<Option<(usize, End)>> = const { Cell::new(None) };
        static KILLED: Cell<bool> = const { Cell::new(false) };
    }

    pub(in crate::files) fn step() -> io::Result<()> {
        match LEFT.get() {
            Some((0, end)) => {
                KILLED.set(end == End::Kill);
                // A kill is permanent; a failure happens once.
                LEFT.set((end == End::Kill).then_some((0, end)));
                Err(io::Error::other("stopped by a test"))
            }
            Some((left, end)) => {
                LEFT.set(Some((left - 1, end)));
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(in crate::files) fn killed() -> bool {
        KILLED.get()
    }

    /// Ends `write` after so many steps. Returns its result, and whether it was stopped.
    pub(in crate::files) fn ended<T>(steps: usize, end: End, write: impl FnOnce() -> T) -> (T, bool) {
        LEFT.set(Some((steps, end)));
        let said = write();
        let reached = KILLED.get() || LEFT.get().is_none();
        LEFT.set(None);
        KILLED.set(false);
        (said, reached)
    }
}
