//! Mixtures of experts. GGUF stacks the experts into one tensor for each matrix.

use super::{
    llama::{ATTENTION, ENDS, HEAD_NORMS, LLAMA, NORMS, PAIRED, SEPARATE},
    *,
};

/// Mixtral. The weights of the chosen experts are normalized to sum to 1.
pub(super) const MIXTRAL: Family = Family {
    model_type: "mixtral",
    is_it: |facts| facts.states("expert_count"),
    keys: &[SIZES, RMS_EPS, &[("num_local_experts", "expert_count"), ("num_experts_per_tok", "expert_used_count")]],
    d_mlp: EXPERT,
    steps: &[steps::window],
    tensors: &[
        ENDS,
        PAIRED,
        ATTENTION,
        NORMS,
        &[
            ("blk.#.ffn_gate_inp", "model.layers.#.block_sparse_moe.gate", AsIs),
            ("blk.#.ffn_gate_exps", "model.layers.#.block_sparse_moe.experts.@.w1", AsIs),
            ("blk.#.ffn_down_exps", "model.layers.#.block_sparse_moe.experts.@.w2", AsIs),
            ("blk.#.ffn_up_exps", "model.layers.#.block_sparse_moe.experts.@.w3", AsIs),
        ],
    ],
    ..LLAMA
};

/// Qwen 2 MoE. A shared expert with its own gate processes every token.
pub(super) const QWEN2_MOE: Family = Family {
    architecture: "qwen2moe",
    model_type: "qwen2_moe",
    fixed: &[SILU, ("norm_topk_prob", Fixed::Flag(false))],
    optional: &[
        KEY_HEADS,
        &[
            ("intermediate_size", "feed_forward_length"),
            ("shared_expert_intermediate_size", "expert_shared_feed_forward_length"),
        ],
    ],
    tensors: &[
        ENDS,
        SEPARATE,
        ATTENTION,
        NORMS,
        EXPERTS,
        &[
            ("blk.#.ffn_gate_inp_shexp", "model.layers.#.mlp.shared_expert_gate", Layout::Row),
            ("blk.#.ffn_gate_shexp", "model.layers.#.mlp.shared_expert.gate_proj", AsIs),
            ("blk.#.ffn_up_shexp", "model.layers.#.mlp.shared_expert.up_proj", AsIs),
            ("blk.#.ffn_down_shexp", "model.layers.#.mlp.shared_expert.down_proj", AsIs),
        ],
    ],
    ..QWEN3_MOE
};

pub(super) const QWEN3_MOE: Family = Family {
    architecture: "qwen3moe",
    model_type: "qwen3_moe",
    keys: &[SIZES, RMS_EPS, COUNTS],
    optional: &[KEY_HEADS, &[("head_dim", "attention.key_length"), ("intermediate_size", "feed_forward_length")]],
    d_mlp: Some(("moe_intermediate_size", EXPERT_WIDTH)),
    fixed: &[SILU, ("norm_topk_prob", Fixed::Flag(true))],
    flags: &[("attention_bias", "blk.0.attn_q.bias")],
    tensors: &[ENDS, SEPARATE, ATTENTION, HEAD_NORMS, NORMS, EXPERTS],
    ..LLAMA
};

pub(super) const OLMOE: Family = Family {
    architecture: "olmoe",
    model_type: "olmoe",
    keys: &[SIZES, RMS_EPS, COUNTS],
    optional: &[KEY_HEADS, &[("clip_qkv", "attention.clamp_kqv")]],
    d_mlp: EXPERT,
    fixed: &[SILU, ("norm_topk_prob", Fixed::Flag(false))],
    tensors: &[ENDS, SEPARATE, ATTENTION, HEAD_NORMS, NORMS, EXPERTS],
    ..LLAMA
};

const EXPERT_WIDTH: &str = "blk.0.ffn_down_exps.weight";
const EXPERT: Option<Pair> = Some(("intermediate_size", EXPERT_WIDTH));
const COUNTS: &[Pair] = &[("num_experts", "expert_count"), ("num_experts_per_tok", "expert_used_count")];

const EXPERTS: &[Tensor] = &[
    ("blk.#.ffn_gate_inp", "model.layers.#.mlp.gate", AsIs),
    ("blk.#.ffn_gate_exps", "model.layers.#.mlp.experts.@.gate_proj", AsIs),
    ("blk.#.ffn_up_exps", "model.layers.#.mlp.experts.@.up_proj", AsIs),
    ("blk.#.ffn_down_exps", "model.layers.#.mlp.experts.@.down_proj", AsIs),
];
