//! The model families. Each has one short file that translates configuration keys and weight names to the common parts
//! of the network.
//!
//! To add a family, add a file with a `FAMILY`, enter it in `FAMILIES` below and in `families.md`, and add a folder to
//! `tests/reference`. A family of Llama's form is a `LlamaLike` (`llama_like.rs`), one of BERT's form uses `post_norm.rs`,
//! and others use the helpers of `common.rs`. To read it from GGUF too, touch `load/gguf/families`.

mod albert;
mod bert;
mod bloom;
mod cohere;
mod cohere2;
mod common;
mod distilbert;
mod falcon;
mod flags;
mod gemma;
mod gemma2;
mod gemma3;
pub(crate) mod gpt2;
mod gpt_bigcode;
mod gpt_neo;
mod gpt_neox;
mod gptj;
mod granite;
mod llama;
mod llama_block;
mod llama_like;
mod mistral;
mod mixtral;
pub(crate) mod native;
mod olmo;
mod olmo2;
mod olmo3;
mod olmoe;
mod opt;
mod phi;
mod phi3;
mod post_norm;
mod qwen2;
mod qwen3;
mod qwen3_moe;
mod roberta;
mod rope;
mod smollm3;
mod stablelm;
mod starcoder2;
mod t5;
mod whisper;

use self::common::{HEADS, WIDTH, countable, senseless, written};
use crate::{
    Result,
    config::Config,
    error::{LoadError, nearest},
    load::{Checkpoint, Settings, Weights, check_special_ids},
    net::transformer::Transformer,
};
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;

/// The reader of one architecture.
struct Family {
    /// The `model_type` of its configuration.
    model_type: &'static str,
    /// Prefixes of tensor names that some of its files leave out.
    prefixes: &'static [&'static str],
    config: fn(&Settings, &Weights) -> Result<Config>,
    build: fn(&Config, &Weights) -> Result<Transformer>,
    /// The names of the unembedding and the embedding, which a configuration may declare to be one tensor. If a file
    /// holds both and they differ, the tensors are used as stored.
    ends: [&'static str; 2],
    /// Suffixes of the names of tensors that are computed, not learned, and may stay unread.
    buffers: &'static [&'static str],
}

const FAMILIES: &[Family] = &[
    albert::FAMILY,
    bert::FAMILY,
    bloom::FAMILY,
    cohere::FAMILY,
    cohere2::FAMILY,
    distilbert::FAMILY,
    falcon::FAMILY,
    gemma2::FAMILY,
    gemma3::FAMILY,
    gemma3::WITH_IMAGES,
    gemma::FAMILY,
    gpt2::FAMILY,
    gpt_bigcode::FAMILY,
    gpt_neo::FAMILY,
    gpt_neox::FAMILY,
    gptj::FAMILY,
    granite::FAMILY,
    llama::FAMILY,
    mistral::FAMILY,
    mixtral::FAMILY,
    native::FAMILY,
    olmo2::FAMILY,
    olmo3::FAMILY,
    olmo::FAMILY,
    olmoe::FAMILY,
    opt::FAMILY,
    phi3::FAMILY,
    phi::FAMILY,
    qwen2::FAMILY,
    qwen3::FAMILY,
    qwen3_moe::FAMILY,
    roberta::CAMEMBERT,
    roberta::FAMILY,
    roberta::XLM,
    smollm3::FAMILY,
    stablelm::FAMILY,
    starcoder2::FAMILY,
    t5::FAMILY,
    t5::MULTILINGUAL,
    whisper::FAMILY,
];

/// Returns the `model_type` of every architecture that this crate opens. [The table](crate::model#families) says what
/// each has and how it is tested.
///
/// # Examples
/// ```
/// use glassbox::model::families;
/// assert!(families().contains(&"gpt2"));
/// ```
pub fn families() -> Vec<&'static str> {
    let mut families: Vec<_> = FAMILIES.iter().map(|family| family.model_type).collect();
    families.sort_unstable();
    families
}

/// Builds the architecture and the network of a checkpoint.
///
/// # Errors
/// When the family is unknown, a setting is missing, malformed or not implemented, or the weights do not fit it.
pub(crate) fn build(checkpoint: &Checkpoint) -> Result<(Config, Transformer)> {
    built(checkpoint).map_err(|error| error.with_keys(|key| checkpoint.settings.named(key)))
}

