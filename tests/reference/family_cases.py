"""The decoder families: one small configuration for each setting that changes what a loader must compute.

Every number a loader may forget differs from its default and from its neighbours.
"""

from dataclasses import dataclass, replace
from typing import Any

from transformers import AutoConfig

from family_hooks import Names
from family_names import (BLOOM, COHERE, EXPERTS, FALCON, GEMMA2, GPT2, GPTJ, LLAMA, NEO, NEOX, OLMO2, OPT, PHI, PHI3,
                          STARCODER2, interleaved)

VOCAB = 53
IDS = dict(vocab_size=VOCAB, bos_token_id=0, eos_token_id=1, pad_token_id=None)


@dataclass(frozen=True)
class Case:
    """A configuration, where its family keeps its parts, and what TransformerLens is told beyond the usual."""

    model_type: str
    settings: dict[str, Any]
    names: Names
    tokens: int = 8
    tl: dict[str, Any] | None = None   # None: TransformerLens cannot hold it
    theirs_wrong: tuple[str, ...] = () # the hooks whose meaning TransformerLens has wrong: Hugging Face's instead

    def config(self):
        return AutoConfig.for_model(self.model_type, **IDS | self.settings)


def llama(**settings):
    """The fields that Llama's many descendants share; the head dimension is not 16 / 4."""
    return dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=6,
                intermediate_size=20, max_position_embeddings=64, rms_norm_eps=2e-3) | settings


def plain(*left_out, **settings):
    """The same for families whose head dimension is always hidden_size / heads."""
    return {key: value for key, value in llama(**dict(hidden_size=24) | settings).items()
            if key not in ("head_dim", *left_out)}


def rope(theta, **more):
    return {"rope_parameters": {"rope_type": "default", "rope_theta": theta, **more}}


def longrope(original, **more):
    """Three pairs of coordinates, each with its own stretch, and another past `original` positions."""
    return dict(original_max_position_embeddings=original, rope_parameters={
        "rope_type": "longrope", "rope_theta": 300.0, "short_factor": [1.1, 1.3, 1.7], "long_factor": [1.5, 2.5, 4.0],
        **more})


LOCAL, GLOBAL = "sliding_attention", "full_attention"
GPT2_SIZE = dict(n_layer=2, n_head=4, n_embd=16, n_positions=24, layer_norm_epsilon=2e-3)
NEOX_SIZE = plain("rms_norm_eps", "num_key_value_heads", layer_norm_eps=2e-3)
OPT_SIZE = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, ffn_dim=20, max_position_embeddings=24,
                pad_token_id=2)
BLOOM_SIZE = dict(hidden_size=24, n_layer=2, layer_norm_epsilon=2e-3)
FALCON_SIZE = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=4, layer_norm_epsilon=2e-3,
                   ffn_hidden_size=20, max_position_embeddings=64)
GEMMA2_SIZE = llama(query_pre_attn_scalar=10, sliding_window=4)

