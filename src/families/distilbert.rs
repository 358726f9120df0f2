//! DistilBERT ([Sanh et al. 2019](https://arxiv.org/abs/1910.01108)): half of BERT's layers, no token types and no
//! pooler.
//!
//! Reference: `DistilBertForMaskedLM` and `DistilBertModel` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/distilbert/modeling_distilbert.py>

use super::{
    Family,
    common::activation,
    post_norm::{self, Names},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
    net::transformer::Transformer,
};

pub(super) const FAMILY: Family = Family {
    model_type: "distilbert",
    prefixes: &["distilbert."],
    config,
    build,
    ends: ["vocab_projector.weight", "embeddings.word_embeddings.weight"],
    buffers: &["embeddings.position_ids"],
};

const NAMES: Names = Names {
    q: "attention.q_lin",
    k: "attention.k_lin",
    v: "attention.v_lin",
    o: "attention.out_lin",
    ln_mid: "sa_layer_norm",
    mlp_in: "ffn.lin1",
    mlp_out: "ffn.lin2",
    ln_end: "output_layer_norm",
    mlm_dense: "vocab_transform",
    mlm_norm: "vocab_layer_norm",
    unembed: "vocab_projector",
    unembed_bias: "vocab_projector.bias",
    pooler: "no such head",
    nsp: "no such head",
};

fn config(settings: &Settings, weights: &Weights) -> Result<Config> {
    Ok(Config {
        // The reference implementation hard-codes this value.
        eps: 1e-12,
        act_fn: activation(settings, ["activation", "hidden_act"], "gelu")?,
        ..post_norm::config(settings, weights, &NAMES)?
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let block = |layer| post_norm::block(config, weights, &NAMES, &format!("transformer.layer.{layer}"), layer);
    let blocks = (0..config.n_layers).map(block).collect::<Result<_>>()?;
    post_norm::build(config, weights, &NAMES, 0, config.act_fn, blocks)
}
