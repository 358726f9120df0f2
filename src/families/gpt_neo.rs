//! GPT-Neo (Black et al. 2021): GPT-2 with unscaled attention scores. Its layers alternate between global attention and
//! a sliding window.
//!
//! Reference: `GPTNeoForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/gpt_neo/modeling_gpt_neo.py>

use super::{
    Family, Tensors,
    common::{activation, attention_apart, countable, decoder_with, eps, mlp, norm, token_embedding, width_of_head},
    llama_like::windows,
};
use crate::{
    Result,
    config::Config,
    error::LoadError,
    load::{FromSetting, Settings, Weights},
    net::{
        parts::{Block, Embed, Norm},
        transformer::Transformer,
    },
};
use serde_json::Value;

pub(super) const FAMILY: Family = Family {
    model_type: "gpt_neo",
    prefixes: &["transformer."],
    config,
    build,
    ends: ["lm_head.weight", "wte.weight"],
    buffers: &[".attn.attention.bias", ".attn.attention.masked_bias"],
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let d_model = settings.get("hidden_size")?;
    let n_heads = settings.get(["num_heads", "num_attention_heads"])?;
    let n_layers = countable("num_layers", settings.get(["num_layers", "num_hidden_layers"])?)?;
    let local = is_local(settings, n_layers)?;
    let window = Some(settings.or("window_size", 256)?);
    Ok(Config {
        n_layers,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head: width_of_head(settings, d_model, n_heads)?,
        d_mlp: settings.or("intermediate_size", 4 * d_model)?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or("max_position_embeddings", 2048)?,
        act_fn: activation(settings, ["activation_function", "hidden_act"], "gelu_new")?,
        eps: eps(settings, "layer_norm_epsilon", 1e-5)?,
        windows: windows(settings, n_layers, window, |layer| local[layer])?,
        attn_scale: 1.0,
        tied: settings.or("tie_word_embeddings", true)?,
        ..Config::base("gpt_neo")
    })
}

/// Whether each layer has a window: `[[["global", "local"], 12]]` is this pair twelve times.
fn is_local(settings: &Settings, n_layers: usize) -> Result<Vec<bool>> {
    let given: Value = settings.get("attention_types")?;
    let expected = "a list of pairs of names (`global` or `local`) and a count, as many names in all as layers";
    let bad =
        || LoadError::BadKey { key: "attention_types".into(), value: given.to_string(), expected: expected.into() };
    let mut local = Vec::new();
    for group in Vec::<Vec<Value>>::from_setting(&given).ok_or_else(bad)? {
        let [names, count] = group.as_slice() else { return Err(bad().into()) };
        let names = Vec::<String>::from_setting(names).filter(|names| !names.is_empty()).ok_or_else(bad)?;
        let count = usize::from_setting(count).ok_or_else(bad)?;
        let is_local = |name: &String| match name.as_str() {
            "global" => Ok(false),
            "local" => Ok(true),
            _ => Err(bad()),
        };
        let names = names.iter().map(is_local).collect::<Result<Vec<_>, _>>()?;
        // One layer too many is enough to detect that there are too many.
        local.extend(std::iter::repeat_n(names, count).flatten().take(n_layers + 1 - local.len().min(n_layers)));
    }
    if local.len() == n_layers { Ok(local) } else { Err(bad().into()) }
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let positions = Some(weights.tensor("wpe.weight", &[config.n_ctx, config.d_model])?);
    let embed = Embed { positions, ..token_embedding(config, weights, FAMILY.ends)? };
    decoder_with(config, weights, FAMILY.ends, embed, norm(weights, "ln_f", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let name = |part: &str| format!("h.{layer}.{part}");
    let names = ["q_proj", "k_proj", "v_proj", "out_proj"];
    let attention = attention_apart(weights, config, layer, &name("attn.attention."), names)?;
    let mlp = mlp(weights, config, &name("mlp."), ["c_fc", "c_proj"])?;
    let ln1 = norm(weights, &name("ln_1"), config, Norm::LN1)?;
    let ln2 = norm(weights, &name("ln_2"), config, Norm::LN2)?;
    Ok(Block::new(ln1, attention, Some((ln2, mlp))))
}
