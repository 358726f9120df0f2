//! Folding norms into the matrices that read them ([`Model::fold_ln`](crate::Model::fold_ln)).
//!
//! A norm computes `n * w + b`, where `n` depends on the text and `w`, `b` are learned. A matrix `W` with bias `c` that
//! reads this computes `n (diag(w) W) + (b W + c)`. So `diag(w) W` can replace `W` and `b W + c` can replace `c`, and
//! `w` and `b` are no longer needed. Under LayerNorm `n` has mean 0, so the mean of each column of `W` has no effect
//! and is removed.
//!
//! The reference is TransformerLens's `fold_layer_norm`.

use super::{
    exact::{add_to_bias, narrow, through, wide},
    parts::{blocks, readers},
};
use crate::{
    Result,
    model::{Config, NormPlace, Normalization, Position},
    net::{
        parts::{Block, Feed, Linear, Mlp, Norm, Readout},
        transformer::Transformer,
    },
};

pub(super) fn obstacle(config: &Config) -> Option<&'static str> {
    if config.unembed_scale != 1.0 && config.normalization == Normalization::LayerNorm {
        return Some("a scale between its final norm and its unembedding would apply to the folded bias too");
    }
    match (config.normalization, config.norm_place) {
        _ if config.position == Position::Shortformer => {
            Some("its queries and keys read positions that are added after the norm")
        }
        (Normalization::None, _) => Some("it has no norms"),
        (_, NormPlace::Post) => Some("its norms act on the residual stream itself, not on the input of matrices"),
        (_, NormPlace::After) => {
            Some("its norms act on the outputs of attention and MLP, and no matrix reads only these")
        }
        (_, NormPlace::Pre | NormPlace::PreAndPost) => None,
    }
}

pub(super) fn apply(transformer: &mut Transformer) -> Result<()> {
    if let Some(norm) = transformer.encoder.as_mut().and_then(|encoder| encoder.norm.as_mut()) {
        let across = transformer.last.blocks.iter_mut().flat_map(|block| &mut block.cross);
        fold(norm, across.flat_map(|cross| [&mut cross.attention.k, &mut cross.attention.v]))?;
    }
    for Block { ln1, attention, cross, ln2, mlp, .. } in blocks(transformer) {
        fold(ln1, [&mut attention.q, &mut attention.k, &mut attention.v])?;
        if let Some(cross) = cross {
            fold(&mut cross.ln, [&mut cross.attention.q])?;
        }
        if let Some(feed) = mlp {
            fold(ln2, readers(feed))?;
            if let Feed::Mlp(Mlp { norm, output, .. }) = feed {
                fold(norm, [output])?;
            }
        }
    }
    let Readout { ln_final, mlm, unembed, .. } = &mut transformer.readout;
    // The last norm of a model without an unembedding keeps its weight.
    match (mlm, unembed) {
        (Some(head), _) => fold(ln_final, [&mut head.dense]),
        (None, Some(unembed)) => fold(ln_final, [unembed]),
        (None, None) => Ok(()),
    }
}

fn fold<'a>(norm: &mut Norm, readers: impl IntoIterator<Item = &'a mut Linear>) -> Result<()> {
    if norm.is_none() {
        return Ok(());
    }
    readers.into_iter().try_for_each(|reader| take_in(norm, reader))?;
    (norm.weight, norm.bias) = (None, None);
    Ok(())
}

/// Folds the norm's weight and bias into the matrix that reads it.
fn take_in(norm: &Norm, reader: &mut Linear) -> Result<()> {
    let mut weight = wide(&reader.weight)?;
    if let Some(bias) = &norm.bias {
        add_to_bias(reader, &through(&wide(bias)?, &weight)?)?;
    }
    if let Some(norm) = &norm.weight {
        weight = weight.broadcast_mul(&wide(norm)?.unsqueeze(1)?)?;
    }
    if norm.kind == Normalization::LayerNorm {
        weight = weight.broadcast_sub(&weight.mean_keepdim(0)?)?;
    }
    reader.weight = narrow(&weight)?;
    Ok(())
}
