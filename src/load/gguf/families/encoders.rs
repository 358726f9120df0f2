//! Encoders, and T5.

use super::*;

/// BERT without its heads, which GGUF leaves out. A RoBERTa model is written in the same form, with positions from 0.
pub(super) const BERT: Family = Family {
    architecture: "bert",
    model_type: "bert",
    is_it: |facts| facts.has("token_types.weight"),
    keys: &[SIZES, &[("layer_norm_eps", EPS)]],
    d_mlp: D_MLP,
    fixed: &[("hidden_act", Fixed::Text("gelu"))],
    steps: &[steps::bidirectional, steps::token_types],
    tensors: &[&[
        ("token_embd", "embeddings.word_embeddings", AsIs),
        ("position_embd", "embeddings.position_embeddings", AsIs),
        ("token_types", "embeddings.token_type_embeddings", AsIs),
        ("token_embd_norm", "embeddings.LayerNorm", AsIs),
        ("blk.#.attn_q", "encoder.layer.#.attention.self.query", AsIs),
        ("blk.#.attn_k", "encoder.layer.#.attention.self.key", AsIs),
        ("blk.#.attn_v", "encoder.layer.#.attention.self.value", AsIs),
        ("blk.#.attn_output", "encoder.layer.#.attention.output.dense", AsIs),
        ("blk.#.attn_output_norm", "encoder.layer.#.attention.output.LayerNorm", AsIs),
        ("blk.#.ffn_up", "encoder.layer.#.intermediate.dense", AsIs),
        ("blk.#.ffn_down", "encoder.layer.#.output.dense", AsIs),
        ("blk.#.layer_output_norm", "encoder.layer.#.output.LayerNorm", AsIs),
    ]],
    ..NAMELESS
};

/// DistilBERT: BERT without token types.
pub(super) const DISTILBERT: Family = Family {
    model_type: "distilbert",
    is_it: |_| true,
    keys: &[&[
        ("dim", "embedding_length"),
        ("n_layers", "block_count"),
        ("n_heads", "attention.head_count"),
        ("max_position_embeddings", "context_length"),
        ("layer_norm_eps", EPS),
    ]],
    d_mlp: Some(("hidden_dim", "blk.0.ffn_down.weight")),
    fixed: &[("activation", Fixed::Text("gelu"))],
    steps: &[steps::bidirectional],
    tensors: &[&[
        ("token_embd", "embeddings.word_embeddings", AsIs),
        ("position_embd", "embeddings.position_embeddings", AsIs),
        ("token_embd_norm", "embeddings.LayerNorm", AsIs),
        ("blk.#.attn_q", "transformer.layer.#.attention.q_lin", AsIs),
        ("blk.#.attn_k", "transformer.layer.#.attention.k_lin", AsIs),
        ("blk.#.attn_v", "transformer.layer.#.attention.v_lin", AsIs),
        ("blk.#.attn_output", "transformer.layer.#.attention.out_lin", AsIs),
        ("blk.#.attn_output_norm", "transformer.layer.#.sa_layer_norm", AsIs),
        ("blk.#.ffn_up", "transformer.layer.#.ffn.lin1", AsIs),
        ("blk.#.ffn_down", "transformer.layer.#.ffn.lin2", AsIs),
        ("blk.#.layer_output_norm", "transformer.layer.#.output_layer_norm", AsIs),
    ]],
    ..BERT
};

/// T5. GGUF does not store the distance where the last bucket begins; every published model uses the one set here.
pub(super) const T5: Family = Family {
    architecture: "t5",
    model_type: "t5",
    keys: &[&[
        ("d_model", "embedding_length"),
        ("num_layers", "block_count"),
        ("num_heads", "attention.head_count"),
        ("d_kv", "attention.key_length"),
        ("n_positions", "context_length"),
        ("layer_norm_epsilon", "attention.layer_norm_rms_epsilon"),
        ("relative_attention_num_buckets", "attention.relative_buckets_count"),
        ("decoder_start_token_id", "decoder_start_token_id"),
    ]],
    optional: &[&[("layer_norm_epsilon", EPS), ("num_decoder_layers", "decoder_block_count")]],
    d_mlp: Some(("d_ff", "enc.blk.0.ffn_down.weight")),
    fixed: &[
        ("is_encoder_decoder", Fixed::Flag(true)),
        ("relative_attention_max_distance", Fixed::Count(128)),
        ("feed_forward_proj", Fixed::Text("relu")),
    ],
    steps: &[steps::scaled_where_tied],
    tensors: &[
        T5_NAMES,
        &[
            ("enc.blk.#.ffn_up", "encoder.block.#.layer.1.DenseReluDense.wi", AsIs),
            ("dec.blk.#.ffn_up", "decoder.block.#.layer.2.DenseReluDense.wi", AsIs),
        ],
    ],
    ..NAMELESS
};

