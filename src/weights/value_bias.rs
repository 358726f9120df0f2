//! Folding value biases into the output bias ([`Model::fold_value_biases`](crate::Model::fold_value_biases)).
//!
//! A head averages values with weights that sum to 1. So its value bias `b_V` passes through unchanged and adds
//! `b_V W_O` to the residual stream at every token, just as `b_O` does.

use super::{
    exact::{add_to_bias, through, wide},
    parts::attentions,
};
use crate::{
    Result,
    model::Config,
    net::{
        parts::{Attention, Block},
        transformer::Transformer,
    },
};

pub(super) fn obstacle(config: &Config, transformer: &Transformer) -> Option<&'static str> {
    if config.clip_qkv.is_some() {
        return Some("its values are clipped after the bias is added");
    }
    let has_bias = |attention: &Attention| attention.v.bias.is_some();
    let mut blocks = transformer.stacks().flat_map(|stack| &stack.blocks);
    let across = |block: &Block| block.cross.as_ref().is_some_and(|cross| has_bias(&cross.attention));
    let any = blocks.any(|block| has_bias(&block.attention) || across(block));
    (!any).then_some("its values do not have a bias")
}

pub(super) fn apply(transformer: &mut Transformer) -> Result<()> {
    attentions(transformer).try_for_each(fold)
}

/// Moves the value bias of one attention into its output bias.
pub(super) fn fold(attention: &mut Attention) -> Result<()> {
    let Some(bias) = attention.v.bias.take() else { return Ok(()) };
    let (heads, kv_heads, d_head) = (attention.n_heads, attention.n_key_value_heads, attention.d_head);
    // Each key head's bias counts once for every query head that shares it.
    let shared = (kv_heads, heads / kv_heads, d_head);
    let bias = wide(&bias)?.reshape((kv_heads, 1, d_head))?.broadcast_as(shared)?.flatten_all()?;
    let output = through(&bias, &wide(&attention.o.weight)?)?;
    add_to_bias(&mut attention.o, &output)
}
