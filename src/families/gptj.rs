//! GPT-J (Wang & Komatsuzaki 2021): attention and MLP in parallel after one norm.
//!
//! Reference: `GPTJForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/gptj/modeling_gptj.py>

use super::{
    Family,
    common::{activation, attention_apart, decoder, eps, mlp, norm, width_of_head},
    rope::Rope,
};
use crate::{
    Result,
    config::{Config, Position, Rotary},
    error::LoadError,
    load::{Settings, Weights},
    net::{
        parts::{Block, Norm},
        transformer::Transformer,
    },
};

pub(super) const FAMILY: Family = Family {
    model_type: "gptj",
    prefixes: &["transformer."],
    config,
    build,
    ends: ["lm_head.weight", "wte.weight"],
    buffers: &[".attn.bias", ".attn.masked_bias", ".attn.embed_positions"],
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let (d_model, n_heads) =
        (settings.get(["n_embd", "hidden_size"])?, settings.get(["n_head", "num_attention_heads"])?);
    let d_head = width_of_head(settings, d_model, n_heads)?;
    let rotary_dims: usize = settings.or("rotary_dim", 64)?;
    if !rotary_dims.is_multiple_of(2) || !(2..=d_head).contains(&rotary_dims) {
        let (key, value) = ("rotary_dim".into(), rotary_dims.to_string());
        let why = format!("an even number of the {d_head} dimensions must rotate");
        return Err(LoadError::Unsupported { key, value, why }.into());
    }
    Ok(Config {
        n_layers: settings.get(["n_layer", "num_hidden_layers"])?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: settings.or("n_inner", 4 * d_model)?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or(["n_positions", "max_position_embeddings"], 2048)?,
        act_fn: activation(settings, ["activation_function", "hidden_act"], "gelu_new")?,
        eps: eps(settings, "layer_norm_epsilon", 1e-5)?,
        position: Position::Rotary(Rotary { adjacent: true, ..Rope::of(settings)?.rotary(rotary_dims)? }),
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        parallel_attn_mlp: true,
        tied: settings.or("tie_word_embeddings", false)?,
        ..Config::base("gptj")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    decoder(config, weights, FAMILY.ends, norm(weights, "ln_f", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let name = |part: &str| format!("h.{layer}.{part}");
    let names = ["q_proj", "k_proj", "v_proj", "out_proj"];
    let attention = attention_apart(weights, config, layer, &name("attn."), names)?;
    let mlp = mlp(weights, config, &name("mlp."), ["fc_in", "fc_out"])?;
    let ln1 = norm(weights, &name("ln_1"), config, Norm::LN1)?;
    let ln2 = ln1.at(Norm::LN2);
    Ok(Block { parallel: true, ..Block::new(ln1, attention, Some((ln2, mlp))) })
}
