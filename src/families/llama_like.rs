//! [`LlamaLike`]: Llama's form, which most later decoders share: rotary positions, a gated MLP, one name for each
//! matrix. Differences between the families are data here and in their [`Config`].

use super::{
    Family,
    common::{activation, decoder, eps, head_dim, only},
    llama_block::Reader,
    rope::Rope,
};
use crate::{
    Result,
    config::{Config, Normalization, Position, Rotary},
    error::LoadError,
    load::{Settings, Weights},
    net::{parts::Norm, transformer::Transformer},
};

/// How a family of Llama's form differs from Llama.
pub(super) struct LlamaLike {
    pub(super) model_type: &'static str,
    /// The defaults of the family's configuration class that differ from Llama's.
    pub(super) defaults: &'static str,
    pub(super) rotary: fn(&Settings, usize) -> Result<Rotary>,
    pub(super) norm_weight: NormWeight,
    /// In a mixture of experts, the names of the layer and, in each expert, of gate, input and output.
    pub(super) experts: [&'static str; 4],
}

/// The factor that the result of a norm is multiplied by.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum NormWeight {
    AsIs,
    /// The weight plus 1 (Gemma).
    AndOne,
    /// No factor, because there is no weight (OLMo).
    Absent,
}

/// The common reader of files of this form.
pub(super) const FORM: Family = Family {
    model_type: LLAMA.model_type,
    prefixes: &["model."],
    config: |settings, _| LLAMA.config(&LLAMA.settings(settings)?),
    build: |config, weights| LLAMA.build(config, weights),
    ends: ["lm_head.weight", "embed_tokens.weight"],
    buffers: &["rotary_emb.inv_freq"],
};

pub(super) const LLAMA: LlamaLike = LlamaLike {
    model_type: "llama",
    defaults: "{}",
    rotary: all_dimensions,
    norm_weight: NormWeight::AsIs,
    experts: ["mlp", "gate_proj", "up_proj", "down_proj"],
};

/// The defaults of Llama's configuration class.
const DEFAULTS: &str = r#"{
    "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "rope_theta": 1e4,
    "tie_word_embeddings": false
}"#;

/// Rotary embedding over all dimensions of a head.
fn all_dimensions(settings: &Settings, d_head: usize) -> Result<Rotary> {
    for key in ["partial_rotary_factor", "rope_parameters.partial_rotary_factor"] {
        only(settings, key, 1.0)?;
    }
    Rope::of(settings)?.rotary(d_head)
}

/// The most layers; no model has more. A damaged configuration must not make lists that exceed the memory.
const MOST_LAYERS: usize = 100_000;

/// The window of each layer. `layer_types` says which layers slide; `sliding` decides if it is absent.
///
/// # Errors
/// When a type of layer is unknown, there is not one type for each layer, or a sliding layer has no width.
pub(super) fn windows(
    settings: &Settings,
    n_layers: usize,
    window: Option<usize>,
    sliding: impl Fn(usize) -> bool,
) -> Result<Vec<Option<usize>>> {
    const KEY: &str = "layer_types";
    let unsupported = |value: String, why: &str| LoadError::Unsupported { key: KEY.into(), value, why: why.to_owned() };
    let types: Option<Vec<String>> = settings.find(KEY)?;
    if n_layers > MOST_LAYERS {
        return Err(LoadError::Unsupported {
            key: "num_hidden_layers".into(),
            value: n_layers.to_string(),
            why: format!("at most {MOST_LAYERS} are"),
        }
        .into());
    }
    if let Some(types) = &types
        && types.len() != n_layers
    {
        return Err(unsupported(format!("{} types", types.len()), &format!("there are {n_layers} layers")).into());
    }
    let is_sliding = |layer: usize| match types.as_ref().map(|types| types[layer].as_str()) {
        None => Ok(sliding(layer)),
        Some("sliding_attention") => Ok(true),
        Some("full_attention") => Ok(false),
        Some(other) => Err(unsupported(other.into(), "it supports layers of full_attention and of sliding_attention")),
    };
    let sliding = (0..n_layers).map(is_sliding).collect::<Result<Vec<_>, _>>()?;
    if !sliding.contains(&true) {
        return Ok(Vec::new());
    }
    let Some(window) = window else {
        let (key, family) = ("sliding_window".into(), settings.model_type()?);
        return Err(LoadError::MissingKey { key, family }.into());
    };
    Ok(sliding.into_iter().map(|sliding| sliding.then_some(window)).collect())
}

impl LlamaLike {
    /// The settings, with the defaults of the configuration class.
    pub(super) fn settings(&self, settings: &Settings) -> Result<Settings> {
        settings.with_defaults(self.defaults)?.with_defaults(DEFAULTS)
    }

    /// The part of the configuration that all families of this form share.
    pub(super) fn config(&self, settings: &Settings) -> Result<Config> {
        let (d_model, n_heads) = (settings.get("hidden_size")?, settings.get("num_attention_heads")?);
        let d_head = head_dim(settings, d_model, n_heads)?;
        Ok(Config {
            n_layers: settings.get("num_hidden_layers")?,
            d_model,
            d_embed: d_model,
            n_heads,
            n_key_value_heads: settings.or("num_key_value_heads", n_heads)?,
            d_head,
            d_mlp: settings.get("intermediate_size")?,
            d_vocab: settings.get("vocab_size")?,
            n_ctx: settings.get("max_position_embeddings")?,
            act_fn: activation(settings, ["hidden_act", "hidden_activation"], "silu")?,
            normalization: Normalization::RmsNorm,
            eps: eps(settings, "rms_norm_eps", 1e-6)?,
            position: Position::Rotary((self.rotary)(settings, d_head)?),
            attn_scale: 1.0 / (d_head as f64).sqrt(),
            gated_mlp: true,
            tied: settings.get("tie_word_embeddings")?,
            ..Config::base(self.model_type)
        })
    }

    pub(super) fn build(&self, config: &Config, weights: &Weights) -> Result<Transformer> {
        let reader = Reader { shape: self, config, weights: weights.clone() };
        let ln_final = reader.norm("norm", Norm::FINAL)?;
        decoder(config, weights, FORM.ends, ln_final, |_, _, layer| reader.block(layer))
    }
}
