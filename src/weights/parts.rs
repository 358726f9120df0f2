//! Iterators over the blocks, attentions and MLPs of a model, for weight processing.

use crate::net::{
    parts::{Attention, Block, Feed, Linear},
    transformer::Transformer,
};

/// All blocks, those of an encoder first.
pub(super) fn blocks(transformer: &mut Transformer) -> impl Iterator<Item = &mut Block> {
    transformer.stacks_mut().flat_map(|stack| stack.blocks.iter_mut())
}

/// All attentions, including cross attention.
pub(super) fn attentions(transformer: &mut Transformer) -> impl Iterator<Item = &mut Attention> {
    blocks(transformer).flat_map(|block| {
        let across = block.cross.as_mut().map(|cross| &mut cross.attention);
        std::iter::once(&mut block.attention).chain(across)
    })
}

/// The matrices that read the input of an MLP, after its norm.
pub(super) fn readers(feed: &mut Feed) -> Vec<&mut Linear> {
    match feed {
        Feed::Mlp(mlp) => std::iter::once(&mut mlp.input).chain(&mut mlp.gate).collect(),
        Feed::Mixture(mixture) => {
            let experts =
                mixture.experts.iter_mut().flat_map(|mlp| std::iter::once(&mut mlp.input).chain(&mut mlp.gate));
            std::iter::once(&mut mixture.router).chain(experts).collect()
        }
    }
}

/// The matrices that write the output of an MLP.
pub(super) fn writers(feed: &mut Feed) -> Vec<&mut Linear> {
    match feed {
        Feed::Mlp(mlp) => vec![&mut mlp.output],
        Feed::Mixture(mixture) => mixture.experts.iter_mut().map(|mlp| &mut mlp.output).collect(),
    }
}
