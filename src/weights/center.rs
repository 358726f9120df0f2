//! Centring: removes the mean over the residual stream, which LayerNorm removes anyway, and the mean over the
//! vocabulary, which does not change a softmax.
//!
//! The reference is TransformerLens's `center_writing_weights` and `center_unembed`.

use super::{
    exact::centred,
    parts::{blocks, writers},
};
use crate::{
    Result,
    model::{Config, NormPlace, Normalization, Position},
    net::{
        parts::{Embed, Linear},
        transformer::Transformer,
    },
};

pub(super) fn writing_obstacle(config: &Config) -> Option<&'static str> {
    match (config.normalization, config.norm_place) {
        _ if config.position == Position::Shortformer => {
            Some("its queries and keys read positions that are added after the norm")
        }
        (Normalization::None, _) => Some("it has no norms, so every matrix reads the mean too"),
        (Normalization::RmsNorm, _) => Some("its norms are RMSNorms, which do not remove the mean"),
        (_, NormPlace::Post | NormPlace::After) => {
            Some("its attention and MLP read the residual stream without a norm")
        }
        (_, NormPlace::PreAndPost) => Some("the outputs of its attention and MLP pass a norm before they are added"),
        _ if config.embed_norm => Some("its embeddings pass a norm, whose weight and bias bring back a mean"),
        _ if !config.final_norm => Some("its last residual stream is read without a norm"),
        _ => None,
    }
}

pub(super) fn unembed_obstacle(config: &Config) -> Option<&'static str> {
    match config.output_logits_soft_cap {
        _ if !config.heads.unembed => Some("it has no unembedding"),
        Some(_) => Some("its logits are soft-capped, so a shift changes them"),
        None => None,
    }
}

pub(super) fn writing(transformer: &mut Transformer) -> Result<()> {
    let embeddings = transformer.stacks_mut().filter_map(|stack| stack.front.tokens_mut());
    for Embed { tokens, positions, token_types, widen, .. } in embeddings {
        match widen {
            Some(widen) => centre_output(widen)?,
            None => {
                for table in std::iter::once(tokens).chain(positions).chain(token_types) {
                    *table = centred(table, 1)?;
                }
            }
        }
    }
    for block in blocks(transformer) {
        centre_output(&mut block.attention.o)?;
        if let Some(cross) = &mut block.cross {
            centre_output(&mut cross.attention.o)?;
        }
        block.mlp.iter_mut().flat_map(writers).try_for_each(centre_output)?;
    }
    Ok(())
}

pub(super) fn unembed(transformer: &mut Transformer) -> Result<()> {
    transformer.readout.unembed.iter_mut().try_for_each(centre_output)
}

/// Gives the layer's output mean 0 over its last axis.
fn centre_output(linear: &mut Linear) -> Result<()> {
    linear.weight = centred(&linear.weight, 1)?;
    linear.bias = linear.bias.as_ref().map(|bias| centred(bias, 0)).transpose()?;
    Ok(())
}