OLDER = {
    "gpt2-inverse-layer": Case("gpt2", GPT2_SIZE | dict(scale_attn_by_inverse_layer_idx=True), GPT2,
                               tl=dict(scale_attn_by_inverse_layer_idx=True)),
    "gpt_neo": Case("gpt_neo", dict(hidden_size=16, num_layers=2, num_heads=4, max_position_embeddings=24,
                                    attention_types=[[["global", "local"], 1]], window_size=4, intermediate_size=20,
                                    layer_norm_epsilon=2e-3), NEO, 12,
                    tl=dict(use_attn_scale=False, use_local_attn=True, window_size=4, attn_types=["global", "local"])),
    "gptj": Case("gptj", GPT2_SIZE | dict(n_embd=24, rotary_dim=4, n_inner=20), GPTJ,
                 tl=dict(parallel_attn_mlp=True, rotary_dim=4, rotary_adjacent_pairs=True)),
    "gpt_neox": Case("gpt_neox", NEOX_SIZE | dict(hidden_size=32) | rope(500.0, partial_rotary_factor=0.5),
                     replace(NEOX, parallel=True), tl=dict(parallel_attn_mlp=True, rotary_dim=4)),
    "gpt_neox-sequential": Case("gpt_neox", NEOX_SIZE | dict(use_parallel_residual=False, hidden_act="gelu_new")
                                | rope(900.0, partial_rotary_factor=0.67), NEOX, tl=dict(rotary_dim=4)),
    "opt": Case("opt", OPT_SIZE, OPT, tl={}),
    "opt-post-norm": Case("opt", OPT_SIZE | dict(do_layer_norm_before=False), replace(OPT, post_norm=True)),
    "opt-projected": Case("opt", OPT_SIZE | dict(do_layer_norm_before=False, word_embed_proj_dim=10),
                          replace(OPT, post_norm=True, embed="model.decoder.project_in")),
    "bloom": Case("bloom", BLOOM_SIZE | dict(n_head=4), BLOOM,
                  tl=dict(post_embedding_ln=True, positional_embedding_type="alibi", act_fn="gelu_fast")),
    "bloom-6-heads": Case("bloom", BLOOM_SIZE | dict(n_head=6), BLOOM),
    "gpt_bigcode": Case("gpt_bigcode", GPT2_SIZE | dict(n_inner=20), GPT2),
    "gpt_bigcode-multi-head": Case("gpt_bigcode", GPT2_SIZE | dict(multi_query=False),
                                   replace(GPT2, split=interleaved)),
}

