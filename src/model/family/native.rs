//! TransformerLens's own checkpoints: `HookedTransformer.state_dict()` names, its configuration's field names.
//!
//! The models this crate trains are kept so, and load in TransformerLens unchanged.

use super::{
    Family, Tensors,
    common::{attention, only},
};
use crate::{
    Result,
    error::LoadError,
    hook::Point,
    load::{Settings, Weights},
    model::{
        Config, Normalization,
        parts::{Block, Embed, Feed, Linear, Mlp, Norm, Readout},
        transformer::{Blocks, Transformer},
    },
    ops::Activation,
};
use candle_core::Tensor;

pub(super) const FAMILY: Family = Family {
    model_type: "hooked_transformer",
    config,
    build: |config, weights| build(config, weights),
    buffers: &[".attn.mask", ".attn.IGNORE"],
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    only(settings, "use_attn_scale", true)?;
    only(settings, "parallel_attn_mlp", false)?;
    only(settings, "gated_mlp", false)?;
    only(settings, "use_local_attn", false)?;
    only(settings, "scale_attn_by_inverse_layer_idx", false)?;
    only(settings, "attention_dir", "causal".to_owned())?;
    only(settings, "positional_embedding_type", "standard".to_owned())?;
    let unsupported =
        |key: &str, value: String, why: &str| LoadError::Unsupported { key: key.into(), value, why: why.into() };
    let attn_only = settings.or("attn_only", false)?;
    let normalization = match settings.find::<String>("normalization_type")?.as_deref() {
        None | Some("None") => Normalization::None,
        Some("LN") => Normalization::LayerNorm,
        Some(other) => return Err(unsupported("normalization_type", other.into(), "only LN and null are").into()),
    };
    let act_fn = match settings.find::<String>("act_fn")? {
        Some(name) => Activation::from_name(&name).ok_or_else(|| unsupported("act_fn", name, Activation::KNOWN))?,
        // Without an MLP there is nothing to activate.
        None if attn_only => Activation::Relu,
        None => settings.get::<String>("act_fn").map(|_| Activation::Relu)?,
    };
    let (d_model, n_heads): (usize, usize) = (settings.get("d_model")?, settings.get("n_heads")?);
    let d_head = settings.or("d_head", d_model / n_heads.max(1))?;
    Ok(Config {
        n_layers: settings.get("n_layers")?,
        d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: if attn_only { 0 } else { settings.or("d_mlp", 4 * d_model)? },
        d_vocab: settings.get("d_vocab")?,
        n_ctx: settings.get("n_ctx")?,
        act_fn,
        normalization,
        eps: settings.or("eps", 1e-5)?,
        d_embed: d_model,
        attn_scale: 1.0 / settings.or("attn_scale", (d_head as f64).sqrt())?,
        attn_only,
        ..Config::base("hooked_transformer")
    })
}

/// The parts, from a checkpoint or from variables in training (the gradient reaches them).
pub(crate) fn build(config: &Config, weights: &impl Tensors) -> Result<Transformer> {
    let Config { d_model, d_vocab, n_ctx, .. } = *config;
    let unembed = weights.tensor("unembed.W_U", &[d_model, d_vocab])?;
    let unembed = Linear::new(unembed, weights.maybe("unembed.b_U", &[d_vocab])?);
    let tokens = weights.tensor("embed.W_E", &[d_vocab, d_model])?;
    let positions = Some(weights.tensor("pos_embed.W_pos", &[n_ctx, d_model])?);
    let blocks = (0..config.n_layers).map(|layer| block(config, weights, layer)).collect::<Result<_>>()?;
    Ok(Transformer {
        embed: Embed { positions, ..Embed::new(tokens) },
        encoder: None,
        blocks: Blocks::new(blocks),
        readout: Readout::new(norm(config, weights, "ln_final", Norm::FINAL)?, unembed),
    })
}

