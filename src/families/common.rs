//! Helpers that several families share.

use super::Tensors;
use crate::{
    Result,
    config::{Architecture, Config, Normalization, Position, alibi_slopes},
    error::LoadError,
    load::{FromSetting, Keys, Settings, Weights},
    net::{
        parts::{Attention, Block, Embed, Feed, Linear, Mlp, Norm, Readout},
        transformer::Transformer,
    },
    ops::Activation,
    site::Point,
};
use candle_core::Tensor;

/// Refuses a setting whose value differs from the only implemented one.
pub(super) fn only<T: FromSetting + PartialEq + std::fmt::Display>(
    settings: &Settings,
    key: &str,
    value: T,
) -> Result<()> {
    match settings.find::<T>(key)? {
        Some(given) if given != value => {
            let why = format!("it supports only {value}");
            Err(LoadError::Unsupported { key: key.into(), value: given.to_string(), why }.into())
        }
        _ => Ok(()),
    }
}

/// The MLP's nonlinearity by its Hugging Face name.
pub(super) fn activation(settings: &Settings, keys: [&str; 2], default: &str) -> Result<Activation> {
    let name = settings.or(keys, default.to_owned())?;
    Activation::from_name(&name).ok_or_else(|| {
        let why = Activation::KNOWN.into();
        LoadError::Unsupported { key: keys[0].into(), value: name, why }.into()
    })
}

/// The number added to a variance before the square root. It is from 0 to 1.
pub(super) fn eps(settings: &Settings, keys: impl Keys, default: f64) -> Result<f64> {
    Ok(settings.number(keys, 0.0..=1.0)?.unwrap_or(default))
}

/// The width of a head: its own setting, or `d_model / n_heads`.
pub(super) fn head_dim(settings: &Settings, d_model: usize, n_heads: usize) -> Result<usize> {
    match settings.find("head_dim")? {
        Some(d_head) => countable("head_dim", d_head),
        None => width_of_head(settings, d_model, n_heads),
    }
}

/// `d_model / n_heads`.
///
/// # Errors
/// When the division leaves a remainder.
pub(super) fn width_of_head(settings: &Settings, d_model: usize, n_heads: usize) -> Result<usize> {
    let (heads, width) = (written(settings, &HEADS), written(settings, &WIDTH));
    if n_heads == 0 || !d_model.is_multiple_of(n_heads) {
        return Err(senseless(heads, n_heads, format!("it must divide `{width}`, which is {d_model}")));
    }
    match d_model / n_heads {
        d_head if d_head <= MOST => Ok(d_head),
        d_head => Err(senseless(width, d_model, format!("each of {n_heads} heads (`{heads}`) would be {d_head} wide"))),
    }
}

/// The keys of one setting in the configurations of all families.
pub(super) const HEADS: [&str; 4] = ["num_attention_heads", "n_head", "num_heads", "n_heads"];
pub(super) const WIDTH: [&str; 5] = ["hidden_size", "n_embd", "n_embed", "d_model", "dim"];

/// The first of several keys that the configuration has, or the first key if it has none.
pub(super) fn written<'a>(settings: &Settings, keys: &[&'a str]) -> &'a str {
    keys.iter().find(|key| settings.has(**key).unwrap_or(true)).or(keys.first()).copied().unwrap_or_default()
}

/// The error about a setting that no model can have.
pub(super) fn senseless(key: &str, value: impl ToString, why: impl Into<String>) -> crate::Error {
    LoadError::Senseless { key: key.into(), value: value.to_string(), why: why.into() }.into()
}

/// A norm with `{name}.weight`, and `{name}.bias` if its kind has one, hooked at `points`.
pub(super) fn norm(weights: &impl Tensors, name: &str, config: &Config, points: [Point; 2]) -> Result<Norm> {
    let d = [config.d_model];
    let bias = match config.normalization {
        Normalization::LayerNorm => Some(weights.tensor(&format!("{name}.bias"), &d)?),
        _ => None,
    };
    let weight = Some(weights.tensor(&format!("{name}.weight"), &d)?);
    Ok(Norm { kind: config.normalization, weight, bias, eps: config.eps, points })
}

/// Attention with four projections, configured for this layer.
pub(super) fn attention(config: &Config, layer: usize, q: Linear, k: Linear, v: Linear, o: Linear) -> Attention {
    let clipped = |linear: Linear| Linear { clip: config.clip_qkv, ..linear };
    Attention {
        q: clipped(q),
        k: clipped(k),
        v: clipped(v),
        o,
        q_norm: None,
        k_norm: None,
        positions: None,
        n_heads: config.n_heads,
        n_key_value_heads: config.n_key_value_heads,
        d_head: config.d_head,
        scale: config.scale_of_scores(layer),
        soft_cap: config.attn_scores_soft_cap,
        causal: config.architecture != Architecture::Encoder,
        window: config.window(layer),
    }
}

/// `{name}.weight` as PyTorch's `Linear` stores it, `[d_out, d_in]`, transposed without copying, and `{name}.bias` if
/// it exists.
pub(super) fn linear(weights: &impl Tensors, name: &str, d_in: usize, d_out: usize) -> Result<Linear> {
    let weight = weights.tensor(&format!("{name}.weight"), &[d_out, d_in])?.t()?;
    Ok(Linear::new(weight, weights.maybe(&format!("{name}.bias"), &[d_out])?))
}