/// T5 1.1 and Flan-T5.
pub(super) const T5_GATED: Family = Family {
    is_it: |facts| facts.has("enc.blk.0.ffn_gate.weight"),
    fixed: &[
        ("is_encoder_decoder", Fixed::Flag(true)),
        ("relative_attention_max_distance", Fixed::Count(128)),
        ("feed_forward_proj", Fixed::Text("gated-gelu")),
    ],
    tensors: &[
        T5_NAMES,
        &[
            ("enc.blk.#.ffn_gate", "encoder.block.#.layer.1.DenseReluDense.wi_0", AsIs),
            ("enc.blk.#.ffn_up", "encoder.block.#.layer.1.DenseReluDense.wi_1", AsIs),
            ("dec.blk.#.ffn_gate", "decoder.block.#.layer.2.DenseReluDense.wi_0", AsIs),
            ("dec.blk.#.ffn_up", "decoder.block.#.layer.2.DenseReluDense.wi_1", AsIs),
        ],
    ],
    ..T5
};

const T5_NAMES: &[Tensor] = &[
    ("token_embd", "shared", AsIs),
    ("output", "lm_head", AsIs),
    ("enc.output_norm", "encoder.final_layer_norm", AsIs),
    ("enc.blk.#.attn_norm", "encoder.block.#.layer.0.layer_norm", AsIs),
    ("enc.blk.#.attn_q", "encoder.block.#.layer.0.SelfAttention.q", AsIs),
    ("enc.blk.#.attn_k", "encoder.block.#.layer.0.SelfAttention.k", AsIs),
    ("enc.blk.#.attn_v", "encoder.block.#.layer.0.SelfAttention.v", AsIs),
    ("enc.blk.#.attn_o", "encoder.block.#.layer.0.SelfAttention.o", AsIs),
    ("enc.blk.#.attn_rel_b", "encoder.block.#.layer.0.SelfAttention.relative_attention_bias", AsIs),
    ("enc.blk.#.ffn_norm", "encoder.block.#.layer.1.layer_norm", AsIs),
    ("enc.blk.#.ffn_down", "encoder.block.#.layer.1.DenseReluDense.wo", AsIs),
    ("dec.output_norm", "decoder.final_layer_norm", AsIs),
    ("dec.blk.#.attn_norm", "decoder.block.#.layer.0.layer_norm", AsIs),
    ("dec.blk.#.attn_q", "decoder.block.#.layer.0.SelfAttention.q", AsIs),
    ("dec.blk.#.attn_k", "decoder.block.#.layer.0.SelfAttention.k", AsIs),
    ("dec.blk.#.attn_v", "decoder.block.#.layer.0.SelfAttention.v", AsIs),
    ("dec.blk.#.attn_o", "decoder.block.#.layer.0.SelfAttention.o", AsIs),
    ("dec.blk.#.attn_rel_b", "decoder.block.#.layer.0.SelfAttention.relative_attention_bias", AsIs),
    ("dec.blk.#.cross_attn_norm", "decoder.block.#.layer.1.layer_norm", AsIs),
    ("dec.blk.#.cross_attn_q", "decoder.block.#.layer.1.EncDecAttention.q", AsIs),
    ("dec.blk.#.cross_attn_k", "decoder.block.#.layer.1.EncDecAttention.k", AsIs),
    ("dec.blk.#.cross_attn_v", "decoder.block.#.layer.1.EncDecAttention.v", AsIs),
    ("dec.blk.#.cross_attn_o", "decoder.block.#.layer.1.EncDecAttention.o", AsIs),
    ("dec.blk.#.ffn_norm", "decoder.block.#.layer.2.layer_norm", AsIs),
    ("dec.blk.#.ffn_down", "decoder.block.#.layer.2.DenseReluDense.wo", AsIs),
];
