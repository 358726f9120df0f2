//! How many numbers a model has learned.

use super::{
    parts::{Attention, Block, Embed, Feed, Front, HeadNorm, Linear, Mlp, Norm, Readout},
    transformer::{StackParts, Transformer},
};
use candle_core::{Tensor, TensorId};
use std::collections::HashSet;

impl Transformer {
    /// The number of values in all parts. A tied unembedding does not count.
    pub(crate) fn n_parameters(&self, tied: bool) -> usize {
        let stack = |stack: &StackParts| {
            let relative = stack.relative.as_ref().map_or(0, |relative| relative.table.elem_count());
            // A block that stands for several layers counts once.
            let mut seen = HashSet::new();
            let own = stack.blocks.iter().filter(|block| seen.insert(block.attention.q.weight.id()));
            relative + own.map(block_size).sum::<usize>() + stack.norm.as_ref().map_or(0, norm_size)
        };
        // Stacks may read through the same tables.
        let mut seen = HashSet::new();
        let embed: usize = self.stacks().map(|stack| front_size(&stack.front, &mut seen)).sum();
        let Readout { ln_final, mlm, unembed, pooler, nsp } = &self.readout;
        let unembed = match (unembed, tied) {
            (Some(unembed), true) => size(&unembed.bias),
            (unembed, _) => maybe(unembed),
        };
        let mlm = mlm.as_ref().map_or(0, |head| linear_size(&head.dense) + norm_size(&head.norm));
        embed
            + self.stacks().map(stack).sum::<usize>()
            + norm_size(ln_final)
            + mlm
            + unembed
            + maybe(pooler)
            + maybe(nsp)
    }
}

fn front_size(front: &Front, seen: &mut HashSet<TensorId>) -> usize {
    match front {
        Front::Tokens(embed) => embed_size(embed, seen),
        Front::Sound(sound) => {
            let of_convolutions: usize = sound.convolutions.iter().map(|one| linear_size(&one.linear)).sum();
            of_convolutions + sound.positions.elem_count()
        }
    }
}

/// The number of values in the tensors that are not in `seen` yet.
fn embed_size(embed: &Embed, seen: &mut HashSet<TensorId>) -> usize {
    let Embed { tokens, positions, unplaced, token_types, norm, widen } = embed;
    let tables = [Some(tokens), positions.as_ref(), unplaced.as_ref(), token_types.as_ref()];
    let widen = widen.iter().flat_map(|widen| [Some(&widen.weight), widen.bias.as_ref()]);
    let all = tables.into_iter().chain([norm.weight.as_ref(), norm.bias.as_ref()]).chain(widen).flatten();
    all.filter(|tensor| seen.insert(tensor.id())).map(Tensor::elem_count).sum()
}

fn size(tensor: &Option<Tensor>) -> usize {
    tensor.as_ref().map_or(0, Tensor::elem_count)
}

fn linear_size(linear: &Linear) -> usize {
    linear.weight.elem_count() + size(&linear.bias)
}

fn maybe(linear: &Option<Linear>) -> usize {
    linear.as_ref().map_or(0, linear_size)
}

fn norm_size(norm: &Norm) -> usize {
    size(&norm.weight) + size(&norm.bias)
}

fn attention_size(attention: &Attention) -> usize {
    let Attention { q, k, v, o, q_norm, k_norm, .. } = attention;
    let norm = |norm: &Option<HeadNorm>| norm.as_ref().map_or(0, |norm| norm.weight.elem_count() + size(&norm.bias));
    [q, k, v, o].map(linear_size).iter().sum::<usize>() + norm(q_norm) + norm(k_norm)
}

fn mlp_size(mlp: &Mlp) -> usize {
    linear_size(&mlp.input) + maybe(&mlp.gate) + linear_size(&mlp.output)
}

fn block_size(block: &Block) -> usize {
    let norms = [&block.ln1, &block.ln1_post, &block.ln_mid, &block.ln2, &block.ln2_post, &block.ln_end];
    let cross = block.cross.as_ref().map_or(0, |cross| norm_size(&cross.ln) + attention_size(&cross.attention));
    let feed = match &block.mlp {
        None => 0,
        Some(Feed::Mlp(mlp)) => mlp_size(mlp),
        Some(Feed::Mixture(mixture)) => {
            linear_size(&mixture.router) + mixture.experts.iter().map(mlp_size).sum::<usize>()
        }
    };
    // Side by side, attention and MLP may read through one norm.
    let id = |norm: &Norm| norm.weight.as_ref().map(Tensor::id);
    let twice = if id(&block.ln1) == id(&block.ln2) { norm_size(&block.ln2) } else { 0 };
    norms.into_iter().map(norm_size).sum::<usize>() - twice + attention_size(&block.attention) + cross + feed
}
