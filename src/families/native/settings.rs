//! Reads and writes the fields of TransformerLens's configuration.

use crate::{
    Result,
    config::{Architecture, Config, Heads, NormPlace, Normalization, Position, ProcessingRecord, QkNorm, Rotary, Step},
    error::{LoadError, WeightsError},
    families::common::{eps, only, width_of_head},
    load::{Finite, Settings},
    ops::Activation,
};
use serde_json::{Map, Value, json};

/// The error about a field whose value this crate does not implement.
fn unsupported(key: &str, value: impl Into<String>, why: &str) -> crate::Error {
    LoadError::Unsupported { key: key.into(), value: value.into(), why: why.into() }.into()
}

pub(super) fn read(settings: &Settings) -> Result<Config> {
    only(settings, "attention_dir", "causal".to_owned())?;
    for key in ["use_NTK_by_parts_rope", "use_yarn_rope"] {
        only(settings, key, false)?;
    }
    only(settings, "rotary_scaling_factor", 1.0)?;
    for key in ["num_experts", "rotary_base_local", "relative_attention_num_buckets"] {
        if settings.has(key)? {
            return Err(unsupported(key, "given", "TransformerLens checkpoints of such models are not supported"));
        }
    }
    unused(settings)?;
    let n_layers = settings.get("n_layers")?;
    let attn_only = settings.or("attn_only", false)?;
    let (normalization, folded) = normalization(settings)?;
    if normalization == Normalization::LayerNorm {
        only(settings, "final_rms", false)?;
    }
    let act_fn = match settings.find::<String>("act_fn")? {
        Some(name) => Activation::from_name(&name).ok_or_else(|| unsupported("act_fn", name, Activation::KNOWN))?,
        // A model without MLPs has no activation.
        None if attn_only => Activation::Relu,
        None => settings.get::<String>("act_fn").map(|_| Activation::Relu)?,
    };
    let (d_model, n_heads): (usize, usize) = (settings.get("d_model")?, settings.get("n_heads")?);
    let d_head = settings.find("d_head")?.map_or_else(|| width_of_head(settings, d_model, n_heads), Ok)?;
    // TransformerLens writes -1 for absent values.
    let positive = |key: &str| match settings.find(key)? {
        Some(Finite(-1.0)) => Ok(None),
        _ => settings.find::<f64>(key),
    };
    let attn_scale = match settings.or("use_attn_scale", true)? {
        true => positive("attn_scale")?.unwrap_or((d_head as f64).sqrt()),
        false => 1.0,
    };
    let both_sides = settings.or("use_normalization_before_and_after", false)?;
    Ok(Config {
        n_layers,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: settings.or("n_key_value_heads", n_heads)?,
        d_head,
        d_mlp: if attn_only { 0 } else { settings.or("d_mlp", 4 * d_model)? },
        d_vocab: settings.get("d_vocab")?,
        n_ctx: settings.get("n_ctx")?,
        act_fn,
        normalization,
        norm_place: if both_sides { NormPlace::PreAndPost } else { NormPlace::Pre },
        qk_norm: settings.or("use_qk_norm", false)?.then_some(QkNorm::HeadValues),
        embed_norm: settings.or("post_embedding_ln", false)?,
        eps: eps(settings, "eps", 1e-5)?,
        position: position(settings, d_head)?,
        windows: windows(settings, n_layers)?,
        attn_scale: 1.0 / attn_scale,
        scale_attn_by_inverse_layer_idx: settings.or("scale_attn_by_inverse_layer_idx", false)?,
        attn_scores_soft_cap: positive("attn_scores_soft_cap")?,
        output_logits_soft_cap: positive("output_logits_soft_cap")?,
        attn_only,
        parallel_attn_mlp: settings.or("parallel_attn_mlp", false)?,
        gated_mlp: settings.or("gated_mlp", false)?,
        processed: processed(settings, folded)?,
        ..Config::base(super::MODEL_TYPE)
    })
}

