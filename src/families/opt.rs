//! OPT ([Zhang et al. 2022](https://arxiv.org/abs/2205.01068)).
//!
//! In OPT-350m, norms follow the residual sums. Then `resid_mid` and `resid_post` are the sums, and
//! `hook_normalized_resid_post` is the output of the block, as in TransformerLens's BERT. Its embeddings are narrower
//! than the residual stream. The matrices between them are folded into embedding and unembedding here, and recorded as
//! folded.
//!
//! Reference: `OPTForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/opt/modeling_opt.py>

use super::{
    Family, Tensors,
    common::{activation, attention_apart, linear, mlp, norm, only, unembed, width_of_head},
};
use crate::{
    Result,
    config::{Config, NormPlace},
    load::{Settings, Weights},
    net::{
        parts::{Block, Embed, Linear, Norm, Readout},
        transformer::Transformer,
    },
};
use candle_core::Tensor;

pub(super) const FAMILY: Family = Family {
    model_type: "opt",
    prefixes: &["model.decoder.", "decoder."],
    config,
    build,
    ends: [HEAD, TOKENS],
    buffers: &[],
};

const HEAD: &str = "lm_head.weight";
const TOKENS: &str = "embed_tokens.weight";

/// The first rows of the position table belong to padding.
const FIRST_POSITION: usize = 2;

fn config(settings: &Settings, weights: &Weights) -> Result<Config> {
    only(settings, "layer_norm_elementwise_affine", true)?;
    let (d_model, n_heads) = (settings.get("hidden_size")?, settings.get("num_attention_heads")?);
    let d_head = width_of_head(settings, d_model, n_heads)?;
    let projected = settings.or("word_embed_proj_dim", d_model)? != d_model;
    if projected {
        only(settings, "tie_word_embeddings", true)?;
    }
    let before = settings.or("do_layer_norm_before", true)?;
    Ok(Config {
        n_layers: settings.get("num_hidden_layers")?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: settings.get("ffn_dim")?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or("max_position_embeddings", 2048)?,
        act_fn: activation(settings, ["activation_function", "hidden_act"], "relu")?,
        norm_place: if before { NormPlace::Pre } else { NormPlace::Post },
        final_norm: before && !settings.or("_remove_final_layer_norm", false)?,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        tied: !projected && settings.or("tie_word_embeddings", true)?,
        untied: if projected && weights.differs(HEAD, TOKENS)? { vec![HEAD.to_owned()] } else { Vec::new() },
        ..Config::base("opt")
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let (tokens, unembed) = embeddings(config, weights)?;
    let blocks = (0..config.n_layers).map(|layer| block(config, weights, layer)).collect::<Result<_>>()?;
    let positions = weights.tensor("embed_positions.weight", &[FIRST_POSITION + config.n_ctx, config.d_model])?;
    let positions = Some(positions.narrow(0, FIRST_POSITION, config.n_ctx)?);
    let ln_final = match config.final_norm {
        true => norm(weights, "final_layer_norm", config, Norm::FINAL)?,
        false => Norm::none(),
    };
    let embed = Embed { positions, ..Embed::new(tokens) };
    let readout = Readout::new(ln_final, unembed);
    Ok(Transformer::new(embed, blocks, readout))
}

/// Embedding and unembedding. If token embeddings are narrower than the residual stream, the embedding is
/// `tokens * project_in` and the unembedding the transpose of `project_out * tokens`, both computed once.
fn embeddings(config: &Config, weights: &Weights) -> Result<(Tensor, Linear)> {
    let Config { d_model, d_vocab, .. } = *config;
    if !weights.has("project_in.weight") {
        let tokens = weights.tensor(TOKENS, &[d_vocab, d_model])?;
        let unembed = unembed(weights, config, HEAD, &tokens)?;
        return Ok((tokens, unembed));
    }
    let width = weights.shape(TOKENS).and_then(|shape| shape.get(1).copied()).unwrap_or(d_model);
    let tokens = weights.tensor(TOKENS, &[d_vocab, width])?;
    let head = if config.untied.is_empty() { tokens.clone() } else { weights.tensor(HEAD, &[d_vocab, width])? };
    let project_in = linear(weights, "project_in", width, d_model)?.weight;
    let project_out = linear(weights, "project_out", d_model, width)?.weight;
    let unembed = Linear::new(project_out.matmul(&head.t()?)?, None);
    Ok((tokens.matmul(&project_in)?, unembed))
}

fn block(config: &Config, weights: &Weights, layer: usize) -> Result<Block> {
    let name = |part: &str| format!("layers.{layer}.{part}");
    let names = ["q_proj", "k_proj", "v_proj", "out_proj"];
    let attention = attention_apart(weights, config, layer, &name("self_attn."), names)?;
    let mlp = mlp(weights, config, &name(""), ["fc1", "fc2"])?;
    let first = norm(weights, &name("self_attn_layer_norm"), config, Norm::LN1)?;
    let second = norm(weights, &name("final_layer_norm"), config, Norm::LN2)?;
    Ok(match config.norm_place {
        NormPlace::Post => {
            let block = Block::new(Norm::none(), attention, Some((Norm::none(), mlp)));
            Block { ln_mid: first, ln_end: second, ..block }
        }
        _ => Block::new(first, attention, Some((second, mlp))),
    })
}
