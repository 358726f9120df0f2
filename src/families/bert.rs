//! BERT ([Devlin et al. 2019](https://arxiv.org/abs/1810.04805)).
//!
//! Reference: `BertForPreTraining`, `BertForMaskedLM` and `BertModel` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/bert/modeling_bert.py>

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
    model_type: "bert",
    prefixes: &["bert."],
    config,
    build,
    ends: ["cls.predictions.decoder.weight", "embeddings.word_embeddings.weight"],
    buffers: &["embeddings.position_ids"],
};

/// The names of BERT's parts. RoBERTa's layers have the same names.
pub(super) const NAMES: Names = Names {
    q: "attention.self.query",
    k: "attention.self.key",
    v: "attention.self.value",
    o: "attention.output.dense",
    ln_mid: "attention.output.LayerNorm",
    mlp_in: "intermediate.dense",
    mlp_out: "output.dense",
    ln_end: "output.LayerNorm",
    mlm_dense: "cls.predictions.transform.dense",
    mlm_norm: "cls.predictions.transform.LayerNorm",
    unembed: "cls.predictions.decoder",
    unembed_bias: "cls.predictions.bias",
    pooler: "pooler.dense",
    nsp: "cls.seq_relationship",
};

fn config(settings: &Settings, weights: &Weights) -> Result<Config> {
    Ok(Config {
        n_token_types: settings.or("type_vocab_size", 2)?,
        act_fn: activation(settings, ["hidden_act", "hidden_activation"], "gelu")?,
        ..post_norm::config(settings, weights, &NAMES)?
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let block = |layer| post_norm::block(config, weights, &NAMES, &format!("encoder.layer.{layer}"), layer);
    let blocks = (0..config.n_layers).map(block).collect::<Result<_>>()?;
    post_norm::build(config, weights, &NAMES, 0, config.act_fn, blocks)
}
