//! GPT-BigCode, the architecture of SantaCoder ([Ben Allal et al. 2023](https://arxiv.org/abs/2301.03988)) and
//! StarCoder ([Li et al. 2023](https://arxiv.org/abs/2305.06161)): GPT-2 whose heads share one key head.
//!
//! Reference: `GPTBigCodeForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/tree/v4.57.0/src/transformers/models/gpt_bigcode>

use super::{
    Family, Tensors,
    common::{activation, attention_fused, decoder_with, eps, mlp, norm, only, token_embedding, width_of_head},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
    net::{
        parts::{Block, Embed, Norm},
        transformer::Transformer,
    },
};

pub(super) const FAMILY: Family = Family {
    model_type: "gpt_bigcode",
    prefixes: &["transformer."],
    config,
    build,
    ends: ["lm_head.weight", "wte.weight"],
    buffers: &[".attn.bias", ".attn.masked_bias"],
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    only(settings, "scale_attn_weights", true)?;
    only(settings, "add_cross_attention", false)?;
    let (d_model, n_heads) =
        (settings.get(["n_embd", "hidden_size"])?, settings.get(["n_head", "num_attention_heads"])?);
    let d_head = width_of_head(settings, d_model, n_heads)?;
    let keys = if settings.or("multi_query", true)? { 1 } else { n_heads };
    only(settings, "num_key_value_heads", keys)?;
    Ok(Config {
        n_layers: settings.get(["n_layer", "num_hidden_layers"])?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: keys,
        d_head,
        d_mlp: settings.or("n_inner", 4 * d_model)?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or(["n_positions", "max_position_embeddings"], 1024)?,
        act_fn: activation(settings, ["activation_function", "hidden_act"], "gelu_pytorch_tanh")?,
        eps: eps(settings, "layer_norm_epsilon", 1e-5)?,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        tied: settings.or("tie_word_embeddings", true)?,
        ..Config::base("gpt_bigcode")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let positions = Some(weights.tensor("wpe.weight", &[config.n_ctx, config.d_model])?);
    let embed = Embed { positions, ..token_embedding(config, weights, FAMILY.ends)? };
    decoder_with(config, weights, FAMILY.ends, embed, norm(weights, "ln_f", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let name = |part: &str| format!("h.{layer}.{part}");
    let attention = attention_fused(weights, config, layer, &name("attn.c_attn"), &name("attn.c_proj"))?;
    let mlp = mlp(weights, config, &name("mlp."), ["c_fc", "c_proj"])?;
    let ln1 = norm(weights, &name("ln_1"), config, Norm::LN1)?;
    let ln2 = norm(weights, &name("ln_2"), config, Norm::LN2)?;
    Ok(Block::new(ln1, attention, Some((ln2, mlp))))
}
