//! Falcon ([Almazrouei et al. 2023](https://arxiv.org/abs/2311.16867)), in three forms:
//! - the first 7b model: one key head, attention and MLP in parallel after one norm;
//! - the "new decoder architecture" of 11b, 40b and 180b: grouped-query attention, one norm or two;
//! - the RefinedWeb models: ALiBi, attention and MLP in sequence.
//!
//! ALiBi is added to the scores before they are scaled. Hugging Face rounds it to bfloat16; here it is exact.
//!
//! Reference: `FalconForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/falcon/modeling_falcon.py>

use super::{
    Family, Tensors,
    common::{activation, alibi, attention_fused, decoder, eps, mlp, norm, only, width_of_head},
    rope::Rope,
};
use crate::{
    Result,
    config::{Config, Position},
    load::{Settings, Weights},
    net::{
        parts::{Block, Norm},
        transformer::Transformer,
    },
};

pub(super) const FAMILY: Family = Family {
    model_type: "falcon",
    prefixes: &["transformer."],
    config,
    build,
    ends: ["lm_head.weight", "word_embeddings.weight"],
    buffers: &["rotary_emb.inv_freq"],
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let d_model = settings.get(["n_embed", "hidden_size"])?;
    let n_heads = settings.get(["num_attention_heads", "n_head"])?;
    let d_head = width_of_head(settings, d_model, n_heads)?;
    let new = settings.or("new_decoder_architecture", false)?;
    if new {
        only(settings, "parallel_attn", true)?;
    } else {
        only(settings, "num_ln_in_parallel_attn", 1usize)?;
    }
    let attn_scale = 1.0 / (d_head as f64).sqrt();
    let position = match settings.or("alibi", false)? {
        true => alibi(n_heads, attn_scale)?,
        false => Position::Rotary(Rope::of(settings)?.rotary(d_head)?),
    };
    Ok(Config {
        n_layers: settings.get(["num_hidden_layers", "n_layer"])?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: match (new, settings.or("multi_query", true)?) {
            (true, _) => settings.or(["num_kv_heads", "n_head_kv"], n_heads)?,
            (false, true) => 1,
            (false, false) => n_heads,
        },
        d_head,
        d_mlp: settings.or("ffn_hidden_size", 4 * d_model)?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or("max_position_embeddings", 2048)?,
        act_fn: activation(settings, ["activation", "hidden_act"], "gelu")?,
        eps: eps(settings, "layer_norm_epsilon", 1e-5)?,
        position,
        attn_scale,
        parallel_attn_mlp: new || settings.or("parallel_attn", true)?,
        tied: settings.or("tie_word_embeddings", true)?,
        ..Config::base("falcon")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    decoder(config, weights, FAMILY.ends, norm(weights, "ln_f", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let name = |part: &str| format!("h.{layer}.{part}");
    let (qkv, dense) = (name("self_attention.query_key_value"), name("self_attention.dense"));
    let attention = attention_fused(weights, config, layer, &qkv, &dense)?;
    let mlp = mlp(weights, config, &name("mlp."), ["dense_h_to_4h", "dense_4h_to_h"])?;
    let norm = |part: &str, points| norm(weights, &name(part), config, points);
    let (ln1, ln2) = if !config.parallel_attn_mlp {
        (norm("input_layernorm", Norm::LN1)?, norm("post_attention_layernorm", Norm::LN2)?)
    } else if weights.has(&name("ln_attn.weight")) {
        (norm("ln_attn", Norm::LN1)?, norm("ln_mlp", Norm::LN2)?)
    } else {
        let shared = norm("input_layernorm", Norm::LN1)?;
        (shared.clone(), shared.at(Norm::LN2))
    };
    Ok(Block { parallel: config.parallel_attn_mlp, ..Block::new(ln1, attention, Some((ln2, mlp))) })
}
