//! ALBERT ([Lan et al. 2020](https://arxiv.org/abs/1909.11942)): narrow embeddings that are projected to `d_model`, and
//! layers that share their weights.
//!
//! Reference: `AlbertForPreTraining`, `AlbertForMaskedLM` and `AlbertModel` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/albert/modeling_albert.py>

use super::{
    Family,
    common::{activation, linear},
    post_norm::{self, Names},
};
use crate::{
    Result,
    config::Config,
    error::LoadError,
    load::{Settings, Weights},
    net::{parts::Block, transformer::Transformer},
};

pub(super) const FAMILY: Family = Family {
    model_type: "albert",
    prefixes: &["albert."],
    config,
    build,
    ends: ["predictions.decoder.weight", "embeddings.word_embeddings.weight"],
    buffers: &["embeddings.position_ids"],
};

const NAMES: Names = Names {
    q: "attention.query",
    k: "attention.key",
    v: "attention.value",
    o: "attention.dense",
    ln_mid: "attention.LayerNorm",
    mlp_in: "ffn",
    mlp_out: "ffn_output",
    ln_end: "full_layer_layer_norm",
    mlm_dense: "predictions.dense",
    mlm_norm: "predictions.LayerNorm",
    unembed: "predictions.decoder",
    unembed_bias: "predictions.bias",
    pooler: "pooler",
    // This head predicts whether two sentences are in order.
    nsp: "sop_classifier.classifier",
};

fn config(settings: &Settings, weights: &Weights) -> Result<Config> {
    let config = post_norm::config(settings, weights, &NAMES)?;
    let (rounds, found) = (config.n_layers, shared(weights));
    let asked = (settings.or("num_hidden_groups", 1)?, settings.or("inner_group_num", 1)?);
    if asked != found || rounds < found.0 {
        let (key, value) = ("num_hidden_groups, inner_group_num".into(), format!("{}, {}", asked.0, asked.1));
        let why =
            format!("the weights have {} groups of {} layers, but the model has {rounds} rounds", found.0, found.1);
        return Err(LoadError::Unsupported { key, value, why }.into());
    }
    Ok(Config {
        n_layers: rounds.saturating_mul(found.1),
        d_embed: settings.or("embedding_size", 128)?,
        n_token_types: settings.or("type_vocab_size", 2)?,
        act_fn: activation(settings, ["hidden_act", "hidden_activation"], "gelu_new")?,
        ..config
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let mut transformer = post_norm::build(config, weights, &NAMES, 0, config.act_fn, blocks(config, weights)?)?;
    let widen = linear(weights, "encoder.embedding_hidden_mapping_in", config.d_embed, config.d_model)?;
    if let Some(embed) = transformer.last.front.tokens_mut() {
        embed.widen = Some(widen);
    }
    Ok(transformer)
}

fn layer(group: usize, inner: usize) -> String {
    format!("encoder.albert_layer_groups.{group}.albert_layers.{inner}")
}

/// The numbers of groups that have weights and of layers in each.
fn shared(weights: &Weights) -> (usize, usize) {
    let has = |group, inner| weights.contains(&format!("{}.ffn.weight", layer(group, inner)));
    let count = |has: &dyn Fn(usize) -> bool| (0..).take_while(|&i| has(i)).count().max(1);
    (count(&|group| has(group, 0)), count(&|inner| has(0, inner)))
}

/// Consecutive rounds belong to one group, and each round runs all layers of its group.
fn blocks(config: &Config, weights: &Weights) -> Result<Vec<Block>> {
    let (groups, inner) = shared(weights);
    let block = |group, i| post_norm::block(config, weights, &NAMES, &layer(group, i), 0);
    let group = |group| (0..inner).map(|i| block(group, i)).collect::<Result<Vec<_>>>();
    let blocks = (0..groups).map(group).collect::<Result<Vec<_>>>()?;
    let rounds = config.n_layers / inner;
    Ok((0..rounds).flat_map(|round| blocks[round * groups / rounds].clone()).collect())
}