/// Refuses unused settings of the wrong type, and an unembedding of another size.
fn unused(settings: &Settings) -> Result<()> {
    for key in ["d_mlp", "rotary_dim", "window_size"] {
        settings.find::<usize>(key)?;
    }
    settings.find::<Vec<String>>("attn_types")?;
    for key in ["use_hook_tokens", "use_attn_in", "use_attn_result", "use_split_qkv_input", "use_hook_mlp_in"] {
        settings.find::<bool>(key)?;
    }
    // TransformerLens writes -1 for "as many as there are tokens".
    let (d_vocab, out): (usize, Option<Finite>) = (settings.get("d_vocab")?, settings.find("d_vocab_out")?);
    match out {
        Some(Finite(out)) if out != -1.0 && out != d_vocab as f64 => {
            Err(unsupported("d_vocab_out", out.to_string(), "the unembedding must have the size d_vocab"))
        }
        _ => Ok(()),
    }
}

/// The kind of norm, and whether its weights are folded.
fn normalization(settings: &Settings) -> Result<(Normalization, bool)> {
    match settings.find::<String>(["normalization_type", "normalization"])?.as_deref() {
        None | Some("None") => Ok((Normalization::None, false)),
        Some("LN") => Ok((Normalization::LayerNorm, false)),
        Some("LNPre") => Ok((Normalization::LayerNorm, true)),
        Some("RMS") => Ok((Normalization::RmsNorm, false)),
        Some("RMSPre") => Ok((Normalization::RmsNorm, true)),
        Some(other) => Err(unsupported("normalization_type", other, "it supports LN, LNPre, RMS, RMSPre and null")),
    }
}

fn position(settings: &Settings, d_head: usize) -> Result<Position> {
    // The name of the option in the configurations of the first such models.
    let default = if settings.or("shortformer_pos", false)? { "shortformer" } else { "standard" };
    match settings.or("positional_embedding_type", default.to_owned())?.as_str() {
        "standard" => Ok(Position::Learned),
        "shortformer" => Ok(Position::Shortformer),
        "rotary" => {
            let dims: usize = settings.or("rotary_dim", d_head)?;
            if dims % 2 == 1 || dims > d_head {
                return Err(unsupported("rotary_dim", dims.to_string(), "it must be an even number up to d_head"));
            }
            let frequencies = frequencies(settings.or("rotary_base", 10_000.0)?, dims / 2);
            let adjacent = settings.or("rotary_adjacent_pairs", false)?;
            Ok(Position::Rotary(Rotary { adjacent, ..Rotary::halves(frequencies) }))
        }
        other => Err(unsupported("positional_embedding_type", other, "it supports standard, shortformer and rotary")),
    }
}

fn windows(settings: &Settings, n_layers: usize) -> Result<Vec<Option<usize>>> {
    if !settings.or("use_local_attn", false)? {
        return Ok(Vec::new());
    }
    let (window, types): (usize, Vec<String>) = (settings.get("window_size")?, settings.get("attn_types")?);
    if types.len() != n_layers {
        return Err(unsupported("attn_types", types.join(", "), "there must be one for each layer"));
    }
    let window_of = |kind: &String| match kind.as_str() {
        "local" => Ok(Some(window)),
        "global" => Ok(None),
        other => Err(unsupported("attn_types", other, "it supports global and local")),
    };
    types.iter().map(window_of).collect()
}

/// What was done to the weights. TransformerLens's configuration records folded norms only.
fn processed(settings: &Settings, folded: bool) -> Result<ProcessingRecord> {
    let mut processed = ProcessingRecord::default();
    let names = settings.or("processing", if folded { vec![Step::FoldLn.name().to_owned()] } else { Vec::new() })?;
    for name in names {
        let step = Step::ALL.into_iter().find(|step| step.name() == name);
        processed.record(step.ok_or_else(|| unsupported("processing", name, "it is not a step of weight processing"))?);
    }
    match processed.has(Step::FoldLn) == folded {
        true => Ok(processed),
        false => Err(unsupported("processing", processed.to_string(), "normalization_type contradicts its fold_ln")),
    }
}