/// The name and shape of every parameter of an attention-only model with this configuration.
pub(crate) fn shapes(config: &Config) -> Vec<(String, Vec<usize>)> {
    let Config { n_layers, n_heads, d_model, d_head, d_vocab, n_ctx, .. } = *config;
    let mut shapes =
        vec![("embed.W_E".to_owned(), vec![d_vocab, d_model]), ("pos_embed.W_pos".to_owned(), vec![n_ctx, d_model])];
    for layer in 0..n_layers {
        let mut add = |part: &str, shape: &[usize]| shapes.push((format!("blocks.{layer}.{part}"), shape.to_vec()));
        add("ln1.w", &[d_model]);
        add("ln1.b", &[d_model]);
        for which in ["Q", "K", "V"] {
            add(&format!("attn.W_{which}"), &[n_heads, d_model, d_head]);
            add(&format!("attn.b_{which}"), &[n_heads, d_head]);
        }
        add("attn.W_O", &[n_heads, d_head, d_model]);
        add("attn.b_O", &[d_model]);
    }
    shapes.push(("ln_final.w".into(), vec![d_model]));
    shapes.push(("ln_final.b".into(), vec![d_model]));
    shapes.push(("unembed.W_U".into(), vec![d_model, d_vocab]));
    shapes.push(("unembed.b_U".into(), vec![d_vocab]));
    shapes
}

fn norm(config: &Config, weights: &impl Tensors, name: &str, points: [Point; 2]) -> Result<Norm> {
    let (weight, bias) = match config.normalization {
        Normalization::None => (None, None),
        _ => {
            let get = |part: &str| weights.tensor(&format!("{name}.{part}"), &[config.d_model]).map(Some);
            (get("w")?, get("b")?)
        }
    };
    Ok(Norm { kind: config.normalization, weight, bias, eps: config.eps, points })
}

fn block(config: &Config, weights: &impl Tensors, layer: usize) -> Result<Block> {
    let Config { d_model, d_mlp, d_head, n_heads, .. } = *config;
    let get = |part: &str, shape: &[usize]| weights.tensor(&format!("blocks.{layer}.{part}"), shape);
    let maybe = |part: &str, shape: &[usize]| weights.maybe(&format!("blocks.{layer}.{part}"), shape);
    // [head, d_model, d_head] to [d_model, head * d_head]
    let side_by_side = |w: Tensor| w.transpose(0, 1)?.reshape((d_model, n_heads * d_head));
    let project = |which: &str| -> Result<Linear> {
        let weight = get(&format!("attn.W_{which}"), &[n_heads, d_model, d_head])?;
        let bias = maybe(&format!("attn.b_{which}"), &[n_heads, d_head])?;
        Ok(Linear::new(side_by_side(weight)?, bias.map(|bias| bias.flatten_all()).transpose()?))
    };
    let output = get("attn.W_O", &[n_heads, d_head, d_model])?.reshape((n_heads * d_head, d_model))?;
    let output = Linear::new(output, maybe("attn.b_O", &[d_model])?);
    let attention = attention(config, layer, project("Q")?, project("K")?, project("V")?, output);
    let mlp = || -> Result<_> {
        let input = Linear::new(get("mlp.W_in", &[d_model, d_mlp])?, maybe("mlp.b_in", &[d_mlp])?);
        let output = Linear::new(get("mlp.W_out", &[d_mlp, d_model])?, maybe("mlp.b_out", &[d_model])?);
        let ln2 = norm(config, weights, &format!("blocks.{layer}.ln2"), Norm::LN2)?;
        let mut mlp = Mlp::new(input, None, output, config.act_fn);
        if config.act_fn.has_norm() {
            mlp.norm = neuron_norm(config, &get)?;
        }
        Ok((ln2, Feed::Mlp(mlp)))
    };
    let mlp = (!config.attn_only).then(mlp).transpose()?;
    let ln1 = norm(config, weights, &format!("blocks.{layer}.ln1"), Norm::LN1)?;
    Ok(Block::new(ln1, attention, mlp))
}

/// The norm of the neurons in a SoLU model.
fn neuron_norm(config: &Config, get: &impl Fn(&str, &[usize]) -> Result<Tensor>) -> Result<Norm> {
    let part = |name: &str| get(&format!("mlp.ln.{name}"), &[config.d_mlp]).map(Some);
    let (kind, eps) = (Normalization::LayerNorm, config.eps);
    Ok(Norm { kind, weight: part("w")?, bias: part("b")?, eps, points: Norm::MLP })
}
