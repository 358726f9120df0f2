"""Builds TransformerLens models from Hugging Face ones and records every hook, whatever flag it hides behind."""

import json

import torch
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights, convert_llama_weights
from transformers import AutoModelForCausalLM


def config(**fields):
    return HookedTransformerConfig(**fields, device="cpu", seed=0, use_hook_tokens=True)


def native(folder):
    """The model of a checkpoint in TransformerLens's own form."""
    fields = json.loads((folder / "config.json").read_text())
    fields.pop("model_type")
    return load(config(**fields), load_file(folder / "model.safetensors"))


def opened(convert):
    """What opens a Hugging Face folder and converts it."""
    return lambda folder: convert(AutoModelForCausalLM.from_pretrained(folder).eval())


def gpt2(hf):
    """The TransformerLens form of a `GPT2LMHeadModel`."""
    c = hf.config
    cfg = config(
        n_layers=c.n_layer, n_heads=c.n_head, d_model=c.n_embd, d_head=c.n_embd // c.n_head, n_ctx=c.n_positions,
        d_mlp=c.n_inner or 4 * c.n_embd, d_vocab=c.vocab_size, eps=c.layer_norm_epsilon, act_fn=c.activation_function,
        normalization_type="LN",
    )
    return load(cfg, convert_gpt2_weights(hf, cfg))


def llama(hf):
    """The TransformerLens form of a `LlamaForCausalLM`. It has no place for the biases of a gated MLP."""
    c = hf.config
    assert not c.mlp_bias, "TransformerLens adds b_in after the product with the gate, so it cannot hold these biases"
    grouped = c.num_key_value_heads != c.num_attention_heads
    cfg = config(
        n_layers=c.num_hidden_layers, n_heads=c.num_attention_heads, d_model=c.hidden_size, d_head=c.head_dim,
        n_ctx=c.max_position_embeddings, d_mlp=c.intermediate_size, d_vocab=c.vocab_size, eps=c.rms_norm_eps,
        act_fn=c.hidden_act, gated_mlp=True, normalization_type="RMS", final_rms=True,
        n_key_value_heads=c.num_key_value_heads if grouped else None, positional_embedding_type="rotary",
        rotary_adjacent_pairs=False, rotary_dim=c.head_dim, rotary_base=c.rope_parameters["rope_theta"],
    )
    weights = convert_llama_weights(hf, cfg)
    if c.attention_bias:
        weights |= attention_biases(hf, "_" if grouped else "")
    return load(cfg, weights)


def attention_biases(hf, key_prefix):
    """The biases that TransformerLens's own converter sets to zero."""
    biases = {}
    for l, layer in enumerate(hf.model.layers):
        a = layer.self_attn
        biases[f"blocks.{l}.attn.b_Q"] = a.q_proj.bias.view(-1, a.head_dim)
        biases[f"blocks.{l}.attn.{key_prefix}b_K"] = a.k_proj.bias.view(-1, a.head_dim)
        biases[f"blocks.{l}.attn.{key_prefix}b_V"] = a.v_proj.bias.view(-1, a.head_dim)
        biases[f"blocks.{l}.attn.b_O"] = a.o_proj.bias
    return biases


def load(cfg, weights):
    model = HookedTransformer(cfg, move_to_device=False)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    parameters = {name for name, _ in model.named_parameters()}
    assert not unexpected and parameters & set(missing) <= {"unembed.b_U"}, (unexpected, missing)
    return model.eval()


@torch.no_grad()
def record(model, tokens):
    """Every hook of one run on `tokens` [pos], without the batch axis, and the logits.

    The flags that open the gated hooks exclude one another and change the shapes of `ln1`'s hooks, so each is opened
    in a run of its own that only adds the names not seen before.
    """
    ids = torch.tensor([tokens])
    logits, cache = run(model, ids)
    gates = [model.set_use_attn_result, model.set_use_split_qkv_input]
    if not model.cfg.attn_only:
        gates.append(model.set_use_hook_mlp_in)
    if model.cfg.n_key_value_heads is None:
        gates.append(model.set_use_attn_in)
    for gate in gates:
        gate(True)
        again, gated = run(model, ids)
        gate(False)
        torch.testing.assert_close(again, logits, atol=1e-5, rtol=0)
        assert gated.keys() - cache.keys(), f"{gate.__name__} opened nothing"
        cache = gated | cache
    return cache | {"tokens": torch.tensor(tokens), "logits": logits}


def run(model, ids):
    logits, cache = model.run_with_cache(ids, return_cache_object=False)
    return logits[0], {name: without_batch(name, activation) for name, activation in cache.items()}


def without_batch(name, activation):
    """What experts and per-head norms see is a flat list of tokens already."""
    return activation[0] if activation.ndim > 2 or name == "hook_tokens" else activation


def gradients(model, tokens, answer, wrong):
    """The gradient of `logits[-1, answer] - logits[-1, wrong]` at every site that something can be added to."""
    kept = {}

    def keep(activation, hook):
        activation.retain_grad()
        kept[hook.name] = activation

    sites = ("embed", "resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out",
             "q", "k", "v", "z", "pattern", "attn_scores", "pre", "post")
    wanted = lambda name: name.rsplit("hook_")[-1] in sites
    logits = model.run_with_hooks(torch.tensor([tokens]), fwd_hooks=[(wanted, keep)])
    difference = logits[0, -1, answer] - logits[0, -1, wrong]
    difference.backward()
    grads = {name: activation.grad[0] for name, activation in kept.items()}
    extra = {"tokens": torch.tensor(tokens), "answers": torch.tensor([answer, wrong]),
             "logit_difference": difference.detach().view(1)}
    return grads | extra
