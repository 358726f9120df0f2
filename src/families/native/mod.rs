//! TransformerLens's own checkpoints: the tensor names of `HookedTransformer.state_dict()` and the field names of its
//! configuration (<https://github.com/TransformerLensOrg/TransformerLens>).
//!
//! Models trained with this crate are saved in this form, and TransformerLens loads them unchanged.

mod settings;

use super::{Family, Tensors, common::attention};
use crate::{
    Result,
    config::{Config, NormPlace, Normalization, Position, Step},
    error::LoadError,
    load::Weights,
    net::{
        parts::{Block, Embed, Feed, HeadNorm, Linear, Mlp, Norm, Readout},
        transformer::Transformer,
    },
    ops,
    site::Point,
};
use candle_core::Tensor;
pub(crate) use settings::write;

pub(crate) use crate::load::NATIVE as MODEL_TYPE;

pub(super) const FAMILY: Family = Family {
    model_type: MODEL_TYPE,
    prefixes: &[],
    config: |settings, _: &Weights| settings::read(settings),
    build: |config, weights| build(config, weights),
    ends: ["unembed.W_U", "embed.W_E"],
    buffers: &[".attn.mask", ".attn.IGNORE", ".attn.rotary_sin", ".attn.rotary_cos"],
};

/// Builds the network from a checkpoint, or from variables in training, which then receive gradients.
pub(crate) fn build(config: &Config, weights: &impl Tensors) -> Result<Transformer> {
    let Config { d_model, d_vocab, n_ctx, .. } = *config;
    let tokens = weights.tensor("embed.W_E", &[d_vocab, d_model])?;
    let bias = weights.maybe("unembed.b_U", &[d_vocab])?;
    let unembed = match config.tied {
        true => Linear::new(tokens.t()?, bias),
        false => linear(weights.tensor("unembed.W_U", &[d_model, d_vocab])?, bias)?,
    };
    let positions =
        config.has_position_vectors().then(|| weights.tensor("pos_embed.W_pos", &[n_ctx, d_model])).transpose()?;
    let embed_norm = match config.embed_norm {
        true => whole_norm(config, weights, "embed.ln", d_model, Norm::EMBED)?,
        false => Norm::none(),
    };
    let mut blocks = (0..config.n_layers).map(|layer| block(config, weights, layer)).collect::<Result<Vec<_>>>()?;
    if config.position == Position::Shortformer {
        blocks.iter_mut().for_each(|block| block.attention.positions = positions.clone());
    }
    let embed = Embed { positions, norm: embed_norm, ..Embed::new(tokens) };
    let readout = Readout::new(norm(config, weights, "ln_final", d_model, Norm::FINAL)?, unembed);
    Ok(Transformer::new(embed, blocks, readout))
}

/// The name and shape of every parameter of a decoder with this configuration, in the forms that are trained here: with
/// or without MLPs, norms, and a separate unembedding. Only TransformerLens's form has an unembedding bias.
pub(crate) fn shapes(config: &Config) -> Vec<(String, Vec<usize>)> {
    let Config { n_layers, n_heads, d_model, d_head, d_mlp, d_vocab, n_ctx, .. } = *config;
    let mut shapes = Vec::new();
    let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
    let norm = |add: &mut dyn FnMut(String, &[usize]), name: String| {
        if config.normalization == Normalization::LayerNorm {
            add(format!("{name}.w"), &[d_model]);
            add(format!("{name}.b"), &[d_model]);
        }
    };
    add("embed.W_E".into(), &[d_vocab, d_model]);
    add("pos_embed.W_pos".into(), &[n_ctx, d_model]);
    for layer in 0..n_layers {
        let name = |part: &str| format!("blocks.{layer}.{part}");
        norm(&mut add, name("ln1"));
        for which in ["Q", "K", "V"] {
            add(name(&format!("attn.W_{which}")), &[n_heads, d_model, d_head]);
            add(name(&format!("attn.b_{which}")), &[n_heads, d_head]);
        }
        add(name("attn.W_O"), &[n_heads, d_head, d_model]);
        add(name("attn.b_O"), &[d_model]);
        if !config.attn_only {
            norm(&mut add, name("ln2"));
            add(name("mlp.W_in"), &[d_model, d_mlp]);
            add(name("mlp.b_in"), &[d_mlp]);
            add(name("mlp.W_out"), &[d_mlp, d_model]);
            add(name("mlp.b_out"), &[d_model]);
        }
    }
    norm(&mut add, "ln_final".into());
    if !config.tied {
        add("unembed.W_U".into(), &[d_model, d_vocab]);
    }
    if config.family == MODEL_TYPE {
        add("unembed.b_U".into(), &[d_vocab]);
    }
    shapes
}

/// A norm before matrices into which its weights may have been folded.
fn norm(config: &Config, weights: &impl Tensors, name: &str, size: usize, points: [Point; 2]) -> Result<Norm> {
    match config.processed.has(Step::FoldLn) {
        true => Ok(Norm { kind: config.normalization, weight: None, bias: None, eps: config.eps, points }),
        false => whole_norm(config, weights, name, size, points),
    }
}