fn frequencies(base: f64, pairs: usize) -> Vec<f64> {
    (0..pairs).map(|pair| 1.0 / base.powf(pair as f64 / pairs as f64)).collect()
}

/// The base that produces these frequencies, if any.
fn base(frequencies: &[f64]) -> Option<f64> {
    let pairs = frequencies.len();
    let exact = frequencies.get(1).map_or(10_000.0, |second| second.powf(-(pairs as f64)));
    // Bases are integers, which taking two roots misses slightly.
    let near = |base: &f64| {
        let same = |(a, b): (&f64, f64)| (a - b).abs() <= 1e-12 * b;
        frequencies.iter().zip(self::frequencies(*base, pairs)).all(same)
    };
    [exact.round(), exact].into_iter().find(near)
}

/// Writes the configuration with TransformerLens's field names.
///
/// # Errors
/// When TransformerLens's configuration cannot express something; the error names it.
pub(crate) fn write(config: &Config) -> Result<Map<String, Value>> {
    // Every field is listed, so that a new one is not forgotten here.
    let Config {
        family,
        architecture,
        n_layers,
        encoder: _,
        d_model,
        d_embed,
        n_heads,
        n_key_value_heads,
        d_head,
        d_mlp,
        d_vocab,
        n_ctx,
        unplaced_token: _, // of an encoder
        n_mels: _,         // of a speech model
        n_token_types,
        act_fn,
        normalization,
        norm_place,
        qk_norm,
        embed_norm,
        final_norm,
        eps,
        position,
        local_rotary,
        no_rope_layers,
        windows,
        attn_scale,
        clip_qkv,
        scale_attn_by_inverse_layer_idx,
        attn_scores_soft_cap,
        output_logits_soft_cap,
        embed_scale: _, // part of W_E
        unembed_scale,
        residual_scale,
        logit_scale,
        attn_only,
        parallel_attn_mlp,
        gated_mlp,
        experts,
        tied: _,   // W_U is written
        untied: _, // W_U is written
        left_out: _,
        heads,
        sentence_pooling: _, // of an encoder
        decoder_start: _,    // of an encoder-decoder
        processed,
    } = config;
    let window = windows.iter().flatten().next();
    let only_logits = Heads { unembed: true, ..Heads::default() };
    let no_norms = *normalization == Normalization::None;
    let obstacles = [
        (*architecture != Architecture::Decoder, "it is not a decoder"),
        (*heads != only_logits, "it has another head than the unembedding, or none"),
        (*n_token_types > 0 || d_embed != d_model, "its embedding has more parts than tokens and positions"),
        (!matches!(norm_place, NormPlace::Pre | NormPlace::PreAndPost), "its norms are in other places"),
        (!final_norm && !no_norms, "its last residual stream is not normed"),
        (*qk_norm == Some(QkNorm::Whole), "its queries and keys are normed over all heads together"),
        (qk_norm.is_some() && *normalization != Normalization::RmsNorm, "its queries and keys pass a LayerNorm"),
        (local_rotary.is_some() || !no_rope_layers.is_empty(), "its layers rotate queries and keys differently"),
        (windows.iter().flatten().any(|other| Some(other) != window), "its windows differ in size"),
        (
            [unembed_scale, residual_scale, logit_scale].into_iter().any(|scale| *scale != 1.0),
            "it scales its blocks or logits",
        ),
        (clip_qkv.is_some(), "its queries, keys and values are clipped"),
        (experts.is_some(), "it is a mixture of experts"),
        (
            matches!(act_fn, Activation::QuickGelu | Activation::Relu2),
            "TransformerLens does not know the nonlinearity of its MLPs",
        ),
    ];
    let cannot = |why: &str| WeightsError::NotNative { family: family.clone(), why: why.into() };
    if let Some((_, why)) = obstacles.into_iter().find(|(is, _)| *is) {
        return Err(cannot(why).into());
    }
    let folded = processed.has(Step::FoldLn);
    let normalization = match (normalization, folded) {
        (Normalization::None, _) => None,
        (Normalization::LayerNorm, false) => Some("LN"),
        (Normalization::LayerNorm, true) => Some("LNPre"),
        (Normalization::RmsNorm, false) => Some("RMS"),
        (Normalization::RmsNorm, true) => Some("RMSPre"),
    };
    let written = json!({
        "model_type": super::MODEL_TYPE,
        "n_layers": n_layers,
        "d_model": d_model,
        "n_heads": n_heads,
        "d_head": d_head,
        "d_vocab": d_vocab,
        "n_ctx": n_ctx,
        "attn_only": attn_only,
        "act_fn": (!attn_only).then(|| act_fn.to_string()),
        "normalization_type": normalization,
        "positional_embedding_type": "standard",
        "eps": eps,
    });
    let Value::Object(mut written) = written else { return Ok(Map::new()) };
    // Fields with TransformerLens's default value are left out.
    let mut unless = |default: bool, key: &str, value: Value| {
        if !default {
            written.insert(key.into(), value);
        }
    };
    unless(*attn_only, "d_mlp", json!(d_mlp));
    unless(n_heads == n_key_value_heads, "n_key_value_heads", json!(n_key_value_heads));
    unless(*norm_place == NormPlace::Pre, "use_normalization_before_and_after", json!(true));
    unless(qk_norm.is_none(), "use_qk_norm", json!(true));
    unless(!embed_norm, "post_embedding_ln", json!(true));
    unless((attn_scale * (*d_head as f64).sqrt() - 1.0).abs() < 1e-12, "attn_scale", json!(1.0 / attn_scale));
    unless(!scale_attn_by_inverse_layer_idx, "scale_attn_by_inverse_layer_idx", json!(true));
    unless(attn_scores_soft_cap.is_none(), "attn_scores_soft_cap", json!(attn_scores_soft_cap));
    unless(output_logits_soft_cap.is_none(), "output_logits_soft_cap", json!(output_logits_soft_cap));
    unless(!parallel_attn_mlp, "parallel_attn_mlp", json!(true));
    unless(!gated_mlp, "gated_mlp", json!(true));
    if let Some(window) = window {
        let kinds = |window: &Option<usize>| if window.is_some() { "local" } else { "global" };
        unless(false, "use_local_attn", json!(true));
        unless(false, "window_size", json!(window));
        unless(false, "attn_types", windows.iter().map(kinds).collect());
    }
    let done: Vec<_> = processed.done().iter().map(|step| step.name()).collect();
    unless(done.is_empty(), "processing", json!(done));
    match position {
        Position::Learned => {}
        Position::Shortformer => unless(false, "positional_embedding_type", json!("shortformer")),
        Position::Rotary(Rotary { frequencies, adjacent, attention_factor, long }) => {
            let base = base(frequencies).filter(|_| *attention_factor == 1.0 && long.is_none());
            let base = base.ok_or_else(|| cannot("its rotary frequencies are scaled"))?;
            unless(false, "positional_embedding_type", json!("rotary"));
            unless(false, "rotary_base", json!(base));
            unless(false, "rotary_dim", json!(2 * frequencies.len()));
            unless(!adjacent, "rotary_adjacent_pairs", json!(true));
        }
        _ => return Err(cannot("its positions are neither learned nor rotary").into()),
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_of_rotary_frequencies_is_found_where_there_is_one() {
        for wanted in [500.0, 10_000.0, 1e6, 1234.5678] {
            let found = base(&frequencies(wanted, 12)).unwrap();
            assert!((found / wanted - 1.0).abs() < 1e-12, "{found}");
        }
        let slowed: Vec<_> = frequencies(500.0, 12).iter().map(|frequency| frequency / 2.0).collect();
        assert_eq!(base(&slowed), None);
    }
}
