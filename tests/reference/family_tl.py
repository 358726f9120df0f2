"""The TransformerLens form of a Hugging Face decoder, with the configuration its loader would give it."""

from types import SimpleNamespace

import torch
from transformer_lens import HookedTransformer
from transformer_lens.pretrained import weight_conversions as convert

import hooked

RMS = dict(normalization_type="RMS", final_rms=True, gated_mlp=True, positional_embedding_type="rotary")
LAYER = dict(normalization_type="LN")
FAMILIES = {
    "gpt2": (convert.convert_gpt2_weights, LAYER),
    "gpt_neo": (convert.convert_neo_weights, LAYER),
    "gptj": (convert.convert_gptj_weights, LAYER | dict(positional_embedding_type="rotary")),
    "gpt_neox": (convert.convert_neox_weights, LAYER | dict(positional_embedding_type="rotary")),
    "opt": (convert.convert_opt_weights, LAYER),
    "bloom": (convert.convert_bloom_weights, LAYER),
    "mistral": (convert.convert_mistral_weights, RMS),
    "mixtral": (convert.convert_mixtral_weights, RMS),
    "qwen2": (convert.convert_qwen2_weights, RMS),
    "qwen3": (convert.convert_qwen3_weights, RMS | dict(use_qk_norm=True)),
    "olmoe": (convert.convert_olmoe_weights, RMS | dict(original_architecture="OlmoeForCausalLM")),
    "gemma": (convert.convert_gemma_weights, RMS),
    "gemma2": (convert.convert_gemma_weights, RMS | dict(use_normalization_before_and_after=True)),
    "gemma3_text": (convert.convert_gemma_weights, RMS | dict(use_normalization_before_and_after=True,
                                                             use_qk_norm=True)),
    "phi": (convert.convert_phi_weights, LAYER | dict(positional_embedding_type="rotary", parallel_attn_mlp=True)),
    "phi3": (convert.convert_phi3_weights, RMS),
    "olmo": (convert.convert_olmo_weights, RMS | LAYER | dict(final_rms=False)),
    "olmo2": (convert.convert_olmo2_weights, RMS | dict(original_architecture="Olmo2ForCausalLM")),
}


def build(hf, shape, settings):
    """`settings` are the fields that one family or one case adds to the sizes every model has."""
    c = hf.config
    family, fields = FAMILIES[c.model_type]
    grouped = shape.kv_heads != shape.heads or c.model_type in ("mistral", "qwen2", "gemma", "gemma2", "olmoe")
    rope = getattr(c, "rope_parameters", None) or {}
    eps = next((getattr(c, key) for key in ("layer_norm_epsilon", "layer_norm_eps", "rms_norm_eps") if hasattr(c, key)),
               1e-5)
    sizes = dict(
        n_layers=c.num_hidden_layers, n_heads=shape.heads, d_model=c.hidden_size, d_head=shape.d_head,
        n_ctx=getattr(c, "max_position_embeddings", 64), d_mlp=mlp_width(hf), d_vocab=c.vocab_size, eps=eps,
        act_fn=activation(c), n_key_value_heads=shape.kv_heads if grouped else None,
        rotary_base=rope.get("rope_theta", 10000),
    )
    cfg = hooked.config(**sizes | fields | settings)
    model = HookedTransformer(cfg, move_to_device=False)
    state = {key: value for key, value in weights(hf, family, cfg).items() if fits(key, cfg)}
    missing, unexpected = model.load_state_dict(state, strict=False)
    left = {name for name, _ in model.named_parameters()} & set(missing)
    assert not unexpected and all(".b_" in name or name == "pos_embed.W_pos" for name in left), (unexpected, left)
    return model.eval()


def activation(c):
    keys = ("activation_function", "hidden_activation", "hidden_act")
    return next((getattr(c, key) for key in keys if getattr(c, key, None)), None)


def mlp_width(hf):
    """The number of neurons, seen from the matrix that reads them."""
    c = hf.config
    widths = [getattr(c, key, None) for key in ("intermediate_size", "ffn_dim", "n_inner")]
    return next((width for width in widths if width), 4 * c.hidden_size)


def weights(hf, family, cfg):
    if hf.config.model_type == "mixtral":
        name_experts_as_before(hf, cfg)
    if hf.config.model_type == "gpt_neox":
        hf.__dict__["embed_out"] = hf.lm_head  # its name before transformers 5, and in the checkpoint
    return family(hf, cfg)


def name_experts_as_before(hf, cfg):
    """Transformers 5 keeps the experts of a layer in two tensors; TransformerLens reads one module for each."""
    for layer in hf.model.layers:
        experts = layer.mlp.experts
        take = lambda weight: SimpleNamespace(weight=weight)
        layer.block_sparse_moe = SimpleNamespace(gate=layer.mlp.gate, experts=[
            SimpleNamespace(w1=take(gate_up[:cfg.d_mlp]), w3=take(gate_up[cfg.d_mlp:]), w2=take(down))
            for gate_up, down in zip(experts.gate_up_proj, experts.down_proj)])


def fits(key, cfg):
    """RMS norms have no bias, though Phi-3's converter writes one."""
    return not (cfg.normalization_type == "RMS" and key.split(".")[-2:] in (["ln1", "b"], ["ln2", "b"]))


@torch.no_grad()
def record(hf, shape, settings, tokens):
    """The model and every hook of one run, the queries' and keys' norms per head as everything else."""
    sites = hooked.record(build(hf, shape, settings), tokens)
    heads = {"q_norm": shape.heads, "k_norm": shape.kv_heads}
    for name, value in sites.items():
        which = next((norm for norm in heads if norm in name), None)
        if which and value.shape[0] != len(tokens):
            sites[name] = value.reshape(len(tokens), heads[which], -1)
    return sites
