//! The form of BERT and its relatives: embeddings that are summed and normed, blocks whose norms follow the residual
//! sums, and up to three heads. The families differ in the names of their parts.

use super::{
    Tensors,
    common::{attention, eps, linear, only, width_of_head},
};
use crate::{
    Result,
    config::{Architecture, Config, Heads, NormPlace, Normalization, Pooling},
    error::LoadError,
    load::{Settings, Weights},
    net::{
        parts::{Block, Embed, Feed, Linear, MlmHead, Mlp, Norm, Readout},
        transformer::Transformer,
    },
    ops::Activation,
    site::Point,
};
use candle_core::Tensor;

/// The names of a family's parts. Names in a layer are relative to the layer.
pub(super) struct Names {
    pub(super) q: &'static str,
    pub(super) k: &'static str,
    pub(super) v: &'static str,
    pub(super) o: &'static str,
    /// The norm of the sum of the stream and the attention output.
    pub(super) ln_mid: &'static str,
    pub(super) mlp_in: &'static str,
    pub(super) mlp_out: &'static str,
    /// The norm of the sum of the stream and the MLP output.
    pub(super) ln_end: &'static str,
    pub(super) mlm_dense: &'static str,
    pub(super) mlm_norm: &'static str,
    pub(super) unembed: &'static str,
    pub(super) unembed_bias: &'static str,
    pub(super) pooler: &'static str,
    pub(super) nsp: &'static str,
}

/// The part of the configuration that these families share. It refuses settings that are not implemented.
pub(super) fn config(settings: &Settings, weights: &Weights, names: &Names) -> Result<Config> {
    only(settings, "is_decoder", false)?;
    only(settings, "add_cross_attention", false)?;
    only(settings, "position_embedding_type", "absolute".to_owned())?;
    let (d_model, n_heads) = (settings.get(["hidden_size", "dim"])?, settings.get(["num_attention_heads", "n_heads"])?);
    let d_head = width_of_head(settings, d_model, n_heads)?;
    Ok(Config {
        architecture: Architecture::Encoder,
        n_layers: settings.get(["num_hidden_layers", "n_layers"])?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: settings.get(["intermediate_size", "hidden_dim"])?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or("max_position_embeddings", 512)?,
        normalization: Normalization::LayerNorm,
        norm_place: NormPlace::Post,
        embed_norm: true,
        final_norm: false,
        eps: eps(settings, "layer_norm_eps", 1e-12)?,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        tied: settings.or("tie_word_embeddings", true)?,
        sentence_pooling: sentence_pooling(settings)?,
        heads: heads(weights, names),
        ..Config::base(&settings.model_type()?)
    })
}

/// How the pooling module of the sentence-transformers library is configured, in its older or newer form.
fn sentence_pooling(settings: &Settings) -> Result<Pooling> {
    only(settings, "2_Dense", false)?;
    let mut older = Vec::new();
    for mode in ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"] {
        older.extend(settings.or([format!("sentence_pooling.pooling_mode_{mode}")], false)?.then_some(mode));
    }
    let newer = settings.find("sentence_pooling.pooling_mode")?;
    match newer.unwrap_or(older.join(" and ")).as_str() {
        "" | "mean" | "mean_tokens" => Ok(Pooling::Mean),
        "cls" | "cls_token" => Ok(Pooling::FirstToken),
        other => {
            let (key, why) = ("pooling_mode".into(), "it supports mean and cls".into());
            Err(LoadError::Unsupported { key, value: other.into(), why }.into())
        }
    }
}

/// The heads that the file has weights for.
fn heads(weights: &Weights, names: &Names) -> Heads {
    let has = |name: &str| weights.contains(&format!("{name}.weight"));
    let (mlm, pooler) = (has(names.mlm_dense), has(names.pooler));
    Heads { unembed: mlm, mlm, pooler, nsp: pooler && has(names.nsp) }
}

/// Builds the network. `skipped` is the number of rows of the position table without a position; `layer` builds a layer
/// by its number.
pub(super) fn build(
    config: &Config,
    weights: &Weights,
    names: &Names,
    skipped: usize,
    mlm_act_fn: Activation,
    blocks: Vec<Block>,
) -> Result<Transformer> {
    let embed = embed(config, weights, skipped)?;
    let readout = readout(config, weights, names, mlm_act_fn, &embed.tokens)?;
    Ok(Transformer::new(embed, blocks, readout))
}

