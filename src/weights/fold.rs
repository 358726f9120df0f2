//! Folding norms into the matrices that read them.
//!
//! A norm gives `n * w + b`, where `n` depends on the text and `w`, `b` were learned. A matrix `W` with bias `c` that
//! reads this gives `n (diag(w) W) + (b W + c)`: with `diag(w) W` for `W` and `b W + c` for `c`, `w` and `b` are not
//! needed. Under LayerNorm `n` has mean 0, so that what a column of `W` has in common reads nothing and is taken away.

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
        return Some("what its unembedding reads is scaled between the norm, whose bias would be too, and the matrix");
    }
    match (config.normalization, config.norm_place) {
        _ if config.position == Position::Shortformer => Some("its queries and keys read positions behind the norm"),
        (Normalization::None, _) => Some("it has no norms"),
        (_, NormPlace::OnSum) => Some("its norms stand on the residual stream itself, not before the matrices"),
        (_, NormPlace::After) => {
            Some("its norms stand on what attention and MLP write, and no matrix reads them alone")
        }
        (_, NormPlace::Before | NormPlace::BeforeAndAfter) => None,
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
    // Nothing is folded into nothing: the last norm of a model without unembedding keeps its weight.
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

/// The norm's weight and bias become the reader's.
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
