//! The steps between which a writer may be stopped. Outside of this crate's own tests nothing ever stops it here.

use std::io;

/// Stands between any two steps that change something on the disk.
#[cfg(not(test))]
pub(super) fn step() -> io::Result<()> {
    Ok(())
}

/// Whether the writer counts as killed, so that it does not tidy up either.
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
        /// An operation fails, and the writer says so.
        Fail,
        /// The process is gone.
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
                // Whoever is dead stays so; a failure happens once.
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

    /// Ends whatever `write` does after so many steps. Gives back what it said, and whether it got that far.
    pub(in crate::files) fn ended<T>(steps: usize, end: End, write: impl FnOnce() -> T) -> (T, bool) {
        LEFT.set(Some((steps, end)));
        let said = write();
        let reached = KILLED.get() || LEFT.get().is_none();
        LEFT.set(None);
        KILLED.set(false);
        (said, reached)
    }
}
