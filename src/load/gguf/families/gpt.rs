//! Families with LayerNorm and an MLP without a gate.

use super::{
    llama::{ATTENTION, ENDS, NORMS, SEPARATE},
    *,
};
use Layout::{QueriesFirst, Transposed};

pub(super) const GPT2: Family = Family {
    architecture: "gpt2",
    model_type: "gpt2",
    keys: &[&[
        ("n_embd", "embedding_length"),
        ("n_layer", "block_count"),
        ("n_head", "attention.head_count"),
        ("n_positions", "context_length"),
        ("layer_norm_epsilon", EPS),
    ]],
    d_mlp: Some(("n_inner", "blk.0.ffn_down.weight")),
    fixed: &[("activation_function", Fixed::Text("gelu_new"))],
    tensors: &[
        GPT2_NAMES,
        &[
            ("blk.#.attn_qkv", "transformer.h.#.attn.c_attn", Transposed),
            ("blk.#.attn_output", "transformer.h.#.attn.c_proj", Transposed),
            ("blk.#.ffn_up", "transformer.h.#.mlp.c_fc", Transposed),
            ("blk.#.ffn_down", "transformer.h.#.mlp.c_proj", Transposed),
        ],
    ],
    ..NAMELESS
};

/// GPT-BigCode.
pub(super) const STARCODER: Family = Family {
    architecture: "starcoder",
    model_type: "gpt_bigcode",
    fixed: &[("activation_function", Fixed::Text("gelu_pytorch_tanh"))],
    steps: &[steps::one_key_head],
    tensors: &[
        GPT2_NAMES,
        &[
            ("blk.#.attn_qkv", "transformer.h.#.attn.c_attn", AsIs),
            ("blk.#.attn_output", "transformer.h.#.attn.c_proj", AsIs),
            ("blk.#.ffn_up", "transformer.h.#.mlp.c_fc", AsIs),
            ("blk.#.ffn_down", "transformer.h.#.mlp.c_proj", AsIs),
        ],
    ],
    ..GPT2
};

pub(super) const STARCODER2: Family = Family {
    architecture: "starcoder2",
    model_type: "starcoder2",
    keys: &[SIZES, &[("norm_epsilon", EPS)]],
    optional: &[KEY_HEADS],
    d_mlp: D_MLP,
    fixed: &[("hidden_act", Fixed::Text("gelu_pytorch_tanh"))],
    flags: &[("use_bias", "blk.0.attn_q.bias")],
    rotary: ROTARY,
    steps: &[steps::window],
    tensors: &[
        ENDS,
        SEPARATE,
        ATTENTION,
        NORMS,
        &[("blk.#.ffn_up", "model.layers.#.mlp.c_fc", AsIs), ("blk.#.ffn_down", "model.layers.#.mlp.c_proj", AsIs)],
    ],
    ..NAMELESS
};

/// GPT-NeoX. GGUF does not store the activation; every published model, including Pythia, uses the one set here.
pub(super) const GPT_NEOX: Family = Family {
    architecture: "gptneox",
    model_type: "gpt_neox",
    keys: &[SIZES, &[("layer_norm_eps", EPS), ("use_parallel_residual", "use_parallel_residual")]],
    d_mlp: D_MLP,
    fixed: &[("hidden_act", Fixed::Text("gelu"))],
    rotary: Some(Rotary { theta: "rotary_emb_base", part: Some("rotary_pct") }),
    tensors: &[&[
        ("token_embd", "gpt_neox.embed_in", AsIs),
        ("output_norm", "gpt_neox.final_layer_norm", AsIs),
        ("output", "embed_out", AsIs),
        ("blk.#.attn_norm", "gpt_neox.layers.#.input_layernorm", AsIs),
        ("blk.#.attn_qkv", "gpt_neox.layers.#.attention.query_key_value", QueriesFirst),
        ("blk.#.attn_output", "gpt_neox.layers.#.attention.dense", AsIs),
        ("blk.#.ffn_norm", "gpt_neox.layers.#.post_attention_layernorm", AsIs),
        ("blk.#.ffn_up", "gpt_neox.layers.#.mlp.dense_h_to_4h", AsIs),
        ("blk.#.ffn_down", "gpt_neox.layers.#.mlp.dense_4h_to_h", AsIs),
    ]],
    ..NAMELESS
};

