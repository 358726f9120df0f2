"""Records a Hugging Face decoder under TransformerLens's hook names, whatever its family calls its modules.

`hook_attn_out` and `hook_mlp_out` are what is added to the residual stream: after post norms and residual multipliers.
`attn.hook_q` and `hook_k` come before query and key norms, `hook_rot_q` and `hook_rot_k` after norms and rotation.
"""

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Callable
from unittest import mock

import torch


@dataclass(frozen=True)
class Names:
    """Where a family keeps its parts. Names inside a layer are relative to it."""

    layers: str = "model.layers"
    final: str = "model.norm"
    ln1: str | None = "input_layernorm"
    ln2: str | None = "post_attention_layernorm"
    q: str = "self_attn.q_proj"
    k: str = "self_attn.k_proj"
    v: str = "self_attn.v_proj"
    qkv: str | None = None                 # one projection for all three ...
    split: Callable | None = None          # ... and how to take it apart: (qkv [p, ...], shape) -> q, k, v
    o: str = "self_attn.o_proj"
    pre: str | None = "mlp.gate_proj"      # None: several experts, or one projection for gate and up
    linear: str | None = "mlp.up_proj"
    gate_up: str | None = None
    down: str | None = "mlp.down_proj"
    mlp: str | None = None                 # the module whose output is the MLP's, where that is not `down`
    ln1_post: str | None = None            # norms of what attention and MLP give
    ln2_post: str | None = None
    embed: str | None = None               # with learned positions: the two tables
    pos_embed: str | None = None
    parallel: bool = False
    post_norm: bool = False                # the residual stream itself is normalised
    rotary: bool = True
    residual: float = 1.0


@dataclass(frozen=True)
class Shape:
    """The heads of one checkpoint."""

    heads: int
    kv_heads: int
    d_head: int


@torch.no_grad()
def record(hf, names, shape, tokens):
    """Every hook the modules show in one run on `tokens` [pos], without the batch axis."""
    seen, attended, out = watch(hf, tokens)
    into, out_of = (lambda name: seen[name][0]), (lambda name: seen[name][1])
    sites = {"hook_tokens": torch.tensor(tokens)} | embeddings(names, into, out_of)
    for l in range(hf.config.num_hidden_layers):
        hooks = block(hf, names, shape, f"{names.layers}.{l}", into, out_of)
        hooks["attn.hook_pattern"] = out.attentions[l][0]
        check_heads(hooks, shape)
        if attended:
            hooks |= attention(attended[l], names.rotary, out.attentions[l][0])
        sites |= {f"blocks.{l}.{name}": value for name, value in hooks.items()}
    if names.final in seen:
        sites |= norm("ln_final", hf.get_submodule(names.final), into(names.final), out_of(names.final))
    return sites


def watch(hf, tokens):
    """What goes into and out of every module, and into every attention function; the model's own output."""
    seen, attended = {}, []
    modeling = sys.modules[type(hf).__module__]
    with ExitStack() as stack:
        if plain := getattr(modeling, "eager_attention_forward", None):
            def spy(module, query, key, value, mask, *args, **kwargs):
                attended.append((query[0], key[0], None if mask is None else mask[0], kwargs))
                return plain(module, query, key, value, mask, *args, **kwargs)
            stack.enter_context(mock.patch.object(modeling, "eager_attention_forward", spy))
        for name, module in hf.named_modules():
            def keep(_, args, kwargs, output, name=name):
                seen[name] = first(args[0] if args else kwargs.get("hidden_states")), first(output)
            stack.callback(module.register_forward_hook(keep, with_kwargs=True).remove)
        out = hf(torch.tensor([tokens]), output_attentions=True, output_hidden_states=True)
    return seen, attended, out


def first(value):
    """The one row of a batch, or the tokens where the batch is flattened (OPT, experts).

    A copy, because some modules add to their input in place.
    """
    tensor = value[0] if isinstance(value, tuple) else value
    if not isinstance(tensor, torch.Tensor):
        return None
    return (tensor[0] if tensor.shape[0] == 1 else tensor).clone()


