//! Gemma 1 to 3. Their norms multiply by 1 + the weight, and GGUF stores that sum.

use super::{
    llama::{ATTENTION, LLAMA, MLP, SEPARATE},
    *,
};
use Layout::PlusOne;

pub(super) const GEMMA: Family = Family {
    architecture: "gemma",
    model_type: "gemma",
    fixed: &[TANH_GELU],
    flags: &[],
    tensors: &[
        ENDS,
        SEPARATE,
        ATTENTION,
        MLP,
        &[
            ("blk.#.attn_norm", "model.layers.#.input_layernorm", PlusOne),
            ("blk.#.ffn_norm", "model.layers.#.post_attention_layernorm", PlusOne),
        ],
    ],
    ..LLAMA
};

pub(super) const GEMMA2: Family = Family {
    architecture: "gemma2",
    model_type: "gemma2",
    optional: &[
        KEY_HEADS,
        &[
            ("head_dim", "attention.key_length"),
            ("attn_logit_softcapping", "attn_logit_softcapping"),
            ("final_logit_softcapping", "final_logit_softcapping"),
        ],
    ],
    steps: &[
        |facts, settings| steps::layer_types(facts, settings, 2),
        |facts, settings| steps::query_scale(facts, settings, 46),
    ],
    tensors: &[ENDS, SEPARATE, ATTENTION, MLP, FOUR_NORMS],
    ..GEMMA
};

/// The text model. Layers with a sliding window have another rotary base.
pub(super) const GEMMA3: Family = Family {
    architecture: "gemma3",
    model_type: "gemma3_text",
    optional: &[
        KEY_HEADS,
        &[("head_dim", "attention.key_length"), ("final_logit_softcapping", "final_logit_softcapping")],
    ],
    steps: &[
        |facts, settings| steps::layer_types(facts, settings, 6),
        |facts, settings| steps::query_scale(facts, settings, 62),
        steps::local_rotary,
    ],
    tensors: &[
        ENDS,
        SEPARATE,
        ATTENTION,
        MLP,
        FOUR_NORMS,
        &[
            ("blk.#.attn_q_norm", "model.layers.#.self_attn.q_norm", PlusOne),
            ("blk.#.attn_k_norm", "model.layers.#.self_attn.k_norm", PlusOne),
        ],
    ],
    ..GEMMA
};

const TANH_GELU: (&str, Fixed) = ("hidden_activation", Fixed::Text("gelu_pytorch_tanh"));

const ENDS: &[Tensor] =
    &[("token_embd", "model.embed_tokens", AsIs), ("output_norm", "model.norm", PlusOne), ("output", "lm_head", AsIs)];

const FOUR_NORMS: &[Tensor] = &[
    ("blk.#.attn_norm", "model.layers.#.input_layernorm", PlusOne),
    ("blk.#.post_attention_norm", "model.layers.#.post_attention_layernorm", PlusOne),
    ("blk.#.ffn_norm", "model.layers.#.pre_feedforward_layernorm", PlusOne),
    ("blk.#.post_ffw_norm", "model.layers.#.post_feedforward_layernorm", PlusOne),
];
