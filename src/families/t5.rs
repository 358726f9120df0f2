//! T5 ([Raffel et al. 2020](https://arxiv.org/abs/1910.10683)), its version 1.1 with Flan-T5 ([Chung et al.
//! 2022](https://arxiv.org/abs/2210.11416)), and mT5 ([Xue et al. 2021](https://arxiv.org/abs/2010.11934)).
//!
//! Reference: `T5ForConditionalGeneration` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/t5/modeling_t5.py>

use super::{
    Family, Tensors,
    common::{attention, eps, linear, norm, only, senseless},
};
use crate::{
    Result,
    config::{Architecture, Config, Normalization, Position, StackConfig},
    error::LoadError,
    load::{Settings, Weights},
    net::{
        parts::{Attention, Block, Cross, Embed, Feed, Front, Linear, Mlp, Norm, Readout, RelativeBias},
        transformer::{StackParts, Transformer},
    },
    ops::Activation,
    site::Stack,
};
use candle_core::Tensor;

pub(super) const FAMILY: Family =
    Family { model_type: "t5", prefixes: &[], config, build, ends: ["lm_head.weight", SHARED], buffers: &[OF_CROSS] };
pub(super) const MULTILINGUAL: Family = Family { model_type: "mt5", ..FAMILY };

/// A tensor that was published with the first T5 but is not used, because cross attention has no relative positions.
const OF_CROSS: &str = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";
/// The embedding of both stacks.
const SHARED: &str = "shared.weight";
/// Alternative names of the embedding, one for each stack.
const OF_STACKS: [&str; 2] = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"];

fn config(settings: &Settings, weights: &Weights) -> Result<Config> {
    only(settings, "is_decoder", false)?;
    only(settings, "is_encoder_decoder", true)?;
    let (d_model, n_heads) = (settings.get("d_model")?, settings.get("num_heads")?);
    let n_encoder_layers = settings.get("num_layers")?;
    let (gated_mlp, act_fn) = feed_forward(settings)?;
    let family = settings.model_type()?;
    // The first T5 ties the embedding and the unembedding and scales the unembedding's input. Later versions do
    // neither, though configurations of mT5 may claim that they are tied.
    let scaled = family == FAMILY.model_type && settings.or(["scale_decoder_outputs", "tie_word_embeddings"], true)?;
    let num_buckets = settings.or("relative_attention_num_buckets", 32)?;
    if num_buckets < 4 {
        let (key, why) = ("relative_attention_num_buckets".into(), "it must be at least 4".into());
        return Err(LoadError::Unsupported { key, value: num_buckets.to_string(), why }.into());
    }
    let mut untied = Vec::new();
    for name in OF_STACKS {
        if weights.differs(name, SHARED)? {
            untied.push(name.to_owned());
        }
    }
    let max_distance = settings.or("relative_attention_max_distance", 128)?;
    // Half of a decoder's buckets hold one distance each; the others share the distances beyond.
    if max_distance <= num_buckets / 2 {
        let why = format!("it must be more than half of `relative_attention_num_buckets`, {num_buckets}");
        return Err(senseless("relative_attention_max_distance", max_distance, why));
    }
    let config = Config {
        architecture: Architecture::EncoderDecoder,
        n_layers: settings.or("num_decoder_layers", n_encoder_layers)?,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head: settings.get("d_kv")?,
        d_mlp: settings.get("d_ff")?,
        d_vocab: settings.get("vocab_size")?,
        n_ctx: settings.or("n_positions", 512)?,
        act_fn,
        normalization: Normalization::RmsNorm,
        eps: eps(settings, "layer_norm_epsilon", 1e-6)?,
        position: Position::RelativeBias { num_buckets, max_distance },
        unembed_scale: if scaled { 1.0 / (d_model as f64).sqrt() } else { 1.0 },
        gated_mlp,
        // Newer configurations claim that all are tied. Models without scaling have a separate unembedding if one is
        // stored.
        tied: settings.or("tie_word_embeddings", true)? && (scaled || !weights.contains("lm_head.weight")),
        untied,
        left_out: [OF_CROSS].into_iter().filter(|name| weights.contains(name)).map(str::to_owned).collect(),
        decoder_start: vec![settings.or(["decoder_start_token_id", "pad_token_id"], 0)?],
        ..Config::base(&family)
    };
    let encoder = Some(StackConfig { n_layers: n_encoder_layers, ..config.own_part() });
    Ok(Config { encoder, ..config })
}

