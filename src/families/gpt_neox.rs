//! GPT-NeoX ([Black et al. 2022](https://arxiv.org/abs/2204.06745)) and Pythia ([Biderman et al.
//! 2023](https://arxiv.org/abs/2304.01373)): attention and MLP in parallel, each after its own norm, unless the
//! configuration puts them in sequence.
//!
//! Reference: `GPTNeoXForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/gpt_neox/modeling_gpt_neox.py>

use super::{
    Family,
    common::{activation, attention_fused, decoder, eps, mlp, norm, width_of_head},
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
    model_type: "gpt_neox",
    prefixes: &["gpt_neox."],
    config,
    build,
    ends: ["embed_out.weight", "embed_in.weight"],
    buffers: &[".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq"],
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &settings.with_defaults(r#"{"partial_rotary_factor": 0.25}"#)?;
    let (d_model, n_heads) = (settings.get("hidden_size")?, settings.get("num_attention_heads")?);
    let d_head = width_of_head(settings, d_model, n_heads)?;
    let rope = Rope::of(settings)?;
    Ok(Config {
        n_layers: settings.get("num_hidden_layers")?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: settings.get("intermediate_size")?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or("max_position_embeddings", 2048)?,
        act_fn: activation(settings, ["hidden_act", "hidden_activation"], "gelu")?,
        eps: eps(settings, "layer_norm_eps", 1e-5)?,
        position: Position::Rotary(rope.rotary(rope.dims(d_head)?)?),
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        parallel_attn_mlp: settings.or("use_parallel_residual", true)?,
        tied: settings.or("tie_word_embeddings", false)?,
        ..Config::base("gpt_neox")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    decoder(config, weights, FAMILY.ends, norm(weights, "final_layer_norm", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let name = |part: &str| format!("layers.{layer}.{part}");
    let (qkv, dense) = (name("attention.query_key_value"), name("attention.dense"));
    let attention = attention_fused(weights, config, layer, &qkv, &dense)?;
    let mlp = mlp(weights, config, &name("mlp."), ["dense_h_to_4h", "dense_4h_to_h"])?;
    let ln1 = norm(weights, &name("input_layernorm"), config, Norm::LN1)?;
    let ln2 = norm(weights, &name("post_attention_layernorm"), config, Norm::LN2)?;
    Ok(Block { parallel: config.parallel_attn_mlp, ..Block::new(ln1, attention, Some((ln2, mlp))) })
}
