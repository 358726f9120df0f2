//! [`Family`]: the table that translates one GGUF architecture back to a `config.json` and the model's own tensor
//! names.
//!
//! The names are those written by llama.cpp's
//! [`convert_hf_to_gguf.py`](https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py).

use std::collections::BTreeSet;

use super::{facts::Facts, families::FAMILIES, header::TensorInfo, layout::Layout};
use crate::{
    error::{LoadError, Result, nearest},
    load::Settings,
};

/// The names of one family.
#[derive(Clone, Copy)]
pub(super) struct Family {
    /// `general.architecture`.
    pub(super) architecture: &'static str,
    /// The `model_type` in the model's own configuration.
    pub(super) model_type: &'static str,
    /// Whether a file of this architecture belongs to this family. The first family that accepts it is used.
    pub(super) is_it: fn(&Facts) -> bool,
    /// Required keys: the key in `config.json` and the key in GGUF (after the architecture's name).
    pub(super) keys: &'static [&'static [Pair]],
    /// Optional keys, in the same form as `keys`.
    pub(super) optional: &'static [&'static [Pair]],
    /// The key of the MLP's width, and the tensor whose number of columns it is. For some families, GGUF writes a fixed
    /// width whatever the model's is.
    pub(super) d_mlp: Option<Pair>,
    /// Settings that GGUF does not write, because the family has one value for them or llama.cpp supports no other.
    pub(super) fixed: &'static [(&'static str, Fixed)],
    /// Settings that say whether a tensor exists.
    pub(super) flags: &'static [Pair],
    /// The settings of rotary embedding, if the family uses it.
    pub(super) rotary: Option<Rotary>,
    /// Translations that need more than a name.
    pub(super) steps: &'static [Step],
    /// The names of the tensors.
    pub(super) tensors: &'static [&'static [Tensor]],
}

/// The name in `config.json` and the name in GGUF.
pub(super) type Pair = (&'static str, &'static str);

/// GGUF's name, the model's own name, and the layout of the values. `#` is the layer number. With `@`, the tensor is a
/// stack of several tensors, which the model numbers.
pub(super) type Tensor = (&'static str, &'static str, Layout);

/// Reads facts and sets the settings that follow from them.
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
    /// The key of the base of the frequencies, which is 10000 if GGUF does not write it.
    pub(super) theta: &'static str,
    /// The key of the rotated part of a head, in families that may rotate less than the whole head.
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

    /// The model's own name and layout of a tensor, or of each tensor stacked in it. A tensor unknown to this
    /// architecture keeps GGUF's name, so that it is noticed as unused.
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

/// The name with `#` in place of the layer number, and the number.
fn without_layer(stem: &str) -> (String, &str) {
    let number = |part: &&str| part.parse::<usize>().is_ok();
    match stem.split('.').find(number) {
        Some(layer) => (stem.replacen(&format!("blk.{layer}."), "blk.#.", 1), layer),
        None => (stem.to_owned(), ""),
    }
}
