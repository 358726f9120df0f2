//! Taking away what no reader can tell: the mean over the residual stream that a LayerNorm removes anyway, and the
//! mean over the vocabulary that a softmax does.

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
        _ if config.position == Position::Shortformer => Some("its queries and keys read positions behind the norm"),
        (Normalization::None, _) => Some("it has no norms, so that every matrix reads the mean too"),
        (Normalization::RmsNorm, _) => Some("its norms are RMSNorms, which do not take away the mean"),
        (_, NormPlace::OnSum | NormPlace::After) => Some("its attention and MLP read the residual stream unnormed"),
        (_, NormPlace::BeforeAndAfter) => Some("the norms on what attention and MLP write have the last word"),
        _ if config.embed_norm => Some("its embeddings pass a norm, whose weight gives them a mean again"),
        _ if !config.final_norm => Some("its last residual stream is read without a norm"),
        _ => None,
    }
}

pub(super) fn unembed_obstacle(config: &Config) -> Option<&'static str> {
    match config.output_logits_soft_cap {
        _ if !config.heads.unembed => Some("it has no unembedding"),
        Some(_) => Some("its logits are soft-capped, which tells a shift"),
        None => None,
    }
}

pub(super) fn writing(transformer: &mut Transformer) -> Result<()> {
    for Embed { tokens, positions, token_types, widen, .. } in transformer.stacks_mut().map(|stack| &mut stack.front) {
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

/// What the layer gives has mean 0 over its last axis.
fn centre_output(linear: &mut Linear) -> Result<()> {
    linear.weight = centred(&linear.weight, 1)?;
    linear.bias = linear.bias.as_ref().map(|bias| centred(bias, 0)).transpose()?;
    Ok(())
}
