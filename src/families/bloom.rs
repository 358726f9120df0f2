//! BLOOM ([BigScience 2022](https://arxiv.org/abs/2211.05100)): ALiBi, and a norm after the embedding.
//!
//! Reference: `BloomForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/bloom/modeling_bloom.py>

use super::{
    Family,
    common::{alibi, attention_fused, decoder_with, eps, mlp, norm, only, token_embedding, width_of_head},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
    net::{
        parts::{Block, Embed, Norm},
        transformer::Transformer,
    },
    ops::Activation,
};

pub(super) const FAMILY: Family = Family {
    model_type: "bloom",
    prefixes: &["transformer."],
    config,
    build,
    ends: ["lm_head.weight", "word_embeddings.weight"],
    buffers: &[],
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    only(settings, "apply_residual_connection_post_layernorm", false)?;
    let d_model = settings.get(["n_embed", "hidden_size"])?;
    let n_heads = settings.get(["n_head", "num_attention_heads"])?;
    let d_head = width_of_head(settings, d_model, n_heads)?;
    Ok(Config {
        n_layers: settings.get(["n_layer", "num_hidden_layers"])?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: 4 * d_model,
        d_vocab: settings.get("vocab_size")?,
        // The length that BLOOM was trained on; nothing in it enforces a limit.
        n_ctx: settings.or("seq_length", 2048)?,
        act_fn: Activation::GeluNew,
        embed_norm: true,
        eps: eps(settings, "layer_norm_epsilon", 1e-5)?,
        position: alibi(n_heads, 1.0)?,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        tied: settings.or("tie_word_embeddings", true)?,
        ..Config::base("bloom")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let embed_norm = norm(weights, "word_embeddings_layernorm", config, Norm::EMBED)?;
    let embed = Embed { norm: embed_norm, ..token_embedding(config, weights, FAMILY.ends)? };
    decoder_with(config, weights, FAMILY.ends, embed, norm(weights, "ln_f", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let name = |part: &str| format!("h.{layer}.{part}");
    let (qkv, dense) = (name("self_attention.query_key_value"), name("self_attention.dense"));
    let attention = attention_fused(weights, config, layer, &qkv, &dense)?;
    let mlp = mlp(weights, config, &name("mlp."), ["dense_h_to_4h", "dense_4h_to_h"])?;
    let ln1 = norm(weights, &name("input_layernorm"), config, Norm::LN1)?;
    let ln2 = norm(weights, &name("post_attention_layernorm"), config, Norm::LN2)?;
    Ok(Block::new(ln1, attention, Some((ln2, mlp))))
}
