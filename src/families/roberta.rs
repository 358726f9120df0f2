//! RoBERTa ([Liu et al. 2019](https://arxiv.org/abs/1907.11692)) and models of exactly the same form in other
//! languages.
//!
//! Reference: `RobertaForMaskedLM` and `RobertaModel` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/roberta/modeling_roberta.py>

use super::{
    Family, bert,
    common::activation,
    post_norm::{self, Names},
};
use crate::{
    Result,
    config::Config,
    error::LoadError,
    load::{Settings, Weights},
    net::transformer::Transformer,
    ops::Activation,
};

pub(super) const FAMILY: Family = Family {
    model_type: "roberta",
    prefixes: &["roberta."],
    config,
    build,
    ends: ["lm_head.decoder.weight", "embeddings.word_embeddings.weight"],
    buffers: &["embeddings.position_ids"],
};
/// XLM-RoBERTa (Conneau et al. 2020, [arXiv:1911.02116](https://arxiv.org/abs/1911.02116)).
pub(super) const XLM: Family = Family { model_type: "xlm-roberta", ..FAMILY };
/// CamemBERT (Martin et al. 2020, [arXiv:1911.03894](https://arxiv.org/abs/1911.03894)).
pub(super) const CAMEMBERT: Family = Family { model_type: "camembert", ..FAMILY };

const NAMES: Names = Names {
    mlm_dense: "lm_head.dense",
    mlm_norm: "lm_head.layer_norm",
    unembed: "lm_head.decoder",
    unembed_bias: "lm_head.bias",
    nsp: "no such head",
    ..bert::NAMES
};

/// The position table. Its first rows belong to no position; the last of those is the padding token's, which padding
/// reads.
const POSITIONS: &str = "embeddings.position_embeddings.weight";

fn config(settings: &Settings, weights: &Weights) -> Result<Config> {
    let config = post_norm::config(settings, weights, &NAMES)?;
    let (rows, pad) = (config.n_ctx, settings.or("pad_token_id", 1u32)? as usize);
    if let Some(shape) = weights.shape(POSITIONS).filter(|shape| shape.first() != Some(&rows)) {
        let expected = vec![rows, config.d_model];
        return Err(LoadError::TensorShape { name: POSITIONS.into(), got: shape.to_vec(), expected }.into());
    }
    let Some(n_ctx) = rows.checked_sub(pad.saturating_add(1)) else {
        let why = format!("positions start at the row after it, but there are only {rows} rows");
        return Err(LoadError::Unsupported { key: "pad_token_id".into(), value: pad.to_string(), why }.into());
    };
    Ok(Config {
        n_ctx,
        unplaced_token: u32::try_from(pad).ok(),
        n_token_types: settings.or("type_vocab_size", 1)?,
        act_fn: activation(settings, ["hidden_act", "hidden_activation"], "gelu")?,
        ..config
    })
}

fn build(config: &Config, weights: &Weights) -> Result<Transformer> {
    let block = |layer| post_norm::block(config, weights, &NAMES, &format!("encoder.layer.{layer}"), layer);
    let blocks = (0..config.n_layers).map(block).collect::<Result<_>>()?;
    let rows = weights.shape(POSITIONS).and_then(|shape| shape.first().copied()).unwrap_or(0);
    let skipped = rows.saturating_sub(config.n_ctx);
    // The head uses the exact gelu, whatever the layers use.
    post_norm::build(config, weights, &NAMES, skipped, Activation::Gelu, blocks)
}