def check_heads(hooks, shape):
    """The values found here are the ones the model's heads mixed."""
    v = hooks["attn.hook_v"].repeat_interleave(shape.heads // shape.kv_heads, dim=1)
    z = torch.einsum("hqk,khd->qhd", hooks["attn.hook_pattern"], v)
    torch.testing.assert_close(z, hooks["attn.hook_z"], atol=1e-4, rtol=0)


def embeddings(names, into, out_of):
    if names.pos_embed is None:
        return {"hook_embed": into(f"{names.layers}.0")}
    return {"hook_embed": out_of(names.embed), "hook_pos_embed": out_of(names.pos_embed)}


def block(hf, names, shape, at, into, out_of):
    """One layer's hooks, their names relative to the block."""
    layer = hf.get_submodule(at)
    here = lambda name: f"{at}.{name}"
    heads = lambda x, n: x.reshape(-1, n, shape.d_head)
    q, k, v = projections(names, shape, here, out_of)
    if limit := getattr(hf.config, "clip_qkv", None):
        q, k, v = (x.clamp(-limit, limit) for x in (q, k, v))
    z = heads(into(here(names.o)), shape.heads)
    resid_pre, resid_post = into(at), out_of(at)
    attn_out = names.residual * out_of(here(names.ln1_post or names.o))
    mlp_out = names.residual * out_of(here(names.ln2_post or names.mlp or names.down))
    hooks = {
        "hook_resid_pre": resid_pre, "hook_resid_post": resid_post, "hook_attn_out": attn_out, "hook_mlp_out": mlp_out,
        "attn.hook_q": heads(q, shape.heads), "attn.hook_k": heads(k, shape.kv_heads),
        "attn.hook_v": heads(v, shape.kv_heads), "attn.hook_z": z,
        "attn.hook_result": torch.einsum("phd,hdm->phm", z, output_matrices(layer.get_submodule(names.o), shape)),
    }
    if not names.post_norm:
        torch.testing.assert_close(resid_pre + attn_out + mlp_out, resid_post, atol=1e-4, rtol=0)
        if not names.parallel:
            hooks["hook_resid_mid"] = resid_pre + attn_out
        for ours in ("ln1", "ln2", "ln1_post", "ln2_post"):
            if theirs := getattr(names, ours):
                hooks |= norm(ours, layer.get_submodule(theirs), into(here(theirs)), out_of(here(theirs)))
    return hooks | mlp(names, here, into, out_of)


def projections(names, shape, here, out_of):
    if names.qkv:
        return names.split(out_of(here(names.qkv)), shape)
    return [out_of(here(name)) for name in (names.q, names.k, names.v)]


def output_matrices(o, shape):
    """W_O [head, d_head, d_model]; GPT-2's Conv1D keeps its weight the other way round."""
    weight = o.weight if type(o).__name__ == "Conv1D" else o.weight.T
    return weight.reshape(shape.heads, shape.d_head, -1)


def mlp(names, here, into, out_of):
    if names.gate_up:
        gate, up = out_of(here(names.gate_up)).chunk(2, dim=-1)
        return {"mlp.hook_pre": gate, "mlp.hook_pre_linear": up, "mlp.hook_post": into(here(names.down))}
    if not names.pre:
        return {}
    linear = {"mlp.hook_pre_linear": out_of(here(names.linear))} if names.linear else {}
    return {"mlp.hook_pre": out_of(here(names.pre)), "mlp.hook_post": into(here(names.down))} | linear


def norm(name, module, x, y):
    """What a norm divides by and gives before its weight. `y`, its output, shows that this is what it computes."""
    eps = next(getattr(module, key) for key in ("eps", "variance_epsilon") if hasattr(module, key)) \
        if type(module).__name__ != "OlmoLayerNorm" else 1e-5
    centred = x - x.mean(-1, keepdim=True) if "LayerNorm" in type(module).__name__ else x
    scale = (centred.pow(2).mean(-1, keepdim=True) + eps).sqrt()
    normalized = centred / scale
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    if "Gemma" in type(module).__name__:
        weight = 1 + weight
    again = normalized * (1 if weight is None else weight) + (0 if bias is None else bias)
    torch.testing.assert_close(again, y, atol=1e-4, rtol=0)
    return {f"{name}.hook_scale": scale, f"{name}.hook_normalized": normalized}


def attention(call, rotary, pattern):
    """The scores of one call of the attention function, and the rotated queries and keys."""
    q, k, mask, settings = call
    every_k = k.repeat_interleave(q.shape[0] // k.shape[0], dim=0)
    scaling = settings.get("scaling")
    scores = q @ every_k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scaling is None else scaling)
    if cap := settings.get("softcap"):
        scores = cap * torch.tanh(scores / cap)
    scores = scores.masked_fill(mask < -1e30, -torch.inf)
    torch.testing.assert_close(scores.softmax(-1), pattern, atol=1e-5, rtol=0)
    rotated = {"attn.hook_rot_q": q.transpose(0, 1), "attn.hook_rot_k": k.transpose(0, 1)} if rotary else {}
    return {"attn.hook_attn_scores": scores} | rotated
