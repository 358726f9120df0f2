//! Llama 1 to 3 (Touvron et al. 2023) and models of its exact form, as `LlamaForCausalLM` of Hugging Face
//! transformers computes it.

use super::{
    Family, Tensors,
    common::{activation, attention, linear, norm, only, unembed},
    rope,
};
use crate::{
    Result,
    load::{Settings, Weights},
    model::{
        Config, Normalization, Position, Rotary,
        parts::{Block, Embed, Feed, Mlp, Norm, Readout},
        transformer::{Blocks, Transformer},
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
        n_layers: settings.get("num_hidden_layers")?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: settings.or("num_key_value_heads", n_heads)?,
        d_head,
        d_mlp: settings.get("intermediate_size")?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx,
        act_fn: activation(settings, ["hidden_act", "hidden_activation"], "silu")?,
        normalization: Normalization::RmsNorm,
        eps: settings.or("rms_norm_eps", 1e-6)?,
        position: Position::Rotary(Rotary::halves(rope::frequencies(settings, d_head)?)),
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        gated_mlp: true,
        tied: settings.or("tie_word_embeddings", false)?,
        ..Config::base("llama")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let weights = &weights.with_optional_prefix("model.");
    let tokens = weights.tensor("embed_tokens.weight", &[config.d_vocab, config.d_model])?;
    let blocks = (0..config.n_layers).map(|layer| block(config, weights, layer)).collect::<Result<_>>()?;
    let unembed = unembed(weights, config, &tokens)?;
    Ok(Transformer {
        embed: Embed::new(tokens),
        encoder: None,
        blocks: Blocks::new(blocks),
        readout: Readout::new(norm(weights, "norm", config, Norm::FINAL)?, unembed),
    })
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let Config { d_model, d_mlp, d_head, n_heads, n_key_value_heads, .. } = *config;
    let (queries, keys) = (n_heads * d_head, n_key_value_heads * d_head);
    let name = |part: &str| format!("layers.{layer}.{part}");
    let project = |part: &str, d_in, d_out| linear(weights, &name(part), d_in, d_out);
    let q = project("self_attn.q_proj", d_model, queries)?;
    let k = project("self_attn.k_proj", d_model, keys)?;
    let v = project("self_attn.v_proj", d_model, keys)?;
    let o = project("self_attn.o_proj", queries, d_model)?;
    let mlp = Mlp::new(
        project("mlp.up_proj", d_model, d_mlp)?,
        Some(project("mlp.gate_proj", d_model, d_mlp)?),
        project("mlp.down_proj", d_mlp, d_model)?,
        config.act_fn,
    );
    let ln1 = norm(weights, &name("input_layernorm"), config, Norm::LN1)?;
    let ln2 = norm(weights, &name("post_attention_layernorm"), config, Norm::LN2)?;
    Ok(Block::new(ln1, attention(config, layer, q, k, v, o), Some((ln2, Feed::Mlp(mlp)))))
}
