//! How the names of one architecture in GGUF are told back as those of a `config.json` and of the model's own tensors.
//!
//! The names are those that llama.cpp's `convert_hf_to_gguf.py` writes.

use std::collections::BTreeSet;

use super::{facts::Facts, families::FAMILIES, header::TensorInfo, layout::Layout};
use crate::{
    error::{LoadError, Result, nearest},
    load::Settings,
};

/// One family's names.
#[derive(Clone, Copy)]
pub(super) struct Family {
    /// `general.architecture`.
    pub(super) architecture: &'static str,
    /// `model_type` in the model's own configuration.
    pub(super) model_type: &'static str,
    /// Whether a file of this architecture is of this family; the first that says so is taken.
    pub(super) is_it: fn(&Facts) -> bool,
    /// Key of `config.json`, key of GGUF (behind the architecture's name). These must be there.
    pub(super) keys: &'static [&'static [Pair]],
    /// As `keys`, for those that may be absent.
    pub(super) optional: &'static [&'static [Pair]],
    /// The key of the MLP's width, and the tensor that has as many columns. GGUF writes a width of its own for some
    /// families, whatever the model's.
    pub(super) d_mlp: Option<Pair>,
    /// Settings that GGUF does not write because the family has one value for them, or llama.cpp computes no other.
    pub(super) fixed: &'static [(&'static str, Fixed)],
    /// Settings that say whether a tensor is there.
    pub(super) flags: &'static [Pair],
    /// How positions are turned into rotations, where they are.
    pub(super) rotary: Option<Rotary>,
    /// What takes more than a name to tell back.
    pub(super) steps: &'static [Step],
    /// The tensors' names.
    pub(super) tensors: &'static [&'static [Tensor]],
}

/// The name in `config.json` and the name in GGUF.
pub(super) type Pair = (&'static str, &'static str);

/// GGUF's name, the model's own name, how the values are laid out. `#` is the number of the layer; with `@` the tensor
/// is a stack of several, which the model keeps apart under their numbers.
pub(super) type Tensor = (&'static str, &'static str, Layout);

/// Reads what it needs and sets what follows.
pub(super) type Step = fn(&Facts, &mut Settings) -> Result<()>;

/// A value of `config.json`.
#[derive(Clone, Copy)]
pub(super) enum Fixed {
    Text(&'static str),
    Flag(bool),
    Count(usize),
}

/// The keys of `config.json` for rotary embedding.
#[derive(Clone, Copy)]
pub(super) struct Rotary {
    /// The base of the frequencies, 10000 where GGUF does not write it.
    pub(super) theta: &'static str,
    /// The part of a head that is turned, in families where it need not be the whole.
    pub(super) part: Option<&'static str>,
}

impl Family {
    pub(super) fn of(facts: &Facts) -> Result<&'static Self> {
        const KNOWN: &[Family] = FAMILIES;
        let given = &facts.architecture;
        KNOWN.iter().find(|family| family.architecture == given && (family.is_it)(facts)).ok_or_else(|| {
            let known: BTreeSet<_> = KNOWN.iter().map(|family| family.architecture.to_owned()).collect();
            let nearest = nearest(given, known.iter().cloned(), 1).concat();
            let known: Vec<_> = known.iter().map(|known| format!("`{known}`")).collect();
            let known = format!("{} in GGUF files", known.join(", "));
            LoadError::UnknownFamily { given: given.clone(), nearest, known }.into()
        })
    }

    /// What the model itself calls a tensor, or the tensors that are stacked in it, and how they are laid out. A tensor
    /// that this architecture does not have keeps GGUF's name, so that it is noticed as unused.
    pub(super) fn tensors(&self, gguf: &str, info: &TensorInfo) -> Vec<(String, TensorInfo, Layout)> {
        let unknown = || vec![(gguf.to_owned(), info.clone(), Layout::AsIs)];
        let Some((stem, suffix)) = gguf.rsplit_once('.') else { return unknown() };
        let (stem, layer) = without_layer(stem);
        let Some((_, own, layout)) = self.tensors.iter().copied().flatten().find(|(name, ..)| *name == stem) else {
            return unknown();
        };
        let own = format!("{}.{suffix}", own.replace('#', layer));
        if !own.contains('@') {
            return vec![(own, info.clone(), *layout)];
        }
        let Some(stack) = info.unstack() else { return unknown() };
        stack.into_iter().enumerate().map(|(i, info)| (own.replace('@', &i.to_string()), info, *layout)).collect()
    }
}

/// The name with `#` for the number of the layer, and the number.
fn without_layer(stem: &str) -> (String, &str) {
    let number = |part: &&str| part.parse::<usize>().is_ok();
    match stem.split('.').find(number) {
        Some(layer) => (stem.replacen(&format!("blk.{layer}."), "blk.#.", 1), layer),
        None => (stem.to_owned(), ""),
    }
}