/// Whether the MLP is gated, and its nonlinearity: `relu`, `gated-gelu`, ...
fn feed_forward(settings: &Settings) -> Result<(bool, Activation)> {
    let key = "feed_forward_proj";
    let value = settings.or(key, "relu".to_owned())?;
    let (gated, name) = match value.strip_prefix("gated-") {
        // The only name that does not mean what it says.
        Some("gelu") => (true, "gelu_new"),
        Some(name) => (true, name),
        None => (false, value.as_str()),
    };
    let why = "it supports relu, gelu, gelu_new and silu, each also with `gated-` in front".to_owned();
    let act_fn = Activation::from_name(name);
    let act_fn = act_fn.ok_or_else(|| LoadError::Unsupported { key: key.into(), value: value.clone(), why })?;
    Ok((gated, act_fn))
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let ([of_encoder, of_decoder], unembed) = ends(config, weights)?;
    let final_norm = |stack: &str, points| norm(weights, &format!("{stack}.final_layer_norm"), config, points);
    let norm = Some(final_norm("encoder", Norm::ENCODER_FINAL)?);
    let encoder = StackParts { norm, ..stack(config, weights, Stack::Encoder, of_encoder)? };
    let last = stack(config, weights, Stack::Decoder, of_decoder)?;
    let readout = Readout::new(final_norm("decoder", Norm::DECODER_FINAL)?, unembed);
    Ok(Transformer { encoder: Some(encoder), last, readout })
}

/// Embedding and unembedding. All may share one table, or a stack or the unembedding may have its own.
fn ends(config: &Config, weights: &Weights) -> Result<([Embed; 2], Linear)> {
    let Config { d_model, d_vocab, .. } = *config;
    let table = |name: &str| weights.tensor(name, &[d_vocab, d_model]);
    let own = |name: &str| config.untied.iter().any(|own| own == name).then(|| table(name)).transpose();
    let [encoder, decoder] = OF_STACKS;
    let (encoder, decoder) = (own(encoder)?, own(decoder)?);
    let shared = match (&encoder, &decoder, config.tied) {
        // The table is left unread, so that it is reported as unused.
        (Some(_), Some(_), false) => None,
        _ => Some(table(SHARED)?),
    };
    let unembed = match (config.tied, &shared) {
        (true, Some(shared)) => Linear::new(shared.t()?, None),
        _ => linear(weights, "lm_head", d_model, d_vocab)?,
    };
    let of_stack = |own: Option<Tensor>| own.or(shared.clone()).map_or_else(|| table(SHARED), Ok).map(Embed::new);
    Ok(([of_stack(encoder)?, of_stack(decoder)?], unembed))
}

/// The layers of a stack. The first layer holds the relative position bias that all layers add to their scores.
fn stack(config: &Config, weights: &Weights, stack: Stack, front: Embed) -> Result<StackParts> {
    let config = &config.in_stack(stack);
    let blocks = (0..config.n_layers).map(|layer| block(config, weights, stack, layer)).collect::<Result<_>>()?;
    let parts = StackParts { stack, front: Front::Tokens(front), blocks, relative: None, norm: None };
    let Position::RelativeBias { num_buckets, max_distance } = config.position else { return Ok(parts) };
    let name = format!("{}.block.0.layer.0.SelfAttention.relative_attention_bias.weight", stack.prefix());
    let table = weights.tensor(&name, &[num_buckets, config.n_heads])?;
    let relative = Some(RelativeBias { table, max_distance, bidirectional: stack == Stack::Encoder });
    Ok(StackParts { relative, ..parts })
}

fn block(config: &Config, weights: &Weights, stack: Stack, layer: usize) -> Result<Block> {
    let Config { d_model, d_mlp, .. } = *config;
    let name = |part: &str| format!("{}.block.{layer}.layer.{part}", stack.prefix());
    let norm = |part: &str, points| norm(weights, &name(&format!("{part}.layer_norm")), config, points);
    let decodes = stack == Stack::Decoder;
    let (part, points) = if decodes { ("2", Norm::LN3) } else { ("1", Norm::LN2) };
    let project =
        |kind: &str, d_in, d_out| linear(weights, &name(&format!("{part}.DenseReluDense.{kind}")), d_in, d_out);
    let (gate, input) = match config.gated_mlp {
        true => (Some(project("wi_0", d_model, d_mlp)?), project("wi_1", d_model, d_mlp)?),
        false => (None, project("wi", d_model, d_mlp)?),
    };
    let mlp = Mlp::new(input, gate, project("wo", d_mlp, d_model)?, config.act_fn);
    let attention = attend(config, weights, &name("0.SelfAttention"), layer)?;
    let attention = Attention { causal: decodes, ..attention };
    let mut block = Block::new(norm("0", Norm::LN1)?, attention, Some((norm(part, points)?, Feed::Mlp(mlp))));
    if decodes {
        let attention = attend(config, weights, &name("1.EncDecAttention"), layer)?;
        block.cross = Some(Cross { ln: norm("1", Norm::LN2)?, attention });
    }
    Ok(block)
}

fn attend(config: &Config, weights: &Weights, name: &str, layer: usize) -> Result<Attention> {
    let (d_model, heads) = (config.d_model, config.n_heads * config.d_head);
    let project = |part: &str, d_in, d_out| linear(weights, &format!("{name}.{part}"), d_in, d_out);
    let q = project("q", d_model, heads)?;
    let k = project("k", d_model, heads)?;
    let v = project("v", d_model, heads)?;
    Ok(attention(config, layer, q, k, v, project("o", heads, d_model)?))
}