/// Phi 1 to 2.
pub(super) const PHI: Family = Family {
    architecture: "phi2",
    model_type: "phi",
    keys: &[SIZES, &[("layer_norm_eps", EPS)]],
    optional: &[KEY_HEADS],
    d_mlp: D_MLP,
    fixed: &[("hidden_act", Fixed::Text("gelu_new"))],
    rotary: PART_ROTARY,
    tensors: &[
        SEPARATE,
        &[
            ("token_embd", "model.embed_tokens", AsIs),
            ("output_norm", "model.final_layernorm", AsIs),
            ("output", "lm_head", AsIs),
            ("blk.#.attn_norm", "model.layers.#.input_layernorm", AsIs),
            ("blk.#.attn_v", "model.layers.#.self_attn.v_proj", AsIs),
            ("blk.#.attn_output", "model.layers.#.self_attn.dense", AsIs),
            ("blk.#.ffn_up", "model.layers.#.mlp.fc1", AsIs),
            ("blk.#.ffn_down", "model.layers.#.mlp.fc2", AsIs),
        ],
    ],
    ..NAMELESS
};

pub(super) const BLOOM: Family = Family {
    architecture: "bloom",
    model_type: "bloom",
    keys: &[&[
        ("hidden_size", "embedding_length"),
        ("n_layer", "block_count"),
        ("n_head", "attention.head_count"),
        ("seq_length", "context_length"),
        ("layer_norm_epsilon", EPS),
    ]],
    tensors: &[
        BLOOM_NAMES,
        &[
            ("token_embd_norm", "transformer.word_embeddings_layernorm", AsIs),
            ("blk.#.attn_norm", "transformer.h.#.input_layernorm", AsIs),
            ("blk.#.ffn_norm", "transformer.h.#.post_attention_layernorm", AsIs),
        ],
    ],
    steps: &[steps::as_many_key_heads],
    ..NAMELESS
};

pub(super) const FALCON: Family = Family {
    architecture: "falcon",
    model_type: "falcon",
    keys: &[SIZES, &[("layer_norm_epsilon", EPS)]],
    d_mlp: Some(("ffn_hidden_size", "blk.0.ffn_down.weight")),
    fixed: &[
        ("activation", Fixed::Text("gelu")),
        ("alibi", Fixed::Flag(false)),
        ("bias", Fixed::Flag(false)),
        ("parallel_attn", Fixed::Flag(true)),
        ("num_ln_in_parallel_attn", Fixed::Count(1)),
    ],
    rotary: ROTARY,
    steps: &[steps::falcon_heads],
    tensors: &[BLOOM_NAMES, &[("blk.#.attn_norm", "transformer.h.#.input_layernorm", AsIs)]],
    ..NAMELESS
};

/// Falcon models with separate norms for attention and MLP. GGUF's first norm is the MLP's.
pub(super) const FALCON_TWO_NORMS: Family = Family {
    is_it: |facts| facts.has("blk.0.attn_norm_2.weight"),
    fixed: &[
        ("activation", Fixed::Text("gelu")),
        ("alibi", Fixed::Flag(false)),
        ("bias", Fixed::Flag(false)),
        ("parallel_attn", Fixed::Flag(true)),
        ("num_ln_in_parallel_attn", Fixed::Count(2)),
    ],
    tensors: &[
        BLOOM_NAMES,
        &[("blk.#.attn_norm", "transformer.h.#.ln_mlp", AsIs), ("blk.#.attn_norm_2", "transformer.h.#.ln_attn", AsIs)],
    ],
    ..FALCON
};

const GPT2_NAMES: &[Tensor] = &[
    ("token_embd", "transformer.wte", AsIs),
    ("position_embd", "transformer.wpe", AsIs),
    ("output_norm", "transformer.ln_f", AsIs),
    ("output", "lm_head", AsIs),
    ("blk.#.attn_norm", "transformer.h.#.ln_1", AsIs),
    ("blk.#.ffn_norm", "transformer.h.#.ln_2", AsIs),
];

const BLOOM_NAMES: &[Tensor] = &[
    ("token_embd", "transformer.word_embeddings", AsIs),
    ("output_norm", "transformer.ln_f", AsIs),
    ("output", "lm_head", AsIs),
    ("blk.#.attn_qkv", "transformer.h.#.self_attention.query_key_value", QueriesFirst),
    ("blk.#.attn_output", "transformer.h.#.self_attention.dense", AsIs),
    ("blk.#.ffn_up", "transformer.h.#.mlp.dense_h_to_4h", AsIs),
    ("blk.#.ffn_down", "transformer.h.#.mlp.dense_4h_to_h", AsIs),
];