fn built(checkpoint: &Checkpoint) -> Result<(Config, Transformer)> {
    let model_type = checkpoint.settings.model_type()?;
    let Some(family) = FAMILIES.iter().find(|family| family.model_type == model_type) else {
        let known = families();
        let nearest = nearest(&model_type, known.iter().map(|known| (*known).to_owned()), 1).concat();
        return Err(LoadError::UnknownFamily { given: model_type, nearest, known: known.join(", ") }.into());
    };
    let Checkpoint { settings, weights, .. } = checkpoint;
    layers_fit(settings, weights)?;
    flags::agree(settings, weights, &model_type)?;
    let weights = family.prefixes.iter().fold(weights.clone(), |weights, prefix| weights.with_optional_prefix(prefix));
    let mut config = (family.config)(settings, &weights)?;
    sensible(&config, settings)?;
    check_special_ids(settings, config.d_vocab)?;
    let [unembedding, embedding] = family.ends;
    if config.tied && config.heads.unembed && weights.differs(unembedding, embedding)? {
        config.tied = false;
        config.untied.push(unembedding.to_owned());
    }
    let transformer = (family.build)(&config, &weights)?;
    checkpoint.weights.refuse_unused(family.model_type, family.buffers)?;
    Ok((config, transformer))
}

/// Refuses more layers than the file can hold, before anything is allocated for each layer. An ALBERT's layers share
/// their tensors.
fn layers_fit(settings: &Settings, weights: &Weights) -> Result<()> {
    const MOST_SHARED: usize = 1000;
    let (most, why) = match settings.model_type()? == albert::FAMILY.model_type {
        true => (MOST_SHARED, format!("a model has at most {MOST_SHARED} layers that share their weights")),
        false => {
            let count = weights.names().len();
            (count, format!("the file has only {count} tensors, and each layer needs at least one"))
        }
    };
    for key in [
        "num_hidden_layers",
        "n_layer",
        "n_layers",
        "num_layers",
        "num_decoder_layers",
        "encoder_layers",
        "decoder_layers",
    ] {
        for key in [key.to_owned(), format!("text_config.{key}")] {
            if let Some(layers) = settings.find::<usize>(&*key)?.filter(|layers| *layers > most) {
                return Err(senseless(&key, layers, why));
            }
        }
    }
    Ok(())
}

/// Refuses sizes that no model can have, before any weight is read with them.
fn sensible(config: &Config, settings: &Settings) -> Result<()> {
    let Config { n_layers, d_model, n_heads, n_key_value_heads, d_head, d_vocab, n_ctx, .. } = *config;
    for (keys, size) in [
        (&["num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers"][..], n_layers),
        (&WIDTH, d_model),
        (&HEADS, n_heads),
        (&KEY_HEADS, n_key_value_heads),
        (&["head_dim", "d_kv", "d_head"], d_head),
        (&["vocab_size", "d_vocab"], d_vocab),
        (&["max_position_embeddings", "n_positions", "n_ctx", "max_target_positions"], n_ctx),
    ] {
        if size == 0 {
            return Err(senseless(written(settings, keys), size, "it must be at least 1"));
        }
    }
    countable(written(settings, &HEADS), n_heads)?;
    countable(written(settings, &["head_dim", "d_kv", "d_head"]), d_head)?;
    if n_heads % n_key_value_heads != 0 {
        let why = format!("it must divide `{}`, which is {n_heads}", written(settings, &HEADS));
        return Err(senseless(written(settings, &KEY_HEADS), n_key_value_heads, why));
    }
    match config.experts {
        Some(experts) if experts.per_token > experts.count => {
            let why = format!("there are {} experts", experts.count);
            Err(senseless("num_experts_per_tok", experts.per_token, why))
        }
        _ => Ok(()),
    }
}

const KEY_HEADS: [&str; 4] = ["num_key_value_heads", "num_kv_heads", "n_head_kv", "n_key_value_heads"];

/// A source of a family's tensors: a checkpoint, or the variables of a model in training.
pub(crate) trait Tensors {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor>;
    fn has(&self, name: &str) -> bool;

    /// Returns an optional tensor.
    fn maybe(&self, name: &str, shape: &[usize]) -> Result<Option<Tensor>> {
        self.has(name).then(|| self.tensor(name, shape)).transpose()
    }
}

impl Tensors for Weights {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.get(name, shape)
    }

    fn has(&self, name: &str) -> bool {
        self.contains(name)
    }
}

impl Tensors for BTreeMap<String, Var> {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let missing = || LoadError::MissingTensor { name: name.into(), nearest: String::new() };
        let tensor = self.get(name).ok_or_else(missing)?.as_tensor().clone();
        match tensor.dims() == shape {
            true => Ok(tensor),
            false => {
                Err(LoadError::TensorShape { name: name.into(), got: tensor.dims().to_vec(), expected: shape.to_vec() }
                    .into())
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.contains_key(name)
    }
}