LLAMAS = {
    "mistral": Case("mistral", llama(sliding_window=None) | rope(700.0), LLAMA, tl={}),
    "mistral-window": Case("mistral", llama(sliding_window=4) | rope(300.0), LLAMA, 12,
                           tl=dict(use_local_attn=True, window_size=4, attn_types=["local"] * 2)),
    "mixtral": Case("mixtral", llama(num_local_experts=4, num_experts_per_tok=2, intermediate_size=12) | rope(700.0),
                    EXPERTS, tl=dict(num_experts=4, experts_per_token=2, norm_topk_prob=True)),
    "qwen2": Case("qwen2", plain(tie_word_embeddings=True) | rope(300.0), LLAMA, tl={}),
    "qwen2-window": Case("qwen2", plain(use_sliding_window=True, sliding_window=4, max_window_layers=1) | rope(700.0),
                         LLAMA, 12, tl=dict(use_local_attn=True, window_size=4, attn_types=["global", "local"])),
    "qwen3": Case("qwen3", llama() | rope(300.0), LLAMA, tl={}),
    "qwen3_moe": Case("qwen3_moe", llama(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=12,
                                         norm_topk_prob=True, mlp_only_layers=[]) | rope(300.0), EXPERTS),
    "olmoe": Case("olmoe", plain(num_experts=4, num_experts_per_tok=2, intermediate_size=12) | rope(300.0), EXPERTS,
                  tl=dict(num_experts=4, experts_per_token=2)),
    "gemma": Case("gemma", llama(num_key_value_heads=1) | rope(300.0), LLAMA, tl={}),
    "gemma2": Case("gemma2", GEMMA2_SIZE | dict(attn_logit_softcapping=1.5, final_logit_softcapping=2.0) | rope(300.0),
                   GEMMA2, 12, tl=dict(use_local_attn=True, window_size=4, attn_types=["local", "global"],
                                       attn_scale=10**0.5, attn_scores_soft_cap=1.5, output_logits_soft_cap=2.0)),
    "gemma3_text": Case("gemma3_text", GEMMA2_SIZE | dict(num_hidden_layers=3, sliding_window_pattern=3,
        rope_parameters={LOCAL: {"rope_type": "default", "rope_theta": 300.0},
                         GLOBAL: {"rope_type": "default", "rope_theta": 2000.0}}),
        GEMMA2, 12, tl=dict(use_local_attn=True, window_size=4, attn_types=["local", "local", "global"],
                            attn_scale=10**0.5, rotary_base=2000, rotary_base_local=300)),
    "gemma3_text-linear": Case("gemma3_text", GEMMA2_SIZE | dict(sliding_window_pattern=2, rope_parameters={
        LOCAL: {"rope_type": "default", "rope_theta": 300.0},
        GLOBAL: {"rope_type": "linear", "factor": 8.0, "rope_theta": 2000.0}}),
        GEMMA2, 12, tl=dict(use_local_attn=True, window_size=4, attn_types=["local", "global"], attn_scale=10**0.5,
                            rotary_base=2000, rotary_base_local=300, rotary_scaling_factor=8.0)),
    "phi": Case("phi", NEOX_SIZE | dict(hidden_size=32) | rope(300.0, partial_rotary_factor=0.5), PHI,
                tl=dict(rotary_dim=4)),
    "phi3": Case("phi3", plain() | rope(300.0), PHI3, tl={}),
    "phi3-longrope-short": Case("phi3", plain(max_position_embeddings=32) | longrope(16), PHI3, 12),
    "phi3-longrope-long": Case("phi3", plain(max_position_embeddings=32)
                               | dict(hidden_size=32) | longrope(8, partial_rotary_factor=0.75), PHI3, 12),
    "olmo": Case("olmo", plain("rms_norm_eps", "num_key_value_heads") | rope(300.0), LLAMA, tl={}),
    "olmo-clip": Case("olmo", plain("rms_norm_eps", clip_qkv=0.8) | rope(700.0), LLAMA),
    "olmo2": Case("olmo2", plain(num_key_value_heads=4) | rope(300.0), OLMO2, tl={},
                  theirs_wrong=("hook_attn_out", "hook_mlp_out", "ln1.hook_scale", "ln1.hook_normalized",
                                "ln2.hook_scale", "ln2.hook_normalized")),
    "olmo3": Case("olmo3", plain(num_hidden_layers=4, num_key_value_heads=4, sliding_window=4, rope_parameters={
        LOCAL: {"rope_type": "default", "rope_theta": 5e5},
        GLOBAL: {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "rope_theta": 5e5}}),
        OLMO2, 12),
    "stablelm": Case("stablelm", plain("rms_norm_eps", hidden_size=32, layer_norm_eps=2e-3, use_qkv_bias=True)
                     | rope(300.0, partial_rotary_factor=0.5), LLAMA),
    "stablelm-parallel": Case("stablelm", plain("rms_norm_eps", hidden_size=32, layer_norm_eps=2e-3, qk_layernorm=True,
                                                use_parallel_residual=True)
                              | rope(300.0, partial_rotary_factor=0.25), COHERE),
    "smollm3": Case("smollm3", plain(no_rope_layers=[1, 0]) | rope(300.0), LLAMA),
    "starcoder2": Case("starcoder2", plain("rms_norm_eps", norm_epsilon=2e-3, sliding_window=4) | rope(300.0),
                       STARCODER2, 12),
    "cohere": Case("cohere", plain("rms_norm_eps", layer_norm_eps=2e-3, logit_scale=0.3) | rope(300.0), COHERE),
    "cohere-qk-norm": Case("cohere", plain("rms_norm_eps", layer_norm_eps=2e-3, logit_scale=0.7, use_qk_norm=True)
                           | rope(700.0), COHERE),
    "cohere2": Case("cohere2", plain("rms_norm_eps", num_hidden_layers=4, layer_norm_eps=2e-3, logit_scale=0.3,
                                     sliding_window=4) | rope(300.0), COHERE, 12),
    "falcon": Case("falcon", FALCON_SIZE | rope(300.0), FALCON),
    "falcon-new": Case("falcon", FALCON_SIZE | dict(new_decoder_architecture=True, num_kv_heads=2) | rope(700.0),
                       replace(FALCON, ln1="ln_attn", ln2="ln_mlp")),
    "falcon-new-one-norm": Case("falcon", FALCON_SIZE | dict(new_decoder_architecture=True, num_kv_heads=2,
                                                             num_ln_in_parallel_attn=1) | rope(700.0), FALCON),
    "falcon-alibi": Case("falcon", FALCON_SIZE | dict(alibi=True, bias=True, multi_query=False, parallel_attn=False),
                         replace(BLOOM, split=interleaved)),
    "granite": Case("granite", plain(embedding_multiplier=3.0, residual_multiplier=0.5, attention_multiplier=0.3,
                                     logits_scaling=2.0) | rope(300.0), replace(LLAMA, residual=0.5)),
}
CASES = OLDER | LLAMAS
