//! GGUF's names for architectures, settings and tensors, and what they are called in a `config.json`.
//!
//! The names are those that llama.cpp's `convert_hf_to_gguf.py` writes.

use super::layout::Layout;

/// One architecture's names.
pub(super) struct Family {
    /// `general.architecture`.
    pub(super) architecture: &'static str,
    /// The activation function, which GGUF does not write: its key and its name.
    pub(super) activation: (&'static str, &'static str),
    /// Key of `config.json`, key of GGUF (behind the architecture's name). These must be there.
    pub(super) keys: &'static [(&'static str, &'static str)],
    /// As `keys`, for those that may be absent.
    pub(super) optional: &'static [(&'static str, &'static str)],
    /// GGUF's name, the model's own name, how the rows are laid out. `#` is the number of the layer.
    tensors: &'static [(&'static str, &'static str, Layout)],
}

pub(super) const FAMILIES: [Family; 4] =
    [llama_like("llama", LLAMA), llama_like("qwen2", QWEN), llama_like("qwen3", QWEN), GPT2];

const fn llama_like(architecture: &'static str, tensors: &'static [(&'static str, &'static str, Layout)]) -> Family {
    Family {
        architecture,
        activation: ("hidden_act", "silu"),
        keys: &[
            ("hidden_size", "embedding_length"),
            ("num_hidden_layers", "block_count"),
            ("num_attention_heads", "attention.head_count"),
            ("intermediate_size", "feed_forward_length"),
            ("rms_norm_eps", "attention.layer_norm_rms_epsilon"),
            ("max_position_embeddings", "context_length"),
        ],
        optional: &[
            ("num_key_value_heads", "attention.head_count_kv"),
            ("head_dim", "attention.key_length"),
            ("rope_theta", "rope.freq_base"),
            ("sliding_window", "attention.sliding_window"),
        ],
        tensors,
    }
}

const LLAMA: &[(&str, &str, Layout)] = &[
    ("token_embd", "model.embed_tokens", Layout::AsIs),
    ("output_norm", "model.norm", Layout::AsIs),
    ("output", "lm_head", Layout::AsIs),
    ("blk.#.attn_norm", "model.layers.#.input_layernorm", Layout::AsIs),
    ("blk.#.attn_q", "model.layers.#.self_attn.q_proj", Layout::RotaryPairs { of_keys: false }),
    ("blk.#.attn_k", "model.layers.#.self_attn.k_proj", Layout::RotaryPairs { of_keys: true }),
    ("blk.#.attn_v", "model.layers.#.self_attn.v_proj", Layout::AsIs),
    ("blk.#.attn_output", "model.layers.#.self_attn.o_proj", Layout::AsIs),
    ("blk.#.ffn_norm", "model.layers.#.post_attention_layernorm", Layout::AsIs),
    ("blk.#.ffn_gate", "model.layers.#.mlp.gate_proj", Layout::AsIs),
    ("blk.#.ffn_up", "model.layers.#.mlp.up_proj", Layout::AsIs),
    ("blk.#.ffn_down", "model.layers.#.mlp.down_proj", Layout::AsIs),
];

const QWEN: &[(&str, &str, Layout)] = &[
    ("token_embd", "model.embed_tokens", Layout::AsIs),
    ("output_norm", "model.norm", Layout::AsIs),
    ("output", "lm_head", Layout::AsIs),
    ("blk.#.attn_norm", "model.layers.#.input_layernorm", Layout::AsIs),
    ("blk.#.attn_q", "model.layers.#.self_attn.q_proj", Layout::AsIs),
    ("blk.#.attn_q_norm", "model.layers.#.self_attn.q_norm", Layout::AsIs),
    ("blk.#.attn_k", "model.layers.#.self_attn.k_proj", Layout::AsIs),
    ("blk.#.attn_k_norm", "model.layers.#.self_attn.k_norm", Layout::AsIs),
    ("blk.#.attn_v", "model.layers.#.self_attn.v_proj", Layout::AsIs),
    ("blk.#.attn_output", "model.layers.#.self_attn.o_proj", Layout::AsIs),
    ("blk.#.ffn_norm", "model.layers.#.post_attention_layernorm", Layout::AsIs),
    ("blk.#.ffn_gate", "model.layers.#.mlp.gate_proj", Layout::AsIs),
    ("blk.#.ffn_up", "model.layers.#.mlp.up_proj", Layout::AsIs),
    ("blk.#.ffn_down", "model.layers.#.mlp.down_proj", Layout::AsIs),
];

const GPT2: Family = Family {
    architecture: "gpt2",
    activation: ("activation_function", "gelu_new"),
    keys: &[
        ("n_embd", "embedding_length"),
        ("n_layer", "block_count"),
        ("n_head", "attention.head_count"),
        ("n_inner", "feed_forward_length"),
        ("n_positions", "context_length"),
        ("layer_norm_epsilon", "attention.layer_norm_epsilon"),
    ],
    optional: &[],
    tensors: &[
        ("token_embd", "transformer.wte", Layout::AsIs),
        ("position_embd", "transformer.wpe", Layout::AsIs),
        ("output_norm", "transformer.ln_f", Layout::AsIs),
        ("output", "lm_head", Layout::AsIs),
        ("blk.#.attn_norm", "transformer.h.#.ln_1", Layout::AsIs),
        ("blk.#.attn_qkv", "transformer.h.#.attn.c_attn", Layout::Transposed),
        ("blk.#.attn_output", "transformer.h.#.attn.c_proj", Layout::Transposed),
        ("blk.#.ffn_norm", "transformer.h.#.ln_2", Layout::AsIs),
        ("blk.#.ffn_up", "transformer.h.#.mlp.c_fc", Layout::Transposed),
        ("blk.#.ffn_down", "transformer.h.#.mlp.c_proj", Layout::Transposed),
    ],
};

impl Family {
    /// What the model itself calls a tensor, and how its rows are laid out. A tensor that this architecture does not
    /// have keeps GGUF's name, so that it is noticed as unused.
    pub(super) fn tensor(&self, gguf: &str) -> (String, Layout) {
        let unknown = (gguf.to_owned(), Layout::AsIs);
        let Some((stem, suffix)) = gguf.rsplit_once('.') else { return unknown };
        let (stem, layer) = match stem.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) {
            Some((layer, rest)) if layer.parse::<usize>().is_ok() => (format!("blk.#.{rest}"), layer),
            _ => (stem.to_owned(), ""),
        };
        match self.tensors.iter().find(|(name, ..)| *name == stem) {
            Some((_, own, layout)) => (format!("{}.{suffix}", own.replace('#', layer)), *layout),
            None => unknown,
        }
    }
}