fn embed(config: &Config, weights: &Weights, skipped: usize) -> Result<Embed> {
    let Config { d_embed, d_vocab, n_ctx, n_token_types, .. } = *config;
    let table = |kind: &str, rows| weights.tensor(&format!("embeddings.{kind}_embeddings.weight"), &[rows, d_embed]);
    let positions = table("position", skipped + n_ctx)?;
    Ok(Embed {
        positions: Some(positions.narrow(0, skipped, n_ctx)?),
        unplaced: skipped.checked_sub(1).map(|padding| positions.narrow(0, padding, 1)).transpose()?,
        token_types: (n_token_types > 0).then(|| table("token_type", n_token_types)).transpose()?,
        norm: layer_norm(weights, "embeddings.LayerNorm", d_embed, config.eps, Norm::EMBED)?,
        ..Embed::new(table("word", d_vocab)?)
    })
}

/// Builds the block whose tensors are under `layer`, configured for the layer with this number.
pub(super) fn block(config: &Config, weights: &Weights, names: &Names, layer: &str, number: usize) -> Result<Block> {
    let Config { d_model, d_mlp, d_head, n_heads, .. } = *config;
    let project = |part: &str, d_in, d_out| linear(weights, &format!("{layer}.{part}"), d_in, d_out);
    let norm = |part: &str, points| layer_norm(weights, &format!("{layer}.{part}"), d_model, config.eps, points);
    let q = project(names.q, d_model, n_heads * d_head)?;
    let k = project(names.k, d_model, n_heads * d_head)?;
    let v = project(names.v, d_model, n_heads * d_head)?;
    let o = project(names.o, n_heads * d_head, d_model)?;
    let (input, output) = (project(names.mlp_in, d_model, d_mlp)?, project(names.mlp_out, d_mlp, d_model)?);
    let mlp = Mlp::new(input, None, output, config.act_fn);
    let attention = attention(config, number, q, k, v, o);
    let mut block = Block::new(Norm::none(), attention, Some((Norm::none(), Feed::Mlp(mlp))));
    block.ln_mid = norm(names.ln_mid, Norm::LN1)?;
    block.ln_end = norm(names.ln_end, Norm::LN2)?;
    Ok(block)
}

fn readout(
    config: &Config,
    weights: &Weights,
    names: &Names,
    mlm_act_fn: Activation,
    tokens: &Tensor,
) -> Result<Readout> {
    let Config { d_model, d_embed, d_vocab, eps, heads, .. } = *config;
    let mlm = || -> Result<MlmHead> {
        let norm = layer_norm(weights, names.mlm_norm, d_embed, eps, Norm::MLM)?;
        Ok(MlmHead { dense: linear(weights, names.mlm_dense, d_model, d_embed)?, act_fn: mlm_act_fn, norm })
    };
    let unembed = || -> Result<Linear> {
        let weight = match config.tied {
            true => tokens.t()?,
            false => weights.tensor(&format!("{}.weight", names.unembed), &[d_vocab, d_embed])?.t()?,
        };
        let elsewhere = format!("{}.bias", names.unembed);
        if names.unembed_bias != elsewhere && weights.differs(&elsewhere, names.unembed_bias)? {
            return Err(LoadError::TwoNames { first: names.unembed_bias.into(), second: elsewhere }.into());
        }
        let bias = if weights.has(names.unembed_bias) { names.unembed_bias } else { &elsewhere };
        Ok(Linear::new(weight, Some(weights.tensor(bias, &[d_vocab])?)))
    };
    Ok(Readout {
        ln_final: Norm::none(),
        mlm: heads.mlm.then(mlm).transpose()?,
        unembed: heads.unembed.then(unembed).transpose()?,
        pooler: heads.pooler.then(|| linear(weights, names.pooler, d_model, d_model)).transpose()?,
        nsp: heads.nsp.then(|| linear(weights, names.nsp, d_model, 2)).transpose()?,
    })
}

/// A LayerNorm. The oldest files name its weight `gamma` and its bias `beta`.
fn layer_norm(weights: &Weights, name: &str, width: usize, eps: f64, points: [Point; 2]) -> Result<Norm> {
    let either = |new: &str, old: &str| {
        let (new, old) = (format!("{name}.{new}"), format!("{name}.{old}"));
        weights.tensor(if weights.has(&old) { &old } else { &new }, &[width])
    };
    let (weight, bias) = (Some(either("weight", "gamma")?), Some(either("bias", "beta")?));
    Ok(Norm { kind: Normalization::LayerNorm, weight, bias, eps, points })
}
