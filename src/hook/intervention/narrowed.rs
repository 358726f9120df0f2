//! [`Narrow`]: the narrowing methods for an intervention in a `Result`, so that no `?` is needed.

use super::{Intervention, ToIndex};
use crate::Result;

/// The narrowing methods of [`Intervention`] for a `Result`, such as the one [`patch`](crate::hook::patch) returns:
/// `patch(site, cache).position(-1)`.
///
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let clean = model.run("red fox blue owl red fox blue")?;
/// let corrupt = "red fox blue ant red fox blue";
/// let patched = model.run_with(corrupt, patch(Site::attn_out(1), clean.cache()).position(-1))?;
/// assert!(patched.probability("owl", -1)? > model.run(corrupt)?.probability("owl", -1)?);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait Narrow: Sized {
    /// As [`Intervention::head`].
    fn head(self, head: impl ToIndex) -> Self;
    /// As [`Intervention::heads`].
    fn heads(self, heads: impl IntoIterator<Item = impl ToIndex>) -> Self;
    /// As [`Intervention::position`].
    fn position(self, position: impl ToIndex) -> Self;
    /// As [`Intervention::positions`].
    fn positions(self, positions: impl IntoIterator<Item = impl ToIndex>) -> Self;
    /// As [`Intervention::key`].
    fn key(self, key: impl ToIndex) -> Self;
    /// As [`Intervention::keys`].
    fn keys(self, keys: impl IntoIterator<Item = impl ToIndex>) -> Self;
    /// As [`Intervention::neuron`].
    fn neuron(self, neuron: impl ToIndex) -> Self;
    /// As [`Intervention::neurons`].
    fn neurons(self, neurons: impl IntoIterator<Item = impl ToIndex>) -> Self;
    /// As [`Intervention::text`].
    fn text(self, text: impl ToIndex) -> Self;
}

impl Narrow for Result<Intervention> {
    fn head(self, head: impl ToIndex) -> Self {
        self.map(|one| one.head(head))
    }

    fn heads(self, heads: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.map(|one| one.heads(heads))
    }

    fn position(self, position: impl ToIndex) -> Self {
        self.map(|one| one.position(position))
    }

    fn positions(self, positions: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.map(|one| one.positions(positions))
    }

    fn key(self, key: impl ToIndex) -> Self {
        self.map(|one| one.key(key))
    }

    fn keys(self, keys: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.map(|one| one.keys(keys))
    }

    fn neuron(self, neuron: impl ToIndex) -> Self {
        self.map(|one| one.neuron(neuron))
    }

    fn neurons(self, neurons: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.map(|one| one.neurons(neurons))
    }

    fn text(self, text: impl ToIndex) -> Self {
        self.map(|one| one.text(text))
    }
}
