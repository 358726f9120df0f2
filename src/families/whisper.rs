//! Whisper ([Radford et al. 2022](https://arxiv.org/abs/2212.04356)) and its distilled versions ([Gandhi et al.
//! 2023](https://arxiv.org/abs/2311.00430)): an encoder of sound and a decoder of text.
//!
//! Reference: `WhisperForConditionalGeneration` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/whisper/modeling_whisper.py>

use super::{
    Family, Tensors,
    common::{activation, attention_apart, countable, linear, norm, only, senseless},
};
use crate::{
    Result,
    config::{Architecture, Config, Position, StackConfig},
    load::{Settings, Weights},
    net::{
        parts::{Attention, Block, Convolution, Cross, Embed, Feed, Front, Linear, Mlp, Norm, Readout, SoundFront},
        transformer::{StackParts, Transformer},
    },
    site::Stack,
    tensor::from_values,
};
use candle_core::Tensor;

pub(super) const FAMILY: Family = Family {
    model_type: "whisper",
    prefixes: &["model."],
    config,
    build,
    ends: ["proj_out.weight", TABLE],
    buffers: &[],
};

const TABLE: &str = "decoder.embed_tokens.weight";

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    only(settings, "scale_embedding", false)?;
    only(settings, "is_encoder_decoder", true)?;
    let d_model = settings.get("d_model")?;
    let stack = |kind: &str, n_ctx: usize, position| -> Result<StackConfig> {
        let size = |part: &str| {
            let key = format!("{kind}_{part}");
            match settings.get(&*key)? {
                0 => Err(senseless(&key, 0, "it must be at least 1")),
                size => countable(&key, size),
            }
        };
        let n_heads = size("attention_heads")?;
        let d_head: usize = d_model / n_heads;
        if d_head * n_heads != d_model || d_head == 0 {
            let why = format!("it must divide `d_model`, which is {d_model}");
            return Err(senseless(&format!("{kind}_attention_heads"), n_heads, why));
        }
        countable("d_model", d_model)?;
        Ok(StackConfig {
            n_layers: size("layers")?,
            n_heads,
            n_key_value_heads: n_heads,
            d_head,
            d_mlp: size("ffn_dim")?,
            n_ctx,
            position,
            attn_scale: 1.0 / (d_head as f64).sqrt(),
        })
    };
    let encoder = stack("encoder", settings.or("max_source_positions", 1500)?, Position::Sinusoidal)?;
    let decoder = stack("decoder", settings.or("max_target_positions", 448)?, Position::Learned)?;
    let d_vocab = settings.get("vocab_size")?;
    let start = settings.get("decoder_start_token_id")?;
    Ok(Config {
        architecture: Architecture::EncoderDecoder,
        encoder: Some(encoder),
        n_mels: countable("num_mel_bins", settings.or("num_mel_bins", 80)?)?,
        d_model,
        d_embed: d_model,
        d_vocab,
        act_fn: activation(settings, ["activation_function", "activation_function"], "gelu")?,
        tied: settings.or("tie_word_embeddings", true)?,
        decoder_start: vec![start],
        ..Config::base(&settings.model_type()?).with_own_part(decoder)
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let d_model = config.d_model;
    let table = weights.tensor(TABLE, &[config.d_vocab, d_model])?;
    let unembed = match config.tied {
        true => Linear::new(table.t()?, None),
        false => linear(weights, "proj_out", d_model, config.d_vocab)?,
    };
    let positions = Some(weights.tensor("decoder.embed_positions.weight", &[config.n_ctx, d_model])?);
    let front = Front::Tokens(Embed { positions, ..Embed::new(table) });
    let last = stack(config, weights, Stack::Decoder, front)?;
    let encoder = stack(config, weights, Stack::Encoder, Front::Sound(sound(config, weights)?))?;
    let norm = |stack: &str, points| norm(weights, &format!("{stack}.layer_norm"), config, points);
    let encoder = StackParts { norm: Some(norm("encoder", Norm::ENCODER_FINAL)?), ..encoder };
    let readout = Readout::new(norm("decoder", Norm::DECODER_FINAL)?, unembed);
    Ok(Transformer { encoder: Some(encoder), last, readout })
}

fn sound(config: &Config, weights: &Weights) -> Result<SoundFront> {
    let Config { d_model, n_mels, act_fn, .. } = *config;
    let convolution = |name: &str, d_in, stride| {
        let weight = weights.tensor(&format!("encoder.{name}.weight"), &[d_model, d_in, 3])?;
        Convolution::new(&weight, weights.tensor(&format!("encoder.{name}.bias"), &[d_model])?, stride)
    };
    let n_ctx = config.in_stack(Stack::Encoder).n_ctx;
    // Files may leave out what a formula gives.
    let stored = weights.maybe("encoder.embed_positions.weight", &[n_ctx, d_model])?;
    let positions = stored.map_or_else(|| sinusoids(n_ctx, d_model), Ok)?;
    Ok(SoundFront {
        convolutions: [convolution("conv1", n_mels, 1)?, convolution("conv2", d_model, 2)?],
        act_fn,
        positions,
    })
}

/// The vectors of the encoder's positions: sines of slower and slower waves, then their cosines.
///
/// # Shapes
/// `[pos, d_model]`
fn sinusoids(n_ctx: usize, d_model: usize) -> Result<Tensor> {
    let half = d_model / 2;
    let slower = 10_000f64.ln() / (half.max(2) - 1) as f64;
    let angle = |pos: usize, wave: usize| pos as f64 * (-slower * wave as f64).exp();
    let row = |pos| {
        let sines = (0..half).map(move |wave| angle(pos, wave).sin());
        sines.chain((0..half).map(move |wave| angle(pos, wave).cos())).map(|x| x as f32)
    };
    let values: Vec<f32> = (0..n_ctx).flat_map(row).collect();
    Ok(from_values(values, (n_ctx, 2 * half))?)
}

fn stack(config: &Config, weights: &Weights, stack: Stack, front: Front) -> Result<StackParts> {
    let config = &config.in_stack(stack);
    let blocks = (0..config.n_layers).map(|layer| block(config, weights, stack, layer)).collect::<Result<_>>()?;
    Ok(StackParts { stack, front, blocks, relative: None, norm: None })
}

fn block(config: &Config, weights: &Weights, stack: Stack, layer: usize) -> Result<Block> {
    let Config { d_model, d_mlp, .. } = *config;
    let name = |part: &str| format!("{}.layers.{layer}.{part}", stack.prefix());
    let norm = |part: &str, points| norm(weights, &name(part), config, points);
    let attend = |part: &str| {
        let names = ["q_proj", "k_proj", "v_proj", "out_proj"];
        attention_apart(weights, config, layer, &name(&format!("{part}.")), names)
    };
    let decodes = stack == Stack::Decoder;
    let input = linear(weights, &name("fc1"), d_model, d_mlp)?;
    let mlp = Mlp::new(input, None, linear(weights, &name("fc2"), d_mlp, d_model)?, config.act_fn);
    let ln = norm("final_layer_norm", if decodes { Norm::LN3 } else { Norm::LN2 })?;
    let attention = attend("self_attn")?;
    let attention = Attention { causal: decodes, ..attention };
    let mut block = Block::new(norm("self_attn_layer_norm", Norm::LN1)?, attention, Some((ln, Feed::Mlp(mlp))));
    if decodes {
        let (ln, attention) = (norm("encoder_attn_layer_norm", Norm::LN2)?, attend("encoder_attn")?);
        block.cross = Some(Cross { ln, attention });
    }
    Ok(block)
}
