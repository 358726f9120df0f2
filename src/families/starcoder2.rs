//! StarCoder 2 ([Lozhkov et al. 2024](https://arxiv.org/abs/2402.19173)): Llama's attention with biases and a sliding
//! window, GPT-2's norms and MLP.
//!
//! Reference: `Starcoder2ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/starcoder2/modeling_starcoder2.py>

use super::{
    Family,
    common::{activation, attention_apart, decoder, eps, head_dim, mlp, norm},
    llama_like::windows,
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
    model_type: "starcoder2",
    prefixes: &["model."],
    config,
    build,
    ends: ["lm_head.weight", "embed_tokens.weight"],
    buffers: &["rotary_emb.inv_freq"],
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let (d_model, n_heads) = (settings.get("hidden_size")?, settings.get("num_attention_heads")?);
    let d_head = head_dim(settings, d_model, n_heads)?;
    let n_layers = settings.get("num_hidden_layers")?;
    let window = settings.find("sliding_window")?;
    Ok(Config {
        n_layers,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: settings.or("num_key_value_heads", 2)?,
        d_head,
        d_mlp: settings.get("intermediate_size")?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or("max_position_embeddings", 4096)?,
        act_fn: activation(settings, ["hidden_act", "hidden_activation"], "gelu_pytorch_tanh")?,
        eps: eps(settings, "norm_epsilon", 1e-5)?,
        position: Position::Rotary(Rope::of(settings)?.rotary(d_head)?),
        windows: windows(settings, n_layers, window, |_| window.is_some())?,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        tied: settings.or("tie_word_embeddings", true)?,
        ..Config::base("starcoder2")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    decoder(config, weights, FAMILY.ends, norm(weights, "norm", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let name = |part: &str| format!("layers.{layer}.{part}");
    let names = ["q_proj", "k_proj", "v_proj", "o_proj"];
    let attention = attention_apart(weights, config, layer, &name("self_attn."), names)?;
    let mlp = mlp(weights, config, &name("mlp."), ["c_fc", "c_proj"])?;
    let ln1 = norm(weights, &name("input_layernorm"), config, Norm::LN1)?;
    let ln2 = norm(weights, &name("post_attention_layernorm"), config, Norm::LN2)?;
    Ok(Block::new(ln1, attention, Some((ln2, mlp))))
}
