//! GPT-2 (Radford et al. 2019), as `GPT2LMHeadModel` of Hugging Face transformers computes it.

use super::{Family, Tensors, activation, norm, only, unembed};
use crate::{
    Result,
    load::{Settings, Weights},
    model::{
        Config, Normalization, Position,
        attention::Attention,
        linear::Linear,
        mlp::Mlp,
        transformer::{Block, Transformer},
    },
};

pub(super) const FAMILY: Family =
    Family { model_type: "gpt2", config, build, buffers: &[".attn.bias", ".attn.masked_bias", "lm_head.weight"] };

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    only(settings, "scale_attn_weights", true)?;
    only(settings, "scale_attn_by_inverse_layer_idx", false)?;
    only(settings, "add_cross_attention", false)?;
    let (d_model, n_heads) =
        (settings.get(["n_embd", "hidden_size"])?, settings.get(["n_head", "num_attention_heads"])?);
    let d_head = d_model / usize::max(n_heads, 1);
    Ok(Config {
        family: "gpt2".into(),
        n_layers: settings.get(["n_layer", "num_hidden_layers"])?,
        d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: settings.or("n_inner", 4 * d_model)?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.get(["n_positions", "max_position_embeddings", "n_ctx"])?,
        act_fn: activation(settings, ["activation_function", "hidden_act"], "gelu_new")?,
        normalization: Normalization::LayerNorm,
        eps: settings.or("layer_norm_epsilon", 1e-5)?,
        position: Position::Learned,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        attn_only: false,
        gated_mlp: false,
        tied: settings.or("tie_word_embeddings", true)?,
    })
}

/// GPT-2's `Conv1D` stores `[d_in, d_out]`, which is how [`Linear`] keeps it.
fn conv1d(weights: &Weights, name: &str, d_in: usize, d_out: usize) -> Result<Linear> {
    let weight = weights.tensor(&format!("{name}.weight"), &[d_in, d_out])?;
    Ok(Linear::new(weight, Some(weights.tensor(&format!("{name}.bias"), &[d_out])?)))
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let weights = &weights.with_optional_prefix("transformer.");
    let embed = weights.tensor("wte.weight", &[config.d_vocab, config.d_model])?;
    Ok(Transformer {
        pos_embed: Some(weights.tensor("wpe.weight", &[config.n_ctx, config.d_model])?),
        blocks: (0..config.n_layers).map(|layer| block(config, weights, layer)).collect::<Result<_>>()?,
        ln_final: norm(weights, "ln_f", config)?,
        unembed: unembed(weights, config.tied, &embed, config)?,
        embed,
    })
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let d = config.d_model;
    let name = |part: &str| format!("h.{layer}.{part}");
    // One matrix holds queries, keys and values side by side.
    let qkv = conv1d(weights, &name("attn.c_attn"), d, 3 * d)?;
    let attention = Attention {
        q: qkv.columns(0, d)?,
        k: qkv.columns(d, d)?,
        v: qkv.columns(2 * d, d)?,
        o: conv1d(weights, &name("attn.c_proj"), d, d)?,
        n_heads: config.n_heads,
        n_key_value_heads: config.n_heads,
        d_head: config.d_head,
        scale: config.attn_scale,
    };
    let mlp = Mlp {
        input: conv1d(weights, &name("mlp.c_fc"), d, config.d_mlp)?,
        gate: None,
        output: conv1d(weights, &name("mlp.c_proj"), config.d_mlp, d)?,
        act_fn: config.act_fn,
    };
    let ln2 = norm(weights, &name("ln_2"), config)?;
    Ok(Block { ln1: norm(weights, &name("ln_1"), config)?, attention, mlp: Some((ln2, mlp)) })
}