fn whole_norm(config: &Config, weights: &impl Tensors, name: &str, size: usize, points: [Point; 2]) -> Result<Norm> {
    let get = |part: &str| weights.tensor(&format!("{name}.{part}"), &[size]).map(Some);
    let (weight, bias) = match config.normalization {
        Normalization::None => (None, None),
        Normalization::RmsNorm => (get("w")?, None),
        Normalization::LayerNorm => (get("w")?, get("b")?),
    };
    Ok(Norm { kind: config.normalization, weight, bias, eps: config.eps, points })
}

fn block(config: &Config, weights: &impl Tensors, layer: usize) -> Result<Block> {
    let Config { d_model, d_mlp, d_head, n_heads, n_key_value_heads, .. } = *config;
    let name = |part: &str| format!("blocks.{layer}.{part}");
    let get = |part: &str, shape: &[usize]| weights.tensor(&name(part), shape);
    let maybe = |part: &str, shape: &[usize]| weights.maybe(&name(part), shape);
    let project = |prefix: &str, letter: &str, heads: usize| -> Result<Linear> {
        let weight = get(&format!("attn.{prefix}W_{letter}"), &[heads, d_model, d_head])?;
        let bias = maybe(&format!("attn.{prefix}b_{letter}"), &[heads, d_head])?;
        // [head, d_model, d_head] to [d_model, head * d_head]
        let side_by_side = weight.transpose(0, 1)?.reshape((d_model, heads * d_head))?;
        linear(side_by_side, bias.map(|bias| bias.flatten_all()).transpose()?)
    };
    let grouped = if n_heads == n_key_value_heads { "" } else { "_" };
    let (k, v) = (project(grouped, "K", n_key_value_heads)?, project(grouped, "V", n_key_value_heads)?);
    let output = get("attn.W_O", &[n_heads, d_head, d_model])?.reshape((n_heads * d_head, d_model))?;
    let output = linear(output, maybe("attn.b_O", &[d_model])?)?;
    let mut attention = attention(config, layer, project("", "Q", n_heads)?, k, v, output);
    if config.qk_norm.is_some() {
        let head_norm = |which: &str| -> Result<Option<HeadNorm>> {
            let weight = get(&format!("attn.{which}.w"), &[d_head])?;
            let (kind, eps) = (config.normalization, config.eps);
            Ok(Some(HeadNorm { kind, whole: false, weight, bias: None, eps }))
        };
        (attention.q_norm, attention.k_norm) = (head_norm("q_norm")?, head_norm("k_norm")?);
    }
    let before = |part: &str, points| norm(config, weights, &name(part), d_model, points);
    let mlp = || -> Result<_> {
        let input = linear(get("mlp.W_in", &[d_model, d_mlp])?, maybe("mlp.b_in", &[d_mlp])?)?;
        let output = linear(get("mlp.W_out", &[d_mlp, d_model])?, maybe("mlp.b_out", &[d_model])?)?;
        let gate = config.gated_mlp.then(|| get("mlp.W_gate", &[d_model, d_mlp])).transpose()?;
        let input = if gate.is_some() { without_bias(input, &name("mlp.b_in"))? } else { input };
        let mut mlp = Mlp::new(input, gate.map(|gate| linear(gate, None)).transpose()?, output, config.act_fn);
        if config.act_fn.has_norm() {
            // Always a LayerNorm, whatever the other norms are.
            let neurons = Config { normalization: Normalization::LayerNorm, ..config.clone() };
            mlp.norm = norm(&neurons, weights, &name("mlp.ln"), d_mlp, Norm::MLP)?;
        }
        Ok((before("ln2", Norm::LN2)?, Feed::Mlp(mlp)))
    };
    let mlp = (!config.attn_only).then(mlp).transpose()?;
    let mut block =
        Block { parallel: config.parallel_attn_mlp, ..Block::new(before("ln1", Norm::LN1)?, attention, mlp) };
    if config.norm_place == NormPlace::PreAndPost {
        let after = |part: &str, points| whole_norm(config, weights, &name(part), d_model, points);
        block.ln1_post = after("ln1_post", Norm::LN1_POST)?;
        block.ln2_post = if config.attn_only { Norm::none() } else { after("ln2_post", Norm::LN2_POST)? };
    }
    Ok(block)
}

/// A layer whose weight is stored as `[d_in, d_out]`.
fn linear(weight: Tensor, bias: Option<Tensor>) -> Result<Linear> {
    Ok(Linear::new(ops::by_output(&weight)?, bias))
}

/// The input layer of a gated MLP. TransformerLens adds its `b_in` after the product with the gate. This crate has no
/// such bias; it is zero in all models.
fn without_bias(input: Linear, name: &str) -> Result<Linear> {
    if let Some(bias) = &input.bias
        && bias.abs()?.sum(0)?.to_scalar::<f32>()? != 0.0
    {
        let why = "in a gated MLP it must be zero".into();
        return Err(LoadError::Unsupported { key: name.into(), value: "not zero".into(), why }.into());
    }
    Ok(Linear::new(input.weight, None))
}
