//! StableLM ([Bellagente et al. 2024](https://arxiv.org/abs/2402.17834)): Llama with LayerNorm, where only a part of
//! each head is rotated.
//!
//! Reference: `StableLmForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/stablelm/modeling_stablelm.py>

use super::{
    Family, Tensors,
    common::{activation, attention_apart, decoder, eps, linear, norm, width_of_head},
    rope::Rope,
};
use crate::{
    Result,
    config::{Config, Normalization, Position, QkNorm},
    load::{Settings, Weights},
    net::{
        parts::{Attention, Block, Feed, HeadNorm, Mlp, Norm},
        transformer::Transformer,
    },
};
use candle_core::Tensor;

pub(super) const FAMILY: Family = Family {
    model_type: "stablelm",
    prefixes: &["model."],
    config,
    build,
    ends: ["lm_head.weight", "embed_tokens.weight"],
    buffers: &["rotary_emb.inv_freq"],
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
        n_key_value_heads: settings.or("num_key_value_heads", 32)?,
        d_head,
        d_mlp: settings.get("intermediate_size")?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or("max_position_embeddings", 4096)?,
        act_fn: activation(settings, ["hidden_act", "hidden_activation"], "silu")?,
        qk_norm: settings.or("qk_layernorm", false)?.then_some(QkNorm::HeadValues),
        eps: eps(settings, "layer_norm_eps", 1e-5)?,
        position: Position::Rotary(rope.rotary(rope.dims(d_head)?)?),
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        parallel_attn_mlp: settings.or("use_parallel_residual", false)?,
        gated_mlp: true,
        tied: settings.or("tie_word_embeddings", false)?,
        ..Config::base("stablelm")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    decoder(config, weights, FAMILY.ends, norm(weights, "norm", config, Norm::FINAL)?, block)
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let Config { d_model, d_mlp, n_heads, n_key_value_heads, .. } = *config;
    let name = |part: &str| format!("layers.{layer}.{part}");
    let names = ["q_proj", "k_proj", "v_proj", "o_proj"];
    let attention = attention_apart(weights, config, layer, &name("self_attn."), names)?;
    let head_norm = |part: &str, heads| {
        let norm = config.qk_norm.map(|_| head_norm(weights, &name(part), config, heads));
        norm.transpose()
    };
    let attention = Attention {
        q_norm: head_norm("self_attn.q_layernorm", n_heads)?,
        k_norm: head_norm("self_attn.k_layernorm", n_key_value_heads)?,
        ..attention
    };
    let project = |part: &str, d_in, d_out| linear(weights, &name(part), d_in, d_out);
    let (input, gate) = (project("mlp.up_proj", d_model, d_mlp)?, project("mlp.gate_proj", d_model, d_mlp)?);
    let mlp = Mlp::new(input, Some(gate), project("mlp.down_proj", d_mlp, d_model)?, config.act_fn);
    let ln1 = norm(weights, &name("input_layernorm"), config, Norm::LN1)?;
    let ln2 = match config.parallel_attn_mlp {
        true => ln1.at(Norm::LN2),
        false => norm(weights, &name("post_attention_layernorm"), config, Norm::LN2)?,
    };
    Ok(Block { parallel: config.parallel_attn_mlp, ..Block::new(ln1, attention, Some((ln2, Feed::Mlp(mlp)))) })
}

/// A LayerNorm without bias for each head.
fn head_norm(weights: &Weights, name: &str, config: &Config, heads: usize) -> Result<HeadNorm> {
    let weight = |head| weights.tensor(&format!("{name}.norms.{head}.weight"), &[config.d_head]);
    let weight = Tensor::stack(&(0..heads).map(weight).collect::<Result<Vec<_>>>()?, 0)?;
    Ok(HeadNorm { kind: Normalization::LayerNorm, whole: false, weight, bias: None, eps: config.eps })
}
