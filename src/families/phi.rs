//! Phi 1 to 2 ([Gunasekar et al. 2023](https://arxiv.org/abs/2306.11644)): attention and MLP in parallel after one
//! norm, with biases everywhere.
//!
//! Reference: `PhiForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/phi/modeling_phi.py>

use super::{
    Family,
    common::{activation, attention_apart, decoder, eps, head_dim, mlp, norm, only},
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
    model_type: "phi",
    prefixes: &["model."],
    config,
    build,
    ends: ["lm_head.weight", "embed_tokens.weight"],
    buffers: &["rotary_emb.inv_freq"],
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &settings.with_defaults(r#"{"partial_rotary_factor": 0.5}"#)?;
    only(settings, "qk_layernorm", false)?;
    let (d_model, n_heads) = (settings.get("hidden_size")?, settings.get("num_attention_heads")?);
    let d_head = head_dim(settings, d_model, n_heads)?;
    let rope = Rope::of(settings)?;
    Ok(Config {
        n_layers: settings.get("num_hidden_layers")?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: settings.or("num_key_value_heads", n_heads)?,
        d_head,
        d_mlp: settings.get("intermediate_size")?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or("max_position_embeddings", 2048)?,
        act_fn: activation(settings, ["hidden_act", "hidden_activation"], "gelu_new")?,
        eps: eps(settings, "layer_norm_eps", 1e-5)?,
        position: Position::Rotary(rope.rotary(rope.dims(d_head)?)?),
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        parallel_attn_mlp: true,
        tied: settings.or("tie_word_embeddings", false)?,
        ..Config::base("phi")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    decoder(config, weights, FAMILY.ends, norm(weights, "final_layernorm", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let name = |part: &str| format!("layers.{layer}.{part}");
    let names = ["q_proj", "k_proj", "v_proj", "dense"];
    let attention = attention_apart(weights, config, layer, &name("self_attn."), names)?;
    let mlp = mlp(weights, config, &name("mlp."), ["fc1", "fc2"])?;
    let ln1 = norm(weights, &name("input_layernorm"), config, Norm::LN1)?;
    let ln2 = ln1.at(Norm::LN2);
    Ok(Block { parallel: true, ..Block::new(ln1, attention, Some((ln2, mlp))) })
}
