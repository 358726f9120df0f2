//! The table of every GGUF architecture that is read.
//!
//! To add an architecture, add a `Family` to the file of its relatives and enter it in `FAMILIES`.

mod encoders;
mod experts;
mod gemma;
mod gpt;
mod llama;

use super::{
    family::{Family, Fixed, Pair, Rotary, Tensor},
    layout::Layout::{self, AsIs},
    steps,
};

/// If one architecture name covers several families, the most specific one comes first.
pub(super) const FAMILIES: &[Family] = &[
    experts::MIXTRAL,
    llama::MISTRAL,
    llama::LLAMA,
    llama::QWEN2,
    experts::QWEN2_MOE,
    llama::QWEN3,
    experts::QWEN3_MOE,
    llama::SMOLLM3,
    llama::GRANITE,
    llama::OLMO,
    llama::OLMO2,
    experts::OLMOE,
    llama::COHERE,
    llama::PHI3,
    llama::STABLELM,
    gemma::GEMMA,
    gemma::GEMMA2,
    gemma::GEMMA3,
    gpt::GPT2,
    gpt::STARCODER,
    gpt::STARCODER2,
    gpt::GPT_NEOX,
    gpt::PHI,
    gpt::BLOOM,
    gpt::FALCON_TWO_NORMS,
    gpt::FALCON,
    encoders::BERT,
    encoders::DISTILBERT,
    encoders::T5_GATED,
    encoders::T5,
];

/// A family with no names, the base of all others.
const NAMELESS: Family = Family {
    architecture: "",
    model_type: "",
    is_it: |_| true,
    keys: &[],
    optional: &[],
    d_mlp: None,
    fixed: &[],
    flags: &[],
    rotary: None,
    steps: &[],
    tensors: &[],
};

/// The keys of the sizes that most families use.
const SIZES: &[Pair] = &[
    ("hidden_size", "embedding_length"),
    ("num_hidden_layers", "block_count"),
    ("num_attention_heads", "attention.head_count"),
    ("max_position_embeddings", "context_length"),
];
const KEY_HEADS: &[Pair] = &[("num_key_value_heads", "attention.head_count_kv")];
const RMS_EPS: &[Pair] = &[("rms_norm_eps", "attention.layer_norm_rms_epsilon")];
const EPS: &str = "attention.layer_norm_epsilon";

const D_MLP: Option<Pair> = Some(("intermediate_size", "blk.0.ffn_down.weight"));
const SILU: (&str, Fixed) = ("hidden_act", Fixed::Text("silu"));

const ROTARY: Option<Rotary> = Some(Rotary { theta: "rope_theta", part: None });
const PART_ROTARY: Option<Rotary> = Some(Rotary { theta: "rope_theta", part: Some("partial_rotary_factor") });