/// Attention with four separate matrices for queries, keys, values and output; each name follows `prefix`.
pub(super) fn attention_apart(
    weights: &impl Tensors,
    config: &Config,
    layer: usize,
    prefix: &str,
    names: [&str; 4],
) -> Result<Attention> {
    let (d, queries, keys) = (config.d_model, config.n_heads * config.d_head, config.n_key_value_heads * config.d_head);
    let [q, k, v, o] = names.map(|name| format!("{prefix}{name}"));
    let (q, k) = (linear(weights, &q, d, queries)?, linear(weights, &k, d, keys)?);
    Ok(attention(config, layer, q, k, linear(weights, &v, d, keys)?, linear(weights, &o, queries, d)?))
}

/// Attention with one matrix for queries, keys and values, grouped by key head: the query heads that share it, its key,
/// its value. With as many key heads as query heads, that is q, k, v of each head in turn. With one key head, it is all
/// queries, then the key, then the value.
pub(super) fn attention_fused(
    weights: &impl Tensors,
    config: &Config,
    layer: usize,
    qkv: &str,
    o: &str,
) -> Result<Attention> {
    let Config { d_model, n_heads, n_key_value_heads: keys, d_head, .. } = *config;
    let shared = n_heads / keys;
    let rows = keys * (shared + 2) * d_head;
    let weight = weights.tensor(&format!("{qkv}.weight"), &[rows, d_model])?;
    let weight = weight.reshape((keys, shared + 2, d_head, d_model))?;
    let bias = weights.maybe(&format!("{qkv}.bias"), &[rows])?;
    let bias = bias.map(|bias| bias.reshape((keys, shared + 2, d_head))).transpose()?;
    let part = |start: usize, heads: usize| -> Result<Linear> {
        let weight = weight.narrow(1, start, heads)?.reshape(((), d_model))?.t()?;
        let bias = bias.as_ref().map(|bias| bias.narrow(1, start, heads)?.flatten_all()).transpose()?;
        Ok(Linear::new(weight, bias))
    };
    let (q, k, v) = (part(0, shared)?, part(shared, 1)?, part(shared + 1, 1)?);
    Ok(attention(config, layer, q, k, v, linear(weights, o, n_heads * d_head, d_model)?))
}

/// An MLP of two matrices without a gate; each name follows `prefix`.
pub(super) fn mlp(weights: &impl Tensors, config: &Config, prefix: &str, names: [&str; 2]) -> Result<Feed> {
    let [input, output] = names.map(|name| format!("{prefix}{name}"));
    let input = linear(weights, &input, config.d_model, config.d_mlp)?;
    let output = linear(weights, &output, config.d_mlp, config.d_model)?;
    Ok(Feed::Mlp(Mlp::new(input, None, output, config.act_fn)))
}

/// ALiBi with the slopes of its paper, multiplied by `scale`.
pub(super) fn alibi(n_heads: usize, scale: f64) -> Result<Position> {
    let slopes = alibi_slopes(countable("number of heads", n_heads)?);
    Ok(Position::Alibi(slopes.into_iter().map(|slope| slope * scale).collect()))
}

/// The most heads, or dimensions of a head; no model has more.
const MOST: usize = 1 << 16;

/// Refuses a size that no model has, before a list of that size is made. A damaged configuration may claim any number.
pub(super) fn countable(what: &str, size: usize) -> Result<usize> {
    if size <= MOST {
        return Ok(size);
    }
    Err(senseless(what, size, "no model has more than 65536"))
}

/// A decoder of one stack whose embedding is of tokens alone. `ends` are those of the [`Family`](super::Family).
pub(super) fn decoder(
    config: &Config,
    weights: &Weights,
    ends: [&str; 2],
    ln_final: Norm,
    block: impl Fn(&Config, &Weights, usize) -> Result<Block>,
) -> Result<Transformer> {
    decoder_with(config, weights, ends, token_embedding(config, weights, ends)?, ln_final, block)
}

/// A decoder of one stack with the given embedding.
pub(super) fn decoder_with(
    config: &Config,
    weights: &Weights,
    [unembedding, _]: [&str; 2],
    embed: Embed,
    ln_final: Norm,
    block: impl Fn(&Config, &Weights, usize) -> Result<Block>,
) -> Result<Transformer> {
    let blocks = (0..config.n_layers).map(|layer| block(config, weights, layer)).collect::<Result<_>>()?;
    let unembed = unembed(weights, config, unembedding, &embed.tokens)?;
    Ok(Transformer::new(embed, blocks, Readout::new(ln_final, unembed)))
}

/// The embedding of tokens alone.
pub(super) fn token_embedding(config: &Config, weights: &Weights, [_, tokens]: [&str; 2]) -> Result<Embed> {
    Ok(Embed::new(weights.tensor(tokens, &[config.d_vocab, config.d_model])?))
}

/// The unembedding: its own weight, or the transposed embedding if the two are tied.
pub(super) fn unembed(weights: &impl Tensors, config: &Config, weight: &str, embedding: &Tensor) -> Result<Linear> {
    let name = weight.trim_end_matches(".weight");
    match config.tied {
        true => Ok(Linear::new(embedding.t()?, weights.maybe(&format!("{name}.bias"), &[config.d_vocab])?)),
        false => linear(weights, name, config.d_model, config.d_vocab),
    }
}
