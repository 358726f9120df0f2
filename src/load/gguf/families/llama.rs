//! Llama and its descendants: separate matrices for queries, keys and values, and gated MLPs.

use super::*;

pub(super) const LLAMA: Family = Family {
    architecture: "llama",
    model_type: "llama",
    keys: &[SIZES, RMS_EPS],
    optional: &[KEY_HEADS, &[("head_dim", "attention.key_length")]],
    d_mlp: D_MLP,
    fixed: &[SILU],
    flags: &[("attention_bias", "blk.0.attn_q.bias"), ("mlp_bias", "blk.0.ffn_up.bias")],
    rotary: ROTARY,
    tensors: &[ENDS, PAIRED, ATTENTION, NORMS, MLP],
    ..NAMELESS
};

/// Mistral. llama.cpp's converter leaves out the window, and then the file looks like a Llama model's.
pub(super) const MISTRAL: Family = Family {
    model_type: "mistral",
    is_it: |facts| facts.states("attention.sliding_window"),
    steps: &[steps::window],
    ..LLAMA
};

pub(super) const QWEN2: Family =
    Family { architecture: "qwen2", model_type: "qwen2", tensors: &[ENDS, SEPARATE, ATTENTION, NORMS, MLP], ..LLAMA };

pub(super) const QWEN3: Family = Family {
    architecture: "qwen3",
    model_type: "qwen3",
    tensors: &[ENDS, SEPARATE, ATTENTION, HEAD_NORMS, NORMS, MLP],
    ..LLAMA
};

pub(super) const SMOLLM3: Family =
    Family { architecture: "smollm3", model_type: "smollm3", steps: &[steps::every_fourth_without_rotation], ..LLAMA };

pub(super) const GRANITE: Family = Family {
    architecture: "granite",
    model_type: "granite",
    keys: &[
        SIZES,
        RMS_EPS,
        &[
            ("attention_multiplier", "attention.scale"),
            ("embedding_multiplier", "embedding_scale"),
            ("residual_multiplier", "residual_scale"),
            ("logits_scaling", "logit_scale"),
        ],
    ],
    ..LLAMA
};

pub(super) const OLMO: Family = Family {
    architecture: "olmo",
    model_type: "olmo",
    keys: &[SIZES],
    optional: &[KEY_HEADS, &[("clip_qkv", "attention.clamp_kqv"), ("layer_norm_eps", EPS)]],
    tensors: &[ENDS, PAIRED, ATTENTION, MLP],
    ..LLAMA
};

pub(super) const OLMO2: Family = Family {
    architecture: "olmo2",
    model_type: "olmo2",
    tensors: &[ENDS, SEPARATE, ATTENTION, HEAD_NORMS, POST_NORMS, MLP],
    ..LLAMA
};

/// Command-R.
pub(super) const COHERE: Family = Family {
    architecture: "command-r",
    model_type: "cohere",
    keys: &[SIZES, &[("layer_norm_eps", EPS), ("logit_scale", "logit_scale")]],
    flags: &[("use_qk_norm", "blk.0.attn_q_norm.weight"), ("attention_bias", "blk.0.attn_q.bias")],
    tensors: &[ENDS, SEPARATE, ATTENTION, HEAD_NORMS, NORMS, MLP],
    ..LLAMA
};

/// Phi 3. Gate and up projection are one matrix, which GGUF calls "up".
pub(super) const PHI3: Family = Family {
    architecture: "phi3",
    model_type: "phi3",
    optional: &[KEY_HEADS, &[("original_max_position_embeddings", "rope.scaling.original_context_length")]],
    rotary: PART_ROTARY,
    steps: &[steps::window],
    tensors: &[
        ENDS,
        ATTENTION,
        NORMS,
        &[
            ("blk.#.attn_qkv", "model.layers.#.self_attn.qkv_proj", AsIs),
            ("blk.#.ffn_up", "model.layers.#.mlp.gate_up_proj", AsIs),
            ("blk.#.ffn_down", "model.layers.#.mlp.down_proj", AsIs),
        ],
    ],
    ..LLAMA
};

/// StableLM. Each head has its own norm for its queries and keys; GGUF stacks them.
pub(super) const STABLELM: Family = Family {
    architecture: "stablelm",
    model_type: "stablelm",
    keys: &[SIZES, &[("layer_norm_eps", EPS)]],
    optional: &[KEY_HEADS, &[("use_parallel_residual", "use_parallel_residual")]],
    flags: &[("use_qkv_bias", "blk.0.attn_q.bias"), ("qk_layernorm", "blk.0.attn_q_norm.weight")],
    rotary: PART_ROTARY,
    tensors: &[
        ENDS,
        SEPARATE,
        ATTENTION,
        NORMS,
        MLP,
        &[
            ("blk.#.attn_q_norm", "model.layers.#.self_attn.q_layernorm.norms.@", AsIs),
            ("blk.#.attn_k_norm", "model.layers.#.self_attn.k_layernorm.norms.@", AsIs),
        ],
    ],
    ..LLAMA
};

pub(super) const ENDS: &[Tensor] =
    &[("token_embd", "model.embed_tokens", AsIs), ("output_norm", "model.norm", AsIs), ("output", "lm_head", AsIs)];

pub(super) const PAIRED: &[Tensor] = &[
    ("blk.#.attn_q", "model.layers.#.self_attn.q_proj", Layout::RotaryPairs { of_keys: false }),
    ("blk.#.attn_k", "model.layers.#.self_attn.k_proj", Layout::RotaryPairs { of_keys: true }),
];

pub(super) const SEPARATE: &[Tensor] = &[
    ("blk.#.attn_q", "model.layers.#.self_attn.q_proj", AsIs),
    ("blk.#.attn_k", "model.layers.#.self_attn.k_proj", AsIs),
];

pub(super) const ATTENTION: &[Tensor] = &[
    ("blk.#.attn_v", "model.layers.#.self_attn.v_proj", AsIs),
    ("blk.#.attn_output", "model.layers.#.self_attn.o_proj", AsIs),
];

pub(super) const HEAD_NORMS: &[Tensor] = &[
    ("blk.#.attn_q_norm", "model.layers.#.self_attn.q_norm", AsIs),
    ("blk.#.attn_k_norm", "model.layers.#.self_attn.k_norm", AsIs),
];

pub(super) const NORMS: &[Tensor] = &[
    ("blk.#.attn_norm", "model.layers.#.input_layernorm", AsIs),
    ("blk.#.ffn_norm", "model.layers.#.post_attention_layernorm", AsIs),
];

const POST_NORMS: &[Tensor] = &[
    ("blk.#.post_attention_norm", "model.layers.#.post_attention_layernorm", AsIs),
    ("blk.#.post_ffw_norm", "model.layers.#.post_feedforward_layernorm", AsIs),
];

pub(super) const MLP: &[Tensor] = &[
    ("blk.#.ffn_gate", "model.layers.#.mlp.gate_proj", AsIs),
    ("blk.#.ffn_up", "model.layers.#.mlp.up_proj", AsIs),
    ("blk.#.ffn_down", "model.layers.#.mlp.down_proj", AsIs),
];
