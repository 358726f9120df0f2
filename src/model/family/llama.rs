//! Llama 1 to 3 (Touvron et al. 2023) and models of its exact form, as `LlamaForCausalLM` of Hugging Face
//! transformers computes it.

use super::{Family, Tensors, activation, linear, norm, only, rope, unembed};
use crate::{
    Result,
    load::{Settings, Weights},
    model::{
        Config, Normalization, Position, Rotary,
        attention::Attention,
        mlp::Mlp,
        transformer::{Block, Transformer},
    },
};

pub(super) const FAMILY: Family =
    Family { model_type: "llama", config, build, buffers: &["rotary_emb.inv_freq", "lm_head.weight"] };

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    only(settings, "pretraining_tp", 1usize)?;
    let (d_model, n_heads) = (settings.get("hidden_size")?, settings.get("num_attention_heads")?);
    let d_head: usize = settings.or("head_dim", d_model / usize::max(n_heads, 1))?;
    let n_ctx = settings.or("max_position_embeddings", 2048)?;
    Ok(Config {
        family: "llama".into(),
        n_layers: settings.get("num_hidden_layers")?,
        d_model,
        n_heads,
        n_key_value_heads: settings.or("num_key_value_heads", n_heads)?,
        d_head,
        d_mlp: settings.get("intermediate_size")?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx,
        act_fn: activation(settings, ["hidden_act", "hidden_activation"], "silu")?,
        normalization: Normalization::RmsNorm,
        eps: settings.or("rms_norm_eps", 1e-6)?,
        position: Position::Rotary(Rotary { frequencies: rope::frequencies(settings, d_head)?, adjacent: false }),
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        attn_only: false,
        gated_mlp: true,
        tied: settings.or("tie_word_embeddings", false)?,
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let weights = &weights.with_optional_prefix("model.");
    let embed = weights.tensor("embed_tokens.weight", &[config.d_vocab, config.d_model])?;
    Ok(Transformer {
        pos_embed: None,
        blocks: (0..config.n_layers).map(|layer| block(config, weights, layer)).collect::<Result<_>>()?,
        ln_final: norm(weights, "norm", config)?,
        unembed: unembed(weights, config.tied, &embed, config)?,
        embed,
    })
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let Config { d_model, d_mlp, d_head, n_heads, n_key_value_heads, .. } = *config;
    let (queries, keys) = (n_heads * d_head, n_key_value_heads * d_head);
    let name = |part: &str| format!("layers.{layer}.{part}");
    let attention = Attention {
        q: linear(weights, &name("self_attn.q_proj"), d_model, queries)?,
        k: linear(weights, &name("self_attn.k_proj"), d_model, keys)?,
        v: linear(weights, &name("self_attn.v_proj"), d_model, keys)?,
        o: linear(weights, &name("self_attn.o_proj"), queries, d_model)?,
        n_heads,
        n_key_value_heads,
        d_head,
        scale: config.attn_scale,
    };
    let mlp = Mlp {
        input: linear(weights, &name("mlp.up_proj"), d_model, d_mlp)?,
        gate: Some(linear(weights, &name("mlp.gate_proj"), d_model, d_mlp)?),
        output: linear(weights, &name("mlp.down_proj"), d_mlp, d_model)?,
        act_fn: config.act_fn,
    };
    let ln2 = norm(weights, &name("post_attention_layernorm"), config)?;
    Ok(Block { ln1: norm(weights, &name("input_layernorm"), config)?, attention, mlp: Some((ln2, mlp)) })
}
