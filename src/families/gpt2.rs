//! GPT-2 (Radford et al. 2019, [*Language models are unsupervised multitask
//! learners*](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)).
//!
//! Reference: `GPT2LMHeadModel` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/gpt2/modeling_gpt2.py>

use super::{
    Family, Tensors,
    common::{activation, attention, decoder_with, eps, norm, only, token_embedding, width_of_head},
};
use crate::{
    Result,
    config::Config,
    error::WeightsError,
    load::{Settings, Weights},
    net::{
        parts::{Block, Embed, Feed, Linear, Mlp, Norm},
        transformer::Transformer,
    },
    ops,
};
use serde_json::{Map, Value, json};

pub(super) const FAMILY: Family = Family {
    model_type: "gpt2",
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
    Ok(Config {
        n_layers: settings.get(["n_layer", "num_hidden_layers"])?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: settings.or("n_inner", 4 * d_model)?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.get(["n_positions", "max_position_embeddings", "n_ctx"])?,
        act_fn: activation(settings, ["activation_function", "hidden_act"], "gelu_new")?,
        eps: eps(settings, "layer_norm_epsilon", 1e-5)?,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        scale_attn_by_inverse_layer_idx: settings.or("scale_attn_by_inverse_layer_idx", false)?,
        tied: settings.or("tie_word_embeddings", true)?,
        ..Config::base("gpt2")
    })
}

/// Writes the configuration with Hugging Face's keys.
///
/// # Errors
/// When reading it back would give another configuration, so the model is not of GPT-2's form. The error lists the
/// differences.
pub(crate) fn write(config: &Config) -> Result<Map<String, Value>> {
    if config.attn_only {
        return Err(not_gpt2(config, "its blocks have no MLP"));
    }
    let written = json!({
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "n_layer": config.n_layers,
        "n_embd": config.d_model,
        "n_head": config.n_heads,
        "n_inner": config.d_mlp,
        "vocab_size": config.d_vocab,
        "n_positions": config.n_ctx,
        "activation_function": config.act_fn.to_string(),
        "layer_norm_epsilon": config.eps,
        "scale_attn_by_inverse_layer_idx": config.scale_attn_by_inverse_layer_idx,
        "tie_word_embeddings": config.tied,
    });
    let read = self::config(&Settings::parse(&written.to_string())?, &Weights::from_tensors::<String>([]))?;
    let [read, config_here] =
        [&read, config].map(|config| Config { family: "gpt2".into(), untied: Vec::new(), ..config.clone() });
    let Value::Object(written) = written else { return Ok(Map::new()) };
    match read == config_here {
        true => Ok(written),
        false => {
            let differs = |(ours, theirs): &((String, String), (String, String))| ours != theirs;
            let first = fields(&config_here).into_iter().zip(fields(&read)).find(differs);
            let is_word = |value: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
            let why = first.map(|((name, ours), (_, theirs))| match is_word(&ours) && is_word(&theirs) {
                true => format!("its `{name}` is {ours} where GPT-2 has {theirs}"),
                false => format!("its `{name}` differs from GPT-2's"),
            });
            Err(not_gpt2(config, &why.unwrap_or_else(|| "its configuration has further parts".into())))
        }
    }
}

/// The name of each field with its value, which may span several lines.
fn fields(config: &Config) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in format!("{config:#?}").lines() {
        // Four spaces start a field; more spaces continue it.
        match line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '}', ']', ')'])) {
            Some(field) => {
                let (name, value) = field.split_once(": ").unwrap_or((field, ""));
                fields.push((name.to_owned(), value.trim_end_matches(',').to_owned()));
            }
            None => fields.iter_mut().rev().take(1).for_each(|(_, value)| value.push_str(line)),
        }
    }
    fields
}

pub(crate) fn not_gpt2(config: &Config, why: &str) -> crate::Error {
    WeightsError::NotGpt2 { family: config.family.clone(), why: why.into() }.into()
}

/// Loads a `Conv1D`, whose weight GPT-2 stores as `[d_in, d_out]`. It is converted to the layout of the other families,
/// output by output, which [`ops::linear`] is fastest with.
fn conv1d(weights: &Weights, name: &str, d_in: usize, d_out: usize) -> Result<Linear> {
    let weight = ops::by_output(&weights.tensor(&format!("{name}.weight"), &[d_in, d_out])?)?;
    Ok(Linear::new(weight, Some(weights.tensor(&format!("{name}.bias"), &[d_out])?)))
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let positions = Some(weights.tensor("wpe.weight", &[config.n_ctx, config.d_model])?);
    let embed = Embed { positions, ..token_embedding(config, weights, FAMILY.ends)? };
    decoder_with(config, weights, FAMILY.ends, embed, norm(weights, "ln_f", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let d = config.d_model;
    let name = |part: &str| format!("h.{layer}.{part}");
    // One matrix holds queries, keys and values side by side.
    let qkv = conv1d(weights, &name("attn.c_attn"), d, 3 * d)?;
    let (q, k, v) = (qkv.columns(0, d)?, qkv.columns(d, d)?, qkv.columns(2 * d, d)?);
    let attention = attention(config, layer, q, k, v, conv1d(weights, &name("attn.c_proj"), d, d)?);
    let mlp = Mlp::new(
        conv1d(weights, &name("mlp.c_fc"), d, config.d_mlp)?,
        None,
        conv1d(weights, &name("mlp.c_proj"), config.d_mlp, d)?,
        config.act_fn,
    );
    let ln1 = norm(weights, &name("ln_1"), config, Norm::LN1)?;
    let ln2 = norm(weights, &name("ln_2"), config, Norm::LN2)?;
    Ok(Block::new(ln1, attention, Some((ln2, Feed::Mlp(mlp)))))
}
